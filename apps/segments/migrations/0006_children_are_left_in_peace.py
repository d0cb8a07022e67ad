import django.db.models.deletion
from django.db import migrations, models

# Triggers, as for newcomers: birthdays and a guardian's word come by many doors on floors that do not know of stats.
NOTE = """
create function segments_note_member() returns trigger language plpgsql as $$
begin
    insert into segments_newcomer (member_id) values ((to_jsonb(new)->>tg_argv[0])::bigint) on conflict do nothing;
    return null;
end $$;
create trigger segments_birthdays after update of birth_year, birth_month, birth_day on members_member for each row
    when ((old.birth_year, old.birth_month, old.birth_day) is distinct from (new.birth_year, new.birth_month, new.birth_day)
        and new.status <> 'erased')
    execute function segments_note_member('id');
create trigger segments_guardians after insert or update on members_consentnow for each row
    when (new.purpose = 'guardian') execute function segments_note_member('member_id');
insert into segments_newcomer (member_id)
    select id from members_member where birth_year >= extract(year from now())::int - 14 on conflict do nothing;
"""
UNDO = """
drop trigger segments_birthdays on members_member; drop trigger segments_guardians on members_consentnow;
drop function segments_note_member();
"""


class Migration(migrations.Migration):
    dependencies = [
        ('members', '0018_each_index_once'),
        ('segments', '0005_lines_by_category'),
    ]

    operations = [
        migrations.CreateModel(
            name='Minor',
            fields=[
                ('member', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='members.member')),
                ('due_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(NOTE, UNDO),
    ]
