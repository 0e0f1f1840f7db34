"""Which columns a person wants to see on a list of a project: that of threads or that of runs."""

import uuid
from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import User
from apps.common.sql import Written
from apps.projects.models import Project


class LayoutManager(models.Manager["Layout"]):
    def columns_of(self, user: User, project: Project, kind: str) -> list[str]:
        """Empty where the person never chose any."""
        found: list[list[list[str]]] = _CHOSEN.rows(user.pk, project.pk, kind)
        return found[0][0] if found else []

    def remember(self, user: User, project: Project, kind: str, columns: Iterable[str]) -> None:
        self.update_or_create(user=user, project=project, kind=kind, defaults={"columns": list(columns)})

    def forget(self, user: User, project: Project, kind: str) -> None:
        self.filter(user=user, project=project, kind=kind).delete()


class Layout(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    kind = models.TextField(default="threads")
    columns = ArrayField(models.TextField())

    objects = LayoutManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "project", "kind"], name="one_layout_per_person")]

    def __str__(self) -> str:
        return ", ".join(self.columns)


# At most one, as the constraint has it.
_CHOSEN = Written(
    lambda user, project, kind: Layout.objects.filter(user=user, project=project, kind=kind).values_list("columns"),
    0,
    uuid.uuid4(),
    "kind",
)
