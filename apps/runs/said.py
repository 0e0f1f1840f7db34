"""What a field of a run says, as HTML: its messages, and each part of one on the card of its kind.

Written here, because a page of turns has dozens of them, for which a template takes ten times as long. What came from a trace is
escaped where it is put in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

from django.template.defaultfilters import filesizeformat, truncatechars
from django.utils.safestring import SafeString

from apps.common.breaks import breakable
from apps.common.templatetags.threadline import plural
from apps.runs.messages import Content
from apps.runs.parts import Call, Data, Document, Documents, File, Image, Message, Part, Reasoning, Result, Text
from apps.runs.payloads import Payload

MOST_MODELS = 3


@dataclass(frozen=True)
class Look:
    """How parts are shown. run_url: where all of a text is read that is cut; empty for whoever may not."""

    run_url: str = ""
    fold: bool = False
    """Long texts begin folded."""
    plain: bool = False
    """What tools return is no Markdown."""


def said(
    content: Content, payload: Payload, field: str, look: Look, side: str = "", models: Sequence[str] = ()
) -> SafeString:
    """`field` is inputs or outputs; `side` in or out, where both stand among turns. The models are told where the assistant speaks."""
    if content.messages:
        return SafeString("".join(_message(message, side, look, models) for message in content.messages))
    if payload.skipped:
        link = (
            f' <a class="link" href="{escape(look.run_url)}/{field}.json">Load it as JSON</a>' if look.run_url else ""
        )
        rest = f"<p>{filesizeformat(payload.size)}, too large for this page.{link}</p>"
    elif content.rest is not None:
        rest = f'<div class="scrolls" tabindex="0">{payload.tree}</div>'
    else:
        return SafeString()
    return SafeString(f'<div class="msg {side}"><div class="role">{field}</div>{rest}</div>')


def said_parts(parts: Iterable[Part], look: Look) -> SafeString:
    return SafeString("".join(_part(part, look) for part in parts))


def clipped(text: str, most: int) -> str:
    """With an ellipsis where it is longer."""
    return text if len(text) <= most else str(truncatechars(text, most))


def _message(message: Message, side: str, look: Look, models: Sequence[str]) -> str:
    role = escape(message.role)
    told = [message.name] if message.name else []
    if message.role == "assistant":
        told += [clipped(model, 40) for model in models[:MOST_MODELS]]
    names = "".join(f' <bdi class="faint">{escape(name)}</bdi>' for name in told)
    look = replace(look, plain=True) if message.role == "output" else look
    words = said_parts(message.parts, look) if message.parts else '<p class="faint">Nothing was said.</p>'
    return f'<div class="msg {role} {side}"><div class="role">{role}{names}</div>{words}</div>'


def _part(part: Part, look: Look) -> str:
    match part:
        case Text():
            return _text(part, look)
        case Call():
            head = f'<b><bdi>{escape(part.name)}</bdi></b><span class="mono args clip">{escape(part.line)}</span>'
            return f'<details class="card call"><summary><i class="dot tool"></i>{head}</summary>{part.tree}</details>'
        case Result():
            return _result(part, look)
        case Reasoning():
            words = f'<div class="md" dir="auto">{part.html}</div>{_cut(part.cut)}'
            return f'<details class="thought"><summary>Reasoning</summary>{words}</details>'
        case Image():
            return _image(part)
        case File():
            return _file(part)
        case Documents():
            more = f'<p class="faint">{plural(part.left_out, "more document")}</p>' if part.left_out else ""
            return "".join(map(_document, part.documents)) + more
        case Data():
            return part.tree


def _text(part: Text, look: Look) -> str:
    if look.plain:
        words = f'<pre class="words" dir="auto" tabindex="0">{breakable(part.text)}</pre>'
    elif look.fold and part.long:
        switch = '<label class="unfold"><input type="checkbox"><span class="sr-only">The whole text</span></label>'
        words = f'<div class="md folded" dir="auto">{part.html}</div>{switch}'
    else:
        words = f'<div class="md" dir="auto">{part.html}</div>'
    if not part.cut:
        return words
    link = f'<a class="link" href="{escape(look.run_url)}">Show all</a> ' if look.run_url else ""
    return f'{words}<p class="cut">{link}<span class="faint">{plural(part.cut, "more character")}</span></p>'


def _result(part: Result, look: Look) -> str:
    name, failed = escape(part.name or "result"), '<span class="pill bad">error</span>' if part.error else ""
    head = f'<b><bdi>{name}</bdi></b><span class="args clip" dir="auto">{escape(part.line)}</span>{failed}'
    inner = said_parts(part.parts, replace(look, plain=True))
    return f'<details class="card"><summary><i class="dot tool"></i>{head}</summary>{inner}</details>'


def _image(part: Image) -> str:
    if part.inline:
        return f'<img class="picture" src="{escape(part.url)}" alt="Image of the conversation" loading="lazy">'
    return f"<p>{part.card}</p>" if part.link else '<p class="faint">An image that cannot be shown.</p>'


def _file(part: File) -> str:
    label = escape(clipped(part.name, 120))
    sound = f'<audio controls preload="none" src="{escape(part.player)}" aria-label="{label}"></audio>'
    name = f"<bdi>{escape(part.name)}</bdi>"
    if part.link:
        rel = 'target="_blank" rel="noopener noreferrer nofollow"'
        name = f'<a class="link" href="{escape(part.link)}" {rel}>{name}</a>'
    size = f' <span class="faint">{filesizeformat(part.size)}</span>' if part.size else ""
    told = f'<p class="file"><span class="pill">{escape(part.mime or "file")}</span> {name}{size}</p>'
    return (sound if part.player else "") + told


def _document(document: Document) -> str:
    line = f'<span class="args clip" dir="auto">{escape(clipped(document.text, 120))}</span>'
    head = f'<i class="dot retriever"></i><b><bdi>{escape(document.title or "document")}</bdi></b>{line}'
    words = f'<pre class="words" dir="auto" tabindex="0">{breakable(document.text)}</pre>{_cut(document.cut)}'
    tree = document.tree if document.metadata else ""
    return f'<details class="card document"><summary>{head}</summary>{words}{tree}</details>'


def _cut(characters: int) -> str:
    return f'<p class="cut faint">{plural(characters, "more character")}</p>' if characters else ""
