from django.db import migrations

from apps.core.database import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        AppendOnly("core_auditentry"),
        Audited("core_brandsetting"),
        Audited("core_user", hidden=("password", "last_login")),
    ]
