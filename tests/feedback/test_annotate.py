"""The Annotate panel: who may, what is kept, and how it is taken back."""

import uuid
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Role, User, Workspace
from apps.feedback import configs, services
from apps.feedback.annotate_correct import compare, path_to_words, put
from apps.feedback.draft import Draft
from apps.feedback.models import Feedback
from apps.projects.models import Project
from apps.runs.models import Run
from tests.factories import member
from tests.threads.wire import run, send, turns

HTMX = {"HX-Request": "true"}


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return send(workspace, *turns("sally", 3))


@pytest.fixture
def ann(workspace: Workspace) -> User:
    """Annotator of the workspace."""
    return member("ann", workspace, Role.ANNOTATOR)


@pytest.fixture
def annotator(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


@pytest.fixture
def good(workspace: Workspace) -> None:
    configs.configure(workspace, "good", {"type": "boolean"})


@pytest.fixture
def tone(workspace: Workspace) -> None:
    labels = [{"value": 0, "label": "rude"}, {"value": 1, "label": "kind"}]
    configs.configure(workspace, "tone", {"type": "categorical", "categories": labels})


def first_run(project: Project) -> Run:
    return Run.objects.in_project(project).order_by("start_time")[0]


def url(project: Project, **query: object) -> str:
    return reverse("feedback:annotate", args=[project.workspace_id, project.pk], query=query or {"thread": "sally"})


def on_run(project: Project) -> str:
    return url(project, run=first_run(project).id)


def give(client: Client, where: str, key: str, **fields: object) -> str:
    response = client.post(where, {"key": key, **fields}, headers=HTMX)
    assert response.status_code == 200
    return str(response.content.decode())


def only(key: str) -> Feedback:
    return Feedback.objects.newest().get(key=key)


def token(html: str) -> str:
    return html.partition('name="undo" value="')[2].partition('"')[0]


def test_annotator_gives_a_verdict_on_a_run(annotator: Client, project: Project, ann: User, good: None) -> None:
    html = give(annotator, on_run(project), "good", choice="1", comment="it is right")
    assert "Saved" in html
    given = only("good")
    assert (given.run_id, given.score, given.comment, given.user_id) == (
        first_run(project).id,
        1,
        "it is right",
        ann.pk,
    )
    assert (given.source_type, given.level) == ("app", "run")


def test_annotator_gives_a_verdict_on_the_thread_with_the_turns_it_had(
    annotator: Client, project: Project, good: None
) -> None:
    give(annotator, url(project, thread="sally"), "good", choice="0")
    given = only("good")
    assert (given.level, given.thread_id, given.score, given.first_turn, given.last_turn) == (
        "thread",
        "sally",
        0,
        1,
        3,
    )


def test_the_panel_of_a_run_switches_to_its_thread(annotator: Client, project: Project) -> None:
    run_id = first_run(project).id
    html = annotator.get(on_run(project)).content.decode()
    assert f"run={run_id}&amp;on=thread" in html
    assert "Turn 1" in html
    assert 'aria-current="true">Whole thread' in annotator.get(url(project, run=run_id, on="thread")).content.decode()


def test_the_panel_is_the_page_without_its_frame(annotator: Client, project: Project) -> None:
    panel = annotator.get(on_run(project), headers=HTMX | {"HX-Target": "panel"}).content.decode()
    assert "<h2>Annotate</h2>" in panel
    assert "<html" not in panel
    assert "<html" in annotator.get(on_run(project)).content.decode()


def test_anonymous_must_sign_in(client: Client, project: Project) -> None:
    assert client.get(on_run(project)).status_code == 302
    assert client.post(on_run(project), {"key": "note", "comment": "x"}).status_code == 302


def test_outsider_gets_404(client: Client, project: Project, charlie: User) -> None:
    client.force_login(charlie)
    assert client.get(on_run(project)).status_code == 404
    assert client.post(on_run(project), {"key": "note", "comment": "x"}).status_code == 404


def test_viewer_reads_what_others_say_and_cannot_annotate(
    client: Client, project: Project, annotator: Client, bob: User, good: None
) -> None:
    give(annotator, on_run(project), "good", choice="1", comment="fine by me")
    client.force_login(bob)
    html = client.get(on_run(project)).content.decode()
    assert "fine by me" in html
    assert "<fieldset disabled>" in html
    assert client.post(on_run(project), {"key": "good", "choice": "0"}).status_code == 403
    assert only("good").score == 1


@pytest.mark.parametrize("name", ["threads:configure", "threads:share"])
def test_annotator_may_change_nothing_else(annotator: Client, project: Project, name: str) -> None:
    where = reverse(name, args=[project.workspace_id, project.pk], query={"thread": "sally"})
    assert annotator.post(where, {"do": "save"}).status_code == 403


def test_annotator_does_not_reach_the_settings(annotator: Client, workspace: Workspace) -> None:
    assert annotator.get(reverse("feedback:keys", args=[workspace.pk])).status_code == 403
    assert annotator.get(reverse("accounts:keys", args=[workspace.pk])).status_code == 403


@pytest.mark.parametrize("query", [{"run": uuid.UUID(int=7)}, {"run": "x"}, {"thread": "nobody"}, {"other": "x"}])
def test_what_is_not_there_is_404(annotator: Client, project: Project, query: dict[str, str]) -> None:
    assert annotator.get(url(project, **query)).status_code == 404


def test_a_key_that_the_panel_does_not_show_is_404(annotator: Client, project: Project) -> None:
    assert annotator.post(on_run(project), {"key": "unknown"}).status_code == 404


def test_a_verdict_given_again_is_changed_and_not_added(annotator: Client, project: Project, good: None) -> None:
    for choice in ("1", "0"):
        give(annotator, on_run(project), "good", choice=choice)
    assert [given.score for given in Feedback.objects.filter(key="good")] == [0]


def test_undo_takes_the_first_verdict_back(annotator: Client, project: Project, good: None) -> None:
    undo = token(give(annotator, on_run(project), "good", choice="1"))
    give(annotator, on_run(project), "good", do="undo", undo=undo)
    assert not Feedback.objects.exists()


def test_undo_restores_the_former_verdict(annotator: Client, project: Project, good: None) -> None:
    give(annotator, on_run(project), "good", choice="1", comment="before")
    undo = token(give(annotator, on_run(project), "good", choice="0", comment="after"))
    give(annotator, on_run(project), "good", do="undo", undo=undo)
    assert (only("good").score, only("good").comment) == (1, "before")


def test_clear_takes_the_verdict_back_and_can_be_undone(annotator: Client, project: Project, good: None) -> None:
    give(annotator, on_run(project), "good", choice="1")
    undo = token(give(annotator, on_run(project), "good", do="clear"))
    assert not Feedback.objects.exists()
    give(annotator, on_run(project), "good", do="undo", undo=undo)
    assert only("good").score == 1


def test_an_undo_that_was_made_up_is_refused(annotator: Client, project: Project, good: None) -> None:
    assert "too late" in give(annotator, on_run(project), "good", do="undo", undo="made-up")


def test_the_same_sent_twice_keeps_the_undo(annotator: Client, project: Project, good: None) -> None:
    undo = token(give(annotator, on_run(project), "good", choice="1"))
    assert token(give(annotator, on_run(project), "good", choice="1", undo=undo)) == undo


def test_without_a_script_the_page_comes_back_and_can_undo(annotator: Client, project: Project, good: None) -> None:
    response = annotator.post(on_run(project), {"key": "good", "choice": "1"})
    assert response.status_code == 302
    undo = token(annotator.get(response["Location"]).content.decode())
    annotator.post(on_run(project), {"key": "good", "do": "undo", "undo": undo})
    assert not Feedback.objects.exists()


def test_not_applicable_is_kept_and_counts_in_no_average(annotator: Client, project: Project, good: None) -> None:
    give(annotator, on_run(project), "good", choice="na")
    assert only("good").score is None
    assert only("good").extra == {"not_applicable": True}


def test_a_label_is_kept_with_its_number(annotator: Client, project: Project, tone: None) -> None:
    give(annotator, on_run(project), "tone", choice="1")
    assert (only("tone").value, only("tone").score) == ("kind", 1)


def test_several_labels_are_kept_as_a_list(annotator: Client, project: Project, workspace: Workspace) -> None:
    labels = [{"value": at, "label": label} for at, label in enumerate("abc")]
    shape = {"type": "categorical", "categories": labels, "allows_multiple_categories": True}
    configs.configure(workspace, "topics", shape)
    give(annotator, on_run(project), "topics", choice=["0", "2"])
    assert only("topics").value == ["a", "c"]


@pytest.mark.parametrize(("score", "told"), [("7", "at most 5"), ("abc", "is not a number")])
def test_a_number_that_does_not_fit_is_refused_in_words(
    annotator: Client, project: Project, workspace: Workspace, score: str, told: str
) -> None:
    configs.configure(workspace, "stars", {"type": "continuous", "min": 1, "max": 5})
    assert told in give(annotator, on_run(project), "stars", score=score)
    page = annotator.post(on_run(project), {"key": "stars", "score": score}).content.decode()
    assert told in page
    assert f'value="{score}"' in page
    assert not Feedback.objects.exists()


def test_a_key_without_a_configuration_is_shown_once_it_is_used(
    annotator: Client, project: Project, workspace: Workspace
) -> None:
    services.record(workspace, Draft("length", score=Decimal(3), run_id=first_run(project).id))
    give(annotator, on_run(project), "length", score="2.5")
    assert sorted(float(given.score) for given in Feedback.objects.filter(key="length")) == [2.5, 3]


def test_two_people_see_each_others_verdicts(
    client: Client, project: Project, alice: User, ann: User, good: None
) -> None:
    client.force_login(alice)
    give(client, on_run(project), "good", choice="1", comment="alice says so")
    client.force_login(ann)
    html = client.get(on_run(project)).content.decode()
    assert "alice@example.org" in html
    assert "alice says so" in html
    give(client, on_run(project), "good", choice="0")
    assert Feedback.objects.newest().filter(key="good").count() == 2


def test_an_open_panel_asks_for_what_others_say(client: Client, project: Project, alice: User, ann: User) -> None:
    client.force_login(alice)
    give(client, on_run(project), "note", comment="alice was here")
    client.force_login(ann)
    html = client.get(url(project, run=first_run(project).id, part="others"), headers=HTMX).content.decode()
    assert "alice was here" in html
    assert html.count("hx-swap-oob") == html.count("<ul")
    assert "<form" not in html


def test_a_note_is_a_comment(annotator: Client, project: Project) -> None:
    give(annotator, on_run(project), "note", comment="look at this")
    assert only("note").comment == "look at this"


def test_a_correction_keeps_the_shape_of_the_output_and_shows_what_changed(annotator: Client, project: Project) -> None:
    html = give(annotator, on_run(project), "correction", text="answer one")
    assert only("correction").correction == {"answer": "answer one"}
    assert "<ins>" in html
    give(annotator, on_run(project), "correction", text="answer 1")
    assert not Feedback.objects.filter(key="correction").exists()


def test_an_output_without_words_is_corrected_as_json(annotator: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", outputs={"a": 1, "b": [2]}))
    assert "no JSON" in give(annotator, on_run(project), "correction", text="{")
    give(annotator, on_run(project), "correction", text='{"a": 2, "b": [2]}')
    assert only("correction").correction == {"a": 2, "b": [2]}


@pytest.mark.parametrize(
    ("outputs", "path"),
    [
        ({"answer": "x"}, ("answer",)),
        ({"output": {"content": "x"}, "n": 1}, ("output", "content")),
        ({"messages": [{"content": "a"}, {"content": "b"}], "n": 1}, ("messages", -1, "content")),
        ({"messages": [], "n": 1}, None),
        ([1, 2], None),
    ],
)
def test_the_words_of_an_output_are_found(outputs: object, path: tuple[object, ...] | None) -> None:
    assert path_to_words(outputs) == path


def test_words_are_put_back_without_touching_the_output() -> None:
    outputs = {"messages": [{"content": "a"}, {"content": "b"}]}
    assert put(outputs, ("messages", -1, "content"), "c") == {"messages": [{"content": "a"}, {"content": "c"}]}
    assert outputs["messages"][1]["content"] == "b"


def test_a_difference_is_told_word_by_word() -> None:
    assert [(kind, text) for kind, text in compare("a red car", "a blue car")] == [
        ("same", "a "),
        ("del", "red"),
        ("ins", "blue"),
        ("same", " car"),
    ]


def test_a_very_long_text_is_compared_as_a_whole() -> None:
    assert [piece.kind for piece in compare("x\n" * 4_000, "y\n" * 4_000)] == ["del", "ins"]
