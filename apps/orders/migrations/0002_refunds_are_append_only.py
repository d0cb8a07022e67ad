from django.db import migrations

from apps.core.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        AppendOnly("orders_refund"),
    ]
