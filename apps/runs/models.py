"""Runs as the SDKs sent them, and one rollup row a trace. Only apps.runs.ingest.store writes these tables."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import FETCH_RAISE, Case, F, Max, Q, Value, When
from django.db.models.functions import MD5, Cast, ConcatPair, Left, Length
from django.db.models.lookups import GreaterThan

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.columns import CARRIED, TEXT, money, unenforced
from apps.runs.query.compile import IS_ROOT, NAME_INDEXED, HasFeedback, to_q
from apps.runs.query.nodes import Node
from apps.runs.query.totals import asks_for_roots, of_shown, of_traces


class RunType(models.TextChoices):
    """The span kinds that the SDKs may send; anything else is refused."""

    CHAIN = "chain"
    LLM = "llm"
    TOOL = "tool"
    RETRIEVER = "retriever"
    EMBEDDING = "embedding"
    PROMPT = "prompt"
    PARSER = "parser"


class Status(models.TextChoices):
    SUCCESS = "success"
    ERROR = "error"
    PENDING = "pending"


class Totals(models.Model):
    """What a trace and a thread add up, over the leaf llm runs that report usage: llm_count of them, unpriced_count without a cost.

    carried_* count only the runs that hold the thread id themselves.
    """

    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    total_tokens = models.BigIntegerField(default=0)
    carried_tokens = models.BigIntegerField(default=0)
    run_count = models.IntegerField(default=0)
    carried_count = models.IntegerField(default=0)
    llm_count = models.IntegerField(default=0)
    unpriced_count = models.IntegerField(default=0)
    prompt_cost = money(default=Decimal(0))
    completion_cost = money(default=Decimal(0))
    total_cost = money(default=Decimal(0))
    carried_cost = money(default=Decimal(0))

    class Meta:
        abstract = True

    @property
    def known_cost(self) -> Decimal | None:
        """None where no run has a price, which is not the same as free."""
        return self.total_cost if self.llm_count > self.unpriced_count else None


class RunFields(models.Model):
    """The columns of a run. 8-byte columns first: PostgreSQL pads each column to its alignment.

    inputs, outputs, events, extra and serialized hold zstd frames of the JSON as sent (see payload.py); metadata is kept out of extra.
    """

    start_time = models.DateTimeField()
    end_time = models.DateTimeField(null=True)
    first_token_time = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    prompt_tokens = models.IntegerField(null=True)
    completion_tokens = models.IntegerField(null=True)
    total_tokens = models.IntegerField(null=True)
    given = models.IntegerField(default=0, help_text="bit per field that was sent (ingest/change.py)")
    patched = models.IntegerField(
        default=0, help_text="bit per field that a patch has set, so that a late post leaves it"
    )
    trace_id = models.UUIDField()
    parent_run_id = models.UUIDField(null=True)
    provisional = models.BooleanField(
        default=False, help_text="the real trace is not known yet: the run stands as its own root"
    )
    dotted_order = models.TextField(db_collation="C")
    name = models.TextField(default="")
    run_type = models.TextField(choices=RunType.choices, default=RunType.CHAIN)
    error = models.TextField(null=True)
    status = models.GeneratedField(
        expression=Case(
            When(error__isnull=False, then=Value("error")),
            When(end_time__isnull=False, then=Value("success")),
            default=Value("pending"),
        ),
        output_field=models.TextField(choices=Status.choices),
        db_persist=False,
    )
    thread_id = models.GeneratedField(
        expression=Case(
            When(
                GreaterThan(Length(CARRIED), 512),
                then=ConcatPair(Left(CARRIED, 480), MD5(CARRIED), output_field=TEXT),
            ),
            default=CARRIED,
            output_field=TEXT,
        ),
        output_field=models.TextField(null=True),
        db_persist=False,
        help_text="what this run itself carried; cut with a hash past 512 characters, because the indexes on it hold no more",
    )
    model = models.TextField(null=True)
    tags = ArrayField(models.TextField(), null=True)
    metadata = models.JSONField(null=True)
    usage_details = models.JSONField(
        null=True, help_text="prompt, completion, prompt_cost, completion_cost: amount by kind"
    )
    prompt_cost = money(null=True)
    completion_cost = money(null=True)
    total_cost = money(null=True)
    cost_source = models.TextField(null=True, help_text="client or table; null without a cost")
    inputs_preview = models.TextField(null=True, help_text="roots only")
    outputs_preview = models.TextField(null=True, help_text="roots only")
    reference_example_id = models.UUIDField(null=True)
    inputs = models.BinaryField(null=True)
    outputs = models.BinaryField(null=True)
    events = models.BinaryField(null=True)
    extra = models.BinaryField(null=True)
    serialized = models.BinaryField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} {self.trace_id}"


IN_TREE = (
    "id", "trace_id", "dotted_order", "name", "run_type", "status", "start_time", "end_time", "error", "total_tokens", "model",
)  # fmt: skip


class RunQuerySet(models.QuerySet["Run"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(project__workspace=workspace)

    def in_project(self, project: Project) -> Self:
        return self.filter(project=project)

    def in_projects(self, project_ids: Iterable[uuid.UUID]) -> Self:
        return self.filter(project_id__in=list(project_ids))

    def in_trace(self, trace_id: uuid.UUID) -> Self:
        return self.filter(trace_id=trace_id).order_by("dotted_order", "id")

    def in_traces(self, trace_ids: Iterable[uuid.UUID]) -> Self:
        """Trace after trace by the start of their roots, each in preorder."""
        return self.filter(trace_id__in=list(trace_ids)).order_by("dotted_order", "id")

    # Whether tokens and costs of a condition are those of the whole trace.
    whole_traces = False

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # the stubs have no private names
        clone.whole_traces = self.whole_traces
        return clone

    def roots(self) -> Self:
        """Of a root, matching() compares the tokens and costs that the API and the pages show: those of its whole trace."""
        found = self.filter(IS_ROOT)
        found.whole_traces = True
        return found

    def roots_of(self, trace_ids: Iterable[uuid.UUID]) -> Self:
        ids = list(trace_ids)
        return self.filter(trace_id__in=ids, id__in=ids)

    def llm_usage(self, trace_ids: Iterable[uuid.UUID]) -> Self:
        """The llm runs that report usage, trace after trace, each in preorder."""
        reporting = Q(total_tokens__isnull=False) | Q(total_cost__isnull=False)
        runs = self.filter(reporting, trace_id__in=list(trace_ids), run_type=RunType.LLM)
        return runs.light().order_by("trace_id", "dotted_order", "id").fetch_mode(FETCH_RAISE)

    def with_id(self, run_id: uuid.UUID) -> Self:
        return self.filter(id=run_id).order_by("-received_at")

    def matching(self, condition: Node) -> Self:
        from apps.runs.search.find import prepared, with_few_traces  # they stand on this module

        node = prepared(condition)
        whole = self.whole_traces or asks_for_roots(node)
        return self.filter(to_q(of_traces(node) if whole else with_few_traces(of_shown(node))))

    def matching_trace(self, condition: Node, within: "RunQuerySet") -> Self:
        """Runs of traces whose root, looked for within, matches."""
        return self.matching_tree(condition, within.roots())

    def matching_tree(self, condition: Node, within: "RunQuerySet") -> Self:
        """Runs of traces of which any run, looked for within, matches."""
        return self.filter(trace_id__in=within.matching(condition).values("trace_id"))

    def feedback_changed(self, since: datetime | None, until: datetime | None) -> Self:
        """Runs with feedback that was given or changed then."""
        bounds = (("fb.modified_at >= %s", since), ("fb.modified_at <= %s", until))
        given = [(condition, moment) for condition, moment in bounds if moment is not None]
        return self.filter(HasFeedback(" AND ".join(sql for sql, _ in given), [moment for _, moment in given]))

    def for_wire(self, columns: Collection[str]) -> Self:
        """With these payload columns only, and the metadata as JSON text, because the API passes both on unread."""
        unread = {"inputs", "outputs", "events", "extra", "serialized"} - set(columns)
        text = Cast("metadata", models.TextField())
        return self.defer("metadata", *unread).annotate(metadata_json=text).fetch_mode(FETCH_RAISE)

    def places_of(self, ids: Iterable[uuid.UUID]) -> "models.QuerySet[Run, tuple[uuid.UUID, uuid.UUID, str, bool]]":
        """(id, trace_id, dotted_order, provisional) of those that are stored."""
        return self.filter(id__in=list(ids)).values_list("id", "trace_id", "dotted_order", "provisional")

    def orphans_with_parents(self, among: Collection[uuid.UUID] | None = None) -> "Iterator[tuple[Run, Run]]":
        """Provisional runs whose parent is stored in another trace of the same workspace; `among` has the one or the other."""
        provisional = self.filter(provisional=True, parent_run_id__isnull=False)
        if among is not None:
            provisional = provisional.filter(Q(id__in=list(among)) | Q(parent_run_id__in=list(among)))
        orphans = list(provisional.select_related("project").light())
        parents: dict[uuid.UUID | None, Run] = {
            run.id: run
            for run in self.filter(id__in=[run.parent_run_id for run in orphans]).select_related("project").light()
        }
        for run in orphans:
            parent = parents.get(run.parent_run_id)
            if parent and parent.trace_id != run.trace_id and parent.project.workspace_id == run.project.workspace_id:
                yield run, parent

    def for_tree(self, *more: str) -> Self:
        """Only what a row of a tree shows: hundreds are read at a time, and decoding the rest takes longer than fetching it."""
        return self.only(*IN_TREE, *more)

    def light(self) -> Self:
        """Without the payload, which is most of a row."""
        return self.defer("inputs", "outputs", "events", "extra", "serialized")


class Run(RunFields):
    pk = models.CompositePrimaryKey("trace_id", "id")
    id = models.UUIDField()
    project = unenforced(Project, "runs")

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("id"), name="run_by_id"),
            models.Index(F("project"), F("start_time"), name="run_latest"),
            GinIndex(OpClass(F("metadata"), "jsonb_path_ops"), name="run_metadata"),
            models.Index(F("project"), Left(F("name"), NAME_INDEXED), F("start_time"), name="run_named"),
            models.Index(F("project"), F("start_time"), condition=Q(error__isnull=False), name="run_errored"),
            models.Index(F("project"), F("start_time"), condition=Q(error=None, end_time=None), name="run_open"),
            GinIndex(F("tags"), name="run_tags"),
            models.Index(F("id"), condition=Q(provisional=True), name="run_provisional"),
            models.Index(F("parent_run_id"), condition=Q(provisional=True), name="run_provisional_parent"),
        ]

    @property
    def is_root(self) -> bool:
        """Also of a run that stands as its own root, because its parent was never sent."""
        return self.parent_run_id is None or self.id == self.trace_id


class TraceQuerySet(models.QuerySet["Trace"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(project__workspace=workspace)

    def projects_of(self, traces: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        return dict(self.filter(trace_id__in=list(traces)).values_list("trace_id", "project_id"))

    def threads_of(self, traces: Iterable[uuid.UUID]) -> dict[uuid.UUID, str | None]:
        return dict(self.filter(trace_id__in=list(traces)).values_list("trace_id", "thread_id"))

    def in_project(self, project: Project) -> Self:
        return self.filter(project=project)

    def in_thread(self, thread_id: str) -> Self:
        return self.filter(thread_id=thread_id).order_by("start_time", "trace_id")

    def among(self, trace_ids: Iterable[uuid.UUID]) -> Self:
        return self.filter(trace_id__in=list(trace_ids))

    def by_id(self, trace_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, "Trace"]:
        return {trace.trace_id: trace for trace in self.among(trace_ids)}

    def in_threads(self, thread_ids: Iterable[str]) -> Self:
        return self.filter(thread_id__in=list(thread_ids))

    def of_threads(self, threads: "models.QuerySet[Any]") -> Self:
        """In one project, or their ids would be mistaken for one another."""
        return self.filter(thread_id__in=threads.order_by().values("thread_id"))

    def in_some_thread(self) -> Self:
        return self.filter(thread_id__isnull=False)

    def of_runs(self, runs: RunQuerySet) -> Self:
        """The traces that the runs are in."""
        return self.filter(trace_id__in=runs.values("trace_id"))

    def started(self, since: datetime | None = None, before: datetime | None = None) -> Self:
        bounds = {"start_time__gte": since, "start_time__lt": before}
        return self.filter(**{bound: moment for bound, moment in bounds.items() if moment is not None})

    def latest_threads(self, start: int, size: int) -> tuple[list[str], int]:
        """Their thread ids by the start of the latest trace, that many from there on, and how many there are in all."""
        threads = self.order_by().values("thread_id").annotate(latest=Max("start_time"))
        found = threads.order_by(F("latest").desc(nulls_last=True), "thread_id")[start : start + size]
        return [str(row["thread_id"]) for row in found], threads.count()

    def ends_of_threads(self) -> tuple[dict[str, "Trace"], dict[str, "Trace"]]:
        """The first and the last of these traces by thread id."""
        first = self.order_by("thread_id", "start_time", "trace_id").distinct("thread_id")
        last = self.order_by("thread_id", "-start_time", "-trace_id").distinct("thread_id")
        return {str(trace.thread_id): trace for trace in first}, {str(trace.thread_id): trace for trace in last}

    def last_errors(self) -> dict[str | None, str | None]:
        """By thread id, of those threads that have a failed trace among these."""
        failed = (
            self.filter(status=Status.ERROR).order_by("thread_id", "-start_time", "-trace_id").distinct("thread_id")
        )
        return dict(failed.values_list("thread_id", "error"))

    def number_of(self, trace_id: uuid.UUID) -> int:
        """Where the trace stands among these by its start, counted from 1; 0 when it is none of them."""
        trace = self.filter(trace_id=trace_id).first()
        if trace is None:
            return 0
        before = Q(start_time__lt=trace.start_time) | Q(start_time=trace.start_time, trace_id__lte=trace_id)
        return self.filter(before).count()


class Trace(Totals):
    """One row a trace, computed from its runs."""

    start_time = models.DateTimeField(null=True)
    end_time = models.DateTimeField(null=True)
    first_token_time = models.DateTimeField(null=True)
    last_activity = models.DateTimeField(null=True)
    error_count = models.IntegerField(default=0)
    trace_id = models.UUIDField(primary_key=True)
    project = unenforced(Project, "traces")
    has_root = models.BooleanField(default=False)
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    name = models.TextField(default="")
    thread_id = models.TextField(null=True)
    error = models.TextField(null=True, help_text="of the root, its first 500 characters")

    objects = TraceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("project"), F("start_time"), name="trace_latest"),
            models.Index(
                F("project"),
                F("thread_id"),
                F("start_time"),
                condition=Q(thread_id__isnull=False),
                name="trace_in_thread",
            ),
            models.Index(
                F("project"),
                F("thread_id"),
                F("start_time"),
                condition=Q(thread_id__isnull=False, status="error"),
                name="trace_errored_in_thread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.trace_id}"


def thread_uuid(project_id: uuid.UUID, thread_id: str) -> uuid.UUID:
    """The key of a thread: derived, so that every writer and every node of a cluster finds the same row without asking.

    SHA-256, because PostgreSQL can compute it too (THREAD_UUID in ingest/reconcile.py).
    """
    return uuid.UUID(bytes=hashlib.sha256(project_id.bytes + thread_id.encode()).digest()[:16])


# Django finds the models of an app through this module; this one stands on the names above.
from apps.runs import attachments, by_id, prices  # noqa: E402, F401
from apps.runs.listing import layout as _layout  # noqa: E402, F401
from apps.runs.listing import saved as _saved  # noqa: E402, F401
from apps.runs.search import models as _search  # noqa: E402, F401
