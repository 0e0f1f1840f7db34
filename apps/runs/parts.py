"""What a message is made of once it is ready to be shown; by its `kind` the template picks the card of a part."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from django.utils.safestring import SafeString

from apps.common import markdown, offsite
from apps.runs.jsontree import tree
from apps.runs.preview import call_line, one_line
from apps.runs.shapes import Json

FOLD_CHARACTERS = 1_800
FOLD_LINES = 28
_INLINE_SOUND = re.compile(
    r"data:audio/(?:wav|x-wav|wave|mpeg|mp3|mp4|aac|ogg|opus|webm|flac|x-m4a|m4a);base64,[A-Za-z0-9+/=]+\Z"
)


@dataclass(frozen=True)
class Words:
    """Markdown that somebody or something said."""

    text: str
    cut: int = 0
    """Characters left out at the end."""

    @cached_property
    def html(self) -> SafeString:
        return markdown.render(self.text)

    @property
    def offline(self) -> SafeString:
        return markdown.render(self.text, offline=True)


@dataclass(frozen=True)
class Text(Words):
    kind: ClassVar[str] = "text"

    @property
    def long(self) -> bool:
        """Past what is shown of it at first among other turns."""
        return len(self.text) > FOLD_CHARACTERS or self.text.count("\n") > FOLD_LINES


@dataclass(frozen=True)
class Reasoning(Words):
    kind: ClassVar[str] = "reasoning"


@dataclass(frozen=True)
class Image:
    """Shown when it came along as raster data; otherwise when it is asked for, because loading it tells its host who reads."""

    kind: ClassVar[str] = "image"
    url: str

    @property
    def inline(self) -> bool:
        return markdown.is_raster(self.url)

    @property
    def link(self) -> str:
        return self.url if markdown.is_link(self.url) else ""

    @property
    def card(self) -> SafeString:
        return offsite.card(self.url, "")

    @property
    def offline(self) -> SafeString:
        return offsite.link(self.url, "")


@dataclass(frozen=True)
class File:
    """Audio, video, a document: its name, type and size, and a link where it lies elsewhere."""

    kind: ClassVar[str] = "file"
    name: str
    mime: str = ""
    size: int = 0
    """Bytes; 0 when unknown."""
    url: str = ""
    sound: str = ""
    """A data: URL, from a stranger."""

    @property
    def link(self) -> str:
        return self.url if markdown.is_link(self.url) else ""

    @property
    def player(self) -> str:
        """What a player may be given: sound that came along, of a type that browsers play."""
        return self.sound if _INLINE_SOUND.match(self.sound) else ""


@dataclass(frozen=True)
class Call:
    kind: ClassVar[str] = "call"
    name: str
    args: Json
    id: str = ""

    @property
    def line(self) -> str:
        """The arguments alone, in one line."""
        return call_line("", self.args, 120)[1:-1]

    @property
    def tree(self) -> SafeString:
        return tree(self.args)


@dataclass(frozen=True)
class Result:
    kind: ClassVar[str] = "result"
    name: str
    parts: list["Part"]
    id: str = ""
    error: bool = False

    @property
    def line(self) -> str:
        texts = (part.text for part in self.parts if isinstance(part, Text))
        return one_line(next(texts, ""), 120) or ""


@dataclass(frozen=True)
class Document:
    text: str
    metadata: Json
    cut: int = 0

    @property
    def title(self) -> str:
        """Where the document is from, as far as its metadata says."""
        if type(self.metadata) is dict:
            for key in ("title", "source", "url", "path", "file_name", "id"):
                found = self.metadata.get(key)
                if type(found) is str and found:
                    return found[:120]
        return ""

    @property
    def tree(self) -> SafeString:
        return tree(self.metadata)


@dataclass(frozen=True)
class Documents:
    kind: ClassVar[str] = "documents"
    documents: list[Document]
    left_out: int = 0


@dataclass(frozen=True)
class Data:
    """What no reader knows: shown as the JSON it is."""

    kind: ClassVar[str] = "data"
    value: Json

    @property
    def tree(self) -> SafeString:
        return tree(self.value)


type Part = Text | Reasoning | Image | File | Call | Result | Documents | Data


@dataclass(frozen=True)
class Message:
    role: str
    """user, assistant, system, developer, tool or other."""
    parts: list[Part] = field(default_factory=list)
    name: str = ""
