from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("members", "0023_pictures_of_tickets")]

    operations = [AddIndexConcurrently("member", models.Index(fields=["joined_at"], name="members_joined"))]
