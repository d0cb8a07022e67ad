"""The ladder a shop begins with, in the words of the house's first language beside English."""

from typing import Any

LADDER: dict[str, Any] = {
    "basis": "earned",
    "currency": "growth",
    "window": {"kind": "rolling", "months": 12},
    "validity": {"kind": "months", "months": 12},
    "downgrade": "one_down",
    "grace_days": 0,
    "warn_days": 30,
    "starts_next_period": False,
}
TIERS: tuple[dict[str, Any], ...] = (
    {"key": "basic", "name": "普通", "name_en": "Basic", "threshold": 0},
    {"key": "silver", "name": "银卡", "name_en": "Silver", "threshold": 1_000},
    {"key": "gold", "name": "金卡", "name_en": "Gold", "threshold": 5_000},
    {"key": "black-gold", "name": "黑金", "name_en": "Black gold", "threshold": 20_000},
)


def _multiplier(factor: str) -> dict[str, Any]:
    return {
        "kind": "multiplier",
        "title": f"消费积分 {factor} 倍",
        "title_en": f"{factor} times the points of every order" if factor != "1" else "Points for every order",
        "value": {"factor": factor},
    }


def _birthday(points: int) -> dict[str, Any]:
    return {
        "kind": "birthday",
        "title": f"生日礼 {points} 积分",
        "title_en": f"{points} points on your birthday",
        "value": {"points": points},
    }


_SHIPPING = {"kind": "shipping", "title": "全场包邮", "title_en": "Free shipping on every order", "value": {}}
BENEFITS: dict[str, tuple[dict[str, Any], ...]] = {
    "basic": (_multiplier("1"), _birthday(50)),
    "silver": (_multiplier("1.1"), _birthday(100)),
    "gold": (_multiplier("1.2"), _birthday(200), _SHIPPING),
    "black-gold": (
        _multiplier("1.5"),
        _birthday(500),
        _SHIPPING,
        {"kind": "service", "title": "专属顾问", "title_en": "An adviser of your own", "value": {}},
    ),
}
