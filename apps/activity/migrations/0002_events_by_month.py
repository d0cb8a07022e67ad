from django.db import migrations

FUNCTIONS = """
create function activity_make_month(month date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '5s' as $$
declare
    part text := 'activity_event_' || to_char(month, 'YYYY_MM');
    since timestamptz := date_trunc('month', month::timestamp) at time zone 'Asia/Shanghai';
    until timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'Asia/Shanghai';
begin
    if to_regclass(part) is not null then return false; end if;
    perform pg_advisory_xact_lock(hashtext('activity_event'));
    if to_regclass(part) is not null then return false; end if;
    lock table activity_event_default in access exclusive mode;
    execute format('create table %I (like activity_event including all)', part);
    execute format(
        'with strayed as (delete from activity_event_default where occurred_at >= %L and occurred_at < %L returning *)'
        ' insert into %I select * from strayed', since, until, part);
    execute format('alter table activity_event attach partition %I for values from (%L) to (%L)', part, since, until);
    return true;
end $$;

create function activity_drop_months(before date) returns integer
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '5s' as $$
declare
    part text;
    dropped integer := 0;
begin
    if before > now() at time zone 'Asia/Shanghai' then
        raise exception 'months to come are not dropped' using errcode = 'invalid_parameter_value';
    end if;
    for part in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'activity_event'::regclass and c.relname ~ '^activity_event_[0-9]{4}_[0-9]{2}$'
          and to_date(right(c.relname, 7), 'YYYY_MM') < date_trunc('month', before::timestamp)
        order by 1
    loop
        execute format('drop table %I', part);
        dropped := dropped + 1;
    end loop;
    delete from activity_event_default
    where occurred_at < date_trunc('month', before::timestamp) at time zone 'Asia/Shanghai';
    return dropped;
end $$;

revoke all on function activity_make_month(date), activity_drop_months(date) from public;
do $$ begin
    if exists (select from pg_roles where rolname = 'siyu_app') then
        grant execute on function activity_make_month(date), activity_drop_months(date) to siyu_app;
    end if;
end $$;

select activity_make_month((date_trunc('month', now() at time zone 'Asia/Shanghai') + make_interval(months => step))::date)
from generate_series(-1, 3) step;
"""


class Migration(migrations.Migration):
    dependencies = [("activity", "0001_initial")]

    operations = [
        migrations.RunSQL(
            FUNCTIONS, "drop function activity_make_month(date); drop function activity_drop_months(date);"
        )
    ]
