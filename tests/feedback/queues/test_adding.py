from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User, Workspace
from apps.feedback.queues import adding
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.projects.models import Project
from apps.runs.models import Run
from apps.threads.models import Thread
from tests.feedback.queues.conftest import fill_with_threads, make_queue, signed_in

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Target": "queue-add"}


def add_url(project: Project, **query: Any) -> str:
    return reverse("queues:add", args=[project.workspace_id, project.pk], query=query)


def bulk(client: Client, project: Project, **form: Any) -> Any:
    return client.post(reverse("threads:bulk", args=[project.workspace_id, project.pk]), {"do": "queue"} | form)


def names(queue: AnnotationQueue) -> list[str | None]:
    return [item.thread_id for item in QueueItem.objects.in_queue(queue).in_order()]


def test_a_thread_is_added_from_its_page(queue: AnnotationQueue, project: Project, anna: User) -> None:
    client, address = signed_in(anna), add_url(project, thread="chat-1")
    assert queue.name in client.get(address).content.decode()
    assert client.post(address, {"queue": str(queue.pk)}).status_code == 302
    assert names(queue) == ["chat-1"]


def test_a_run_is_added_by_htmx_and_the_panel_says_so(queue: AnnotationQueue, project: Project, anna: User) -> None:
    run = Run.objects.get(name="alone")
    answer = signed_in(anna).post(add_url(project, run=run.pk[1]), {"queue": str(queue.pk)}, headers=HTMX)
    assert "<html" not in answer.content.decode()
    assert "added" in answer.content.decode()
    assert QueueItem.objects.get().run_id == run.id


@pytest.mark.parametrize("query", [{"thread": "nowhere"}, {"run": "nonsense"}, {}])
def test_what_is_not_there_is_404(project: Project, anna: User, query: dict[str, str]) -> None:
    assert signed_in(anna).get(add_url(project, **query)).status_code == 404


def test_only_those_who_annotate_add(queue: AnnotationQueue, project: Project, bob: User, charlie: User) -> None:
    address = add_url(project, thread="chat-1")
    assert Client().get(address).status_code == 302
    assert signed_in(bob).post(address, {"queue": str(queue.pk)}).status_code == 403
    assert signed_in(charlie).get(address).status_code == 404
    assert not QueueItem.objects.exists()


def test_a_queue_of_another_workspace_takes_nothing(project: Project, anna: User, charlie: User) -> None:
    theirs = make_queue(charlie.memberships.get().workspace)
    assert signed_in(anna).post(add_url(project, thread="chat-1"), {"queue": str(theirs.pk)}).status_code == 404
    chat = Thread.objects.get(thread_id="chat-1")
    assert bulk(signed_in(anna), project, thread=str(chat.pk), queue=str(theirs.pk)).status_code == 404


def test_ticked_threads_are_asked_for_their_queue_first(queue: AnnotationQueue, project: Project, anna: User) -> None:
    client, chat = signed_in(anna), Thread.objects.get(thread_id="chat-1")
    page = bulk(client, project, thread=str(chat.pk), query="sort=turns").content.decode()
    assert "Add 1 thread to a queue" in page
    assert f'value="{chat.pk}"' in page
    answer = bulk(client, project, thread=str(chat.pk), query="sort=turns", queue=str(queue.pk))
    assert answer["location"].endswith("?sort=turns")
    assert names(queue) == ["chat-1"]


def test_all_that_the_filter_finds_is_added(queue: AnnotationQueue, project: Project, anna: User) -> None:
    fill_with_threads(queue, project, "chat-2")
    query = "thread_filter=gte(turns, 1)"
    answer = bulk(signed_in(anna), project, all="1", query=query, queue=str(queue.pk))
    assert answer.status_code == 302
    assert sorted(filter(None, names(queue))) == ["chat-1", "chat-2"]


def test_a_filter_adds_no_more_than_the_bound(
    queue: AnnotationQueue, project: Project, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "MOST_ADDED", 1)
    bulk(signed_in(anna), project, all="1", queue=str(queue.pk))
    assert len(names(queue)) == 1


def test_a_viewer_is_offered_no_queue(queue: AnnotationQueue, project: Project, bob: User, anna: User) -> None:
    page = reverse("threads:detail", args=[project.workspace_id, project.pk, "chat-1"])
    assert add_url(project) in signed_in(anna).get(page).content.decode()
    assert add_url(project) not in signed_in(bob).get(page).content.decode()
    assert bulk(signed_in(bob), project, all="1", queue=str(queue.pk)).status_code == 403


def test_a_queue_is_made_with_its_rubric_and_people(workspace: Workspace, alice: User, anna: User) -> None:
    form = {
        "name": "Tone",
        "reviews_needed": "1",
        "reserved_minutes": "10",
        "access": "assigned",
        "reviewers": str(anna.memberships.get().pk),
        "rubric-TOTAL_FORMS": "3",
        "rubric-INITIAL_FORMS": "0",
        "rubric-0-key": "tone",
        "rubric-0-values": "kind: warm words\n1: the best",
        "rubric-0-required": "on",
        "rubric-2-key": "facts",
    }
    assert signed_in(alice).post(reverse("queues:create", args=[workspace.pk]), form).status_code == 302
    queue = AnnotationQueue.objects.get()
    assert [row["feedback_key"] for row in queue.rubric] == ["tone", "facts"]
    assert queue.rubric[0]["value_descriptions"] == [["kind", "warm words"]]
    assert queue.rubric[0]["score_descriptions"] == [["1", "the best"]]
    assert [member.user for member in queue.reviewers.all()] == [anna]
    page = signed_in(alice).get(reverse("queues:edit", args=[workspace.pk, queue.pk])).content.decode()
    assert "kind: warm words" in page


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"access": "assigned"}, "Choose at least 2"),
        ({"rubric-0-key": "a", "rubric-1-key": "a"}, "each feedback_key once"),
        ({"reviews_needed": "0"}, "greater than or equal to 1"),
        ({"name": ""}, "required"),
    ],
)
def test_the_form_says_what_is_wrong(workspace: Workspace, alice: User, fields: dict[str, str], problem: str) -> None:
    form = {
        "name": "Tone",
        "reviews_needed": "2",
        "reserved_minutes": "10",
        "access": "any",
        "rubric-TOTAL_FORMS": "2",
        "rubric-INITIAL_FORMS": "0",
    }
    answer = signed_in(alice).post(reverse("queues:create", args=[workspace.pk]), form | fields)
    assert problem in answer.content.decode()
    assert not AnnotationQueue.objects.exists()
