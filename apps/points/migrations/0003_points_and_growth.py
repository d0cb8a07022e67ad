from django.db import migrations

CURRENCIES = (
    {
        "key": "points",
        "name": "积分",
        "name_en": "Points",
        "is_spendable": True,
        "expiry": {"kind": "on", "month": 12, "day": 31, "years": 1},
        "refund_policy": "debt",
        "cents_per_hundred": 100,
        "transfer": {},
    },
    {
        "key": "growth",
        "name": "成长值",
        "name_en": "Growth",
        "is_spendable": False,
        "expiry": {"kind": "never"},
        "refund_policy": "debt",
        "cents_per_hundred": 0,
        "transfer": {},
    },
)


def add(apps, schema_editor):
    currencies = apps.get_model("points", "Currency")
    for fields in CURRENCIES:
        currencies.objects.get_or_create(key=fields["key"], defaults=fields)


class Migration(migrations.Migration):
    dependencies = [("points", "0002_ledger_functions")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
