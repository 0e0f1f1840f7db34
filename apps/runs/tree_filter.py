"""The filter inside a tree: plain words, or a condition in the filter language."""

import json
import re
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from apps.runs.models import RunQuerySet
from apps.runs.query.nodes import FilterError, Node
from apps.runs.query.parse import OPERATORS, parse

_CONDITION = re.compile(rf"\s*(?:{'|'.join(sorted(OPERATORS))})\s*\(")
MAX_HITS = 5_000


@dataclass(frozen=True)
class Sought:
    """problem: why the text is no condition, in words for whoever wrote it."""

    text: str
    only: bool = False
    condition: Node | None = None
    problem: str = ""

    @classmethod
    def of(cls, text: str, *, only: bool) -> Self:
        if not text.strip():
            return cls("")
        is_condition = _CONDITION.match(text) is not None
        try:
            return cls(text, only, parse(text if is_condition else f"search({json.dumps(text, ensure_ascii=False)})"))
        except FilterError as error:
            return cls(text, only, None, str(error) if is_condition else error.message)

    def narrowed(self, runs: RunQuerySet) -> RunQuerySet:
        """What is to be listed: in context all of them."""
        return runs.matching(self.condition) if self.condition and self.only else runs

    def hits_among(self, runs: RunQuerySet) -> frozenset[UUID]:
        if self.condition is None:
            return frozenset()
        return frozenset(runs.matching(self.condition).order_by().values_list("id", flat=True)[:MAX_HITS])
