"""Which columns a person wants to see on a list of a project: that of threads or that of runs."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import User
from apps.projects.models import Project


class LayoutManager(models.Manager["Layout"]):
    def columns_of(self, user: User, project: Project, kind: str) -> list[str]:
        """Empty where the person never chose any."""
        return self.filter(user=user, project=project, kind=kind).values_list("columns", flat=True).first() or []

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
