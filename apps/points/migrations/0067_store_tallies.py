import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Sums by store. All sums are counted anew, for the old ones do not say where; the next hour's run does it."""

    dependencies = [
        ('points', '0066_days_after_receipt'),
        ('stores', '0009_scope_of_coupons'),
    ]

    operations = [
        migrations.CreateModel(
            name='StoreTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cohort', models.DateField()),
                ('on', models.DateField()),
                ('granted', models.BigIntegerField(default=0)),
                ('spent', models.BigIntegerField(default=0)),
                ('expired', models.BigIntegerField(default=0)),
                ('taken_back', models.BigIntegerField(default=0)),
                ('moved', models.BigIntegerField(default=0)),
                ('aside', models.BigIntegerField(default=0)),
                ('currency', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='points.currency')),
                ('store', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stores.store')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('currency', 'cohort', 'on', 'store'), name='points_store_tally_once', nulls_distinct=False)],
            },
        ),
        migrations.RunSQL(
            "delete from points_tally; delete from points_daytotal; update points_tallymark set upto = 0;",
            migrations.RunSQL.noop,
        ),
    ]
