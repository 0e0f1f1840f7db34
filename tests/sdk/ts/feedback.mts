// What the TypeScript SDK writes and reads of feedback: each function of `checks` is one behaviour.
// Prints {check: null or its stack}.
import { Client } from "langsmith";
import { traceable } from "langsmith/traceable";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const options = JSON.parse(process.argv[2]);
const client = new Client();

async function turn(): Promise<string> {
  const id = randomUUID();
  const agent = traceable(async (text: string) => text.toUpperCase(), {
    name: "agent", id, client, project_name: `${options.project}-${randomUUID()}`, metadata: { thread_id: "t" },
  });
  await agent("hi");
  await client.awaitPendingTraceBatches();
  return id;
}

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of found) rows.push(row);
  return rows;
}

const checks = {
  async feedback_is_created_read_changed_listed_and_deleted() {
    const run = await turn();
    const made = await client.createFeedback(run, "tone", {
      score: 0.5, value: "kind", comment: "nice", correction: { a: 1 }, sourceInfo: { by: "me" },
    });
    const read = await client.readFeedback(made.id);
    assert.deepEqual(
      [read.run_id, read.key, read.score, read.value, read.comment, read.correction],
      [run, "tone", 0.5, "kind", "nice", { a: 1 }],
    );
    await client.updateFeedback(made.id, { score: true, comment: "nicer" });
    const changed = await client.readFeedback(made.id);
    assert.deepEqual([changed.score, changed.comment, changed.value], [1, "nicer", "kind"]);
    const listed = await all(client.listFeedback({ runIds: [run], feedbackKeys: ["tone"], feedbackSourceTypes: ["api"] }));
    assert.deepEqual(listed.map((one) => one.id), [made.id]);
    await client.deleteFeedback(made.id);
    await assert.rejects(client.readFeedback(made.id));
  },

  async feedback_with_its_trace_is_counted_at_once() {
    const run = await turn();
    await client.createFeedback({ runId: run, traceId: run, key: "good", score: 1 } as never);
    await client.awaitPendingTraceBatches();
    const { feedback_stats } = await client.readRun(run);
    assert.deepEqual([feedback_stats!.good.n, feedback_stats!.good.avg], [1, 1]);
  },

  async the_configuration_of_a_new_key_comes_with_its_feedback() {
    const run = await turn();
    const key = `stars ${randomUUID()}`;
    await client.createFeedback(run, key, { score: 3, feedbackConfig: { type: "continuous", min: 1, max: 5 } });
    await assert.rejects(client.createFeedback(run, key, { score: 9 }), /at most 5/);
  },

  async a_token_takes_feedback_without_a_key() {
    const run = await turn();
    const token = await client.createPresignedFeedbackToken(run, "thumb", { expiration: { minutes: 5 } });
    const answer = await fetch(token.url, { method: "POST", body: JSON.stringify({ score: 1, comment: "up" }) });
    assert.equal(answer.status, 200);
    const listed = await all(client.listFeedback({ runIds: [run] }));
    assert.deepEqual(listed.map((one) => [one.key, one.score, one.comment]), [["thumb", 1, "up"]]);
    assert.deepEqual((await all(client.listPresignedFeedbackTokens(run))).map((one) => one.id), [token.id]);
  },
};

const results: Record<string, string | null> = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    results[name] = null;
  } catch (error) {
    results[name] = String((error as Error).stack ?? error);
  }
}
console.log(JSON.stringify(results));
process.exit(0);
