"""Reads the environment: every setting of Threadline has one name here or in settings.py, and docs/settings.md lists them all."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def integer(name: str, default: int) -> int:
    raw = os.environ.get(name, "")
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number") from None


def boolean(name: str, default: bool) -> bool:
    raw = os.environ.get(name, "").strip().lower()
    if raw in ("1", "true", "yes", "on"):
        return True
    if raw in ("0", "false", "no", "off"):
        return False
    if not raw:
        return default
    raise ImproperlyConfigured(f"{name}={raw!r} is neither true nor false")


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def home(base: Path) -> Path:
    return Path(os.environ.get("THREADLINE_HOME") or base / ".threadline").absolute()


def database_url(home: Path) -> str:
    """The server to use: DATABASE_URL, else the embedded one that a running `up` has noted in its home."""
    noted = home / "database-url"
    try:
        return os.environ.get("DATABASE_URL") or noted.read_text().strip()
    except OSError:
        return ""


def secret_key(home: Path) -> str:
    """THREADLINE_SECRET_KEY, else the key kept in the home; a throw-away one where the home does not exist yet."""
    if key := os.environ.get("THREADLINE_SECRET_KEY"):
        return key
    try:
        return (home / "secret-key").read_text().strip()
    except OSError:
        return secrets.token_urlsafe(50)


def attachments(home: Path) -> dict[str, Any]:
    """A Django STORAGES entry: a bucket where one is named (needs the extra `s3`), else a directory of the home."""
    bucket = text("THREADLINE_ATTACHMENTS_BUCKET")
    if not bucket:
        options: dict[str, Any] = {
            "location": home / "attachments",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        }
        return {"BACKEND": "apps.runs.storage.DurableStorage", "OPTIONS": options}
    options = {
        "bucket_name": bucket,
        "endpoint_url": text("THREADLINE_ATTACHMENTS_ENDPOINT") or None,
        "region_name": text("THREADLINE_ATTACHMENTS_REGION") or None,
        "location": text("THREADLINE_ATTACHMENTS_PREFIX"),
        "default_acl": None,
        "file_overwrite": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def database(url: str) -> dict[str, Any]:
    """A Django DATABASES entry from a postgresql:// URL; query parameters (host=/socket/dir, sslmode=...) go to libpq."""
    parts = urlsplit(url)
    if url and parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured(f"DATABASE_URL must start with postgresql://, not {parts.scheme or url!r}")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "threadline",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }
