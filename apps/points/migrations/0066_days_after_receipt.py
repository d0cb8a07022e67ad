from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    """Points that wait for a receipt may be usable some days after it."""

    dependencies = [("points", "0065_lots_are_walked")]

    operations = [SqlFile(Path(__file__).parent.parent / "ledger.sql")]
