import apps.core.clock
import django.db.models.deletion
from django.db import migrations, models

from apps.core.database import Audited


class Migration(migrations.Migration):

    dependencies = [
        ('care', '0035_marketing_costs'),
    ]

    operations = [
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('plan', models.JSONField(default=dict)),
                ('started_at', models.DateTimeField(null=True)),
                ('starts_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision', models.CharField(blank=True, choices=[('winner', 'The better one goes to the rest'), ('no_difference', 'No difference found: the rest stays split'), ('too_little', 'Not enough data: the rest stays split'), ('mismatch', 'Arms of the wrong size: the rest stays split')], max_length=20)),
                ('winner', models.CharField(blank=True, max_length=1)),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, editable=False)),
                ('journey', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='campaign', to='care.journey')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('decided_at', None), models.Q(('decision', ''), _negated=True), _connector='XOR'), name='care_decision_has_word'), models.CheckConstraint(condition=models.Q(('winner', ''), ('decision', 'winner'), _connector='XOR'), name='care_winner_by_decision'), models.CheckConstraint(condition=models.Q(('started_at', None), ('starts_at', None), _connector='XOR', _negated=True), name='care_campaign_starts')],
            },
        ),
        Audited("care_campaign"),
    ]
