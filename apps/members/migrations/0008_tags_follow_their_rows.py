from django.db import migrations

from apps.core.database import Audited

# Member.tags is a copy. Members are locked before their tags are counted: a change that waited for another one sees its rows.
_KEEP = """
create or replace function members_keep_tags(members bigint[]) returns void language plpgsql as $$
begin
    perform from members_member where id = any(members) order by id for no key update;
    update members_member m set tags = n.names from (
        select u.id, coalesce(array_agg(t.name::text order by t.name collate "C") filter (where t.id is not null), '{}') as names
          from unnest(members) u (id)
          left join members_membertag mt on mt.member_id = u.id left join members_tag t on t.id = mt.tag_id
         group by u.id) n
     where m.id = n.id and m.tags::text[] is distinct from n.names;
end $$;
create or replace function members_tags_changed() returns trigger language plpgsql as $$
begin
    perform members_keep_tags(array(select distinct member_id from changed));
    return null;
end $$;
create trigger members_tags_given after insert on members_membertag
    referencing new table as changed for each statement execute function members_tags_changed();
create trigger members_tags_taken after delete on members_membertag
    referencing old table as changed for each statement execute function members_tags_changed();
create function members_tags_moved() returns trigger language plpgsql as $$
begin
    perform members_keep_tags(array(select member_id from was union select member_id from changed));
    return null;
end $$;
create trigger members_tags_moved after update on members_membertag
    referencing old table as was new table as changed for each statement execute function members_tags_moved();
"""
_LET_GO = """
drop trigger members_tags_given on members_membertag;
drop trigger members_tags_taken on members_membertag;
drop trigger members_tags_moved on members_membertag;
drop function members_tags_changed();
drop function members_tags_moved();
drop function members_keep_tags(bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0007_tags_and_fields")]

    operations = [
        migrations.RunSQL(_KEEP, _LET_GO),
        Audited("members_taggroup"),
        Audited("members_tag"),
        Audited("members_attribute"),
    ]
