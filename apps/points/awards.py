"""Rules applied: what happened is rewarded once, and what an order earned is taken back as far as the order was given back.

One way for one thing and for thousands. The orders' rows are locked first, then the accounts in the order of their members, then
everything is read: limits are judged by what is true under the lock. The rules in words: docs/points-rules.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.events import services as events
from apps.points import facts, reckoning, takebacks
from apps.points.earning import Award
from apps.points.models import Currency
from apps.points.reckoning import Books, LiveRule, Occasion, Outcome, Person

ORDER_TRIGGERS = ("order", "first_order")
TASK = "task.rewarded"
FIRST_ORDER = "first_order"  # the task of this name is done by the order
AT_ONCE = 1000
CUT = frozenset({"cap_reached", "rejected_by_cap", "max_balance", "out_of_bounds"})  # a nothing that is noted


def for_order(*, order_id: int, moment: datetime | None = None) -> list[Outcome]:
    """Reward a paid order by every rule, once: again it gives nothing. What was refunded meanwhile is not kept."""
    return award_orders(order_ids=[order_id], moment=moment or clock.now())


def award_orders(*, order_ids: Sequence[int], moment: datetime | None = None) -> list[Outcome]:
    """The same for many orders, in the order of their payment, a thousand to a transaction. Without `moment`: each at its payment."""
    rules = _rules_of_orders()
    made: list[Outcome] = []
    if not rules:
        return made
    asks_first = any(rule.trigger != "order" for rule in rules)
    at_once = 1 if len(order_ids) > 1 and _has_limit(rules) else AT_ONCE
    for first in range(0, len(order_ids), at_once):
        chunk = sorted(order_ids[first : first + at_once])
        with transaction.atomic():
            _lock_orders(chunk)
            done = _awarded(chunk)
            occasions = facts.of_orders([order_id for order_id in chunk if order_id not in done], asks_first=asks_first)
            made += _award(_with_tasks(occasions) if asks_first else occasions, rules, moment)
            for occasion in occasions:
                if occasion.is_partly_refunded and occasion.order_id:
                    takebacks.settle_order(order_id=occasion.order_id, tag=occasion.key, moment=moment)
    return made


def _has_limit(rules: Sequence[LiveRule]) -> bool:
    """A highest balance is judged by what is there at the very moment of each thing: what ran out in between makes room."""
    return Currency.objects.filter(max_balance__isnull=False, pk__in={rule.currency_id for rule in rules}).exists()


def _rules_of_orders() -> list[LiveRule]:
    rules = facts.live_rules(*ORDER_TRIGGERS, "task")
    return [rule for rule in rules if rule.trigger != "task" or rule.definition["task"]["key"] == FIRST_ORDER]


def _with_tasks(occasions: Sequence[Occasion]) -> list[Occasion]:
    """Beside each first order the task that it does; it belongs to the order, and goes back with it."""
    found = []
    for one in occasions:
        found.append(one)
        if one.is_first and not one.refusal:
            found.append(replace(one, trigger="task", name=FIRST_ORDER, key=f"{one.key}:task", pieces=()))
    return found


def settle_refund(*, refund_id: int, moment: datetime | None = None) -> takebacks.Settled:
    """A refund has come: take back by line what its order earned too much, return points that paid for it. Idempotent."""
    return takebacks.settle_refund(refund_id=refund_id, moment=moment)


@transaction.atomic
def reward(*, occasions: Sequence[Occasion], moment: datetime | None = None) -> list[Outcome]:
    """Apply the rules to what is no order: events, tasks, sign-ins, birthdays, reviews, registrations. Each once by its key."""
    rules = facts.live_rules(*{occasion.trigger for occasion in occasions})
    return _award(list(occasions), rules, moment) if rules else []


def happened(
    *, trigger: str, member_id: int, key: str, moment: datetime, name: str = "", properties: dict[str, Any] | None = None
) -> list[Outcome]:  # fmt: skip
    """One thing that a member did, by its key ("review:17"): the door for the apps above. `name` is that of the event or task."""
    occasion = Occasion(trigger, member_id, key, moment, name=name, properties=properties or {})
    return reward(occasions=[occasion], moment=moment)


def _award(occasions: list[Occasion], rules: list[LiveRule], moment: datetime | None) -> list[Outcome]:
    """Lock, read, reckon, post; in the caller's transaction."""
    people = facts.persons(occasion.member_id for occasion in occasions)
    occasions = [one for one in occasions if one.at and one.member_id in people]
    accounts = _lock_accounts(people, rules, moment or (min(one.at for one in occasions) if occasions else clock.now()))
    days = [one.day for one in occasions]
    books = facts.given([person.member_id for person in people.values()], rules, days)
    books.room = {key: room for key, (_account, room) in accounts.items() if room is not None}
    known = _known([f"{one.key}:r{rule.id}" for one in occasions for rule in rules], accounts)
    outcomes = []
    for occasion in occasions:
        person = people[occasion.member_id]
        fresh = [rule for rule in rules if (person.member_id, f"{occasion.key}:r{rule.id}") not in known]
        outcomes += [_in_name_of(made, person) for made in reckoning.reckon(occasion, person, fresh, books)]
    _post(outcomes, accounts, moment)
    return outcomes


def _in_name_of(made: Outcome, person: Person) -> Outcome:
    """The outcome goes to the record that counts."""
    if made.occasion.member_id == person.member_id:
        return made
    return replace(made, occasion=replace(made.occasion, member_id=person.member_id))


def _lock_orders(order_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from orders_order where id = any(%s) order by id for no key update", [list(order_ids)]
        )


def _awarded(order_ids: Sequence[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("select distinct order_id from points_award where order_id = any(%s)", [list(order_ids)])
        return {order_id for (order_id,) in cursor.fetchall()}


_LOCK = """
select a.member_id, a.currency_id, a.id, c.max_balance - a.balance - a.pending + a.debt
from (select m, k from unnest(%(members)s::bigint[]) m cross join unnest(%(currencies)s::bigint[]) k order by m, k) want
cross join lateral points_locked(want.m, want.k, %(moment)s) a join points_currency c on c.id = want.k
"""
Accounts = dict[tuple[int, int], tuple[int, int | None]]


def _lock_accounts(people: dict[int, Person], rules: Sequence[LiveRule], moment: datetime) -> Accounts:
    """By member and currency: the account, and how much it may still take (None: as much as may come)."""
    members = sorted({person.member_id for person in people.values() if person.is_here})
    currencies = sorted({rule.currency_id for rule in rules})
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"members": members, "currencies": currencies, "moment": moment})
        return {(member, currency): (account, room) for member, currency, account, room in cursor.fetchall()}


_KNOWN = """
select coalesce(m.merged_into_id, m.id), e.source from points_entry e join points_account a on a.id = e.account_id
join members_member m on m.id = a.member_id
where a.id in (select a.id from points_account a join members_member m on m.id = a.member_id
               where m.id = any(%(members)s) or m.merged_into_id = any(%(members)s))
  and e.source = any(%(sources)s)
"""


def _known(sources: Sequence[str], accounts: Accounts) -> set[tuple[int, str]]:
    """Which of these sources wrote before, also in the books of a record that was merged since."""
    members = sorted({member for member, _currency in accounts})
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"members": members, "sources": list(sources)})
        return set(cursor.fetchall())


_POST = """
with wanted as materialized (
    select * from jsonb_to_recordset(%(grants)s::jsonb) as g (
        seq int, member bigint, currency bigint, amount bigint, source text, at timestamptz, is_pending boolean, due_at timestamptz,
        lapse_at timestamptz, expiry jsonb, version bigint, store bigint)
), posted as materialized (
    select w.seq, p.entry_id from (select * from wanted order by seq) w
    cross join lateral points_earn(
        w.member, w.currency, w.amount, w.source, 'earn', w.at, w.is_pending, w.due_at, w.lapse_at, w.expiry, null,
        w.version, w.store, null, '') p
    where p.outcome = 'done'
)
insert into points_award (account_id, entry_id, rule_id, version_id, order_id, line_id, points, reason, "on")
select s.account, p.entry_id, s.rule, s.version, s."order", s.line, s.points, s.reason, s."on"
from jsonb_to_recordset(%(shares)s::jsonb) as s (
    seq int, account bigint, rule bigint, version bigint, "order" bigint, line bigint, points bigint, reason text, "on" date)
left join posted p using (seq) where p.seq is not null or s.points = 0
order by s.seq, s.line
"""


def _post(outcomes: Sequence[Outcome], accounts: Accounts, moment: datetime | None) -> None:
    grants: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    for seq, made in enumerate(outcomes):
        if made.points or made.reason in CUT:
            shares += _shares(seq, made, accounts[made.occasion.member_id, made.rule.currency_id][0])
        if made.points:
            grants.append(_grant(seq, made, moment or made.occasion.at))
    if shares:
        with connection.cursor() as cursor:
            cursor.execute(
                _POST, {"grants": json.dumps(grants, default=str), "shares": json.dumps(shares, default=str)}
            )
    for made in outcomes:
        if made.points and made.rule.definition.get("coupon"):
            _tell(made)


def _tell(made: Outcome) -> None:
    """A task that gives a coupon beside its points."""
    one, source = made.occasion, f"{made.occasion.key}:r{made.rule.id}"
    events.publish(
        TASK, key=f"{one.member_id}:{source}", lane=f"member:{one.member_id}", member_id=one.member_id, order_id=one.order_id,
        coupon_key=made.rule.definition["coupon"], origin=made.rule.key, source=_coupon_source(one, source),
    )  # fmt: skip


def _coupon_source(one: Occasion, source: str) -> str:
    """An order's sources are unique by themselves; others only within their member's books."""
    return source if one.order_id is not None else f"{source}:m{one.member_id}"


def coupon_sources(*, order_id: int) -> list[str]:
    """For what the tasks that this order did gave coupons."""
    rules = Award.objects.filter(order_id=order_id, rule__trigger="task").values_list("rule_id", flat=True).distinct()
    return [f"order:{order_id}:task:r{rule_id}" for rule_id in rules]


def _shares(seq: int, made: Outcome, account_id: int) -> list[dict[str, Any]]:
    """A row for each line that got something; one row for a limit that left nothing."""
    row = {
        "seq": seq,
        "account": account_id,
        "rule": made.rule.id,
        "version": made.rule.version_id,
        "order": made.occasion.order_id,
        "line": None,
        "points": 0,
        "reason": made.reason,
        "on": made.occasion.day,
    }
    given = [row | {"line": share.line_id, "points": share.points} for share in made.shares if share.points]
    return given or [row]


def _grant(seq: int, made: Outcome, at: datetime) -> dict[str, Any]:
    definition, occasion = made.rule.definition, made.occasion
    is_pending, due_at, lapse_at = terms(definition.get("pending"), at, received_at=occasion.received_at)
    return {
        "seq": seq,
        "member": occasion.member_id,
        "currency": made.rule.currency_id,
        "amount": made.points,
        "source": f"{occasion.key}:r{made.rule.id}",
        "at": at,
        "is_pending": is_pending,
        "due_at": due_at,
        "lapse_at": lapse_at,
        "expiry": definition.get("expiry"),
        "version": made.rule.version_id,
        "store": occasion.store_id,
    }


def terms(
    pending: Mapping[str, Any] | None, at: datetime, *, received_at: datetime | None = None
) -> tuple[bool, datetime | None, datetime | None]:
    """Whether what is given at `at` waits, until when, and when it lapses. Days are shop days: usable from the day's beginning.
    `received_at`: the order had arrived by then, so nothing waits for that any more."""
    match (pending or {}).get("kind"):
        case "days":
            return True, clock.day_start(clock.local_date(at) + timedelta(days=pending["days"])), None  # type: ignore[index]
        case "on":
            due = clock.day_start(date.fromisoformat(pending["date"]))  # type: ignore[index]
            return (True, due, None) if due > at else (False, None, None)
        case "fact" if received_at:
            due = takebacks.usable_from(pending, received_at)  # type: ignore[arg-type]
            return (True, due, None) if due > at else (False, None, None)
        case "fact":
            last = clock.local_date(at) + timedelta(days=pending["lapse_days"])  # type: ignore[index]
            return True, None, clock.day_end(last)
    return False, None, None


def books_of(occasions: Sequence[Occasion], rules: Sequence[LiveRule], people: dict[int, Person]) -> Books:
    """What a dry run may know: the limits as they stand, without a lock."""
    books = facts.given([person.member_id for person in people.values()], rules, [one.day for one in occasions])
    with connection.cursor() as cursor:
        cursor.execute(
            "select m.id, c.id, c.max_balance - coalesce(a.balance + a.pending - a.debt, 0)"
            " from unnest(%s::bigint[]) m(id) cross join points_currency c"
            " left join points_account a on a.member_id = m.id and a.currency_id = c.id where c.max_balance is not null",
            [sorted({person.member_id for person in people.values()})],
        )
        books.room = {(member, currency): room for member, currency, room in cursor.fetchall()}
    return books
