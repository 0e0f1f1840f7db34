"""The strip over a thread, the list behind it, and the marks on turns and runs."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.feedback import configs, services
from apps.feedback.aggregate import Summary
from apps.feedback.annotate import NOT_APPLICABLE
from apps.feedback.draft import Draft
from apps.feedback.marks import marks_of
from apps.feedback.models import Feedback, FeedbackKey
from apps.feedback.queues.blind import Blind
from apps.feedback.strip import draw, figures_of, lines_of, said, shown
from apps.projects.models import Project
from apps.runs.models import Run
from apps.threads.models import Thread
from apps.threads.shared import SharedLink
from tests.threads.wire import run, send, turns

HOSTILE = '<script>alert(1)</script>"><svg onload=alert(2)>'


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return send(workspace, *turns("sally", 3))


def thread_of(project: Project) -> Thread:
    return Thread.objects.select_related("project__workspace").get(project=project, thread_id="sally")


def roots(project: Project) -> list[uuid.UUID]:
    return list(Run.objects.in_project(project).order_by("start_time").values_list("id", flat=True))


def rate(project: Project, key: str, *scores: float, **more: Any) -> None:
    """Each on a turn of its own."""
    for run_id, score in zip(roots(project), scores, strict=False):
        services.record(project.workspace, Draft(key, score=Decimal(str(score)), run_id=run_id, **more))


def judge(project: Project, key: str, *scores: float, thread_id: str = "sally") -> None:
    """One judge about the thread, after each turn."""
    for turn, score in enumerate(scores, start=1):
        where = {"thread_id": thread_id, "project_id": project.pk, "first_turn": 1, "last_turn": turn}
        source = {"metadata": {"judge": "j"}}
        at = timezone.now() + timedelta(seconds=turn)
        services.record(project.workspace, Draft(key, score=Decimal(str(score)), source=source, created_at=at, **where))


def url(name: str, project: Project, **query: object) -> str:
    return reverse(f"feedback:{name}", args=[project.workspace_id, project.pk], query=query)


PAGES: list[tuple[str, Callable[[Project], dict[str, object]]]] = [
    ("given", lambda project: {"thread": "sally"}),
    ("strip", lambda project: {"thread": "sally"}),
    ("marks", lambda project: {"run": roots(project)[0]}),
]


@pytest.mark.parametrize(("name", "query"), PAGES)
def test_viewer_reads_feedback(viewer: Client, project: Project, name: str, query: Callable[[Project], Any]) -> None:
    rate(project, "good", 1)
    response = viewer.get(url(name, project, **query(project)))
    assert response.status_code == 200
    assert "good" in response.content.decode()


@pytest.mark.parametrize(("name", "query"), PAGES)
def test_anonymous_must_sign_in(client: Client, project: Project, name: str, query: Callable[[Project], Any]) -> None:
    assert client.get(url(name, project, **query(project))).status_code == 302


@pytest.mark.parametrize(("name", "query"), PAGES)
def test_outsider_gets_404(outsider: Client, project: Project, name: str, query: Callable[[Project], Any]) -> None:
    assert outsider.get(url(name, project, **query(project))).status_code == 404


@pytest.mark.parametrize("query", [{}, {"thread": "nobody"}, {"run": "x"}, {"thread": "sally", "trace": "x"}])
def test_feedback_on_nothing_is_404(viewer: Client, project: Project, query: dict[str, str]) -> None:
    assert viewer.get(url("given", project, **query)).status_code == 404


def test_feedback_of_another_projects_trace_is_not_listed(
    viewer: Client, project: Project, workspace: Workspace
) -> None:
    other = send(workspace, run(project="other", thread_id="sally"))
    rate(other, "elsewhere", 1)
    html = viewer.get(url("given", project, thread="sally", trace=roots(other)[0])).content.decode()
    assert "elsewhere" not in html


def test_the_average_is_over_all_runs_and_the_thread_stands_apart(project: Project) -> None:
    rate(project, "good", 1, 0.5, 0)
    judge(project, "good", 0.25)
    over_runs, whole = figures_of(thread_of(project), Blind())
    assert (over_runs.told, over_runs.summary.count, over_runs.range, over_runs.whole) == (
        "0.5",
        3,
        "0\N{EN DASH}1",
        False,
    )
    assert (whole.told, whole.summary.count, whole.whole) == ("0.25", 1, True)


def test_scores_are_counted_in_bars_between_the_lowest_and_the_highest(project: Project) -> None:
    rate(project, "stars", 1, 1, 5)
    assert figures_of(thread_of(project), Blind())[0].buckets == {1: 2, 8: 1}


def test_yes_and_no_are_told_as_a_share(project: Project) -> None:
    configs.configure(project.workspace, "good", {"type": "boolean"})
    rate(project, "good", 1, 0)
    assert figures_of(thread_of(project), Blind())[0].told == "50 % yes"


def test_the_page_of_a_thread_shows_its_strip_and_marks(viewer: Client, project: Project) -> None:
    rate(project, "good", 0.5)
    html = viewer.get(reverse("threads:detail", args=[project.workspace_id, project.pk, "sally"])).content.decode()
    assert 'id="feedback-strip"' in html
    assert "key=good" in html
    assert html.count('class="pill mark') == 1


def test_a_shared_page_shows_no_feedback_and_no_way_to_give_it(client: Client, project: Project, alice: User) -> None:
    rate(project, "secretkey", 0.5, comment="a secret comment")
    kind = SharedLink.Kind.THREAD
    link = SharedLink.objects.create(workspace=project.workspace, project=project, kind=kind, thread_id="sally")
    for path in (link.path, f"{link.path}?view=trace", f"{link.path}/{roots(project)[0]}"):
        html = client.get(path).content.decode()
        assert "<html" in html
        assert "secret" not in html
        assert "annotat" not in html.lower()


def test_a_mark_adds_up_the_runs_of_a_turn(workspace: Workspace) -> None:
    root = run(thread_id="sally")
    project = send(workspace, root, run("tool", parent=root))
    for run_id, score in zip(roots(project), (1, 0), strict=True):
        services.record(workspace, Draft("good", score=Decimal(score), run_id=run_id))
    marks = marks_of(project, [uuid.UUID(root["id"])], Blind())
    assert "<b>0.5</b> 2\N{MULTIPLICATION SIGN}" in marks.of_turn(uuid.UUID(root["id"]))
    assert "good 1" in marks.of_run(uuid.UUID(root["id"]))


def test_the_dot_of_a_run_is_asked_for_alone(viewer: Client, project: Project) -> None:
    rate(project, "good", 1)
    html = viewer.get(url("marks", project, run=roots(project)[0], of="run")).content.decode()
    assert html.startswith('<span class="rated-dot')
    assert viewer.get(url("marks", project, run=roots(project)[1], of="run")).content == b""


def test_marks_of_no_run_are_404(viewer: Client, project: Project) -> None:
    assert viewer.get(url("marks", project, thread="sally")).status_code == 404


def test_a_turn_without_feedback_keeps_a_place_for_it(project: Project) -> None:
    trace = roots(project)[0]
    assert marks_of(project, [trace], Blind()).of_turn(trace).endswith("></span>")


def test_hostile_keys_and_comments_are_only_text(viewer: Client, project: Project) -> None:
    rate(project, HOSTILE, 0.5, comment=HOSTILE, value=HOSTILE)
    judge(project, HOSTILE, 0.1, 0.2)
    page = reverse("threads:detail", args=[project.workspace_id, project.pk, "sally"])
    annotate = reverse("feedback:annotate", args=[project.workspace_id, project.pk], query={"run": roots(project)[0]})
    given = url("given", project, thread="sally", key=HOSTILE, level="thread")
    for path in (page, f"{page}?view=trace", annotate, given, url("given", project, thread="sally")):
        html = viewer.get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html
        assert "<svg onload" not in html


def test_the_list_numbers_the_turns_and_marks_what_was_replaced(viewer: Client, project: Project) -> None:
    rate(project, "good", 1, 1, 1)
    judge(project, "resolved", 0.1, 0.9)
    html = viewer.get(url("given", project, thread="sally")).content.decode()
    assert "Turn 3" in html
    assert html.count("replaced") == 1
    assert "judged on turns 1 to 2" in html


def test_the_list_names_the_runs_inside_a_turn(viewer: Client, workspace: Workspace) -> None:
    root = run(thread_id="sally")
    project = send(workspace, root, run("look_up", parent=root))
    rate(project, "good", 1, 0)
    html = viewer.get(url("given", project, thread="sally")).content.decode()
    assert "Open <bdi>look_up</bdi>" in html
    assert "Open trace" in html


def test_the_list_is_narrowed_by_key_and_level(viewer: Client, project: Project) -> None:
    rate(project, "good", 1)
    judge(project, "resolved", 0.5)
    html = viewer.get(url("given", project, thread="sally", key="resolved", level="thread")).content.decode()
    assert html.count('class="faint">api') == 1
    assert "judged on turn 1" in html


def test_a_panel_is_filled_by_the_same_address(viewer: Client, project: Project) -> None:
    headers = {"HX-Request": "true", "HX-Target": "panel"}
    assert "<html" not in viewer.get(url("given", project, thread="sally"), headers=headers).content.decode()


def test_a_list_costs_the_same_for_10_and_20_verdicts(
    viewer: Client, project: Project, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    def fill(count: int) -> int:
        for number in range(count):
            services.record(project.workspace, Draft(f"key {number}", score=Decimal(1), run_id=roots(project)[0]))
        return count_queries(lambda: viewer.get(url("given", project, thread="sally")))

    assert fill(10) == fill(20)


def test_the_verdicts_of_one_judge_are_a_line(project: Project) -> None:
    judge(project, "resolved", 0.1, 0.5, 0.9)
    verdicts = Feedback.objects.in_threads([thread_of(project).pk]).for_list()
    (line,) = lines_of(verdicts)
    assert (line.judge, line.number, line.first, line.last) == ("j", 3, "0.1", "0.9")
    assert line.points.count("<circle") == 3


def test_a_single_verdict_is_no_line(project: Project) -> None:
    judge(project, "resolved", 0.1)
    assert lines_of(Feedback.objects.in_threads([thread_of(project).pk]).for_list()) == []


@pytest.mark.parametrize(("number", "text"), [(0.123456, "0.123"), (1, "1"), (1234567, "1,230,000"), (-2.5, "-2.5")])
def test_numbers_keep_three_digits(number: float, text: str) -> None:
    assert shown(number) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"error": True}, "failed"),
        ({"extra": NOT_APPLICABLE}, "n/a"),
        ({"score": Decimal("0.50")}, "0.5"),
        ({"value": "kind", "labels": ["kind"], "score": Decimal(2)}, "kind (2)"),
        ({"comment": "only words"}, ""),
    ],
)
def test_a_verdict_is_told_in_a_word(given: dict[str, Any], text: str) -> None:
    assert said(Feedback(**given)) == text


def test_a_lower_score_is_better_where_the_key_says_so() -> None:
    config = FeedbackKey(type="boolean", is_lower_score_better=True)
    drawing = draw(Summary(count=1, scored=1, total=Decimal(1), low=Decimal(1), high=Decimal(1)), config)
    assert 'class="bad"' in drawing
    assert 'class="ok"' not in drawing
