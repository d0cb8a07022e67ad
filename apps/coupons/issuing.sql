-- Issuing: one call, one round trip, whole or not at all. Installed by the migrations (`core.database.SqlFile`).
--
-- Order of locks: the coupon's row under its unique keys first, the stock's row last, so that the one row all claims contend for is held
-- from its update to the commit and no longer. Who issues of several templates in one transaction does so in the order of their ids.
-- Every statement sees what committed before it began. A refusal leaves nothing behind; outcomes are done, again (this source issued
-- before: the coupon it issued) or a reason code of errors.py.


-- From when, and before when, a coupon claimed at this moment counts; the same as `terms.validity`. Days are shop days.
create or replace function coupons_validity(p_terms jsonb, p_moment timestamptz, out starts_at timestamptz, out ends_at timestamptz)
language plpgsql stable as $$
declare
    valid jsonb := p_terms -> 'valid';
    later int := coalesce((valid ->> 'starts_after')::int, 0);
    first_day date := (p_moment at time zone 'Asia/Shanghai')::date + later;
begin
    if valid ->> 'kind' = 'between' then
        starts_at := coupons_moment(valid ->> 'from', 0);
        ends_at := coupons_moment(valid ->> 'to', 1);
    else
        starts_at := case when later > 0 then first_day::timestamp at time zone 'Asia/Shanghai' else p_moment end;
        ends_at := (first_day + (valid ->> 'days')::int)::timestamp at time zone 'Asia/Shanghai';
    end if;
end $$;

-- A shop day (its start, or the start of the one after `p_days`), or a moment; without an offset shop time.
create or replace function coupons_moment(p_text text, p_days int) returns timestamptz language sql stable as $$
    select case when length(p_text) = 10 then (p_text::date + p_days)::timestamp at time zone 'Asia/Shanghai'
                when p_text ~ '(Z|[+-]\d{2}:\d{2})$' then p_text::timestamptz
                else p_text::timestamp at time zone 'Asia/Shanghai' end
$$;

-- Why a template gives this person nothing now; null: it does. `p_about` null: nobody asks for conditions and window, the brand gives.
-- What needs a query of its own (a list in the terms) is asked only where the terms have it.
create or replace function coupons_refusal(t coupons_template, p_terms jsonb, p_moment timestamptz, p_about jsonb)
returns text language plpgsql stable as $$
declare
    said text := case
        when t.state = 'draft' then 'coupon_not_found'
        when t.state = 'stopped' then 'coupon_frozen'
        when p_terms #>> '{valid,kind}' = 'between' and coupons_moment(p_terms #>> '{valid,to}', 1) <= p_moment then 'coupon_closed'
        when p_about is null then null
        when t.opens_at > p_moment then 'coupon_not_open'
        when t.closes_at <= p_moment then 'coupon_closed'
        when not coalesce(p_terms -> 'tiers' ? (p_about ->> 'tier'), true) then 'coupon_wrong_tier'
    end;
begin
    if said is not null or p_about is null then return said; end if;
    if p_terms ? 'segments' and not exists (
        select from jsonb_array_elements_text(p_terms -> 'segments') s where p_about -> 'segments' ? s) then return 'coupon_wrong_segment'; end if;
    if p_terms ? 'groups' and not exists (
        select from jsonb_array_elements_text(p_terms -> 'groups') g where p_about -> 'groups' ? g) then return 'coupon_wrong_group'; end if;
    if (p_terms -> 'first_order')::boolean and (p_about ->> 'orders')::int > 0 then return 'coupon_first_order_only'; end if;
    return null;
end $$;

-- The lowest number the member has free of a template; null: they have as many as they may. Without a limit: one above the highest.
create or replace function coupons_next_nth(p_template bigint, p_member bigint, p_most int) returns int language plpgsql stable as $$
begin
    if p_most is null then
        return (select coalesce(max(nth), 0) + 1 from coupons_coupon where template_id = p_template and member_id = p_member and nth is not null);
    end if;
    return (select min(n) from generate_series(1, p_most) n where not exists (
        select from coupons_coupon where template_id = p_template and member_id = p_member and nth = n));
end $$;


-- Issue one coupon. `p_about` {tier, segments, groups, orders}: the member asks, so window and conditions count. `p_counts` false: it was
-- paid for or is somebody's gift, and takes no place under the limit per member.
create or replace function coupons_issue(
    p_member bigint, p_template bigint, p_source text, p_channel text, p_origin text, p_store bigint, p_staff bigint,
    p_moment timestamptz, p_about jsonb, p_counts boolean,
    out outcome text, out coupon_id bigint, out code text, out starts_at timestamptz, out ends_at timestamptz, out opens_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
    seen record;  -- all that decides, read at once
    days record;
    wanted bigint;
    is_in_turn boolean := false;
begin
    loop
        select coalesce(m.merged_into_id, m.id) as who, m.status in ('cancelled', 'erased') as is_gone,
               c.id as had, c.template_id = p_template and c.member_id in (p_member, m.merged_into_id) as is_same,
               c.code, c.starts_at, c.ends_at, t, t.id, t.is_pool, t.opens_at, v.id as version_id, v.terms, s.issued >= s.most as is_out,
               case when not p_counts then null
                    when t.per_member = 1 then case when exists (
                        select from coupons_coupon o where o.template_id = t.id and o.member_id = coalesce(m.merged_into_id, m.id)
                           and o.nth = 1) then null else 1 end
                    else coupons_next_nth(t.id, coalesce(m.merged_into_id, m.id), t.per_member) end as nth
          into seen
          from members_member m
          left join coupons_coupon c on c.source = p_source
          left join coupons_template t on t.id = p_template and (p_about is null or p_channel <> 'centre' or t.is_in_centre)
          left join coupons_version v on v.id = t.version_id
          left join coupons_stock s on s.template_id = t.id
         where m.id = p_member;
        if seen.had is not null then
            outcome := case when seen.is_same then 'again' else 'coupon_source_reused' end;
            coupon_id := seen.had; code := seen.code; starts_at := seen.starts_at; ends_at := seen.ends_at;
            return;
        end if;
        outcome := case when seen.is_gone is distinct from false then 'coupon_member_gone' when seen.id is null then 'coupon_not_found'
                        else coupons_refusal(seen.t, seen.terms, p_moment, p_about) end;
        opens_at := seen.opens_at;
        if outcome is not null then return; end if;
        if p_counts and seen.nth is null then outcome := 'coupon_limit_reached'; return; end if;
        if seen.is_pool then
            -- a member's own claims one after the other: the one that may not have a second must not hold a code meanwhile
            if not is_in_turn then
                perform pg_advisory_xact_lock(hashtextextended('coupons-pool:' || seen.id || ':' || seen.who, 0));
                is_in_turn := true;
                continue;
            end if;
            -- a code that another claim holds at this moment is not waited for
            select c.id into wanted from coupons_coupon c
             where c.template_id = seen.id and c.state = 'unclaimed' and (c.ends_at > p_moment) is not false limit 1 for no key update skip locked;
            if wanted is null then outcome := 'coupon_out_of_stock'; return; end if;
            begin
                select * into coupon_id, code, starts_at, ends_at
                  from coupons_own(wanted, seen.who, seen.nth, p_source, p_channel, p_origin, p_store, p_staff, p_moment);
                outcome := 'done';
                return;
            exception when unique_violation then continue;  -- the same member, or the same source, at this moment
            end;
        end if;
        if seen.is_out then outcome := 'coupon_out_of_stock'; return; end if;
        days := coupons_validity(seen.terms, p_moment);
        starts_at := days.starts_at; ends_at := days.ends_at;
        insert into coupons_coupon (template_id, version_id, member_id, state, nth, channel, origin, source, store_id, staff_id,
                                    issued_at, starts_at, ends_at)
        values (seen.id, seen.version_id, seen.who, 'ready', seen.nth, p_channel, p_origin, p_source, p_store, p_staff, p_moment, starts_at, ends_at)
        on conflict do nothing returning id into coupon_id;
        continue when coupon_id is null;  -- the same member, or the same source, was quicker: look again
        update coupons_stock set issued = issued + 1 where template_id = seen.id and (most is null or issued < most);
        if found then
            outcome := 'done';
        else
            delete from coupons_coupon where id = coupon_id;
            outcome := 'coupon_out_of_stock'; coupon_id := null;
        end if;
        return;
    end loop;
end $$;

-- A code nobody had becomes a member's: its days begin, unless they are the same for all. The caller holds its row.
create or replace function coupons_own(
    p_coupon bigint, p_member bigint, p_nth int, p_source text, p_channel text, p_origin text, p_store bigint, p_staff bigint,
    p_moment timestamptz, out coupon_id bigint, out code text, out starts_at timestamptz, out ends_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
    own record;
begin
    select d.starts_at, d.ends_at into own
      from coupons_coupon c join coupons_version v on v.id = c.version_id cross join lateral coupons_validity(v.terms, p_moment) d
     where c.id = p_coupon;
    update coupons_coupon c set state = 'ready', member_id = p_member, nth = p_nth, source = p_source, channel = p_channel, origin = p_origin,
           store_id = p_store, staff_id = p_staff, issued_at = p_moment,
           starts_at = coalesce(c.starts_at, own.starts_at), ends_at = coalesce(c.ends_at, own.ends_at)
     where c.id = p_coupon returning c.id, c.code, c.starts_at, c.ends_at into coupon_id, code, starts_at, ends_at;
    insert into coupons_entry (coupon_id, kind, note, at) values (p_coupon, 'claimed', '', p_moment);
end $$;


-- Issue to many at once; each member's source is `p_source` and their id. A line per member: done, again, or why not. What the stock does
-- not suffice for goes without, highest ids first. Not for pools: their codes are claimed one by one.
create or replace function coupons_issue_many(
    p_members bigint[], p_template bigint, p_source text, p_channel text, p_origin text, p_moment timestamptz
) returns table (member_id bigint, outcome text, coupon_id bigint) language plpgsql as $$
#variable_conflict use_column
declare
    t coupons_template;
    v coupons_version;
    s coupons_stock;
    starts timestamptz;
    ends timestamptz;
    refusal text := 'coupon_not_found';
    fresh bigint[];
    fits int;
begin
    select * into t from coupons_template where id = p_template;
    if found then
        select * into v from coupons_version where id = t.version_id;
        refusal := coupons_refusal(t, v.terms, p_moment, null);
    end if;
    if refusal is not null then
        return query select m, refusal, null::bigint from unnest(p_members) m;
        return;
    end if;
    select d.starts_at, d.ends_at into starts, ends from coupons_validity(v.terms, p_moment) d;
    with asked as (
        select m.id, coalesce(m.merged_into_id, m.id) as who from members_member m
         where m.id = any(p_members) and m.status not in ('cancelled', 'erased')
           and not exists (select from coupons_coupon c where c.source = p_source || ':' || m.id)
    ), numbered as (
        select distinct on (a.who) a.id, a.who, coupons_next_nth(t.id, a.who, t.per_member) as nth from asked a order by a.who, a.id
    ), room as (
        select n.* from numbered n where n.nth is not null order by n.who limit (select most - issued from coupons_stock where template_id = t.id)
    ), made as (
        insert into coupons_coupon (template_id, version_id, member_id, state, nth, channel, origin, source, issued_at, starts_at, ends_at)
        select t.id, v.id, r.who, 'ready', r.nth, p_channel, p_origin, p_source || ':' || r.id, p_moment, starts, ends from room r order by r.who
        on conflict do nothing returning id
    )
    select coalesce(array_agg(id order by id), '{}') into fresh from made;
    select * into s from coupons_stock where template_id = t.id for no key update;
    fits := least(cardinality(fresh), s.most - s.issued);  -- without an end of it `most` is null and left out
    update coupons_stock set issued = issued + fits where template_id = t.id and fits > 0;
    delete from coupons_coupon where id = any(fresh[fits + 1 :]);
    return query
        select a.m,
               case when c.id = any(fresh) then 'done' when c.id is not null then 'again'
                    when p.id is null or p.status in ('cancelled', 'erased') then 'coupon_member_gone'
                    when coupons_next_nth(t.id, coalesce(p.merged_into_id, p.id), t.per_member) is null then 'coupon_limit_reached'
                    else 'coupon_out_of_stock' end,
               c.id
          from unnest(p_members) a(m) left join members_member p on p.id = a.m
          left join coupons_coupon c on c.source = p_source || ':' || a.m;
end $$;


-- What a budget counts under, for a use by this member in this store at this moment. Null: this use does not count in it.
create or replace function coupons_budget_key(p_per text, p_member bigint, p_store bigint, p_moment timestamptz)
returns text language sql stable as $$
    select case p_per
        when 'total' then ''
        when 'day' then to_char(p_moment at time zone 'Asia/Shanghai', 'YYYY-MM-DD')
        when 'month' then to_char(p_moment at time zone 'Asia/Shanghai', 'YYYY-MM')
        when 'store' then 's' || p_store
        when 'store_day' then 's' || p_store || ':' || to_char(p_moment at time zone 'Asia/Shanghai', 'YYYY-MM-DD')
        when 'member' then 'm' || p_member
        when 'member_month' then 'm' || p_member || ':' || to_char(p_moment at time zone 'Asia/Shanghai', 'YYYY-MM')
    end
$$;

-- Count one use that saves so many 分 in every budget of the template. What began before a budget did is never counted in it, and so never
-- taken back from it. False: one of them does not suffice, and nothing is counted.
create or replace function coupons_spend(p_template bigint, p_member bigint, p_store bigint, p_cents bigint, p_moment timestamptz)
returns boolean language plpgsql as $$
declare
    counted bigint[];
begin
    if not exists (select from coupons_budget where template_id = p_template) then return true; end if;
    with due as (
        select b.id, b.most, coupons_budget_key(b.per, p_member, p_store, p_moment) as key, case b.of when 'uses' then 1 else p_cents end as n
          from coupons_budget b where b.template_id = p_template and (b.since <= p_moment) is not false
    ), done as (
        insert into coupons_spent (budget_id, key, amount) select id, key, n from due where key is not null and n <= most order by id
        on conflict (budget_id, key) do update set amount = coupons_spent.amount + excluded.amount
            where coupons_spent.amount + excluded.amount <= (select most from coupons_budget where id = coupons_spent.budget_id)
        returning budget_id
    )
    select array_agg(budget_id) into counted from done;
    if cardinality(counted) = (select count(*) from coupons_budget b
                                where b.template_id = p_template and (b.since <= p_moment) is not false and coupons_budget_key(b.per, p_member, p_store, p_moment) is not null) then
        return true;
    end if;
    perform coupons_unspend(p_template, p_member, p_store, p_cents, p_moment, counted);
    return false;
end $$;

-- Take the count of such a use back: `p_moment` is that of its counting. `p_budgets`: of these only; null: of all.
create or replace function coupons_unspend(
    p_template bigint, p_member bigint, p_store bigint, p_cents bigint, p_moment timestamptz, p_budgets bigint[]
) returns void language plpgsql as $$
begin
    update coupons_spent s set amount = greatest(s.amount - case b.of when 'uses' then 1 else p_cents end, 0)
      from coupons_budget b
     where b.template_id = p_template and (b.since <= p_moment) is not false and s.budget_id = b.id and s.key = coupons_budget_key(b.per, p_member, p_store, p_moment)
       and (p_budgets is null or b.id = any(p_budgets));
end $$;
