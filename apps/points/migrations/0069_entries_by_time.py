from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("points", "0068_achievements_give_coupons")]

    operations = [AddIndexConcurrently("entry", BrinIndex(fields=["at"], name="points_entries_when", pages_per_range=32))]
