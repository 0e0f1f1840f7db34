import posixpath
from urllib.parse import unquote, urlsplit

import pytest
from django.urls import resolve, reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.threads.converters import ThreadIdConverter

PLACE = "00000000-0000-4000-8000-000000000000"
HOSTILE = [
    "a/b/c", ".", "..", "../../admin", "a/../b", "a//b", "/lead", "trail/", "%2F", "%2e%2e", "?q=1#frag", "a b", " lead", "trail ",
    '"quotes" & \'more\'',
    "<script>alert(1)</script>", "日本語 スレッド", "שלום", "x" * 512, "界" * 512, "😀" * 512, "~tilde", "~", "new\nline",
    "tab\tbed", "\u202eevil", "\u2028", "a;b=c,d", "back\\slash", "traces", "newer", "C:\\x", "javascript:alert(1)", "\x01", "+", "a+b",
]  # fmt: skip


def path_of(thread_id: str) -> str:
    return reverse("threads:detail", args=[PLACE, PLACE, thread_id])


@pytest.mark.parametrize("thread_id", HOSTILE)
def test_every_thread_id_comes_back_from_its_path(thread_id: str) -> None:
    assert resolve(unquote(path_of(thread_id))).kwargs["thread_id"] == thread_id


@pytest.mark.parametrize("thread_id", HOSTILE)
def test_browsers_and_proxies_leave_the_path_as_it_is(thread_id: str) -> None:
    path = path_of(thread_id)
    assert urlsplit(path).path == path
    assert posixpath.normpath(unquote(path)) == unquote(path)
    assert path.isascii()
    assert len(path) < 4_000


def test_an_ordinary_id_is_readable_in_the_path() -> None:
    assert path_of("support/7741:a").endswith("/t/support/7741:a")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60))
def test_any_text_round_trips(thread_id: str) -> None:
    converter = ThreadIdConverter()
    assert converter.to_python(converter.to_url(thread_id)) == thread_id


@pytest.mark.parametrize("text", ["~!", "~a", "~_w"])
def test_what_is_no_base64_is_no_thread(text: str) -> None:
    with pytest.raises(ValueError, match="not a thread id"):
        ThreadIdConverter().to_python(text)
