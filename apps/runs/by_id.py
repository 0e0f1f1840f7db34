from django.db import models

from apps.projects.models import Project
from apps.runs.columns import unenforced
from apps.runs.models import RunFields


class RunById(RunFields):
    """The same table with the id alone as key, for the admin site, which cannot hold a composite key. Read-only."""

    id = models.UUIDField(primary_key=True)
    project = unenforced(Project, "+")

    class Meta:
        managed = False
        db_table = "runs_run"
        verbose_name = "run"
