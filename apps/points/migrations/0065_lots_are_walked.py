from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    """A spending walks the open lots up to its sum."""

    dependencies = [("points", "0064_limits_of_points_on_orders")]

    operations = [SqlFile(Path(__file__).parent.parent / "ledger.sql")]
