import apps.core.clock
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.database import AppendOnly, Audited


class Migration(migrations.Migration):

    dependencies = [
        ('care', '0024_journeys'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Cost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('sms', 'SMS'), ('inbox', 'In-app inbox'), ('wechat', 'Mini-program message'), ('email', 'E-mail'), ('ads', 'Advertising'), ('print', 'Print and post'), ('content', 'Content and design'), ('staff', 'Staff and agencies'), ('other', 'Other')], max_length=10)),
                ('day', models.DateField()),
                ('amount_cents', models.BigIntegerField()),
                ('note', models.CharField(blank=True, max_length=200)),
                ('source', models.CharField(max_length=120, unique=True)),
                ('at', models.DateTimeField(default=apps.core.clock.now)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('corrects', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='correction', to='care.cost')),
                ('journey', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='care.journey')),
                ('policy', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='care.policy')),
            ],
            options={
                'indexes': [models.Index(fields=['-day', '-id'], name='care_cost_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('journey', None), ('policy', None), _connector='XOR'), name='care_cost_of_one_thing'), models.CheckConstraint(condition=models.Q(models.Q(('amount_cents__gt', 0), ('corrects', None)), models.Q(('amount_cents__lt', 0), ('corrects__isnull', False)), _connector='OR'), name='care_cost_sign')],
            },
        ),
        AppendOnly("care_cost"),
        Audited("care_cost"),
    ]
