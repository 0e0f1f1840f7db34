"""Static files with the digest of their content in the URL, so that browsers keep them and still see each change."""

import hashlib
from functools import cache, cached_property
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]


class VersionedStaticFilesStorage(StaticFilesStorage):
    """A query instead of another file name: nothing has to be collected when the server starts."""

    @cached_property
    def _known(self) -> dict[str | None, str]:
        """A page names two dozen files, and the address of one takes longer to make than its tag to print."""
        return {}

    def url(self, name: str | None) -> str:
        if settings.DEBUG:
            return super().url(name)
        if name not in self._known:
            version = _digest(name) if name else ""
            self._known[name] = super().url(name) + (f"?v={version}" if version else "")
        return self._known[name]


@cache
def _digest(name: str) -> str:
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12] if found else ""


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    def immutable_file_test(self, path: str, url: str) -> bool:
        """Ours are always asked for with their digest. The admin's style sheets import one another without, so they age."""
        return not settings.DEBUG and Path(path).is_relative_to(settings.BASE_DIR / "static")
