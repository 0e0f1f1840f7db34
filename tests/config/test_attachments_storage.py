"""Where attachments are kept, by what the environment says."""

from pathlib import Path

import pytest

from apps.runs.storage import DurableStorage
from config import env


def test_files_lie_in_the_home_for_their_owner_only(tmp_path: Path) -> None:
    entry = env.attachments(tmp_path)
    assert entry["BACKEND"] == "apps.runs.storage.DurableStorage"
    storage = DurableStorage(**entry["OPTIONS"])
    with (tmp_path / "source").open("wb+") as source:
        source.write(b"bytes")
        source.seek(0)
        storage.save("ab/abc", source)
    kept = tmp_path / "attachments" / "ab" / "abc"
    assert kept.read_bytes() == b"bytes"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_named_bucket_takes_them_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADLINE_ATTACHMENTS_BUCKET", "kept")
    monkeypatch.setenv("THREADLINE_ATTACHMENTS_ENDPOINT", "https://minio.example.com")
    monkeypatch.setenv("THREADLINE_ATTACHMENTS_PREFIX", "threadline")
    entry = env.attachments(tmp_path)
    assert entry["BACKEND"] == "storages.backends.s3.S3Storage"
    asked = {name: entry["OPTIONS"][name] for name in ("bucket_name", "endpoint_url", "region_name", "location")}
    assert asked == {
        "bucket_name": "kept",
        "endpoint_url": "https://minio.example.com",
        "region_name": None,
        "location": "threadline",
    }
