// What the recorder records: a traced turn with a tool, a streamed one, one that fails, and an attachment.
import { Client, RunTree } from "langsmith";
import { traceable } from "langsmith/traceable";
import { wrapOpenAI } from "langsmith/wrappers";
import OpenAI from "openai";

const options = JSON.parse(process.argv[2]);
const client = new Client({ apiUrl: options.endpoint, apiKey: options.key });
const model = wrapOpenAI(new OpenAI({ baseURL: options.model_url, apiKey: "none", maxRetries: 0 }), { client });

const lookUp = traceable((name: string) => ({ name, greeting: "Grüße, 你好, مرحبا" }), {
  name: "look_up", run_type: "tool", tags: ["recorded"],
});

async function ask({ question, stream }: { question: string; stream: boolean }) {
  await lookUp("Ada");
  const messages = [{ role: "user" as const, content: question }];
  if (!stream) {
    const done = await model.chat.completions.create({ model: "gpt-4o-mini", messages });
    return done.choices[0].message.content;
  }
  let text = "";
  const pieces = await model.chat.completions.create({
    model: "gpt-4o-mini", messages, stream: true, stream_options: { include_usage: true },
  });
  for await (const piece of pieces) text += piece.choices[0]?.delta?.content ?? "";
  return text;
}

const turn = (tags: string[] = []) => traceable(ask, {
  name: "turn", client, tags, project_name: "recorded", metadata: { session_id: "recorded-thread" },
});

await turn()({ question: "My name is Ada.", stream: false });
await turn(["streamed"])({ question: "What is my name?", stream: true });
await turn()({ question: "Please fail.", stream: false }).catch(() => null);
await client.awaitPendingTraceBatches();
const picture = new Uint8Array(Buffer.from("\x89PNG\r\n\x1a\n--not a boundary\r\n", "latin1"));
const root = new RunTree({
  name: "with attachment", run_type: "chain", client, project_name: "recorded",
  inputs: { mime: "image/png" }, extra: { metadata: { session_id: "recorded-thread" } },
  attachments: { picture: ["image/png", picture] },
});
await root.postRun();
await root.end({ output: "image/png" });
await root.patchRun();
await client.awaitPendingTraceBatches();
process.exit(0);
