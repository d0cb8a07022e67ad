"""The SMS platforms' published limits as they stood when this was written."""

from datetime import date

from django.db import migrations

ALIYUN = "https://help.aliyun.com/document_detail/2881383.html"
COMMUNITY = "seen in community reports of mainland platforms; confirm with the provider"
REFERENCE = "the provider's API reference; confirm with the provider"
CARRIERS = "carriers' rule for marketing, shop time"

LIMITS = [
    ("batch_size", 100, REFERENCE),
    ("content_length", 500, REFERENCE),
    ("repeat_seconds", 30, COMMUNITY),
    ("template_per_day", 50, ALIYUN),
    ("otp_per_minute", 1, ALIYUN),
    ("otp_per_hour", 5, ALIYUN),
    ("otp_per_day", 10, ALIYUN),
    ("otp_per_day_all", 40, ALIYUN),
    ("marketing_from_hour", 8, CARRIERS),
    ("marketing_until_hour", 22, CARRIERS),
]


def add(apps, schema_editor):
    limit = apps.get_model("gateways", "PlatformLimit")
    limit.objects.bulk_create(
        limit(platform="sms", name=name, value=value, effective_from=date(2024, 1, 1), note=note)
        for name, value, note in LIMITS
    )


def remove(apps, schema_editor):
    apps.get_model("gateways", "PlatformLimit").objects.filter(platform="sms").delete()


class Migration(migrations.Migration):
    dependencies = [("gateways", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
