from pathlib import Path

from django.db import migrations, models

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    dependencies = [("points", "0041_rules_pay_and_streaks")]

    operations = [
        migrations.AddField("standing", "basis_from", models.DateTimeField(null=True)),
        migrations.AddField("standing", "basis_until", models.DateTimeField(null=True)),
        migrations.AddField("standing", "needed", models.BigIntegerField(null=True)),
        migrations.AddField("standing", "beneath", models.JSONField(default=list)),
        SqlFile(Path(__file__).parent.parent / "tiers.sql"),
    ]
