-- What comes back: points of a line that is undone, and what was set aside for a while. Goes with ledger.sql: same rules, same answers;
-- one more outcome clash: this source wrote something else here.


-- Give back what a line took (return), or let go of what it set aside (release): to the same lots, last taken first, with their own ends.
-- What was taken back on paper only, for want of a balance, is taken from them now; a debt is paid first; then those that stood in for
-- them when they were taken back get theirs again (`points_relieve`); what has ended expires at once.
-- Where a merge was undone since, the lots may stand on two accounts: each gets its own line under the same source.
create or replace function points_give_back(
    p_entry bigint, p_amount bigint, p_source text, p_kind text, p_moment timestamptz,
    p_store bigint, p_staff bigint, p_note text,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    line points_entry;
    a points_account;
    left_over bigint;
    lots bigint[]; backs bigint[];
    place bigint;
    written bigint;
begin
    select * into line from points_entry e where e.id = p_entry;
    if line.kind = 'capture' then
        select * into line from points_entry e where e.id = line.reverses_id;
    end if;
    if line.id is null then outcome := 'exceeds'; amount := 0; return; end if;
    a := points_locked_with(line.id, line.account_id, p_moment);
    select 'again', u.entry_id, u.amount into outcome, entry_id, amount from points_undone(a, line.id, p_source) u where u.entry_id is not null;
    if entry_id is null then
        select coalesce(sum(n), 0) into left_over from points_taken(line.id);
        if p_kind = 'return' and (line.kind in ('transfer_out', 'merge_out', 'merge_in')
                                  or exists (select from points_hold h where h.entry_id = line.id and h.state = 'held')) then
            left_over := 0;
        end if;
        if p_amount > left_over then
            outcome := 'exceeds'; amount := left_over;
        else
            select array_agg(t.lot_id order by t.upto), array_agg(least(t.n, p_amount - (t.upto - t.n)) order by t.upto) into lots, backs
            from points_taken(line.id) t where t.upto - t.n < p_amount;
            for place in
                select a.id where p_kind = 'release' union
                select l.account_id from points_lot l where l.id = any(lots) order by 1
            loop
                written := points_put_back(place, line.id, lots, backs, p_source, p_kind,
                                           case when p_kind = 'release' and place = a.id then p_amount else 0 end,
                                           p_moment, p_store, p_staff, p_note);
                if entry_id is null or place = a.id then entry_id := written; end if;
            end loop;
            outcome := 'done'; amount := p_amount;
        end if;
    end if;
    select t.balance, t.pending, t.held, t.debt into balance, pending, held, debt from points_account t where t.id = a.id;
end $$;

-- The account where a line stands by now, after it and all others with lots of the line are locked, in the order of members.
create or replace function points_locked_with(p_entry bigint, p_account bigint, p_moment timestamptz)
returns points_account language plpgsql as $$
declare
    root bigint;
    wanted bigint[];
    now_wanted bigint[];
begin
    loop
        with recursive way as (
            select id, joined_into_id from points_account where id = p_account
            union all select j.id, j.joined_into_id from points_account j join way w on j.id = w.joined_into_id
        )
        select id into root from way where joined_into_id is null;
        select array_agg(id order by id) into now_wanted from (
            select root as id union select l.account_id from points_use u join points_lot l on l.id = u.lot_id where u.entry_id = p_entry) x;
        exit when wanted = now_wanted;
        wanted := now_wanted;
        perform from points_account where id = any(wanted) order by member_id for no key update;
    end loop;
    perform points_locked_root(id, p_moment) from unnest(wanted) id;
    return (select a from points_account a where a.id = root);
end $$;

-- `backs` of the lots that stand on one account (locked) come back; `p_aside` is no longer set aside there.
create or replace function points_put_back(
    p_account bigint, p_entry bigint, p_lots bigint[], p_backs bigint[], p_source text, p_kind text, p_aside bigint,
    p_moment timestamptz, p_store bigint, p_staff bigint, p_note text
) returns bigint language plpgsql as $$
declare
    a points_account;
    c points_currency;
    written bigint;
    lots bigint[]; backs bigint[]; wipes bigint[]; pays bigint[];
    back bigint; wiped_off bigint; paid bigint; forgiven bigint;
    idle_end timestamptz;
begin
    select * into a from points_account where id = p_account;
    select * into c from points_currency where id = a.currency_id;
    if c.expiry ->> 'kind' = 'idle' then
        -- an empty lot did not move with the member's doings; it ends where the others do
        select points_expiry(c.expiry, at) into idle_end from points_entry
        where account_id = a.id and kind in ('earn', 'spend', 'hold', 'adjust', 'transfer_out') order by id desc limit 1;
        update points_lot l set expires_at = greatest(l.expires_at, idle_end)
        where l.id = any(p_lots) and l.account_id = a.id and l.expiry is null;
    end if;
    select coalesce(sum(l.forgiven), 0) into forgiven from points_lot l where l.account_id = a.id and l.forgiven > 0;
    with back as (
        select l.id, b.n, l.expires_at, sum(b.n) over (order by l.expires_at nulls last, l.id) as upto
        from unnest(p_lots, p_backs) b(lot, n) join points_lot l on l.id = b.lot where l.account_id = a.id
    ), kept as (
        select b.id, b.n, b.expires_at, w.wiped, b.n - w.wiped as rest
        from back b, lateral (select least(forgiven, b.upto) - least(forgiven, b.upto - b.n) as wiped) w
    ), owed as (
        select k.*, sum(rest) over (order by expires_at nulls last, id) as upto from kept k
    )
    select array_agg(id), array_agg(n), array_agg(wiped), array_agg(least(a.debt, upto) - least(a.debt, upto - rest)),
           coalesce(sum(n), 0), coalesce(sum(wiped), 0), coalesce(sum(least(a.debt, upto) - least(a.debt, upto - rest)), 0)
    into lots, backs, wipes, pays, back, wiped_off, paid from owed;
    insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, reverses_id, undone,
                              store_id, staff_id, note, at)
    values (a.id, p_kind, back - wiped_off - paid, 0, -p_aside, -paid, 0,
            a.balance + back - wiped_off - paid, p_source, p_entry, back, p_store, p_staff, p_note, p_moment)
    returning id into written;
    if wiped_off > 0 then
        update points_lot l set forgiven = l.forgiven - least(f.forgiven, wiped_off - (f.upto - f.forgiven))
        from (select t.id, t.forgiven, sum(t.forgiven) over (order by t.id) as upto
              from points_lot t where t.account_id = a.id and t.forgiven > 0) f
        where l.id = f.id and f.upto - f.forgiven < wiped_off;
    end if;
    update points_lot l set remaining = l.remaining + b.n - b.wiped - b.paid,
           reversed = case when c.is_spendable then l.reversed else greatest(l.reversed - b.n, least(l.amount, points_undone_of(l.entry_id))) end
    from unnest(lots, backs, wipes, pays) b(lot, n, wiped, paid) where l.id = b.lot;
    insert into points_use (entry_id, lot_id, kind, amount)
    select written, b.lot, 'spend', -b.back from unnest(lots, backs) b(lot, back);
    insert into points_use (entry_id, lot_id, kind, amount)
    select written, x.lot, x.kind, sum(x.n) from (
        select b.lot, u.kind, u.n from unnest(lots, wipes, pays) b(lot, wiped, paid),
               lateral (values ('reverse', b.wiped), ('debt', b.paid)) u(kind, n)
        union all select r.lot_id, 'reverse', r.n from points_relieve(a.id, lots, idle_end) r
    ) x group by x.lot, x.kind having sum(x.n) <> 0;
    update points_account t set balance = t.balance + back - wiped_off - paid, debt = t.debt - paid, held = t.held - p_aside,
           next_due_at = points_next_due(t.id)
    where t.id = a.id returning * into a;
    if a.next_due_at <= p_moment then
        perform points_settle(array[a.id], p_moment);
    end if;
    return written;
end $$;

-- Lots whose points came back (`p_lots`, of an account that is locked) may hold more than a refund has left them: it took their points
-- from other lots, or let later ones pay the debt, while they were spent. Now they are there to be taken themselves, and the others get
-- theirs again, those that end last first, each with its own end. So no lot ever holds, or lets run out, more than was left of it, and
-- who gives everything back owes nothing. Answers what was taken from each lot (plus) or came back to it (minus).
create or replace function points_relieve(p_account bigint, p_lots bigint[], p_idle_end timestamptz)
returns table (lot_id bigint, n bigint) language plpgsql as $$
#variable_conflict use_column
begin
    if not exists (
        select from points_lot l where l.id = any(p_lots) and l.account_id = p_account and l.remaining > 0
           and l.remaining + l.expired > l.amount - points_undone_of(l.entry_id)
    ) then
        return;
    end if;
    return query
    with state as (
        select l.id, l.expires_at, l.remaining, l.amount - points_undone_of(l.entry_id) - l.remaining - l.expired as rest
        from points_lot l where l.account_id = p_account
    ), over as (
        select id, least(remaining, -rest) as n, sum(least(remaining, -rest)) over (order by expires_at nulls last, id) as upto
        from state where id = any(p_lots) and remaining > 0 and rest < 0
    ), stood_in as (
        select id, short as n, sum(short) over (order by expires_at desc nulls first, id desc) as upto from (
            select s.id, s.expires_at,
                   s.rest - (select coalesce(sum(u.amount), 0) from points_use u where u.lot_id = s.id and u.kind = 'spend') as short
            from state s where s.rest > 0) x
        where short > 0
    ), whole as (
        select least((select sum(n) from over), coalesce((select sum(n) from stood_in), 0)) as n
    ), moved as (
        select o.id, least(o.n, w.n - (o.upto - o.n)) as n from over o, whole w where o.upto - o.n < w.n
        union all
        select s.id, -least(s.n, w.n - (s.upto - s.n)) from stood_in s, whole w where s.upto - s.n < w.n
    )
    update points_lot l set remaining = l.remaining - m.n,
           expires_at = case when m.n < 0 and l.expiry is null then greatest(l.expires_at, p_idle_end) else l.expires_at end
    from moved m where l.id = m.id
    returning l.id, m.n::bigint;
end $$;

-- How much of a line was undone so far.
create or replace function points_undone_of(p_entry bigint) returns bigint language sql stable as $$
    select coalesce(sum(undone), 0)::bigint from points_entry where reverses_id = p_entry
$$;

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
-- The line names the hold's line in `reverses_id`, without undoing anything of it.
create or replace function points_capture(
    p_entry bigint, p_amount bigint, p_source text, p_moment timestamptz,
    out outcome text, out entry_id bigint, out amount bigint,
    out balance bigint, out pending bigint, out held bigint, out debt bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    a points_account := points_locked_with(p_entry, (select e.account_id from points_entry e where e.id = p_entry), p_moment);
    h points_hold;
    aside bigint := (select e.held from points_entry e where e.id = p_entry);
begin
    select 'again', e.id, case when e.reverses_id = p_entry then -e.held else 0 end into outcome, entry_id, amount
    from points_written(a, p_source) e where e.id is not null;
    if entry_id is null then
        select * into h from points_hold t where t.entry_id = p_entry;
        if h.id is null or h.state <> 'held' then outcome := 'settled'; amount := h.captured;
        elsif h.expires_at <= p_moment then outcome := 'late'; amount := 0;
        elsif p_amount > aside then outcome := 'exceeds'; amount := aside;
        else
            insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, reverses_id, undone, note, at)
            values (a.id, 'capture', 0, 0, -p_amount, 0, 0, a.balance, p_source, p_entry, 0, '', p_moment) returning id into entry_id;
            update points_account t set held = t.held - p_amount where t.id = a.id;
            update points_hold t set state = 'captured', captured = p_amount, settled_at = p_moment where t.entry_id = p_entry;
            if p_amount < aside then
                perform points_give_back(p_entry, aside - p_amount, 'hold:' || p_entry || ':rest', 'release', p_moment, null, null, '');
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
    a points_account := points_locked_with(p_entry, (select e.account_id from points_entry e where e.id = p_entry), p_moment);
    h points_hold;
begin
    select * into h from points_hold t where t.entry_id = p_entry;
    if h.id is null or h.state <> 'held' then
        outcome := case when h.state in ('released', 'expired') then 'again' else 'settled' end;
        amount := case when h.state = 'captured' then h.captured else 0 end;
        balance := a.balance; pending := a.pending; held := a.held; debt := a.debt;
        return;
    end if;
    select g.* into outcome, entry_id, amount, balance, pending, held, debt from points_give_back(
        p_entry, (select e.held from points_entry e where e.id = p_entry), p_source, 'release', p_moment, null, null, '') g;
    if outcome <> 'done' then
        outcome := 'clash';
    else
        update points_hold t set state = p_state, settled_at = p_moment where t.entry_id = p_entry;
    end if;
end $$;
