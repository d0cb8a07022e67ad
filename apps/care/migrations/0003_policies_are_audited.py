from django.db import migrations

from apps.core.database import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("care", "0002_initial"), ("core", "0002_audit_is_append_only")]

    operations = [
        Audited("care_policy"),
        AppendOnly("care_version"),
    ]
