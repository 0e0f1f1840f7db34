"""What the Python SDK raises or warns of where the server says no, and the addresses it may be given: each check_… is one behaviour."""

import logging
import uuid
import warnings
from typing import Any

from harness import options, raises, report
from langsmith import Client, traceable, utils

warnings.simplefilter("ignore", DeprecationWarning)
told: list[str] = []


class Told(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        told.append(record.getMessage())


logging.getLogger("langsmith").addHandler(Told(logging.WARNING))


def project() -> str:
    return f"{options['project']}-{uuid.uuid4()}"


def client_of(*, place: str = "/api/v1", **fields: Any) -> Client:
    return Client(api_url=options["origin"] + place, **{"api_key": options["key"], **fields})


def warned(client: Client, **run: Any) -> list[str]:
    """What the SDK warns of when it sends this run."""
    told.clear()
    run_id = uuid.uuid4()
    made = {
        "id": run_id,
        "trace_id": run_id,
        "dotted_order": f"20260301T120000000000Z{run_id}",
        "name": "n",
        "inputs": {},
    }
    client.create_run(**{**made, "run_type": "chain", "project_name": project(), **run})
    client.tracing_queue.join()
    client.flush()
    return list(told)


def check_every_form_of_the_address_does() -> None:
    for place in ("", "/", "/api", "/api/", "/api/v1", "/api/v1/"):
        client, name = client_of(place=place), project()
        assert warned(client, project_name=name) == []
        assert [run.name for run in client.list_runs(project_name=name)] == ["n"], place


def check_a_body_past_the_cap_is_warned_of_with_the_setting_that_raises_it() -> None:
    (warning,) = warned(client_of(), inputs={"text": uuid.uuid4().hex * 4000})
    assert "or raise THREADLINE_MAX_" in warning, warning


def check_a_run_of_no_known_type_is_warned_of_once() -> None:
    (warning,) = warned(client_of(), run_type="banana")
    assert "is not one of chain, embedding, llm" in warning, warning


def check_a_wrong_key_is_told_what_to_do() -> None:
    client = client_of(api_key="tl_wrong")
    said = raises(utils.LangSmithAuthError, lambda: list(client.list_projects()))
    assert "make one under Settings, API keys" in said, said
    assert any("401" in warning for warning in warned(client))


def check_a_key_that_may_only_send_does_and_reads_nothing() -> None:
    client, run_id = client_of(api_key=options["sending_key"]), uuid.uuid4()
    assert warned(client) == []
    for read in (lambda: client.read_run(run_id), lambda: list(client.list_projects())):
        said = raises(Exception, read)
        assert "This key may only send runs" in said, said


def check_the_workspace_may_be_told_and_another_is_refused() -> None:
    if not hasattr(Client, "workspace_id"):
        return
    (found,) = client_of().list_projects(name="default")
    mine, other = (client_of(workspace_id=workspace) for workspace in (str(found.tenant_id), str(uuid.uuid4())))
    assert [listed.id for listed in mine.list_projects(name="default")] == [found.id]
    said = raises(Exception, lambda: list(other.list_projects()))
    assert "unset LANGSMITH_WORKSPACE_ID" in said, said
    (warning,) = warned(other)
    assert "unset LANGSMITH_WORKSPACE_ID" in warning, warning


def check_a_server_that_is_away_costs_the_application_nothing() -> None:
    client = Client(api_url="http://127.0.0.1:9", api_key="none", timeout_ms=100)

    @traceable(client=client)
    def work(number: int) -> int:
        return number + 1

    assert work(1) == 2


report(globals())
