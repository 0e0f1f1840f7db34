// Version 7 writes the spans of OpenTelemetry GenAI by a package of its own, to which an application adds its thread.
import { OpenTelemetry } from "@ai-sdk/otel";
import { registerTelemetry } from "ai";

export function telemetry(thread: string) {
  registerTelemetry(new OpenTelemetry({ enrichSpan: () => ({ "session.id": thread }) }));
  return { telemetry: { functionId: "turn" } };
}
