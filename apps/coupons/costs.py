"""The worst case of a template in 分: the most one coupon can save, times the stock, lowered by budgets. None: no bound."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from apps.core import clock
from apps.coupons.models import Budget

Ceilings = Mapping[tuple[str, str], int]  # (per, of) → most, as in `Budget`


def most_saved(terms: dict[str, Any]) -> int | None:
    """By one coupon, whoever bears it. What depends on the price of goods has no bound."""
    gives = terms["gives"]
    kind = gives["kind"]
    if kind == "amount":
        return int(gives["cents"])
    if kind == "steps":
        return int(gives["steps"][-1]["off_cents"])
    most = gives.get("worth_cents") if kind == "exchange" else gives.get("at_most_cents")
    return None if most is None else int(most)


def worst(terms: dict[str, Any], *, most: int | None, ceilings: Ceilings) -> int | None:
    """`most`: the stock. `ceilings` per member or per store bound nothing here unless the terms name the stores."""
    each = most_saved(terms)
    bounds = [] if each is None or most is None else [each * most]
    for (per, of), ceiling in ceilings.items():
        times = _times(terms, per)
        if times is not None and of == Budget.Of.CENTS:
            bounds.append(ceiling * times)
        elif times is not None and each is not None:
            bounds.append(ceiling * times * each)
    return min(bounds, default=None)


def _times(terms: dict[str, Any], per: str) -> int | None:
    """How often a ceiling begins anew while the terms count; None where nobody can say."""
    stores, days = len(terms.get("stores", ())) or None, _days(terms["valid"])
    if per == Budget.Per.TOTAL:
        return 1
    if per == Budget.Per.STORE:
        return stores
    if days is None or per in {Budget.Per.MEMBER, Budget.Per.MEMBER_MONTH}:
        return None
    if per == Budget.Per.DAY:
        return len(days)
    if per == Budget.Per.MONTH:
        return len({day[:7] for day in days})
    return None if stores is None else stores * len(days)


def _days(valid: dict[str, Any]) -> list[str] | None:
    """Shop days on which coupons of fixed days can be used."""
    if valid["kind"] != "between":
        return None
    first = clock.local_date(clock.start_of(valid["from"]))
    last = clock.local_date(clock.end_of(valid["to"]) - timedelta(microseconds=1))
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
