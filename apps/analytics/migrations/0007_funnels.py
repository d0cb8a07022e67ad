from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0006_attribution")]

    operations = [
        migrations.CreateModel(
            name="FunnelDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("funnel", models.CharField(max_length=10)),
                ("store_id", models.BigIntegerField(default=0)),
                ("part", models.CharField(blank=True, max_length=60)),
                *[(f"step_{number}", models.IntegerField()) for number in range(1, 6)],
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("funnel", "on", "store_id", "part"), name="analytics_funnel_day_once"
                    ),
                ],
            },
        ),
    ]
