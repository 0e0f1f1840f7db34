// Annotation queues by the TypeScript SDK: each function of `checks` is one behaviour.
// Prints {check: null or its stack}.
import { Client, type Run } from "langsmith";
import { traceable } from "langsmith/traceable";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const options = JSON.parse(process.argv[2]);
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

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of found) rows.push(row);
  return rows;
}

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
