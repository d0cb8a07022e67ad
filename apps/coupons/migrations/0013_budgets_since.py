from pathlib import Path

from django.db import migrations, models

from apps.core.database import SqlFile


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0020_prices_of_an_act'),
    ]

    operations = [
        migrations.AddField(model_name='budget', name='since', field=models.DateTimeField(null=True)),
        SqlFile(Path(__file__).parent.parent / 'issuing.sql'),
    ]
