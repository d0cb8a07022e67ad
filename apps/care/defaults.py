"""The five policies a shop begins with. Names and texts are the brand's own words to its members, not interface texts."""

from typing import Any

_MEMBER = {"nickname": {"policy": "default", "value": "会员"}}


def _sms(trigger: str, params: dict[str, Any], template: str) -> dict[str, Any]:
    return {"trigger": trigger, "params": params, "channel": "sms", "template": template, "missing": _MEMBER}


def _inbox(trigger: str, params: dict[str, Any], template: str) -> dict[str, Any]:
    return {"trigger": trigger, "params": params, "channel": "inbox", "template": template, "missing": _MEMBER}


POLICIES: tuple[dict[str, Any], ...] = (
    {
        "key": "birthday",
        "name": "生日问候",
        "draft": _sms(
            "birthday",
            {"days_before": 0, "window_days": 2},
            "{{ nickname }}，生日快乐！{{ brand }}为您备了一份小礼，30天内到店出示会员码即可领取。",
        ),
    },
    {
        "key": "won-back",
        "name": "赢回答谢",
        "draft": _inbox(
            "stage_entered",
            {"stage": "won_back", "window_days": 14},
            "{{ nickname }}，欢迎回来！谢谢您再次选择{{ brand }}，会员权益已为您全部保留。",
        ),
    },
    {
        "key": "lapsing",
        "name": "流失关怀",
        "draft": _sms(
            "stage_entered",
            {"stage": "lapsing", "window_days": 14},
            "{{ nickname }}，有{{ days_since_order }}天没见到您了，{{ brand }}上了不少新品，得空来看看吧。",
        ),
    },
    {
        "key": "dormant",
        "name": "沉睡唤醒",
        "draft": _sms(
            "stage_entered",
            {"stage": "dormant", "window_days": 14},
            "{{ nickname }}，好久不见。您的{{ brand }}会员权益仍在，店里为您留了一份回归礼，期待您来。",
        ),
    },
    {
        "key": "second-purchase",
        "name": "首购转二购",
        "draft": _inbox(
            "second_purchase",
            {"days": 14, "window_days": 14},
            "{{ nickname }}，上次选的还满意吗？第二次光临{{ brand }}，店员可以按您的口味推荐几样。",
        ),
    },
)
