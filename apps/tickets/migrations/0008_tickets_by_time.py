from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tickets", "0007_ticket_raised_due")]

    operations = [AddIndexConcurrently("ticket", BrinIndex(fields=["created_at"], name="tickets_opened_when", pages_per_range=32))]
