from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.signing import BadSignature
from django.test import Client

from apps.common.markdown import MAX_CARDS, render
from apps.common.offsite import LONGEST, card, offsite, signed

CAT = "https://cats.example/c.png?size=2"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (CAT, "https://cats.example"),
        ("HTTP://Cats.Example:8080/c.png", "http://cats.example:8080"),
        ("https://cäts.example/c.png", "https://xn--cts-qla.example"),
        ("https://p\u0430ypal.com/c.png", "https://xn--pypal-4ve.com"),
        ("http://192.168.1.1/c.png", "http://192.168.1.1"),
    ],
)
def test_the_origin_is_told_as_it_is_asked_for(url: str, origin: str) -> None:
    found = offsite(url)
    assert found is not None
    assert found.origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example@evil.example/c.png",
        "https://[::1]/c.png",
        "https://evil.example;script-src/c.png",
        "https://evil.example *.example/c.png",
        "https://evil.example,x/c.png",
        "https://evil.example\r\nset-cookie:x/c.png",
        "https://good.example\\.evil.example/c.png",
        "https://evil%2eexample/c.png",
        "https://*/c.png",
        "https:///c.png",
        "https://evil.example:port/c.png",
        "https://" + "a" * 70 + ".example/c.png",
        "ftp://evil.example/c.png",
        "data:image/png;base64,AAAA",
        "/accounts/logout/",
        "//evil.example/c.png",
        "https://evil.example/" + "c" * LONGEST,
    ],
)
def test_what_no_policy_can_name_gets_no_button(url: str) -> None:
    assert offsite(url) is None
    assert "Load image" not in card(url, "")


def test_the_card_names_the_host_and_asks_nobody() -> None:
    html = render(f"![a cat]({CAT})")
    assert '<span class="alt">a cat</span>' in html
    assert ">Load image from cats.example</a>" in html
    assert f'href="{CAT}"' in html
    assert "<img" not in html


def test_a_file_has_a_link_instead_of_the_button() -> None:
    html = render(f"![a cat]({CAT})", offline=True)
    assert ">a cat (image from cats.example)</a>" in html
    assert "offsite-image" not in html


def test_past_the_cap_images_are_links() -> None:
    html = render(f"![a cat]({CAT}) " * (MAX_CARDS + 2))
    assert html.count("Load image from") == MAX_CARDS
    assert html.count("image from cats.example)") == 2


@pytest.mark.parametrize("url", ["/offsite-image?image=x", "/offsite-imagex", "/accounts/logout/"])
def test_no_text_links_to_pages_of_ours(url: str) -> None:
    assert "<a" not in render(f"[x]({url}) <a href='{url}'>x</a>")


def page_of(url: str) -> str:
    found = offsite(url)
    assert found is not None
    return found.page


def test_the_page_allows_that_one_origin_and_no_script(client: Client) -> None:
    answer = client.get(page_of(CAT))
    directives = dict(part.strip().partition(" ")[::2] for part in answer["content-security-policy"].split(";"))
    assert directives == {
        "default-src": "'none'", "img-src": "https://cats.example", "style-src": "'self'", "base-uri": "'none'",
        "frame-ancestors": "'self'", "sandbox": "",
    }  # fmt: skip
    assert answer["referrer-policy"] == "no-referrer"
    assert answer["x-frame-options"] == "SAMEORIGIN"
    assert f'<img src="{CAT}"'.encode() in answer.content


def test_an_address_cannot_leave_its_attribute(client: Client) -> None:
    answer = client.get(page_of("https://cats.example/\"onerror='alert(1)'><script>"))
    assert b"<script" not in answer.content
    assert b'"onerror' not in answer.content


def test_an_address_that_no_page_has_made_is_404(client: Client) -> None:
    changed = page_of(CAT).replace("cats", "evil")
    assert [client.get(path).status_code for path in ("/offsite-image", "/offsite-image?image=", changed)] == [404] * 3
    with pytest.raises(BadSignature):
        signed(parse_qs(urlsplit(changed).query)["image"][0])
