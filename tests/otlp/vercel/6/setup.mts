// Version 6 writes spans of its own, with the metadata of each call.
export const telemetry = (thread: string) => ({
  experimental_telemetry: { isEnabled: true, functionId: "turn", metadata: { sessionId: thread } },
});
