-- The only writers of the points books: one call, one round trip, whole or not at all. Installed by the migrations (`core.database.SqlFile`).
--
-- Each function locks the account first, so that what it reads afterwards is what is true (every statement of a volatile function
-- sees what committed before it began), settles what fell due meanwhile, and answers with
--   outcome  done | again (this source wrote before: `amount` is what it wrote) | short | frozen | exceeds | late | settled
--   entry_id, amount, balance, pending, held, debt   of the account afterwards
-- Nothing is written unless the outcome is done. Amounts are positive whole points. Times are moments; days are shop days.


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


-- The member's account, locked; made where there is none.
create or replace function points_locked(p_member bigint, p_currency bigint, p_moment timestamptz)
returns points_account language plpgsql as $$
declare a points_account;
begin
    select * into a from points_account where member_id = p_member and currency_id = p_currency for no key update;
    if not found then
        insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, created_at)
        values (p_member, p_currency, 0, 0, 0, 0, 0, false, p_moment) on conflict do nothing;
        select * into a from points_account where member_id = p_member and currency_id = p_currency for no key update;
    end if;
    if a.next_due_at <= p_moment then
        perform points_settle(array[a.id], p_moment);
        select * into a from points_account where id = a.id;
    end if;
    return a;
end $$;


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
    paid bigint := case when p_is_pending then 0 else least(a.debt, p_amount) end;
    usable bigint := case when p_is_pending then 0 else p_amount - paid end;
    waiting bigint := case when p_is_pending then p_amount else 0 end;
    policy jsonb;
    ends timestamptz;
    lot bigint;
begin
    insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone,
                              version_id, store_id, staff_id, note, at)
    values (a.id, p_kind, usable, waiting, 0, -paid, p_amount, a.balance + usable, p_source, 0,
            p_version, p_store, p_staff, p_note, p_moment)
    on conflict (account_id, source) do nothing returning id into entry_id;
    if entry_id is null then
        select 'again', e.id, e.granted into outcome, entry_id, amount from points_entry e where e.account_id = a.id and e.source = p_source;
    else
        select coalesce(p_expiry, c.expiry) into policy from points_currency c where c.id = p_currency;
        ends := case when p_is_pending then null else coalesce(p_expires_at, points_expiry(policy, p_moment)) end;
        insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at,
                                due_at, lapse_at, activated_at, expires_at, expiry)
        values (a.id, entry_id, p_amount, p_amount - paid, 0, 0, 0, p_moment,
                p_due_at, p_lapse_at, case when p_is_pending then null else p_moment end, ends, p_expiry)
        returning id into lot;
        if paid > 0 then
            insert into points_use (entry_id, lot_id, kind, amount) values (entry_id, lot, 'debt', paid);
        end if;
        update points_account t set balance = t.balance + usable, pending = t.pending + waiting, debt = t.debt - paid,
               earned_total = t.earned_total + p_amount,
               next_due_at = case when p_is_pending then least(t.next_due_at, p_due_at, p_lapse_at) else least(t.next_due_at, ends) end
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
    select 'again', e.id, -e.amount into outcome, entry_id, amount from points_entry e where e.account_id = a.id and e.source = p_source;
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

-- Consume `p_amount` of the open lots (the balance covers it) and note it under the line.
create or replace function points_use_lots(p_account bigint, p_entry bigint, p_amount bigint, p_kind text, p_is_undoing boolean)
returns void language sql as $$
    with open as (
        select id, remaining, sum(remaining) over (
            order by case when p_is_undoing then -extract(epoch from earned_at) end, expires_at nulls last, id) as upto
        from points_lot where account_id = p_account and remaining > 0 and activated_at is not null
    ), taken as (
        select id, least(remaining, p_amount - (upto - remaining)) as n from open where upto - remaining < p_amount
    ), changed as (
        update points_lot l set remaining = l.remaining - t.n, reversed = l.reversed + case when p_is_undoing then t.n else 0 end
        from taken t where l.id = t.id
    )
    insert into points_use (entry_id, lot_id, kind, amount) select p_entry, id, p_kind, n from taken
$$;


-- Give back what a line took (return), or let go of what it set aside (release): to the same lots, last taken first, with their own ends.
-- A lot whose earning was taken back meanwhile without being paid keeps nothing; a debt is paid first; what has ended expires at once.
create or replace function points_give_back(
    p_entry bigint, p_amount bigint, p_source text, p_kind text, p_moment timestamptz,
    p_store bigint, p_staff bigint, p_note text,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    a points_account;
    account bigint := (select l.account_id from points_use u join points_lot l on l.id = u.lot_id where u.entry_id = p_entry limit 1);
    left_over bigint;
    lots bigint[]; backs bigint[]; wipes bigint[]; pays bigint[];
    wiped_off bigint;
    paid bigint;
begin
    select * into a from points_account t where t.id = account for no key update;
    if a.id is null then outcome := 'exceeds'; amount := 0; return; end if;
    a := points_locked(a.member_id, a.currency_id, p_moment);
    select 'again', e.id, e.undone into outcome, entry_id, amount from points_entry e where e.account_id = a.id and e.source = p_source;
    if entry_id is null then
        select coalesce(sum(n), 0) into left_over from points_taken(p_entry);
        if p_amount > left_over then
            outcome := 'exceeds'; amount := left_over;
        else
            with back as (
                select t.lot_id, least(t.n, p_amount - (t.upto - t.n)) as n from points_taken(p_entry) t where t.upto - t.n < p_amount
            ), kept as (
                select b.lot_id, b.n, least(b.n, l.forgiven) as wiped, l.expires_at, b.n - least(b.n, l.forgiven) as rest
                from back b join points_lot l on l.id = b.lot_id
            ), owed as (
                select k.*, sum(rest) over (order by expires_at nulls last, lot_id) as upto from kept k
            )
            select array_agg(lot_id), array_agg(n), array_agg(wiped), array_agg(least(a.debt, upto) - least(a.debt, upto - rest)),
                   sum(wiped), sum(least(a.debt, upto) - least(a.debt, upto - rest))
            into lots, backs, wipes, pays, wiped_off, paid from owed;
            insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, reverses_id, undone,
                                      store_id, staff_id, note, at)
            values (a.id, p_kind, p_amount - wiped_off - paid, 0, case when p_kind = 'release' then -p_amount else 0 end, -paid, 0,
                    a.balance + p_amount - wiped_off - paid, p_source, p_entry, p_amount, p_store, p_staff, p_note, p_moment)
            returning id into entry_id;
            update points_lot l set remaining = l.remaining + b.n - b.wiped - b.paid, forgiven = l.forgiven - b.wiped
            from unnest(lots, backs, wipes, pays) b(lot, n, wiped, paid) where l.id = b.lot;
            insert into points_use (entry_id, lot_id, kind, amount)
            select entry_id, b.lot, u.kind, u.n from unnest(lots, backs, wipes, pays) b(lot, back, wiped, paid),
                   lateral (values ('spend', -b.back), ('reverse', b.wiped), ('debt', b.paid)) u(kind, n) where u.n <> 0;
            update points_account t set balance = t.balance + p_amount - wiped_off - paid, debt = t.debt - paid,
                   held = t.held - case when p_kind = 'release' then p_amount else 0 end, next_due_at = points_next_due(t.id)
            where t.id = a.id;
            outcome := 'done'; amount := p_amount;
            a := points_locked(a.member_id, a.currency_id, p_moment);
        end if;
    end if;
    select t.balance, t.pending, t.held, t.debt into balance, pending, held, debt from points_account t where t.id = a.id;
end $$;

-- What a line took and has not been given back yet, last taken first; `upto` is the running sum.
create or replace function points_taken(p_entry bigint) returns table (lot_id bigint, n bigint, upto bigint) language sql stable as $$
    select s.lot_id, s.n::bigint, (sum(s.n) over (order by l.expires_at desc nulls first, s.lot_id desc))::bigint
    from (
        select u.lot_id, sum(u.amount) as n from points_use u
        where u.kind = 'spend' and u.entry_id in (select p_entry union all select e.id from points_entry e where e.reverses_id = p_entry)
        group by u.lot_id having sum(u.amount) > 0
    ) s join points_lot l on l.id = s.lot_id
$$;


-- Spend what was set aside, or part of it; the rest is released. A hold whose time is over is only released (outcome late).
create or replace function points_capture(
    p_entry bigint, p_amount bigint, p_source text, p_moment timestamptz,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    a points_account;
    h points_hold;
    aside bigint;
begin
    select t.* into a from points_account t
    where t.id = (select l.account_id from points_use u join points_lot l on l.id = u.lot_id where u.entry_id = p_entry limit 1);
    a := points_locked(a.member_id, a.currency_id, p_moment);
    select 'again', e.id, -e.held into outcome, entry_id, amount from points_entry e where e.account_id = a.id and e.source = p_source;
    if entry_id is null then
        select * into h from points_hold t where t.entry_id = p_entry;
        aside := (select e.held from points_entry e where e.id = p_entry);
        if h.state <> 'held' then outcome := 'settled'; amount := h.captured;
        elsif h.expires_at <= p_moment then outcome := 'late'; amount := 0;
        elsif p_amount > aside then outcome := 'exceeds'; amount := aside;
        else
            insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
            values (a.id, 'capture', 0, 0, -p_amount, 0, 0, a.balance, p_source, 0, '', p_moment) returning id into entry_id;
            update points_account t set held = t.held - p_amount where t.id = a.id;
            update points_hold t set state = 'captured', captured = p_amount, settled_at = p_moment where t.entry_id = p_entry;
            if p_amount < aside then
                perform points_give_back(p_entry, aside - p_amount, p_source || ':rest', 'release', p_moment, null, null, '');
            end if;
            outcome := 'done'; amount := p_amount;
        end if;
    end if;
    select t.balance, t.pending, t.held, t.debt into balance, pending, held, debt from points_account t where t.id = a.id;
end $$;

-- Let go of a hold, by its owner or because its time is over (`p_state`: released, expired).
create or replace function points_let_go(
    p_entry bigint, p_source text, p_state text, p_moment timestamptz,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    account bigint := (select l.account_id from points_use u join points_lot l on l.id = u.lot_id where u.entry_id = p_entry limit 1);
    h points_hold;
begin
    perform from points_account t where t.id = account for no key update;
    select * into h from points_hold t where t.entry_id = p_entry;
    if h.state <> 'held' then
        outcome := case when h.state in ('released', 'expired') then 'again' else 'settled' end;
        amount := case when h.state = 'captured' then h.captured else 0 end;
        select t.balance, t.pending, t.held, t.debt into balance, pending, held, debt from points_account t where t.id = account;
        return;
    end if;
    update points_hold t set state = p_state, settled_at = p_moment where t.entry_id = p_entry;
    select g.* into outcome, entry_id, amount, balance, pending, held, debt from points_give_back(
        p_entry, (select e.held from points_entry e where e.id = p_entry), p_source, 'release', p_moment, null, null, '') g;
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
    own bigint; unused bigint; others bigint; rest bigint; owed bigint;
    is_waiting boolean;
begin
    select * into l from points_lot t where t.entry_id = p_entry order by t.id limit 1;
    if l.id is null then outcome := 'exceeds'; amount := 0; return; end if;
    select * into a from points_account t where t.id = l.account_id for no key update;
    a := points_locked(a.member_id, a.currency_id, p_moment);
    select * into l from points_lot t where t.id = l.id;
    select 'again', e.id, e.undone into outcome, entry_id, amount from points_entry e where e.account_id = a.id and e.source = p_source;
    if entry_id is null then
        if p_amount > l.amount - l.reversed then
            outcome := 'exceeds'; amount := l.amount - l.reversed;
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
            update points_lot t set remaining = t.remaining - own, expired = t.expired - unused, reversed = t.reversed + p_amount,
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


-- The fact that a pending earning waited for has come: usable from now on.
create or replace function points_release(p_entry bigint, p_moment timestamptz, out outcome text) language plpgsql as $$
declare a points_account;
begin
    select t.* into a from points_account t join points_lot l on l.account_id = t.id where l.entry_id = p_entry limit 1;
    a := points_locked(a.member_id, a.currency_id, p_moment);
    update points_lot set due_at = p_moment where entry_id = p_entry and activated_at is null and remaining > 0
       and (due_at is null or due_at > p_moment);
    outcome := case when found then 'done' else 'again' end;
    perform points_settle(array[a.id], p_moment);
end $$;


-- Give points to another member: the giver's first-expiring lots, whole days kept (`p_keeps_ends`) or counted anew. The fee is gone.
create or replace function points_transfer(
    p_from bigint, p_to bigint, p_currency bigint, p_amount bigint, p_fee bigint, p_source text, p_moment timestamptz, p_keeps_ends boolean,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    giver points_account;
    taker points_account;
    arrival bigint;
    paid bigint;
begin
    -- both locks in one order, whoever gives
    if p_from < p_to then
        giver := points_locked(p_from, p_currency, p_moment); taker := points_locked(p_to, p_currency, p_moment);
    else
        taker := points_locked(p_to, p_currency, p_moment); giver := points_locked(p_from, p_currency, p_moment);
    end if;
    select t.* into outcome, entry_id, amount, balance, pending, held, debt from points_take(
        p_from, p_currency, p_amount + p_fee, p_source, 'transfer_out', p_moment, null, null, null, '') t;
    if outcome <> 'done' then amount := amount - p_fee; return; end if;
    paid := least(taker.debt, p_amount);
    insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
    values (taker.id, 'transfer_in', p_amount - paid, 0, 0, -paid, p_amount, taker.balance + p_amount - paid, p_source, 0, '', p_moment)
    returning id into arrival;
    with given as (
        select l.expires_at, u.amount as n, sum(u.amount) over (order by l.expires_at nulls last, l.id) as upto, l.id
        from points_use u join points_lot l on l.id = u.lot_id where u.entry_id = points_transfer.entry_id
    ), arrived as (
        select id, expires_at, least(n, p_amount - (upto - n)) as n, upto - n as before from given where upto - n < p_amount
    ), made as (
        insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at, activated_at, expires_at)
        select taker.id, arrival, n, n - (least(paid, before + n) - least(paid, before)), 0, 0, 0, p_moment, p_moment,
               case when p_keeps_ends then expires_at else points_expiry((select c.expiry from points_currency c where c.id = p_currency), p_moment) end
        from arrived order by id
        returning id, points_lot.amount as whole, remaining
    )
    insert into points_use (entry_id, lot_id, kind, amount)
    select arrival, id, 'debt', whole - remaining from made where whole > remaining;
    update points_account t set balance = t.balance + p_amount - paid, debt = t.debt - paid, next_due_at = points_next_due(t.id)
    where t.id = taker.id;
    amount := p_amount;
end $$;


-- Two records became one: all lots, debts and holds of the giver's account go to the taker's, in two lines. Repeatable by source.
-- Entries stay where they were written; who looks for a lot finds it by its entry.
create or replace function points_join(p_from bigint, p_to bigint, p_currency bigint, p_source text, p_moment timestamptz, out moved bigint)
language plpgsql as $$
declare
    giver points_account;
    taker points_account;
    paid bigint;
    arrival bigint;
begin
    moved := 0;
    if not exists (select from points_account where member_id = p_from and currency_id = p_currency) then return; end if;
    if p_from < p_to then
        giver := points_locked(p_from, p_currency, p_moment); taker := points_locked(p_to, p_currency, p_moment);
    else
        taker := points_locked(p_to, p_currency, p_moment); giver := points_locked(p_from, p_currency, p_moment);
    end if;
    if giver.balance = 0 and giver.pending = 0 and giver.held = 0 and giver.debt = 0
       and not exists (select from points_lot where account_id = giver.id) then return; end if;
    if giver.balance > 0 or giver.pending > 0 or giver.held > 0 or giver.debt > 0 then
        insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
        values (giver.id, 'merge_out', -giver.balance, -giver.pending, -giver.held, -giver.debt, 0, 0, p_source, 0, '', p_moment);
        -- a balance on one side and a debt on the other settle each other
        paid := least(giver.balance + taker.balance, giver.debt + taker.debt);
        insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
        values (taker.id, 'merge_in', giver.balance - paid, giver.pending, giver.held, giver.debt - paid, 0,
                taker.balance + giver.balance - paid, p_source, 0, '', p_moment)
        returning id into arrival;
    end if;
    update points_lot set account_id = taker.id where account_id = giver.id;
    get diagnostics moved = row_count;
    if paid > 0 then
        perform points_use_lots(taker.id, arrival, paid, 'debt', false);
    end if;
    update points_account set balance = 0, pending = 0, held = 0, debt = 0, next_due_at = null where id = giver.id;
    update points_account t set balance = t.balance + giver.balance - coalesce(paid, 0), pending = t.pending + giver.pending,
           held = t.held + giver.held, debt = t.debt + giver.debt - coalesce(paid, 0), next_due_at = points_next_due(t.id)
    where t.id = taker.id;
end $$;
