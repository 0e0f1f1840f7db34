"""What a run says, as HTML."""

import re
from typing import Any

import pytest

from apps.runs.messages import Content
from apps.runs.models import Run
from apps.runs.parts import Call, Data, Document, Documents, File, Image, Message, Part, Reasoning, Result, Text
from apps.runs.payloads import Payload
from apps.runs.said import Look, said, said_parts
from apps.runs.tree import Row
from apps.runs.tree_html import draw
from tests.factories import EPOCH

EVIL = """<script>alert("1")</script>' onload="x"""
PARTS: list[Part] = [
    Text(EVIL),
    Reasoning(EVIL),
    Image(f"https://a.example/{EVIL}"),
    File(EVIL, EVIL, 1, f"https://a.example/{EVIL}", "data:audio/wav;base64,AA"),
    Call(EVIL, {EVIL: EVIL}),
    Result(EVIL, [Text(EVIL), Data({EVIL: EVIL})]),
    Documents([Document(EVIL, {"title": EVIL, EVIL: 1})]),
    Data({EVIL: [EVIL]}),
]


def is_harmless(html: str) -> bool:
    """No tag but ours: a quote of the text inside an attribute, or a bracket of it, would begin another."""
    return "<script" not in html and not re.search(r"<[^>]* onload=", re.sub(r'"[^"]*"', '""', html))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.kind)
@pytest.mark.parametrize("plain", [True, False])
def test_a_part_cannot_leave_its_place(part: Part, plain: bool) -> None:
    assert is_harmless(said_parts([part], Look("/run", fold=True, plain=plain)))


def test_neither_can_a_name_a_model_or_what_is_no_message() -> None:
    content = Content([Message("assistant", [Text("hi")], EVIL)])
    assert is_harmless(said(content, Payload(), "outputs", Look("/run"), "out", [EVIL]))
    assert is_harmless(said(Content(rest={EVIL: EVIL}), Payload({EVIL: EVIL}, 9), "inputs", Look("/run")))


def test_a_run_in_a_tree_cannot_either() -> None:
    run = Run(name=EVIL, run_type=EVIL, start_time=EPOCH, status="success")
    assert is_harmless(draw([Row(run, 0, 0, 1, f"/run?find={EVIL}")], None, None))


@pytest.mark.parametrize(("look", "link"), [(Look("/run"), True), (Look(), False)])
def test_the_rest_of_a_text_is_linked_for_whoever_may_read_it(look: Look, link: bool) -> None:
    html = said_parts([Text("a", cut=1_200)], look)
    assert "1,200 more characters" in html
    assert ('href="/run"' in html) is link


def test_what_a_tool_returned_is_no_markdown() -> None:
    tool, model = (
        said(Content([Message(role, [Text("**a**")])]), Payload(), "outputs", Look())
        for role in ("output", "assistant")
    )
    assert ("<pre" in tool, "<strong>" in model) == (True, True)


@pytest.mark.parametrize(
    ("content", "payload", "told"),
    [
        (Content([Message("user")]), Payload(), "Nothing was said."),
        (Content(), Payload(size=3_000_000, skipped=True), "too large for this page"),
        (Content(), Payload(), None),
    ],
)
def test_silence_is_told_apart_from_nothing(content: Content, payload: Payload, told: Any) -> None:
    html = said(content, payload, "inputs", Look())
    assert told in html if told else html == ""
