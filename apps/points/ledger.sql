-- The only writers of the points books, with returning.sql and joining.sql: one call, one round trip, whole or not at all. Installed by
-- the migrations (`core.database.SqlFile`).
--
-- Each function locks the account first, so that what it reads afterwards is what is true (every statement of a volatile function
-- sees what committed before it began), settles what fell due meanwhile, and answers with
--   outcome  done | again (this source wrote before: `amount` is what it wrote) | short | frozen | exceeds | late | settled
--   entry_id, amount, balance, pending, held, debt   of the account afterwards
-- Beyond what time alone had done nothing is written unless the outcome is done. Amounts are positive whole points. Times are moments; days are shop days.


-- When something earned at `start` stops being valid: the first moment after its last whole day. Null: never.
-- A month after 31 January is the end of February (PostgreSQL's own rule for adding months); 29 February + 12 months is 28 February.
create or replace function points_expiry(policy jsonb, start timestamptz) returns timestamptz language plpgsql stable as $$
declare
    today date := (start at time zone 'Asia/Shanghai')::date;
    last_day date;
begin
    case coalesce(policy ->> 'kind', 'never')
    when 'never' then return null;
    when 'after', 'idle' then
        if policy ? 'days' then
            last_day := today + (policy ->> 'days')::int;
        else
            last_day := today + make_interval(months => (policy ->> 'months')::int);
        end if;
        case coalesce(policy ->> 'round_to', 'day')
        when 'month' then last_day := date_trunc('month', last_day) + interval '1 month' - interval '1 day';
        when 'quarter' then last_day := date_trunc('quarter', last_day) + interval '3 months' - interval '1 day';
        when 'half_year' then
            last_day := make_date(extract(year from last_day)::int, case when extract(month from last_day) < 7 then 6 else 12 end, 1)
                        + interval '1 month' - interval '1 day';
        when 'year' then last_day := make_date(extract(year from last_day)::int, 12, 31);
        else null;
        end case;
    when 'on' then
        last_day := points_day_of(extract(year from today)::int + coalesce((policy ->> 'years')::int, 0), policy);
        if last_day < today then
            last_day := points_day_of(extract(year from today)::int + coalesce((policy ->> 'years')::int, 0) + 1, policy);
        end if;
    else raise exception 'unknown expiry %', policy;
    end case;
    return ((last_day + 1)::timestamp) at time zone 'Asia/Shanghai';
end $$;

-- The policy's day in a year; 29 February is the 28th where there is none.
create or replace function points_day_of(in_year int, policy jsonb) returns date language sql immutable as $$
    select least(make_date(in_year, (policy ->> 'month')::int, 1) + (policy ->> 'day')::int - 1,
                 (make_date(in_year, (policy ->> 'month')::int, 1) + interval '1 month' - interval '1 day')::date)
$$;


-- The member's account, locked; made where there is none. Of a record that was joined to another one: the other's, so that nothing
-- ever lands on an account that nobody looks at.
create or replace function points_locked(p_member bigint, p_currency bigint, p_moment timestamptz)
returns points_account language plpgsql as $$
declare a points_account;
begin
    select * into a from points_account where member_id = p_member and currency_id = p_currency for no key update;
    if not found then
        insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, is_joint, created_at)
        values (p_member, p_currency, 0, 0, 0, 0, 0, false, false, p_moment) on conflict do nothing;
        select * into a from points_account where member_id = p_member and currency_id = p_currency for no key update;
    end if;
    if a.joined_into_id is not null then
        return points_locked_root(a.joined_into_id, p_moment);
    end if;
    if a.next_due_at <= p_moment then
        perform points_settle(array[a.id], p_moment);
        select * into a from points_account where id = a.id;
    end if;
    return a;
end $$;

-- The account that an account's lots and lines count for by now, locked. A lot always stands where the account of its line leads.
create or replace function points_locked_root(p_account bigint, p_moment timestamptz) returns points_account language plpgsql as $$
declare a points_account;
begin
    select * into a from points_account where id = p_account for no key update;
    while a.joined_into_id is not null loop
        select * into a from points_account where id = a.joined_into_id for no key update;
    end loop;
    if a.next_due_at <= p_moment then
        perform points_settle(array[a.id], p_moment);
        select * into a from points_account where id = a.id;
    end if;
    return a;
end $$;

-- The line that `p_source` wrote on this account, or on one that was joined to it.
create or replace function points_written(a points_account, p_source text) returns points_entry language plpgsql stable as $$
declare e points_entry;
begin
    select * into e from points_entry where account_id = a.id and source = p_source;
    if not found and a.is_joint then
        with recursive family as (
            select id from points_account where joined_into_id = a.id
            union select j.id from points_account j join family f on j.joined_into_id = f.id
        )
        select t.* into e from points_entry t where t.source = p_source and t.account_id in (select id from family) order by t.id limit 1;
    end if;
    return e;
end $$;

-- What `p_source` undid of a line, on whichever account. `amount` 0: this source wrote something else here.
create or replace function points_undone(a points_account, p_entry bigint, p_source text, out entry_id bigint, out amount bigint)
language sql stable as $$
    select max(e.id), sum(case when e.reverses_id = p_entry then e.undone else 0 end)::bigint from (
        select id, reverses_id, undone from points_entry where account_id = a.id and source = p_source
        union select id, reverses_id, undone from points_entry where reverses_id = p_entry and source = p_source
    ) e
$$;


-- What time alone has done to these accounts (locked by the caller) until `p_moment`: pending lots become usable and pay debts first,
-- or lapse; lots expire. Lines carry the moment they fell due, not the moment somebody looked.
create or replace function points_settle(p_accounts bigint[], p_moment timestamptz) returns void language plpgsql as $$
begin
    with due as (
        select l.id, l.account_id, l.remaining as n, l.due_at, coalesce(l.expiry, c.expiry) as policy, a.balance, a.debt,
               sum(l.remaining) over (partition by l.account_id order by l.due_at, l.id) as upto
        from points_lot l join points_account a on a.id = l.account_id join points_currency c on c.id = a.currency_id
        where l.account_id = any(p_accounts) and l.remaining > 0 and l.activated_at is null and l.due_at <= p_moment
          and (l.lapse_at is null or l.due_at <= l.lapse_at)
    ), paid as (
        select *, least(debt, upto) - least(debt, upto - n) as pay from due
    ), changed as (
        update points_lot l set remaining = l.remaining - p.pay, activated_at = p.due_at, expires_at = points_expiry(p.policy, p.due_at)
        from paid p where l.id = p.id
    ), lines as (
        insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
        select account_id, 'activate', n - pay, -n, 0, -pay, 0, balance + sum(n - pay) over (partition by account_id order by due_at, id),
               'activate:' || id, 0, '', due_at
        from paid order by account_id, due_at, id
        returning id, source, account_id
    ), used as (
        insert into points_use (entry_id, lot_id, kind, amount)
        select e.id, p.id, 'debt', p.pay from paid p
        join lines e on e.account_id = p.account_id and e.source = 'activate:' || p.id where p.pay > 0
    )
    update points_account a set balance = a.balance + t.n - t.pay, pending = a.pending - t.n, debt = a.debt - t.pay
    from (select account_id, sum(n) as n, sum(pay) as pay from paid group by 1) t where a.id = t.account_id;

    with due as (
        select l.id, l.account_id, l.remaining as n, l.lapse_at, a.balance
        from points_lot l join points_account a on a.id = l.account_id
        where l.account_id = any(p_accounts) and l.remaining > 0 and l.activated_at is null and l.lapse_at <= p_moment
    ), changed as (
        update points_lot l set remaining = 0, expired = l.expired + d.n from due d where l.id = d.id
    ), lines as (
        insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
        select account_id, 'lapse', 0, -n, 0, 0, 0, balance, 'lapse:' || id, 0, '', lapse_at from due order by account_id, lapse_at, id
        returning id, source, account_id
    ), used as (
        insert into points_use (entry_id, lot_id, kind, amount)
        select e.id, d.id, 'lapse', d.n from due d join lines e on e.account_id = d.account_id and e.source = 'lapse:' || d.id
    )
    update points_account a set pending = a.pending - t.n
    from (select account_id, sum(n) as n from due group by 1) t where a.id = t.account_id;

    with due as (
        select l.id, l.account_id, l.remaining as n, l.expires_at, a.balance
        from points_lot l join points_account a on a.id = l.account_id
        where l.account_id = any(p_accounts) and l.remaining > 0 and l.activated_at is not null and l.expires_at <= p_moment
    ), changed as (
        update points_lot l set remaining = 0, expired = l.expired + d.n from due d where l.id = d.id
    ), grouped as (
        select account_id, expires_at, min(balance) - sum(sum(n)) over (partition by account_id order by expires_at) as after,
               sum(n) as n
        from due group by account_id, expires_at
    ), numbered as materialized (
        -- the source is the line's own number: a lot that was given something back after its end expires once more
        select nextval(pg_get_serial_sequence('points_entry', 'id')) as id, g.*
        from (select * from grouped order by account_id, expires_at) g
    ), lines as (
        insert into points_entry (id, account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
        select id, account_id, 'expire', -n, 0, 0, 0, 0, after, 'expire:' || id, 0, '', expires_at from numbered
        returning id, account_id, at
    ), used as (
        insert into points_use (entry_id, lot_id, kind, amount)
        select e.id, d.id, 'expire', d.n from due d join lines e on e.account_id = d.account_id and e.at = d.expires_at
    )
    update points_account a set balance = a.balance - t.n
    from (select account_id, sum(n) as n from due group by 1) t where a.id = t.account_id;

    update points_account a set next_due_at = points_next_due(a.id) where a.id = any(p_accounts);
end $$;

create or replace function points_next_due(p_account bigint) returns timestamptz language sql stable as $$
    select min(case when activated_at is null then least(due_at, lapse_at) else expires_at end)
    from points_lot where account_id = p_account and remaining > 0
$$;


-- Grant points. `p_is_pending` with `p_due_at`: usable from then on; without: until `points_release`. `p_lapse_at` drops them then.
create or replace function points_earn(
    p_member bigint, p_currency bigint, p_amount bigint, p_source text, p_kind text, p_moment timestamptz,
    p_is_pending boolean, p_due_at timestamptz, p_lapse_at timestamptz, p_expiry jsonb, p_expires_at timestamptz,
    p_version bigint, p_store bigint, p_staff bigint, p_note text,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    a points_account := points_locked(p_member, p_currency, p_moment);
    waits boolean := p_is_pending and (p_due_at > p_moment) is not false;
    paid bigint := case when waits then 0 else least(a.debt, p_amount) end;
    usable bigint := case when waits then 0 else p_amount - paid end;
    waiting bigint := case when waits then p_amount else 0 end;
    policy jsonb;
    ends timestamptz;
    lot bigint;
begin
    if a.is_joint then
        select 'again', e.id, e.granted into outcome, entry_id, amount from points_written(a, p_source) e where e.id is not null;
        if entry_id is not null then
            balance := a.balance; pending := a.pending; held := a.held; debt := a.debt;
            return;
        end if;
    end if;
    insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone,
                              version_id, store_id, staff_id, note, at)
    values (a.id, p_kind, usable, waiting, 0, -paid, p_amount, a.balance + usable, p_source, 0,
            p_version, p_store, p_staff, p_note, p_moment)
    on conflict (account_id, source) do nothing returning id into entry_id;
    if entry_id is null then
        select 'again', e.id, e.granted into outcome, entry_id, amount from points_entry e where e.account_id = a.id and e.source = p_source;
    else
        select coalesce(p_expiry, c.expiry) into policy from points_currency c where c.id = p_currency;
        ends := case when waits then null else coalesce(p_expires_at, points_expiry(policy, p_moment)) end;
        insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at,
                                due_at, lapse_at, activated_at, expires_at, expiry)
        values (a.id, entry_id, p_amount, p_amount - paid, 0, 0, 0, p_moment,
                p_due_at, p_lapse_at, case when waits then null else p_moment end, ends, p_expiry)
        returning id into lot;
        if paid > 0 then
            insert into points_use (entry_id, lot_id, kind, amount) values (entry_id, lot, 'debt', paid);
        end if;
        update points_account t set balance = t.balance + usable, pending = t.pending + waiting, debt = t.debt - paid,
               earned_total = t.earned_total + p_amount,
               next_due_at = case when waits then least(t.next_due_at, p_due_at, p_lapse_at) else least(t.next_due_at, ends) end
        where t.id = a.id;
        perform points_touch(a.id, policy, p_moment);
        outcome := 'done'; amount := p_amount;
        a.balance := a.balance + usable; a.pending := a.pending + waiting; a.debt := a.debt - paid;
    end if;
    balance := a.balance; pending := a.pending; held := a.held; debt := a.debt;
end $$;

-- Where points expire by idleness, any earning or spending moves the end of all that is left.
create or replace function points_touch(p_account bigint, policy jsonb, p_moment timestamptz) returns void language plpgsql as $$
begin
    if policy ->> 'kind' = 'idle' then
        update points_lot set expires_at = points_expiry(policy, p_moment)
        where account_id = p_account and remaining > 0 and activated_at is not null and expiry is null;
        update points_account set next_due_at = points_next_due(p_account) where id = p_account;
    end if;
end $$;


-- Take points, first-expiring first: spend, hold (set aside until `p_hold_until`), adjust, transfer_out.
create or replace function points_take(
    p_member bigint, p_currency bigint, p_amount bigint, p_source text, p_kind text, p_moment timestamptz,
    p_hold_until timestamptz, p_store bigint, p_staff bigint, p_note text,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    a points_account := points_locked(p_member, p_currency, p_moment);
    aside bigint := case when p_kind = 'hold' then p_amount else 0 end;
    c points_currency;
begin
    select 'again', e.id, -e.amount into outcome, entry_id, amount from points_written(a, p_source) e where e.id is not null;
    if entry_id is null then
        if a.is_frozen and p_kind <> 'adjust' then
            outcome := 'frozen';
        elsif a.balance < p_amount then
            outcome := 'short';
        else
            select * into c from points_currency where id = p_currency;
            insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone,
                                      store_id, staff_id, note, at)
            values (a.id, p_kind, -p_amount, 0, aside, 0, 0, a.balance - p_amount, p_source, 0, p_store, p_staff, p_note, p_moment)
            returning id into entry_id;
            -- what is only counted (growth) is taken from the earning itself, newest first, so that no period counts it
            perform points_use_lots(a.id, entry_id, p_amount, 'spend', not c.is_spendable);
            if p_kind = 'hold' then
                insert into points_hold (entry_id, state, captured, expires_at) values (entry_id, 'held', 0, p_hold_until);
            end if;
            update points_account t set balance = t.balance - p_amount, held = t.held + aside where t.id = a.id;
            perform points_touch(a.id, c.expiry, p_moment);
            outcome := 'done'; amount := p_amount;
            a.balance := a.balance - p_amount; a.held := a.held + aside;
        end if;
    end if;
    balance := a.balance; pending := a.pending; held := a.held; debt := a.debt;
end $$;

-- Consume `p_amount` of the open lots and note it under the line. The lots are walked in their order, as the index has it, and the walk
-- ends where the sum is reached: an account may have thousands, and all who earn or spend there wait meanwhile. Raises when they do not
-- hold as much as the balance says: books that contradict themselves are left as they are for `check_ledgers`.
create or replace function points_use_lots(p_account bigint, p_entry bigint, p_amount bigint, p_kind text, p_is_undoing boolean)
returns void language plpgsql as $$
declare
    lot bigint; there bigint;
    used bigint := 0;
    lots bigint[] := '{}'; parts bigint[] := '{}';
    walk refcursor;
begin
    if p_is_undoing then
        open walk for select id, remaining from points_lot where account_id = p_account and remaining > 0 and activated_at is not null
                      order by earned_at desc, expires_at, id;
    else
        open walk for select id, remaining from points_lot where account_id = p_account and remaining > 0 and activated_at is not null
                      order by expires_at, id;  -- those without an end come last
    end if;
    while used < p_amount loop
        fetch walk into lot, there;
        exit when not found;
        there := least(there, p_amount - used);
        used := used + there; lots := lots || lot; parts := parts || there;
    end loop;
    close walk;
    if used is distinct from p_amount then
        raise exception 'the lots of account % hold % of %', p_account, used, p_amount using errcode = 'data_corrupted';
    end if;
    with taken as (
        select * from unnest(lots, parts) as t(id, n)
    ), changed as (
        update points_lot l set remaining = l.remaining - t.n,
               reversed = case when p_is_undoing then least(l.amount, l.reversed + t.n) else l.reversed end
        from taken t where l.id = t.id
    )
    insert into points_use (entry_id, lot_id, kind, amount) select p_entry, id, p_kind, n from taken;
end $$;


-- Take back points that should not have been earned: from their own lot, then what of it has run out (nobody has had it), then from
-- the other lots, then by the currency's policy as a debt, or on paper only. `p_policy` null: the currency's.
create or replace function points_reverse(
    p_entry bigint, p_amount bigint, p_source text, p_moment timestamptz, p_policy text, p_store bigint, p_staff bigint, p_note text,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    l points_lot;
    a points_account;
    policy text;
    undone bigint;
    own bigint; unused bigint; others bigint; rest bigint; owed bigint;
    is_waiting boolean;
begin
    -- only what was earned: a line without a lot of its own, or that came from another member, is undone where it was made
    select t.* into l from points_lot t join points_entry e on e.id = t.entry_id where t.entry_id = p_entry and e.kind <> 'transfer_in';
    if l.id is null then outcome := 'exceeds'; amount := 0; return; end if;
    a := points_locked_root(l.account_id, p_moment);
    select * into l from points_lot t where t.id = l.id;
    if l.account_id <> a.id then  -- a merge was undone between the two reads
        a := points_locked_root(l.account_id, p_moment);
    end if;
    select 'again', u.entry_id, u.amount into outcome, entry_id, amount from points_undone(a, p_entry, p_source) u where u.entry_id is not null;
    if entry_id is null then
        undone := points_undone_of(p_entry);
        if p_amount > l.amount - undone then
            outcome := 'exceeds'; amount := l.amount - undone;
        else
            policy := coalesce(p_policy, (select c.refund_policy from points_currency c where c.id = a.currency_id));
            is_waiting := l.activated_at is null;
            own := case when policy = 'only_pending' and not is_waiting then 0 else least(p_amount, l.remaining) end;
            unused := least(p_amount - own, l.expired);
            rest := case when policy = 'only_pending' then 0 else p_amount - own - unused end;
            others := least(rest, a.balance - case when is_waiting then 0 else own end);
            owed := case when policy = 'debt' then rest - others else 0 end;
            insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, reverses_id, undone,
                                      store_id, staff_id, note, at)
            values (a.id, 'reverse', -others - case when is_waiting then 0 else own end, case when is_waiting then -own else 0 end, 0, owed, 0,
                    a.balance - others - case when is_waiting then 0 else own end, p_source, p_entry, p_amount, p_store, p_staff, p_note, p_moment)
            returning id into entry_id;
            update points_lot t set remaining = t.remaining - own, expired = t.expired - unused, reversed = least(t.amount, t.reversed + p_amount),
                   forgiven = t.forgiven + case when policy = 'within_balance' then rest - others else 0 end
            where t.id = l.id;
            if own > 0 then
                insert into points_use (entry_id, lot_id, kind, amount) values (entry_id, l.id, 'reverse', own);
            end if;
            if others > 0 then
                perform points_use_lots(a.id, entry_id, others, 'reverse', false);
            end if;
            update points_account t set balance = t.balance - others - case when is_waiting then 0 else own end,
                   pending = t.pending - case when is_waiting then own else 0 end, debt = t.debt + owed
            where t.id = a.id;
            outcome := 'done'; amount := p_amount;
        end if;
    end if;
    select t.balance, t.pending, t.held, t.debt into balance, pending, held, debt from points_account t where t.id = a.id;
end $$;


-- The fact that a pending earning waited for has come: usable from now on, or from `p_due`, and no longer dropped. Told again, nothing
-- is put off.
drop function if exists points_release(bigint, timestamptz);
create or replace function points_release(p_entry bigint, p_moment timestamptz, p_due timestamptz, out outcome text) language plpgsql as $$
declare
    a points_account := points_locked_root((select account_id from points_entry where id = p_entry), p_moment);
    usable_at timestamptz := greatest(p_due, p_moment);
begin
    update points_lot set due_at = usable_at, lapse_at = null where entry_id = p_entry and activated_at is null and remaining > 0
       and (due_at is null or due_at > usable_at);
    outcome := case when found then 'done' else 'again' end;
    perform points_settle(array[a.id], p_moment);
end $$;
