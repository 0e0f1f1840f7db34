// Three turns with Vercel's AI SDK: a plain one, one with a tool, a streamed one. Prints the replies and the tokens that the SDK counted.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { telemetry } from "./setup.mts";

const options = JSON.parse(process.argv[2]);
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
provider.register();
const models = createOpenAICompatible({ name: "standin", baseURL: options.model_url, apiKey: "none", includeUsage: true });
const lookUp = tool({
  description: "tells about a topic",
  inputSchema: jsonSchema<{ topic: string }>({ type: "object", properties: { topic: { type: "string" } } }),
  execute: async ({ topic }) => `${topic} is a drink`,
});
const common = { model: models("gpt-4o-mini"), system: "Be brief.", maxRetries: 0, ...telemetry(options.thread) };
const messages: any[] = [];
const told = { prompt: 0, completion: 0, replies: [] as string[] };

async function ask(question: string, call: (asked: any) => any) {
  messages.push({ role: "user", content: question });
  const result = await call({ ...common, messages });
  await result.consumeStream?.(); // the outer span of a stream ends with it
  const [text, usage, response] = await Promise.all([result.text, result.totalUsage, result.response]);
  messages.push(...response.messages);
  told.replies.push(text);
  told.prompt += usage.inputTokens;
  told.completion += usage.outputTokens;
}

await ask("My name is Ada and I like 40.", generateText);
await ask("Please look up tea", (asked) => generateText({ ...asked, tools: { lookUp }, stopWhen: stepCountIs(3) }));
await ask("And I like 2. What is the sum of my numbers?", streamText);
await provider.shutdown();
console.log(JSON.stringify(told));
