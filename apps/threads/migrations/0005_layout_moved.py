from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("threads", "0004_list_layout_and_tags"),
        ("runs", "0010_layout"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Layout")]),
    ]
