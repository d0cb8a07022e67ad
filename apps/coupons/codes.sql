-- A member enters a code: the coupon that waits under it becomes theirs. Somebody else's code and one that does not exist are not told
-- apart. Installed by the migrations (`core.database.SqlFile`).
create or replace function coupons_claim_code(
    p_member bigint, p_code text, p_origin text, p_moment timestamptz, p_about jsonb,
    out outcome text, out coupon_id bigint, out code text, out starts_at timestamptz, out ends_at timestamptz, out opens_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
    c coupons_coupon;
    t coupons_template;
    v coupons_version;
    who bigint;
    nth int;
begin
    select coalesce(merged_into_id, id) into who from members_member where id = p_member and status not in ('cancelled', 'erased');
    if who is null then outcome := 'coupon_member_gone'; return; end if;
    select * into c from coupons_coupon where code = p_code for no key update;
    if found then select * into t from coupons_template where id = c.template_id; end if;
    if t.id is null or t.is_pool or c.member_id <> who then outcome := 'coupon_not_found'; return; end if;
    if c.member_id = who then
        select 'again', c.id, c.code, c.starts_at, c.ends_at into outcome, coupon_id, code, starts_at, ends_at;
        return;
    end if;
    if c.state = 'recalled' then outcome := 'coupon_recalled'; return; end if;
    if c.state <> 'unclaimed' or c.ends_at <= p_moment then outcome := 'coupon_closed'; return; end if;
    select * into v from coupons_version where id = c.version_id;
    outcome := coupons_refusal(t, v.terms, p_moment, p_about);
    opens_at := t.opens_at;
    if outcome is not null then return; end if;
    loop
        nth := coupons_next_nth(t.id, who, t.per_member);
        if nth is null then outcome := 'coupon_limit_reached'; return; end if;
        begin
            select * into coupon_id, code, starts_at, ends_at
              from coupons_own(c.id, who, nth, 'code:' || c.id, 'code', p_origin, null, null, p_moment);
            outcome := 'done';
            return;
        exception when unique_violation then continue;  -- the same member was quicker with another code
        end;
    end loop;
end $$;
