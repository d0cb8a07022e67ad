"""Migration operations by which the database keeps promises: append-only tables, audited tables, one updated row only."""

from pathlib import Path

from django.db import migrations

_FORBID = """
create or replace function core_forbid_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
"""

_AUDIT = """
create or replace function core_audit_row() returns trigger language plpgsql security definer set search_path = public as $$
declare
    was jsonb := case when tg_op = 'INSERT' then null else to_jsonb(old) end;
    is_now jsonb := case when tg_op = 'DELETE' then null else to_jsonb(new) end;
    hidden text;
begin
    if tg_op = 'UPDATE' then
        select jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, n.value) into was, is_now
        from jsonb_each(to_jsonb(old)) o join jsonb_each(to_jsonb(new)) n using (key)
        where o.value is distinct from n.value;
        if was is null then return null; end if;
    end if;
    foreach hidden in array coalesce(tg_argv, '{}') loop
        if was ? hidden then was := jsonb_set(was, array[hidden], '"***"'); end if;
        if is_now ? hidden then is_now := jsonb_set(is_now, array[hidden], '"***"'); end if;
    end loop;
    insert into core_auditentry (at, actor, request_id, address, action, object_type, object_id, before, after)
    values (
        now(), coalesce(nullif(current_setting('siyu.actor', true), ''), 'system'),
        coalesce(current_setting('siyu.request_id', true), ''), coalesce(current_setting('siyu.address', true), ''),
        tg_table_name || '.' || lower(tg_op), tg_table_name,
        coalesce(to_jsonb(new) ->> 'id', to_jsonb(old) ->> 'id', ''), was, is_now
    );
    return null;
end $$;
"""


class AppendOnly(migrations.RunSQL):
    """Rows of `table` can be added, never changed or removed: by trigger, and by taking the right from the application's role."""

    def __init__(self, table: str) -> None:
        super().__init__(
            _FORBID
            + f"create trigger {table}_append_only before update or delete on {table}"
            + " for each row execute function core_forbid_change();\n"
            + _revoke(table),
            f"drop trigger {table}_append_only on {table};",
        )


class Audited(migrations.RunSQL):
    """Every insert, update and delete on `table` adds a line to the audit trail; `hidden` columns show as ***."""

    def __init__(self, table: str, *, hidden: tuple[str, ...] = ()) -> None:
        arguments = ", ".join(f"'{column}'" for column in hidden)
        super().__init__(
            _AUDIT
            + f"create trigger {table}_audited after insert or update or delete on {table}"
            + f" for each row execute function core_audit_row({arguments});",
            f"drop trigger {table}_audited on {table};",
        )


class SqlFile(migrations.RunSQL):
    """Run a file of `create or replace` statements as it stands today; whoever changes it adds a migration that runs it again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.read_text(), migrations.RunSQL.noop)


def _revoke(table: str) -> str:
    """The running role may be absent: one role does everything on a small outside server."""
    return f"""
    do $$ begin
        if exists (select from pg_roles where rolname = 'siyu_app') then
            revoke update, delete, truncate on {table} from siyu_app;
        end if;
    end $$;
    """
