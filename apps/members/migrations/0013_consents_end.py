from django.db import migrations

from apps.core.database import AppendOnly

# A yes ends when it says so, or when a later text that asks again comes into force: the gate reads one column.
_NEWEST = """
create or replace function members_consent_ends(about text, agreed text, given timestamptz, ends timestamptz)
returns timestamptz language sql stable as $$
    select least(ends, min(t.effective_at)) from members_policytext t
    where t.purpose = about and t.asks_again and t.version <> agreed
      and t.effective_at > coalesce(
          (select own.effective_at from members_policytext own where own.purpose = about and own.version = agreed), given)
$$;
create or replace function members_keep_newest_consent() returns trigger language plpgsql as $$
begin
    insert into members_consentnow as n (member_id, purpose, channel, is_granted, at, text_version, valid_until)
    values (new.member_id, new.purpose, new.channel, new.is_granted, new.at, new.text_version, case when new.is_granted
        then members_consent_ends(new.purpose, new.text_version, new.at, new.expires_at) end)
    on conflict (member_id, purpose, channel) do update set is_granted = excluded.is_granted, at = excluded.at,
        text_version = excluded.text_version, valid_until = excluded.valid_until
    where n.at <= excluded.at;
    return null;
end $$;
update members_consentnow n set text_version = c.text_version from members_consent c
 where c.member_id = n.member_id and c.purpose = n.purpose and c.channel = n.channel and c.at = n.at;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0012_policy_texts_and_ends_of_consent")]

    operations = [AppendOnly("members_policytext"), migrations.RunSQL(_NEWEST, migrations.RunSQL.noop)]
