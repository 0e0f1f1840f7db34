import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Takes the layouts of lists over from the app of threads, because the list of runs has them too."""

    dependencies = [
        ("projects", "0001_initial"),
        ("runs", "0009_saved_filter"),
        ("threads", "0004_list_layout_and_tags"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE threads_layout RENAME TO runs_layout",
                    "ALTER TABLE runs_layout RENAME TO threads_layout",
                )
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Layout",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "columns",
                            django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                        ),
                        (
                            "project",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="projects.project"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("user", "project"), name="one_layout_per_person")
                        ],
                    },
                )
            ],
        ),
        migrations.RemoveConstraint("layout", "one_layout_per_person"),
        migrations.AddField("layout", "kind", models.TextField(default="threads")),
        migrations.AddConstraint(
            "layout", models.UniqueConstraint(fields=["user", "project", "kind"], name="one_layout_per_person")
        ),
    ]
