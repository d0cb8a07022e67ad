from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("core", "0012_audit_is_sealed")]

    operations = [
        AddIndexConcurrently("auditentry", models.Index(fields=["actor", "id"], name="core_audit_of_actor")),
        AddIndexConcurrently("auditentry", BrinIndex(fields=["at"], name="core_audit_by_time")),
    ]
