"""A list as something to take elsewhere: its query, its link, and programs that ask the API of this server the same."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from apps.projects.models import Project
from apps.runs.listing.asked import FILTERS, Asked, age
from apps.runs.listing.rows import bare
from apps.runs.query.unparse import unparse

# The API looks back one day where it is not told otherwise.
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
_CAMEL: Final = {"trace_filter": "traceFilter", "tree_filter": "treeFilter", "is_root": "isRoot", "run_type": "runType"}


@dataclass(frozen=True, slots=True)
class Copy:
    id: str
    name: str
    text: str


def copies(project: Project, kind: str, asked: Asked, *, link: str, origin: str) -> list[Copy]:
    """link is the URL of the list, origin that of the server."""
    filters = _of_threads(asked) if kind == "threads" else _of_runs(asked)
    python, typescript, curl = (
        (_python_threads, _typescript_threads, _curl_threads)
        if kind == "threads"
        else (_python_runs, _typescript_runs, _curl_runs)
    )
    return [
        Copy("query", "Query", query_text(asked)),
        Copy("link", "Link", link),
        Copy("python", "Python", python(project, asked, filters, origin)),
        Copy("typescript", "TypeScript", typescript(project, asked, filters, origin)),
        Copy("curl", "curl", curl(project, asked, filters, origin)),
    ]


def query_text(asked: Asked) -> str:
    """One line a filter, under its name where there are several."""
    given = [(name, getattr(asked, name)) for name in FILTERS if getattr(asked, name)]
    if asked.q:
        given.append(("q", asked.q))
    return given[0][1] if len(given) == 1 else "\n".join(f"{name}: {text}" for name, text in given)


def _of_threads(asked: Asked) -> dict[str, str]:
    """The page takes more conditions on runs than the API has parameters: the surplus goes into the thread filter."""
    texts = {name: unparse(bare(node)) for name, node in asked.nodes.items()}
    anywhere = [texts[name] for name in ("filter", "tree_filter", "q") if name in texts]
    whole = [texts["thread_filter"]] if "thread_filter" in texts else []
    whole += [f"any_run({text})" for text in anywhere[1:]]
    found = {
        "thread_filter": _all(whole),
        "trace_filter": texts.get("trace_filter", ""),
        "tree_filter": "".join(anywhere[:1]),
    }
    return {name: text for name, text in found.items() if text}


def _of_runs(asked: Asked) -> dict[str, str]:
    texts = {name: unparse(bare(node)) for name, node in asked.nodes.items()}
    own = [texts[name] for name in ("filter", "q") if name in texts]
    if end := asked.period(timezone.now())[1]:
        own.append(f'lt(start_time, "{_zulu(end)}")')
    found = {
        "filter": _all(own),
        "trace_filter": texts.get("trace_filter", ""),
        "tree_filter": texts.get("tree_filter", ""),
    }
    return {name: text for name, text in found.items() if text}


def _all(texts: list[str]) -> str:
    return f"and({', '.join(texts)})" if len(texts) > 1 else "".join(texts)


def _preset(asked: Asked) -> dict[str, Any]:
    return {"llm": {"run_type": "llm"}, "all": {}}.get(asked.show, {"is_root": True})


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _start(asked: Asked) -> tuple[timedelta | None, datetime | None]:
    """Either an age or a moment, or neither."""
    if asked.since and "since" not in asked.problems:
        return age(asked.since), None
    return None, asked.period(timezone.now())[0]


def _python_start(asked: Asked) -> str:
    back, start = _start(asked)
    if back:
        return f"datetime.now(timezone.utc) - timedelta(seconds={back.total_seconds():.0f})"
    return f"datetime.fromisoformat({_string((start or BEGINNING).isoformat())})"


def _typescript_start(asked: Asked) -> str:
    back, start = _start(asked)
    return (
        f"new Date(Date.now() - {back.total_seconds() * 1000:.0f})"
        if back
        else f'new Date("{_zulu(start or BEGINNING)}")'
    )


def _string(text: str) -> str:
    """As JSON, which Python and TypeScript read alike."""
    return json.dumps(text, ensure_ascii=False)


def _python(start: str, lines: list[str]) -> str:
    needed = ", ".join(["datetime", *(["timedelta", "timezone"] if "timedelta" in start else [])])
    return "\n".join([f"from datetime import {needed}" if "datetime" in start else "", *lines]).strip() + "\n"


def _python_runs(project: Project, asked: Asked, filters: Mapping[str, str], origin: str) -> str:
    back, moment = _start(asked)
    start = _python_start(asked) if back or moment else ""
    given = {"project_id": _string(str(project.pk)), **{name: _string(text) for name, text in filters.items()}}
    given |= {name: repr(value) if value is True else _string(value) for name, value in _preset(asked).items()}
    given |= {"start_time": start} if start else {}
    arguments = [f"    {name}={value}," for name, value in given.items()]
    client = f"client = Client(api_url={_string(origin + '/api/v1')})  # the key comes from LANGSMITH_API_KEY"
    loop = ["for run in client.list_runs(", *arguments, "):", "    print(run.id, run.name)"]
    return _python(start, ["", "from langsmith import Client", "", client, *loop])


def _python_threads(project: Project, asked: Asked, filters: Mapping[str, str], origin: str) -> str:
    start, end = _python_start(asked), asked.period(timezone.now())[1]
    given = {"project_id": _string(str(project.pk)), **{name: _string(text) for name, text in filters.items()}}
    given |= {"min_start_time": start}
    given |= {"max_start_time": f"datetime.fromisoformat({_string(end.isoformat())})"} if end else {}
    arguments = [f"        {name}={value}," for name, value in given.items()]
    client = f"client = Client(api_url={_string(origin + '/api/v1')})  # the key comes from LANGSMITH_API_KEY"
    main = ["async def main() -> None:", "    threads = client.threads.query(", *arguments, "    )"]
    main += ["    async for thread in threads:", "        print(thread.thread_id, thread.count)"]
    lines = ["", "from langsmith import Client", "", client, "", "", *main, "", "", "asyncio.run(main())"]
    return "import asyncio\n" + _python(start, lines)


def _typescript_runs(project: Project, asked: Asked, filters: Mapping[str, str], origin: str) -> str:
    given = {"projectId": _string(str(project.pk)), **{_CAMEL.get(k, k): _string(v) for k, v in filters.items()}}
    given |= {_CAMEL[k]: "true" if v is True else _string(v) for k, v in _preset(asked).items()}
    given |= {"startTime": _typescript_start(asked)} if any(_start(asked)) else {}
    return "\n".join(
        [
            'import { Client } from "langsmith";',
            "",
            f"const client = new Client({{ apiUrl: {_string(origin + '/api/v1')} }}); // the key comes from LANGSMITH_API_KEY",
            "for await (const run of client.listRuns({",
            *(f"  {name}: {value}," for name, value in given.items()),
            "})) {",
            "  console.log(run.id, run.name);",
            "}",
            "",
        ]
    )


def _typescript_threads(project: Project, asked: Asked, filters: Mapping[str, str], origin: str) -> str:
    given = {"project_id": _string(str(project.pk)), **{name: _string(text) for name, text in filters.items()}}
    given |= {"min_start_time": _typescript_start(asked)}
    given |= {"max_start_time": f'"{_zulu(end)}"'} if (end := asked.period(timezone.now())[1]) else {}
    return "\n".join(
        [
            f"const answer = await fetch({_string(origin + '/api/v2/threads/query')}, {{",
            '  method: "POST",',
            '  headers: { "x-api-key": process.env.LANGSMITH_API_KEY!, "content-type": "application/json" },',
            "  body: JSON.stringify({",
            *(f"    {name}: {value}," for name, value in given.items()),
            "  }),",
            "});",
            "const { items } = await answer.json();",
            "for (const thread of items) console.log(thread.thread_id, thread.count);",
            "",
        ]
    )


def _curl_runs(project: Project, asked: Asked, filters: Mapping[str, str], origin: str) -> str:
    start = asked.period(timezone.now())[0]
    body = {"session": [str(project.pk)], **filters, **_preset(asked)}
    return _curl(f"{origin}/api/v1/runs/query", body | ({"start_time": _zulu(start)} if start else {}))


def _curl_threads(project: Project, asked: Asked, filters: Mapping[str, str], origin: str) -> str:
    start, end = asked.period(timezone.now())
    body = {"project_id": str(project.pk), **filters, "min_start_time": _zulu(start or BEGINNING)}
    return _curl(f"{origin}/api/v2/threads/query", body | ({"max_start_time": _zulu(end)} if end else {}))


def _curl(url: str, body: Mapping[str, Any]) -> str:
    lines = [
        f"curl {shlex.quote(url)} \\",
        '  --header "x-api-key: $LANGSMITH_API_KEY" --header "content-type: application/json" \\',
        f"  --data {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}",
    ]
    return "\n".join(lines) + "\n"
