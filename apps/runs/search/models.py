"""What search() and conditions on input and output pairs look into. Only apps.runs.search.index writes these tables."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F

from apps.projects.models import Project
from apps.runs.columns import unenforced


class SearchText(models.Model):
    """A run's text as text.py keeps it. `words` are the numbers (keys.py) of its words and pairs that no other run of the trace has
    brought: an entry costs by the row."""

    pk = models.CompositePrimaryKey("trace_id", "id")
    trace_id = models.UUIDField()
    id = models.UUIDField()
    project = unenforced(Project, "search_texts")
    about = models.TextField(help_text="name, tags, error and metadata, one line each")
    inputs = models.TextField()
    outputs = models.TextField()
    words = ArrayField(models.IntegerField(), null=True)
    input_pairs = models.JSONField(null=True)
    output_pairs = models.JSONField(null=True)

    class Meta:
        db_table = "runs_searchtext"
        indexes = [
            # A short list of what is not merged yet: costs readers little and saves writers much.
            GinIndex(F("words"), name="search_words", fastupdate=True, gin_pending_list_limit=2048),
            models.Index(F("project"), name="search_in_project"),
        ]

    def __str__(self) -> str:
        return f"{self.trace_id} {self.id}"


class SearchWord(models.Model):
    """Every word that the index has, to find those that contain a part. Words of deleted runs stay until the index is rebuilt."""

    word = models.TextField(primary_key=True, db_collation="C")

    class Meta:
        db_table = "runs_searchword"
        indexes = [
            GinIndex(
                OpClass(F("word"), "gin_trgm_ops"),
                name="search_word_parts",
                fastupdate=True,
                gin_pending_list_limit=1024,
            )
        ]

    def __str__(self) -> str:
        return self.word


class SearchPending(models.Model):
    """A run that was written and not indexed since. A run may stand here several times, so that no write waits for another."""

    pk = models.CompositePrimaryKey("marked_at", "trace_id", "id")
    marked_at = models.DateTimeField()
    trace_id = models.UUIDField()
    id = models.UUIDField()

    class Meta:
        db_table = "runs_searchpending"

    def __str__(self) -> str:
        return f"{self.trace_id} {self.id}"
