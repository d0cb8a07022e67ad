from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    """A claim reads all that decides in one statement."""

    dependencies = [("coupons", "0021_wrong_group")]

    operations = [SqlFile(Path(__file__).parent.parent / "issuing.sql")]
