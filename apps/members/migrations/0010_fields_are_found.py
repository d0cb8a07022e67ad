from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0009_tags_become_rows")]

    operations = [
        AddIndexConcurrently(
            "member",
            GinIndex(
                OpClass("attributes", name="jsonb_path_ops"),
                condition=models.Q(("attributes", {}), _negated=True),
                name="members_attributes",
            ),
        ),
    ]
