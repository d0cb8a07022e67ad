from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_coupon_days")]

    operations = [
        migrations.CreateModel(
            name="StaffFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("name", models.CharField(max_length=60)),
                ("staff_id", models.BigIntegerField()),
                ("store_id", models.BigIntegerField(default=0)),
                ("value", models.BigIntegerField()),
                ("as_of", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["on", "store_id"], name="analytics_staff_of_day")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["name", "staff_id", "store_id", "on"], name="analytics_staff_figure_once"
                    )
                ],
            },
        ),
    ]
