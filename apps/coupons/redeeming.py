"""Using coupons: at once, or reserved first and then confirmed or cancelled; and taking a use back.

Coupons of one act are used all or none. `source` names the act: the same source again answers the first receipt and writes nothing.
What a coupon saves is reckoned here from the basket that the caller vouches for; a coupon that would save nothing is not used up.
Budgets count from the reservation on.

Locks, in this order: the source, coupons by id, their templates by id (so that a stop waits for what is under way and nothing
begins after it), counters of budgets by template. Of many tills that read one coupon nearly all find its use before any lock, in one
statement; those that came before it wait for the coupon and are then let through without having locked anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.core import brand, clock, prepared
from apps.core.models import User
from apps.coupons import basket as baskets
from apps.coupons import budgets
from apps.coupons import terms as grammar
from apps.coupons.basket import Basket, Held, Shopper
from apps.coupons.errors import ActReused, CouponRefused, NotRedeemed, ReservationOver
from apps.coupons.judging import shown
from apps.coupons.models import Coupon, Entry, Use
from apps.coupons.quote import Chosen, together
from apps.coupons.words import CHANNELS
from apps.events import services as events
from apps.members import selectors as members

RESERVE_FOR = timedelta(minutes=15)  # at most
SETTING = "coupons.return_days"
CHUNK = 200
Kind = Entry.Kind


def _check_days(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 365:
        raise ValueError("a whole number of days from 0 to 365 is expected")


brand.declare(SETTING, default=0, check=_check_days)


@dataclass(frozen=True)
class Place:
    """Where a coupon is used, by whom, for what. Ids; `reference`: the till's receipt or the shop's order number."""

    store_id: int | None = None
    device_id: int | None = None
    staff_id: int | None = None
    order_id: int | None = None
    reference: str = ""


@dataclass(frozen=True)
class Used:
    """One coupon of a receipt. `cents` is what it took off the basket, `lines` of it by line number; for an exchange nothing,
    and `worth_cents` is what the thing is worth."""

    coupon_id: int
    use_id: int
    name: str
    level: str
    cents: int
    lines: Mapping[int, int] = field(default_factory=dict)
    worth_cents: int = 0


@dataclass(frozen=True)
class Sold:
    """A line of the basket as it was reckoned: by the list, before coupons, what coupons took off. `to_pay_cents` of all lines add up
    to what the goods cost."""

    number: int
    list_cents: int
    cents: int
    saved_cents: int = 0

    @property
    def to_pay_cents(self) -> int:
        return self.cents - self.saved_cents


@dataclass(frozen=True)
class Receipt:
    """What an act did and how it stands. `is_new` False: it had been done before."""

    source: str
    state: str
    member_id: int
    used: tuple[Used, ...]
    at: datetime
    reserved_until: datetime | None
    done_at: datetime | None
    undone_at: datetime | None
    store_id: int | None
    reference: str
    is_new: bool
    sold: tuple[Sold, ...] = ()

    @property
    def id(self) -> int:
        """Of the first use: names the act to the outside."""
        return self.used[0].use_id

    @property
    def saved_cents(self) -> int:
        return sum(used.cents for used in self.used)

    def lines(self) -> dict[int, int]:
        """分 taken off each line in all, by line number; savings on freight are in no line."""
        found: dict[int, int] = {}
        for used in self.used:
            for number, cents in used.lines.items():
                found[number] = found.get(number, 0) + cents
        return found


@dataclass(frozen=True)
class Act:
    """What is asked for, once."""

    coupon_ids: Sequence[int]
    shopper: Shopper
    basket: Basket
    source: str
    place: Place = field(default_factory=Place)
    with_points: bool = False


def redeem(act: Act, *, moment: datetime | None = None) -> Receipt:
    """Use the coupons for good. Raises CouponRefused (its `facts` name the coupon: `coupon_id`), ActReused.

    `with_points`: points are to pay for the same basket. `basket.at` is the moment at which conditions are looked at.
    """
    return _begin(act, moment=moment or clock.now(), until=None)


def reserve(act: Act, *, ttl: timedelta = RESERVE_FOR, moment: datetime | None = None) -> Receipt:
    """Keep the coupons for this basket for a while (`ttl`, 15 minutes at most): nobody else can use them. Raises as `redeem`."""
    moment = moment or clock.now()
    return _begin(act, moment=moment, until=moment + min(ttl, RESERVE_FOR))


@transaction.atomic
def confirm(
    *, source: str, order_id: int | None = None, reference: str = "", moment: datetime | None = None
) -> Receipt:
    """Use what was reserved, at what was reckoned then, also where the template was stopped since. Again: a no-op.

    Raises ReservationOver, CouponRefused (coupon_not_found).
    """
    moment = moment or clock.now()
    uses = _locked_uses(source)
    if uses[0].state == Use.State.DONE:
        return _receipt(uses, is_new=False)
    until = uses[0].reserved_until
    if uses[0].state != Use.State.RESERVED or until is None or until <= moment:
        raise ReservationOver
    for use in uses:
        use.state, use.done_at = Use.State.DONE, moment
        use.order_id, use.reference = order_id or use.order_id, reference or use.reference
    Use.objects.bulk_update(uses, ["state", "done_at", "order", "reference"])
    _set_state(uses, Coupon.State.USED)
    _note(uses, Kind.USED, moment)
    _tell("coupon.redeemed", uses)
    return _receipt(uses, is_new=True)


@transaction.atomic
def cancel(*, source: str, moment: datetime | None = None) -> Receipt:
    """Let go what was reserved. Again: a no-op. Raises NotRedeemed for what is redeemed, CouponRefused (coupon_not_found)."""
    uses = _locked_uses(source)
    if uses[0].state == Use.State.CANCELLED:
        return _receipt(uses, is_new=False)
    if uses[0].state != Use.State.RESERVED:
        raise NotRedeemed(state=uses[0].get_state_display())
    _let_go(uses, moment or clock.now())
    return _receipt(uses, is_new=True)


@transaction.atomic
def take_back(*, source: str, by: User | None = None, note: str = "", moment: datetime | None = None) -> Receipt:
    """Undo a redemption whole: its coupons can be used again, budgets have it back. One whose days are over meanwhile is expired,
    unless the brand gives days on return (setting `coupons.return_days`). Again: a no-op. Raises NotRedeemed for a reservation."""
    moment = moment or clock.now()
    uses = _locked_uses(source)
    if uses[0].state == Use.State.TAKEN_BACK:
        return _receipt(uses, is_new=False)
    if uses[0].state != Use.State.DONE:
        raise NotRedeemed(state=uses[0].get_state_display())
    _close(uses, Use.State.TAKEN_BACK, moment)
    _note(uses, Kind.RETURNED, moment, by=by, note=note)
    _give_days(uses, moment)
    _tell("coupon.returned", uses)
    return _receipt(uses, is_new=True)


def free_order(*, order_id: int, moment: datetime | None = None) -> list[Receipt]:
    """Every act for this order is undone: what is reserved is let go, what is redeemed taken back. Again: a no-op."""
    rows = Use.objects.filter(order_id=order_id, state__in=["reserved", "done"]).order_by("source")
    freed = []
    for source, state in dict(rows.values_list("source", "state")).items():
        undo = cancel if state == Use.State.RESERVED else take_back
        freed.append(undo(source=source, moment=moment))
    return freed


@transaction.atomic
def release_overdue(*, moment: datetime | None = None, at_most: int = CHUNK) -> int:
    """Let go up to `at_most` acts whose time to confirm is over; one that is under way elsewhere is left for the next run. Returns how
    many were. Call until it returns 0. Nobody depends on it: whoever wants an overdue coupon lets it go himself."""
    moment = moment or clock.now()
    due = Use.objects.filter(state="reserved", reserved_until__lte=moment).order_by("reserved_until", "pk")
    sources = set(due.values_list("source", flat=True)[:at_most])
    wanted = list(Use.objects.filter(source__in=sources).values_list("coupon_id", flat=True))
    held = {pk for (pk,) in prepared.rows(_LOCK_FREE, [wanted])}
    acts: dict[str, list[Use]] = {}
    for use in Use.objects.select_related("coupon").filter(source__in=sources, state="reserved").order_by("pk"):
        acts.setdefault(use.source, []).append(use)
    free = [uses for uses in acts.values() if held.issuperset(use.coupon_id for use in uses)]
    if free:
        _let_go([use for uses in free for use in uses], moment)
    return len(free)


def receipt(*, source: str) -> Receipt | None:
    uses = _uses(source)
    return _receipt(uses, is_new=False) if uses else None


def of_use(use_id: int) -> Use | None:
    """The use that names an act to the outside."""
    return Use.objects.filter(pk=use_id).first()


def _begin(act: Act, *, moment: datetime, until: datetime | None) -> Receipt:
    _refuse_used(act)
    with transaction.atomic():
        return _do(act, moment=moment, until=until)


def _do(act: Act, *, moment: datetime, until: datetime | None) -> Receipt:
    _lock_source(act.source)
    if prepared.row(_DONE, [act.source]) and (uses := _uses(act.source)):
        return _repeated(uses, act, is_reservation=until is not None)
    rows = _locked(act, moment)
    _check_owner(rows, act)
    chosen = _chosen(rows, act, moment)
    uses = [_use(row, chosen, act, moment=moment, until=until) for row in rows]
    Use.objects.bulk_create(uses)
    for use in _by_template(uses):
        budgets.take(coupon=use.coupon, cents=use.saved_cents, moment=moment, store_id=use.store_id)
    _set_state(uses, Coupon.State.RESERVED if until else Coupon.State.USED)
    _note(uses, Kind.RESERVED if until else Kind.USED, moment)
    if until is None:
        _tell("coupon.redeemed", uses)
    return _receipt(uses, is_new=True)


def _refuse_used(act: Act) -> None:
    """Where another act has used one of their coupons. One statement, and no lock."""
    found = prepared.row(_USED_BY, [sorted(set(act.coupon_ids)), act.source, act.shopper.member_id])
    if found is not None:
        coupon_id, at, code, name, channel, reference = found
        facts = _said(at, code, name, channel, reference, None)
        raise CouponRefused("coupon_already_redeemed", coupon_id=coupon_id, **facts)


def _repeated(uses: list[Use], act: Act, *, is_reservation: bool) -> Receipt:
    was_reservation = uses[0].reserved_until is not None
    if {use.coupon_id for use in uses} != set(act.coupon_ids) or was_reservation != is_reservation:
        raise ActReused
    return _receipt(uses, is_new=False)


def _locked(act: Act, moment: datetime) -> list[Coupon]:
    """The coupons; those that can be used are theirs from here to the commit. Reservations that are overdue are let go."""
    wanted = sorted(set(act.coupon_ids))
    overdue = {source for (source,) in prepared.rows(_OVERDUE, [wanted, moment])}
    beside = Use.objects.filter(source__in=overdue).values_list("coupon_id", flat=True) if overdue else []
    while True:
        held = {pk for (pk,) in prepared.rows(_LOCK, [sorted({*wanted, *beside})])}
        if not held.issuperset(wanted):
            _refuse_used(act)
        for source in sorted(overdue):
            uses = _uses(source)
            if uses[0].state == Use.State.RESERVED:
                _let_go(uses, moment)
        rows = list(Coupon.objects.select_related("template", "version").filter(pk__in=wanted).order_by("pk"))
        if len(rows) != len(wanted) or not rows:
            raise CouponRefused("coupon_not_found")
        if all(row.pk in held or row.state not in _FREE for row in rows):  # else one became free since: lock it
            return rows


_FREE = frozenset({Coupon.State.READY, Coupon.State.RESERVED})
_DONE = "select 1 from coupons_use where source = %s limit 1"
_USED_BY = """
select u.coupon_id, coalesce(u.done_at, u.at), coalesce(s.code, ''), coalesce(s.name, ''), u.channel, u.reference
  from coupons_use u join coupons_coupon c on c.id = u.coupon_id left join stores_store s on s.id = u.store_id
 where u.coupon_id = any(%s::bigint[]) and u.state = 'done' and u.source <> %s and c.member_id = %s order by u.coupon_id limit 1
"""
_OVERDUE = """
select source from coupons_use where coupon_id = any(%s::bigint[]) and state = 'reserved' and reserved_until <= %s
"""
_LOCK_FREE = """
select id from coupons_coupon where id = any(%s::bigint[]) and state = 'reserved' order by id for no key update skip locked
"""
# A coupon that was used up while this waited for it is not locked, and neither is its template then.
_LOCK = """
with c as materialized (
    select id, template_id from coupons_coupon
     where id = any(%s::bigint[]) and state in ('ready', 'reserved') order by id for no key update
), t as materialized (
    select id from coupons_template where id in (select template_id from c) order by id for share
)
select c.id from c where (select count(*) from t) > 0
"""


def _check_owner(rows: list[Coupon], act: Act) -> None:
    for row in rows:
        if row.member_id != act.shopper.member_id and row.member_id not in members.family(act.shopper.member_id):
            raise CouponRefused("coupon_wrong_member" if row.member_id else "coupon_not_found", coupon_id=row.pk)


def _chosen(rows: list[Coupon], act: Act, moment: datetime) -> Chosen:
    found = together(helds(rows, moment=moment), act.shopper, act.basket, with_points=act.with_points)
    if isinstance(found, Chosen):
        return found
    held, reason = found
    raise CouponRefused(reason.code, coupon_id=held.id, **reason.facts)


def helds(rows: Sequence[Coupon], *, moment: datetime) -> list[Held]:
    """Rows that were read with template and version, as quotes read them. An overdue reservation counts as let go."""
    live = {use.coupon_id: use for use in _live_uses(rows)}
    return [_held(row, live.get(row.pk), moment) for row in rows]


def _live_uses(rows: Sequence[Coupon]) -> list[Use]:
    bound = [row.pk for row in rows if row.state in {Coupon.State.USED, Coupon.State.RESERVED}]
    if not bound:
        return []
    return list(Use.objects.select_related("store").filter(coupon__in=bound, state__in=["reserved", "done"]))


def _held(row: Coupon, use: Use | None, moment: datetime) -> Held:
    held = baskets.held(row, grammar.parse(row.version.terms), facts=_facts(use) if use else None)
    until = use.reserved_until if use is not None and use.state == Use.State.RESERVED else None
    is_over = until is not None and until <= moment
    return replace(held, state=Coupon.State.READY) if is_over else held


def _facts(use: Use) -> dict[str, object]:
    code, name = (use.store.code, use.store.name) if use.store else ("", "")
    return _said(use.done_at or use.at, code, name, use.channel, use.reference, use.reserved_until)


def _said(
    at: datetime, code: str, name: str, channel: str, reference: str, until: datetime | None
) -> dict[str, object]:
    """What the text of a coupon's state names: when and where it was used, until when it is reserved."""
    where = name or str(CHANNELS.get(channel, channel)) or reference
    return {"at": shown(at), "where": where, "store": code, "until": shown(until) if until else ""}


def _use(row: Coupon, chosen: Chosen, act: Act, *, moment: datetime, until: datetime | None) -> Use:
    """What the lines cost stands with each, as it was reckoned: prices may have changed when the receipt is asked for again."""
    saving = chosen.savings[row.pk]
    saved = saving.cents + saving.worth_cents
    share = int(row.version.terms.get("store_share", 0)) if act.place.store_id else 0
    return Use(
        coupon=row,
        template_id=row.template_id,
        member_id=row.member_id or act.shopper.member_id,
        state=Use.State.RESERVED if until else Use.State.DONE,
        source=act.source,
        channel=act.basket.channel,
        basket_cents=sum(line.cents for line in chosen.lines),
        prices=[[line.number, act.basket.list_cents.get(line.number, line.cents), line.cents] for line in chosen.lines],
        saved_cents=saved,
        store_cents=saved * share // 100,
        shares={str(number): cents for number, cents in saving.lines.items()},
        is_vouched=act.basket.is_vouched,
        at=moment,
        reserved_until=until,
        done_at=None if until else moment,
        **vars(act.place),
    )


def _lock_source(source: str) -> None:
    prepared.rows("select pg_advisory_xact_lock(hashtextextended(%s, 5))::text", [source])


def _uses(source: str) -> list[Use]:
    rows = Use.objects.select_related("coupon__template", "coupon__version")
    return list(rows.filter(source=source).order_by("pk"))


def _locked_uses(source: str) -> list[Use]:
    """Raises CouponRefused (coupon_not_found)."""
    ids = list(Use.objects.filter(source=source).values_list("coupon_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("select 1 from coupons_coupon where id = any(%s) order by id for no key update", [ids])
    uses = _uses(source)
    if not uses:
        raise CouponRefused("coupon_not_found")
    return uses


def _let_go(uses: list[Use], moment: datetime) -> None:
    _close(uses, Use.State.CANCELLED, moment)
    _note(uses, Kind.RELEASED, moment)


def _close(uses: list[Use], state: str, moment: datetime) -> None:
    Use.objects.filter(pk__in=[use.pk for use in uses]).update(state=state, undone_at=moment)
    for use in uses:
        use.state, use.undone_at = state, moment
    _set_state(uses, Coupon.State.READY)
    for use in _by_template(uses):
        budgets.give_back(coupon=use.coupon, cents=use.saved_cents, moment=use.at, store_id=use.store_id)


def _by_template(uses: list[Use]) -> list[Use]:
    return sorted(uses, key=lambda use: (use.template_id, use.coupon_id))


def _give_days(uses: list[Use], moment: datetime) -> None:
    """More days for coupons that end sooner than the brand grants on return; those that are over without them expire."""
    days = int(brand.read(SETTING))
    until = clock.day_end(clock.local_date(moment) + timedelta(days=days - 1)) if days else moment
    for use in uses:
        row = use.coupon
        if row.ends_at is None or row.ends_at > until:
            continue
        if days:
            row.ends_at = until
            row.save(update_fields=["ends_at"])
            _note([use], Kind.EXTENDED, moment)
        else:
            row.state = Coupon.State.EXPIRED
            row.save(update_fields=["state"])
            _note([use], Kind.EXPIRED, moment)


def _set_state(uses: list[Use], state: str) -> None:
    Coupon.objects.filter(pk__in=[use.coupon_id for use in uses]).update(state=state)
    for use in uses:
        use.coupon.state = state


def _note(uses: list[Use], kind: str, moment: datetime, *, by: User | None = None, note: str = "") -> None:
    Entry.objects.bulk_create(
        Entry(coupon_id=use.coupon_id, use=use, kind=kind, at=moment, by=by, note=note) for use in uses
    )


def _tell(name: str, uses: list[Use]) -> None:
    for use in uses:
        events.publish(
            name, key=str(use.pk), lane=f"member:{use.member_id}", use_id=use.pk, coupon_id=use.coupon_id,
            template_id=use.template_id, member_id=use.member_id, order_id=use.order_id,
        )  # fmt: skip


def _receipt(uses: list[Use], *, is_new: bool) -> Receipt:
    first = uses[0]
    return Receipt(
        source=first.source, state=first.state, member_id=first.member_id, used=tuple(_used(use) for use in uses), at=first.at,
        reserved_until=first.reserved_until, done_at=first.done_at, undone_at=first.undone_at, store_id=first.store_id,
        reference=first.reference, is_new=is_new, sold=_sold(uses),
    )  # fmt: skip


def _sold(uses: list[Use]) -> tuple[Sold, ...]:
    off: dict[str, int] = {}
    for use in uses:
        for number, cents in use.shares.items():
            off[number] = off.get(number, 0) + cents
    return tuple(Sold(number, listed, cents, off.get(str(number), 0)) for number, listed, cents in uses[0].prices)


def _used(use: Use) -> Used:
    level = use.coupon.version.terms["level"]
    taken, worth = (0, use.saved_cents) if level == "gift" else (use.saved_cents, 0)
    lines = {int(number): cents for number, cents in use.shares.items()}
    return Used(use.coupon_id, use.pk, use.coupon.template.shown_name, level, taken, lines, worth)
