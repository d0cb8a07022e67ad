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
        SqlFile(Path(__file__).parent.parent / "returning.sql"),
    ]
