"""What a blind review keeps from its reviewers elsewhere: on the pages of the thread, of its runs, and in the Annotate panel."""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse

from apps.accounts.models import Membership, User, Workspace
from apps.feedback import services
from apps.feedback.draft import Draft
from apps.feedback.models import Feedback
from apps.feedback.queues import reviewing
from apps.feedback.queues.adding import add_runs
from apps.feedback.queues.blind import blind_on
from apps.feedback.queues.models import AnnotationQueue
from apps.feedback.queues.rubric import rubric_from
from apps.projects.models import Project
from apps.runs.models import Trace
from apps.threads.models import Thread
from tests.feedback.queues.conftest import fill_with_threads, make_queue, signed_in

pytestmark = pytest.mark.django_db

SECRET = "the words of the other reviewer"
HIDDEN = "hidden until you have reviewed"


@pytest.fixture
def queue(workspace: Workspace) -> AnnotationQueue:
    return make_queue(workspace, reviews_needed=2, rubric=rubric_from([{"feedback_key": "tone"}]))


def root(project: Project) -> uuid.UUID:
    return Trace.objects.in_project(project).in_thread("chat-1")[0].trace_id


def say(project: Project, user: User, key: str = "tone", run_id: uuid.UUID | None = None) -> Feedback:
    about = {"run_id": run_id} if run_id else {"thread_id": "chat-1", "project_id": project.pk}
    draft = Draft(key, score=Decimal("0.125"), comment=SECRET, user_id=user.pk, source_type="app", **about)
    return services.record(project.workspace, draft)


def pages(project: Project, run_id: uuid.UUID | None) -> dict[str, str]:
    about = {"run": str(run_id)} if run_id else {"thread": "chat-1"}
    at = [project.workspace_id, project.pk]
    thread = reverse("threads:detail", args=[*at, "chat-1"])
    return {
        "the thread": thread,
        "its trees": f"{thread}?view=trace",
        "the strip": reverse("feedback:strip", args=at, query={"thread": "chat-1"}),
        "the marks": reverse("feedback:marks", args=at, query={"run": root(project)}),
        "the verdicts": reverse("feedback:given", args=at, query=about),
        "the verdicts of a key": reverse("feedback:given", args=at, query={"thread": "chat-1", "key": "tone"}),
        "the panel": reverse("feedback:annotate", args=at, query=about),
        "the panel again": reverse("feedback:annotate", args=at, query={**about, "part": "others"}),
        "a run": reverse("runs:detail", args=[*at, root(project)]),
    }


def seen(user: User, project: Project, run_id: uuid.UUID | None) -> set[str]:
    """The pages on which the person reads the words or the figure."""
    client = signed_in(user)
    texts = {name: client.get(url).content.decode() for name, url in pages(project, run_id).items()}
    return {name for name, text in texts.items() if SECRET in text or "0.125" in text}


@pytest.mark.parametrize("of_run", [True, False], ids=["a run", "a thread"])
def test_a_reviewer_reads_nothing_of_the_others_until_done(
    queue: AnnotationQueue, project: Project, anna: User, ben: User, of_run: bool
) -> None:
    run_id = root(project) if of_run else None
    (item,) = add_runs(queue, [run_id]) if run_id else fill_with_threads(queue, project, "chat-1")
    say(project, ben, run_id=run_id)
    assert seen(anna, project, run_id) == set()
    reviewing.finish(queue, item, anna)
    assert {"the strip", "the verdicts", "the panel", "the panel again"} <= seen(anna, project, run_id)


def test_what_is_hidden_is_said(queue: AnnotationQueue, project: Project, anna: User, ben: User) -> None:
    fill_with_threads(queue, project, "chat-1")
    say(project, ben)
    client, where = signed_in(anna), pages(project, None)
    for name in ("the thread", "the verdicts", "the panel"):
        assert HIDDEN in client.get(where[name]).content.decode(), name


def test_the_own_verdict_stays_readable(queue: AnnotationQueue, project: Project, anna: User) -> None:
    fill_with_threads(queue, project, "chat-1")
    say(project, anna)
    assert {"the verdicts", "the panel"} <= seen(anna, project, None)


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_nothing_is_hidden_from_those_who_do_not_review_or_run_the_queue(
    queue: AnnotationQueue, project: Project, anna: User, ben: User, role: str
) -> None:
    fill_with_threads(queue, project, "chat-1")
    say(project, ben)
    Membership.objects.filter(user=anna).update(role=role)
    assert "the verdicts" in seen(anna, project, None)


def test_other_keys_threads_and_people_are_not_blind(
    queue: AnnotationQueue, project: Project, anna: User, ben: User
) -> None:
    fill_with_threads(queue, project, "chat-1")
    other, tone = say(project, ben, key="depth"), say(project, ben)
    thread = Thread.objects.select_related("project").get(thread_id="chat-1")
    blind = blind_on(Membership.objects.get(user=anna), thread)
    assert (blind.keeps(tone), blind.keeps(other)) == (True, False)
    elsewhere = Thread.objects.select_related("project").get(thread_id="chat-2")
    assert not blind_on(Membership.objects.get(user=anna), elsewhere)
    queue.assigned_only = True
    queue.save()
    assert not blind_on(Membership.objects.get(user=anna), thread)


def test_a_queue_without_a_rubric_keeps_every_key(workspace: Workspace, project: Project, anna: User) -> None:
    for rubric in ([], rubric_from([{"feedback_key": "tone"}])):
        fill_with_threads(make_queue(workspace, reviews_needed=2, rubric=rubric), project, "chat-1")
    thread = Thread.objects.select_related("project").get(thread_id="chat-1")
    assert blind_on(Membership.objects.get(user=anna), thread).keeps_sum("thread", "whatever")


def test_one_review_hides_nothing(workspace: Workspace, project: Project, anna: User, ben: User) -> None:
    fill_with_threads(make_queue(workspace), project, "chat-1")
    say(project, ben)
    assert "the verdicts" in seen(anna, project, None)
