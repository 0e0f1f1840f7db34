"""feedback_key, feedback_score and the like in filters of runs and of threads."""

import json
import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Workspace
from apps.feedback import services
from apps.feedback.draft import Draft
from apps.feedback.models import Feedback
from apps.feedback.wire import score_of
from apps.projects.models import Project
from apps.runs.models import Run
from apps.runs.query.nodes import And, Not, Or
from apps.runs.query.parse import parse
from apps.runs.query.sentence import sentence
from apps.runs.query.unparse import unparse
from apps.threads.filtering import parse_thread_filter
from apps.threads.models import Thread
from tests.api import Caller
from tests.factories import EPOCH
from tests.runs.query.naive import feedback_holds, holds
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

KEYS = ["good", "tone", "user.score", "x"]
SCORES = [None, 0, 1, 0.5, 4]
VALUES: list[Any] = [None, "yes", "5", "5.0", 5, True, ["yes", "no"], {"deep": "yes"}, "a%b"]
COMMENTS = [None, "so so", "100%"]
SOURCES = ["api", "model"]


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Thirty runs in ten threads and none, each with up to three feedback, and some about threads."""
    rng = random.Random(11)
    sent = [
        run(thread_id=rng.choice([None, *(f"t{n}" for n in range(10))]), start=EPOCH + timedelta(n)) for n in range(30)
    ]
    project = send(workspace, *sent)
    targets: list[dict[str, Any]] = [
        {"run_id": uuid.UUID(each["id"])} for each in sent for _ in range(rng.randrange(4))
    ]
    targets += [{"thread_id": f"t{n}", "project_id": project.pk} for n in (1, 1, 2, 3)]
    services.record_all(workspace, [_draft(rng, **target) for target in targets])
    return project


def _draft(rng: random.Random, **target: Any) -> Draft:
    draft = Draft(
        key=rng.choice(KEYS),
        score=score_of(rng.choice(SCORES)),
        value=rng.choice(VALUES),
        comment=rng.choice(COMMENTS),
        source_type=rng.choice(SOURCES),
        source=rng.choice([{}, {"user_id": "judge"}]),
    )
    for name, value in target.items():
        setattr(draft, name, value)
    return draft


def quoted(values: list[Any]) -> list[str]:
    return [json.dumps(value) for value in values]


def compared(field: str, operators: list[str], values: list[str]) -> st.SearchStrategy[str]:
    one = st.builds("{}({}, {})".format, st.sampled_from(operators), st.just(field), st.sampled_from(values))
    many = st.lists(st.sampled_from(values), min_size=1, max_size=2).map(
        lambda found: f"in({field}, [{', '.join(found)}])"
    )
    return st.one_of(one, many)


ORDERED = ["eq", "neq", "gt", "gte", "lt", "lte"]
halves = st.one_of(
    compared("feedback_key", ["eq", "neq"], quoted(KEYS)),
    compared("feedback_score", ORDERED, ["0", "1", "0.5", "true", "4"]),
    compared("feedback_value", ORDERED, [*quoted(["yes", "5", "5.0", "no"]), "5"]),
    compared("feedback_comment", ORDERED, quoted(["so so", "m"])),
    compared("feedback_source", ["eq", "neq"], quoted(SOURCES)),
    st.sampled_from(
        [
            "eq(feedback_comment, null)",
            "neq(feedback_comment, null)",
            "eq(feedback_score, null)",
            "neq(feedback_score, null)",
            'like(feedback_comment, "%s%")',
            'like(feedback_value, "y_s")',
        ]
    ),
)
pairs = st.lists(halves, min_size=1, max_size=4).map(lambda found: f"and({', '.join(found)})")
filters = st.recursive(
    pairs,
    lambda inner: st.one_of(
        st.builds("not({})".format, inner),
        st.builds(
            "{}({})".format, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3).map(", ".join)
        ),
    ),
    max_leaves=4,
)
EXAMPLES = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def test_the_sql_for_runs_agrees_with_the_meaning(project: Project) -> None:
    runs = list(Run.objects.all())

    @EXAMPLES
    @given(filters)
    def agree(text: str) -> None:
        node = parse(text)
        found = set(Run.objects.matching(node).values_list("id", flat=True))
        assert found == {one.id for one in runs if holds(node, one)}
        assert parse(unparse(node)) == node or "and" in text

    agree()


def test_the_sql_for_threads_agrees_with_the_meaning(project: Project) -> None:
    threads = list(Thread.objects.all())
    feedback = {one.pk: list(Feedback.objects.newest().in_threads([one.pk])) for one in threads}

    @EXAMPLES
    @given(filters)
    def agree(text: str) -> None:
        node = parse_thread_filter(text)
        found = set(Thread.objects.in_project(project).matching(node, project).values_list("pk", flat=True))
        assert found == {one.pk for one in threads if thread_holds(node, feedback[one.pk])}

    agree()


def thread_holds(node: Any, given: list[Feedback]) -> bool:
    match node:
        case And(parts):
            return all(thread_holds(part, given) for part in parts)
        case Or(parts):
            return any(thread_holds(part, given) for part in parts)
        case Not(part):
            return not thread_holds(part, given)
    return feedback_holds(node, given)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ('and(eq(feedback_key, "good"), lt(feedback_score, 1))', "feedback_threadscore"),
        ('and(eq(feedback_key, "tone"), in(feedback_value, ["yes", "no"]))', "feedback_threadlabel"),
        ('eq(feedback_source, "model")', "feedback_threadlabel"),
    ],
)
def test_what_threads_must_not_have_is_looked_up_in_their_totals(project: Project, text: str, table: str) -> None:
    for denied in (f"not({text})", f"and(gt(turn_count, 0), not(or({text}, gt(turn_count, 9))))"):
        rows = Thread.objects.in_project(project).matching(parse_thread_filter(denied), project)
        assert table in rows.explain()
        assert "feedback_feedback" not in rows.explain()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('eq(feedback_key, "good")', "has feedback good"),
        ('and(eq(feedback_key, "good"), gt(feedback_score, 4))', "has feedback good with score over 4"),
        (
            'and(in(feedback_key, ["a", "b"]), eq(feedback_value, "yes"), neq(feedback_comment, null))',
            "has feedback a or b with value is yes and a comment",
        ),
        ('neq(feedback_key, "good")', "has no feedback good"),
        (
            'and(neq(feedback_key, "good"), eq(feedback_source, "model"))',
            "has no feedback good and other feedback with source is model",
        ),
        ("lt(feedback_score, 0.5)", "has feedback with score under 0.5"),
    ],
)
def test_a_sentence_says_what_is_asked(text: str, said: str) -> None:
    assert sentence(parse(text)) == said
    assert parse(unparse(parse(text))) in (parse(text), parse(f"and({text})"))


@pytest.fixture
def scored(workspace: Workspace) -> tuple[Project, dict[str, Any], dict[str, Any]]:
    """Two threads, one liked by its root's feedback and one disliked."""
    liked, disliked = run(thread_id="liked"), run(thread_id="disliked")
    inner = run("inner", parent=liked)
    project = send(workspace, liked, inner, disliked)
    for root, score in ((liked, 1), (disliked, 0)):
        services.record(workspace, Draft(key="user_score", score=score_of(score), run_id=uuid.UUID(root["id"])))
    return project, liked, inner


LIKED = 'and(eq(feedback_key, "user_score"), eq(feedback_score, 1))'


def test_feedback_on_the_root_finds_runs_below_it(api: Caller, scored: tuple[Any, Any, Any]) -> None:
    project, liked, inner = scored
    body = {"session": [str(project.pk)], "filter": 'eq(name, "inner")', "trace_filter": LIKED}
    assert [one["id"] for one in api.post("/runs/query", **body).json()["runs"]] == [inner["id"]]
    body = {"session": [str(project.pk)], "tree_filter": LIKED}
    assert {one["id"] for one in api.post("/runs/query", **body).json()["runs"]} == {liked["id"], inner["id"]}


@pytest.mark.parametrize("parameter", ["filter", "trace_filter", "tree_filter", "thread_filter"])
def test_every_filter_of_threads_takes_feedback(api: Caller, scored: tuple[Any, Any, Any], parameter: str) -> None:
    query = {"project_id": scored[0].pk, "min_start_time": "2020-01-01", parameter: LIKED}
    assert [one["thread_id"] for one in api.items("/api/v2/threads/query", **query)] == ["liked"]


def test_runs_are_found_by_when_their_feedback_changed(api: Caller, scored: tuple[Any, Any, Any]) -> None:
    project, liked, _ = scored
    Feedback.objects.asked_for(run_id=liked["id"]).update(modified_at=EPOCH)
    query = {"project_ids": [project.pk], "min_start_time": "2020-01-01"}
    for bound, names in (("max", [liked["id"]]), ("min", [liked["id"]])):
        at = {f"{bound}_feedback_modified_at": EPOCH.isoformat()}
        found = [one["id"] for one in api.items("/api/v2/runs/query", **query, **at)]
        assert (found == names) is (bound == "max")
        assert liked["id"] in found


@pytest.mark.parametrize(
    ("threads", "index"), [(False, "feedback_scored"), (True, "feedback_in_thread")], ids=["runs", "threads"]
)
def test_a_feedback_condition_has_an_index(project: Project, threads: bool, index: str) -> None:
    with connection.cursor() as cursor:
        # As it is when the table has its statistics: without them reading all of an index seems to cost as little as a look-up.
        cursor.execute("ANALYZE feedback_feedback, runs_run, threads_thread")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off"
        )
        # Taken back with the test: on a small table one index is as good as another.
        others = {
            "feedback_latest",
            "feedback_of_run",
            "feedback_of_workspace",
            "feedback_in_thread",
            "feedback_scored",
        }
        cursor.execute(f"DROP INDEX {', '.join(others - {index})}")
    if threads:
        rows: Any = Thread.objects.in_project(project).matching(parse_thread_filter(LIKED), project).for_table()[:50]
    else:
        rows = Run.objects.matching(parse(LIKED))
    assert index in rows.explain(), rows.explain()
