from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("threads", "0006_shared_link_expires")]

    operations = [
        migrations.AddField(
            "sharedlink",
            "hide_system",
            models.BooleanField(db_default=False, default=False, help_text="of a thread: without system prompts"),
        ),
        migrations.AddField(
            "sharedlink",
            "hide_tools",
            models.BooleanField(db_default=False, default=False, help_text="of a thread: without what tools answered"),
        ),
        migrations.AddField(
            "sharedlink",
            "mask",
            models.BooleanField(
                db_default=False, default=False, help_text="of a thread: without e-mail addresses and long numbers"
            ),
        ),
    ]
