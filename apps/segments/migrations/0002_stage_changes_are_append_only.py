from django.db import migrations

from apps.core.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("segments", "0001_initial")]

    operations = [
        AppendOnly("segments_stagechange"),
    ]
