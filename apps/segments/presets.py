"""Ready-made rules a brand can begin with. Each is only a start: it is copied, and changed as one likes."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Preset:
    key: str
    name: Promise
    about: Promise
    rule: dict[str, Any]


def _leaf(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value} | more


def _all(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"all": list(rules)}


_AWAY = {"days_ago": [60, 180]}
PRESETS: tuple[Preset, ...] = (
    Preset("new", _("New members"), _("Joined in the last 30 days."),
           _all(_leaf("joined_at", "within", {"last_days": 30}))),
    Preset("new-in-groups", _("New in our WeCom groups"), _("Joined one in the last 7 days and are still in it."),
           _all(_leaf("groups", "gte", 1, within={"last_days": 7}))),
    Preset("never-bought", _("Joined and never bought"), _("Members for 14 days or longer without an order."),
           _all(_leaf("joined_at", "within", {"days_ago": [14, 3650]}), _leaf("orders", "lte", 0))),
    Preset("one-order", _("One order, no second"), _("Bought once, 20 to 60 days ago."),
           _all(_leaf("orders", "between", [1, 1]), _leaf("last_order_at", "within", {"days_ago": [20, 60]}))),
    Preset("regulars", _("Regulars"), _("At least 4 orders in the last 180 days."),
           _all(_leaf("order_count", "gte", 4, within={"last_days": 180}))),
    Preset("best", _("Best customers"), _("Champions and loyal members by RFM."),
           _all(_leaf("cell", "in", ["champions", "loyal"]))),
    Preset("lapsing", _("About to lapse"), _("Past their own rhythm: lapsing now."),
           _all(_leaf("stage", "in", ["lapsing"]))),
    Preset("asleep-valuable", _("Asleep and valuable"),
           _("Away for 60 to 180 days, or 1.5 of their own cycles late, with ¥1,000 or more so far."),
           _all(_leaf("net_cents", "gte", 100_000),
                {"any": [_leaf("last_order_at", "within", _AWAY), _leaf("cycles", "gte", 1.5)]},
                {"not": _leaf("stage", "in", ["new", "active"])})),
    Preset("lost", _("Lost members"), _("Lost by their own rhythm."), _all(_leaf("stage", "in", ["lost"]))),
    Preset("won-back", _("Won back"), _("Came back after a long silence: now is the time to thank them."),
           _all(_leaf("stage", "in", ["won_back"]))),
    Preset("birthday-soon", _("Birthday within 14 days"), _("Today and the 13 days after."),
           _all(_leaf("birthday", "within", {"next_days": 14}))),
    Preset("points-expiring", _("Points expire soon"), _("100 points or more run out within 30 days."),
           _all(_leaf("points_expiring", "gte", 100, key="points", within={"next_days": 30}))),
    Preset("coupon-expiring", _("Coupons expire soon"), _("A usable coupon ends within 7 days."),
           _all(_leaf("coupons_usable", "gte", 1, within={"next_days": 7}))),
    Preset("looked-not-bought", _("Looked and did not buy"), _("Viewed products twice or more in 7 days and bought nothing in them."),
           _all(_leaf("event_count", "gte", 2, key="product_viewed", within={"last_days": 7}),
                _leaf("order_count", "lte", 0, within={"last_days": 7}))),
    Preset("unhappy", _("Unhappy of late"), _("Gave two stars or fewer in the last 90 days, or has a complaint open."),
           {"any": [_leaf("satisfaction", "lte", 2, within={"last_days": 90}),
                    _leaf("tickets_open", "gte", 1, where={"ticket_kinds": ["complaint"]})]}),
    Preset("returns-much", _("Gives much back"), _("Gave back 40 % or more of what was paid in 180 days, over 3 orders or more."),
           _all(_leaf("refund_percent", "gte", 40, within={"last_days": 180}), _leaf("orders", "gte", 3))),
)  # fmt: skip
BY_KEY = {preset.key: preset for preset in PRESETS}
