import apps.core.clock
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0019_names_counted_finely'),
        ('points', '0043_rules_by_two'),
        ('stores', '0005_alter_apiclient_scopes_alter_device_scopes'),
    ]

    operations = [
        migrations.CreateModel(
            name='RewardPicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('content', models.BinaryField()),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('at', models.DateTimeField(default=apps.core.clock.now)),
            ],
        ),
        migrations.AddField(
            model_name='exchange',
            name='closed_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stores.staff'),
        ),
        migrations.AddField(
            model_name='exchange',
            name='note',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='stockchange',
            name='source',
            field=models.CharField(max_length=60, null=True, unique=True),
        ),
        migrations.AddIndex(
            model_name='exchange',
            index=models.Index(fields=['-at', '-id'], name='points_exchange_newest'),
        ),
        migrations.AddConstraint(
            model_name='exchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_by', None), ('note', '')), models.Q(('state', 'cancelled'), ('why', 'staff')), _connector='OR'), name='points_exchange_note_of_staff'),
        ),
        migrations.AddField(
            model_name='reward',
            name='picture',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='points.rewardpicture', to_field='digest'),
        ),
    ]
