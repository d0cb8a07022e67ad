from django.db import migrations

from apps.core.database import Audited

# What a price was is never lost: rows stay, only their end moves.
KEPT = """
create function catalog_only_the_end_moves() returns trigger language plpgsql as $$
declare
    free constant text[] := array['ends_at', 'stopped_at', 'stopped_by_id', 'was_until'];
begin
    if tg_op = 'DELETE' or (to_jsonb(old) - free) is distinct from (to_jsonb(new) - free) then
        raise exception '% keeps its rows: only an end can move', tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger catalog_price_kept before update or delete on catalog_price
    for each row execute function catalog_only_the_end_moves();
create trigger catalog_bundle_kept before update or delete on catalog_bundle
    for each row execute function catalog_only_the_end_moves();
create trigger catalog_bundleitem_kept before update or delete on catalog_bundleitem
    for each row execute function catalog_only_the_end_moves();
create trigger catalog_price_audited after update on catalog_price
    for each row execute function core_audit_row();
"""
UNDO = """
drop trigger catalog_price_audited on catalog_price;
drop trigger catalog_bundleitem_kept on catalog_bundleitem;
drop trigger catalog_bundle_kept on catalog_bundle;
drop trigger catalog_price_kept on catalog_price;
drop function catalog_only_the_end_moves();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_prices'),
    ]

    operations = [Audited('catalog_bundle'), migrations.RunSQL(KEPT, UNDO)]
