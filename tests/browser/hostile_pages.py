"""The pages that show what came from outside, by what they are."""

import json
import re
from collections.abc import Callable
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
RUN_COLUMNS: Final = ",".join(run_columns.COLUMNS)

# Those that show what one trace holds, by what they are.
OF_A_TRACE: Final[dict[str, Callable[[Attacked, Kind], str]]] = {
    "overview": lambda site, kind: thread_path(site, kind),
    "trace view": lambda site, kind: f"{thread_path(site, kind)}?view=trace&turn=1&run={kind.root_id}",
    "trace view of a model call": lambda site, kind: (
        f"{thread_path(site, kind)}?view=trace&turn=1&run={kind.run_id('llm')}"
    ),
    "find": lambda site, kind: f"{thread_path(site, kind)}?{q(view='trace', find=found(kind), **{'in': found(kind)})}",
    "run as JSON": lambda site, kind: f"{site.project}/r/{kind.root_id}?as=json",
    "run as YAML": lambda site, kind: f"{site.project}/r/{kind.root_id}?as=yaml&in={quote(found(kind))}",
    "failed run": lambda site, kind: f"{site.project}/r/{kind.last_id}",
    "annotate": lambda site, kind: f"{site.project}/annotate?run={kind.root_id}",
    "feedback": lambda site, kind: f"{site.project}/feedback?{q(thread=thread_of(kind))}",
    "context": lambda site, kind: f"{site.project}/r/{kind.last_id}/saw",
    "configure": lambda site, kind: f"{site.project}/configure?{q(thread=thread_of(kind))}",
    "review": lambda site, kind: f"{site.home}/queues/{site.queue_id}/items/{site.items[kind.name]}",
    "shared": lambda site, kind: f"/public/{site.tokens[kind.name]}/r?as=json",
}


# Those that show what is in a project or a workspace: all kinds at once.
OF_ALL: Final[dict[str, Callable[[Attacked], str]]] = {
    "projects": lambda site: f"{site.home}/projects",
    "project": lambda site: site.project,
    "project settings": lambda site: f"{site.project}/settings",
    "threads": lambda site: f"{site.project}/threads",
    "threads with every column": lambda site: f"{site.project}/threads?{q(cols=EVERY_COLUMN)}",
    "threads searched": lambda site: f"{site.project}/threads?{q(q='pwned')}",
    "threads by a hostile filter": lambda site: f"{site.project}/threads?{q(**FILTERS)}",
    "threads by a broken filter": lambda site: (
        f"{site.project}/threads?{q(filter=KINDS[0].texts[0], since=NAMES[1], sort=NAMES[0])}"
    ),
    "facets": lambda site: f"{site.project}/threads/aside",
    "histogram": lambda site: f"{site.project}/threads/histogram?{q(filter=KINDS[0].texts[0])}",
    "newer": lambda site: f"{site.project}/threads/newer?{q(after=NAMES[0], q=NAMES[0])}",
    "place": lambda site: f"{site.project}/threads/place?{q(**FILTERS)}",
    **{
        f"{show} runs": lambda site, show=show: f"{site.project}/runs?{q(show=show, cols=RUN_COLUMNS)}"
        for show in ("traces", "llm", "all")
    },
    "runs searched": lambda site: f"{site.project}/runs?{q(show='all', q='pwned')}",
    "runs by a broken filter": lambda site: f"{site.project}/runs?{q(filter=KINDS[0].texts[0], sort=NAMES[0])}",
    "facets of runs": lambda site: f"{site.project}/runs/aside?{q(show='all')}",
    "histogram of runs": lambda site: f"{site.project}/runs/histogram",
    "newer runs": lambda site: f"{site.project}/runs/newer?{q(after=NAMES[0])}",
    "compared": lambda site: f"{site.project}/compare?{q(a=BY_NAME['html'].root_id, b=BY_NAME['wide'].root_id)}",
    "builder": lambda site: f"{site.project}/filters/threads?{q(**FILTERS)}",
    "builder of runs": lambda site: f"{site.project}/filters/runs?{q(filter=FILTERS['filter'])}",
    "builder with a broken text": lambda site: (
        f"{site.project}/filters/threads?{q(filter=KINDS[0].texts[0], mode='text')}"
    ),
    "count": lambda site: f"{site.project}/filters/threads/count?{q(**FILTERS)}",
    "copy": lambda site: f"{site.project}/filters/threads/copy?{q(**FILTERS)}",
    "saved filters": lambda site: f"{site.project}/filters/threads/saved",
    "saved filters searched": lambda site: f"{site.project}/filters/runs/saved?{q(q=KINDS[0].texts[0], name=NAMES[0])}",
    "saving a filter": lambda site: f"{site.project}/filters/threads/saved/new?{q(**FILTERS)}",
    "configure": lambda site: f"{site.project}/configure",
    "adding to a queue": lambda site: f"{site.project}/queue?{q(thread=thread_of(BY_NAME['wide']))}",
    "sharing": lambda site: f"{site.project}/share?{q(thread=thread_of(BY_NAME['wide']))}",
    "exporting": lambda site: f"{site.project}/export?{q(thread=thread_of(BY_NAME['wide']))}",
    "strip": lambda site: f"{site.project}/feedback/strip?{q(thread=thread_of(BY_NAME['html']))}",
    "marks": lambda site: f"{site.project}/feedback/marks?{q(run=BY_NAME['html'].root_id)}",
    "queues": lambda site: f"{site.home}/queues",
    "queue": lambda site: f"{site.home}/queues/{site.queue_id}",
    "queue form": lambda site: f"{site.home}/queues/{site.queue_id}/edit",
    "review": lambda site: f"{site.home}/queues/{site.queue_id}/review",
    "keys": lambda site: f"{site.home}/settings/keys",
    "members": lambda site: f"{site.home}/settings/members",
    "workspace": lambda site: f"{site.home}/settings/workspace",
    "audit": lambda site: f"{site.home}/settings/audit",
    "shared links": lambda site: f"{site.home}/settings/shared",
    "feedback keys": lambda site: f"{site.home}/settings/feedback",
    "feedback key": lambda site: f"{site.home}/settings/feedback/key?{q(key=NAMES[0])}",
    "admin: users": lambda site: "/admin/accounts/user/",
    "admin: workspaces": lambda site: "/admin/accounts/workspace/",
    "admin: audit": lambda site: "/admin/accounts/auditentry/",
    "admin: projects": lambda site: "/admin/projects/project/",
    "admin: threads": lambda site: "/admin/threads/thread/",
    "admin: one thread": lambda site: "/admin/threads/thread/",
}


def giant_run(name: str) -> str:
    return Kind("giant", GIANT_THREAD, ()).run_id(name)


OF_GIANTS: Final[dict[str, Callable[[Attacked], str]]] = {
    "thread": lambda site: f"{site.project}/t/{GIANT_THREAD}",
    "trace view": lambda site: f"{site.project}/t/{GIANT_THREAD}?view=trace",
    "found": lambda site: f"{site.project}/t/{GIANT_THREAD}?view=trace&find=words",
    "configure": lambda site: f"{site.project}/configure?thread={GIANT_THREAD}",
    **{
        f"{name} as {form}": lambda site, name=name, form=form: f"{site.project}/r/{giant_run(name)}?as={form}"
        for name in GIANT_RUNS
        for form in ("rendered", "json", "yaml")
    },
    "10 MB loaded": lambda site: f"{site.project}/r/{giant_run('10 MB')}?load=outputs",
}
