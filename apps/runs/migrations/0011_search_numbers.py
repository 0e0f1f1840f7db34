import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

# Words become their numbers at once, so that each search stays right. Pairs get theirs when the worker has indexed all runs anew; until
# then conditions on them do without.
NUMBERS = """
CREATE FUNCTION pg_temp.numbers(words tsvector) RETURNS int4[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((number - (number >> 31 << 32))::int4)
    FROM unnest(tsvector_to_array(words)) AS word, crc32(convert_to(word, 'UTF8')) AS number
$$;
ALTER TABLE runs_searchtext ALTER words TYPE int4[] USING pg_temp.numbers(words);
INSERT INTO runs_searchpending (marked_at, trace_id, id) SELECT '-infinity', trace_id, id FROM runs_run
ON CONFLICT DO NOTHING;
"""

# What nobody compares in SQL needs no statistics, and to sample it cost more than to index. The rows are long, so a half of the usual
# sample does; how common a word is it tells well enough.
STATISTICS = """
ALTER TABLE runs_searchtext
    ALTER input_pairs SET STATISTICS 0, ALTER output_pairs SET STATISTICS 0,
    ALTER trace_id SET STATISTICS 50, ALTER id SET STATISTICS 50, ALTER project_id SET STATISTICS 50,
    ALTER about SET STATISTICS 50, ALTER inputs SET STATISTICS 50, ALTER outputs SET STATISTICS 50, ALTER words SET STATISTICS 50,
    SET (autovacuum_vacuum_scale_factor = 0.2, autovacuum_vacuum_insert_scale_factor = 0.5);
ALTER TABLE runs_run
    ALTER inputs SET STATISTICS 0, ALTER outputs SET STATISTICS 0, ALTER events SET STATISTICS 0, ALTER extra SET STATISTICS 0,
    ALTER serialized SET STATISTICS 0, ALTER usage_details SET STATISTICS 0, ALTER inputs_preview SET STATISTICS 0,
    ALTER outputs_preview SET STATISTICS 0, ALTER dotted_order SET STATISTICS 0,
    SET (autovacuum_analyze_scale_factor = 0.1);
-- With a longer list of what is not merged yet, the merge of many words' parts is one.
ALTER INDEX search_word_parts SET (gin_pending_list_limit = 1024)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0010_layout'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='searchtext', name='search_words'),
        migrations.RunSQL(
            NUMBERS,
            migrations.RunSQL.noop,
            [
                migrations.AlterField(
                    model_name='searchtext',
                    name='words',
                    field=django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None),
                )
            ],
        ),
        migrations.AddIndex(
            model_name='searchtext',
            index=django.contrib.postgres.indexes.GinIndex(
                models.F('words'), fastupdate=True, gin_pending_list_limit=2048, name='search_words'
            ),
        ),
        migrations.RunSQL(
            STATISTICS,
            migrations.RunSQL.noop,
            [
                migrations.RemoveIndex(model_name='searchword', name='search_word_parts'),
                migrations.AddIndex(
                    model_name='searchword',
                    index=django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(models.F('word'), 'gin_trgm_ops'),
                        fastupdate=True,
                        gin_pending_list_limit=1024,
                        name='search_word_parts',
                    ),
                ),
            ],
        ),
    ]
