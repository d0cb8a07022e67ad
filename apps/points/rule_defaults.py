"""The rules and achievements a shop begins with. Names are the brand's own words to its members, not interface texts."""

from typing import Any

_PER_YUAN = {"kind": "per_amount", "points": 1, "per_cents": 100}
_STREAK = {
    "kind": "streak",
    "points": 5,
    "steps": [{"day": 7, "points": 20}, {"day": 15, "points": 50}, {"day": 30, "points": 100}],
    "cycle": 30,
}
# key, name, English name, currency, trigger, definition
RULES: tuple[tuple[str, str, str, str, str, dict[str, Any]], ...] = (
    ("order", "消费得积分", "Points for orders", "points", "order", {"give": _PER_YUAN}),
    ("growth", "消费得成长值", "Growth for orders", "growth", "order", {"give": _PER_YUAN}),
    ("first-order", "首单奖励", "First order", "points", "first_order", {"give": {"kind": "fixed", "points": 100}}),
    ("birthday", "生日礼", "Birthday", "points", "birthday", {"give": {"kind": "fixed", "points": 100}}),
    (
        "member-day", "会员日双倍", "Double on member day", "points", "order",
        {"give": {"kind": "multiplier", "factor": "2"}, "when": {"month_days": [28]}},
    ),
    (
        "sign-in", "每日签到", "Daily sign-in", "points", "sign_in",
        {"give": _STREAK, "make_up": {"free_per_month": 1, "points": 20, "days_back": 7}},
    ),
    (
        "profile", "完善资料", "Complete your profile", "points", "task",
        {"give": {"kind": "fixed", "points": 50}, "task": {"key": "profile_complete"}},
    ),
    (
        "follow", "关注公众号", "Follow us", "points", "task",
        {"give": {"kind": "fixed", "points": 20}, "task": {"key": "follow"}},
    ),
    (
        "review", "评价有礼", "Write a review", "points", "review",
        {"give": {"kind": "fixed", "points": 10}, "times": {"per": "month", "most": 10}},
    ),
)  # fmt: skip
ACHIEVEMENTS: tuple[dict[str, Any], ...] = (
    {
        "key": "regular", "name": "月度常客", "name_en": "Regular of the month", "measure": {"kind": "orders"},
        "target": 4, "period": "month", "points": 50,
    },
    {
        "key": "friend", "name": "年度之友", "name_en": "Friend of the year", "measure": {"kind": "spend_cents"},
        "target": 1_000_000, "period": "year", "points": 500,
    },
)  # fmt: skip
