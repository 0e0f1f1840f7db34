from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0006_filter_indexes'),
    ]

    operations = [
        # Compressing what fits into a page saves no space here, and every search would unpack it.
        migrations.RunSQL(
            "ALTER TABLE runs_searchtext SET (toast_tuple_target = 8160)",
            "ALTER TABLE runs_searchtext RESET (toast_tuple_target)",
        ),
    ]
