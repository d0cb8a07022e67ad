"""What WeCom allows in its service window, with the day from which it holds."""

from datetime import date

from django.db import migrations

NOTE = "48 hours from the customer's words, five answers to them; seen in the comments of a public client, confirm with the vendor"
LIMITS = [("kf_window_hours", 48), ("kf_answers", 5)]


def add(apps, schema_editor):
    limit = apps.get_model("gateways", "PlatformLimit")
    limit.objects.bulk_create(
        limit(platform="wecom", name=name, value=value, effective_from=date(2022, 1, 1), note=NOTE) for name, value in LIMITS
    )


def remove(apps, schema_editor):
    names = [name for name, _value in LIMITS]
    apps.get_model("gateways", "PlatformLimit").objects.filter(platform="wecom", name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("gateways", "0008_wecom")]
    operations = [migrations.RunPython(add, remove)]
