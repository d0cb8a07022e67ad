"""The slow, plain reading of docs/segments.md: one member at a time, in Python, sharing nothing with the statements it checks.

It reads whole tables once, into lists by member, and asks every question of a rule of one member's rows.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F

from apps.activity.models import Event
from apps.care.models import Touch
from apps.catalog.models import Product
from apps.community.models import GroupMember
from apps.coupons.models import Coupon
from apps.coupons.models import Use as CouponUse
from apps.members.models import Attribute, ConsentNow, Identity, Member
from apps.orders.models import Line, Order, Refund
from apps.points.models import Account, Lot, Standing, Tier
from apps.segments.models import MemberCycle, Membership, MemberStats, Placement, Prediction, Trait
from apps.stores.models import Store
from apps.tickets.models import Ticket
from tests.segments import trait_reference

ZONE = ZoneInfo("Asia/Shanghai")
Row = dict[str, Any]


class World:
    """Everything in the database, by member."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.today = moment.astimezone(ZONE).date()
        self.members = {row["id"]: row for row in Member.objects.values()}
        self.attributes = dict(Attribute.objects.values_list("key", "type"))
        self.stores = {row["id"]: row for row in Store.objects.values("id", "code", "region__name")}
        self.products = {row["id"]: row for row in Product.objects.values("id", "sku", "brand", "category__name")}
        self.stats = {row["member_id"]: row for row in MemberStats.objects.values()}
        self.predictions = {row["member_id"]: row for row in Prediction.objects.values()}
        self.categories = {
            row["category_id"]: row["category__name"] for row in Product.objects.values("category_id", "category__name")
        }
        self.consents = _by(ConsentNow.objects.values(), "member_id")
        self.identities = _by(Identity.objects.values("member_id", "kind"), "member_id")
        self.orders = _by(Order.objects.values(), "member_id")
        self.lines = _by(Line.objects.values(), "order_id")
        self.refunds = _by(Refund.objects.values(), "order_id")
        self.events = _by(Event.objects.exclude(member=None).values(), "member_id")
        self.accounts = _by(Account.objects.values("id", "member_id", "balance", "currency__key"), "member_id")
        self.lots = _by(Lot.objects.values(), "account_id")
        self.coupons = _by(
            Coupon.objects.values("member_id", "state", "starts_at", "ends_at", "template__key"), "member_id"
        )
        self.uses = _by(
            CouponUse.objects.values("member_id", "state", "done_at", "template__key", "store__code"), "member_id"
        )
        self.touches = _by(Touch.objects.values("member_id", "state", "channel", "settled_at"), "member_id")
        self.tickets = _by(
            Ticket.objects.values("member_id", "kind", "state", "created_at", "vote__score", "vote__at", "vote__id"),
            "member_id",
        )
        rooms = GroupMember.objects.values(
            "group__key", "group__dismissed_at", "joined_at", "left_at", member_id=F("contact__member_id")
        )
        self.rooms = _by(rooms, "member_id")
        self.places = _by(Placement.objects.filter(left_at=None).values(*_PLACE), "member_id")
        self.needs = {
            (row["member_id"], row["category__name"]): row["due_on"]
            for row in MemberCycle.objects.values("member_id", "category__name", "due_on")
        }
        self.traits = {row["key"]: row["definition"] for row in Trait.objects.filter(archived_at=None).values()}
        self.standing = {
            row["member_id"]: row for row in Standing.objects.values("member_id", "tier__key", "valid_until")
        }
        self.lowest = Tier.objects.order_by("rank").values_list("key", flat=True).first()
        self.groups = {
            (row["segment__key"], row["member_id"]) for row in Membership.objects.values("segment__key", "member_id")
        }

    def matching(self, rule: Any) -> set[int]:
        """Ids of the members a segment of this rule holds."""
        profiles = _profiles(rule)
        return {
            pk for pk, row in self.members.items()
            if row["status"] == "active" and not (profiles and self._left_in_peace(row)) and self.fits(pk, rule)
        }  # fmt: skip

    def fits(self, pk: int, rule: Any) -> bool:
        if rule == {}:
            return True
        if "all" in rule:
            return all(self.fits(pk, part) for part in rule["all"])
        if "any" in rule:
            return any(self.fits(pk, part) for part in rule["any"])
        if "not" in rule:
            return not self.fits(pk, rule["not"])
        return self._compared(rule, self._value(pk, rule))

    def _left_in_peace(self, row: Row) -> bool:
        said = {(one["purpose"], one["channel"]): one for one in self.consents[row["id"]]}
        objects = said.get(("profiling", "any"))
        if objects and not objects["is_granted"]:
            return True
        if row["birth_year"] is None:
            return False
        month, day = row["birth_month"] or 12, row["birth_day"] or 31
        is_child = (row["birth_year"] + 14, month, day) > (self.today.year, self.today.month, self.today.day)
        guardian = [one for (purpose, _), one in said.items() if purpose == "guardian" and self._holds(one)]
        return is_child and not any(one["is_granted"] for one in guardian)

    def _holds(self, statement: Row) -> bool:
        return statement["valid_until"] is None or statement["valid_until"] > self.moment

    # What is asked about, as a plain value; None: nobody knows.
    def _value(self, pk: int, rule: Row) -> Any:
        row, stats, name = self.members[pk], self.stats.get(pk), rule["field"]
        if name in {"gender", "source", "birth_month", "joined_at"}:
            return row[name]
        if name in _OF_STATS:
            return _OF_STATS[name](stats) if stats else {"stage": "prospect", "orders": 0, "net_cents": 0}.get(name)
        if name in _FORESEEN:
            return _FORESEEN[name](self.predictions[pk]) if pk in self.predictions else None
        found = getattr(self, f"_{name}", None)
        return found(pk, row, stats, rule) if found else getattr(self, f"_windowed_{name}")(pk, rule)

    def _age(self, pk: int, row: Row, stats: Any, rule: Row) -> int | None:
        if row["birth_year"] is None:
            return None
        had = (row["birth_month"] or 12, row["birth_day"] or 31) <= (self.today.month, self.today.day)
        return self.today.year - row["birth_year"] - (not had)

    def _birthday(self, pk: int, row: Row, stats: Any, rule: Row) -> tuple[int, int] | None:
        return (row["birth_month"], row["birth_day"]) if row["birth_month"] and row["birth_day"] else None

    def _home_store(self, pk: int, row: Row, stats: Any, rule: Row) -> str | None:
        return self.stores[row["home_store_id"]]["code"] if row["home_store_id"] else None

    def _home_region(self, pk: int, row: Row, stats: Any, rule: Row) -> str | None:
        return self.stores[row["home_store_id"]]["region__name"] if row["home_store_id"] else None

    def _tags(self, pk: int, row: Row, stats: Any, rule: Row) -> set[str]:
        return set(row["tags"])

    def _attribute(self, pk: int, row: Row, stats: Any, rule: Row) -> Any:
        value, kind = row["attributes"].get(rule["key"]), self.attributes[rule["key"]]
        if kind == "number":
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if kind == "date" and value is not None:
            return datetime.combine(date.fromisoformat(value), datetime.min.time(), ZONE)
        return value

    def _consent(self, pk: int, row: Row, stats: Any, rule: Row) -> bool:
        purpose, channel = rule["key"].split(":")
        said = [
            one["is_granted"]
            for one in self.consents[pk]
            if one["purpose"] == purpose and one["channel"] in {channel, "any"} and self._holds(one)
        ]
        return bool(said) and all(said)

    def _identity(self, pk: int, row: Row, stats: Any, rule: Row) -> bool:
        return rule["key"] in {one["kind"] for one in self.identities[pk]}

    def _cycles(self, pk: int, row: Row, stats: Any, rule: Row) -> float | None:
        if not stats or not stats["last_order_at"] or not stats["gap_median_days"]:
            return None
        return (self.moment - stats["last_order_at"]).total_seconds() / 86400 / stats["gap_median_days"]

    def _top_store(self, pk: int, row: Row, stats: Any, rule: Row) -> str | None:
        return self.stores[stats["top_store_id"]]["code"] if stats and stats["top_store_id"] else None

    def _top_category(self, pk: int, row: Row, stats: Any, rule: Row) -> str | None:
        return self.categories[stats["top_category_id"]] if stats and stats["top_category_id"] else None

    def _last_channel(self, pk: int, row: Row, stats: Any, rule: Row) -> str | None:
        last = [one for one in self.orders[pk] if stats and one["id"] == stats["last_order_id"]]
        return last[0]["channel"] if last else None

    def _tier(self, pk: int, row: Row, stats: Any, rule: Row) -> str | None:
        return self.standing[pk]["tier__key"] if pk in self.standing else self.lowest

    def _tier_until(self, pk: int, row: Row, stats: Any, rule: Row) -> datetime | None:
        return self.standing[pk]["valid_until"] if pk in self.standing else None

    def _points(self, pk: int, row: Row, stats: Any, rule: Row) -> int:
        return sum(one["balance"] for one in self.accounts[pk] if one["currency__key"] == rule["key"])

    def _points_expiring(self, pk: int, row: Row, stats: Any, rule: Row) -> int:
        accounts = [one["id"] for one in self.accounts[pk] if one["currency__key"] == rule["key"]]
        lots = [lot for account in accounts for lot in self.lots[account] if lot["activated_at"] and lot["expires_at"]]
        return sum(
            lot["remaining"] for lot in lots if lot["expires_at"] > self.moment and self._in(lot["expires_at"], rule)
        )

    def _on(self, pk: int, rule: Row) -> list[Row]:
        return [one for one in self.places[pk] if one["track__key"] == rule["key"]]

    def _track_step(self, pk: int, row: Row, stats: Any, rule: Row) -> set[str]:
        return {one["step"] for one in self._on(pk, rule)} - {""}

    def _track_days(self, pk: int, row: Row, stats: Any, rule: Row) -> int | None:
        days = [(self.today - one["since"].astimezone(ZONE).date()).days for one in self._on(pk, rule) if one["since"]]
        return min(days, default=None)

    def _track_ahead(self, pk: int, row: Row, stats: Any, rule: Row) -> int | None:
        ahead = [one["next_at"].astimezone(ZONE).date() for one in self._on(pk, rule) if one["next_at"]]
        return min(((day - self.today).days for day in ahead), default=None)

    def _track_anchor(self, pk: int, row: Row, stats: Any, rule: Row) -> datetime | None:
        days = [one["anchor_on"] for one in self._on(pk, rule)]
        return datetime.combine(max(days), datetime.min.time(), ZONE) if days else None

    def _replenish_on(self, pk: int, row: Row, stats: Any, rule: Row) -> datetime | None:
        day = self.needs.get((pk, rule["key"]))
        return day and datetime.combine(day, datetime.min.time(), ZONE)

    def _trait(self, pk: int, row: Row, stats: Any, rule: Row) -> Any:
        """Worked out here from the orders and the behaviour, not read."""
        return trait_reference.value(self, pk, self.traits[rule["key"]], left_in_peace=self._left_in_peace(row))

    def _segment(self, pk: int, row: Row, stats: Any, rule: Row) -> set[str]:
        names = {f"segment:{key}" for key, member in self.groups if member == pk}
        names.add(f"stage:{stats['stage'] if stats else 'prospect'}")
        return names | ({f"cell:{stats['cell']}"} if stats else set())

    def _bucket(self, pk: int, row: Row, stats: Any, rule: Row) -> int:
        return int(hashlib.sha256(f"{rule['key']}:{pk}".encode()).hexdigest()[:8], 16) % 10_000

    # What happened in a stretch of time.
    def _kept(self, pk: int, rule: Row) -> list[tuple[Row, int]]:
        found = []
        where = rule.get("where", {})
        for order in self.orders[pk]:
            if order["paid_at"] is None or order["paid_at"] > self.moment or order["status"] == "cancelled":
                continue
            left = order["total_cents"] - sum(
                one["amount_cents"] for one in self.refunds[order["id"]] if one["refunded_at"] <= self.moment
            )
            store = self.stores[order["store_id"]]["code"] if order["store_id"] else None
            if (
                left <= 0
                or not self._in(order["paid_at"], rule)
                or order["total_cents"] < where.get("at_least_cents", 0)
            ):
                continue
            if ("stores" in where and store not in where["stores"]) or (
                "channels" in where and order["channel"] not in where["channels"]
            ):
                continue
            found.append((order, left))
        return found

    def _goods(self, pk: int, rule: Row) -> list[tuple[Row, Row]]:
        where, found = rule.get("where", {}), []
        for order, _ in self._kept(pk, rule):
            for line in self.lines[order["id"]]:
                if line["product_id"] is None or line["total_cents"] <= line["refunded_cents"]:
                    continue
                product = self.products[line["product_id"]]
                asked = {
                    "products": product["sku"],
                    "categories": product["category__name"],
                    "brands": product["brand"],
                }
                if all(value in where[name] for name, value in asked.items() if name in where):
                    found.append((order, line))
        return found

    def _windowed_order_count(self, pk: int, rule: Row) -> int:
        return len(self._kept(pk, rule))

    def _windowed_order_cents(self, pk: int, rule: Row) -> int:
        return sum(left for _, left in self._kept(pk, rule))

    def _windowed_refund_percent(self, pk: int, rule: Row) -> float:
        paid = [
            one
            for one in self.orders[pk]
            if one["paid_at"]
            and one["paid_at"] <= self.moment
            and one["status"] != "cancelled"
            and self._in(one["paid_at"], rule)
        ]
        total = sum(one["total_cents"] for one in paid)
        return sum(one["refunded_cents"] for one in paid) * 100 / total if total else 0

    def _windowed_goods_orders(self, pk: int, rule: Row) -> int:
        return len({order["id"] for order, _ in self._goods(pk, rule)})

    def _windowed_goods_quantity(self, pk: int, rule: Row) -> float:
        return float(sum(line["quantity"] for _, line in self._goods(pk, rule)))

    def _windowed_goods_cents(self, pk: int, rule: Row) -> int:
        return sum(line["total_cents"] - line["refunded_cents"] for _, line in self._goods(pk, rule))

    def _windowed_event_count(self, pk: int, rule: Row) -> int:
        wanted = rule.get("where", {}).get("properties", {})
        return sum(
            one["name"] == rule["key"] and one["occurred_at"] <= self.moment and self._in(one["occurred_at"], rule)
            and all(str(one["properties"].get(name)) in values for name, values in wanted.items())
            for one in self.events[pk]
        )  # fmt: skip

    def _windowed_contacts(self, pk: int, rule: Row) -> int:
        wanted = rule.get("where", {}).get("message_channels")
        return sum(
            one["state"] in {"sent", "delivered"} and one["settled_at"] <= self.moment and self._in(one["settled_at"], rule)
            and (wanted is None or one["channel"] in wanted)
            for one in self.touches[pk]
        )  # fmt: skip

    def _of_kind(self, pk: int, rule: Row) -> list[Row]:
        wanted = rule.get("where", {}).get("ticket_kinds")
        return [one for one in self.tickets[pk] if wanted is None or one["kind"] in wanted]

    def _windowed_tickets(self, pk: int, rule: Row) -> int:
        mine = [one for one in self._of_kind(pk, rule) if one["state"] != "merged"]
        return sum(one["created_at"] <= self.moment and self._in(one["created_at"], rule) for one in mine)

    def _windowed_tickets_open(self, pk: int, rule: Row) -> int:
        return sum(one["state"] not in {"resolved", "closed", "withdrawn", "merged"} for one in self._of_kind(pk, rule))

    def _windowed_groups(self, pk: int, rule: Row) -> int:
        wanted = rule.get("where", {}).get("groups")
        return len(
            {
                one["group__key"] for one in self.rooms[pk]
                if one["left_at"] is None and one["group__dismissed_at"] is None and one["joined_at"] <= self.moment
                and self._in(one["joined_at"], rule) and (wanted is None or one["group__key"] in wanted)
            }
        )  # fmt: skip

    def _windowed_satisfaction(self, pk: int, rule: Row) -> int | None:
        votes = [
            (one["vote__at"], one["vote__id"], one["vote__score"]) for one in self.tickets[pk]
            if one["vote__at"] and one["vote__at"] <= self.moment and self._in(one["vote__at"], rule)
        ]  # fmt: skip
        return max(votes)[2] if votes else None

    def _windowed_category_drift(self, pk: int, rule: Row) -> float | None:
        shares = []
        for window in ({"last_days": 90}, {"days_ago": [90, 359]}):
            lines = [
                (line["total_cents"] - line["refunded_cents"], self.products.get(line["product_id"]))
                for order, _left in self._kept(pk, {"within": window})
                for line in self.lines[order["id"]]
                if line["total_cents"] > line["refunded_cents"]
            ]
            whole = sum(cents for cents, _product in lines)
            if not whole:
                return None
            of_category = [cents for cents, product in lines if product and product["category__name"] == rule["key"]]
            shares.append(100 * sum(of_category) / whole)
        return shares[0] - shares[1]

    def _windowed_coupons_usable(self, pk: int, rule: Row) -> int:
        wanted = rule.get("where", {}).get("templates")
        return sum(
            one["state"] == "ready" and one["starts_at"] <= self.moment < one["ends_at"] and self._in(one["ends_at"], rule)
            and (wanted is None or one["template__key"] in wanted)
            for one in self.coupons[pk]
        )  # fmt: skip

    def _windowed_coupons_used(self, pk: int, rule: Row) -> int:
        where = rule.get("where", {})
        return sum(
            one["state"] == "done" and one["done_at"] <= self.moment and self._in(one["done_at"], rule)
            and ("templates" not in where or one["template__key"] in where["templates"])
            and ("stores" not in where or one["store__code"] in where["stores"])
            for one in self.uses[pk]
        )  # fmt: skip

    def _in(self, at: datetime, rule: Row) -> bool:
        return "within" not in rule or self.inside(at, rule["within"])

    def inside(self, at: datetime, window: Mapping[str, Any]) -> bool:
        day = at.astimezone(ZONE).date()
        if "last_days" in window:
            days = window["last_days"]
            if window.get("counted") == "hours":
                return self.moment - timedelta(days=days) < at <= self.moment
            return self.today - timedelta(days=days) < day <= self.today
        if "next_days" in window:
            return self.today <= day < self.today + timedelta(days=window["next_days"])
        if "days_ago" in window:
            near, far = window["days_ago"]
            return self.today - timedelta(days=far) <= day <= self.today - timedelta(days=near)
        return ("from" not in window or day >= date.fromisoformat(window["from"])) and (
            "to" not in window or day <= date.fromisoformat(window["to"])
        )

    def _compared(self, rule: Row, value: Any) -> bool:
        op, wanted = rule["op"], rule["value"]
        if op == "in" and isinstance(value, set):
            return bool(value & set(wanted))
        if op == "in":
            return value in wanted or (value is None and "" in wanted)
        if op == "known":
            return (value is not None) == wanted
        if op in {"any_of", "all_of", "none_of"}:
            asked = set(wanted)
            return {"any_of": bool(asked & value), "all_of": asked <= value, "none_of": not asked & value}[op]
        if value is None:
            return False
        if op == "within" and isinstance(value, tuple):
            return self._birthday_inside(value, wanted)
        if op == "within":
            return self.inside(value, wanted)
        if op == "is":
            return value is wanted
        return {
            "gte": lambda: value >= wanted,
            "lte": lambda: value <= wanted,
            "between": lambda: wanted[0] <= value <= wanted[1],
        }[op]()

    def _birthday_inside(self, birthday: tuple[int, int], window: Mapping[str, Any]) -> bool:
        """Whether it falls, in any year near, on a day of the window; 29 February on the 28th where there is none."""
        for year in range(self.today.year - 12, self.today.year + 13):
            month, day = birthday
            try:
                falls = date(year, month, day)
            except ValueError:
                falls = date(year, 2, 28) if birthday == (2, 29) else None
            if falls and self.inside(datetime.combine(falls, datetime.min.time(), ZONE), window):
                return True
        return False


_OF_STATS: dict[str, Any] = {
    name: lambda stats, name=name: stats[name]
    for name in ("stage", "stage_since", "cell", "r", "f", "m", "orders", "net_cents", "first_order_at", "last_order_at",
                 "top_hour", "top_channel")
} | {
    "gap_days": lambda stats: stats["gap_median_days"],
    "average_cents": lambda stats: stats["net_cents"] // stats["orders"] if stats["orders"] else None,
}  # fmt: skip
_FORESEEN: dict[str, Any] = {
    "p_lapse": lambda row: row["p_lapse"] * 100,
    "p_alive": lambda row: row["p_alive"] * 100,
    "lapse_band": lambda row: row["band"],
    "expected_orders": lambda row: row["expected_orders"],
    "clv_cents": lambda row: row["clv_cents"],
    "next_order_on": lambda row: (
        row["next_order_on"] and datetime.combine(row["next_order_on"], datetime.min.time(), ZONE)
    ),
}
_PROFILING = {*_OF_STATS, *_FORESEEN, "cycles",
              "top_store", "top_category", "last_channel", "coupons_used", "order_count", "order_cents",
              "refund_percent", "goods_orders", "goods_quantity", "goods_cents", "event_count", "replenish_on", "track_step",
              "track_days", "track_ahead", "track_anchor", "trait"}  # fmt: skip
_PLACE = ("member_id", "track__key", "anchor_on", "step", "since", "next_at")


def _profiles(rule: Any) -> bool:
    if "field" in rule:
        computed = rule["field"] == "segment" and any(name.startswith(("stage:", "cell:")) for name in rule["value"])
        return rule["field"] in _PROFILING or computed
    parts = [rule["not"]] if "not" in rule else [*rule.get("all", ()), *rule.get("any", ())]
    return any(_profiles(part) for part in parts)


def _by(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found
