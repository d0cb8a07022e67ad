"""The pool of customers: notice, recycling, taking, locking.

A customer belongs to whoever has followed them last in WeCom. Days without a follow-up count from the last thing that this
colleague did for them (a follow-up done, a group send confirmed), days without a purchase from the member's last kept order; both
at the earliest from the day they came. Nobody loses a customer without the brand's days of notice, also on the day the rule begins.
In WeCom the colleague stays their contact until somebody has taken them: then WeCom passes them on.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from apps.community import callbacks
from apps.community.models import Account, Contact, Follow
from apps.community.pool_errors import LockRefused, PoolFull, PoolGone, PoolOwn, PoolThere, TooManyLocks
from apps.community.pool_models import PoolCase, PoolRule
from apps.community.settings import POOL, POOL_DEFAULT, check_pool
from apps.core import audit, brand, clock
from apps.events import services as events
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused, Unanswered

WARNED, SETTLED = "community.pool_warned", "community.pool_settled"
LOCK = 7_490_071  # advisory lock of whoever goes through the customers
MOVES_FOR = timedelta(hours=48)  # a customer may refuse for a day; then nobody waits any more
LONGEST_LOCK = timedelta(days=365)
RULES = tuple(POOL_DEFAULT)
State, Why = PoolCase.State, PoolCase.Why
# Whoever has each customer, by which rules (the store's of that colleague, else the brand's), and when they would lose them.
_HELD = """
with held as materialized (
    select distinct on (f.contact_id) f.contact_id, f.userid, f.since_at, f.turned_at, f.locked_until, c.member_id,
        coalesce(r.is_on, %(is_on)s) as is_on, coalesce(r.follow_days, %(follow_days)s) as follow_days,
        coalesce(r.deal_days, %(deal_days)s) as deal_days, make_interval(days => coalesce(r.notice_days, %(notice_days)s)) as notice
    from community_follow f join community_account a on a.userid = f.userid and a.is_active
    join community_contact c on c.id = f.contact_id
    left join stores_staff w on w.id = a.staff_id left join community_poolrule r on r.store_id = w.store_id
    where f.left_at is null order by f.contact_id, f.since_at desc, f.id desc
),
judged as materialized (
    select h.*, d.follow_due, d.deal_due, least(d.follow_due, d.deal_due) as due,
        h.locked_until is not null and h.locked_until >= %(today)s::date as is_locked
    from held h
    left join lateral (
        select max(o.paid_at) as at from orders_order o
        where o.member_id = h.member_id and o.status <> 'cancelled' and o.refunded_cents < o.total_cents
    ) deal on h.deal_days > 0 and h.since_at <= %(moment)s::timestamptz + h.notice - make_interval(days => h.deal_days)
    cross join lateral (select
        case when h.follow_days > 0 then greatest(h.since_at, h.turned_at) + make_interval(days => h.follow_days)
            else 'infinity' end as follow_due,
        case when h.deal_days > 0 then greatest(h.since_at, deal.at) + make_interval(days => h.deal_days)
            else 'infinity' end as deal_due
    ) d
)
"""
_SETTLE = f"""{_HELD}
update community_poolcase p set settled_at = %(moment)s, state = case when s.is_gone then 'gone' else 'kept' end
from (
    select p.id, j.contact_id is null as is_gone from community_poolcase p
    left join judged j on j.contact_id = p.contact_id and j.userid = p.userid
    where p.state in ('warned', 'pooled') and (
        j.contact_id is null
        or p.state = 'warned' and p.why <> 'by_hand' and (
            j.is_locked or not j.is_on or (case p.why when 'no_deal' then j.deal_due else j.follow_due end) > p.due_at))
) s where p.id = s.id returning p.id
"""
_POOL = """
update community_poolcase set state = 'pooled', pooled_at = %(moment)s where state = 'warned' and due_at <= %(moment)s returning id
"""
_WARN = f"""{_HELD}
insert into community_poolcase (contact_id, userid, state, why, due_at, warned_at, taken_by, code)
select j.contact_id, j.userid, 'warned', case when j.deal_due < j.follow_due then 'no_deal' else 'no_follow_up' end,
    greatest(j.due, %(moment)s::timestamptz + j.notice), %(moment)s, '', ''
from judged j
where j.is_on and not j.is_locked and j.due <= %(moment)s::timestamptz + j.notice
  and not exists (select from community_poolcase p where p.contact_id = j.contact_id and p.settled_at is null)
  and not exists (select from community_handoveritem h where h.contact_id = j.contact_id and h.state in ('waiting', 'begun'))
order by j.contact_id
on conflict do nothing returning id
"""
_HAS = """
select count(*) from (
    select distinct on (f.contact_id) f.contact_id, f.userid from community_follow f
    join community_account a on a.userid = f.userid and a.is_active
    where f.left_at is null and f.contact_id in (
        select contact_id from community_follow where userid = %(userid)s and left_at is null)
    order by f.contact_id, f.since_at desc, f.id desc
) o where o.userid = %(userid)s and not exists (
    select from community_poolcase p where p.contact_id = o.contact_id and p.settled_at is null and p.state <> 'warned')
"""


@transaction.atomic
def recycle(*, moment: datetime) -> dict[str, int]:
    """Once an hour: who was turned to in time is kept, whose notice has ended goes into the pool, who is about to hears of it.

    Repeatable; switched off, notices end and what lies in the pool stays there.
    """
    values: dict[str, Any] = {"moment": moment, "today": clock.local_date(moment), **brand.read(POOL)}
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
    kept = _ids(_SETTLE, values)
    pooled = _ids(_POOL, values)
    warned = _ids(_WARN, values)
    _tell(SETTLED, [*kept, *pooled])
    _tell(WARNED, warned)
    return {"kept": len(kept), "pooled": len(pooled), "warned": len(warned)}


def rules_of(store_id: int | None) -> dict[str, Any]:
    """By which rules customers of a store's staff come into the pool: its own, else the brand's."""
    own = PoolRule.objects.filter(store_id=store_id).values(*RULES).first() if store_id else None
    return dict(own or brand.read(POOL))


@transaction.atomic
def set_rules(*, store_id: int | None, rules: dict[str, Any] | None) -> None:
    """Of one store (None as rules: the brand's again), or of the brand. Raises ValueError as the setting does."""
    if store_id is None:
        brand.write(POOL, rules)
        return
    if rules is None:
        PoolRule.objects.filter(store_id=store_id).delete()
    else:
        check_pool(rules)
        PoolRule.objects.update_or_create(store_id=store_id, defaults=rules)
    audit.record("pool.rules", object_type="store", object_id=store_id, after=rules or {})


@transaction.atomic
def note_turn(*, member_id: int, staff_id: int, moment: datetime) -> int:
    """A colleague did something for the member: their notice is over. Returns how many contacts it counts for."""
    userids = list(Account.objects.filter(staff_id=staff_id).values_list("userid", flat=True))
    follows = Follow.objects.filter(contact__member_id=member_id, userid__in=userids, left_at=None)
    counted = follows.filter(Q(turned_at=None) | Q(turned_at__lt=moment)).update(turned_at=moment)
    cases = PoolCase.objects.filter(
        contact__member_id=member_id, userid__in=userids, state=State.WARNED, why=Why.NO_FOLLOW_UP
    )
    keys = list(cases.select_for_update().values_list("pk", flat=True))
    PoolCase.objects.filter(pk__in=keys).update(state=State.KEPT, settled_at=moment)
    _tell(SETTLED, keys)
    return counted


@transaction.atomic
def give_back(*, contact_id: int, moment: datetime) -> PoolCase:
    """Into the pool at once, by hand. Raises PoolThere."""
    Contact.objects.select_for_update().get(pk=contact_id)
    owner = _owner(contact_id)
    case = PoolCase.objects.filter(contact_id=contact_id, settled_at=None).first()
    if owner == "" or (case and case.state != State.WARNED):
        raise PoolThere
    if case is None:
        case = PoolCase(contact_id=contact_id, userid=owner, warned_at=moment)
    case.state, case.why, case.due_at, case.pooled_at = State.POOLED, Why.BY_HAND, moment, moment
    case.save()
    _tell(SETTLED, [case.pk])
    audit.record("pool.given_back", object_type="pool_case", object_id=case.pk, after={"from": owner})
    return case


@transaction.atomic
def take(*, case_id: int, userid: str, may_give: bool, moment: datetime) -> PoolCase:
    """Whoever comes first has the customer. Raises PoolGone, PoolOwn, PoolFull.

    `may_give`: a manager gives them to anybody who has room, also to the colleague who had them.
    """
    accounts = Account.objects.select_for_update(of=("self",)).select_related("staff")
    account = accounts.filter(userid=userid, is_active=True).first()
    case = PoolCase.objects.select_for_update().filter(pk=case_id).first()
    if account is None or case is None or case.state != State.POOLED:
        raise PoolGone
    if case.userid == userid and not may_give:
        raise PoolOwn
    most = rules_of(account.staff.store_id if account.staff else None)["most"]
    if most and has(userid) >= most:
        raise PoolFull(most=most)
    case.taken_by, case.taken_at, case.state, case.code = userid, moment, State.TAKEN, ""
    if case.userid == userid:
        case.state, case.settled_at = State.DONE, moment
        Follow.objects.filter(contact_id=case.contact_id, userid=userid).update(turned_at=moment)
    case.save()
    after = {"from": case.userid, "to": userid}
    audit.record("pool.taken", object_type="pool_case", object_id=case.pk, after=after)
    return case


def has(userid: str) -> int:
    """Customers somebody has now, with those on the way to them; what lies in the pool is nobody's."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS, {"userid": userid})
        own = cursor.fetchone()[0]
    return int(own) + PoolCase.objects.filter(taken_by=userid, state__in=[State.TAKEN, State.MOVING]).count()


@transaction.atomic
def lock(*, contact_id: int, until: date | None, moment: datetime) -> None:
    """Until that day's end no rule takes the customer from who has them; None unlocks. Raises LockRefused, TooManyLocks."""
    owner = _owner(contact_id)
    account = Account.objects.select_for_update(of=("self",)).select_related("staff").filter(userid=owner).first()
    store_id = account.staff.store_id if account and account.staff else None
    today, most = clock.local_date(moment), rules_of(store_id)["locks"]
    if owner == "" or (until and not today <= until <= today + LONGEST_LOCK):
        raise LockRefused
    locked = Follow.objects.filter(userid=owner, left_at=None, locked_until__gte=today).exclude(contact_id=contact_id)
    if until and most and locked.count() >= most:
        raise TooManyLocks(most=most)
    Follow.objects.filter(contact_id=contact_id, userid=owner).update(locked_until=until)
    audit.record(
        "pool.locked", object_type="contact", object_id=contact_id, after={"until": str(until or ""), "for": owner}
    )


def pass_on(*, moment: datetime) -> int:
    """Every minute: WeCom hears who took whom, and who has arrived is done. Returns how many moved. No transaction may be open.

    What WeCom refuses, and what has not happened after two days, lies in the pool again.
    """
    asked: dict[tuple[str, str], list[PoolCase]] = defaultdict(list)
    for case in PoolCase.objects.filter(state=State.TAKEN).select_related("contact").order_by("pk"):
        asked[case.userid, case.taken_by].append(case)
    moved = 0
    for (giver, taker), cases in asked.items():
        for first in range(0, len(cases), wecom.TRANSFER_BATCH):
            _ask(giver, taker, cases[first : first + wecom.TRANSFER_BATCH])
    for case in PoolCase.objects.filter(state=State.MOVING).select_related("contact").order_by("pk"):
        moved += _arrived(case, moment=moment)
    return moved


def _ask(giver: str, taker: str, cases: list[PoolCase]) -> None:
    has_left = not Account.objects.filter(userid=giver, is_active=True).exists()
    externals = [case.contact.external_userid for case in cases]
    try:
        codes = wecom.hand_over(from_userid=giver, to_userid=taker, external_userids=externals, has_left=has_left)
    except Unanswered as failure:
        if failure.state == "retry":
            return
        codes = {}  # perhaps done: each is looked up
    except Refused as refused:
        codes = dict.fromkeys(externals, refused.code)
    for case in cases:
        code = codes.get(case.contact.external_userid, 0)
        if code:
            _back(case, f"WECOM_{code}")
        else:
            PoolCase.objects.filter(pk=case.pk, state=State.TAKEN).update(state=State.MOVING)


def _arrived(case: PoolCase, *, moment: datetime) -> int:
    try:
        callbacks.look(case.contact.external_userid, ending=Follow.Ending.HANDED_OVER)
    except (Unanswered, Refused):
        return 0
    if Follow.objects.filter(contact_id=case.contact_id, userid=case.taken_by, left_at=None).exists():
        PoolCase.objects.filter(pk=case.pk).update(state=State.DONE, settled_at=moment)
        return 1
    if case.taken_at and moment - case.taken_at > MOVES_FOR:
        _back(case, "NOT_MOVED")
    return 0


def _back(case: PoolCase, code: str) -> None:
    PoolCase.objects.filter(pk=case.pk).update(state=State.POOLED, taken_by="", taken_at=None, code=code)


def _owner(contact_id: int) -> str:
    active = Account.objects.filter(is_active=True).values("userid")
    rows = Follow.objects.filter(contact_id=contact_id, left_at=None, userid__in=active).order_by("-since_at", "-pk")
    return rows.values_list("userid", flat=True).first() or ""


def _ids(statement: str, values: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return sorted(row[0] for row in cursor.fetchall())


def _tell(name: str, keys: list[int]) -> None:
    """One fact for each change of a case: a case is warned of once and settles once, or lies in the pool once more."""
    if keys:
        moment = clock.now().timestamp()
        listed = ",".join(map(str, keys))
        events.publish_many(
            name,
            query=f"""select p.id || ':{moment:.0f}' as key, '' as lane, jsonb_build_object('case_id', p.id) as payload
                from community_poolcase p where p.id in ({listed}) order by p.id""",
        )
