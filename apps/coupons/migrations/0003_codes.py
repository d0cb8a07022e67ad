from pathlib import Path

from django.db import migrations

from apps.core.database import SqlFile


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0010_one_act_many_coupons'),
    ]

    operations = [
        SqlFile(Path(__file__).parent.parent / 'issuing.sql'),
        SqlFile(Path(__file__).parent.parent / 'codes.sql'),
    ]
