from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    dependencies = [("points", "0051_rewards_have_pictures")]

    operations = [SqlFile(Path(__file__).parent.parent / "returning.sql")]
