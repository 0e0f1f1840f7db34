"""What changes saved filters. Each change of a shared one is in the audit log."""

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record
from apps.runs.listing.saved import SavedFilter


@transaction.atomic
def save(saved: SavedFilter, by: User, action: str) -> None:
    """A list has one default for its owner and one for everybody."""
    saved.updated_at = timezone.now()
    saved.save()
    if saved.is_default:
        SavedFilter.objects.in_project(saved.project, saved.kind).rivals_of(saved).update(is_default=False)
    _note(saved, by, action)


@transaction.atomic
def delete(saved: SavedFilter, by: User) -> None:
    """It can be restored for a while; those whose time is over go now."""
    saved.deleted_at = timezone.now()
    saved.save(update_fields=["deleted_at"])
    SavedFilter.objects.in_project(saved.project, saved.kind).expired().delete()
    _note(saved, by, "deleted a saved filter")


def _note(saved: SavedFilter, by: User, action: str) -> None:
    if saved.shared:
        record(saved.project.workspace, by, action, f"{saved.name} ({saved.project.name})")
