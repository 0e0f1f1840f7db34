"""Static files with the digest of their content in the URL, so that browsers keep them and still see each change."""

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]


class VersionedStaticFilesStorage(StaticFilesStorage):
    """A query instead of another file name: nothing has to be collected when the server starts."""

    def url(self, name: str | None) -> str:
        url = super().url(name)
        version = _digest(name) if name and not settings.DEBUG else ""
        return f"{url}?v={version}" if version else url


@cache
def _digest(name: str) -> str:
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12] if found else ""


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    def immutable_file_test(self, path: str, url: str) -> bool:
        """Ours are always asked for with their digest. The admin's style sheets import one another without, so they age."""
        return not settings.DEBUG and Path(path).is_relative_to(settings.BASE_DIR / "static")
