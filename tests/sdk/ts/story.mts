// A conversation whose only memory is the server, as in the LangSmith documentation: each turn finds the thread's newest model
// run, takes its messages as the history, and asks again. Prints what was answered, what went over the wire, and warnings.
import { Client, type Run } from "langsmith";
import { getCurrentRunTree, traceable } from "langsmith/traceable";
import { wrapOpenAI } from "langsmith/wrappers";
import OpenAI from "openai";

type Message = { role: "user" | "assistant"; content: string };

const options = JSON.parse(process.argv[2]);
const sent = new Set<string>();
const warned: string[] = [];
console.warn = console.error = (...words: unknown[]) => void warned.push(words.map(String).join(" "));

// Notes each ingest request, and answers GET /info from the options where they have it.
async function watchedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const path = new URL(String(input)).pathname;
  if (options.info && path.endsWith("/info")) return Response.json(options.info);
  if (path.includes("/runs") && init?.method !== "GET" && !path.endsWith("/query")) {
    const encoding = new Headers(init?.headers).get("content-encoding") ?? "identity";
    const length = init?.body instanceof ReadableStream ? "chunked" : "with length";
    sent.add(`${init?.method} ${path.slice(path.indexOf("/runs"))} ${encoding} ${length}`);
  }
  return fetch(input, init);
}

const langsmithClient = new Client({ fetchImplementation: watchedFetch });
const client = wrapOpenAI(new OpenAI({ baseURL: options.model_url, apiKey: "none", maxRetries: 0 }), {
  client: langsmithClient,
});

async function getThreadHistory(threadId: string, projectName: string): Promise<Message[]> {
  const keys = '["session_id","conversation_id","thread_id"]';
  const filter = `and(in(metadata_key, ${keys}), eq(metadata_value, "${threadId}"))`;
  const runs: Run[] = [];
  for await (const run of langsmithClient.listRuns({ projectName, filter, runType: "llm" })) runs.push(run);
  runs.sort((a, b) => Number(new Date(b.start_time!)) - Number(new Date(a.start_time!)));
  return [...runs[0].inputs.messages, runs[0].outputs!.choices[0].message];
}

const chatPipeline = traceable(
  async (question: string, getChatHistory: boolean, stream: boolean) => {
    let messages: Message[] = [{ role: "user", content: question }];
    if (getChatHistory) {
      const runTree = getCurrentRunTree();
      messages = [...(await getThreadHistory(runTree.extra.metadata.session_id, runTree.project_name)), ...messages];
    }
    if (!stream) {
      const completion = await client.chat.completions.create({ model: "gpt-4o-mini", messages });
      return completion.choices[0].message.content;
    }
    let text = "";
    const chunks = await client.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
    for await (const chunk of chunks) text += chunk.choices[0]?.delta?.content ?? "";
    return text;
  },
  { name: "Chat Bot", client: langsmithClient, project_name: options.project, metadata: { session_id: options.thread } },
);

const replies = [await chatPipeline("My name is Ada and I have 20 apples.", false, false)];
await langsmithClient.awaitPendingTraceBatches();
replies.push(await chatPipeline("I got 22 more. What is my name?", true, true));
await langsmithClient.awaitPendingTraceBatches();
replies.push(await chatPipeline("What is the sum?", true, false));
await langsmithClient.awaitPendingTraceBatches();
console.log(JSON.stringify({ replies, sent: [...sent].sort(), warned }));
process.exit(0);
