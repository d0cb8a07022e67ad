"""The goods on the screen of a till. The page keeps what was scanned and sends it along; what it costs is looked up each time."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpRequest

from apps.catalog import words
from apps.catalog.models import MOST_CENTS, Product
from apps.counter import amounts, screens
from apps.counter.errors import GoodsTooMany, GoodsUnknown
from apps.coupons.basket import Shopper
from apps.flows import bought
from apps.flows.bought import Bought, Good
from apps.flows.checkout import Desk
from apps.flows.shopper import Put

MOST_LINES, MOST_EACH = 100, 999
SENT = 20_000  # letters


@dataclass(frozen=True)
class Shown:
    """A line as the clerk reads it. `rule`: why it costs less than the list says, `hint`: what is near; "" for neither."""

    sku: str
    name: str
    quantity: int
    cents: int
    list_cents: int
    rule: str
    hint: str


@dataclass(frozen=True)
class Basket:
    """`sent`: what the page keeps. `cents` of the goods alone; the newest line first."""

    sent: str
    lines: tuple[Shown, ...]
    cents: int
    pieces: int


def of(request: HttpRequest) -> Bought:
    """What the page says. Raises AmountOutOfBounds, GoodsUnknown."""
    return Bought(amounts.cents(screens.posted(request, "amount")), read(screens.posted(request, "goods", SENT)))


def read(text: str) -> tuple[Good, ...]:
    """Of the page's text. Raises GoodsUnknown for what no page sends."""
    try:
        found = [_good(*one) for one in json.loads(text or "[]")]
    except (ValueError, TypeError):
        raise GoodsUnknown from None
    if len(found) > MOST_LINES or len({one.sku for one in found}) < len(found):
        raise GoodsUnknown
    return tuple(found)


def put_in(goods: tuple[Good, ...], sku: str, *, unit_cents: int | None = None) -> tuple[Good, ...]:
    """One piece more; goods that were not there yet come last. Raises GoodsTooMany."""
    if all(one.sku != sku for one in goods):
        if len(goods) == MOST_LINES:
            raise GoodsTooMany
        return (*goods, Good(sku, 1, unit_cents))
    count = next(one.quantity for one in goods if one.sku == sku)
    return counted(goods, sku, count + 1)


def counted(goods: tuple[Good, ...], sku: str, count: int) -> tuple[Good, ...]:
    """So many pieces; none takes the goods away. Raises GoodsTooMany."""
    if count > MOST_EACH:
        raise GoodsTooMany
    changed = (replace(one, quantity=count) if one.sku == sku else one for one in goods)
    return tuple(one for one in changed if one.quantity > 0)


def shown(goods: tuple[Good, ...], *, who: Shopper | None, desk: Desk, moment: datetime) -> Basket:
    """Raises PriceUnknown."""
    if not goods:
        return Basket("[]", (), 0, 0)
    put = bought.put(Bought(goods=goods), who=who, store_code=desk.store_code, moment=moment)
    names = dict(Product.objects.filter(sku__in=[one.sku for one in goods]).values_list("sku", "name"))
    lines = [_line(one, number, put, names) for number, one in enumerate(goods)]
    sent = json.dumps([[one.sku, one.quantity, one.unit_cents] for one in goods], ensure_ascii=False)
    return Basket(sent, tuple(reversed(lines)), put.basket.cents, sum(one.quantity for one in goods))


def _line(good: Good, place: int, put: Put, names: dict[str, str]) -> Shown:
    price = put.priced.ways[0][place]
    rule = next((words.rule(rule) for rule in price.rules if rule.kind != "list"), "")
    hint = next((words.hint(hint) for hint in put.priced.hints.get(price.number, ())), "")
    return Shown(good.sku, names.get(good.sku, good.sku), good.quantity, price.cents, price.list_cents, rule, hint)


def _good(sku: object, quantity: object, unit_cents: object) -> Good:
    """Raises ValueError."""
    is_whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (quantity, unit_cents or 0))
    if not (is_whole and isinstance(sku, str) and 1 <= len(sku) <= 60 and "\0" not in sku):
        raise ValueError
    if not 1 <= quantity <= MOST_EACH or not 0 <= (unit_cents or 0) <= MOST_CENTS:  # type: ignore[operator]
        raise ValueError
    return Good(sku, quantity, unit_cents)  # type: ignore[arg-type]
