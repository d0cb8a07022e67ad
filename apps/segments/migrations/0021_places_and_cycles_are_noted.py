from django.db import migrations

# Rules ask about life tracks and about what runs out: whoever's changed is looked at again (0008). Values of traits need no note:
# the builder works them out itself, before the segments.
STIR = """
create trigger segments_stir_new after insert on {table}
    referencing new table as fresh for each statement execute function segments_stir_members();
create trigger segments_stir_changed after update on {table}
    referencing new table as fresh for each statement execute function segments_stir_members();
create trigger segments_stir_gone after delete on {table}
    referencing old table as fresh for each statement execute function segments_stir_members();
"""
TABLES = ("segments_placement", "segments_membercycle")
TAKE_AWAY = "".join(
    f"drop trigger segments_stir_{when} on {table};" for table in TABLES for when in ("new", "changed", "gone")
)
# A move tells a child's dates: it is never changed, but goes with its placement when the member is erased or has left.
NEVER_CHANGED = """
create trigger segments_trackmove_never_changed before update on segments_trackmove
    for each row execute function core_forbid_change();
do $$ begin
    if exists (select from pg_roles where rolname = 'siyu_app') then
        revoke update, truncate on segments_trackmove from siyu_app;
    end if;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0020_tracks_and_traits")]

    operations = [
        migrations.RunSQL("".join(STIR.format(table=table) for table in TABLES), TAKE_AWAY),
        migrations.RunSQL(NEVER_CHANGED, "drop trigger segments_trackmove_never_changed on segments_trackmove;"),
    ]
