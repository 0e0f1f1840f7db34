// What the TypeScript SDK writes, read back with the SDK: each function of `checks` is one behaviour.
import { Client, type Run, RunTree } from "langsmith";
import { getCurrentRunTree, traceable } from "langsmith/traceable";
import { wrapOpenAI } from "langsmith/wrappers";
import OpenAI from "openai";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { options, report } from "./harness.mts";

const client = new Client();
const warned: string[] = [];
console.warn = console.error = (...words: unknown[]) => void warned.push(words.map(String).join(" "));
const ANSWER = { answer: 42, text: "Grüße 你好 مرحبا 🏕️", nested: { list: [1, 2.5, null, true] } };

const project = () => `${options.project}-${randomUUID()}`;
const flush = () => client.awaitPendingTraceBatches();

// Milliseconds: the SDK sends numbers and strings, with and without a Z.
function moment(time: string | number | undefined): number {
  if (typeof time === "number") return time;
  return Date.parse(/Z|[+-]\d\d:\d\d$/.test(time!) ? time! : `${time}Z`);
}

async function listed(query: Parameters<Client["listRuns"]>[0]): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const run of client.listRuns(query)) runs.push(run);
  return runs;
}

// A chain with a tool and a retriever below it; the run trees as the SDK sent them, by name.
async function threeRuns(name: string): Promise<Record<string, RunTree>> {
  const sent: Record<string, RunTree> = {};
  const find = traceable(async (input: { query: string }) => {
    sent.find = getCurrentRunTree();
    return { documents: [{ page_content: input.query, type: "Document", metadata: { source: "a" } }] };
  }, { name: "find", run_type: "retriever", client });
  const lookUp = traceable(async (input: { key: string; limit: number }) => {
    sent.look_up = getCurrentRunTree();
    await find({ query: input.key });
    return ANSWER;
  }, { name: "look_up", run_type: "tool", tags: ["inner"], client });
  const chain = traceable(async (input: { question: string }) => {
    sent.chain = getCurrentRunTree();
    return await lookUp({ key: input.question, limit: 5 });
  }, {
    name: "chain", client, project_name: name, tags: ["outer"],
    metadata: { plan: "plus", depth: { a: [1] }, thread_id: "t-1" },
  });
  await chain({ question: "why?" });
  await flush();
  return sent;
}

const checks = {
  async runs_read_back_as_they_were_sent() {
    for (const tree of Object.values(await threeRuns(project()))) {
      const run = await client.readRun(tree.id);
      assert.equal(run.id, tree.id);
      assert.equal(run.trace_id, tree.trace_id);
      assert.equal(run.parent_run_id ?? undefined, tree.parent_run?.id);
      assert.deepEqual([run.name, run.run_type, run.dotted_order], [tree.name, tree.run_type, tree.dotted_order]);
      assert.deepEqual(run.inputs, tree.inputs);
      assert.deepEqual(run.outputs, tree.outputs);
      assert.equal(moment(run.start_time), Math.floor(moment(tree.start_time)));
      assert.equal(moment(run.end_time), moment(tree.end_time));
      assert.deepEqual(run.tags ?? [], tree.tags ?? []);
      for (const [key, value] of Object.entries(tree.extra.metadata)) assert.deepEqual(run.extra?.metadata[key], value);
      assert.deepEqual([run.status, run.error ?? null], ["success", null]);
    }
  },

  async list_runs_agrees_with_read_run() {
    const name = project();
    const sent = await threeRuns(name);
    const runs = await listed({ projectName: name });
    assert.deepEqual(new Set(runs.map((run) => run.id)), new Set(Object.values(sent).map((tree) => tree.id)));
    for (const run of runs) {
      const read = await client.readRun(run.id);
      assert.deepEqual([run.inputs, run.outputs, run.extra], [read.inputs, read.outputs, read.extra]);
      assert.deepEqual([run.start_time, run.end_time, run.tags], [read.start_time, read.end_time, read.tags]);
    }
  },

  async child_runs_load_as_a_tree() {
    const sent = await threeRuns(project());
    const root = await client.readRun(sent.chain.id, { loadChildRuns: true });
    assert.deepEqual(root.child_runs?.map((run) => run.name), ["look_up"]);
    assert.deepEqual(root.child_runs?.[0].child_runs?.map((run) => run.name), ["find"]);
  },

  async runs_are_listed_newest_first_by_every_scope() {
    const name = project();
    const [first, second] = [await threeRuns(name), await threeRuns(name)];
    const roots = (await listed({ projectName: name, isRoot: true })).map((run) => run.id);
    assert.deepEqual(roots, [second.chain.id, first.chain.id]);
    assert.equal((await listed({ projectName: name, limit: 1 })).length, 1);
    assert.equal((await listed({ traceId: roots[0] })).length, 3);
    assert.equal((await listed({ projectName: name, runType: "tool" })).length, 2);
    assert.deepEqual((await listed({ id: [first.find.id] })).map((run) => run.id), [first.find.id]);
    assert.deepEqual(await listed({ projectName: name, error: true }), []);
  },

  async an_error_is_kept() {
    const name = project();
    const broken = traceable(async () => { throw new Error("the model said no"); }, { name: "broken", client, project_name: name });
    await assert.rejects(broken());
    await flush();
    const [run] = await listed({ projectName: name, error: true });
    assert.equal(run.status, "error");
    assert.match(run.error!, /the model said no/);
  },

  async tokens_of_a_model_call_are_counted() {
    const name = project();
    const model = wrapOpenAI(new OpenAI({ baseURL: options.model_url, apiKey: "none" }), { client, project_name: name });
    await model.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content: "one two three" }] });
    await flush();
    const [run] = await listed({ projectName: name });
    assert.equal(run.run_type, "llm");
    assert.deepEqual([run.prompt_tokens, run.completion_tokens, run.total_tokens], [3, 6, 9]);
  },

  async many_calls_may_trace_at_once() {
    const name = project();
    const inner = traceable(async (input: { number: number }) => ({ square: input.number ** 2 }), { name: "inner", client });
    const outer = traceable(async (input: { number: number }) => await inner(input), { name: "outer", client, project_name: name });
    await Promise.all(Array.from({ length: 120 }, (_, number) => outer({ number })));
    await flush();
    const roots = await listed({ projectName: name, isRoot: true });
    const squares = roots.map((run) => run.outputs!.square).sort((a, b) => a - b);
    assert.deepEqual(squares, Array.from({ length: 120 }, (_, number) => number ** 2));
    assert.equal((await listed({ projectName: name })).length, 240);
  },

  async runs_are_created_and_updated_by_hand() {
    const byHand = new Client({ autoBatchTracing: false });
    const [name, id, childId] = [project(), randomUUID(), randomUUID()];
    const start = Date.now();
    await byHand.createRun({ id, name: "by hand", run_type: "chain", inputs: { a: 1 }, project_name: name, start_time: start });
    const pending = await byHand.readRun(id);
    assert.deepEqual([pending.status, pending.inputs, pending.outputs ?? null], ["pending", { a: 1 }, null]);
    await byHand.createRun({ id: childId, name: "child", run_type: "tool", inputs: {}, parent_run_id: id, project_name: name });
    await byHand.updateRun(id, { outputs: { b: 2 }, end_time: start + 3000 });
    const ended = await byHand.readRun(id);
    assert.deepEqual([ended.status, ended.inputs, ended.outputs], ["success", { a: 1 }, { b: 2 }]);
    assert.equal(moment(ended.end_time) - moment(ended.start_time), 3000);
    const child = await byHand.readRun(childId);
    assert.deepEqual([child.trace_id, child.parent_run_id], [id, id]);
  },

  async projects_are_created_listed_and_deleted() {
    const name = project();
    assert.equal(await client.hasProject({ projectName: name }), false);
    const created = await client.createProject({ projectName: name, description: "for a check", metadata: { a: 1 } });
    await assert.rejects(client.createProject({ projectName: name }));
    assert.equal((await client.createProject({ projectName: name, upsert: true })).id, created.id);
    assert.equal(await client.hasProject({ projectName: name }), true);
    const found: string[] = [];
    for await (const item of client.listProjects({ nameContains: name })) found.push(item.id);
    assert.deepEqual(found, [created.id]);
    await client.updateProject(created.id, { description: "changed" });
    assert.equal((await client.readProject({ projectName: name })).description, "changed");
    await client.deleteProject({ projectName: name });
    assert.equal(await client.hasProject({ projectName: name }), false);
  },

  async an_unknown_run_is_not_found() {
    await assert.rejects(client.readRun(randomUUID()), /404|not found/i);
  },

  async the_url_of_a_run_leads_to_this_server() {
    const name = project();
    const sent = await threeRuns(name);
    const { id, tenant_id } = await client.readProject({ projectName: name });
    const url = await client.getRunUrl({ runId: sent.chain.id });
    assert.ok(url.includes(`/o/${tenant_id}/projects/p/${id}/r/${sent.chain.id}`), url);
  },
};

await report(checks, warned);
