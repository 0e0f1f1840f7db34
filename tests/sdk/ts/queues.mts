// Annotation queues by the TypeScript SDK: each function of `checks` is one behaviour.
import { Client, type Run } from "langsmith";
import { traceable } from "langsmith/traceable";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { all, options, report } from "./harness.mts";

const client = new Client();

async function sent(number: number): Promise<Run[]> {
  const ids = Array.from({ length: number }, () => randomUUID());
  for (const id of ids) {
    const agent = traceable(async (text: string) => text.toUpperCase(), {
      name: "agent", id, client, project_name: options.project, metadata: { thread_id: "thread of queues" },
    });
    await agent("hi");
  }
  await client.awaitPendingTraceBatches();
  return Promise.all(ids.map((id) => client.readRun(id)));
}

const newQueue = (fields = {}) => client.createAnnotationQueue({ name: `queue ${randomUUID()}`, ...fields });

const checks = {
  async a_queue_is_created_read_changed_and_deleted() {
    const queueId = randomUUID();
    const made = await newQueue({ queueId, description: "d", rubricInstructions: "Be strict." });
    assert.deepEqual([made.id, made.description], [queueId, "d"]);
    assert.equal((await client.readAnnotationQueue(queueId)).rubric_instructions, "Be strict.");
    await client.updateAnnotationQueue(queueId, { name: "another", description: "e", rubricInstructions: "Be kind." });
    const read = await client.readAnnotationQueue(queueId);
    assert.deepEqual([read.name, read.description, read.rubric_instructions], ["another", "e", "Be kind."]);
    await client.deleteAnnotationQueue(queueId);
    await assert.rejects(client.readAnnotationQueue(queueId), /404|not found|No annotation queue/i);
  },

  async queues_are_listed() {
    const made = [await newQueue(), await newQueue()];
    const ids = made.map((queue) => queue.id);
    const listed = await all(client.listAnnotationQueues({ queueIds: ids }));
    assert.deepEqual(new Set(listed.map((queue) => queue.id)), new Set(ids));
    assert.deepEqual((await all(client.listAnnotationQueues({ name: made[0].name }))).map((queue) => queue.id), [ids[0]]);
    const part = made[1].name.slice(8);
    assert.deepEqual((await all(client.listAnnotationQueues({ nameContains: part }))).map((queue) => queue.id), [ids[1]]);
  },

  async runs_are_added_read_by_place_counted_and_taken_out() {
    const [runs, queue] = [await sent(2), await newQueue()];
    await client.addRunsToAnnotationQueue(queue.id, runs.map((run) => run.id));
    assert.equal((await client.getSizeFromAnnotationQueue(queue.id)).size, 2);
    const found = await client.getRunFromAnnotationQueue(queue.id, 1);
    assert.deepEqual([found.id, found.inputs, found.outputs], [runs[1].id, runs[1].inputs, runs[1].outputs]);
    assert.ok(found.added_at);
    await assert.rejects(client.getRunFromAnnotationQueue(queue.id, 2));
    await client.deleteRunFromAnnotationQueue(queue.id, runs[0].id);
    assert.equal((await client.getRunFromAnnotationQueue(queue.id, 0)).id, runs[1].id);
  },

  async runs_are_added_by_key_and_listed_by_status() {
    if (!("listRunsFromAnnotationQueue" in client)) return;
    const [runs, queue] = [await sent(2), await newQueue()];
    const keys = runs.map((run) => ({ runId: run.id, sessionId: run.session_id!, startTime: run.start_time! }));
    await client.addRunsToAnnotationQueue(queue.id, keys);
    const listed = await all(client.listRunsFromAnnotationQueue(queue.id));
    assert.deepEqual(listed.map((run) => run.id), runs.map((run) => run.id));
    assert.deepEqual(await all(client.listRunsFromAnnotationQueue(queue.id, { status: "completed" })), []);
  },

  async a_rubric_is_copied_from_queue_to_queue() {
    if (!("createFeedbackConfig" in client)) return;
    const feedback_key = `tone ${randomUUID()}`;
    await client.createFeedbackConfig({ feedbackKey: feedback_key, feedbackConfig: { type: "continuous", min: 0, max: 1 } });
    const rubricItems = [{ feedback_key, description: "Kind?", is_required: true, score_descriptions: { 1: "very" } }];
    const first: any = await client.readAnnotationQueue((await newQueue({ rubricItems })).id);
    assert.equal(first.rubric_items?.[0]?.feedback_config.feedback_key, feedback_key);
    const second: any = await client.readAnnotationQueue((await newQueue({ rubricItems: first.rubric_items })).id);
    assert.deepEqual(second.rubric_items, first.rubric_items);
  },

  async the_generated_calls_of_queues_work() {
    const queues = (client as any).annotationQueues;
    if (!queues?.annotationQueues) return;
    const runs = await sent(2);
    const ids = runs.map((run) => run.id);
    const made = await queues.annotationQueues({ name: "generated", num_reviewers_per_item: 2, reservation_minutes: 5 });
    await queues.update(made.id, { enable_reservations: false });
    const read = await queues.retrieve(made.id);
    assert.deepEqual([read.num_reviewers_per_item, read.enable_reservations], [2, false]);
    const added = await queues.runs.create(made.id, { body: ids });
    assert.deepEqual((await queues.retrieveQueues(ids[0])).map((one: any) => one.id), [made.id]);
    const [listed] = await all<any>(queues.retrieveAnnotationQueues({ ids: [made.id], include_rubric_keys: true }));
    assert.deepEqual([listed.total_runs, listed.rubric_keys], [2, []]);
    await queues.createRunStatus(added[0].id, { status: "completed" });
    assert.equal((await queues.retrieveTotalArchived(made.id)).size, 0);
    await queues.runs.update(added[0].id, { queue_id: made.id, added_at: "2030-01-01T00:00:00Z" });
    assert.equal((await queues.retrieveRun(0, { queue_id: made.id })).id, ids[1]);
    await queues.runs.deleteAll(made.id, { run_ids: [ids[1]] });
    assert.equal((await queues.retrieveTotalSize(made.id)).size, 1);
    await queues.populate({ queue_id: made.id, session_ids: [runs[0].session_id] });
    assert.ok((await queues.retrieveSize(made.id)).size > 1);
    await queues.delete(made.id);
  },

  async items_of_both_kinds_are_worked_through() {
    const items = (client as any).annotationQueues?.items;
    if (!items) return;
    const [[run], queue] = [await sent(1), await newQueue()];
    const project_id = run.session_id!;
    const added = (await items.create(queue.id, {
      items: [
        { item_type: "RUN", run_id: run.id, project_id, start_time: new Date(run.start_time!).toISOString() },
        { item_type: "THREAD", thread_id: "thread of queues", project_id },
      ],
    })).items;
    assert.deepEqual(added.map((item: any) => [item.item_type, item.run_id, item.thread_id]), [
      ["RUN", run.id, null],
      ["THREAD", null, "thread of queues"],
    ]);
    const listed: any[] = await all(items.list(queue.id, { status: "needs_my_review", page_size: 1 }));
    assert.deepEqual(listed.map((item) => item.id), added.map((item: any) => item.id));
    assert.equal((await items.retrieveCount(queue.id, { status: "all" })).count, 2);
    await items.deleteAll(queue.id, { item_ids: [added[0].id] });
    assert.equal((await items.retrieveCount(queue.id, { status: "all" })).count, 1);
  },
};

await report(checks);
