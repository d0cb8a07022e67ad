from django.db import migrations

from apps.core.database import AppendOnly

# Notes by triggers, because members change by many doors on floors that know nothing of segments. One note a statement and
# member, into a table without an index but its key: the builds take them every minute.
NOTES = """
create function segments_stir_member() returns trigger language plpgsql as $$
begin
    insert into segments_stir (member_id) select id from fresh;
    return null;
end $$;
create function segments_stir_members() returns trigger language plpgsql as $$
begin
    insert into segments_stir (member_id) select distinct member_id from fresh where member_id is not null;
    return null;
end $$;
create trigger segments_stir_new after insert on members_member
    referencing new table as fresh for each statement execute function segments_stir_member();
create trigger segments_stir_changed after update on members_member
    referencing new table as fresh for each statement execute function segments_stir_member();
"""
EACH = """
create trigger segments_stir_new after insert on {table}
    referencing new table as fresh for each statement execute function segments_stir_members();
"""
CHANGES = """
create trigger segments_stir_changed after update on {table}
    referencing new table as fresh for each statement execute function segments_stir_members();
create trigger segments_stir_gone after delete on {table}
    referencing old table as fresh for each statement execute function segments_stir_members();
"""
CHANGING = ("members_consentnow", "members_identity", "segments_memberstats", "points_standing", "activity_event")
TAKE_AWAY = "".join(
    f"drop trigger if exists segments_stir_{when} on {table};\n"
    for table in ("members_member", *CHANGING)
    for when in ("new", "changed", "gone")
)


class Migration(migrations.Migration):
    dependencies = [
        ("segments", "0007_groups_by_rule"),
        ("members", "0021_wish_of_a_code"),
        ("points", "0065_lots_are_walked"),
        ("coupons", "0012_welcomed"),
        ("activity", "0004_each_index_once"),
    ]

    operations = [
        migrations.RunSQL(
            NOTES
            + "".join(EACH.format(table=table) for table in CHANGING)
            + "".join(CHANGES.format(table=table) for table in CHANGING),
            TAKE_AWAY + "drop function segments_stir_member(); drop function segments_stir_members();",
        ),
        AppendOnly("segments_ruleversion"),
        AppendOnly("segments_passage"),
    ]
