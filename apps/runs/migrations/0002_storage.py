from django.db import migrations

# Payloads come compressed, so trying again would only cost time. The rollup rows change with every turn: room on the page keeps
# such an update off the indexes. A short pending list keeps the metadata index quick to read between two clean-ups.
FORWARD = """
ALTER TABLE runs_run
    ALTER COLUMN inputs SET STORAGE EXTERNAL, ALTER COLUMN outputs SET STORAGE EXTERNAL, ALTER COLUMN events SET STORAGE EXTERNAL,
    ALTER COLUMN extra SET STORAGE EXTERNAL, ALTER COLUMN serialized SET STORAGE EXTERNAL,
    SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE runs_trace SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER INDEX run_metadata SET (gin_pending_list_limit = 1024);
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
