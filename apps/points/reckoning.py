"""What the rules give for one thing that happened: no clock, no database. Real runs and dry runs both come here.

Rules by amount and fixed rules come first, in the order of their keys, then multipliers. Points by amount are rounded down once per
rule and order and spread over the lines by largest remainder. Of a line's multipliers, the tier's among them, only the best counts;
it gives the points above the single ones. Limits cut down (or refuse) what a rule gives in all; the lines share what is left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from apps.core import clock, money

MOST = 10**9  # of one rule for one thing; above, something is wrong and nothing is given
TIMES = {  # unless the rule says otherwise
    "first_order": ("life", 1),
    "registration": ("life", 1),
    "task": ("life", 1),
    "birthday": ("year", 1),
}
TIER = "tier"  # wins a line instead of a rule


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of an order, with the part of the order's total that was paid for it. Without lines the order is one piece."""

    cents: int
    line_id: int | None = None
    line_no: int = 0
    sku: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing that happened. `key` names it in the books ("order:42"); `refusal` is a reason why no rule may reward it."""

    trigger: str
    member_id: int
    key: str
    at: datetime
    pieces: tuple[Piece, ...] = ()
    total_cents: int = 0
    order_id: int | None = None
    store_id: int | None = None
    store: str = ""
    channel: str = ""
    name: str = ""  # of the event or task
    properties: Mapping[str, Any] = field(default_factory=dict)
    streak: int = 0
    is_first: bool = False
    is_partly_refunded: bool = False
    received_at: datetime | None = None  # an order that has arrived already
    refusal: str = ""

    @property
    def day(self) -> date:
        return clock.local_date(self.at)


@dataclass(frozen=True, slots=True)
class Person:
    """What rules may ask about the member, as of now."""

    member_id: int
    tier: str = ""
    factor: Fraction = Fraction(1)
    birthday_points: int = 0
    birthday: tuple[int, int] | None = None
    is_here: bool = True


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A version as it is applied. `is_active` False only in dry runs."""

    id: int
    key: str
    version_id: int | None
    currency_id: int
    is_spendable: bool
    trigger: str
    definition: Mapping[str, Any]
    is_active: bool = True

    @property
    def kind(self) -> str:
        return str(self.definition["give"]["kind"])

    @property
    def when(self) -> Mapping[str, Any]:
        return self.definition.get("when", {})

    @property
    def times(self) -> tuple[str, int] | None:
        """Period and how often within it; None: as often as it happens."""
        said = self.definition.get("times")
        return (said["per"], said["most"]) if said else TIMES.get(self.trigger)


@dataclass(frozen=True, slots=True)
class Share:
    line_id: int | None
    line_no: int
    points: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule gives. `reason` says why it is nothing, or less or more than the rule's own number; "" for neither."""

    rule: LiveRule
    occasion: Occasion
    points: int
    reason: str
    shares: tuple[Share, ...] = ()


@dataclass
class Books:
    """What rules gave before, by member and rule: (shop day, points, times); and how much each account may still take."""

    given: dict[tuple[int, int], list[tuple[date, int, int]]] = field(default_factory=dict)
    room: dict[tuple[int, int], int] = field(default_factory=dict)  # by member and currency; absent: no limit

    def used(self, rule: LiveRule, member_id: int, per: str, on: date) -> tuple[int, int]:
        """Points and times within the period that `on` lies in."""
        first, last = period(per, on)
        rows = [row for row in self.given.get((member_id, rule.id), ()) if first <= row[0] <= last]
        return sum(row[1] for row in rows), sum(row[2] for row in rows)

    def note(self, rule: LiveRule, member_id: int, on: date, points: int) -> None:
        self.given.setdefault((member_id, rule.id), []).append((on, points, 1))
        if (member_id, rule.currency_id) in self.room:
            self.room[member_id, rule.currency_id] -= points


def period(per: str, on: date) -> tuple[date, date]:
    """First and last day of the calendar period around `on`."""
    match per:
        case "day":
            return on, on
        case "week":
            first = on - timedelta(days=on.weekday())
            return first, first + timedelta(days=6)
        case "month":
            first, months = on.replace(day=1), 1
        case "quarter":
            first, months = date(on.year, (on.month - 1) // 3 * 3 + 1, 1), 3
        case "year":
            first, months = date(on.year, 1, 1), 12
        case _:
            return date.min, date.max
    after = first.month - 1 + months
    return first, date(first.year + after // 12, after % 12 + 1, 1) - timedelta(days=1)


def pieces(total_cents: int, lines: Sequence[Piece]) -> tuple[Piece, ...]:
    """The lines with what the order's total left of them: a discount on the order is spread, freight belongs to no line."""
    whole = sum(line.cents for line in lines)
    if not lines:
        return (Piece(cents=total_cents),)
    if whole <= total_cents:
        return tuple(lines)
    paid = money.split(total_cents, [line.cents for line in lines])
    return tuple(replace(line, cents=cents) for line, cents in zip(lines, paid, strict=True))


def reckon(occasion: Occasion, person: Person, rules: Sequence[LiveRule], books: Books) -> list[Outcome]:
    """One outcome for every rule that this trigger sets off, also where it gives nothing. `books` takes in what is given."""
    concerned = sorted((rule for rule in rules if _concerns(rule, occasion)), key=lambda rule: (rule.key, rule.id))
    singles = [rule for rule in concerned if rule.kind != "multiplier"]
    multipliers = [rule for rule in concerned if rule.kind == "multiplier"]
    against = {rule.id: _refusal(rule, occasion, person) for rule in concerned}
    winners = _winners(occasion, person, [rule for rule in multipliers if not against[rule.id]])
    outcomes = []
    bases: dict[int, list[int]] = {}
    for rule in singles:
        made = (
            _refused(rule, occasion, against[rule.id]) if against[rule.id] else _single(rule, occasion, person, winners)
        )
        made = _limited(made, person, books)
        outcomes.append(made)
        if rule.kind == "per_amount" and made.points:
            base = bases.setdefault(rule.currency_id, [0] * len(occasion.pieces))
            for i, share in enumerate(made.shares):
                base[i] += share.points
    for rule in multipliers:
        base = bases.get(rule.currency_id, [0] * len(occasion.pieces))
        made = _refused(rule, occasion, against[rule.id]) if against[rule.id] else _extra(rule, occasion, base, winners)
        outcomes.append(_limited(made, person, books))
    return outcomes


def _concerns(rule: LiveRule, occasion: Occasion) -> bool:
    if rule.trigger == "event":
        return occasion.trigger == "event" and rule.definition["event"]["name"] == occasion.name
    if rule.trigger == "task":
        return occasion.trigger == "task" and rule.definition["task"]["key"] == occasion.name
    if occasion.name == "step":
        return rule.trigger == "sign_in" and rule.kind == "streak"
    return rule.trigger == occasion.trigger or (rule.trigger, occasion.trigger) == ("first_order", "order")


def _refusal(rule: LiveRule, occasion: Occasion, person: Person) -> str:
    """The first thing that speaks against the rule; "" when nothing does."""
    if occasion.refusal or not rule.is_active:
        return occasion.refusal or "rule_inactive"
    if not person.is_here:
        return "member_gone"
    if rule.trigger == "first_order" and not occasion.is_first:
        return "not_first_order"
    asked = rule.definition.get("event", {}).get("properties", {})
    if any(occasion.properties.get(name) != value for name, value in asked.items()):
        return "wrong_properties"
    return next(
        (code for name, code, fits in _CONDITIONS if name in rule.when and not fits(rule.when, occasion, person)), ""
    )


def _is_within(when: Mapping[str, Any], at: datetime) -> bool:
    begun = "from" not in when or at >= clock.start_of(when["from"])
    return begun and ("to" not in when or at < clock.end_of(when["to"]))


def _is_birthday(when: Mapping[str, Any], occasion: Occasion, person: Person) -> bool:
    if person.birthday is None:
        return False
    today = occasion.day
    if when["birthday"] == "month":
        return person.birthday[0] == today.month
    return person.birthday in birthdays_on(today)


def birthdays_on(day: date) -> list[tuple[int, int]]:
    """Month and day of those who celebrate: who was born on 29 February does so on the 28th where there is no 29th."""
    is_end = day.month == 2 and day.day == 28 and (day + timedelta(days=1)).day == 1
    return [(day.month, day.day), (2, 29)] if is_end else [(day.month, day.day)]


_Condition = Callable[[Mapping[str, Any], Occasion, Person], bool]
_CONDITIONS: tuple[tuple[str, str, _Condition], ...] = (
    ("from", "outside_window", lambda when, occasion, _person: _is_within(when, occasion.at)),
    ("to", "outside_window", lambda when, occasion, _person: _is_within(when, occasion.at)),
    ("weekdays", "wrong_weekday", lambda when, occasion, _person: occasion.day.isoweekday() in when["weekdays"]),
    ("month_days", "wrong_month_day", lambda when, occasion, _person: occasion.day.day in when["month_days"]),
    ("birthday", "not_birthday", _is_birthday),
    ("tiers", "wrong_tier", lambda when, _occasion, person: person.tier in when["tiers"]),
    ("stores", "wrong_store", lambda when, occasion, _person: occasion.store in when["stores"]),
    ("channels", "wrong_channel", lambda when, occasion, _person: occasion.channel in when["channels"]),
    ("min_cents", "below_minimum", lambda when, occasion, _person: occasion.total_cents >= when["min_cents"]),
    ("products", "wrong_product", lambda when, occasion, _person: any(p.sku in when["products"] for p in occasion.pieces)),
    ("categories", "wrong_category",
     lambda when, occasion, _person: any(p.category in when["categories"] for p in occasion.pieces)),
)  # fmt: skip


def _line_refusal(rule: LiveRule, piece: Piece) -> str:
    if "products" in rule.when and piece.sku not in rule.when["products"]:
        return "wrong_product"
    if "categories" in rule.when and piece.category not in rule.when["categories"]:
        return "wrong_category"
    return ""


def _winners(occasion: Occasion, person: Person, multipliers: Sequence[LiveRule]) -> dict[int, list[int | str | None]]:
    """By currency, for each piece: the rule that multiplies it, the tier, or nobody. Equal factors: the tier, then the first key."""
    found: dict[int, list[int | str | None]] = {}
    for currency_id in {rule.currency_id for rule in multipliers}:
        own = [rule for rule in multipliers if rule.currency_id == currency_id]
        found[currency_id] = [_winner(piece, person, own) for piece in occasion.pieces]
    return found


def _winner(piece: Piece, person: Person, multipliers: Sequence[LiveRule]) -> int | str | None:
    best: int | str | None = TIER if person.factor > 1 and multipliers[0].is_spendable else None
    factor = person.factor if best else Fraction(1)
    for rule in multipliers:
        if not _line_refusal(rule, piece) and Fraction(rule.definition["give"]["factor"]) > factor:
            best, factor = rule.id, Fraction(rule.definition["give"]["factor"])
    return best


def _single(
    rule: LiveRule, occasion: Occasion, person: Person, winners: Mapping[int, Sequence[int | str | None]]
) -> Outcome:
    match rule.kind:
        case "per_amount":
            return _by_amount(rule, occasion, person, winners.get(rule.currency_id))
        case "streak":
            return Outcome(rule, occasion, points := _of_streak(rule, occasion), "", (Share(None, 0, points),))
    points, reason = int(rule.definition["give"]["points"]), ""
    if rule.trigger == "birthday" and person.birthday_points and rule.is_spendable:
        points, reason = person.birthday_points, "tier_birthday"
    if {"products", "categories"} & rule.when.keys():
        refusals = [_line_refusal(rule, piece) for piece in occasion.pieces]
        return _shared(rule, occasion, points, [0 if why else p.cents for p, why in zip(occasion.pieces, refusals, strict=True)],
                       refusals)  # fmt: skip
    return Outcome(rule, occasion, points, reason, (Share(None, 0, points),))


def _of_streak(rule: LiveRule, occasion: Occasion) -> int:
    """The day's points, or those of a step that the run has reached."""
    give = rule.definition["give"]
    if occasion.name != "step":
        return int(give["points"])
    day = (occasion.streak - 1) % give["cycle"] + 1 if "cycle" in give else occasion.streak
    return sum(step["points"] for step in give.get("steps", ()) if step["day"] == day)


def _by_amount(
    rule: LiveRule, occasion: Occasion, person: Person, winners: Sequence[int | str | None] | None
) -> Outcome:
    refusals = [_line_refusal(rule, piece) for piece in occasion.pieces]
    cents = [0 if why else piece.cents for piece, why in zip(occasion.pieces, refusals, strict=True)]
    give = rule.definition["give"]
    own = money.split(sum(cents) * give["points"] // give["per_cents"], cents)
    if not rule.is_spendable or person.factor <= 1:
        return _of_parts(rule, occasion, own, refusals, "")
    won = [points if winners is None or winners[i] == TIER else 0 for i, points in enumerate(own)]
    more = money.split(int(sum(won) * (person.factor - 1)), won)
    parts = [a + b for a, b in zip(own, more, strict=True)]
    return _of_parts(rule, occasion, parts, refusals, "tier_multiplier" if any(more) else "")


def _extra(
    rule: LiveRule, occasion: Occasion, base: Sequence[int], winners: Mapping[int, Sequence[int | str | None]]
) -> Outcome:
    """What the multiplier adds on the lines that it won."""
    refusals = []
    for i, piece in enumerate(occasion.pieces):
        lost = "" if winners[rule.currency_id][i] == rule.id else "better_multiplier"
        refusals.append(_line_refusal(rule, piece) or lost or ("" if base[i] else "nothing_to_multiply"))
    own = [0 if why else points for points, why in zip(base, refusals, strict=True)]
    parts = money.split(int(sum(own) * (Fraction(rule.definition["give"]["factor"]) - 1)), own)
    return _of_parts(rule, occasion, parts, refusals, "")


def _shared(
    rule: LiveRule, occasion: Occasion, points: int, weights: Sequence[int], refusals: Sequence[str]
) -> Outcome:
    if not any(weights):  # matching lines that cost nothing share evenly
        weights = [0 if why else 1 for why in refusals]
    return _of_parts(rule, occasion, money.split(points, weights), refusals, "")


def _of_parts(
    rule: LiveRule, occasion: Occasion, parts: Sequence[int], refusals: Sequence[str], reason: str
) -> Outcome:
    shares = tuple(
        Share(piece.line_id, piece.line_no, points, why or ("" if points else "rounded_to_nothing"))
        for piece, points, why in zip(occasion.pieces, parts, refusals, strict=True)
    )
    if not sum(parts):
        reason = next((why for why in refusals if why), "rounded_to_nothing") if all(refusals) else "rounded_to_nothing"
    return Outcome(rule, occasion, sum(parts), reason, shares)


def _refused(rule: LiveRule, occasion: Occasion, reason: str) -> Outcome:
    shares = tuple(Share(piece.line_id, piece.line_no, 0, reason) for piece in occasion.pieces)
    return Outcome(rule, occasion, 0, reason, shares)


def _limited(made: Outcome, person: Person, books: Books) -> Outcome:
    """Cut down to the rule's times, caps and the account's room; what is left is noted."""
    if not made.points:
        return made
    rule, on = made.rule, made.occasion.day
    points, reason = _within_limits(made, person, books)
    room = books.room.get((person.member_id, rule.currency_id))
    if room is not None and room < points:
        points, reason = max(room, 0), "max_balance"
    if points:
        books.note(rule, person.member_id, on, points)
    if points == made.points:
        return made
    parts = money.split(points, [share.points for share in made.shares])
    shares = tuple(
        replace(share, points=part, reason=share.reason or reason)
        for share, part in zip(made.shares, parts, strict=True)
    )
    return replace(made, points=points, reason=reason, shares=shares)


def _within_limits(made: Outcome, person: Person, books: Books) -> tuple[int, str]:
    rule, on = made.rule, made.occasion.day
    if made.points > MOST:
        return 0, "out_of_bounds"
    if rule.times and books.used(rule, person.member_id, rule.times[0], on)[1] >= rule.times[1]:
        return 0, "times_reached"
    points, reason = made.points, made.reason
    for cap in rule.definition.get("caps", ()):
        used = 0 if cap["per"] == "transaction" else books.used(rule, person.member_id, cap["per"], on)[0]
        room = max(cap["points"] - used, 0)
        if points > room and cap["then"] == "reject":
            return 0, "rejected_by_cap"
        if points > room:
            points, reason = room, "cut_by_cap" if room else "cap_reached"
    return points, reason
