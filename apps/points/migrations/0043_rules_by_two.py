import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("points", "0063_taken_by_itself"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField(
            "ruleversion",
            "agreed_by",
            models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField("ruleversion", "most", models.BigIntegerField(null=True)),
        migrations.AddField("ruleversion", "allowed", models.BigIntegerField(default=0)),
        AddConstraintNotValid(  # versions of before stay as they are
            "ruleversion",
            models.CheckConstraint(
                condition=Q(by=None, agreed_by=None)
                | Q(by__isnull=False, agreed_by__isnull=False) & ~Q(agreed_by=F("by"))
                | Q(by__isnull=False, agreed_by=None, most__isnull=False, most__lte=F("allowed")),
                name="points_version_by_two",
            ),
        ),
    ]
