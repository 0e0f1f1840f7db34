"""Which run a span is, and which run it stands under."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from apps.runs.ingest.otlp.span import Span
from apps.runs.ingest.schema import BadRun, as_uuid
from apps.runs.ingest.store import Rejection

# A dotted_order names all ancestors: deeper trees would make it longer than the ingest takes.
MAX_DEPTH = 500
LANGSMITH = "langsmith"


class Node(NamedTuple):
    run_id: UUID
    parent_id: UUID | None
    span: Span


def place(spans: Iterable[Span]) -> tuple[list[Node], list[Rejection]]:
    """Parents before their children, whatever their order was; a parent that is not in the request may be stored already, or come later."""
    nodes, rejected = _nodes(spans)
    ordered = _parents_first(nodes)
    depths: dict[UUID, int] = {}
    kept = []
    for node in ordered:
        depths[node.run_id] = depth = depths.get(node.parent_id, 0) + 1 if node.parent_id else 1
        if depth > MAX_DEPTH:
            rejected.append(Rejection(str(node.run_id), f"it stands deeper than {MAX_DEPTH} spans"))
        else:
            kept.append(node)
    return kept, rejected


def _nodes(spans: Iterable[Span]) -> tuple[dict[UUID, Node], list[Rejection]]:
    """By run id; of a span that came twice the later one."""
    own: list[tuple[UUID, Span]] = []
    rejected = []
    for span in spans:
        try:
            own.append((_run_id(span), span))
        except BadRun as error:
            rejected.append(Rejection(span.span_id.hex(), str(error)))
    by_span = {(span.trace_id, span.span_id): run_id for run_id, span in own}
    nodes: dict[UUID, Node] = {}
    for run_id, span in own:
        try:
            parent_id = _parent_id(span, by_span)
        except BadRun as error:
            rejected.append(Rejection(str(run_id), str(error)))
            continue
        nodes[run_id] = Node(run_id, parent_id if parent_id != run_id else None, span)
    return nodes, rejected


def _run_id(span: Span) -> UUID:
    if len(span.span_id) != 8 or not any(span.span_id):
        raise BadRun("its span id is not 8 bytes, or all zero")
    if len(span.trace_id) != 16 or not any(span.trace_id):
        raise BadRun("its trace id is not 16 bytes, or all zero")
    return as_uuid(span.attributes.get("langsmith.span.id"), "langsmith.span.id") or run_id_of(span.span_id)


def run_id_of(span_id: bytes) -> UUID:
    """LangSmith's rule: the 8 bytes of the span id, right-aligned in a UUID."""
    return UUID(bytes=bytes(8) + span_id)


def _parent_id(span: Span, by_span: dict[tuple[bytes, bytes], UUID]) -> UUID | None:
    told = as_uuid(span.attributes.get("langsmith.span.parent_id"), "langsmith.span.parent_id")
    if told is not None:
        return told
    if span.attributes.get("langsmith.root_span") in (True, "true") or not _has_parent(span):
        return None
    return by_span.get((span.trace_id, span.parent_id)) or run_id_of(span.parent_id)


def _has_parent(span: Span) -> bool:
    """The LangSmith SDK gives its roots a parent that never was, made from the run id that it makes the trace id from."""
    if len(span.parent_id) != 8 or not any(span.parent_id):
        return False
    return not (span.source.scope == LANGSMITH and span.trace_id.startswith(span.parent_id))


def _parents_first(nodes: dict[UUID, Node]) -> list[Node]:
    """Iterative, because a chain may be as long as the request. Of spans that are each other's ancestors one becomes a root."""
    done: dict[UUID, Node] = {}
    for start in nodes.values():
        path: dict[UUID, Node] = {}
        node: Node | None = start
        while node is not None and node.run_id not in done and node.run_id not in path:
            path[node.run_id] = node
            node = nodes.get(node.parent_id) if node.parent_id else None
        upwards = list(path.values())
        if node is not None and node.run_id in path:
            upwards[-1] = upwards[-1]._replace(parent_id=None)
        done |= {each.run_id: each for each in reversed(upwards)}
    return list(done.values())
