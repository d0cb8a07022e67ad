from django.db import migrations

from apps.core.database import Audited


class Migration(migrations.Migration):
    dependencies = [("bookings", "0003_people"), ("core", "0002_audit_is_append_only")]

    operations = [Audited("bookings_person")]
