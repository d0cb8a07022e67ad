"""WeCom's limits with the days from which they hold, and the inbox of its callbacks."""

from datetime import date

from django.db import migrations, models

RATES = "https://developer.work.weixin.qq.com/document/path/90454"
SENDS = "the vendor's help page of 2025-11-17: as many a month as it has days, or 7 a week, or 1 a day"
BEFORE = "seen in older pages; confirm with the vendor"
LIMITS = [
    ("api_per_minute", 10_000, date(2024, 1, 1), RATES),
    ("api_per_hour", 150_000, date(2024, 1, 1), RATES),
    ("sends_per_month", 4, date(2020, 1, 1), BEFORE),
    ("sends_per_month", 31, date(2025, 11, 17), SENDS),
    ("sends_per_week", 7, date(2025, 11, 17), SENDS),
    ("sends_per_day", 1, date(2025, 11, 17), SENDS),
    ("reminders_per_day", 3, date(2024, 1, 1), "seen in community pages; confirm with the vendor"),
    ("welcome_seconds", 20, date(2024, 1, 1), "https://developer.work.weixin.qq.com/document/path/92599"),
    ("group_size", 200, date(2024, 1, 1), "from which a code rolls to the next group; confirm with the vendor"),
    ("join_way_groups", 5, date(2024, 1, 1), "groups behind one code; confirm with the vendor"),
]


def add(apps, schema_editor):
    limit = apps.get_model("gateways", "PlatformLimit")
    limit.objects.bulk_create(
        limit(platform="wecom", name=name, value=value, effective_from=day, note=note)
        for name, value, day, note in LIMITS
    )


def remove(apps, schema_editor):
    apps.get_model("gateways", "PlatformLimit").objects.filter(platform="wecom").delete()


class Migration(migrations.Migration):
    dependencies = [("gateways", "0007_suppressed_addresses")]
    operations = [
        migrations.RunPython(add, remove),
        migrations.CreateModel(
            name="WecomCallback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("body", models.TextField(blank=True)),
                ("taken_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("handled_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=40)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("handled_at", None)), fields=["next_try_at", "id"], name="gateways_wecom_open"
                    ),
                    models.Index(
                        condition=models.Q(("handled_at__isnull", False)), fields=["handled_at"], name="gateways_wecom_done"
                    ),
                ],
            },
        ),
    ]
