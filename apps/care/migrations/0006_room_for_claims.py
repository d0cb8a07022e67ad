from django.db import migrations


class Migration(migrations.Migration):
    """Half of each page stays free, so that a claimed touch finds room beside its old self."""

    dependencies = [("care", "0005_claims_touch_no_index")]

    operations = [
        migrations.RunSQL("alter table care_touch set (fillfactor = 50)", "alter table care_touch reset (fillfactor)"),
    ]
