from django.db import migrations

from apps.core.database import Audited


class Migration(migrations.Migration):
    dependencies = [("points", "0003_points_and_growth")]

    operations = [Audited("points_currency")]  # from here on: what every house begins with is nobody's act
