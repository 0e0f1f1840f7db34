"""Kinds of columns that several tables share."""

from typing import Any

from django.db import models
from django.db.models import Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, NullIf

TEXT = models.TextField()


def _metadata(key: str) -> NullIf:
    return NullIf(KT(f"metadata__{key}"), Value(""), output_field=TEXT)


# session_id, else conversation_id, else thread_id; null and "" count as absent.
CARRIED = Coalesce(_metadata("session_id"), _metadata("conversation_id"), _metadata("thread_id"), output_field=TEXT)


def money(**options: Any) -> Any:
    """US dollars; 12 places, because one token of a small model costs 1e-8 and sums must stay exact."""
    return models.DecimalField(max_digits=24, decimal_places=12, **options)


def unenforced(to: type[models.Model], related_name: str) -> Any:
    """A reference that the ingest guarantees itself: a constraint would cost a look-up for each row, and cannot cross a cluster's nodes."""
    return models.ForeignKey(to, models.DO_NOTHING, related_name=related_name, db_constraint=False, db_index=False)
