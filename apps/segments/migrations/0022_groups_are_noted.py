from django.db import migrations

# Rules ask about WeCom groups: whoever joins or leaves one, and whose contact becomes known as a member's, is looked at again (0008).
NOTES = """
create function segments_stir_group() returns trigger language plpgsql as $$
begin
    insert into segments_stir (member_id) select distinct c.member_id from fresh f
    join community_contact c on c.id = f.contact_id where c.member_id is not null;
    return null;
end $$;
create function segments_stir_contact() returns trigger language plpgsql as $$
begin
    insert into segments_stir (member_id) select distinct x.member_id from fresh f join gone g on g.id = f.id
    cross join lateral (values (f.member_id), (g.member_id)) x (member_id)
    where f.member_id is distinct from g.member_id and x.member_id is not null;
    return null;
end $$;
create trigger segments_stir_new after insert on community_groupmember
    referencing new table as fresh for each statement execute function segments_stir_group();
create trigger segments_stir_changed after update on community_groupmember
    referencing new table as fresh for each statement execute function segments_stir_group();
create trigger segments_stir_changed after update on community_contact
    referencing new table as fresh old table as gone for each statement execute function segments_stir_contact();
"""
TAKE_AWAY = """
drop trigger segments_stir_new on community_groupmember;
drop trigger segments_stir_changed on community_groupmember;
drop trigger segments_stir_changed on community_contact;
drop function segments_stir_group();
drop function segments_stir_contact();
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0015_audience_packs"), ("community", "0007_invitations_and_group_tasks")]

    operations = [migrations.RunSQL(NOTES, TAKE_AWAY)]
