"""How many points may pay for orders: no more than a part of each order, and so many in a period or a life. Set for each currency.

What was given back, or set aside and let go, does not count. Limits are judged under the account's lock, by shop days; of merged
records all books count. `Currency.cents_per_hundred` is what 100 points take off an order.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import Approval, User
from apps.members import selectors as members
from apps.points import reckoning
from apps.points.definitions import PERIODS
from apps.points.errors import SpendLimitReached
from apps.points.models import Currency
from apps.points.services import Posting

KIND = "points.spend_limits"
MOST = 10**9
ORDER = "order"  # the reason beside those of PERIODS
_INVALID = _("This value is not known.")


class SpendLimitsMovedOn(DomainError):
    code = "spend_limits_moved_on"
    title = _("These limits were changed since. Ask anew.")


@dataclass(frozen=True)
class Limits:
    """`cents_per_hundred`: 分 that 100 points take off; with 0 no part of an order can be told. `order_percent` None: up to the
    whole order. `periods`: points by "day", "week", "month", "quarter", "year", "life"; absent: no limit."""

    cents_per_hundred: int
    order_percent: int | None = None
    periods: dict[str, int] = field(default_factory=dict)

    def whole(self, order_cents: int) -> int | None:
        """Points that may pay for an order of so many 分; None: cannot be told."""
        share = 100 if self.order_percent is None else self.order_percent
        return order_cents * share // self.cents_per_hundred if self.cents_per_hundred else None


@dataclass(frozen=True)
class Room:
    """Points that may still be spent on an order; None: no limit. `by` is what limits them: "order", or the period."""

    most: int | None
    by: str = ""


def room(limits: Limits, *, order_cents: int, on_order: int, spent: Mapping[str, int]) -> Room:
    """`on_order`: points that pay for this order already; `spent`: on all orders in each period that has a limit."""
    whole = limits.whole(order_cents)
    found = [] if whole is None else [(max(whole - on_order, 0), ORDER)]
    found += [(max(most - spent[per], 0), per) for per, most in limits.periods.items()]
    return Room(*min(found, key=lambda one: one[0])) if found else Room(None)


def of(currency: Currency) -> Limits:
    said: dict[str, Any] = currency.spend_limits
    return Limits(
        currency.cents_per_hundred, said.get("order_percent"), {per: said[per] for per in PERIODS if per in said}
    )


def left(
    *, member_id: int, order_cents: int, order_id: int | None = None, currency: str = "points", moment: datetime | None = None
) -> Room:  # fmt: skip
    """What a member may spend on an order that costs `order_cents`, whatever their balance is. `order_id`: one that is kept already.

    A look: what counts is decided by `takebacks.pay_order` and `takebacks.hold_for_order`.
    """
    limits = of(_currency(currency))
    spent, on_order = _spent(member_id, currency, order_id, limits, clock.local_date(moment or clock.now()))
    return room(limits, order_cents=order_cents, on_order=on_order, spent=spent)


def require(
    *, posting: Posting, member_id: int, order_id: int, order_cents: int, day: date, currency: str = "points"
) -> None:
    """After the points of an order were noted, in the transaction that took them. Raises SpendLimitReached when they are too many."""
    limits = of(_currency(currency))
    spent, on_order = _spent(member_id, currency, order_id, limits, day)
    over = [(spent[per] - most, per) for per, most in limits.periods.items()]
    whole = limits.whole(order_cents)
    if whole is not None:
        over.append((on_order - whole, ORDER))
    excess, by = max(over, default=(0, ""), key=lambda one: one[0])
    if excess > 0:
        raise SpendLimitReached(left=max(posting.amount - excess, 0), by=by)


@transaction.atomic
def save(*, currency: str, wanted: Limits, by: User) -> int | None:
    """Write the limits; None. What lets more points be spent, or makes them worth more, waits for a second person: nothing is written
    then, and the approval's id is returned. Raises ValidationFailed, NotFound."""
    audit.sign()
    _check(wanted)
    before = of(_currency(currency, locked=True))
    if not _is_looser(wanted, before):
        _write(currency, wanted)
        return None
    params = {"currency": currency, "wanted": asdict(wanted), "before": asdict(before)}
    return approvals.ask_once(kind=KIND, params=params, user_id=by.pk).pk


def _is_looser(wanted: Limits, before: Limits) -> bool:
    pairs = [(wanted.periods.get(per), before.periods.get(per)) for per in PERIODS]
    pairs += [(wanted.order_percent, before.order_percent)]
    return wanted.cents_per_hundred > before.cents_per_hundred or any(
        old is not None and (new is None or new > old) for new, old in pairs
    )


def _check(wanted: Limits) -> None:
    numbers = {"cents_per_hundred": (wanted.cents_per_hundred, 0, 1_000_000)}
    numbers |= {f"periods/{per}": (most, 0, MOST) for per, most in wanted.periods.items()}
    if wanted.order_percent is not None:
        numbers["order_percent"] = (wanted.order_percent, 0, 100)
    wrong = [name for name, (number, least, most) in numbers.items() if not least <= number <= most]
    wrong += [f"periods/{per}" for per in wanted.periods if per not in PERIODS]
    if wrong:
        raise ValidationFailed(
            errors=[{"pointer": f"/{name}", "code": "invalid", "message": str(_INVALID)} for name in wrong]
        )


def _write(currency: str, wanted: Limits) -> None:
    row = _currency(currency, locked=True)
    row.cents_per_hundred = wanted.cents_per_hundred
    share = {} if wanted.order_percent is None else {"order_percent": wanted.order_percent}
    row.spend_limits = share | wanted.periods
    row.save(update_fields=["cents_per_hundred", "spend_limits"])
    facts = {"cents_per_hundred": row.cents_per_hundred, **row.spend_limits}
    audit.record("points.spend_limits_changed", object_type="currency", object_id=row.pk, after=facts)


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    audit.sign()
    facts = asked.params
    if asdict(of(_currency(facts["currency"], locked=True))) != facts["before"]:
        raise SpendLimitsMovedOn
    _write(facts["currency"], Limits(**facts["wanted"]))


def _currency(key: str, *, locked: bool = False) -> Currency:
    rows = Currency.objects.select_for_update() if locked else Currency.objects
    found = rows.filter(key=key, is_spendable=True).first()
    if found is None:
        raise NotFound(currency=key)
    return found


# By shop day: what paid for orders and was not given back, or not let go; and what of it paid for one order.
_SPENT = """
select (e.at at time zone 'Asia/Shanghai')::date, sum(t.n)::bigint, coalesce(sum(t.n) filter (where p.order_id = %(order)s), 0)::bigint
from points_account a
join points_entry e on e.account_id = a.id and e.kind in ('spend', 'hold')
join lateral (select order_id, sum(points) as points from points_payment where entry_id = e.id group by order_id) p on true
left join points_hold h on h.entry_id = e.id
cross join lateral (
    select case when h.id is null or h.state = 'held' then p.points when h.state = 'captured' then h.captured else 0 end
           - coalesce((select sum(undone) from points_entry r where r.reverses_id = e.id and r.kind = 'return'), 0) as n) t
where a.member_id = any(%(members)s) and a.currency_id = (select id from points_currency where key = %(currency)s)
group by 1
"""


def _spent(
    member_id: int, currency: str, order_id: int | None, limits: Limits, today: date
) -> tuple[dict[str, int], int]:
    """Points on all orders in each period that has a limit, and on this order."""
    if not limits.periods and order_id is None:
        return {}, 0
    values = {"members": members.family(member_id), "currency": currency, "order": order_id}
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, values)
        rows = cursor.fetchall()
    spans = {per: reckoning.period(per, today) for per in limits.periods}
    spent = {per: sum(n for day, n, _own in rows if first <= day <= last) for per, (first, last) in spans.items()}
    return spent, sum(own for _day, _n, own in rows)


approvals.register(KIND, run=_run, permission="points.rules_agree", title=_("Points on orders"))
