from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0007_search_storage'),
    ]

    operations = [
        # The rows are long and the statistics change slowly: to read a large sample of them with each few per cent of growth costs more
        # than the index itself.
        migrations.RunSQL(
            "ALTER TABLE runs_searchtext ALTER words SET STATISTICS -1;"
            "ALTER TABLE runs_searchtext SET (autovacuum_analyze_scale_factor = 0.25);"
            "ALTER TABLE runs_searchword SET (autovacuum_analyze_scale_factor = 0.5)",
            migrations.RunSQL.noop,
        ),
    ]
