from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    """A coupon of a group is refused with a reason of its own."""

    dependencies = [("coupons", "0013_budgets_since")]

    operations = [SqlFile(Path(__file__).parent.parent / "issuing.sql")]
