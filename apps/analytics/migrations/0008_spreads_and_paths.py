from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0007_funnels")]

    operations = [
        migrations.CreateModel(
            name="Spread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=10)),
                ("on", models.DateField()),
                ("store_id", models.BigIntegerField(default=0)),
                ("x", models.PositiveSmallIntegerField()),
                ("y", models.PositiveSmallIntegerField(default=0)),
                ("count", models.IntegerField()),
                ("cents", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name", "on", "store_id", "x", "y"), name="analytics_spread_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PathDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=10)),
                ("on", models.DateField()),
                ("store_id", models.BigIntegerField(default=0)),
                ("path", models.CharField(max_length=200)),
                ("count", models.IntegerField()),
                ("cents", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name", "on", "store_id", "path"), name="analytics_path_day_once"),
                ],
            },
        ),
    ]
