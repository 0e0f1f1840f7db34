"""Shared links: who makes them, what they open, and that nothing else opens with them."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from langsmith import AsyncClient
from langsmith import Client as LangSmith
from langsmith.utils import LangSmithNotFoundError

from apps.accounts.models import ApiKey, AuditEntry, Role, User, Workspace
from apps.projects.models import Project
from apps.threads.shared import SharedLink
from tests.factories import ApiKeyFactory, MembershipFactory
from tests.threads.wire import run, send, turns

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::langsmith._internal._beta_decorator.LangSmithDeprecationWarning"),
]

type Wire = dict[str, Any]

SECRET = "the other trace's secret"


@pytest.fixture
def root() -> Wire:
    return run("agent", thread_id="t 1", inputs={"question": "how are you?"})


@pytest.fixture
def child(root: Wire) -> Wire:
    return run("look up", parent=root, thread_id="t 1", run_type="tool", inputs={"city": "Ghent"})


@pytest.fixture
def stranger() -> Wire:
    """A run of the same project that nobody has shared."""
    return run("private", thread_id="t 2", inputs={"question": SECRET})


@pytest.fixture
def project(workspace: Workspace, root: Wire, child: Wire, stranger: Wire) -> Project:
    return send(workspace, root, child, stranger)


@pytest.fixture
def key(workspace: Workspace) -> ApiKey:
    return ApiKeyFactory(workspace=workspace, name="ci")


@pytest.fixture
def api(client: Client, key: ApiKey) -> Any:
    """api(method, path, body) with the key; the answer."""

    def call(method: str, path: str, body: Any = None, secret: str | None = None) -> Any:
        headers = {"x-api-key": secret or key.secret}
        return getattr(client, method)(path, body, content_type="text/plain;charset=UTF-8", headers=headers)

    return call


def share(api: Any, root: Wire) -> str:
    answer = api("put", f"/api/v1/runs/{root['id']}/share", b'{"share_token": "%s"}' % str(uuid.uuid4()).encode())
    assert answer.status_code == 200, answer.content
    return str(answer.json()["share_token"])


def share_thread(api: Any, project: Project, thread_id: str = "t 1") -> str:
    body = b'{"project_id": "%s"}' % str(project.pk).encode()
    answer = api("post", f"/api/v2/threads/{thread_id}/share", body)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["share_token"])


@pytest.fixture
def anonymous() -> Client:
    return Client()


@pytest.fixture
def editor(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.EDITOR).user)
    return client


@pytest.fixture
def langsmith(live_server: Any, key: ApiKey, project: Project) -> Iterator[LangSmith]:
    url = f"{live_server.url}/api/v1"
    client = LangSmith(api_url=url, api_key=key.secret, web_url=live_server.url, info={}, auto_batch_tracing=False)
    yield client
    client.cleanup()


@pytest.mark.django_db(transaction=True)
def test_the_python_sdk_shares_reads_and_unshares_a_run(langsmith: LangSmith, root: Wire, child: Wire) -> None:
    chosen = uuid.uuid4()
    url = langsmith.share_run(root["id"], share_id=str(chosen))
    assert url.endswith(f"/public/{chosen}/r")
    assert langsmith.read_run_shared_link(root["id"]) == url
    assert langsmith.run_is_shared(root["id"])
    assert langsmith.session.get(url).status_code == 200
    assert langsmith.read_shared_run(chosen).inputs == {"question": "how are you?"}
    assert langsmith.read_shared_run(chosen, run_id=child["id"]).name == "look up"
    assert {str(found.id) for found in langsmith.list_shared_runs(url)} == {root["id"], child["id"]}
    assert [found.name for found in langsmith.list_shared_runs(chosen, run_ids=[child["id"]])] == ["look up"]
    langsmith.unshare_run(root["id"])
    assert langsmith.read_run_shared_link(root["id"]) is None
    with pytest.raises(LangSmithNotFoundError):
        langsmith.read_shared_run(chosen)


@pytest.mark.django_db(transaction=True)
def test_the_python_sdk_shares_through_v2(
    live_server: Any, key: ApiKey, project: Project, root: Wire, child: Wire, anonymous: Client
) -> None:
    async def story() -> None:
        async with AsyncClient(api_url=f"{live_server.url}/api/v1", api_key=key.secret) as client:
            where = {"session_id": str(project.pk)}
            first = await client.runs.share.create(root["id"], trace_id=root["id"], **where)
            again = await client.runs.share.create(child["id"], trace_id=root["id"], **where)
            assert first.share_token == again.share_token
            await client.runs.share.delete(root["id"], **where)
            await client.runs.share.delete(root["id"], **where)
            thread = await client.threads.share.create("t 1", project_id=str(project.pk))
            found = await client.threads.share.retrieve("t 1", project_id=str(project.pk))
            assert thread.share_token == found.share_token
            await client.threads.share.delete("t 1", project_id=str(project.pk))
            gone = await client.threads.share.retrieve("t 1", project_id=str(project.pk))
            assert gone.share_token is None

    asyncio.run(story())
    assert not SharedLink.objects.live().exists()


def test_sharing_an_unknown_run_or_thread_is_404(api: Any, project: Project) -> None:
    assert api("put", f"/runs/{uuid.uuid4()}/share", b"{}").status_code == 404
    body = b'{"project_id": "%s"}' % str(project.pk).encode()
    assert api("post", "/api/v2/threads/none/share", body).status_code == 404


@pytest.mark.parametrize("method", ["get", "delete"])
def test_a_thread_id_that_no_database_holds_is_not_shared(api: Any, project: Project, method: str) -> None:
    assert api(method, f"/api/v2/threads/a%00b/share?project_id={project.pk}").status_code in (200, 204)


def test_an_ingest_key_shares_nothing(api: Any, project: Project, workspace: Workspace, root: Wire) -> None:
    ingest = ApiKeyFactory(workspace=workspace, scope="ingest")
    assert api("put", f"/runs/{root['id']}/share", b"{}", secret=ingest.secret).status_code == 403


def test_another_workspaces_key_shares_and_unshares_nothing(api: Any, project: Project, root: Wire) -> None:
    share(api, root)
    other = ApiKeyFactory().secret
    assert api("put", f"/runs/{root['id']}/share", b"{}", secret=other).status_code == 404
    assert api("get", f"/runs/{root['id']}/share", secret=other).json() is None
    api("delete", f"/runs/{root['id']}/share", secret=other)
    assert SharedLink.objects.live().count() == 1


def test_a_token_of_something_else_is_refused(api: Any, project: Project, root: Wire, stranger: Wire) -> None:
    token = share(api, root)
    answer = api("put", f"/runs/{stranger['id']}/share", b'{"share_token": "%s"}' % token.encode())
    assert answer.status_code == 409
    assert SharedLink.objects.get().run_id == uuid.UUID(root["id"])


@pytest.mark.parametrize("kind", ["run", "thread"])
def test_the_public_api_opens_no_other_run(
    api: Any, anonymous: Client, project: Project, root: Wire, stranger: Wire, kind: str
) -> None:
    token = share(api, root) if kind == "run" else share_thread(api, project)
    assert anonymous.get(f"/public/{token}/run").json()["id"] == root["id"]
    assert anonymous.get(f"/public/{token}/run/{stranger['id']}").status_code == 404

    def listed(**body: Any) -> Any:
        answer = anonymous.post(f"/public/{token}/runs/query", body, "application/json")
        assert SECRET not in answer.content.decode()
        return [found["name"] for found in answer.json()["runs"]]

    assert sorted(listed()) == ["agent", "look up"]
    assert listed(id=[stranger["id"]]) == []
    assert listed(session=[str(project.pk)], filter='eq(name, "private")') == []
    assert listed(tree_filter='eq(name, "private")', trace_filter='eq(name, "private")', is_root=True) == ["agent"]


def test_a_large_public_body_is_refused(api: Any, anonymous: Client, project: Project, root: Wire) -> None:
    token = share(api, root)
    answer = anonymous.post(f"/public/{token}/runs/query", {"filter": "x" * 70_000}, "application/json")
    assert answer.status_code == 413


@pytest.fixture
def public_thread(api: Any, project: Project) -> str:
    return f"/public/{share_thread(api, project)}/r"


@pytest.fixture
def public_run(api: Any, project: Project, root: Wire) -> str:
    return f"/public/{share(api, root)}/r"


def inside(html: str) -> set[str]:
    """Links into the workspace."""
    return set(re.findall(r'(?:href|hx-get|src|action)="(/(?:o|accounts|admin)/[^"]*)"', html))


@pytest.mark.parametrize("query", ["", "?view=trace"])
def test_anybody_reads_a_shared_thread(anonymous: Client, public_thread: str, query: str) -> None:
    answer = anonymous.get(public_thread + query)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "how are you?" in html
    assert SECRET not in html
    assert not inside(html)
    assert 'name="robots" content="noindex' in html
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "no-store" in answer.headers["cache-control"]


def test_anybody_reads_a_shared_run_and_its_trace(anonymous: Client, public_run: str, child: Wire) -> None:
    html = anonymous.get(public_run).content.decode()
    assert "how are you?" in html
    assert not inside(html)
    link = f"{public_run}/{child['id']}"
    assert link in html
    assert "Ghent" in anonymous.get(link).content.decode()
    assert anonymous.get(f"{link}/inputs.json").json() == {"city": "Ghent"}


@pytest.mark.parametrize("target", ["panel", "run"])
def test_the_parts_of_a_public_page_lead_nowhere_else(anonymous: Client, public_run: str, target: str) -> None:
    answer = anonymous.get(public_run, headers={"hx-request": "true", "hx-target": target})
    assert "<!doctype" not in answer.content.decode()
    assert not inside(answer.content.decode())


def test_what_is_folded_on_a_shared_thread_opens(anonymous: Client, public_thread: str, child: Wire) -> None:
    html = anonymous.get(public_thread).content.decode()
    step = f"{public_thread}/{child['id']}?part=step"
    assert step in html
    opened = anonymous.get(step).content.decode()
    assert "Ghent" in opened
    assert not inside(opened)


@pytest.mark.parametrize("kind", ["run", "thread"])
def test_no_other_run_is_reached_by_a_public_page(
    anonymous: Client, api: Any, project: Project, root: Wire, stranger: Wire, kind: str
) -> None:
    place = f"/public/{share(api, root) if kind == 'run' else share_thread(api, project)}/r"
    assert anonymous.get(f"{place}/{stranger['id']}").status_code == 404
    assert anonymous.get(f"{place}/{stranger['id']}/inputs.json").status_code == 404
    for query in (f"?run={stranger['id']}", f"?view=trace&run={stranger['id']}", f"?trace={stranger['id']}"):
        assert SECRET not in anonymous.get(place + query).content.decode()
        pane = anonymous.get(place + query, headers={"hx-request": "true", "hx-target": "run"})
        assert SECRET not in pane.content.decode()


def test_a_long_thread_is_paged_through_its_public_page(anonymous: Client, api: Any, workspace: Workspace) -> None:
    project = send(workspace, *turns("long", 15))
    place = f"/public/{share_thread(api, project, 'long')}/r"
    html = anonymous.get(place).content.decode()
    assert f'hx-get="{place}?turn=11"' in html
    later = anonymous.get(f"{place}?turn=11", headers={"hx-request": "true", "hx-target": "later"}).content.decode()
    assert "question 15" in later
    assert not inside(later)


def test_an_unknown_token_is_404(anonymous: Client, db: None) -> None:
    token = uuid.uuid4()
    for path in (f"/public/{token}/r", f"/public/{token}/run", f"/public/{token}/r/{uuid.uuid4()}"):
        assert anonymous.get(path).status_code == 404


def test_a_revoked_link_says_so_and_opens_nothing(
    anonymous: Client, api: Any, project: Project, public_run: str, root: Wire, child: Wire
) -> None:
    api("delete", f"/runs/{root['id']}/share")
    answer = anonymous.get(public_run)
    assert answer.status_code == 410
    assert "revoked" in answer.content.decode()
    assert anonymous.get(f"{public_run}/{child['id']}").status_code == 410
    assert anonymous.get(f"{public_run}un").status_code == 404


def test_a_member_reads_a_public_page_as_anybody_does(viewer: Client, public_thread: str) -> None:
    assert not inside(viewer.get(public_thread).content.decode())


def share_url(project: Project, query: str) -> str:
    return f"/o/{project.workspace_id}/projects/p/{project.pk}/share?{query}"


def test_an_editor_makes_and_revokes_a_link(
    editor: Client, anonymous: Client, project: Project, root: Wire, child: Wire
) -> None:
    url = share_url(project, f"run={child['id']}")
    assert "Make a public link" in editor.get(url).content.decode()
    assert editor.post(url).headers["location"] == url
    link = SharedLink.objects.get()
    assert f"http://testserver{link.path}" in editor.get(url).content.decode()
    assert "Ghent" in anonymous.get(link.path).content.decode()
    editor.post(url, {"do": "revoke"})
    assert anonymous.get(link.path).status_code == 410
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["shared run", "revoked the link to run"]


def test_a_link_made_for_a_week_ends_by_itself(editor: Client, anonymous: Client, project: Project) -> None:
    url = share_url(project, "thread=t%201")
    editor.post(url, {"lasts": "7"})
    link = SharedLink.objects.get()
    assert timedelta(days=6) < link.expires_at - link.created_at <= timedelta(days=7, minutes=1)
    assert anonymous.get(link.path).status_code == 200
    link.expires_at = timezone.now()
    link.save()
    answer = anonymous.get(link.path)
    assert (answer.status_code, "has expired" in answer.content.decode()) == (410, True)
    assert anonymous.get(f"/public/{link.token}/run").status_code == 404
    assert "Make a public link" in editor.get(url).content.decode()
    assert "expired" in editor.get(f"/o/{project.workspace_id}/settings/shared").content.decode()


@pytest.mark.parametrize("lasts", ["0", "9999", "a year"])
def test_a_link_that_was_made_for_no_such_time_stays(editor: Client, project: Project, lasts: str) -> None:
    editor.post(share_url(project, "thread=t%201"), {"lasts": lasts})
    assert SharedLink.objects.get().expires_at is None


def test_the_side_panel_shares_a_thread(editor: Client, project: Project) -> None:
    url = share_url(project, "thread=t%201")
    page = editor.get(f"/o/{project.workspace_id}/projects/p/{project.pk}/t/t 1").content.decode()
    assert f'hx-get="{url}"' in page
    panel = editor.get(url, headers={"hx-request": "true", "hx-target": "panel"}).content.decode()
    assert "<!doctype" not in panel
    made = editor.post(url, headers={"hx-request": "true", "hx-target": "share-form"}).content.decode()
    assert SharedLink.objects.get().path in made


def test_a_viewer_may_not_share(viewer: Client, project: Project, root: Wire) -> None:
    assert viewer.get(share_url(project, f"run={root['id']}")).status_code == 403
    assert viewer.post(share_url(project, f"run={root['id']}")).status_code == 403
    page = viewer.get(f"/o/{project.workspace_id}/projects/p/{project.pk}/r/{root['id']}").content.decode()
    assert ">Share<" not in page


def test_an_outsider_shares_and_revokes_nothing(
    outsider: Client, project: Project, root: Wire, public_run: str, charlie: User
) -> None:
    assert outsider.post(share_url(project, f"run={root['id']}")).status_code == 404
    own = charlie.memberships.get().workspace_id
    token = SharedLink.objects.get().pk
    assert outsider.post(f"/o/{own}/settings/shared/{token}/revoke").status_code == 404
    assert SharedLink.objects.live().exists()


def test_nobody_shares_without_signing_in(anonymous: Client, project: Project, root: Wire) -> None:
    assert anonymous.post(share_url(project, f"run={root['id']}")).status_code == 302
    assert not SharedLink.objects.exists()


@pytest.mark.parametrize("query", ["", "run=x", "thread=none", f"run={uuid.UUID(int=7)}"])
def test_what_is_not_there_cannot_be_shared(editor: Client, project: Project, query: str) -> None:
    assert editor.get(share_url(project, query)).status_code == 404


def test_the_settings_list_links_and_revoke_them(
    editor: Client, anonymous: Client, project: Project, public_run: str, public_thread: str
) -> None:
    url = f"/o/{project.workspace_id}/settings/shared"
    html = editor.get(url).content.decode()
    assert public_run in html
    assert public_thread in html
    token = SharedLink.objects.get(kind="thread").pk
    assert editor.post(f"{url}/{token}/revoke").headers["location"] == url
    assert anonymous.get(public_thread).status_code == 410
    assert anonymous.get(public_run).status_code == 200


def test_the_list_of_links_needs_an_editor(viewer: Client, project: Project) -> None:
    assert viewer.get(f"/o/{project.workspace_id}/settings/shared").status_code == 403


def test_the_list_costs_the_same_for_any_number_of_links(
    editor: Client, project: Project, api: Any, root: Wire, count_queries: Any
) -> None:
    url = f"/o/{project.workspace_id}/settings/shared"
    share(api, root)
    few = count_queries(lambda: editor.get(url))
    for _ in range(10):
        share(api, root)
    assert count_queries(lambda: editor.get(url)) == few
