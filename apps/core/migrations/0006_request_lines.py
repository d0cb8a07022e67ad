from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_alerts'),
    ]

    operations = [
        migrations.CreateModel(
            name='RequestLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('request_id', models.CharField(max_length=64)),
                ('trace', models.CharField(max_length=32)),
                ('actor', models.CharField(blank=True, max_length=60)),
                ('method', models.CharField(max_length=10)),
                ('route', models.CharField(max_length=60)),
                ('status', models.PositiveSmallIntegerField()),
                ('code', models.CharField(blank=True, max_length=60)),
                ('ms', models.PositiveIntegerField()),
                ('is_replayed', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [
                    models.Index(fields=['at'], name='core_request_oldest'),
                    models.Index(fields=['actor', '-id'], name='core_request_of_actor'),
                    models.Index(fields=['request_id'], name='core_request_by_id'),
                    models.Index(condition=models.Q(('status__gte', 400)), fields=['-id'], name='core_request_refused'),
                ],
            },
        ),
    ]
