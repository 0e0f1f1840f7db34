import pytest

from apps.common.markdown import MAX_CHARACTERS, end_of, render

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_ordinary_markdown_becomes_html() -> None:
    html = render("**bold** and `code`\n\n- one\n- two")
    assert html == "<p><strong>bold</strong> and <code>code</code></p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"


def test_a_plain_line_is_a_paragraph() -> None:
    assert render("Where is O'Hara's order?") == "<p>Where is O&#x27;Hara&#x27;s order?</p>"


def test_single_line_breaks_stay() -> None:
    assert "one<br>\ntwo" in render("one\ntwo")


def test_headings_stay_below_those_of_the_page() -> None:
    assert render("# Title") == "<h3>Title</h3>\n"


def test_code_is_coloured_with_classes() -> None:
    assert '<span class="k">def</span>' in render("```python\ndef f(): pass\n```")


def test_code_of_an_unknown_language_stays_plain() -> None:
    assert "<code>x &lt; y\n</code></pre>" in render("```brainfuck\nx < y\n```")


def test_what_scrolls_by_itself_takes_the_focus() -> None:
    for text in ("```python\nx\n```", "```\nx\n```", "    x"):
        assert '<pre tabindex="0"' in render(text)


def test_tables_align_by_class_and_scroll_by_themselves() -> None:
    html = render("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert html.startswith('<div class="scroll" tabindex="0"><table>')
    assert '<td class="num">2</td>' in html
    assert "style" not in html


def test_links_open_apart_and_give_nothing_away() -> None:
    html = render("[x](https://example.org/?a=1&b=2)")
    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](vbscript:msgbox)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        f"[x]({PIXEL})",
        "[x](/accounts/logout/)",
        "[x](//evil.example)",
        "[x](file:///etc/passwd)",
        "<javascript:alert(1)>",
    ],
)
def test_no_other_scheme_becomes_a_link(text: str) -> None:
    assert "href" not in render(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<style>*{display:none}</style>",
        "<iframe src=https://evil.example></iframe>",
        "<a href=https://evil.example onclick=alert(1)>x</a>",
        "<!-- <b> -->",
        "`<b>`",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_html_is_shown_not_obeyed(text: str) -> None:
    html = render(text)
    for tag in ("<script", "<img", "<svg", "<style", "<iframe", "<a ", "<b>", "<!--"):
        assert tag not in html


def test_an_inline_raster_image_is_shown() -> None:
    assert f'<img src="{PIXEL}" alt="dot" loading="lazy">' in render(f"![dot]({PIXEL})")


@pytest.mark.parametrize("url", ["data:image/svg+xml;base64,PHN2Zz4=", "data:image/png,<svg>", "data:text/html,x"])
def test_an_image_that_may_hold_a_script_is_not_shown(url: str) -> None:
    assert "<img" not in render(f"![x]({url})")


@pytest.mark.parametrize("attack", ['" onerror="alert(1)', "'><script>", '"><svg onload=alert(1)>'])
def test_an_alternative_text_stays_inside_its_attribute(attack: str) -> None:
    html = render(f"![{attack}]({PIXEL})")
    assert html.count("<") == 3
    assert 'onerror="' not in html


@pytest.mark.parametrize(
    "unit", ["[", "![", "[a](", "*a **b ", "a**b", "> ", "- ", "`a``b```", "<a ", "|", "~~a~", "&#x41;"]
)
def test_bombs_come_back_as_bounded_html(unit: str) -> None:
    text = (unit * MAX_CHARACTERS)[:MAX_CHARACTERS]
    assert 0 < len(render(text)) < 30 * MAX_CHARACTERS


def test_past_the_cap_the_text_is_shown_as_it_is() -> None:
    html = render("**x** <b>" + "a" * MAX_CHARACTERS)
    assert "Shown as plain text" in html
    assert "**x** &lt;b&gt;aaa" in html


def test_a_title_stays_inside_its_attribute() -> None:
    """What scrolls gets an attribute of ours by replacing text."""
    html = render('[x](https://example.org "<pre onmouseover=alert(1) x=")')
    assert 'title="&lt;pre onmouseover=alert(1) x="' in html


def test_a_large_picture_does_not_count_as_text() -> None:
    picture = PIXEL[:-1] + "A" * MAX_CHARACTERS
    html = render(f"**x** ![dot]({picture}) and ![other]({picture}B) *y*")
    assert f'<img src="{picture}" alt="dot" loading="lazy">' in html
    assert f'<img src="{picture}B" alt="other" loading="lazy">' in html
    assert "<em>y</em>" in html


def test_a_text_is_not_cut_within_a_picture() -> None:
    picture = f"![dot]({PIXEL})"
    text = f"ab{picture}cd{picture}ef"
    ends = [len(f"ab{picture}c"), len(f"ab{picture}cd{picture}e"), 1, len(text)]
    assert [end_of(text, most) for most in (3, 5, 1, 6)] == ends
