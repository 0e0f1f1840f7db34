"""Which columns a person wants to see on the Threads tab of a project."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import User
from apps.projects.models import Project


class LayoutManager(models.Manager["Layout"]):
    def columns_of(self, user: User, project: Project) -> list[str]:
        """Empty where the person never chose any."""
        return self.filter(user=user, project=project).values_list("columns", flat=True).first() or []

    def remember(self, user: User, project: Project, columns: Iterable[str]) -> None:
        self.update_or_create(user=user, project=project, defaults={"columns": list(columns)})

    def forget(self, user: User, project: Project) -> None:
        self.filter(user=user, project=project).delete()


class Layout(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    columns = ArrayField(models.TextField())

    objects = LayoutManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="one_layout_per_person")]

    def __str__(self) -> str:
        return ", ".join(self.columns)
