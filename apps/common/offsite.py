"""Images that lie elsewhere: a card that names the host, and a button that loads the image once it is pressed.

The button leads to a page of ours that holds that one image, and whose policy allows that one origin. Its address is signed, so
that nobody can make this server show an image that no trace has brought.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from django.core.signing import Signer
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

LONGEST: Final = 2_000
"""Characters of an address that gets a button."""
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_signer = Signer(salt="threadline.offsite")


@dataclass(frozen=True)
class Offsite:
    url: str
    origin: str
    """As a policy names it: scheme, host in ASCII, port."""

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]

    @property
    def page(self) -> str:
        return f"{_path()}?{urlencode({'image': _signer.sign(self.url)})}"


@cache
def _path() -> str:
    return reverse("runs:offsite")


def is_page(url: str) -> bool:
    return url.startswith(f"{_path()}?")


def offsite(url: str) -> Offsite | None:
    """None where the origin cannot be told for sure, as with a user before the host, or an IPv6 address, which policies cannot name."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        return None
    if len(url) > LONGEST or parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    return Offsite(url, f"{parts.scheme}://{host}{f':{port}' if port else ''}")


def signed(text: str) -> Offsite | None:
    """Raises BadSignature for what no page of ours has made."""
    return offsite(_signer.unsign(text))


def card(url: str, alt: str) -> SafeString:
    """Where it cannot be loaded in its place, a link alone."""
    found = offsite(url)
    if found is None:
        return link(url, alt)
    return format_html(
        '<span class="offsite"><span class="alt">{}</span> <a class="btn small load-image" href="{}" target="_blank"'
        ' rel="noopener noreferrer nofollow">Load image from {}</a> <a class="apart" href="{}" target="_blank"'
        ' rel="noopener noreferrer nofollow">Open in a tab</a></span>',
        alt or "Image",
        found.page,
        found.host,
        url,
    )


def link(url: str, alt: str) -> SafeString:
    """For a file that no server is behind, too."""
    where = f"image from {host_of(url)}"
    return format_html(
        '<a class="apart" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>',
        url,
        f"{alt} ({where})" if alt else where,
    )


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").encode("idna").decode() or url[:60]
    except (ValueError, UnicodeError):
        return url[:60]
