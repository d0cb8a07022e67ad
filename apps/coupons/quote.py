"""The best that a wallet can do for a basket, and what every coupon of it would do. Pure: no database, no clock.

One coupon of level item per line at most, each coupon once and on one line, one of level order, one of level shipping; `without` is
asked of both sides. What is saved never exceeds what is left of a line. Of combinations that save the same the one with fewer coupons
is taken, then the one whose coupons end earlier. Coupons of level gift stand beside and are in no sum.

Prices take part: where the lines can be had in several ways (with bundles, without, at list prices: `Basket.ways`), the best of each
is found and the way that costs least in the end is taken, of equals the one with the lower prices. Within a way a coupon that counts at
list prices only falls on lines without a special price; one for a single line may also give up the special price of that line where it
saves more. Tests hold the sum against a search through all combinations.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.core import money
from apps.coupons import matching
from apps.coupons.basket import Basket, Held, Line, Reason, Shopper
from apps.coupons.judging import Fit, judge
from apps.coupons.matching import Capped, Pair, assign


@dataclass(frozen=True)
class Saving:
    """`lines`: 分 by line number, empty for freight. `worth_cents`: of a thing that is handed out."""

    cents: int = 0
    lines: Mapping[int, int] = field(default_factory=dict)
    worth_cents: int = 0


@dataclass(frozen=True)
class Offer:
    """A coupon of the wallet. `alone`: what it saves when no other is used. `reason`: why it does not count, None where it does.
    `best`: its part in the best combination, None where it has none."""

    held: Held
    alone: int = 0
    worth_cents: int = 0
    reason: Reason | None = None
    best: Saving | None = None

    @property
    def is_usable(self) -> bool:
        return self.reason is None


@dataclass(frozen=True)
class Quote:
    """`offers`: usable ones first, the greater saving before the smaller, then those that end earlier; unusable ones by how little
    is missing. `saved_cents`: of the best combination, off what `lines` cost. `lines`: at the prices of the way that was taken.

    `is_proven` False: the search stopped at its limit, coupons may save up to `more_cents` more; or there were more bundles than could
    be tried (`Basket.prices_proven`).
    """

    offers: tuple[Offer, ...]
    saved_cents: int = 0
    lines: tuple[Line, ...] = ()
    more_cents: int = 0
    is_proven: bool = True

    @property
    def best(self) -> tuple[Offer, ...]:
        return tuple(offer for offer in self.offers if offer.best is not None)

    @property
    def goods_cents(self) -> int:
        """What the lines cost before coupons."""
        return sum(line.cents for line in self.lines)


@dataclass(frozen=True)
class Chosen:
    """What coupons that are used all together save, by id, off what `lines` cost."""

    savings: Mapping[int, Saving]
    lines: tuple[Line, ...]

    @property
    def to_pay(self) -> int:
        """For the goods, and less what freight is saved."""
        return sum(line.cents for line in self.lines) - sum(one.cents for one in self.savings.values())


Fits = Sequence[tuple[Held, Fit]]


def quote(helds: Iterable[Held], shopper: Shopper, basket: Basket, *, with_points: bool = False) -> Quote:
    """`with_points`: points are to pay too, so coupons that do not go with points do not count."""
    weighing = _Weighing(sorted(helds, key=_by_end), shopper, basket, with_points)
    first, *others = basket.every_way()
    best = weighing.search(first, floor=0)
    for view in others if any(map(_minds_prices, weighing.helds)) else ():
        found = weighing.search(view, floor=max(view.cents - best.to_pay, 0))
        best = found if found.to_pay < best.to_pay else best
    savings = best.savings()
    more = max(best.to_pay - weighing.bound, 0)
    return Quote(
        _offers(weighing, savings),
        sum(saving.cents for saving in savings.values()),
        best.lines_taken(),
        more_cents=more,
        is_proven=not more and basket.prices_proven,
    )


class _Weighing:
    """The ways of one basket looked at in turn. `alone`: by coupon what it saves beside the first way, and what is handed out;
    `reasons`: why it does not count, in the first way in which it does not; `bound`: the least that may have to be paid."""

    def __init__(self, helds: Sequence[Held], shopper: Shopper, basket: Basket, with_points: bool) -> None:
        self.helds, self.shopper, self.basket, self.with_points = helds, shopper, basket, with_points
        self.alone: dict[int, tuple[int, int]] = {}
        self.reasons: dict[int, Reason] = {}
        self.work, self.bound = matching.MOST_WORK, basket.cents

    def search(self, view: Basket, *, floor: int) -> "_Search":
        dearer = view.cents - self.basket.cents
        usable: list[tuple[Held, Fit]] = []
        for held in self.helds:
            found = _judged(held, self.shopper, view, with_points=self.with_points)
            if isinstance(found, Reason):
                self.reasons.setdefault(held.id, found)
            else:
                usable.append((held, found))
                told = (found.alone - dearer, found.worth_cents)
                self.alone[held.id] = max(self.alone.get(held.id, told), told)
        search = _Search(usable, view, floor=floor, work=self.work)
        search.run()
        self.work -= search.worked
        if search.most_cents:
            self.bound = min(self.bound, view.cents - search.most_cents)
        return search


def _offers(weighing: "_Weighing", savings: Mapping[int, Saving]) -> tuple[Offer, ...]:
    offers: list[Offer] = []
    others: list[Offer] = []
    for held in weighing.helds:
        cents, worth = weighing.alone.get(held.id, (0, 0))
        if cents > 0 or held.id in savings or (held.id in weighing.alone and held.terms.level == "gift"):
            offers.append(Offer(held, max(cents, 0), worth, best=savings.get(held.id)))
        else:
            others.append(Offer(held, reason=weighing.reasons.get(held.id, Reason("coupon_price_better"))))
    offers.sort(key=lambda offer: (-offer.alone, _by_end(offer.held)))
    others.sort(key=lambda offer: (_missing(offer), _by_end(offer.held)))
    return (*offers, *others)


def _judged(held: Held, shopper: Shopper, view: Basket, *, with_points: bool) -> Fit | Reason:
    found = judge(held, shopper, view)
    if isinstance(found, Fit) and with_points and "points" in held.terms.without:
        return Reason("coupon_not_stackable")
    return found


def _minds_prices(held: Held) -> bool:
    """Whether dearer lines could make more of it: with any other coupon, what costs less before costs no more afterwards. Percent of an
    order minds, because it counts on prices before the other coupons: what those leave may be the same while the percentage rises."""
    terms = held.terms
    is_share = terms.level == "order" and terms.gives["kind"] == "percent"
    return terms.list_price_only or terms.minimum_cents > 0 or terms.gives["kind"] == "steps" or is_share


def together(
    helds: Sequence[Held], shopper: Shopper, basket: Basket, *, with_points: bool = False
) -> Chosen | tuple[Held, Reason]:
    """What exactly these coupons save when all are used at once; or the first that cannot be, and why. One that would save nothing
    beside the others is told so, and none is used up. Of the ways in which all can be used, the one that costs least."""
    first, *others = basket.every_way()
    found = _together(helds, shopper, first, with_points=with_points)
    for view in others:
        chosen = _together(helds, shopper, view, with_points=with_points)
        if isinstance(chosen, Chosen) and (not isinstance(found, Chosen) or chosen.to_pay < found.to_pay):
            found = chosen
    return found


def _together(
    helds: Sequence[Held], shopper: Shopper, basket: Basket, *, with_points: bool
) -> Chosen | tuple[Held, Reason]:
    fits: list[tuple[Held, Fit]] = []
    for held in helds:
        found = judge(held, shopper, basket)
        if isinstance(found, Reason):
            return held, found
        fits.append((held, found))
    if clash := _clash(helds, with_points=with_points):
        return clash, Reason("coupon_not_stackable")
    search = _Search(sorted(fits, key=lambda one: _by_end(one[0])), basket, must=True)
    search.run()
    savings = search.savings()
    for held in helds:
        if held.terms.level == "gift":
            continue
        if held.id not in savings:
            return held, Reason("coupon_not_stackable" if held.terms.level == "item" else "coupon_no_effect")
        if not savings[held.id].cents:
            return held, Reason("coupon_no_effect")
    gifts = {held.id: Saving(worth_cents=fit.worth_cents) for held, fit in fits if held.terms.level == "gift"}
    return Chosen(gifts | savings, search.lines_taken())


def _clash(helds: Sequence[Held], *, with_points: bool) -> Held | None:
    """The first that does not go with the others."""
    seen: list[Held] = []
    for held in helds:
        if with_points and "points" in held.terms.without:
            return held
        for other in seen:
            if not _go_together(held, other) or (held.terms.level == other.terms.level in {"order", "shipping"}):
                return held
        seen.append(held)
    return None


def _go_together(one: Held, other: Held) -> bool:
    return other.terms.level not in one.terms.without and one.terms.level not in other.terms.without


def _by_end(held: Held) -> tuple[float, int]:
    return held.ends_at.timestamp(), held.id


def _missing(offer: Offer) -> float:
    cents = offer.reason.facts.get("missing_cents") if offer.reason else None
    return cents if isinstance(cents, int) else float("inf")


Choice = tuple[int | None, int | None]  # of coupons of level order and level shipping, by place


class _Search:
    """`fits` stand by their end. Savings are weighed at `scale`, so that the price of using a coupon only decides between equals.

    `must`: each coupon of level item shall be used, and so shall the one of level order and of level shipping. `floor`: 分 that must be
    saved to be of use. `work`: as `matching.MOST_WORK`, that is left.
    """

    def __init__(
        self, fits: Fits, basket: Basket, *, must: bool = False, floor: int = 0, work: int | None = None
    ) -> None:
        self.fits, self.must, self.basket = fits, must, basket
        self.work = matching.MOST_WORK if work is None else work
        count = len(fits)
        self.price = [count * count + place for place in range(count)]
        self.scale = sum(self.price) + 1
        self.bonus = self.scale * (basket.cents + basket.shipping_cents + 1) if must else 0
        self.lines = [line.number for line in basket.lines]
        self.cents = {line.number: line.cents for line in basket.lines}
        self.shipping_cents = basket.shipping_cents
        self.at = {level: self._places(level) for level in ("item", "order", "shipping")}
        self.allowed: dict[Choice, tuple[tuple[int, ...], list[int]]] = {}
        self.plain: dict[tuple[int, ...], tuple[int, list[Pair]]] = {}
        self.value, self.choice = floor * self.scale, (None, None)  # type: tuple[int, Choice]
        self.items: list[tuple[int, int]] = []  # place, line number
        self.open_bound = self.worked = 0

    def run(self) -> None:
        for bound, choice in sorted(self._choices(), key=lambda one: (-one[0], str(one[1]))):
            if bound > self.value:
                self._try(choice)

    @property
    def to_pay(self) -> int:
        """For the goods, and less what freight is saved."""
        return sum(line.cents for line in self.lines_taken()) - sum(one.cents for one in self.savings().values())

    @property
    def most_cents(self) -> int:
        """That might be saved off the lines at most, after a search that was cut short."""
        return -(-self.open_bound // self.scale) if self.open_bound > self.value else 0

    def lines_taken(self) -> tuple[Line, ...]:
        """At what they cost before coupons: those whose coupon asks for it are back at their list price."""
        risen = {number for place, number in self.items if number in self.fits[place][1].back}
        return tuple(line.at_list() if line.number in risen else line for line in self.basket.lines)

    def _places(self, level: str) -> list[int]:
        return [place for place, (held, _fit) in enumerate(self.fits) if held.terms.level == level]

    def _choices(self) -> Iterable[tuple[int, Choice]]:
        """Each with what it could save at most; those that a look tells are not enough are left out."""
        most = self._most_of_items()
        orders: list[int | None] = [*self.at["order"]] if self.must and self.at["order"] else [None, *self.at["order"]]
        ships: list[int | None] = [*self._ships()] if self.must and self.at["shipping"] else [None, *self._ships()]
        for order in orders:
            for ship in ships:
                choice = (order, ship)
                if most + self._fixed(choice) <= self.value:
                    continue
                if order is None or ship is None or self._agree(order, ship):
                    crowd, singles = self._items(choice)
                    top = max([self._plain(crowd)[0], *(self._single(place) for place in singles)])
                    yield top + self._fixed(choice), choice

    def _most_of_items(self) -> int:
        """As if each line took what is best for it, or each coupon the line that is best for it, whichever is less."""
        items = [self.fits[place][1] for place in self.at["item"]]
        by_line = sum(max((fit.lines.get(number, 0) for fit in items), default=0) for number in self.lines)
        return min(by_line, sum(fit.alone for fit in items)) * self.scale + self.bonus * len(items)

    def _ships(self) -> Iterable[int]:
        """Of coupons for the freight that exclude the same, the best."""
        kinds: dict[frozenset[str], int] = {}
        for place in sorted(self.at["shipping"], key=lambda place: (-self.fits[place][1].alone, place)):
            kinds.setdefault(self.fits[place][0].terms.without, place)
        return sorted(kinds.values())

    def _agree(self, one: int, other: int) -> bool:
        return _go_together(self.fits[one][0], self.fits[other][0])

    def _items(self, choice: Choice) -> tuple[tuple[int, ...], list[int]]:
        """Coupons for a line that go with the choice: those that go with each other, and those that go with no other of theirs."""
        if choice in self.allowed:
            return self.allowed[choice]
        allowed = [p for p in self.at["item"] if all(other is None or self._agree(p, other) for other in choice)]
        singles = [place for place in allowed if "item" in self.fits[place][0].terms.without]
        self.allowed[choice] = tuple(place for place in allowed if place not in singles), singles
        return self.allowed[choice]

    def _fixed(self, choice: Choice) -> int:
        return sum(self._worth(self.fits[place][1].alone, place) for place in choice if place is not None)

    def _worth(self, cents: int, place: int) -> int:
        return cents * self.scale - self.price[place] + self.bonus

    def _single(self, place: int) -> int:
        return self._worth(self.fits[place][1].alone, place)

    def _plain(self, crowd: tuple[int, ...]) -> tuple[int, list[Pair]]:
        """The best of them on the lines as if no coupon for the order were there. Asked for few different crowds."""
        if crowd not in self.plain:
            saves = [[self.fits[place][1].lines.get(number, 0) for place in crowd] for number in self.lines]
            weights = [
                [self._worth(cents, p) if cents else 0 for cents, p in zip(row, crowd, strict=True)] for row in saves
            ]
            pairs = assign(weights)
            self.plain[crowd] = sum(weights[row][column] for row, column in pairs), pairs
        return self.plain[crowd]

    def _try(self, choice: Choice) -> None:
        crowd, singles = self._items(choice)
        order, ship = choice
        top, pairs = self._plain(crowd)
        options = [[(crowd[column], self.lines[row]) for row, column in pairs]]
        options += [[(place, number)] for place in singles for number in self.fits[place][1].lines]
        for items in options:
            self._keep(self._value(choice, items), choice, items)
        if order is None or self.value >= top + self._fixed(choice):
            return
        goods = self.fits[order][1]
        lost = self._fixed((None, ship)) - self.price[order] + self.bonus
        search = Capped(
            saves=[[self.fits[place][1].lines.get(number, 0) for place in crowd] for number in self.lines],
            inside=[number in goods.lines for number in self.lines],
            price=[self.price[place] for place in crowd],
            scale=self.scale,
            bonus=self.bonus,
            plus_f=lost + goods.alone * self.scale,
            plus_g=lost + sum(goods.lines.values()) * self.scale,
            value=self.value,
            at_most=max(self.work - self.worked, 0),
        )
        search.run()
        self.worked += search.work
        self.open_bound = max(self.open_bound, search.open_bound)
        if search.pairs is not None:
            found = [(crowd[column], self.lines[row]) for row, column in search.pairs]
            self._keep(search.value, choice, found)

    def _keep(self, value: int, choice: Choice, items: list[tuple[int, int]]) -> None:
        if value > self.value:
            self.value, self.choice, self.items = value, choice, items

    def _value(self, choice: Choice, items: list[tuple[int, int]]) -> int:
        order, ship = choice
        value = sum(self._worth(self.fits[place][1].lines[number], place) for place, number in items)
        value += self._fixed((None, ship))
        return value if order is None else value + self._worth(sum(self._of_order(order, items).values()), order)

    def _of_order(self, order: int, items: list[tuple[int, int]]) -> dict[int, int]:
        """What the order's coupon takes off each line, in proportion to what the others left of it."""
        goods = self.fits[order][1]
        left = {number: cents for number, cents in goods.lines.items() if cents}
        for place, number in items:
            if number in left:
                left[number] -= self.fits[place][1].lines[number]
        numbers = sorted(number for number, cents in left.items() if cents)
        off = min(goods.alone, sum(left.values()))
        parts = money.split(off, [left[number] for number in numbers])
        return {number: part for number, part in zip(numbers, parts, strict=True) if part}

    def savings(self) -> dict[int, Saving]:
        """Of each coupon that is used, by id."""
        order, ship = self.choice
        found: dict[int, Saving] = {}
        for place, number in self.items:
            held, fit = self.fits[place]
            cents = fit.lines[number] + fit.back.get(number, 0)
            found[held.id] = Saving(cents, {number: cents})
        if order is not None:
            lines = self._of_order(order, self.items)
            found[self.fits[order][0].id] = Saving(sum(lines.values()), lines)
        if ship is not None:
            held, fit = self.fits[ship]
            found[held.id] = Saving(fit.alone)
        return found
