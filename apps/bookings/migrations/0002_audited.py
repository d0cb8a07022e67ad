from django.db import migrations

from apps.core.database import Audited


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_bookings"), ("core", "0002_audit_is_append_only")]

    operations = [Audited("bookings_service"), Audited("bookings_offer")]
