"""Feedback keys: on the spot in the panel, and in the settings."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Role, User, Workspace
from apps.feedback import configs, services
from apps.feedback.annotate_keys import SUGGESTED, Suggestion, categories
from apps.feedback.draft import Draft
from apps.feedback.models import FeedbackKey
from apps.projects.models import Project
from tests.factories import MembershipFactory, member
from tests.threads.wire import send, turns

LABELS = [{"value": 0.0, "label": "bad"}, {"value": 1.0, "label": "good"}]


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return send(workspace, *turns("sally", 1))


@pytest.fixture
def editor(client: Client, workspace: Workspace) -> Client:
    client.force_login(member("ed", workspace, Role.EDITOR))
    return client


@pytest.fixture
def annotator(client: Client, workspace: Workspace) -> Client:
    client.force_login(member("an", workspace, Role.ANNOTATOR))
    return client


def make(client: Client, project: Project, htmx: bool = True, **fields: Any) -> Any:
    where = reverse("feedback:make_key", args=[project.workspace_id, project.pk], query={"thread": "sally"})
    headers = {"HX-Request": "true", "HX-Target": "annotate"} if htmx else {}
    return client.post(where, {f"new-{name}": value for name, value in fields.items()}, headers=headers)


def settings_url(workspace: Workspace, name: str = "keys", key: str = "") -> str:
    return reverse(f"feedback:{name}", args=[workspace.pk], query={"key": key} if key else None)


def test_annotator_makes_a_key_on_the_spot(annotator: Client, project: Project) -> None:
    html = make(annotator, project, key="tone", type="categorical", labels="bad, good").content.decode()
    assert FeedbackKey.objects.get(key="tone").categories == LABELS
    assert 'title="tone"' in html
    assert "<html" not in html


def test_without_a_script_the_panels_page_comes_back(annotator: Client, project: Project) -> None:
    assert make(annotator, project, htmx=False, key="tone", type="boolean").status_code == 302


@pytest.mark.parametrize("suggestion", SUGGESTED, ids=lambda suggestion: suggestion.name)
def test_a_panel_without_keys_suggests_some_that_are_made_at_once(
    annotator: Client, project: Project, suggestion: Suggestion
) -> None:
    panel = reverse("feedback:annotate", args=[project.workspace_id, project.pk], query={"thread": "sally"})
    assert suggestion.name in annotator.get(panel).content.decode()
    html = make(annotator, project, **suggestion.fields).content.decode()
    assert FeedbackKey.objects.get().type == suggestion.fields["type"]
    assert "first-key" not in html
    assert 'data-made="key-' in html


def test_a_panel_with_any_key_suggests_none(annotator: Client, project: Project) -> None:
    services.record(project.workspace, Draft("thumb", score=Decimal(1), thread_id="sally", project_id=project.pk))
    panel = reverse("feedback:annotate", args=[project.workspace_id, project.pk], query={"thread": "sally"})
    assert "first-key" not in annotator.get(panel).content.decode()


def test_a_viewer_is_offered_no_key(client: Client, bob: User, project: Project) -> None:
    client.force_login(bob)
    panel = reverse("feedback:annotate", args=[project.workspace_id, project.pk], query={"thread": "sally"})
    assert "first-key" not in client.get(panel).content.decode()


def test_a_key_that_is_there_is_refused_and_kept(annotator: Client, project: Project) -> None:
    configs.configure(project.workspace, "tone", {"type": "boolean"})
    assert "tone is there already" in make(annotator, project, key="tone", type="freeform").content.decode()
    assert FeedbackKey.objects.get().type == "boolean"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"key": "", "type": "boolean"}, "This field is required"),
        ({"key": "a", "type": "categorical", "labels": ""}, "between 1 and 200"),
        ({"key": "a", "type": "categorical", "labels": "x\nx"}, "each label once"),
        ({"key": "a", "type": "continuous", "min": "2", "max": "1"}, "must be below max"),
        ({"key": "a", "type": "other"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_key_is_told_beside_its_field(
    annotator: Client, project: Project, fields: dict[str, str], told: str
) -> None:
    assert told in make(annotator, project, **fields).content.decode()
    assert not FeedbackKey.objects.exists()


def test_viewer_makes_no_key(client: Client, project: Project, bob: User) -> None:
    client.force_login(bob)
    assert make(client, project, key="tone", type="boolean").status_code == 403


def test_outsider_who_makes_a_key_gets_404(client: Client, project: Project, charlie: User) -> None:
    client.force_login(charlie)
    assert make(client, project, key="tone", type="boolean").status_code == 404


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bad\ngood", [("bad", 0), ("good", 1)]),
        ("bad, good", [("bad", 0), ("good", 1)]),
        ("so, so\ngood", [("so, so", 0), ("good", 1)]),
        ("right = 5\nwrong = -1.5", [("right", 5), ("wrong", -1.5)]),
        ("a=b", [("a=b", 0)]),
        ("= 3", [(None, 3)]),
        ("", []),
    ],
)
def test_labels_are_read_a_line_each(text: str, found: list[tuple[str | None, float]]) -> None:
    assert [(item["label"], item["value"]) for item in categories(text)] == found


def test_editor_reads_and_makes_keys_in_the_settings(editor: Client, workspace: Workspace) -> None:
    fields = {"key": "stars", "type": "continuous", "min": "1", "max": "5", "lower_is_better": "on"}
    assert editor.post(settings_url(workspace), fields).status_code == 302
    made = FeedbackKey.objects.get()
    assert (made.min, made.max, made.is_lower_score_better) == (1, 5, True)
    html = editor.get(settings_url(workspace)).content.decode()
    assert "from 1 to 5" in html
    assert "lower is better" in html


def test_a_key_is_changed_and_its_name_stays(editor: Client, workspace: Workspace) -> None:
    configs.configure(workspace, "tone", {"type": "categorical", "categories": LABELS})
    html = editor.get(settings_url(workspace, "key", "tone")).content.decode()
    assert "bad = 0\ngood = 1" in html
    fields = {"key": "other", "type": "categorical", "labels": "bad\nfine\ngood"}
    assert editor.post(settings_url(workspace, "key", "tone"), fields).status_code == 302
    changed = FeedbackKey.objects.get()
    assert (changed.key, len(changed.categories or [])) == ("tone", 3)
    assert AuditEntry.objects.filter(target="tone").count() == 2


def test_a_change_that_cannot_be_is_told(editor: Client, workspace: Workspace) -> None:
    configs.configure(workspace, "stars", {"type": "continuous"})
    fields = {"type": "continuous", "min": "9", "max": "1"}
    assert "must be below max" in editor.post(settings_url(workspace, "key", "stars"), fields).content.decode()


def test_a_key_is_deleted_and_its_part_of_the_page_is_fresh(editor: Client, workspace: Workspace) -> None:
    configs.configure(workspace, "stars", {"type": "continuous"})
    headers = {"HX-Request": "true", "HX-Target": "feedback-keys"}
    html = editor.post(settings_url(workspace, "delete_key", "stars"), headers=headers).content.decode()
    assert "No key yet" in html
    assert "<html" not in html
    assert not FeedbackKey.objects.exists()


def test_without_a_script_the_settings_come_back(editor: Client, workspace: Workspace) -> None:
    configs.configure(workspace, "stars", {"type": "continuous"})
    assert editor.post(settings_url(workspace, "delete_key", "stars")).status_code == 302


@pytest.mark.parametrize("name", ["key", "delete_key"])
def test_another_workspaces_key_is_404(editor: Client, workspace: Workspace, name: str) -> None:
    configs.configure(MembershipFactory.create().workspace, "theirs", {"type": "boolean"})
    assert editor.post(settings_url(workspace, name, "theirs")).status_code == 404


@pytest.mark.parametrize("name", ["keys", "key", "delete_key"])
def test_the_settings_are_for_editors(
    client: Client, workspace: Workspace, bob: User, charlie: User, name: str
) -> None:
    configs.configure(workspace, "stars", {"type": "continuous"})
    where = settings_url(workspace, name, "stars")
    assert client.post(where).status_code == 302
    for person, status in ((bob, 403), (charlie, 404)):
        client.force_login(person)
        assert client.post(where).status_code == status
    assert FeedbackKey.objects.exists()
