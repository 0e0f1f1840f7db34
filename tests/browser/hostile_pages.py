"""The pages that show what came from outside, by what they are."""

import json
import re
from typing import Final
from urllib.parse import quote, urlencode

from apps.runs.table import columns as run_columns
from apps.threads.columns import COLUMNS
from apps.threads.converters import ThreadIdConverter
from tests.browser.attacked import NAMES, Attacked, thread_of
from tests.browser.hostile import BY_NAME, GIANT_RUNS, GIANT_THREAD, KINDS, Kind


def q(**values: str) -> str:
    return urlencode(values)


def found(kind: Kind) -> str:
    """A word of it that can be searched for."""
    return max(re.findall(r"\w{3,40}", kind.texts[0]) or ["evil"], key=len)


def thread_path(site: Attacked, kind: Kind) -> str:
    return f"{site.project}/t/{quote(ThreadIdConverter().to_url(thread_of(kind)), safe='/:@')}"


FILTERS: Final = {
    "filter": f"and(neq(name, {json.dumps(KINDS[0].texts[1])}), has(tags, {json.dumps(KINDS[0].name)}))",
    "thread_filter": f"neq(thread_id, {json.dumps(KINDS[2].thread_id)})",
    "q": "pwned",
}
EVERY_COLUMN: Final = ",".join(
    [
        *COLUMNS,
        *(f"metadata.{quote(text[:50], safe='')}" for text in NAMES),
        *(f"feedback.{quote(name, safe='')}" for name in NAMES),
    ]
)

# Those that show what one trace holds, by what they are.
OF_A_TRACE: Final = {
    "overview": "{thread}",
    "trace view": "{thread}?view=trace&turn=1&run={root}",
    "trace view of a model call": "{thread}?view=trace&turn=1&run={llm}",
    "find": "{thread}?view=trace&find={word}&in={word}",
    "run as JSON": "{project}/r/{root}?as=json",
    "run as YAML": "{project}/r/{root}?as=yaml&in={word}",
    "failed run": "{project}/r/{last}",
    "annotate": "{project}/annotate?run={root}",
    "feedback": "{project}/feedback?thread={thread_id}",
    "context": "{project}/r/{last}/saw",
    "configure": "{project}/configure?thread={thread_id}",
    "review": "{home}/queues/{queue}/items/{item}",
    "shared": "/public/{token}/r?as=json",
}

BROKEN: Final = q(filter=KINDS[0].texts[0])
HOSTILE: Final = q(**FILTERS)
WIDE_THREAD: Final = q(thread=thread_of(BY_NAME["wide"]))
HTML_RUN: Final = BY_NAME["html"].root_id

# Those that show what is in a project or a workspace: all kinds at once.
OF_ALL: Final = {
    "projects": "{home}/projects",
    "project": "{project}",
    "project settings": "{project}/settings",
    "threads": "{project}/threads",
    "threads with every column": "{project}/threads?" + q(cols=EVERY_COLUMN),
    "threads searched": "{project}/threads?q=pwned",
    "threads by a hostile filter": "{project}/threads?" + HOSTILE,
    "threads by a broken filter": "{project}/threads?" + BROKEN + "&" + q(since=NAMES[1], sort=NAMES[0]),
    "facets": "{project}/threads/aside",
    "histogram": "{project}/threads/histogram?" + BROKEN,
    "newer": "{project}/threads/newer?" + q(after=NAMES[0], q=NAMES[0]),
    "place": "{project}/threads/place?" + HOSTILE,
    **{
        f"{show} runs": "{project}/runs?" + q(show=show, cols=",".join(run_columns.COLUMNS))
        for show in ("traces", "llm", "all")
    },
    "runs searched": "{project}/runs?show=all&q=pwned",
    "runs by a broken filter": "{project}/runs?" + BROKEN + "&" + q(sort=NAMES[0]),
    "facets of runs": "{project}/runs/aside?show=all",
    "histogram of runs": "{project}/runs/histogram",
    "place of runs": "{project}/runs/place?show=all",
    "newer runs": "{project}/runs/newer?" + q(after=NAMES[0]),
    "compared": "{project}/compare?" + q(a=HTML_RUN, b=BY_NAME["wide"].root_id),
    "builder": "{project}/filters/threads?" + HOSTILE,
    "builder of runs": "{project}/filters/runs?" + q(filter=FILTERS["filter"]),
    "builder with a broken text": "{project}/filters/threads?mode=text&" + BROKEN,
    "count": "{project}/filters/threads/count?" + HOSTILE,
    "copy": "{project}/filters/threads/copy?" + HOSTILE,
    "saved filters": "{project}/filters/threads/saved",
    "saved filters searched": "{project}/filters/runs/saved?" + q(q=KINDS[0].texts[0], name=NAMES[0]),
    "saving a filter": "{project}/filters/threads/saved/new?" + HOSTILE,
    "configure": "{project}/configure",
    "adding to a queue": "{project}/queue?" + WIDE_THREAD,
    "sharing": "{project}/share?" + WIDE_THREAD,
    "exporting": "{project}/export?" + WIDE_THREAD,
    "strip": "{project}/feedback/strip?" + q(thread=thread_of(BY_NAME["html"])),
    "marks": "{project}/feedback/marks?run=" + HTML_RUN,
    "queues": "{home}/queues",
    "queue": "{home}/queues/{queue}",
    "queue form": "{home}/queues/{queue}/edit",
    "review": "{home}/queues/{queue}/review",
    "keys": "{home}/settings/keys",
    "members": "{home}/settings/members",
    "workspace": "{home}/settings/workspace",
    "audit": "{home}/settings/audit",
    "shared links": "{home}/settings/shared",
    "feedback keys": "{home}/settings/feedback",
    "feedback key": "{home}/settings/feedback/key?" + q(key=NAMES[0]),
    "admin: users": "/admin/accounts/user/",
    "admin: workspaces": "/admin/accounts/workspace/",
    "admin: audit": "/admin/accounts/auditentry/",
    "admin: projects": "/admin/projects/project/",
    "admin: threads": "/admin/threads/thread/",
}

GIANT: Final = "{project}/t/" + GIANT_THREAD
OF_GIANTS: Final = {
    "thread": GIANT,
    "trace view": GIANT + "?view=trace",
    "found": GIANT + "?view=trace&find=words",
    "configure": "{project}/configure?thread=" + GIANT_THREAD,
    **{
        f"{name} as {form}": f"{{project}}/r/{Kind('giant', GIANT_THREAD, ()).run_id(name)}?as={form}"
        for name in GIANT_RUNS
        for form in ("rendered", "json", "yaml")
    },
    "10 MB loaded": f"{{project}}/r/{Kind('giant', GIANT_THREAD, ()).run_id('10 MB')}?load=outputs",
}


def path_of(page: str, site: Attacked, kind: Kind = KINDS[0]) -> str:
    """What stands in one of the tables above, for that site and that kind."""
    return page.format(
        home=site.home,
        project=site.project,
        queue=site.queue_id,
        thread=thread_path(site, kind),
        thread_id=quote(thread_of(kind), safe=""),
        root=kind.root_id,
        llm=kind.run_id("llm"),
        last=kind.last_id,
        word=quote(found(kind)),
        item=site.items[kind.name],
        token=site.tokens[kind.name],
    )
