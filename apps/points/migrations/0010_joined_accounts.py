from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from apps.core.database import SqlFile

HERE = Path(__file__).parent.parent


class Migration(migrations.Migration):
    dependencies = [("points", "0004_currencies_are_audited")]

    operations = [
        migrations.AddField(
            "account",
            "joined_into",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                db_index=False,
                to="points.account",
            ),
        ),
        migrations.AddField("account", "is_joint", models.BooleanField(default=False)),
        migrations.AddIndex(
            "account",
            models.Index(fields=["joined_into"], condition=Q(joined_into__isnull=False), name="points_joined"),
        ),
        migrations.AddIndex(
            "entry",
            models.Index(
                fields=["account", "at"], include=["amount"], condition=Q(kind="transfer_out"), name="points_given_away"
            ),
        ),
        SqlFile(HERE / "ledger.sql"),
        SqlFile(HERE / "returning.sql"),
        SqlFile(HERE / "joining.sql"),
    ]
