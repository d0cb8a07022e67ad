import apps.core.clock
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0015_sources_and_states_are_listed'),
    ]

    operations = [
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=32, unique=True)),
                ('digest', models.BinaryField(max_length=32)),
                ('purpose', models.CharField(choices=[('avatar', 'Profile picture')], max_length=20, verbose_name='purpose')),
                ('media_type', models.CharField(max_length=40)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('size', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, verbose_name='created')),
                ('expires_at', models.DateTimeField(null=True)),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='members.member')),
            ],
            options={
                'verbose_name': 'file',
                'verbose_name_plural': 'files',
                'indexes': [models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='members_upload_ends')],
                'constraints': [models.UniqueConstraint(fields=('member', 'purpose', 'digest'), name='members_upload_once')],
            },
        ),
        migrations.AddField(
            model_name='member',
            name='avatar',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='members.upload'),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(condition=models.Q(('avatar__isnull', False)), fields=['avatar'], name='members_avatars'),
        ),
    ]
