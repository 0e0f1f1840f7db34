"""Three turns of a chat, traced by one instrumentation and sent by OpenTelemetry's own exporter, which takes its address and headers from
the environment. Prints the tokens that the model counted."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import openai

QUESTIONS = ("My name is Ada and I like 40.", "And I like 2. What is my name?", "What is the sum of my numbers?")
options = json.loads(sys.argv[1])
THREAD = options["thread"]
client = openai.OpenAI(base_url=options["model_url"], api_key="none", max_retries=0)
counted = {"prompt": 0, "completion": 0, "replies": []}
history: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]


def ask(question: str) -> str:
    history.append({"role": "user", "content": question})
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=history, temperature=0.5)
    counted["prompt"] += answer.usage.prompt_tokens
    counted["completion"] += answer.usage.completion_tokens
    reply = answer.choices[0].message.content
    history.append({"role": "assistant", "content": reply})
    counted["replies"].append(reply)
    return reply


def converse(turn: Callable[[], AbstractContextManager[Any]], tell: Callable[[Any, str, str], None]) -> None:
    """`tell` puts question and answer on the turn's span."""
    for question in QUESTIONS:
        with turn() as span:
            tell(span, question, ask(question))


def provider(*, one_by_one: bool = False) -> Any:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    made = TracerProvider()
    made.add_span_processor((SimpleSpanProcessor if one_by_one else BatchSpanProcessor)(OTLPSpanExporter()))
    trace.set_tracer_provider(made)
    return made


def handmade() -> None:
    """Each span is sent as it ends: children first, each in a request of its own."""
    tracer = provider(one_by_one=True).get_tracer("shop")
    for question in QUESTIONS:
        with (
            tracer.start_as_current_span("turn", attributes={"session.id": THREAD}) as turn,
            tracer.start_as_current_span("answer"),
            tracer.start_as_current_span("chat gpt-4o-mini") as span,
        ):
            before = dict(counted)
            reply = ask(question)
            span.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o-mini",
                    "gen_ai.usage.input_tokens": counted["prompt"] - before["prompt"],
                    "gen_ai.usage.output_tokens": counted["completion"] - before["completion"],
                }
            )
            turn.set_attributes({"input.value": question, "output.value": reply})


def openinference() -> None:
    from openinference.instrumentation import using_session
    from openinference.instrumentation.openai import OpenAIInstrumentor

    made = provider()
    OpenAIInstrumentor().instrument(tracer_provider=made)
    converse(lambda: using_session(THREAD), lambda *_: None)  # no span around the model's
    made.shutdown()


def genai() -> None:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.util.genai.handler import get_telemetry_handler
    from opentelemetry.util.genai.types import InputMessage, OutputMessage, Text

    def tell(workflow: Any, question: str, reply: str) -> None:
        workflow.input_messages = [InputMessage("user", [Text(question)])]
        workflow.output_messages = [OutputMessage("assistant", [Text(reply)], "stop")]

    made = provider()
    OpenAIInstrumentor().instrument(tracer_provider=made)
    handler = get_telemetry_handler(tracer_provider=made)
    converse(lambda: handler.workflow(name="turn", conversation_id=THREAD), tell)
    made.shutdown()


def openllmetry() -> None:
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    def tell(span: Any, question: str, reply: str) -> None:
        span.set_attribute("traceloop.entity.input", json.dumps({"args": [question], "kwargs": {}}))
        span.set_attribute("traceloop.entity.output", json.dumps(reply))

    made = provider()
    OpenAIInstrumentor().instrument(tracer_provider=made)
    attributes = {"traceloop.span.kind": "workflow", "traceloop.association.properties.session_id": THREAD}
    converse(lambda: made.get_tracer("app").start_as_current_span("turn", attributes=attributes), tell)
    made.shutdown()


def langsmith() -> None:
    """The LangSmith SDK with LANGSMITH_TRACING_MODE=otel."""
    from langsmith import Client, traceable
    from langsmith.wrappers import wrap_openai

    global client
    tracing = Client()
    client = wrap_openai(client, tracing_extra={"client": tracing})
    turn = traceable(name="turn", metadata={"thread_id": THREAD}, client=tracing)(ask)
    for question in QUESTIONS:
        turn(question)
    tracing.flush()
    tracing.cleanup()


if __name__ == "__main__":
    {"handmade": handmade, "openinference": openinference, "genai": genai, "openllmetry": openllmetry,
     "langsmith": langsmith}[options["app"]]()  # fmt: skip
    print(json.dumps(counted))
