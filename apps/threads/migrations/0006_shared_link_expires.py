from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("threads", "0005_layout_moved")]

    operations = [
        migrations.AddField(
            "sharedlink",
            "expires_at",
            models.DateTimeField(help_text="null: not by itself", null=True),
        ),
    ]
