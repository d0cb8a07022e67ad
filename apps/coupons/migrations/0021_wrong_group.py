from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    """A coupon of a group is refused with a reason of its own."""

    dependencies = [("coupons", "0020_prices_of_an_act")]

    operations = [SqlFile(Path(__file__).parent.parent / "issuing.sql")]
