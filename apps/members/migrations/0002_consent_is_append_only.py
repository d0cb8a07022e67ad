from django.db import migrations

from apps.core.database import AppendOnly

# The newest statement per member, purpose and channel stands in members_consentnow: one row to join at the gate.
_NEWEST = """
create or replace function members_keep_newest_consent() returns trigger language plpgsql as $$
begin
    insert into members_consentnow (member_id, purpose, channel, is_granted, at)
    values (new.member_id, new.purpose, new.channel, new.is_granted, new.at)
    on conflict (member_id, purpose, channel) do update set is_granted = excluded.is_granted, at = excluded.at
    where members_consentnow.at <= excluded.at;
    return null;
end $$;
create trigger members_consent_newest after insert on members_consent
    for each row execute function members_keep_newest_consent();
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial")]

    operations = [
        AppendOnly("members_consent"),
        migrations.RunSQL(
            _NEWEST,
            "drop trigger members_consent_newest on members_consent; drop function members_keep_newest_consent();",
        ),
    ]
