import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from apps.accounts.models import Workspace
from apps.projects.models import Project
from tests.factories import EPOCH, ProjectFactory
from tests.threads.wire import run, send, turns

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return ProjectFactory.create(workspace=workspace, name="p")


def url(project: Project, name: str = "list") -> str:
    return reverse(f"threads:{name}", args=[project.workspace_id, project.pk])


def page(client: Client, project: Project, **query: str) -> str:
    return client.get(url(project), query).content.decode()


def ids(html: str) -> list[str]:
    return re.findall(r'class="row-link mono"[^>]* title="([^"]*)"', html)


def threads(workspace: Workspace, count: int) -> None:
    send(workspace, *(run(thread_id=f"t{n:03}", start=EPOCH + timedelta(minutes=n)) for n in range(count)))


def test_viewer_sees_the_threads(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 3))
    html = page(viewer, project)
    assert ids(html) == ["sally"]
    assert "question 1" in html
    assert "answer 3" in html


def test_anonymous_must_sign_in(client: Client, project: Project) -> None:
    assert client.get(url(project)).url == f"{reverse('account_login')}?next={url(project)}"


def test_outsider_gets_404(outsider: Client, project: Project) -> None:
    assert outsider.get(url(project)).status_code == 404


def test_a_project_of_another_workspace_is_404(viewer: Client, workspace: Workspace) -> None:
    other = ProjectFactory.create()
    assert viewer.get(reverse("threads:list", args=[workspace.pk, other.pk])).status_code == 404


def test_most_recent_activity_comes_first(viewer: Client, workspace: Workspace) -> None:
    project = send(
        workspace,
        run(thread_id="old", start=EPOCH),
        run(thread_id="new", start=EPOCH + timedelta(hours=1)),
        run(thread_id="old but running on", start=EPOCH, seconds=7_200),
    )
    assert ids(page(viewer, project)) == ["old but running on", "new", "old"]


def test_each_thread_is_on_one_page_whichever_way_one_turns(viewer: Client, workspace: Workspace) -> None:
    threads(workspace, 120)
    project = Project.objects.get(name="p")
    first = viewer.get(url(project)).context["page"]
    second = viewer.get(url(project), {"cursor": first.older}).context["page"]
    third = viewer.get(url(project), {"cursor": second.older}).context["page"]
    back = viewer.get(url(project), {"cursor": third.newer}).context["page"]
    seen = [thread.thread_id for shown in (first, second, third) for thread in shown.rows]
    assert seen == [f"t{n:03}" for n in reversed(range(120))]
    assert back.rows == second.rows


def test_rows_that_arrive_shift_nothing(viewer: Client, workspace: Workspace) -> None:
    threads(workspace, 60)
    project = Project.objects.get(name="p")
    first = viewer.get(url(project)).context["page"]
    send(workspace, run(thread_id="late", start=EPOCH + timedelta(days=1)))
    assert viewer.get(url(project), {"cursor": first.older}).context["page"].rows[0].thread_id == "t009"


def test_the_table_costs_the_same_queries_at_10_and_20_rows(
    viewer: Client, workspace: Workspace, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    threads(workspace, 10)
    project = Project.objects.get(name="p")
    viewer.get(url(project))
    ten = count_queries(lambda: viewer.get(url(project)))
    threads(workspace, 20)
    assert count_queries(lambda: viewer.get(url(project))) == ten


def test_the_table_alone_answers_htmx(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    html = viewer.get(url(project), headers={"HX-Request": "true", "HX-Target": "threads"}).content.decode()
    assert html.strip().startswith('<div id="threads">')
    assert "<html" not in html


def test_the_error_of_the_last_turn_stands_where_its_output_would(viewer: Client, workspace: Workspace) -> None:
    project = send(
        workspace,
        *turns("sally", 1),
        run(thread_id="sally", start=EPOCH + timedelta(minutes=5), error="RateLimitError: 429", outputs={}),
    )
    html = page(viewer, project)
    assert '<td class="words bad" dir="auto" title="RateLimitError: 429">' in html
    assert '<span class="pill bad">1</span>' in html


def test_an_error_that_was_recovered_from_leaves_the_last_output(viewer: Client, workspace: Workspace) -> None:
    project = send(
        workspace,
        run(thread_id="sally", start=EPOCH, error="boom", outputs={}),
        run(thread_id="sally", start=EPOCH + timedelta(minutes=5), outputs={"answer": "fine now"}),
    )
    html = page(viewer, project)
    assert "fine now" in html
    assert "boom" not in html


def test_a_turn_that_runs_is_said_to_run(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", seconds=None))
    assert "running" in page(viewer, project)


def test_hostile_text_is_only_text(viewer: Client, workspace: Workspace) -> None:
    project = send(
        workspace,
        run(HOSTILE, thread_id=HOSTILE, inputs={"question": HOSTILE}, outputs={"answer": HOSTILE}, error=HOSTILE),
    )
    html = page(viewer, project)
    assert escape(HOSTILE) in html
    assert "<script>alert" not in html
    assert "<img" not in html


def test_an_unknown_cost_is_no_zero(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    assert '<td class="num" data-l="cost"><span class="faint">\N{EN DASH}</span></td>' in page(viewer, project)


def test_the_sparkline_counts_turns_and_failures(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 30), run(thread_id="sally", start=EPOCH + timedelta(hours=1), error="x"))
    html = page(viewer, project)
    assert 'aria-label="The last 24 of 31 turns, 1 failed"' in html
    assert html.count("<circle") == 24


def test_an_empty_project_says_what_to_do_next(viewer: Client, project: Project) -> None:
    html = page(viewer, project)
    assert "export LANGSMITH_ENDPOINT=" in html
    assert "export LANGSMITH_PROJECT=p" in html


def test_runs_without_a_thread_id_get_the_cure(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run())
    html = page(viewer, project)
    assert "1 run, but none says" in html
    assert "conversation_id" in html


def newer(client: Client, project: Project, after: str) -> str:
    return client.get(url(project, "newer"), {"after": after}).content.decode()


def test_the_poll_counts_threads_active_since(viewer: Client, workspace: Workspace) -> None:
    threads(workspace, 5)
    project = Project.objects.get(name="p")
    html = newer(viewer, project, (EPOCH + timedelta(minutes=2, seconds=30)).isoformat())
    assert ">2 new</a>" in html


def test_the_page_asks_for_what_is_newer_than_its_first_row(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="a", seconds=1.123456))
    polled = re.search(r'hx-get="([^"]*newer[^"]*)"', page(viewer, project))
    assert polled is not None
    assert "new</a>" not in viewer.get(polled[1]).content.decode()
    send(workspace, run(thread_id="b", seconds=1.123457))
    assert ">1 new</a>" in viewer.get(polled[1]).content.decode()


def test_the_poll_stops_counting_at_99(viewer: Client, workspace: Workspace) -> None:
    threads(workspace, 101)
    project = Project.objects.get(name="p")
    assert ">99+ new</a>" in newer(viewer, project, (EPOCH - timedelta(days=1)).isoformat())


@pytest.mark.parametrize("after", ["", "yesterday", "2026-99-99T00:00:00"])
def test_a_poll_from_nowhere_counts_all(viewer: Client, workspace: Workspace, after: str) -> None:
    project = send(workspace, *turns("sally", 1))
    assert ">1 new</a>" in newer(viewer, project, after)


def test_anonymous_polls_nothing(client: Client, project: Project) -> None:
    assert client.get(url(project, "newer")).status_code == 302


def test_outsider_polls_nothing(outsider: Client, project: Project) -> None:
    assert outsider.get(url(project, "newer")).status_code == 404


def test_an_unknown_project_is_404(viewer: Client, workspace: Workspace) -> None:
    assert viewer.get(reverse("threads:list", args=[workspace.pk, uuid.uuid4()])).status_code == 404
