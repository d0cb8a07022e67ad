from django.db import migrations

# Tags that stood only in the members' arrays become tags without a group, and rows.
_ROWS = """
insert into members_tag (name, created_at)
select distinct name, now() from members_member, unnest(tags) name where tags <> '{}' order by name on conflict do nothing;
insert into members_membertag (member_id, tag_id, source, given_by, given_at)
select distinct m.id, t.id, 'import', 'system', now()
  from members_member m, unnest(m.tags) word join members_tag t on t.name = word
 where m.tags <> '{}' on conflict do nothing;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0008_tags_follow_their_rows")]

    operations = [migrations.RunSQL(_ROWS, migrations.RunSQL.noop)]
