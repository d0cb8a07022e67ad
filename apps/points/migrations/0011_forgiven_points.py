from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

from apps.core.database import SqlFile


class Migration(migrations.Migration):
    dependencies = [("points", "0010_joined_accounts")]

    operations = [
        migrations.AddIndex(
            "lot", models.Index(fields=["account"], condition=Q(forgiven__gt=0), name="points_lot_forgiven")
        ),
        migrations.AddIndex(
            "entry",
            models.Index(
                fields=["source"], condition=Q(kind__in=["transfer_in", "merge_in"]), name="points_arrivals"
            ),
        ),
        SqlFile(Path(__file__).parent.parent / "returning.sql"),
    ]
