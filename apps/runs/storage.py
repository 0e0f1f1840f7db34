"""Files of the attachments on a disk. Settings choose another storage, such as S3, in place of this one."""

import os
from typing import Any

from django.core.files.storage import FileSystemStorage


class DurableStorage(FileSystemStorage):
    """On the disk when save returns, as the ingest promises with its 202."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        saved = super().save(name, content, max_length)
        path = self.path(saved)
        folder = os.path.dirname(path)
        for place in (path, folder, os.path.dirname(folder)):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return saved
