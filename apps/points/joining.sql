-- What moves points between two accounts: a gift to another member, a merge of two records and its undoing. Goes with ledger.sql:
-- same rules, same answers; further outcomes self (both are one account) and cap (`amount` is what may still leave today).


-- Give points to another member: the giver's first-expiring lots, whole days kept (`p_keeps_ends`) or counted anew. The fee is gone.
-- `p_cap`: the most that may leave the giver's account in one shop day, fees with it; null: no end.
drop function if exists points_transfer(bigint, bigint, bigint, bigint, bigint, text, timestamptz, boolean);
create or replace function points_transfer(
    p_from bigint, p_to bigint, p_currency bigint, p_amount bigint, p_fee bigint, p_cap bigint,
    p_source text, p_moment timestamptz, p_keeps_ends boolean,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    giver points_account;
    taker points_account;
    policy jsonb;
    given_today bigint;
    arrival bigint;
    paid bigint;
begin
    -- both locks in one order, whoever gives
    if p_from < p_to then
        giver := points_locked(p_from, p_currency, p_moment); taker := points_locked(p_to, p_currency, p_moment);
    else
        taker := points_locked(p_to, p_currency, p_moment); giver := points_locked(p_from, p_currency, p_moment);
    end if;
    balance := giver.balance; pending := giver.pending; held := giver.held; debt := giver.debt;
    if giver.id = taker.id then outcome := 'self'; amount := 0; return; end if;
    select 'again', e.id, coalesce((select t.granted from points_entry t where t.account_id = taker.id and t.source = 'transfer:' || e.id), 0)
    into outcome, entry_id, amount from points_written(giver, p_source) e where e.id is not null;
    if entry_id is not null then return; end if;
    if p_cap is not null then
        select coalesce(-sum(e.amount), 0) into given_today from points_entry e
        where e.account_id = giver.id and e.kind = 'transfer_out'
          and e.at >= date_trunc('day', p_moment at time zone 'Asia/Shanghai') at time zone 'Asia/Shanghai';
        if given_today + p_amount + p_fee > p_cap then
            outcome := 'cap'; amount := greatest(p_cap - given_today, 0); return;
        end if;
    end if;
    select t.* into outcome, entry_id, amount, balance, pending, held, debt from points_take(
        p_from, p_currency, p_amount + p_fee, p_source, 'transfer_out', p_moment, null, null, null, '') t;
    if outcome <> 'done' then return; end if;
    policy := (select c.expiry from points_currency c where c.id = p_currency);
    paid := least(taker.debt, p_amount);
    insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
    values (taker.id, 'transfer_in', p_amount - paid, 0, 0, -paid, p_amount, taker.balance + p_amount - paid,
            'transfer:' || entry_id, 0, '', p_moment)
    returning id into arrival;
    with given as (
        select l.expires_at, u.amount as n, sum(u.amount) over (order by l.expires_at nulls last, l.id) as upto, l.id
        from points_use u join points_lot l on l.id = u.lot_id where u.entry_id = points_transfer.entry_id
    ), arrived as (
        select id, expires_at, least(n, p_amount - (upto - n)) as n, upto - n as before from given where upto - n < p_amount
    ), made as (
        insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at, activated_at, expires_at)
        select taker.id, arrival, n, n - (least(paid, before + n) - least(paid, before)), 0, 0, 0, p_moment, p_moment,
               case when p_keeps_ends then expires_at else points_expiry(policy, p_moment) end
        from arrived order by id
        returning id, points_lot.amount as whole, remaining
    )
    insert into points_use (entry_id, lot_id, kind, amount)
    select arrival, id, 'debt', whole - remaining from made where whole > remaining;
    update points_account t set balance = t.balance + p_amount - paid, debt = t.debt - paid, next_due_at = points_next_due(t.id)
    where t.id = taker.id;
    amount := p_amount;
end $$;


-- The two accounts of a merge as they are, locked in one order, made where there is none, and settled.
create or replace function points_locked_pair(p_first bigint, p_second bigint, p_currency bigint, p_moment timestamptz)
returns void language plpgsql as $$
begin
    insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, is_joint, created_at)
    select m, p_currency, 0, 0, 0, 0, 0, false, false, p_moment
    from unnest(array[least(p_first, p_second), greatest(p_first, p_second)]) m on conflict do nothing;
    perform from points_account where currency_id = p_currency and member_id in (p_first, p_second) order by member_id for no key update;
    perform points_settle(array_agg(id), p_moment) from points_account
    where currency_id = p_currency and member_id in (p_first, p_second) and next_due_at <= p_moment having count(*) > 0;
end $$;


-- Two records became one: all lots, debts and holds of the giver's account go to the taker's, in two lines, and whatever is booked
-- for the giver from now on lands on the taker's. Repeatable. Entries stay where they were written. A frozen account freezes the other.
create or replace function points_join(p_from bigint, p_to bigint, p_currency bigint, p_source text, p_moment timestamptz, out moved bigint)
language plpgsql as $$
declare
    giver points_account;
    taker points_account;
    paid bigint := 0;
    arrival bigint;
begin
    moved := 0;
    perform points_locked_pair(p_from, p_to, p_currency, p_moment);
    select * into giver from points_account where member_id = p_from and currency_id = p_currency;
    taker := points_locked(p_to, p_currency, p_moment);
    if giver.joined_into_id is not null or giver.id = taker.id
       or exists (select from points_entry where account_id = giver.id and source = p_source) then
        return;  -- joined before, or joined and parted again since
    end if;
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
    update points_account set balance = 0, pending = 0, held = 0, debt = 0, next_due_at = null, joined_into_id = taker.id where id = giver.id;
    update points_account t set balance = t.balance + giver.balance - paid, pending = t.pending + giver.pending,
           held = t.held + giver.held, debt = t.debt + giver.debt - paid, next_due_at = points_next_due(t.id),
           is_joint = true, is_frozen = t.is_frozen or giver.is_frozen
    where t.id = taker.id;
end $$;


-- The merge was a mistake: what joined goes back as far as it is still there. Lots earned on the giver's account, with what is left in
-- them; holds made there that are still open; of an open debt no more than the giver brought. What was spent meanwhile stays spent.
create or replace function points_part(p_from bigint, p_to bigint, p_currency bigint, p_source text, p_moment timestamptz, out moved bigint)
language plpgsql as $$
declare
    giver points_account;   -- gets its own back
    taker points_account;   -- of the record that stays
    family bigint[];
    back bigint; waiting bigint; aside bigint; owed bigint;
begin
    moved := 0;
    perform points_locked_pair(p_from, p_to, p_currency, p_moment);
    select * into giver from points_account where member_id = p_from and currency_id = p_currency;
    select * into taker from points_account where member_id = p_to and currency_id = p_currency;
    if giver.joined_into_id is distinct from taker.id or taker.joined_into_id is not null then return; end if;
    with recursive own as (
        select giver.id union select j.id from points_account j join own o on j.joined_into_id = o.id
    )
    select array_agg(id) into family from own;
    update points_account set joined_into_id = null where id = giver.id;
    with gone as (
        update points_lot l set account_id = giver.id from points_entry e
        where l.account_id = taker.id and e.id = l.entry_id and e.account_id = any(family)
        returning l.remaining, l.activated_at
    )
    select count(*), coalesce(sum(remaining) filter (where activated_at is not null), 0),
           coalesce(sum(remaining) filter (where activated_at is null), 0) into moved, back, waiting from gone;
    select coalesce(sum(e.held), 0) into aside from points_entry e join points_hold h on h.entry_id = e.id
    where e.account_id = any(family) and h.state = 'held';
    select least(taker.debt, coalesce(sum(-e.debt), 0)) into owed from points_entry e
    where e.account_id = giver.id and e.kind = 'merge_out' and e.source = p_source;
    if back > 0 or waiting > 0 or aside > 0 or owed > 0 then
        insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
        values (taker.id, 'merge_out', -back, -waiting, -aside, -owed, 0, taker.balance - back, p_source || ':undone', 0, '', p_moment),
               (giver.id, 'merge_in', back, waiting, aside, owed, 0, back, p_source || ':undone', 0, '', p_moment);
    end if;
    update points_account t set balance = t.balance - back, pending = t.pending - waiting, held = t.held - aside, debt = t.debt - owed,
           next_due_at = points_next_due(t.id) where t.id = taker.id;
    update points_account t set balance = back, pending = waiting, held = aside, debt = owed, next_due_at = points_next_due(t.id)
    where t.id = giver.id;
end $$;
