from django.db import migrations

from apps.core.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("care", "0009_receipts"), ("core", "0002_audit_is_append_only")]

    operations = [AppendOnly("care_receipt")]
