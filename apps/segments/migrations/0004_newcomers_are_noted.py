from django.db import migrations

# A trigger, because members come by many doors (import, sign-up, COPY) on a floor that does not know of stats, and looking
# for members without stats would read both tables whole at every refresh.
NOTE = """
create function segments_note_newcomers() returns trigger language plpgsql as $$
begin
    insert into segments_newcomer (member_id) select id from fresh on conflict do nothing;
    return null;
end $$;
create trigger segments_newcomers after insert on members_member
    referencing new table as fresh for each statement execute function segments_note_newcomers();
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0003_what_a_refresh_must_remember"), ("members", "0001_initial")]

    operations = [
        migrations.RunSQL(
            NOTE,
            "drop trigger segments_newcomers on members_member; drop function segments_note_newcomers();",
        ),
    ]
