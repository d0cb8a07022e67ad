from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0004_each_index_once")]

    operations = [AddIndexConcurrently("refund", models.Index(fields=["refunded_at"], name="orders_refunds_by_time"))]
