// Runs, threads and projects read by every call of the TypeScript SDK, shared, and what is refused: each function of
// `checks` is one behaviour. Version 2 is asked by the newest SDK alone.
import { Client, type Run } from "langsmith";
import { traceable } from "langsmith/traceable";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { all, options, report } from "./harness.mts";

process.removeAllListeners("warning");
const client = new Client();
const generated = client as any; // what 0.9.0 does not have
const NEW = "sessions" in Client.prototype;
const SINCE = new Date(Date.now() - 3_600_000).toISOString();

const project = () => `${options.project}-${randomUUID()}`;
const names = (runs: { name?: string }[]) => runs.map((run) => run.name).sort();

const model = traceable(async (input: { question: string }) => ({
  text: input.question.toUpperCase(),
  usage_metadata: { input_tokens: 3, output_tokens: 4, total_tokens: 7, input_cost: 0.1, output_cost: 0.2 },
}), { name: "model", run_type: "llm", client });
const lookUp = traceable(async (input: { question: string }) => {
  if (input.question.includes("fail")) throw new Error("no such thing");
  return { found: true };
}, { name: "look_up", run_type: "tool", client });

// The ids of the turns.
async function conversation(name: string, questions: string[], thread = "t 1"): Promise<string[]> {
  const ids: string[] = [];
  for (const question of questions) {
    const id = randomUUID();
    const agent = traceable(async (input: { question: string }) => {
      try {
        await lookUp(input);
      } catch {
        return { answer: "sorry" };
      }
      return { answer: (await model(input)).text };
    }, { name: "agent", id, client, project_name: name, metadata: { thread_id: thread } });
    await agent({ question });
    ids.push(id);
    await new Promise((next) => setTimeout(next, 2)); // turns of one millisecond have no order
  }
  await client.awaitPendingTraceBatches();
  return ids;
}

const listed = (asked: object): Promise<Run[]> => all(client.listRuns(asked));

const checks = {
  async stats_add_up() {
    const name = project();
    const [first] = await conversation(name, ["why?", "how?"]);
    const ofTurns = await client.getRunStats({ projectNames: [name], isRoot: true });
    assert.deepEqual([ofTurns.run_count, ofTurns.total_tokens, ofTurns.error_rate], [2, 14, 0]);
    assert.equal((await client.getRunStats({ projectNames: [name], runType: "llm" })).prompt_tokens, 6);
    assert.equal((await client.getRunStats({ projectNames: [name], trace: first })).run_count, 3);
    const asked = { projectNames: [name], filter: 'eq(name, "look_up")' };
    assert.equal((await client.getRunStats(asked)).run_count, 2);
  },

  async runs_are_listed_by_every_parameter() {
    const name = project();
    const [good, bad] = await conversation(name, ["why is the sky blue?", "fail, please"]);
    const where = { projectName: name };
    assert.deepEqual(names(await listed({ ...where, error: true })), ["look_up"]);
    assert.deepEqual(names(await listed({ ...where, query: "sky blue", isRoot: true })), ["agent"]);
    assert.deepEqual(names(await listed({ ...where, runType: "tool", treeFilter: 'eq(name, "model")' })), ["look_up"]);
    assert.deepEqual(names(await listed({ ...where, runType: "tool", traceFilter: 'search("sorry")' })), ["look_up"]);
    assert.deepEqual(names(await listed({ ...where, parentRunId: good })), ["look_up", "model"]);
    assert.deepEqual(names(await listed({ traceId: bad })), ["agent", "look_up"]);
    assert.deepEqual(names(await listed({ ...where, id: [good] })), ["agent"]);
    const latest = await listed({ ...where, filter: "and(eq(is_root, true), gt(total_tokens, 6))", order: "asc", limit: 1 });
    assert.deepEqual(latest.map((run) => run.id), [good]);
    const [light] = await listed({ ...where, id: [good], select: ["name", "run_type"] });
    assert.equal(light.name, "agent");
    assert.deepEqual(await listed({ ...where, startTime: new Date(Date.now() + 3_600_000) }), []);
  },

  async threads_are_listed_read_and_grouped() {
    const name = project();
    const thread = 'a "quoted"/one';
    const [first, second] = await conversation(name, ["why?", "how?"], thread);
    await conversation(name, ["who?"], "another");
    const found = new Map((await client.listThreads({ projectName: name })).map((item) => [item.thread_id, item]));
    assert.deepEqual([found.get(thread)?.count, found.get("another")?.count, found.size], [2, 1, 2]);
    const turns = await all(client.readThread({ threadId: thread, projectName: name }));
    assert.deepEqual(turns.map((run) => run.id), [first, second]);
    const { id } = await client.readProject({ projectName: name });
    const groups = await all(client.listGroupRuns({ projectId: id, groupBy: "conversation" }));
    assert.deepEqual(groups.map((group) => [group.group_key, group.count]), [["another", 1], [thread, 2]]);
    assert.deepEqual(names(await listed({ projectName: name, filter: groups[1].filter, isRoot: true })), ["agent", "agent"]);
  },

  async a_run_comes_back_with_its_attachments() {
    const name = project();
    const id = randomUUID();
    const agent = traceable(async (input: { bytes: Uint8Array }) => ({ size: input.bytes.length }), {
      name: "agent", id, client, project_name: name,
      extractAttachments: (input) => [{ note: ["text/plain", input.bytes] }, {}],
    });
    await agent({ bytes: new TextEncoder().encode("as it was") });
    await client.awaitPendingTraceBatches();
    const [run] = (await listed({ projectName: name })) as any[];
    const stored = run.s3_urls["attachment.note"];
    assert.match(stored.mime_type, /^text\/plain/);
    assert.equal(await (await fetch(stored.presigned_url)).text(), "as it was");
    assert.deepEqual(Object.keys(((await client.readRun(id)) as any).s3_urls), ["attachment.note"]);
  },

  async batches_are_ingested_by_hand() {
    const [name, id] = [project(), randomUUID()];
    const start = new Date().toISOString();
    const dotted_order = `${start.replace(/[-:.]/g, "").replace("Z", "000Z")}${id}`;
    const where = { id, trace_id: id, dotted_order, session_name: name, project_name: name };
    const made = { ...where, name: "by batch", run_type: "chain", inputs: { a: 1 }, start_time: start };
    await client.batchIngestRuns({ runCreates: [made as any], runUpdates: [{ ...where, outputs: { b: 2 } } as any] });
    await client.multipartIngestRuns({ runUpdates: [{ ...where, end_time: Date.now() } as any] });
    const run = await client.readRun(id);
    assert.deepEqual([run.name, run.inputs, run.outputs, run.status], ["by batch", { a: 1 }, { b: 2 }, "success"]);
  },

  async projects_are_read_with_their_stats() {
    const name = project();
    await conversation(name, ["why?", "how?"]);
    const found = await client.readProject({ projectName: name, includeStats: true });
    assert.deepEqual([found.run_count, found.total_tokens, found.error_rate], [6, 14, 0]);
    assert.equal(await client.hasProject({ projectId: found.id }), true);
    const [one] = await all(client.listProjects({ name, includeStats: true }));
    assert.deepEqual([one.id, one.run_count], [found.id, 6]);
    const url = await client.getProjectUrl({ projectName: name });
    assert.ok(url.endsWith(`/o/${found.tenant_id}/projects/p/${found.id}`), url);
  },

  async projects_are_found_by_every_parameter() {
    const [name, dataset] = [project(), randomUUID()];
    const made = await client.createProject({ projectName: name, metadata: { team: name } });
    const experiment = await client.createProject({ projectName: `${name} 2`, referenceDatasetId: dataset });
    const ids = async (asked: object) => (await all(client.listProjects(asked))).map((found) => found.id);
    assert.deepEqual(await ids({ metadata: { team: name } }), [made.id]);
    assert.deepEqual(await ids({ projectIds: [made.id] }), [made.id]);
    assert.deepEqual(await ids({ referenceDatasetId: dataset }), [experiment.id]);
    assert.deepEqual(await ids({ nameContains: name, referenceFree: true }), [made.id]);
    const changed = await client.updateProject(made.id, { name: `${name} 3`, endTime: "2026-03-01T00:00:00Z" });
    assert.equal(changed.name, `${name} 3`);
    await client.deleteProject({ projectId: made.id });
    await assert.rejects(client.readProject({ projectId: made.id }), /404|not found|No project/i);
  },

  async a_run_is_shared_and_taken_back() {
    const [id] = await conversation(project(), ["why?"]);
    const shareId = randomUUID();
    const url = await client.shareRun(id, { shareId });
    assert.ok(url.endsWith(`/public/${shareId}/r`), url);
    assert.equal(await client.readRunSharedLink(id), url);
    await client.unshareRun(id);
    assert.equal(await client.readRunSharedLink(id), undefined);
  },

  async what_an_evaluator_found_becomes_feedback() {
    const [id] = await conversation(project(), ["why?"]);
    const run = await client.readRun(id);
    await client.logEvaluationFeedback({ evaluatorResponse: { key: "short", score: 1 }, run } as any, run);
    await client.awaitPendingTraceBatches();
    const found = await all(client.listFeedback({ runIds: [id] }));
    assert.deepEqual(found.map((one) => [one.key, one.score]), [["short", 1]]);
  },

  async what_is_not_served_is_told() {
    await assert.rejects(all(client.listDatasets()), /Threadline has no datasets/);
    await assert.rejects(client.createDataset("d"), /Threadline has no datasets/);
    await assert.rejects(client.pullPromptCommit("name"), /Threadline has no prompts/);
    await assert.rejects(all(client.listPrompts()), /Threadline has no prompts/);
  },

  async version_2_reads_runs() {
    if (!NEW) return;
    const name = project();
    const [first, second] = await conversation(name, ["why?", "how?"]);
    const { id: project_id } = await client.readProject({ projectName: name });
    const asked = { project_ids: [project_id], is_root: true, selects: ["ID"], page_size: 1 };
    assert.deepEqual((await all<any>(generated.runs.query(asked))).map((run) => run.id), [second, first]);
    assert.deepEqual((await all<any>(generated.runs.queryV2(asked))).map((run) => run.id), [second, first]);
    assert.deepEqual((await all<any>(generated.runs.streaming.queryV2Items(asked))).map((run) => run.id), [second, first]);
    const selects = ["NAME", "RUN_TYPE", "STATUS", "INPUTS", "OUTPUTS", "THREAD_ID", "TOTAL_TOKENS", "START_TIME"];
    const run = await generated.runs.retrieve(first, { project_id, selects: selects.slice(0, 6) });
    assert.deepEqual(run, {
      name: "agent", run_type: "CHAIN", status: "SUCCESS", inputs: { question: "why?" }, outputs: { answer: "WHY?" }, thread_id: "t 1",
    });
    const { url } = await generated.runs.getURL(first, { project_id, trace_id: first });
    assert.ok(url.includes(`/projects/p/${project_id}/r/${first}`), url);
    const spent = { project_ids: [project_id], run_type: "LLM", selects, min_start_time: SINCE };
    assert.deepEqual((await all<any>(generated.runs.query(spent))).map((found) => found.total_tokens), [7, 7]);
  },

  async version_2_reads_traces_and_threads() {
    if (!NEW) return;
    const [name, thread] = [project(), "a/b c"];
    const [first, second] = await conversation(name, ["why?", "how?"], thread);
    const { id: project_id } = await client.readProject({ projectName: name });
    const traces = await all<any>(generated.traces.query({ project_id, selects: ["ID", "TOTAL_TOKENS"], page_size: 1 }));
    assert.deepEqual(traces.map((found) => found.root_run.id), [second, first]);
    assert.deepEqual(traces.map((found) => found.trace_aggregates.total_tokens), [7, 7]);
    const { items } = await generated.traces.listRuns(first, { project_id, selects: ["NAME"] });
    assert.deepEqual(names(items), ["agent", "look_up", "model"]);
    const asked = {
      project_id, filter: 'eq(name, "agent")', trace_filter: 'eq(status, "success")', tree_filter: 'eq(run_type, "llm")',
      thread_filter: "gt(turn_count, 1)",
    };
    const [found] = await all<any>(generated.threads.query(asked));
    assert.deepEqual([found.thread_id, found.count, found.total_tokens], [thread, 2, 14]);
    assert.deepEqual((await all<any>(generated.threads.streaming.queryItems(asked))).map((item) => item.thread_id), [thread]);
    const turns = await all<any>(generated.threads.listTraces(thread, { project_id, selects: ["TURN_NUMBER", "INPUTS"], page_size: 1 }));
    assert.deepEqual(turns.map((turn) => [turn.trace_id, turn.turn_number]), [[second, 2], [first, 1]]);
    const stats = await generated.threads.stats(thread, { session_id: project_id, selects: ["TURNS", "TOTAL_TOKENS"] });
    assert.deepEqual(stats, { turns: 2, total_tokens: 14 });
    const every = await generated.threads.aggregateStats({ project_id, select: ["THREAD_COUNT", "TRACE_COUNT"] });
    assert.deepEqual(every, { thread_count: 1, trace_count: 2 });
  },

  async version_2_shares() {
    if (!NEW) return;
    const [name, thread] = [project(), "a/b"];
    const [id] = await conversation(name, ["why?"], thread);
    const { id: project_id } = await client.readProject({ projectName: name });
    const { share_token } = await generated.runs.share.create(id, { session_id: project_id, trace_id: id });
    const { items } = await generated.public.runs.query(share_token, { selects: ["NAME"] });
    assert.deepEqual(names(items), ["agent", "look_up", "model"]);
    const run = await generated.public.runs.retrieve(id, { share_token, selects: ["NAME"] });
    assert.equal(run.name, "agent");
    await generated.runs.share.delete(id, { session_id: project_id });
    await assert.rejects(generated.public.runs.query(share_token, {}), /404/);
    const link = await generated.threads.share.create(thread, { project_id });
    assert.deepEqual(await generated.threads.share.retrieve(thread, { project_id }), link);
    await generated.threads.share.delete(thread, { project_id });
    assert.deepEqual(await generated.threads.share.retrieve(thread, { project_id }), { share_token: null });
  },

  async version_2_serves_projects() {
    if (!NEW) return;
    const name = project();
    await conversation(name, ["why?"]);
    const { sessions } = generated;
    const made = await sessions.create({ name: `${name} 1` });
    assert.equal((await sessions.update(made.id, { description: "d" })).description, "d");
    assert.equal((await sessions.retrieve(made.id, { include_stats: true })).run_count, 0);
    await sessions.delete(made.id);
    const listed = await all<any>(sessions.listV2({ name, include_stats: true }));
    assert.deepEqual(listed.map((found) => [found.name, found.run_count]), [[name, 3]]);
    const charts = await sessions.dashboard(listed[0].id, {});
    assert.ok(charts.charts.some((chart: any) => chart.title === "Traces"));
    const asked = { kind: "EXPERIMENT", id: listed[0].id };
    assert.deepEqual(await sessions.resolve(asked), { session_id: listed[0].id });
  },
};

await report(checks);
