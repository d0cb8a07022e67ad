-- Days of the ladder: periods, ends of validity, next looks. Days are shop days; every end is the first moment after a whole day.
-- A month after 31 January is the end of February; 29 February + 12 months, or its anniversary, is 28 February.


-- First moment of the period that the shop day of `p_at` closes. Life has no beginning that matters.
create or replace function points_window_start(p_rule jsonb, p_at timestamptz) returns timestamptz language plpgsql stable as $$
declare
    today date := (p_at at time zone 'Asia/Shanghai')::date;
    first date;
begin
    case p_rule ->> 'kind'
    when 'life' then return '1900-01-01 00:00+00';
    when 'rolling' then first := (today - make_interval(months => (p_rule ->> 'months')::int))::date + 1;
    when 'calendar' then
        first := points_starts_in(extract(year from today)::int, p_rule);
        if first > today then first := points_starts_in(extract(year from today)::int - 1, p_rule); end if;
    else raise exception 'unknown period %', p_rule;
    end case;
    return first::timestamp at time zone 'Asia/Shanghai';
end $$;

create or replace function points_starts_in(p_year int, p_rule jsonb) returns date language sql immutable as $$
    select points_day_of(p_year, jsonb_build_object('month', split_part(p_rule ->> 'starts', '-', 1)::int,
                                                    'day', split_part(p_rule ->> 'starts', '-', 2)::int))
$$;

-- The first moment whose period no longer holds what was earned at `p_earned`. Null: never.
create or replace function points_window_leaves(p_rule jsonb, p_earned timestamptz) returns timestamptz language plpgsql stable as $$
declare
    earned date := (p_earned at time zone 'Asia/Shanghai')::date;
    months interval := make_interval(months => (p_rule ->> 'months')::int);
    leaves date;
begin
    case p_rule ->> 'kind'
    when 'rolling' then
        leaves := (earned + months)::date;
        -- 31 January + 1 month is 28 February, whose own month begins on 29 January: one day more
        if (leaves - months)::date < earned then leaves := leaves + 1; end if;
        return leaves::timestamp at time zone 'Asia/Shanghai';
    when 'calendar' then return points_next_period(p_rule, p_earned);
    else return null;
    end case;
end $$;

-- When the next period begins: the calendar's, otherwise the next month.
create or replace function points_next_period(p_rule jsonb, p_at timestamptz) returns timestamptz language plpgsql stable as $$
declare
    today date := (p_at at time zone 'Asia/Shanghai')::date;
    first date;
begin
    if p_rule ->> 'kind' = 'calendar' then
        first := points_starts_in(extract(year from today)::int, p_rule);
        if first <= today then first := points_starts_in(extract(year from today)::int + 1, p_rule); end if;
    else
        first := (date_trunc('month', today) + interval '1 month')::date;
    end if;
    return first::timestamp at time zone 'Asia/Shanghai';
end $$;

-- The first moment at which a tier whose validity counts from `p_start` is no longer valid. Null: it has no end of its own.
create or replace function points_valid_until(p_validity jsonb, p_start timestamptz, p_joined timestamptz)
returns timestamptz language plpgsql stable as $$
declare
    today date := (p_start at time zone 'Asia/Shanghai')::date;
    joined date := (p_joined at time zone 'Asia/Shanghai')::date;
    years int;
begin
    case p_validity ->> 'kind'
    when 'none' then return null;
    when 'months' then
        return points_expiry(jsonb_build_object('kind', 'after', 'months', (p_validity ->> 'months')::int), p_start);
    when 'calendar' then
        return points_expiry(jsonb_build_object(
            'kind', 'on', 'month', split_part(p_validity ->> 'date', '-', 1)::int, 'day', split_part(p_validity ->> 'date', '-', 2)::int,
            'years', coalesce((p_validity ->> 'years')::int, 0)), p_start);
    when 'joined' then
        years := extract(year from today)::int - extract(year from joined)::int;
        if (joined + make_interval(years => years))::date <= today then years := years + 1; end if;
        years := years + coalesce((p_validity ->> 'years')::int, 0);
        return (joined + make_interval(years => years))::date::timestamp at time zone 'Asia/Shanghai';
    else raise exception 'unknown validity %', p_validity;
    end case;
end $$;
