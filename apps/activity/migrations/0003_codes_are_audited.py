from django.db import migrations

from apps.core.database import Audited


class Migration(migrations.Migration):
    dependencies = [("activity", "0002_events_by_month"), ("core", "0002_audit_is_append_only")]

    operations = [Audited("activity_code")]
