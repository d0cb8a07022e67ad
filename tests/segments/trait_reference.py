"""Computed traits and scores read slowly from docs/traits.md: one member at a time, in a loop, sharing nothing with the statements."""

from collections import Counter, defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from tests.segments.rule_reference import World

ZONE = ZoneInfo("Asia/Shanghai")


def value(world: "World", pk: int, definition: dict[str, Any], *, left_in_peace: bool) -> Any:
    """What rules compare: a list is a set, of nothing a count, a sum and a score are what the document says."""
    kind = definition["kind"]
    is_left = left_in_peace or world.members[pk]["status"] != "active"
    if kind == "score":
        return score(world, pk, definition) if not is_left else _clamped(0, definition)
    rows = [] if is_left else sorted(_rows(world, pk, definition))
    taken = [what for _at, _id, what in rows if what not in {None, ""}]
    if kind == "top":
        ranked = sorted(Counter(taken).items(), key=lambda one: (-one[1], one[0]))
        return {word for word, _count in ranked[: definition["n"]]}
    if kind in {"count", "sum"}:
        return len(rows) if kind == "count" else sum(taken)
    if not taken:
        return None
    return {
        "avg": lambda: sum(taken) / len(taken), "min": lambda: min(taken), "max": lambda: max(taken),
        "first": lambda: taken[0], "last": lambda: taken[-1],
    }[kind]()  # fmt: skip


def score(world: "World", pk: int, definition: dict[str, Any]) -> float:
    """Day by day, one event after the other."""
    total = 0.0
    for entry in definition["entries"]:
        times: dict[date, int] = defaultdict(int)
        for at in sorted(_moments(world, pk, entry)):
            day = at.astimezone(ZONE).date()
            ago = (world.today - day).days
            if at > world.moment or ago >= definition["days"]:
                continue
            times[day] += 1
            if times[day] <= entry.get("most_a_day", 10**9):
                half = definition.get("half_life_days")
                total += entry["points"] * (0.5 ** (ago / half) if half else 1)
    return _clamped(round(total, 4), definition)


def _clamped(total: float, definition: dict[str, Any]) -> float:
    return min(max(total, definition.get("floor", total)), definition.get("cap", 10**12))


def _moments(world: "World", pk: int, entry: dict[str, Any]) -> list[datetime]:
    if entry["event"] == "order":
        return [order["paid_at"] for order, _left in world._kept(pk, {})]
    return [one["occurred_at"] for one in world.events[pk] if one["name"] == entry["event"] and _has(one, entry)]


def _has(event: dict[str, Any], said: dict[str, Any]) -> bool:
    return all(str(event["properties"].get(one["name"])) in one["values"] for one in said.get("properties", ()))


def _rows(world: "World", pk: int, definition: dict[str, Any]) -> list[tuple[datetime, int, Any]]:
    """(when, id, what)."""
    of, over = definition.get("of", ""), definition["over"]
    asked = {name: definition[name] for name in ("within", "where") if name in definition}
    if over == "events":
        return [
            (one["occurred_at"], one["id"], _of_event(one, of, definition["kind"])) for one in world.events[pk]
            if one["name"] == definition["event"] and one["occurred_at"] <= world.moment and _has(one, definition)
            and world._in(one["occurred_at"], asked)
        ]  # fmt: skip
    if over == "orders":
        return [
            (order["paid_at"], order["id"], left if of == "net_cents" else _of_order(world, order, of))
            for order, left in world._kept(pk, asked)
        ]
    return [(order["paid_at"], line["id"], _of_line(world, order, line, of)) for order, line in world._goods(pk, asked)]


def _of_event(event: dict[str, Any], of: str, kind: str) -> Any:
    if of == "occurred_at" or not of:
        return event["occurred_at"]
    found = event["properties"].get(of.removeprefix("property:"))
    if kind in {"sum", "avg", "min", "max"}:
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
    return found if found is None else str(found)


def _of_order(world: "World", order: dict[str, Any], of: str) -> Any:
    if of == "store":
        return world.stores[order["store_id"]]["code"] if order["store_id"] else None
    return order.get(of)


def _of_line(world: "World", order: dict[str, Any], line: dict[str, Any], of: str) -> Any:
    product = world.products[line["product_id"]]
    taken = {
        "quantity": lambda: float(line["quantity"]), "cents": lambda: line["total_cents"] - line["refunded_cents"],
        "product": lambda: product["sku"], "category": lambda: product["category__name"], "brand": lambda: product["brand"],
    }  # fmt: skip
    return taken[of]() if of in taken else _of_order(world, order, of)
