from django.db import migrations

# Staff search among a million names. With the usual sample the planner took names for fifteen times as common as they are, and
# walked the primary key for 50 of them (70,000 rows passed over) instead of asking the trigram index. ANALYZE takes two seconds then.
_FINE = "alter index members_nickname alter column 1 set statistics 1000; analyze members_member;"
_USUAL = "alter index members_nickname alter column 1 set statistics -1;"


class Migration(migrations.Migration):
    dependencies = [("members", "0018_each_index_once")]

    operations = [migrations.RunSQL(_FINE, _USUAL)]
