"""Rows for tests. A run made here is consistent: a root's id is its trace's id, and dotted_order names its ancestors."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import factory
import msgspec
from factory.django import DjangoModelFactory

from apps.accounts.models import ApiKey, Membership, Role, Scope, User, Workspace, key_digest
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.ingest import store
from apps.runs.models import Run, RunType, Trace, thread_uuid
from apps.runs.search import index
from apps.threads.models import Thread

EPOCH = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
PACKED = ("inputs", "outputs", "events", "extra", "serialized")


def dotted_segment(start_time: datetime, run_id: uuid.UUID) -> str:
    return start_time.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ") + str(run_id)


class UserFactory(DjangoModelFactory[User]):
    """Signs in with the password "correct horse"."""

    class Meta:
        model = User
        django_get_or_create = ("email",)
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.org")
    name = ""

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return User.objects.create_user(password=kwargs.pop("password", "correct horse"), **kwargs)


class WorkspaceFactory(DjangoModelFactory[Workspace]):
    class Meta:
        model = Workspace

    name = factory.Sequence(lambda n: f"Workspace {n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    workspace = factory.SubFactory(WorkspaceFactory)
    role = Role.VIEWER


def member(name: str, workspace: Workspace, role: str) -> User:
    """name@example.org, in the workspace."""
    return MembershipFactory.create(user__email=f"{name}@example.org", workspace=workspace, role=role).user


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    """The secret is the attribute `secret` of the result."""

    class Meta:
        model = ApiKey

    class Params:
        secret = factory.Sequence(lambda n: f"tl_test_secret_{n:06d}")

    workspace = factory.SubFactory(WorkspaceFactory)
    name = "a key"
    scope = Scope.FULL
    hint = factory.LazyAttribute(lambda key: key.secret[:7])
    digest = factory.LazyAttribute(lambda key: key_digest(key.secret))

    @classmethod
    def create(cls, **kwargs: Any) -> ApiKey:
        secret = kwargs.setdefault("secret", f"tl_test_{uuid.uuid4().hex}")
        key = super().create(**kwargs)
        key.secret = secret  # type: ignore[attr-defined]
        return key


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"project {n}")
    start_time = EPOCH


class RunFactory(DjangoModelFactory[Run]):
    """RunFactory(project=p) is a root; RunFactory(parent=root) a child of it. inputs and the like are given as Python values.

    No Trace or Thread row comes with it: use TraceFactory and ThreadFactory, or write through apps.runs.ingest.store.
    """

    class Meta:
        model = Run

    class Params:
        parent: Run | None = None

    id = factory.LazyFunction(uuid.uuid4)
    project = factory.Maybe("parent", factory.SelfAttribute("parent.project"), factory.SubFactory(ProjectFactory))
    parent_run_id = factory.LazyAttribute(lambda run: run.parent.id if run.parent else None)
    trace_id = factory.LazyAttribute(lambda run: run.parent.trace_id if run.parent else run.id)
    start_time = factory.Sequence(lambda n: EPOCH + timedelta(seconds=n))
    end_time = factory.LazyAttribute(lambda run: run.start_time + timedelta(seconds=1.5))
    received_at = factory.SelfAttribute("start_time")
    dotted_order = factory.LazyAttribute(
        lambda run: (run.parent.dotted_order + "." if run.parent else "") + dotted_segment(run.start_time, run.id)
    )
    name = "agent"
    run_type = RunType.CHAIN
    inputs = {"question": "hello"}
    outputs = {"answer": "hi"}

    @classmethod
    def _adjust_kwargs(cls, **kwargs: Any) -> dict[str, Any]:
        """thread_id="x" is short for metadata={"session_id": "x"}: the column is derived from the metadata."""
        if thread_id := kwargs.pop("thread_id", None):
            kwargs["metadata"] = {"session_id": thread_id, **(kwargs.get("metadata") or {})}
        for name in PACKED:
            value = kwargs.get(name)
            if value is not None and not isinstance(value, bytes):
                kwargs[name] = payload.pack(msgspec.json.encode(value))
        return kwargs

    @classmethod
    def _create(cls, model_class: type[Run], *args: Any, **kwargs: Any) -> Run:
        """As written by the ingest, which has it indexed for search."""
        run: Run = super()._create(model_class, *args, **kwargs)
        mark([run])
        return run


def mark(runs: list[Run]) -> None:
    with store.raw_cursor() as cursor:
        index.mark(cursor, [(run.trace_id, run.id) for run in runs])


class TraceFactory(DjangoModelFactory[Trace]):
    """TraceFactory(root=run) is the trace of that run; without a root it makes one. Sums are those of the root alone."""

    class Meta:
        model = Trace

    class Params:
        root = factory.SubFactory(RunFactory)

    trace_id = factory.SelfAttribute("root.trace_id")
    project = factory.SelfAttribute("root.project")
    has_root = True
    name = factory.SelfAttribute("root.name")
    status = factory.SelfAttribute("root.status")
    start_time = factory.SelfAttribute("root.start_time")
    end_time = factory.SelfAttribute("root.end_time")
    first_token_time = factory.SelfAttribute("root.first_token_time")
    last_activity = factory.LazyAttribute(lambda trace: trace.root.end_time or trace.root.start_time)
    thread_id = factory.SelfAttribute("root.thread_id")
    run_count = 1
    error_count = factory.LazyAttribute(lambda trace: int(trace.root.error is not None))
    carried_count = factory.LazyAttribute(lambda trace: int(trace.root.thread_id is not None))
    llm_count = factory.LazyAttribute(lambda trace: int(trace.root.total_tokens is not None))
    unpriced_count = factory.LazyAttribute(
        lambda trace: int(trace.root.total_tokens is not None and trace.root.total_cost is None)
    )
    prompt_tokens = factory.LazyAttribute(lambda trace: trace.root.prompt_tokens or 0)
    completion_tokens = factory.LazyAttribute(lambda trace: trace.root.completion_tokens or 0)
    total_tokens = factory.LazyAttribute(lambda trace: trace.root.total_tokens or 0)
    prompt_cost = factory.LazyAttribute(lambda trace: trace.root.prompt_cost or 0)
    completion_cost = factory.LazyAttribute(lambda trace: trace.root.completion_cost or 0)
    total_cost = factory.LazyAttribute(lambda trace: trace.root.total_cost or 0)


class ThreadFactory(DjangoModelFactory[Thread]):
    class Meta:
        model = Thread

    project = factory.SubFactory(ProjectFactory)
    thread_id = factory.Sequence(lambda n: f"thread-{n}")
    id = factory.LazyAttribute(lambda thread: thread_uuid(thread.project.pk, thread.thread_id))
    turns = 1
    run_count = 1
    first_start = EPOCH
    last_start = EPOCH
    last_activity = EPOCH
