"""What changed in what a model was given from one call to another: messages, system prompt, tools, tokens.

A message is told by what it says, not by the ids that clients give it anew with each call.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import groupby
from typing import Any, Final, NamedTuple

from apps.runs import shapes
from apps.runs.messages import RUN_LIMIT, inputs_of
from apps.runs.models import Run
from apps.runs.parts import Call, Data, Document, Documents, File, Image, Message, Part, Reasoning, Result, Text
from apps.runs.payloads import RUN_BYTES, read
from apps.runs.preview import compact
from apps.runs.words import Kind, Piece, words

MAX_TOOLS: Final = 200
_ARGUMENTS: Final = 4_000
_ALIKE: Final = 0.6
_COMPARED: Final = 2_000


class Said(NamedTuple):
    """A message as far as two can be the same."""

    role: str
    text: str


@dataclass(frozen=True)
class Change:
    kind: Kind
    before: Said | None
    after: Said | None

    @property
    def said(self) -> Said:
        found = self.after or self.before
        assert found
        return found

    @property
    def pieces(self) -> list[Piece]:
        return words(self.before.text if self.before else "", self.after.text if self.after else "")


@dataclass(frozen=True)
class Given:
    """What one model call was given."""

    run: Run
    system: str
    messages: list[Said]
    tools: dict[str, str]
    """Definition as JSON by name."""
    left_out: int = 0
    """Messages before those that were read."""
    too_large: int = 0
    """Bytes of inputs that are too large to be compared, or 0."""


def given(run: Run) -> Given:
    payload = read(run.inputs, RUN_BYTES)
    if payload.skipped:
        return Given(run, "", [], {}, too_large=payload.size)
    content = inputs_of(payload.value, RUN_LIMIT)
    all_said = [Said(message.role, _text(message)) for message in content.messages]
    system = "\n\n".join(said.text for said in all_said if said.role in shapes.PROMPT_ROLES)
    rest = [said for said in all_said if said.role not in shapes.PROMPT_ROLES]
    return Given(run, system, rest, _tools(payload.value, read(run.extra, RUN_BYTES).value), content.earlier)


@dataclass(frozen=True)
class ContextDiff:
    before: Given | None
    """None for the first turn of a thread, where all is new."""
    after: Given

    @cached_property
    def changes(self) -> list[Change]:
        return compare(self.before.messages if self.before else [], self.after.messages)

    @property
    def groups(self) -> list[tuple[Kind, list[Change]]]:
        """Neighbours of one kind together, so that what is the same can be folded."""
        return [(kind, list(group)) for kind, group in groupby(self.changes, lambda change: change.kind)]

    @cached_property
    def counts(self) -> Counter[Kind]:
        return Counter(change.kind for change in self.changes)

    @property
    def system_changed(self) -> bool:
        return self.before is not None and self.before.system != self.after.system

    @property
    def system_pieces(self) -> list[Piece]:
        return words(self.before.system if self.before else "", self.after.system)

    @cached_property
    def tools(self) -> dict[Kind, list[str]]:
        """Names by what became of them."""
        before, after = self.before.tools if self.before else {}, self.after.tools
        changed = [name for name in after if name in before and after[name] != before[name]]
        return {
            "added": [name for name in after if name not in before],
            "dropped": [name for name in before if name not in after],
            "changed": changed,
        }

    @property
    def tools_changed(self) -> bool:
        return self.before is not None and any(self.tools.values())

    @property
    def comparable(self) -> bool:
        return bool(self.after.messages or self.after.system)

    @property
    def dropped_beginning(self) -> bool:
        """Whether what was dropped is the beginning of the conversation, as when it is trimmed to a window."""
        first = next((change for change in self.changes if change.kind != "added"), None)
        return first is not None and first.kind == "dropped"

    @property
    def dropped_steps(self) -> bool:
        """Whether only what an agent did was dropped: its calls and their results."""
        roles = {role for role, _ in self.dropped_roles}
        return "tool" in roles and roles <= {"tool", "assistant"}

    @property
    def dropped_roles(self) -> list[tuple[str, int]]:
        counts = Counter(change.said.role for change in self.changes if change.kind == "dropped")
        return counts.most_common()


def compare(before: Sequence[Said], after: Sequence[Said]) -> list[Change]:
    """In order: the `before` of all changes are the one list again, and the `after` the other."""
    found: list[Change] = []
    for tag, left, right, start, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        olds, news = before[left:right], after[start:stop]
        if tag == "equal":
            found += [Change("same", old, new) for old, new in zip(olds, news, strict=True)]
        else:
            found += _replaced(olds, news)
    return found


def _replaced(olds: Sequence[Said], news: Sequence[Said]) -> Iterator[Change]:
    """What was dropped before what came in its place, except where a message was rewritten."""
    left = right = 0
    for at, (old, new) in enumerate(zip(olds, news, strict=False)):
        if _alike(old, new):
            yield from _exchanged(olds[left:at], news[right:at])
            yield Change("changed", old, new)
            left = right = at + 1
    yield from _exchanged(olds[left:], news[right:])


def _exchanged(olds: Sequence[Said], news: Sequence[Said]) -> Iterator[Change]:
    yield from (Change("dropped", old, None) for old in olds)
    yield from (Change("added", None, new) for new in news)


def _alike(old: Said, new: Said) -> bool:
    """Whether the one is the other, rewritten."""
    if old.role != new.role:
        return False
    matcher = SequenceMatcher(None, old.text[:_COMPARED], new.text[:_COMPARED], autojunk=False)
    return matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE


def _text(message: Message) -> str:
    return "\n".join(filter(None, map(_of_part, message.parts)))


def _of_part(part: Part) -> str:
    match part:
        case Text(text, cut) | Reasoning(text, cut):
            return text + (f"\n… {cut:,} more characters" if cut else "")
        case Call(name, args):
            return f"{name}({compact(args, _ARGUMENTS)})"
        case Result(_, parts):
            return "\n".join(filter(None, map(_of_part, parts)))
        case Image(url):
            return f"[image of {len(url):,} characters]" if part.inline else f"[image {url[:200]}]"
        case File(name, mime, size):
            return f"[file {name} {mime} {size:,} bytes]"
        case Documents(documents):
            return "\n\n".join(document.text for document in documents if isinstance(document, Document))
        case Data(value):
            return value[:RUN_LIMIT] if isinstance(value, str) else compact(value, _ARGUMENTS)


def _tools(inputs: Any, extra: Any) -> dict[str, str]:
    """OpenAI's clients send the tools among the inputs, LangChain among the parameters of the call."""
    places = [inputs]
    if type(extra) is dict:
        places += [extra.get("invocation_params"), extra]
    for place in places:
        if type(place) is not dict:
            continue
        for key in ("tools", "functions"):
            if found := _named(place.get(key)):
                return found
    return {}


def _named(tools: Any) -> dict[str, str]:
    found = {}
    for tool in tools[:MAX_TOOLS] if type(tools) is list else []:
        inner = tool.get("function") if type(tool) is dict and type(tool.get("function")) is dict else tool
        name = inner.get("name") if type(inner) is dict else None
        if type(name) is str and name:
            found[name[:200]] = compact(tool, _ARGUMENTS)
    return found
