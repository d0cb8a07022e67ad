"""The only door to the points books. Every write names its `source`; a repeat changes nothing, a contradiction is refused.

Each function is one call of a database function (`ledger.sql`), which locks the account, settles what fell due, and writes all or
nothing. Of a record that was joined to another the other's account is meant, and a source that either wrote counts as written.
Who posts in two currencies in one transaction does so in the order of their ids (points before growth), as merges do.

Amounts are whole points, above 0. `currency` is a key ("points", "growth"). Sources are text of the form "order:42".
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from apps.core import clock, prepared
from apps.core.errors import DomainError, NotFound
from apps.points.errors import (
    AccountFrozen,
    AmountOutOfRange,
    HoldOver,
    MoreThanThere,
    NotEnoughPoints,
    SourceReused,
    TransferCapReached,
    TransferOff,
    TransferToSelf,
)
from apps.points.models import Currency, Entry

MOST = 10**12
HOLD_FOR = timedelta(minutes=15)
CHUNK = 500
log = structlog.get_logger("siyu.points")
_CURRENCY = "(select id from points_currency where key = %s)"


@dataclass(frozen=True)
class Posting:
    """One line and the account afterwards. `is_new` False: the source had written it before."""

    entry_id: int
    amount: int
    balance: int
    pending: int
    held: int
    debt: int
    is_new: bool


@dataclass(frozen=True)
class Terms:
    """When granted points count. `is_pending` with `due_at`: from then on; without: once `release` is called, or never after
    `lapse_at`. `expiry` is a policy in place of the currency's (see `Currency`), `expires_at` a fixed end in place of both."""

    is_pending: bool = False
    due_at: datetime | None = None
    lapse_at: datetime | None = None
    expiry: dict[str, Any] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class By:
    """Who stands behind a line by hand, and why."""

    staff_id: int | None = None
    store_id: int | None = None
    note: str = ""


AT_ONCE = Terms()
NOBODY = By()


def earn(
    *,
    member_id: int,
    amount: int,
    source: str,
    currency: str = "points",
    kind: str = "earn",
    terms: Terms = AT_ONCE,
    version_id: int | None = None,
    by: By = NOBODY,
    moment: datetime | None = None,
) -> Posting:
    """Grant points; a debt is paid first. Raises AmountOutOfRange, SourceReused, NotFound (no such member)."""
    _check(amount)
    values = [
        currency,
        amount,
        source,
        kind,
        moment or clock.now(),
        terms.is_pending,
        terms.due_at,
        terms.lapse_at,
    ]
    values += [_json(terms.expiry), terms.expires_at, version_id, by.store_id, by.staff_id, by.note, member_id]
    return _call(
        _of_member("points_earn", "%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s"), values, asked=amount
    )


def earn_many(
    *, grants: Sequence[tuple[int, str]], amount: int, note: str = "", currency: str = "points", moment: datetime
) -> dict[int, str]:
    """The same amount to many in one statement, each (member, source) once; accounts are locked in the order of their members.

    Returns "done" or "again" per member; whom there is not any more is left out.
    """
    _check(amount)
    ordered = sorted(grants)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""select g.member_id, p.outcome from (
                select m.id as member_id, coalesce(m.merged_into_id, m.id) as who, x.source
                from unnest(%(members)s::bigint[], %(sources)s::text[]) x (member_id, source)
                join members_member m on m.id = x.member_id and m.status not in ('cancelled', 'erased')
                order by 2 offset 0
            ) g cross join lateral points_earn(
                g.who, {_CURRENCY.replace("%s", "%(currency)s")}, %(amount)s, g.source, 'earn', %(moment)s,
                false, null, null, null, null, null, null, null, %(note)s
            ) p""",
            {
                "members": [member_id for member_id, _source in ordered], "sources": [source for _id, source in ordered],
                "currency": currency, "amount": amount, "moment": moment, "note": note,
            },
        )  # fmt: skip
        return dict(cursor.fetchall())


def spend(
    *, member_id: int, amount: int, source: str, currency: str = "points", kind: str = "spend", by: By = NOBODY,
    moment: datetime | None = None,
) -> Posting:  # fmt: skip
    """Take points, first-expiring first. Raises NotEnoughPoints, AccountFrozen, AmountOutOfRange, SourceReused, NotFound."""
    return _take(member_id, currency, amount, source, kind, moment, None, by)


def hold(
    *, member_id: int, amount: int, source: str, currency: str = "points", keep_for: timedelta = HOLD_FOR,
    moment: datetime | None = None,
) -> Posting:  # fmt: skip
    """Set points aside for `keep_for`; then `capture` or `let_go` the line. Raises as `spend`."""
    moment = moment or clock.now()
    return _take(member_id, currency, amount, source, "hold", moment, moment + keep_for, NOBODY)


def capture(*, entry_id: int, source: str, amount: int, moment: datetime | None = None) -> Posting:
    """Spend what line `entry_id` set aside, or part of it; the rest goes back. Raises HoldOver, MoreThanThere, SourceReused."""
    _check(amount)
    values = [entry_id, amount, source, moment or clock.now()]
    return _call("points_capture(%s, %s, %s, %s)", values, asked=amount)


def let_go(*, entry_id: int, source: str, moment: datetime | None = None) -> Posting:
    """Give back what line `entry_id` set aside. Again: a no-op that names the same line. Raises HoldOver when it was captured."""
    values = [entry_id, source, "released", moment or clock.now()]
    made = _call("points_let_go(%s, %s, %s, %s)", values, asked=None)
    if made.is_new:
        return made
    there = Entry.objects.filter(reverses_id=entry_id, kind=Entry.Kind.RELEASE).values_list("pk", flat=True)
    return replace(made, entry_id=there.get())


def let_go_expired(*, moment: datetime | None = None, at_most: int = CHUNK) -> int:
    """Release up to `at_most` holds whose time is over, oldest first. Returns how many were. Call until it returns 0.

    One that cannot be released is logged and does not hold up the others, in this call or the next.
    """
    moment = moment or clock.now()
    released, last = 0, (datetime.min.replace(tzinfo=UTC), 0)
    while released < at_most:
        with connection.cursor() as cursor:
            cursor.execute(
                "select expires_at, entry_id from points_hold where state = 'held' and expires_at <= %s"
                " and (expires_at, entry_id) > (%s, %s) order by expires_at, entry_id limit %s",
                [moment, *last, at_most - released],
            )
            due = cursor.fetchall()
        if not due:
            break
        last = due[-1]
        released += sum(_let_go_over(entry_id, moment) for _, entry_id in due)
    return released


def _let_go_over(entry_id: int, moment: datetime) -> bool:
    try:
        with transaction.atomic():
            values = [entry_id, f"hold:{entry_id}:over", "expired", moment]
            return _call("points_let_go(%s, %s, %s, %s)", values, asked=None).is_new
    except HoldOver:  # captured this very moment
        return False
    except (DatabaseError, SourceReused):
        log.exception("points.hold_stuck", entry_id=entry_id)
        return False


def give_back(*, entry_id: int, amount: int, source: str, by: By = NOBODY, moment: datetime | None = None) -> Posting:
    """Return points that line `entry_id` spent, to their own lots and ends. Raises MoreThanThere, SourceReused."""
    _check(amount)
    values = [entry_id, amount, source, "return", moment or clock.now(), by.store_id, by.staff_id, by.note]
    return _call("points_give_back(%s, %s, %s, %s, %s, %s, %s, %s)", values, asked=amount)


def reverse(
    *, entry_id: int, amount: int, source: str, policy: str | None = None, by: By = NOBODY, moment: datetime | None = None
) -> Posting:  # fmt: skip
    """Take back points that line `entry_id` granted, by the currency's refund policy or `policy`. Raises MoreThanThere, SourceReused.

    `amount` of the answer is what was undone, wherever it came from: pending, balance, run-out points, debt, or on paper.
    """
    _check(amount)
    values = [entry_id, amount, source, moment or clock.now(), policy, by.store_id, by.staff_id, by.note]
    return _call("points_reverse(%s, %s, %s, %s, %s, %s, %s, %s)", values, asked=amount)


def release(*, entry_id: int, moment: datetime | None = None, due_at: datetime | None = None) -> bool:
    """The fact that a pending earning waited for has come: usable now, or from `due_at` on. False: nothing waited."""
    with connection.cursor() as cursor:
        cursor.execute("select points_release(%s, %s, %s)", [entry_id, moment or clock.now(), due_at])
        return cursor.fetchone()[0] == "done"


def adjust(
    *, member_id: int, amount: int, source: str, by: By, currency: str = "points", moment: datetime | None = None
) -> Posting:
    """Correct by hand: plus grants, minus takes. `by.note` is the reason. Limits and second persons: `adjusting`."""
    if amount > 0:
        return earn(
            member_id=member_id, amount=amount, source=source, currency=currency, kind="adjust", by=by, moment=moment
        )
    return _take(member_id, currency, -amount, source, "adjust", moment, None, by)


def join(*, from_id: int, to_id: int, source: str, moment: datetime | None = None) -> int:
    """Two records became one: everything of `from_id` goes to `to_id`, in every currency. Returns lots moved. Repeatable."""
    return _for_each_currency("points_join", from_id, to_id, source, moment)


def part(*, from_id: int, to_id: int, source: str, moment: datetime | None = None) -> int:
    """A merge was undone: what `join` with this `source` brought goes back as far as it is still there. Returns lots moved back.

    Later points of the record that stayed stay there. Again, or without a `join` before: a no-op.
    """
    return _for_each_currency("points_part", from_id, to_id, source, moment)


def transfer(
    *, from_id: int, to_id: int, amount: int, source: str, currency: str = "points", moment: datetime | None = None
) -> Posting:
    """Give usable points to another member; the giver pays `Currency.transfer`'s fee on top. The answer is the giver's account.

    Pending points, what is set aside and what has run out cannot be given. Raises TransferOff, TransferToSelf, TransferCapReached,
    NotEnoughPoints, AccountFrozen, AmountOutOfRange, SourceReused.
    """
    _check(amount)
    terms = Currency.objects.values_list("transfer", flat=True).get(key=currency)
    if not terms:
        raise TransferOff
    if from_id == to_id:
        raise TransferToSelf
    fee = amount * int(terms.get("fee_percent", 0)) // 100
    values = [from_id, to_id, currency, amount, fee, terms.get("daily_cap"), source, moment or clock.now()]
    values.append(terms.get("expiry", "keep") == "keep")
    return _call(f"points_transfer(%s, %s, {_CURRENCY}, %s, %s, %s, %s, %s, %s)", values, asked=amount)


def settle_due(*, moment: datetime | None = None, at_most: int = CHUNK) -> int:
    """Expire, activate and lapse what is due in up to `at_most` accounts that nobody is working on. Returns how many accounts.

    One short transaction: an earner waits for its chunk at most. Call until it returns 0.
    """
    moment = moment or clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "select id from points_account where next_due_at <= %s order by next_due_at limit %s for no key update skip locked",
            [moment, at_most],
        )
        accounts = sorted(account_id for (account_id,) in cursor.fetchall())
        if accounts:
            cursor.execute("select points_settle(%s, %s)", [accounts, moment])
    return len(accounts)


def settle_all(*, moment: datetime | None = None) -> int:
    """`settle_due` until nothing is due that nobody holds, in chunks that take a tenth of a second each. Returns how many accounts."""
    moment = moment or clock.now()
    settled, size = 0, 20
    while True:
        began = time.monotonic()
        chunk = settle_due(moment=moment, at_most=size)
        if not chunk:
            return settled
        settled += chunk
        size = max(1, min(CHUNK, 2 * size, int(size * 0.1 / (time.monotonic() - began))))


def _for_each_currency(function: str, from_id: int, to_id: int, source: str, moment: datetime | None) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"select coalesce(sum({function}(%s, %s, c.id, %s, %s)), 0) from (select id from points_currency order by id) c",
            [from_id, to_id, source, moment or clock.now()],
        )
        return int(cursor.fetchone()[0])


def _take(
    member_id: int, currency: str, amount: int, source: str, kind: str, moment: datetime | None, until: datetime | None, by: By
) -> Posting:  # fmt: skip
    _check(amount)
    values = [
        currency,
        amount,
        source,
        kind,
        moment or clock.now(),
        until,
        by.store_id,
        by.staff_id,
        by.note,
        member_id,
    ]
    return _call(_of_member("points_take", "%s, %s, %s, %s, %s, %s, %s, %s"), values, asked=amount)


def _of_member(function: str, more: str) -> str:
    """The call for whoever the member is by now: an alias stands for the member it was merged into."""
    return f"members_member m cross join lateral {function}(coalesce(m.merged_into_id, m.id), {_CURRENCY}, {more}) p where m.id = %s"


def _call(call: str, values: Sequence[Any], *, asked: int | None) -> Posting:
    """Run one ledger function; a refusal has written nothing."""
    answers = prepared.rows(f"select outcome, entry_id, amount, balance, pending, held, debt from {call}", values)
    if not answers:
        raise NotFound
    outcome, entry_id, amount, balance, pending, held, debt = answers[0]
    if outcome not in ("done", "again"):
        raise _refusal(outcome, amount=amount, balance=balance, asked=asked)
    if outcome == "again" and asked is not None and amount != asked:
        raise SourceReused(recorded=amount)
    return Posting(entry_id or 0, amount, balance, pending, held, debt, is_new=outcome == "done")


def _refusal(outcome: str, *, amount: int, balance: int, asked: int | None) -> DomainError:
    match outcome:
        case "short":
            return NotEnoughPoints(balance=balance, needed=asked)
        case "frozen":
            return AccountFrozen()
        case "exceeds":
            return MoreThanThere(left=amount)
        case "self":
            return TransferToSelf()
        case "cap":
            return TransferCapReached(left=amount)
        case "clash":
            return SourceReused(recorded=amount)
    return HoldOver()


def _check(amount: int) -> None:
    if not 0 < amount <= MOST:
        raise AmountOutOfRange(most=MOST)


def _json(policy: dict[str, Any] | None) -> str | None:
    return None if policy is None else json.dumps(policy)
