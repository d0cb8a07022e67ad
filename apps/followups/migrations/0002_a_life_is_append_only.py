from django.db import migrations

from apps.core.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("followups", "0001_tasks_of_staff"), ("core", "0002_audit_is_append_only")]

    operations = [AppendOnly("followups_entry")]
