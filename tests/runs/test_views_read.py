"""A run as messages, JSON or YAML, with words marked and places pointed at."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.projects.models import Project
from tests.threads.wire import Json, run, send

HOSTILE = '<script>alert(1)</script><svg onload="alert(2)">'


def page(client: Client, project: Project, run_id: Json, **query: Json) -> str:
    response = client.get(reverse("runs:detail", args=[project.workspace_id, project.pk, run_id]), query)
    assert response.status_code == 200
    return str(response.content.decode())


def shown(client: Client, workspace: Workspace, sent: dict[str, Json], **query: Json) -> str:
    return page(client, send(workspace, sent), sent["id"], **query)


TALK = {"messages": [{"role": "user", "content": "**Where** is it?\nTell me"}]}


def test_messages_are_rendered_unless_asked_otherwise(viewer: Client, workspace: Workspace) -> None:
    assert "<strong>Where</strong>" in shown(viewer, workspace, run(inputs=TALK))


def test_json_is_shown_for_whoever_asks(viewer: Client, workspace: Workspace) -> None:
    html = shown(viewer, workspace, run(inputs=TALK), **{"as": "json"})
    assert '<span class="key">content</span>' in html
    assert "<strong>Where</strong>" not in html


def test_yaml_is_shown_for_whoever_asks(viewer: Client, workspace: Workspace) -> None:
    html = shown(viewer, workspace, run(inputs=TALK), **{"as": "yaml"})
    assert "- role: user\n    content: |-\n      **Where** is it?\n      Tell me</pre>" in html


def test_each_form_is_a_link_that_keeps_the_rest(viewer: Client, workspace: Workspace) -> None:
    html = unescape(shown(viewer, workspace, run(inputs=TALK), bars="off"))
    assert re.search(r'href="[^"]*\?bars=off&as=yaml"', html)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_words_looked_for_are_marked(viewer: Client, workspace: Workspace, form: str) -> None:
    html = shown(viewer, workspace, run(inputs=TALK), **{"as": form, "in": "tell me"})
    assert "<mark>Tell me</mark>" in html


def test_a_place_is_unfolded_and_pointed_at(viewer: Client, workspace: Workspace) -> None:
    deep = {"a": {"b": {"c": {"d": ["no", "here"]}}}}
    html = shown(viewer, workspace, run(inputs=deep), path="inputs.a.b.c.d[1]")
    assert '<li id="at" class="at"><span class="key">1</span> <span class="string" dir="auto">here</span>' in html
    assert "<details>" not in html.partition('data-root="inputs"')[2].partition("</section>")[0]


def test_a_place_past_what_is_shown_is_there_all_the_same(viewer: Client, workspace: Workspace) -> None:
    html = shown(viewer, workspace, run(inputs={"rows": list(range(5_000))}), path="inputs.rows[4321]")
    assert '<li id="at" class="at"><span class="key">4321</span>' in html


@pytest.mark.parametrize(
    "path", ["inputs.nowhere", "inputs[9]", "outputs.question", "events", "((", "inputs.question.x"]
)
def test_a_place_that_is_nowhere_does_no_harm(viewer: Client, workspace: Workspace, path: str) -> None:
    assert 'id="at"' not in shown(viewer, workspace, run(), path=path)


def test_a_large_field_is_measured_and_shown_when_asked_for(viewer: Client, workspace: Workspace) -> None:
    sent = run(outputs={"answer": "begin " + "y" * 10_000_000})
    project = send(workspace, sent)
    html = page(viewer, project, sent["id"])
    assert re.search(r"9\.5\sMB are not loaded", html)
    assert len(html) < 50_000
    load = re.search(r'<a class="btn" href="([^"]*load=outputs[^"]*)"', html)
    assert load
    loaded = viewer.get(unescape(load[1])).content.decode()
    assert "begin yyy" in loaded
    assert "more characters" in loaded
    assert len(loaded) < 100_000


@pytest.mark.parametrize("form", ["rendered", "json", "yaml"])
def test_hostile_texts_are_only_text_in_every_form(viewer: Client, workspace: Workspace, form: str) -> None:
    sent = run(HOSTILE, inputs={HOSTILE: HOSTILE}, outputs={"messages": [{"role": "user", "content": HOSTILE}]},
               events=[{"name": HOSTILE, "x": HOSTILE}], error=HOSTILE, tags=[HOSTILE])  # fmt: skip
    sent["extra"]["metadata"][HOSTILE] = HOSTILE
    html = shown(viewer, workspace, sent, **{"as": form, "in": "alert"})
    for mark in ("<script>alert", "<svg onload", "<script><mark>"):
        assert mark not in html


@pytest.mark.parametrize("form", ["rendered", "json", "yaml"])
def test_the_deepest_json_is_shown_in_every_form(viewer: Client, workspace: Workspace, form: str) -> None:
    value: Json = "bottom"
    for _ in range(190):
        value = [value]
    html = shown(viewer, workspace, run(inputs={"a": value}), **{"as": form, "in": "bottom"})
    assert "bottom" in html


def test_json_deeper_than_any_page_is_refused_and_not_half_stored(client: Client, workspace: Workspace) -> None:
    from tests.factories import ApiKeyFactory

    key = ApiKeyFactory.create(workspace=workspace)
    sent = run()
    body = ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}").encode()
    text = str(sent).encode()[:0] + b'{"id":"%s","trace_id":"%s","dotted_order":"%s","name":"x","run_type":"chain",' % (
        sent["id"].encode(), sent["trace_id"].encode(), sent["dotted_order"].encode())  # fmt: skip
    text += b'"start_time":"%s","session_name":"p","inputs":%s}' % (sent["start_time"].encode(), body)
    answer = client.post("/api/v1/runs", text, content_type="application/json", headers={"x-api-key": key.secret})
    assert answer.status_code == 422
    assert not Project.objects.filter(workspace=workspace, name="p").exists()


def test_events_tell_when_the_first_token_came(viewer: Client, workspace: Workspace) -> None:
    sent = run(events=[{"name": "new_token", "time": "2026-03-01T12:00:00.500"}] * 3)
    html = shown(viewer, workspace, sent)
    assert "first token after 500 ms" in html
    assert "3 times, until +500 ms" in html


def test_metadata_can_be_pointed_into(viewer: Client, workspace: Workspace) -> None:
    sent = run(metadata={"plan": "gold"})
    html = shown(viewer, workspace, sent)
    assert re.search(r'data-root="metadata".*<span class="key">plan</span>', html, re.DOTALL)
