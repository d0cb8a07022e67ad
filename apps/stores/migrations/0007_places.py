import django.db.models.deletion
from django.db import migrations, models

from apps.core.database import Audited


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0006_fields_have_names'),
    ]

    operations = [
        migrations.CreateModel(
            name='StorePlace',
            fields=[
                ('store', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='place', serialize=False, to='stores.store')),
                ('address', models.CharField(blank=True, max_length=120, verbose_name='address')),
                ('phone', models.CharField(blank=True, max_length=30, verbose_name='phone')),
                ('latitude', models.FloatField(null=True, verbose_name='latitude')),
                ('longitude', models.FloatField(null=True, verbose_name='longitude')),
                ('hours', models.JSONField(blank=True, default=list)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('latitude', None), ('longitude', None)), models.Q(('latitude__gte', -90), ('latitude__lte', 90), ('longitude__gte', -180), ('longitude__lte', 180)), _connector='OR'), name='stores_place_on_earth')],
            },
        ),
        Audited("stores_storeplace"),
    ]
