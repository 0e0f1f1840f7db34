"""Over audit entries and projects: any table with a unique last column will do."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Max
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEntry, Workspace
from apps.common.paging import Term, keyset
from apps.projects.models import Project
from tests.factories import EPOCH, ProjectFactory

NEWEST_FIRST = ("-at", "-id")


def note(workspace: Workspace, minutes: list[int]) -> None:
    for minute in minutes:
        AuditEntry.objects.create(workspace=workspace, action=f"{minute}", at=EPOCH + timedelta(minutes=minute))


def actions(page) -> str:
    return " ".join(entry.action for entry in page.rows)


def test_pages_follow_one_another_without_gap_or_overlap(workspace: Workspace):
    note(workspace, list(range(7)))
    first = keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=3)
    second = keyset(AuditEntry.objects.all(), NEWEST_FIRST, first.older, size=3)
    third = keyset(AuditEntry.objects.all(), NEWEST_FIRST, second.older, size=3)
    assert [actions(page) for page in (first, second, third)] == ["6 5 4", "3 2 1", "0"]


def test_newer_leads_back(workspace: Workspace):
    note(workspace, list(range(7)))
    first = keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=3)
    second = keyset(AuditEntry.objects.all(), NEWEST_FIRST, first.older, size=3)
    assert actions(keyset(AuditEntry.objects.all(), NEWEST_FIRST, second.newer, size=3)) == "6 5 4"


def test_ends_have_no_neighbour(workspace: Workspace):
    note(workspace, list(range(4)))
    first = keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=3)
    last = keyset(AuditEntry.objects.all(), NEWEST_FIRST, first.older, size=3)
    back = keyset(AuditEntry.objects.all(), NEWEST_FIRST, last.newer, size=3)
    assert [bool(cursor) for cursor in (first.newer, first.older)] == [False, True]
    assert [bool(cursor) for cursor in (last.newer, last.older)] == [True, False]
    assert [bool(cursor) for cursor in (back.newer, back.older)] == [False, True]


def test_full_last_page_has_nothing_older(workspace: Workspace):
    note(workspace, list(range(3)))
    assert keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=3).older == ""


def test_nothing_has_no_neighbours(workspace: Workspace):
    page = keyset(AuditEntry.objects.all(), NEWEST_FIRST)
    assert (page.rows, page.newer, page.older) == ([], "", "")


def test_equal_times_are_told_apart_by_the_last_column(workspace: Workspace):
    note(workspace, [5, 5, 5, 5, 5])
    first = keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=2)
    second = keyset(AuditEntry.objects.all(), NEWEST_FIRST, first.older, size=2)
    third = keyset(AuditEntry.objects.all(), NEWEST_FIRST, second.older, size=2)
    ids = [entry.pk for page in (first, second, third) for entry in page.rows]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5


def test_rows_that_arrive_meanwhile_shift_nothing(workspace: Workspace):
    note(workspace, list(range(6)))
    first = keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=3)
    note(workspace, [99])
    assert actions(keyset(AuditEntry.objects.all(), NEWEST_FIRST, first.older, size=3)) == "2 1 0"


@pytest.mark.parametrize(
    "order",
    [
        (Term("end_time"), Term("name")),
        (Term("end_time", descending=True), Term("name")),
        (Term("end_time", nulls_last=False), Term("name", descending=True)),
        (Term("end_time", descending=True, nulls_last=True), Term("name")),
    ],
)
def test_nulls_are_paged_through_both_ways(workspace: Workspace, order: tuple[Term, ...]):
    for number in range(6):
        end = EPOCH + timedelta(days=number // 2) if number % 2 else None
        ProjectFactory.create(workspace=workspace, name=f"p{number}", end_time=end)
    whole = [project.name for project in Project.objects.order_by(*(term.order_by() for term in order))]
    down, cursor = [], ""
    while True:
        page = keyset(Project.objects.all(), order, cursor, size=2)
        down.append([project.name for project in page.rows])
        if not page.older:
            break
        cursor = page.older
    up = [down[-1]]
    while page.newer:
        page = keyset(Project.objects.all(), order, page.newer, size=2)
        up.insert(0, [project.name for project in page.rows])
    assert [name for names in down for name in names] == whole
    assert up == down


def test_annotations_can_be_the_order(workspace: Workspace):
    for number in range(5):
        ProjectFactory.create(workspace=workspace, name=f"p{number}")
    rows = Project.objects.annotate(latest=Max("tallies__last_activity"))
    order = (Term("latest", descending=True, nulls_last=True), "name")
    first = keyset(rows, order, size=3)
    assert [project.name for project in keyset(rows, order, first.older, size=3).rows] == ["p3", "p4"]


@pytest.mark.parametrize("cursor", ["nonsense", "\x00", "eyJhIjoxfQ:1abc:def", "a" * 9000])
def test_cursor_that_is_no_cursor_shows_the_first_page(workspace: Workspace, cursor: str):
    note(workspace, [1, 2])
    assert actions(keyset(AuditEntry.objects.all(), NEWEST_FIRST, cursor)) == "2 1"


def test_cursor_of_another_order_shows_the_first_page(workspace: Workspace):
    note(workspace, [1, 2, 3])
    older = keyset(AuditEntry.objects.all(), ("at", "id"), size=1).older
    assert actions(keyset(AuditEntry.objects.all(), NEWEST_FIRST, older, size=1)) == "3"


def test_cursor_tells_the_index_where_to_start(workspace: Workspace):
    """Without a plain bound on the first column PostgreSQL reads every newer row and throws it away."""
    note(workspace, [1, 2])
    older = keyset(AuditEntry.objects.all(), NEWEST_FIRST, size=1).older
    with CaptureQueriesContext(connection) as captured:
        keyset(AuditEntry.objects.all(), NEWEST_FIRST, older, size=1)
    assert '"accounts_auditentry"."at" <= ' in captured[0]["sql"]
