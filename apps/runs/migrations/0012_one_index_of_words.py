from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0011_search_numbers'),
    ]

    operations = [
        # Django makes it for LIKE, which the primary key serves, as its collation is C.
        migrations.RunSQL('DROP INDEX IF EXISTS runs_searchword_word_1ad4dba8_like', migrations.RunSQL.noop),
    ]
