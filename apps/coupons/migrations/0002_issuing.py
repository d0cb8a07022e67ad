from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0001_coupons'),
    ]

    operations = [SqlFile(Path(__file__).parent.parent / 'issuing.sql')]
