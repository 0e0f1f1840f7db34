"""A root that tells neither inputs nor outputs is told by its model calls."""

import json
from typing import Any

import pytest

from apps.runs import payload
from apps.runs.models import Run
from apps.threads.models import Thread
from tests.runs.ingest.otlp.conftest import Export
from tests.runs.ingest.otlp.wire import run_id, span

pytestmark = pytest.mark.django_db

TURN = {"session.id": "t"}
HISTORY = [("system", "Be brief."), ("user", "I am Ada."), ("assistant", "Noted."), ("user", "Who am I?")]


def parts(*messages: tuple[str, str]) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in messages])


def model(number: int, at: float, answer: str, *asked: tuple[str, str]) -> Any:
    told = {"gen_ai.input.messages": parts(*asked), "gen_ai.output.messages": parts(("assistant", answer))}
    return span(number, 1, at=at, attributes={"gen_ai.operation.name": "chat", **told})


def root(**attributes: str) -> Any:
    return span(1, seconds=9, attributes=TURN | attributes)


def stored() -> tuple[Any, Any]:
    run = Run.objects.get(id=run_id(1))
    return payload.load(run.inputs), payload.load(run.outputs)


def test_the_first_question_and_the_last_answer_become_the_roots(export: Export) -> None:
    export(model(2, 1, "Let me think.", *HISTORY), model(3, 2, "You are Ada.", ("user", "Go on.")), root())
    inputs, outputs = stored()
    assert inputs == {"messages": [{"role": "user", "content": "Who am I?"}]}
    assert outputs["choices"][0]["message"]["content"] == "You are Ada."


def test_the_thread_shows_them(export: Export) -> None:
    export(model(2, 1, "You are Ada.", *HISTORY), root())
    thread = Thread.objects.get()
    assert (thread.first_input, thread.last_output) == ("Who am I?", "You are Ada.")


def test_a_root_that_comes_after_its_children_is_told_too(export: Export) -> None:
    export(model(2, 1, "You are Ada.", *HISTORY))
    export(root())
    assert stored()[0] == {"messages": [{"role": "user", "content": "Who am I?"}]}


def test_children_that_come_after_their_root_tell_it_too(export: Export) -> None:
    export(root())
    export(model(2, 1, "You are Ada.", *HISTORY))
    assert stored()[1]["choices"][0]["message"]["content"] == "You are Ada."


def test_what_the_root_says_itself_stays(export: Export) -> None:
    export(model(2, 1, "You are Ada.", *HISTORY), root(**{"input.value": "Tell me."}))
    inputs, outputs = stored()
    assert inputs == {"input": "Tell me."}
    assert outputs["choices"][0]["message"]["content"] == "You are Ada."


def test_a_step_between_stays_silent(export: Export) -> None:
    export(span(2, 1, at=1), span(3, 2, at=2, attributes={"gen_ai.operation.name": "chat"}), root())
    assert Run.objects.get(id=run_id(2)).inputs is None


def test_tokens_are_counted_once(export: Export) -> None:
    call = model(2, 1, "You are Ada.", *HISTORY)
    call.attributes.extend(
        span(attributes={"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2}).attributes
    )
    export(call, root())
    assert Thread.objects.get().total_tokens == 9
