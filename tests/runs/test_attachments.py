"""Attachments: how they come in, where they lie, who reads them and how."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from langsmith import Client as LangSmith
from langsmith import traceable
from langsmith.schemas import Attachment as Attached

from apps.accounts.models import ApiKey, User, Workspace
from apps.projects import tasks
from apps.projects.models import Project
from apps.runs import attachments, downloads
from apps.runs.attachments import Attachment, key_of_file, storage
from apps.runs.ingest import attach, store
from apps.runs.models import Run
from tests.factories import ApiKeyFactory
from tests.runs.ingest.wire import BOUNDARY, closed, parts_of, sender_of, wire_run

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

type Wire = dict[str, Any]
type Sender = Callable[..., Any]


def file_part(run_id: str, name: str, body: bytes, content_type: str = "image/png") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="attachment.{run_id}.{name}"\r\n'
    return (head + f"Content-Type: {content_type}\r\n\r\n").encode() + body + b"\r\n"


@pytest.fixture
def key(workspace: Workspace) -> ApiKey:
    return ApiKeyFactory(workspace=workspace)


@pytest.fixture
def send(client: Client, key: ApiKey) -> Sender:
    return sender_of(client, key)


@pytest.fixture
def read(client: Client, key: ApiKey) -> Callable[[Wire], Wire]:
    return lambda run: client.get(f"/api/v1/runs/{run['id']}", headers={"x-api-key": key.secret}).json()


def posted(run: Wire) -> bytes:
    return b"".join(parts_of([run]))


def stored(name: str = "picture", content_type: str = "image/png", body: bytes = PNG) -> Attachment:
    """What the last request left, changed to this type."""
    found = Attachment.objects.get(name=name)
    assert storage().open(key_of_file(found.file_id)).read() == body
    assert found.mime_type == content_type
    return found


def files(directory: Path) -> int:
    return sum(path.is_file() for path in directory.rglob("*"))


def test_an_attachment_is_read_back_by_its_link_without_a_key(
    client: Client, send: Sender, read: Callable[[Wire], Wire]
) -> None:
    run = wire_run()
    assert send(posted(run), file_part(run["id"], "picture", PNG)).status_code == 202
    found = read(run)
    assert "attachments" not in found
    shown = found["s3_urls"]["attachment.picture"]
    assert shown["mime_type"] == "image/png"
    assert shown["presigned_url"].startswith("http://testserver/attachments/")
    answer = Client().get(shown["presigned_url"].removeprefix("http://testserver"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.getvalue() == PNG


def test_a_run_without_attachments_has_no_urls(send: Sender, read: Callable[[Wire], Wire]) -> None:
    run = wire_run()
    send(posted(run))
    assert "s3_urls" not in read(run)


def test_two_reads_of_a_run_are_equal(send: Sender, read: Callable[[Wire], Wire]) -> None:
    run = wire_run()
    send(posted(run), file_part(run["id"], "picture", PNG))
    assert read(run) == read(run)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("image/png; length=264", "image/png"),
        ("text/plain; charset=utf-8; length=3", "text/plain; charset=utf-8"),
        ("audio/webm; codecs=opus", "audio/webm; codecs=opus"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("text/html<script>", "application/octet-stream"),
        ("text/html; x=\x07", "text/html"),
        ("image/png, text/html", "application/octet-stream"),
    ],
)
def test_the_type_is_kept_as_far_as_it_is_one(sent: str, kept: str) -> None:
    assert attach.mime_type(sent) == kept


def test_attachments_accumulate_over_requests(send: Sender, read: Callable[[Wire], Wire]) -> None:
    run = wire_run()
    send(posted(run), file_part(run["id"], "first", PNG))
    assert send(file_part(run["id"], "second", b"words", "text/plain")).status_code == 202
    assert set(read(run)["s3_urls"]) == {"attachment.first", "attachment.second"}


def test_the_same_name_again_replaces(
    send: Sender, attachments_directory: Path, django_capture_on_commit_callbacks: Any
) -> None:
    run = wire_run()
    send(posted(run), file_part(run["id"], "picture", PNG))
    before = files(attachments_directory)
    with django_capture_on_commit_callbacks(execute=True):
        send(file_part(run["id"], "picture", b"GIF89a", "image/gif"))
    assert stored(content_type="image/gif", body=b"GIF89a").size == 6
    assert files(attachments_directory) == before


def test_an_attachment_of_an_unknown_run_is_named_and_the_runs_are_stored(send: Sender) -> None:
    run, unknown = wire_run(), str(uuid.uuid4())
    answer = send(posted(run), file_part(unknown, "picture", PNG))
    assert answer.status_code == 422
    assert "1 attachment could not be stored. First: attachment 'picture'" in answer.json()["detail"]
    assert answer.json()["errors"][0]["id"] == unknown
    assert Run.objects.count() == 1
    assert not Attachment.objects.exists()


def test_a_run_of_another_workspace_takes_no_attachment(send: Sender, client: Client) -> None:
    run = wire_run()
    send(posted(run))
    other = {"x-api-key": ApiKeyFactory().secret}
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    body = closed([file_part(run["id"], "picture", PNG)])
    assert client.generic("POST", "/runs/multipart", body, content_type, headers=other).status_code == 422
    assert not Attachment.objects.exists()


def test_the_attachment_of_a_refused_run_is_left_out(send: Sender) -> None:
    run = wire_run(run_type="banana")
    answer = send(posted(run), file_part(run["id"], "picture", PNG))
    assert [error["id"] for error in answer.json()["errors"]] == [run["id"], run["id"]]
    assert not Attachment.objects.exists()


def test_an_attachment_past_the_cap_is_left_out(send: Sender, settings: Any) -> None:
    settings.MAX_ATTACHMENT_BYTES = 10
    run = wire_run()
    answer = send(posted(run), file_part(run["id"], "large", b"x" * 11), file_part(run["id"], "small", b"x" * 10))
    assert answer.status_code == 422
    assert "THREADLINE_MAX_ATTACHMENT_BYTES" in answer.json()["detail"]
    assert [found.name for found in Attachment.objects.all()] == ["small"]


def test_a_run_has_no_more_attachments_than_the_cap(send: Sender, settings: Any) -> None:
    settings.MAX_ATTACHMENTS_PER_RUN = 2
    run = wire_run()
    assert send(posted(run), *(file_part(run["id"], name, PNG) for name in "ab")).status_code == 202
    answer = send(file_part(run["id"], "c", PNG), file_part(run["id"], "a", b"new"))
    assert "THREADLINE_MAX_ATTACHMENTS_PER_RUN" in answer.json()["detail"]
    assert {found.name: found.size for found in Attachment.objects.all()} == {"a": 3, "b": len(PNG)}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\nSet-Cookie: x=1", "\u202etxt.exe", "x" * 255, "é 漢字", "a.b.c"]
)
def test_hostile_names_stay_names(
    send: Sender, read: Callable[[Wire], Wire], client: Client, attachments_directory: Path, name: str
) -> None:
    run = wire_run()
    assert send(posted(run), file_part(run["id"], name, PNG)).status_code == 202
    shown = read(run)["s3_urls"][f"attachment.{name}"]
    answer = client.get(shown["presigned_url"])
    assert answer.getvalue() == PNG
    assert "set-cookie" not in answer.headers
    assert not {"/", "\n", "\u202e"}.intersection(downloads.file_name(Attachment.objects.get()))
    assert all(len(path.name) == 32 for path in attachments_directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_that_is_none_is_refused(send: Sender, name: str) -> None:
    run = wire_run()
    assert send(posted(run), file_part(run["id"], name, PNG)).status_code == 422
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "image/svg+xml", "application/xhtml+xml", "audio/x+xml", "text/xml", "application/pdf"],
)
def test_what_could_run_is_never_shown_inline(
    send: Sender, read: Callable[[Wire], Wire], client: Client, content_type: str
) -> None:
    run = wire_run()
    send(posted(run), file_part(run["id"], "page", b"<script>alert(1)</script>", content_type))
    answer = client.get(read(run)["s3_urls"]["attachment.page"]["presigned_url"])
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("content_type", ["image/png", "audio/mpeg", "video/mp4", "image/jpeg"])
def test_pictures_and_sound_are_shown_but_sandboxed(
    send: Sender, read: Callable[[Wire], Wire], client: Client, content_type: str
) -> None:
    run = wire_run()
    send(posted(run), file_part(run["id"], "media", PNG, content_type))
    answer = client.get(read(run)["s3_urls"]["attachment.media"]["presigned_url"])
    assert answer.headers["content-disposition"].startswith("inline;")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.fixture
def link(send: Sender) -> str:
    run = wire_run()
    send(posted(run), file_part(run["id"], "picture", PNG))
    return stored().path


def test_a_link_expires(client: Client, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = attachments.time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + attachments.LINK_SECONDS + 1)
    answer = client.get(link)
    assert answer.status_code == 403
    assert b"expired" in answer.content


@pytest.mark.parametrize("at", [12, 40, -1])
def test_a_changed_link_opens_nothing(client: Client, link: str, at: int) -> None:
    forged = list(link)
    forged[at] = "0" if link[at] != "0" else "1"
    assert client.get("".join(forged)).status_code == 404


def test_a_made_up_link_opens_nothing(client: Client) -> None:
    assert client.get("/attachments/x").status_code == 404


def test_a_link_to_what_was_deleted_opens_nothing(
    client: Client, link: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        store.delete_traces([Run.objects.get().trace_id])
    assert client.get(link).status_code == 404


def test_a_player_reads_a_part(client: Client, link: str) -> None:
    answer = client.get(link, headers={"range": "bytes=8-11"})
    assert (answer.status_code, answer.content) == (206, PNG[8:12])
    assert answer.headers["content-range"] == f"bytes 8-11/{len(PNG)}"


@pytest.mark.parametrize("asked", ["bytes=9999-", "bytes=5-2", "bytes=-5", "lines=1-2", "bytes=0-1,3-4"])
def test_any_other_range_gets_the_whole_file(client: Client, link: str, asked: str) -> None:
    answer = client.get(link, headers={"range": asked})
    assert (answer.status_code, answer.getvalue()) == (200, PNG)


def test_deleting_the_trace_deletes_rows_and_files(
    send: Sender, attachments_directory: Path, django_capture_on_commit_callbacks: Any
) -> None:
    before = files(attachments_directory)
    run = wire_run()
    send(posted(run), file_part(run["id"], "picture", PNG))
    assert files(attachments_directory) == before + 1
    with django_capture_on_commit_callbacks(execute=True):
        store.delete_traces([uuid.UUID(run["trace_id"])])
    assert not Attachment.objects.exists()
    assert files(attachments_directory) == before


def test_deleting_the_project_deletes_rows_and_files(
    send: Sender, attachments_directory: Path, django_capture_on_commit_callbacks: Any
) -> None:
    before = files(attachments_directory)
    run = wire_run()
    send(posted(run), file_part(run["id"], "picture", PNG))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.delete_project(str(Project.objects.get(name="app").pk))
    assert not Attachment.objects.exists()
    assert files(attachments_directory) == before


def test_attachments_follow_a_run_to_its_trace(client: Client, key: ApiKey, send: Sender, read: Any) -> None:
    root = wire_run()
    child = wire_run(root)
    loose = {name: child[name] for name in ("id", "parent_run_id", "name", "run_type", "start_time", "session_name")}
    headers = {"x-api-key": key.secret}
    client.post("/runs", loose, "application/json", headers=headers)
    send(file_part(child["id"], "picture", PNG))
    assert str(stored().trace_id) == child["id"]
    send(posted(root))
    assert str(stored().trace_id) == root["id"]
    answer = client.get(read(child)["s3_urls"]["attachment.picture"]["presigned_url"])
    assert answer.getvalue() == PNG


def test_a_page_of_runs_costs_one_query_for_their_attachments(
    client: Client, key: ApiKey, send: Sender, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    def list_runs() -> Any:
        return client.post("/runs/query", {}, "application/json", headers={"x-api-key": key.secret})

    def add(count: int) -> None:
        for _ in range(count):
            run = wire_run()
            send(posted(run), file_part(run["id"], "picture", PNG))

    add(3)
    few = count_queries(list_runs)
    add(3)
    assert count_queries(list_runs) == few
    assert all("attachment.picture" in run["s3_urls"] for run in list_runs().json()["runs"])


def test_urls_are_left_out_where_they_are_not_selected(client: Client, key: ApiKey, send: Sender) -> None:
    run = wire_run()
    send(posted(run), file_part(run["id"], "picture", PNG))
    answer = client.post("/runs/query", {"select": ["name"]}, "application/json", headers={"x-api-key": key.secret})
    assert "s3_urls" not in answer.json()["runs"][0]


@pytest.fixture
def member(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def paths(html: str) -> list[str]:
    return re.findall(r'src="(/attachments/[^"]+)"', html)


def test_the_run_page_shows_pictures_sound_and_files(send: Sender, member: Client, workspace: Workspace) -> None:
    run = wire_run()
    sent = {"picture": "image/png", "voice": "audio/mpeg", "paper": "application/pdf", "drawing": "image/svg+xml"}
    send(posted(run), *(file_part(run["id"], name, PNG, content_type) for name, content_type in sent.items()))
    project = Project.objects.get(name="app")
    html = member.get(f"/o/{workspace.pk}/projects/p/{project.pk}/r/{run['id']}").content.decode()
    assert re.search(r'<img class="picture" src="/attachments/[^"]+" alt="picture"', html)
    assert re.search(r'<audio controls preload="none" src="/attachments/', html)
    assert "application/pdf" in html
    assert "image/svg+xml" in html
    assert [member.get(path).status_code for path in paths(html)] == [200, 200]


def test_the_thread_page_shows_what_any_run_of_a_turn_has(send: Sender, member: Client, workspace: Workspace) -> None:
    root = wire_run(thread="t")
    child = wire_run(root)
    send(posted(root), posted(child), file_part(child["id"], "<b>chart", PNG))
    project = Project.objects.get(name="app")
    html = member.get(f"/o/{workspace.pk}/projects/p/{project.pk}/t/t").content.decode()
    assert len(paths(html)) == 1
    assert "&lt;b&gt;chart" in html
    assert "<b>chart" not in html


@pytest.fixture
def langsmith(live_server: Any, key: ApiKey) -> Iterator[LangSmith]:
    client = LangSmith(api_url=f"{live_server.url}/api/v1", api_key=key.secret)
    yield client
    client.cleanup()


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::langsmith._internal._beta_decorator.LangSmithDeprecationWarning")
def test_the_python_sdk_reads_what_it_attached(langsmith: LangSmith) -> None:
    @traceable(client=langsmith, project_name="sdk", enabled=True)
    def look(question: str, photo: Attached, sound: Attached) -> str:
        return "a cat"

    photo, sound = Attached("image/png", PNG), Attached("audio/wav", b"RIFF" + PNG)
    look("what is it?", photo, sound)
    langsmith.flush()
    (run,) = langsmith.list_runs(project_name="sdk")
    for found in (run, langsmith.read_run(run.id)):
        assert found.attachments is not None
        read = {name: (info["mime_type"], info["reader"].read()) for name, info in found.attachments.items()}
        assert read == {"photo": ("image/png", PNG), "sound": ("audio/wav", b"RIFF" + PNG)}
