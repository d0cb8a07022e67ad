from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referral', '0003_commissions_and_steps'),
    ]

    operations = [
        migrations.AddField(
            model_name='credit',
            name='network',
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='program',
            name='most_per_network',
            field=models.PositiveSmallIntegerField(default=5),
        ),
        migrations.AlterField(
            model_name='credit',
            name='why',
            field=models.CharField(blank=True, choices=[('self', 'One person, or one device'), ('ring', 'Invited each other in a ring'), ('known', 'Was a member before'), ('cap', 'More friends than count in a month'), ('network', 'Too many friends from one network'), ('left', 'Has left'), ('refunded', 'Gave the first order back')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='program',
            constraint=models.CheckConstraint(condition=models.Q(('most_per_network__gte', 1)), name='referral_one_from_a_network'),
        ),
        migrations.AddIndex(
            model_name='credit',
            index=models.Index(condition=models.Q(('network__isnull', False)), fields=['registered_at'], name='referral_networks'),
        ),
    ]
