from django.db import migrations

from apps.core.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("members", "0004_aliases_states_and_departures")]

    operations = [AppendOnly("members_statechange")]
