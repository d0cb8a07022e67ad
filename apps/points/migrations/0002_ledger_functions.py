from pathlib import Path

from django.db import migrations

from apps.core.database import AppendOnly, Audited, SqlFile


class Migration(migrations.Migration):
    dependencies = [("points", "0001_initial"), ("core", "0002_audit_is_append_only")]

    operations = [
        SqlFile(Path(__file__).parent.parent / "ledger.sql"),
        AppendOnly("points_entry"),
        AppendOnly("points_use"),
        AppendOnly("points_award"),
        AppendOnly("points_ruleversion"),
        AppendOnly("points_tierchange"),
        Audited("points_rule"),
        Audited("points_achievement"),
        Audited("points_ladder"),
        Audited("points_tier"),
        Audited("points_benefit"),
        Audited("points_reward"),
        Audited("points_storestock"),
    ]
