"""Two traces, or two runs, side by side: what they took, their trees and what was said."""

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import FETCH_RAISE

from apps.common.templatetags.threadline import UNKNOWN, cost, duration, plural, tokens
from apps.projects.models import Project
from apps.runs.access import run_or_404
from apps.runs.compare_text import TextDiff, diff_of
from apps.runs.models import Run, Status, Trace
from apps.runs.table.columns import first_token, latency, usage
from apps.runs.tree import MAX_DEPTH

MAX_ROWS: Final = 500
"""Runs of each side that are aligned; the rest of a longer trace is not shown."""


@dataclass(frozen=True)
class Side:
    """A run with what its tree holds, the run itself first."""

    label: str
    run: Run
    trace: Trace
    runs: list[Run]
    more: bool

    @classmethod
    def of(cls, label: str, project: Project, run_id: uuid.UUID) -> "Side":
        run = run_or_404(project, run_id)
        trace = Trace.objects.in_project(project).by_id([run.trace_id])[run.trace_id]
        tree = Run.objects.in_trace(run.trace_id)
        if not run.is_root:
            tree = tree.filter(dotted_order__startswith=run.dotted_order)
        found = list(tree.for_tree("parent_run_id").fetch_mode(FETCH_RAISE)[: MAX_ROWS + 1])
        return cls(label, run, trace, found[:MAX_ROWS], len(found) > MAX_ROWS)

    @property
    def errors(self) -> int:
        return sum(run.status == Status.ERROR for run in self.runs)

    @cached_property
    def keys(self) -> list[tuple[int, str, str]]:
        """By which runs of two trees are taken for the same step. The run that was chosen stands for itself, whatever its name."""
        level = self.runs[0].dotted_order.count(".") if self.runs else 0
        depths = [run.dotted_order.count(".") - level for run in self.runs]
        return [(depth, run.name if depth else "", run.run_type) for depth, run in zip(depths, self.runs, strict=True)]


@dataclass(frozen=True)
class Figure:
    """A number of both sides and by how much the second differs. better is None where neither is, as of tokens: more may be said."""

    label: str
    a: str
    b: str
    difference: str = ""
    better: bool | None = None

    @classmethod
    def of(cls, label: str, a: Any, b: Any, show: Callable[[Any], str], *, judged: bool = True) -> "Figure":
        left, right = (UNKNOWN if value is None else show(value) for value in (a, b))
        if a is None or b is None or a == b:
            return cls(label, left, right, "the same" if a is not None and a == b else "")
        sign, size = ("+", b - a) if b > a else ("\N{MINUS SIGN}", a - b)
        share = f", {sign}{100 * float(size) / float(a):.0f} %" if a and 100 * float(size) / float(a) < 1_000 else ""
        return cls(label, left, right, f"{sign}{show(size)}{share}", bool(b < a) if judged else None)


@dataclass(frozen=True)
class Pair:
    """A step of both trees, or of one of them."""

    a: Run | None
    b: Run | None
    depth: int
    href: str
    current: bool

    @property
    def kind(self) -> str:
        if self.a is None or self.b is None:
            return "dropped" if self.b is None else "added"
        return "changed" if (self.a.status, self.a.name) != (self.b.status, self.b.name) else "same"

    @property
    def sides(self) -> list[tuple[Run | None, float | None]]:
        """Each run with the seconds it took."""
        return [(run, latency(run) if run else None) for run in (self.a, self.b)]

    @property
    def slower(self) -> Figure | None:
        (_, a), (_, b) = self.sides
        return None if a is None or b is None else Figure.of("", a, b, duration)


def aligned(a: Side, b: Side) -> list[tuple[Run | None, Run | None, int]]:
    """Steps by place in the tree, name and type, in order, with their depth."""
    found: list[tuple[Run | None, Run | None, int]] = []
    matcher = SequenceMatcher(None, a.keys, b.keys, autojunk=False)
    for tag, left, right, start, stop in matcher.get_opcodes():
        if tag == "equal":
            found += zip(a.runs[left:right], b.runs[start:stop], _depths(a, left, right), strict=True)
        else:
            found += [
                (run, None, depth) for run, depth in zip(a.runs[left:right], _depths(a, left, right), strict=True)
            ]
            found += [
                (None, run, depth) for run, depth in zip(b.runs[start:stop], _depths(b, start, stop), strict=True)
            ]
    return found


def _depths(side: Side, start: int, stop: int) -> Sequence[int]:
    return [min(depth, MAX_DEPTH) for depth, _, _ in side.keys[start:stop]]


@dataclass(frozen=True)
class Comparison:
    """x and y are the runs of the two trees that are read; either may be absent. asked: the parameters of the URL that stay."""

    project: Project
    a: Side
    b: Side
    x: uuid.UUID | None
    y: uuid.UUID | None
    every: bool
    back: str

    def url(self, **changes: Any) -> str:
        asked = {"a": self.a.run.id, "b": self.b.run.id, "x": self.x, "y": self.y}
        asked |= {"every": "1" if self.every else "", "list": self.back} | changes
        return "?" + urlencode({name: value for name, value in asked.items() if value})

    @property
    def sides(self) -> list[Side]:
        return [self.a, self.b]

    @property
    def summary(self) -> str:
        """How many steps both have, and how many only one of them."""
        kinds = Counter(pair.kind for pair in self.pairs)
        shared = plural(kinds["same"] + kinds["changed"], "step") + " in both"
        alone = [f"{kinds[kind]} only in {side}" for kind, side in (("dropped", "A"), ("added", "B")) if kinds[kind]]
        return ", ".join([shared, *alone]) + ". Pick one to compare what was said."

    @property
    def swapped(self) -> str:
        return self.url(a=self.b.run.id, b=self.a.run.id, x=self.y, y=self.x)

    @property
    def switched(self) -> str:
        return self.url(every="" if self.every else "1")

    @cached_property
    def pairs(self) -> list[Pair]:
        return [
            Pair(
                left,
                right,
                depth,
                self.url(x=left.id if left else "", y=right.id if right else ""),
                (left.id if left else None, right.id if right else None) == (self.x, self.y),
            )
            for left, right, depth in aligned(self.a, self.b)
        ]

    @property
    def steps(self) -> tuple[str, str]:
        """URLs of the pairs above and below the one that is read."""
        at = next((number for number, pair in enumerate(self.pairs) if pair.current), -1)
        above = self.pairs[at - 1].href if at > 0 else ""
        return above, self.pairs[at + 1].href if at + 1 < len(self.pairs) else ""

    @cached_property
    def figures(self) -> list[Figure]:
        a, b = self.a, self.b
        found = [
            Figure.of("Latency", latency(a.run), latency(b.run), _seconds),
            Figure.of("First token", first_token(a.run, a.trace), first_token(b.run, b.trace), _seconds),
        ]
        amounts = (("Tokens in", "prompt_tokens"), ("Tokens out", "completion_tokens"), ("Tokens", "total_tokens"))
        found += [Figure.of(label, *self._usage(name), tokens, judged=False) for label, name in amounts]
        found.append(Figure.of("Cost", *self._usage("total_cost"), cost))
        if not (a.more or b.more):
            found.append(Figure.of("Runs", len(a.runs), len(b.runs), str, judged=False))
            found.append(Figure.of("Failed runs", a.errors, b.errors, str))
        return [figure for figure in found if (figure.a, figure.b) != (UNKNOWN, UNKNOWN)]

    def _usage(self, name: str) -> tuple[Any, Any]:
        value = usage(name)
        return value(self.a.run, self.a.trace), value(self.b.run, self.b.trace)

    @cached_property
    def read(self) -> tuple[Run | None, Run | None]:
        """The two runs of the pair, with their payloads."""
        x, y = (self._run(side, run_id) for side, run_id in ((self.a, self.x), (self.b, self.y)))
        return x, y

    def _run(self, side: Side, run_id: uuid.UUID | None) -> Run | None:
        if run_id == side.run.id:
            return side.run
        return Run.objects.in_trace(side.run.trace_id).with_id(run_id).first() if run_id else None

    @cached_property
    def texts(self) -> list[tuple[str, TextDiff]]:
        x, y = self.read
        names = ("inputs", "outputs")
        found = [(name.capitalize(), diff_of(_frame(x, name), _frame(y, name), every=self.every)) for name in names]
        if (x and x.error) or (y and y.error):
            found.append(("Error", TextDiff.of(x.error if x else None, y.error if y else None, every=self.every)))
        return found


def _frame(run: Run | None, name: str) -> bytes | None:
    return getattr(run, name) if run else None


def _seconds(value: float | timedelta | Decimal) -> str:
    return duration(float(value) if not isinstance(value, timedelta) else value)
