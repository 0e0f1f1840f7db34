// What the TypeScript SDK throws or warns of where the server says no, and the addresses it may be given: each function of
// `checks` is one behaviour.
import { Client } from "langsmith";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { all, options, report } from "./harness.mts";

const told: string[] = [];
setInterval(() => {}, 1000); // 0.9.0 waits for its batches without a timer that keeps the process alive
console.warn = console.error = (...words: unknown[]) => void told.push(words.map(String).join(" "));

// 0.9.0 tells the status alone.
const NEW = "sessions" in Client.prototype;
const SENDS_ONLY = NEW ? /This key may only send runs/ : /403/;
const OTHER_WORKSPACE = NEW ? /unset LANGSMITH_WORKSPACE_ID/ : /403/;

const project = () => `${options.project}-${randomUUID()}`;
const clientOf = (place = "/api/v1", fields: object = {}) =>
  new Client({ apiUrl: options.origin + place, apiKey: options.key, ...fields });

// What the SDK warns of when it sends this run.
async function warned(client: Client, run: object = {}): Promise<string[]> {
  told.length = 0;
  const id = randomUUID();
  const made = { id, trace_id: id, dotted_order: `20260301T120000000000Z${id}`, name: "n", inputs: {}, run_type: "chain" };
  await client.createRun({ ...made, project_name: project(), ...run });
  await client.awaitPendingTraceBatches();
  return [...told];
}

const checks = {
  async every_form_of_the_address_does() {
    for (const place of ["", "/", "/api", "/api/", "/api/v1", "/api/v1/"]) {
      const [client, name] = [clientOf(place), project()];
      assert.deepEqual(await warned(client, { project_name: name }), []);
      assert.deepEqual((await all(client.listRuns({ projectName: name }))).map((run) => run.name), ["n"], place);
    }
  },

  async a_body_past_the_cap_is_warned_of_with_the_setting_that_raises_it() {
    const warnings = await warned(clientOf(), { inputs: { text: randomUUID().repeat(4000) } });
    assert.match(warnings.join("\n"), /or raise THREADLINE_MAX_/);
  },

  async a_run_of_no_known_type_is_warned_of() {
    assert.match((await warned(clientOf(), { run_type: "banana" })).join("\n"), /run_type 'banana' is not one of/);
  },

  async a_wrong_key_is_told_what_to_do() {
    const client = clientOf("/api/v1", { apiKey: "tl_wrong" });
    await assert.rejects(all(client.listProjects()), /make one under Settings, API keys/);
    assert.match((await warned(client)).join("\n"), /401/);
  },

  async a_key_that_may_only_send_does_and_reads_nothing() {
    const client = clientOf("/api/v1", { apiKey: options.sending_key });
    assert.deepEqual(await warned(client), []);
    await assert.rejects(client.readRun(randomUUID()), SENDS_ONLY);
    await assert.rejects(all(client.listProjects()), SENDS_ONLY);
  },

  async another_workspace_is_refused() {
    const [found] = await all(clientOf().listProjects({ name: "default" }));
    const [mine, other] = [found.tenant_id, randomUUID()].map((workspaceId) => clientOf("/api/v1", { workspaceId }));
    assert.deepEqual((await all(mine.listProjects({ name: "default" }))).map((one) => one.id), [found.id]);
    await assert.rejects(all(other.listProjects()), OTHER_WORKSPACE);
  },
};

await report(checks);
