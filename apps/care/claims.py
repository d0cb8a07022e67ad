"""Taking due touches: one statement claims a chunk, judges it once more and brings all that its messages need."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from apps.care import gate, reasons, routes, templates
from apps.care.outcomes import Claim
from apps.core import clock, prepared
from apps.members import selectors as members

LEASE = timedelta(seconds=120)
# As long as no more orders than this have come in since the decisions, they are looked at once for the whole chunk.
_FEW_ORDERS = 500


class Taken(NamedTuple):
    """A touch to send now: the sealed phone (None: there is none) and the values of `templates.VARIABLES`, in order."""

    claim: Claim
    sealed: bytes | None
    wrapped: bytes | None
    values: Sequence[str | None]


_KIND = "case t.channel when 'sms' then 'phone' when 'email' then 'email' else 'openid' end"
# The gate once more, at the moment of sending, in the claim itself. Skipped ones give their slot back.
_CLAIM = f"""
    with picked as materialized (
        select ctid, version_id, member_id, channel, decided_at, route from care_touch
        where settled_at is null and state = 'planned' and channel = %(channel)s and send_at <= %(moment)s
          and (slot_on = %(day)s or is_transactional)
        order by send_at, id limit %(limit)s for update skip locked
    ),
    rules as materialized (
        select v.id, v.trigger, v.purpose, {templates.asked("own.template")}, v.params ->> 'stage' as stage, p.status,
            make_interval(days => (v.params ->> 'window_days')::int) as lasting, v.fallback,
            own.subscribe_template
        from care_version v join care_policy p on p.id = v.policy_id
        cross join lateral (
            select case when v.channel = %(channel)s then v.template else (
                select step ->> 'template' from jsonb_array_elements(v.fallback) step where step ->> 'channel' = %(channel)s
            ) end as template,
            case when v.channel = %(channel)s then v.content ->> 'template_id' else (
                select step -> 'content' ->> 'template_id' from jsonb_array_elements(v.fallback) step
                where step ->> 'channel' = %(channel)s
            ) end as subscribe_template
        ) own
        where v.id in (select version_id from picked)
    ),
    buyers as materialized (
        select array(
            select o.member_id from orders_order o
            where o.paid_at > (select min(decided_at) from picked) and o.paid_at <= %(moment)s
            order by o.paid_at desc limit {_FEW_ORDERS + 1}
        ) as ids
    ),
    judged as materialized (
        select t.ctid as at, case
            when v.status <> 'live' then '{reasons.PAUSED}'
            when t.decided_at <= %(moment)s - v.lasting then '{reasons.LATE}'
            when m.status <> 'active' then '{reasons.NOT_ACTIVE}'
            when {gate.UNDER_14} then '{reasons.UNDER_14}'
            when not (case when t.channel = 'wechat' then {gate.NOT_REFUSED} else {gate.CONSENTED} end) then '{reasons.NO_CONSENT}'
            when v.trigger = 'stage_entered' and (
                coalesce(s.stage, 'prospect') <> v.stage
                or v.stage in ('lapsing', 'dormant', 'lost') and bought.since
            ) then '{reasons.STAGE_LEFT}'
            when v.trigger in ('days_since_order', 'second_purchase') and bought.since then '{reasons.BOUGHT}'
            when t.channel = 'wechat' and not {gate.HAS_GRANT.format(template="v.subscribe_template")} then '{reasons.NO_GRANT}'
            when t.channel = 'email' and {gate.SUPPRESSED} then '{reasons.SUPPRESSED}'
            when t.channel in ('sms', 'wechat', 'email') and phone.sealed is null then '{reasons.NO_ADDRESS}'
            else '' end as verdict,
            v.fallback -> t.route ->> 'channel' as onward,
            phone.sealed, phone.wrapped, {templates.columns("v")}
        from picked t
        join rules v on v.id = t.version_id
        join members_member m on m.id = t.member_id
        {gate.joins(purpose="v.purpose", channel="t.channel")}
        left join lateral ({members.sealed(_KIND)}) phone on t.channel in ('sms', 'wechat', 'email')
        cross join lateral (
            select (
                cardinality((select ids from buyers)) > {_FEW_ORDERS} or t.member_id = any((select ids from buyers)::bigint[])
            ) and exists (
                select from orders_order o
                where o.member_id = t.member_id and o.paid_at > t.decided_at and o.paid_at <= %(moment)s
                  and o.status <> 'cancelled' and o.total_cents > o.refunded_cents
            ) as since
        ) bought
    )
    update care_touch t set
        state = case when verdict = '' then 'sending' when goes_on then 'planned' else 'skipped' end,
        reason = case when goes_on then '' else verdict end,
        fence = t.fence + 1, tries = case when verdict = '' then t.tries + 1 else t.tries end,
        lease_until = case when verdict = '' then %(lease)s::timestamptz end,
        settled_at = case when verdict <> '' and not goes_on then %(moment)s::timestamptz end,
        slot_on = case when verdict = '' then t.slot_on end,
        channel = case when goes_on then onward else t.channel end, route = case when goes_on then t.route + 1 else t.route end
    from (
        select *, onward is not null and verdict = any(%(passed_on)s::text[]) as goes_on from judged
    ) judged where t.ctid = judged.at
    returning t.id, t.member_id, t.version_id, t.fence, t.tries, judged.verdict, sealed, wrapped, {", ".join(templates.VARIABLES)}
"""


def take(channel: str, *, limit: int, moment: datetime, brand: str) -> tuple[list[Taken], int]:
    """Claim what is due, oldest first; returns what is to be sent and how many were skipped. `brand`: its name in texts."""
    rows = prepared.rows(
        _CLAIM,
        gate.as_of(moment)
        | {"channel": channel, "moment": moment, "day": clock.local_date(moment), "limit": limit,
         "lease": moment + LEASE, "brand": brand, "passed_on": list(routes.PASSED_ON)},
    )  # fmt: skip
    rows.sort()
    taken = [Taken(Claim(*row[:5]), row[6], row[7], row[8:]) for row in rows if not row[5]]
    return taken, len(rows) - len(taken)
