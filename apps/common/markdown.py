"""Markdown from a stranger to HTML that is safe to show: parsed without raw HTML, then sanitised again.

Nothing in the result leaves the origin unasked: an image from elsewhere becomes a card with a button that loads it, and links
go only to http, https and mailto.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight as colour
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from apps.common import offsite
from apps.common.breaks import breakable, broken

# Past it the parser would take more than a second for hostile text; the text is then shown as it is.
MAX_CHARACTERS = 50_000
MAX_CODE = 10_000
# Characters up to which the HTML of a text is kept in memory: 1,000 of them are some megabytes.
MAX_KEPT = 4_000
# Cards of images from elsewhere in one text; further ones are links, which take a fifth of the room.
MAX_CARDS = 100

_LANGUAGES = {
    "python", "py", "python3", "json", "javascript", "js", "typescript", "ts", "jsx", "tsx", "bash", "sh", "shell",
    "console", "sql", "html", "xml", "css", "yaml", "yml", "toml", "ini", "java", "kotlin", "c", "cpp", "c++", "csharp",
    "c#", "go", "rust", "ruby", "php", "swift", "diff", "dockerfile", "r", "lua", "perl", "scala", "graphql", "hcl",
}  # fmt: skip
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_INLINE_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=]+\Z")
_PICTURE = re.compile(r"(!\[[^\[\]\n]{0,200}\]\()(data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=]+)\)")
# One line of plain words, which most of what people type is, needs neither parser nor sanitiser.
_PLAIN = re.compile(r"[^\W\d][^\n\r\\`*_\[\]<>&#~|!=+-]*\Z")
_TAGS = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "a", "img", "span", "div",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title", "loading"}, "ol": {"start"}}
_CLASSES = {
    "span": {"offsite", "alt", *filter(None, STANDARD_TYPES.values())},
    "pre": {"hl"},
    "a": {"btn", "small", "load-image", "apart"},
    "div": {"scroll"},
    "th": {"num", "mid"},
    "td": {"num", "mid"},
}
_ALIGNED = {"text-align:right": "num", "text-align:center": "mid"}


def render(text: str, offline: bool = False) -> SafeString:
    """HTML of the Markdown in `text`; past MAX_CHARACTERS the text itself with a note.

    Offline, in a file that no server is behind, images from elsewhere are links.
    """
    pictures: dict[str, str] = {}
    if len(text) > MAX_CHARACTERS:
        text = _without(text, pictures)
    if len(text) > MAX_CHARACTERS:
        note = format_html(
            '<p class="note">Shown as plain text: {} kB is too long for Markdown.</p>', len(text) // 1000
        )
        return format_html('{}<pre class="plain" tabindex="0">{}</pre>', note, breakable(text))
    if _PLAIN.match(text):
        return format_html("<p>{}</p>", breakable(text))
    return _kept(text, offline) if len(text) <= MAX_KEPT and not pictures else _rendered(text, offline, pictures)


def end_of(text: str, most: int) -> int:
    """Where a text ends that is cut after `most` characters: pictures within do not count, and stay whole."""
    if len(text) <= most:
        return len(text)
    for found in _PICTURE.finditer(text):
        if found.start() >= most:
            break
        most += found.end() - found.start()
    return min(most, len(text))


def _without(text: str, pictures: dict[str, str]) -> str:
    """The text with a short address for each picture in it; which is which is put into `pictures`."""

    def short(found: re.Match[str]) -> str:
        address = f"data:image/png;base64,{len(pictures)}"
        pictures[address] = found[2]
        return f"{found[1]}{address})"

    return _PICTURE.sub(short, text)


def _rendered(text: str, offline: bool, pictures: Mapping[str, str] = MappingProxyType({})) -> SafeString:
    env = {"cards": 0 if offline else MAX_CARDS, "pictures": pictures}
    html = _sanitised(_parser.render(text, env))
    return broken(mark_safe(_focusable(html)), text)


# Pages are read again and again, and the parser takes most of the time of a page of turns.
_kept = lru_cache(maxsize=1_000)(_rendered)


def is_raster(url: str) -> bool:
    """A data: URL of a picture that cannot carry a script, as SVG can."""
    return _INLINE_IMAGE.match(url) is not None


def is_link(url: str) -> bool:
    return _LINK.match(url) is not None


def _focusable(html: str) -> str:
    """What may scroll sideways takes the focus, so that the arrow keys reach it. In sanitised text `<` begins only tags."""
    return html.replace("<pre", '<pre tabindex="0"').replace('<div class="scroll"', '<div class="scroll" tabindex="0"')


def _sanitised(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if is_raster(value) else None
    if name == "href":
        return value if is_link(value) or offsite.is_page(value) else None
    return value


def _code(text: str, language: str, _attributes: str) -> str:
    """Pygments' spans, without a wrapper, for the languages it is known to read quickly."""
    if language.lower() not in _LANGUAGES or len(text) > MAX_CODE:
        return ""
    return f'<pre class="hl"><code>{colour(text, get_lexer_by_name(language.lower()), _formatter)}</code></pre>\n'


def _image(_self: RendererHTML, tokens: list[Token], index: int, _options: Any, env: Any) -> str:
    source, alt = str(tokens[index].attrs.get("src", "")), tokens[index].content
    source = env["pictures"].get(source, source)
    if is_raster(source):
        return format_html('<img src="{}" alt="{}" loading="lazy">', source, alt)
    env["cards"] -= 1
    return offsite.card(source, alt) if env["cards"] >= 0 else offsite.link(source, alt)


def _cell(self: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """The parser aligns with a style attribute, which the content security policy refuses."""
    name = _ALIGNED.get(str(tokens[index].attrs.pop("style", "")))
    if name:
        tokens[index].attrs["class"] = name
    return self.renderToken(tokens, index, options, env)


def _heading(self: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Two levels down: the page and the turn have headings of their own."""
    tokens[index].tag = f"h{min(int(tokens[index].tag[1]) + 2, 6)}"
    return self.renderToken(tokens, index, options, env)


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _code})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = lambda url: is_link(url) or is_raster(url)  # type: ignore[method-assign]
    parser.add_render_rule("image", _image)
    for heading in ("heading_open", "heading_close"):
        parser.add_render_rule(heading, _heading)
    for cell in ("th_open", "td_open"):
        parser.add_render_rule(cell, _cell)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


_formatter = HtmlFormatter(nowrap=True)
_parser = _make_parser()
