from django.db import migrations, models

def money():
    return [(f"{model}_cents", models.BigIntegerField()) for model in ("last", "first", "linear", "decay", "position")]



class Migration(migrations.Migration):
    dependencies = [("analytics", "0005_studies")]

    operations = [
        migrations.AddField(
            model_name="studymark",
            name="params",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.CreateModel(
            name="OrderCredit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                *money(),
                ("order_id", models.BigIntegerField()),
                ("nth", models.PositiveSmallIntegerField()),
                ("paid_at", models.DateTimeField()),
                ("store_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=8)),
                ("channel", models.CharField(blank=True, max_length=20)),
                ("ref_id", models.BigIntegerField()),
                ("journey_id", models.BigIntegerField(default=0)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["paid_at"], name="analytics_credits_when"),
                    models.Index(fields=["kind", "channel", "paid_at"], name="analytics_credits_of_way"),
                    models.Index(
                        condition=models.Q(("journey_id__gt", 0)), fields=["journey_id", "paid_at"],
                        name="analytics_credits_of_walk",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("order_id", "nth"), name="analytics_contact_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                *money(),
                ("on", models.DateField()),
                ("store_id", models.BigIntegerField()),
                ("kind", models.CharField(blank=True, max_length=8)),
                ("channel", models.CharField(blank=True, max_length=20)),
                ("ref_id", models.BigIntegerField()),
                ("journey_id", models.BigIntegerField(default=0)),
                ("contacts", models.IntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("on", "store_id", "kind", "channel", "ref_id", "journey_id"),
                        name="analytics_credit_day_once",
                    ),
                ],
            },
        ),
    ]  # fmt: skip
