from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0020_member_codes'),
    ]

    operations = [
        migrations.AddField(
            model_name='membercode',
            name='wish',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
    ]
