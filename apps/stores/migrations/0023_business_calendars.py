import django.db.models.deletion
from django.db import migrations, models

from apps.core.database import Audited

SEVERAL = """
update stores_storeplace set hours = (
    select jsonb_agg(case when jsonb_typeof(day) = 'null' then '[]'::jsonb else jsonb_build_array(day) end order by place)
    from jsonb_array_elements(hours) with ordinality found(day, place)
) where hours <> '[]'
"""
ONE = """
update stores_storeplace set hours = (
    select jsonb_agg(case when day = '[]' then 'null'::jsonb else jsonb_build_array(day -> 0 -> 0, day -> -1 -> 1) end order by place)
    from jsonb_array_elements(hours) with ordinality found(day, place)
) where hours <> '[]'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('stores', '0022_scope_of_segments'),
    ]

    operations = [
        migrations.CreateModel(
            name='PublicDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False, verbose_name='day')),
                ('is_working', models.BooleanField(default=False)),
                ('name', models.CharField(max_length=40, verbose_name='name')),
            ],
        ),
        migrations.AddField(
            model_name='storeplace',
            name='keeps_public_days',
            field=models.BooleanField(default=False, verbose_name='closed on public holidays'),
        ),
        migrations.CreateModel(
            name='SpecialDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('kind', models.CharField(choices=[('closed', 'Closed'), ('weekday', 'Open as on a weekday'), ('hours', 'Other hours')], max_length=8)),
                ('weekday', models.PositiveSmallIntegerField(null=True)),
                ('hours', models.JSONField(blank=True, default=list)),
                ('name', models.CharField(blank=True, max_length=40, verbose_name='name')),
                ('store', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='stores.store')),
            ],
            options={
                'indexes': [models.Index(fields=['day'], name='stores_special_by_day')],
                'constraints': [models.UniqueConstraint(fields=('store', 'day'), name='stores_special_day_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'weekday'), ('weekday__range', (0, 6))), models.Q(models.Q(('kind', 'weekday'), _negated=True), ('weekday', None)), _connector='OR'), name='stores_special_weekday'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'hours'), models.Q(('hours', []), _negated=True)), models.Q(models.Q(('kind', 'hours'), _negated=True), ('hours', [])), _connector='OR'), name='stores_special_hours')],
            },
        ),
        migrations.RunSQL(SEVERAL, ONE),
        Audited("stores_publicday"),
        Audited("stores_specialday"),
    ]
