// What the TypeScript SDK writes and reads of feedback: each function of `checks` is one behaviour.
import { Client } from "langsmith";
import { traceable } from "langsmith/traceable";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { all, options, report } from "./harness.mts";

const client = new Client();

async function turn(id = randomUUID()): Promise<string> {
  const agent = traceable(async (text: string) => text.toUpperCase(), {
    name: "agent", id, client, project_name: `${options.project}-${randomUUID()}`, metadata: { thread_id: "t" },
  });
  await agent("hi");
  await client.awaitPendingTraceBatches();
  return id;
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

  async feedback_may_come_before_its_run_and_be_replaced() {
    const [run, feedbackId] = [randomUUID(), randomUUID()];
    for (const score of [0, 1]) await client.createFeedback(run, "early", { score, feedbackId });
    await turn(run);
    const { feedback_stats } = await client.readRun(run);
    assert.deepEqual([feedback_stats!.early.n, feedback_stats!.early.avg], [1, 1]);
  },

  async a_project_and_a_judging_run_are_named() {
    const { id, session_id } = await client.readRun(await turn());
    await client.createFeedback(null, "of the project", { score: 0.5, projectId: session_id });
    const sourceRunId = randomUUID();
    await client.createFeedback(id, "judged", { score: 1, feedbackSourceType: "model", sourceRunId });
    const [judged] = await all(client.listFeedback({ runIds: [id], feedbackSourceTypes: ["model"] }));
    assert.equal((judged.feedback_source as any).metadata.__run.run_id, sourceRunId);
    const project: any = await client.readProject({ projectId: session_id, includeStats: true });
    assert.equal(project.session_feedback_stats["of the project"].avg, 0.5);
  },

  async runs_are_found_by_their_feedback() {
    const { id, session_id } = await client.readRun(await turn());
    const filter = 'and(eq(feedback_key, "user_score"), eq(feedback_score, 1))';
    const found = () => all(client.listRuns({ projectId: session_id, filter }));
    assert.deepEqual(await found(), []);
    await client.createFeedback(id, "user_score", { score: 1 });
    assert.deepEqual((await found()).map((run) => run.id), [id]);
  },

  async keys_are_configured() {
    if (!("createFeedbackConfig" in client)) return;
    const feedbackKey = `stars ${randomUUID()}`;
    const feedbackConfig = { type: "continuous", min: 1, max: 5 } as const;
    const made = await client.createFeedbackConfig({ feedbackKey, feedbackConfig });
    await client.createFeedbackConfig({ feedbackKey, feedbackConfig });
    await assert.rejects(client.createFeedbackConfig({ feedbackKey, feedbackConfig: { type: "freeform" } }), /400|another/);
    assert.ok((await client.updateFeedbackConfig(feedbackKey, { isLowerScoreBetter: true })).is_lower_score_better);
    const listed = await all(client.listFeedbackConfigs({ nameContains: feedbackKey.slice(5) }));
    assert.deepEqual(listed.map((one) => [one.feedback_key, one.feedback_config.max]), [[made.feedback_key, 5]]);
    await client.deleteFeedbackConfig(feedbackKey);
    assert.deepEqual(await all(client.listFeedbackConfigs({ feedbackKeys: [feedbackKey] })), []);
  },

  async categories_are_added_and_removed() {
    if (!("addFeedbackCategories" in client)) return;
    const feedbackKey = `topics ${randomUUID()}`;
    const categories = ["billing", "shipping"].map((label, value) => ({ label, value }));
    const made: any = await client.createFeedbackConfig({ feedbackKey, feedbackConfig: { type: "categorical", categories } });
    const labels = (config: any) => config.feedback_config.categories.map((item: any) => item.label);
    assert.deepEqual(labels(await client.addFeedbackCategories(feedbackKey, [{ value: 2, label: "returns" }])), [
      "billing", "shipping", "returns",
    ]);
    assert.deepEqual(labels(await client.removeFeedbackCategories(feedbackKey, [0])), ["shipping", "returns"]);
    await assert.rejects(client.removeFeedbackCategories(feedbackKey, [1]), /at least 2/);
    await client.deleteFeedbackConfig(undefined, { configId: made.id });
    assert.deepEqual(await all(client.listFeedbackConfigs({ feedbackKeys: [feedbackKey] })), []);
  },

  // createFeedback sends neither extra nor thread_id, so a verdict on the whole thread goes by fetch.
  async a_judge_reads_idle_threads_and_writes_verdicts() {
    const threads = (client as any).threads;
    if (!threads?.query) return;
    const { session_id } = await client.readRun(await turn());
    const asked = { project_id: session_id, thread_filter: 'gt(last_activity, "2020-01-01")' };
    for await (const thread of threads.query(asked)) {
      const turns: any[] = await all(
        threads.listTraces(thread.thread_id, { project_id: session_id, selects: ["INPUTS", "OUTPUTS"] }),
      );
      assert.deepEqual(turns.map((each) => each.inputs), [{ input: "hi" }]);
      const body = {
        thread_id: thread.thread_id, session_id, key: "solved", score: 1, comment: "It answered.",
        feedback_source: { type: "model", metadata: { judge: "solved-v1" } }, first_turn: 1, last_turn: turns.length,
      };
      const headers = { "x-api-key": process.env.LANGSMITH_API_KEY!, "content-type": "application/json" };
      for (const score of [0, 1]) {
        const text = JSON.stringify({ ...body, score });
        const answer = await fetch(`${process.env.LANGSMITH_ENDPOINT}/feedback`, { method: "POST", headers, body: text });
        assert.equal(answer.status, 200);
      }
    }
    const [again] = await all<any>(threads.query({ project_id: session_id }));
    const { n, avg, contains_thread_feedback } = again.feedback_stats.solved;
    assert.deepEqual([n, avg, contains_thread_feedback], [1, 1, true]);
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

await report(checks);
