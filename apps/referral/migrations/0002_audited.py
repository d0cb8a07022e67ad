from django.db import migrations

from apps.core.database import Audited


class Migration(migrations.Migration):
    dependencies = [("referral", "0001_initial"), ("core", "0002_audit_is_append_only")]

    operations = [Audited("referral_program")]
