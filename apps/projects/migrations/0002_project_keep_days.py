from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]

    operations = [
        migrations.AddField(
            "project",
            "keep_days",
            models.PositiveIntegerField(
                blank=True, help_text="after the last activity of a conversation; null keeps all", null=True
            ),
        ),
    ]
