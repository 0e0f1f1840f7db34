"""The columns of the Threads tab: which there are, who chose them, what they show."""

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.projects.models import Project
from apps.threads.columns import COLUMNS, FAMILIES, Column, Family
from apps.threads.of_turns import Pairs
from config.settings import BASE_DIR
from tests.factories import EPOCH
from tests.threads.listing import chat, heads, llm, page, url
from tests.threads.wire import send

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def project(workspace: Workspace) -> Project:
    call = llm("gpt-4o", tokens=30, cost="0.25")
    call["extra"]["metadata"]["usage_metadata"]["input_token_details"] = {"cache_read": 5}
    return send(
        workspace,
        *chat(
            "a",
            call,
            metadata={"user_id": "u_7", "plan": {"tier": "gold"}, "a.b": 4},
            tags=["beta", "canary"],
            seconds=90,
        ),
    )


def choose(client: Client, project: Project, **form: object) -> str:
    """Where the form leads."""
    return str(client.post(url(project, "columns"), form).headers["Location"])


SHOWN = {
    "tokens_in": '<td class="num" data-l="in">20</td>',
    "tokens_out": '<td class="num" data-l="out">10</td>',
    "cost": '<td class="num" data-l="cost">$0.2500</td>',
    "user": ">u_7</td>",
    "tags": "<bdi>beta</bdi>",
    "models": "<bdi>gpt-4o</bdi>",
    "duration": '<td class="num" data-l="long">1 min 30 s</td>',
    "worked": '<td class="num" data-l="worked">1 min 30 s</td>',
    "cached": '<td class="num" data-l="cached">25 %</td>',
    "meta.plan.tier": ">gold</td>",
    "meta.a.b": ">4</td>",
    "meta.plan": "{&quot;tier&quot;: &quot;gold&quot;}</td>",
    "meta.missing": '<td class="short"><span class="faint">',
}


@pytest.mark.parametrize(("column", "cell"), SHOWN.items())
def test_a_column_shows_its_figure(viewer: Client, project: Project, column: str, cell: str) -> None:
    assert cell in page(viewer, project, cols=column)


def test_pauses_are_no_work(viewer: Client, workspace: Workspace) -> None:
    project = send(
        workspace, *chat("a", seconds=20), *chat("a", minutes=60, seconds=30), *chat("a", minutes=90, seconds=None)
    )
    html = page(viewer, project, cols="worked,duration")
    assert 'data-l="worked">50 s</td>' in html
    assert 'data-l="long">1 h 30 min</td>' in html


def test_a_thread_is_marked_while_it_is_active(viewer: Client, workspace: Workspace) -> None:
    now = (timezone.now() - EPOCH).total_seconds() / 60
    project = send(workspace, *chat("busy", minutes=now - 2), *chat("idle", minutes=now - 20))
    busy, idle = page(viewer, project).split("</tr>")[1:3]
    assert 'aria-label="Active now"' in busy
    assert 'aria-label="Active now"' not in idle


def test_columns_stand_in_the_order_of_the_url(viewer: Client, project: Project) -> None:
    assert heads(page(viewer, project, cols="cost,turns,meta.plan")) == ["Cost", "Turns", "plan"]


def test_columns_that_do_not_exist_are_left_out(viewer: Client, project: Project) -> None:
    assert heads(page(viewer, project, cols="turns,nonsense,feedback.,meta.")) == ["Turns"]


def test_chosen_columns_are_remembered_for_the_person_and_the_project(
    viewer: Client, alice: User, workspace: Workspace, project: Project
) -> None:
    other = send(workspace, *chat("a", project="other"))
    assert choose(viewer, project, col=["turns", "cost"], query="q=hello").endswith("?q=hello&cols=turns%2Ccost")
    assert heads(page(viewer, project)) == ["Turns", "Cost"]
    assert len(heads(page(viewer, other))) > 2
    viewer.force_login(alice)
    assert len(heads(page(viewer, project))) > 2


def test_reset_brings_the_usual_columns_back(viewer: Client, project: Project) -> None:
    usual = heads(page(viewer, project))
    choose(viewer, project, col=["turns"])
    choose(viewer, project, reset="1", query="cols=turns")
    assert heads(page(viewer, project)) == usual


def test_columns_move_without_a_script(viewer: Client, project: Project) -> None:
    ticked = ["turns", "cost", "p50"]
    assert "cols=cost%2Cturns%2Cp50&columns=open" in choose(viewer, project, col=ticked, up="cost")
    assert "cols=turns%2Cp50%2Ccost&columns=open" in choose(viewer, project, col=ticked, down="cost")
    assert "cols=turns%2Ccost%2Cp50&" in choose(viewer, project, col=ticked, up="turns")


def test_a_metadata_path_becomes_a_column(viewer: Client, project: Project) -> None:
    assert choose(viewer, project, col=["turns"], path="metadata.plan.tier").endswith("?cols=turns%2Cmeta.plan.tier")
    assert heads(page(viewer, project)) == ["Turns", "plan.tier"]


def test_the_latest_turn_that_has_a_value_tells_it(viewer: Client, workspace: Workspace) -> None:
    send(workspace, *chat("a", metadata={"plan": "old"}), *chat("a", minutes=1, metadata={"plan": "new"}))
    project = send(workspace, *chat("a", minutes=2, metadata={"plan": None}))
    assert ">new</td>" in page(viewer, project, cols="meta.plan")


def test_hostile_metadata_is_only_text(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *chat("a", metadata={HOSTILE: HOSTILE, "user_id": HOSTILE}, tags=[HOSTILE]))
    html = page(viewer, project, cols=f"user,tags,meta.{HOSTILE}", sort=f"meta.{HOSTILE}")
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert(1)" not in html


def test_a_later_app_adds_columns(viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Column("score.x", "Score x", lambda thread, found: f"<td>{found}</td>", lambda thread, found: found,
                  load=lambda project, threads: {thread.thread_id: 7 for thread in threads},
                  pairs=lambda project: Pairs("SELECT 'a', '7'::jsonb WHERE %s", [True]))  # fmt: skip
    monkeypatch.setitem(FAMILIES, "score", Family(lambda rest: made if rest == "x" else None, lambda project: [made]))
    html = page(viewer, project, cols="score.x", sort="-score.x")
    assert heads(html) == ["Score x"]
    assert "<td>7</td>" in html
    assert 'name="col" value="score.x"' in page(viewer, project, cols="turns")


def test_an_outsider_cannot_choose_columns(outsider: Client, project: Project) -> None:
    assert outsider.post(url(project, "columns"), {"col": "turns"}).status_code == 404


def test_choosing_columns_needs_a_post(viewer: Client, project: Project) -> None:
    assert viewer.get(url(project, "columns")).status_code == 405


def test_every_column_is_documented() -> None:
    text = (BASE_DIR / "docs/threads-tab.md").read_text()
    assert [name for name in COLUMNS if f"`{name}`" not in text] == []
