from django.db import migrations

from apps.core.database import AppendOnly

# The audit trail stays append-only but for one change: what it says about the values of an erased member goes.
# Only this function may make it, and only for somebody on the list of the erased.
_ERASE = """
create or replace function flows_guard_audit() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and current_setting('siyu.erasing', true) = 'yes'
       and to_jsonb(new) - array['before', 'after', 'address'] = to_jsonb(old) - array['before', 'after', 'address']
       and new.address in ('', old.address)
       and (new.before is not distinct from old.before and new.after is not distinct from old.after
            or new.before is null and new.after = '{"erased": true}') then
        return new;
    end if;
    raise exception 'core_auditentry is append-only' using errcode = 'insufficient_privilege';
end $$;
drop trigger core_auditentry_append_only on core_auditentry;
create trigger core_auditentry_append_only before update or delete on core_auditentry
    for each row execute function flows_guard_audit();

create function flows_erase_audit(erased bigint, account bigint, kinds text[], keys text[])
returns bigint language plpgsql security definer set search_path = public as $$
declare
    changed bigint;
begin
    if not exists (select from flows_erased e where e.member_id = erased) then
        raise exception 'member % is not on the list of the erased', erased using errcode = 'insufficient_privilege';
    end if;
    perform set_config('siyu.erasing', 'yes', true);
    update core_auditentry a set before = null, after = '{"erased": true}'
      from (select distinct * from unnest(kinds, keys) as o(kind, key)) o
     where a.object_type = o.kind and a.object_id = o.key
       and (a.before is not null or a.after is not null) and a.after is distinct from '{"erased": true}';
    get diagnostics changed = row_count;
    update core_auditentry a set address = '' where a.actor = 'user:' || account and a.address <> '';
    perform set_config('siyu.erasing', '', true);
    return changed;
end $$;
create index core_audit_addresses on core_auditentry (actor) where address <> '';
"""
_UNDO = """
drop index core_audit_addresses;
drop function flows_erase_audit(bigint, bigint, text[], text[]);
drop trigger core_auditentry_append_only on core_auditentry;
create trigger core_auditentry_append_only before update or delete on core_auditentry
    for each row execute function core_forbid_change();
drop function flows_guard_audit();
"""


class Migration(migrations.Migration):
    dependencies = [("flows", "0001_initial"), ("core", "0002_audit_is_append_only")]

    operations = [
        AppendOnly("flows_erased"),
        migrations.RunSQL(_ERASE, _UNDO),
    ]
