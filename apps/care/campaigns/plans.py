"""What staff choose for a campaign, checked as a closed shape, and the journey's graph that it means.

One first step draws the arms: the variants of the test, and (where a winner may go to the rest) the rest, which waits so many days and
then gets the winner's text or, without one, is drawn again among all. Keys of steps: `gift_a`, `send_a` of the test, `gift_a_more`,
`send_a_more` of the rest.
"""

import string
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.care.experiments.sequential import Plan
from apps.care.journeys import graph as graphs
from apps.care.models import Channel
from apps.care.policies import PURPOSES
from apps.core import clock, money
from apps.core.errors import ValidationFailed

LETTERS = string.ascii_uppercase[:4]
EVERY = ("", "day", "week", "month")
MORE = "_more"
DEFAULTS: dict[str, Any] = {
    "audience": {}, "purpose": "marketing", "variants": [], "at": "", "every": "", "until": "", "holdout_percent": 10,
    "return_days": 14, "test_percent": 100, "test_days": 3, "per_minute": None, "baseline_percent": 10.0, "lift_percent": 20.0,
}  # fmt: skip
_VARIANT: dict[str, Any] = {"channel": "sms", "template": "", "content": {}, "missing": {}, "coupon": ""}
# name: (smallest, largest)
_NUMBERS = {"holdout_percent": (0, 50), "return_days": (1, 90), "test_percent": (10, 100), "test_days": (1, 30)}
_TEXTS: dict[str, Promise] = {
    "variants": _("A campaign has one to four texts."),
    "number": _("Enter a whole number from %(low)s to %(high)s."),
    "at": _("This day or moment does not exist."),
    "past": _("This moment has passed."),
    "until": _("The end must come after the beginning."),
    "every": _("This is not one of the choices."),
    "test_of_one": _("A test needs two texts at least."),
    "test_repeated": _("A campaign that repeats has no rest to wait for a winner."),
    "per_minute": _("Enter a whole number from %(low)s to %(high)s."),
    "shares": _("Enter a share between 0.1 and 90, and a lift between 1 and 300."),
}


def checked(plan: dict[str, Any], *, moment: datetime, is_past_fine: bool = False) -> dict[str, Any]:
    """The plan with its defaults. Raises ValidationFailed that lists everything wrong with it, the texts' faults too.

    `is_past_fine`: the moment of sending may have come, as for a plan that is agreed to late.
    """
    whole = DEFAULTS | {name: plan[name] for name in DEFAULTS if name in plan}
    whole["variants"] = [_VARIANT | {k: v for k, v in one.items() if k in _VARIANT} for one in whole["variants"]]
    errors = [*_numbers(whole), *_times(whole, moment, is_past_fine=is_past_fine), *_tests(whole)]
    if not 1 <= len(whole["variants"]) <= len(LETTERS):
        errors.append(_error("/variants", "variants"))
    if errors:
        raise ValidationFailed(errors=errors)
    try:
        graphs.checked(graph(whole, starts_at=moment))
    except ValidationFailed as wrong:
        raise ValidationFailed(errors=_at_home(whole, wrong)) from None
    return whole


def starts_at(plan: dict[str, Any], *, moment: datetime) -> datetime:
    """The first sending: the plan's moment, or now where that is empty or has passed meanwhile."""
    wanted = clock.start_of(plan["at"]) if plan["at"] else moment
    return max(wanted, moment)


def graph(plan: dict[str, Any], *, starts_at: datetime, winner: str = "") -> dict[str, Any]:
    """The journey of a whole plan. `winner`: letter of the variant that the rest gets."""
    at = clock.local(starts_at)
    entry: dict[str, Any] = {"kind": "schedule", "at": f"{at:%Y-%m-%dT%H:%M}"}
    entry |= {name: plan[name] for name in ("every", "until") if plan[name] and plan["every"]}
    nodes = _nodes(plan, hour=at.hour, winner=winner)
    made: dict[str, Any] = {
        "entry": entry,
        "audience": plan["audience"],
        "again": {"kind": "each" if plan["every"] else "never"},
        "holdout_percent": plan["holdout_percent"],
        "return_days": plan["return_days"],
        "nodes": [*nodes, {"key": "end", "kind": "exit"}],
    }
    return made | ({"per_minute": plan["per_minute"]} if plan["per_minute"] else {})


def letters(plan: dict[str, Any]) -> str:
    return LETTERS[: len(plan["variants"])]


def shares(plan: dict[str, Any]) -> list[int]:
    """Percent of everybody in each variant's arm of the test."""
    return money.split(_tested(plan), [1] * len(plan["variants"]))


def shares_of_all(plan: dict[str, Any]) -> list[float]:
    """Percent of everybody who are drawn into each variant where the rest is split, too."""
    more = money.split(100, [1] * len(plan["variants"]))
    rest = 100 - _tested(plan)
    return [share + rest * part / 100 for share, part in zip(shares(plan), more, strict=True)]


def statistics(plan: dict[str, Any]) -> Plan:
    """What the test was planned for; two arms where there is one text, for the comparison with those held out."""
    return Plan(plan["baseline_percent"] / 100, plan["lift_percent"] / 100, max(2, len(plan["variants"])))


def policy_keys(journey_key: str, plan: dict[str, Any], *, is_test_only: bool) -> dict[str, str]:
    """Key of a message's policy → letter of its variant. After a winner was chosen only the test's arms compare."""
    ends = ("",) if is_test_only or plan["test_percent"] == 100 else ("", MORE)
    return {f"{journey_key}.send_{letter.lower()}{end}": letter for letter in letters(plan) for end in ends}


def _tested(plan: dict[str, Any]) -> int:
    return int(plan["test_percent"]) if len(plan["variants"]) > 1 else 100


def _nodes(plan: dict[str, Any], *, hour: int, winner: str) -> list[dict[str, Any]]:
    known = letters(plan)
    if len(known) == 1:
        return _variant(plan, "A", "", hour)
    tested = [node for letter in known for node in _variant(plan, letter, "", hour)]
    arms = [
        {"percent": share, "next": _first(plan, letter, ""), "name": letter}
        for letter, share in zip(known, shares(plan), strict=True)
    ]
    if plan["test_percent"] == 100:
        return [{"key": "arms", "kind": "split", "arms": arms}, *tested]
    arms.append({"percent": 100 - plan["test_percent"], "next": "rest", "name": "rest"})
    wait = {"kind": "time", "days": plan["test_days"], "hours": 1}
    rest: dict[str, Any] = {
        "key": "rest", "kind": "wait", "for": wait, "next": _first(plan, winner, MORE) if winner else "others",
    }  # fmt: skip
    more = [node for letter in winner or known for node in _variant(plan, letter, MORE, hour)]
    if not winner:
        split = money.split(100, [1] * len(known))
        others = [
            {"percent": n, "next": _first(plan, letter, MORE), "name": letter}
            for letter, n in zip(known, split, strict=True)
        ]
        more.insert(0, {"key": "others", "kind": "split", "arms": others})
    return [{"key": "arms", "kind": "split", "arms": arms}, *tested, rest, *more]


def _variant(plan: dict[str, Any], letter: str, end: str, hour: int) -> list[dict[str, Any]]:
    said = plan["variants"][LETTERS.index(letter)]
    send = {
        "key": f"send_{letter.lower()}{end}", "kind": "send", "name": letter, "channel": said["channel"],
        "purpose": plan["purpose"], "template": said["template"], "content": said["content"], "missing": said["missing"],
        "send_hour": hour, "next": "end",
    }  # fmt: skip
    if not said["coupon"]:
        return [send]
    gift = {
        "key": f"gift_{letter.lower()}{end}", "kind": "coupon", "template": said["coupon"], "next": send["key"],
        "otherwise": "end",
    }  # fmt: skip
    return [gift, send]


def _first(plan: dict[str, Any], letter: str, end: str) -> str:
    kind = "gift" if plan["variants"][LETTERS.index(letter)]["coupon"] else "send"
    return f"{kind}_{letter.lower()}{end}"


def _error(pointer: str, code: str, **facts: object) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "message": str(_TEXTS[code]) % facts}


def _numbers(plan: dict[str, Any]) -> list[dict[str, str]]:
    found = [
        _error(f"/{name}", "number", low=low, high=high)
        for name, (low, high) in _NUMBERS.items()
        if type(plan[name]) is not int or not low <= plan[name] <= high
    ]
    limit = plan["per_minute"]
    if limit is not None and (type(limit) is not int or not 1 <= limit <= 100_000):
        found.append(_error("/per_minute", "per_minute", low=1, high=100_000))
    baseline, lift = plan["baseline_percent"], plan["lift_percent"]
    if not (0.1 <= baseline <= 90 and 1 <= lift <= 300 and baseline * (1 + lift / 100) < 100):
        found.append(_error("/baseline_percent", "shares"))
    return found


def _times(plan: dict[str, Any], moment: datetime, *, is_past_fine: bool) -> list[dict[str, str]]:
    found = []
    if plan["every"] not in EVERY:
        found.append(_error("/every", "every"))
    if plan["purpose"] not in PURPOSES:
        found.append(_error("/purpose", "every"))
    try:
        first = clock.start_of(plan["at"]) if plan["at"] else moment
        last = clock.end_of(plan["until"]) if plan["until"] else None
    except (ValueError, OverflowError):
        return [*found, _error("/at", "at")]
    if first < moment and not is_past_fine:
        found.append(_error("/at", "past"))
    if last and last <= first:
        found.append(_error("/until", "until"))
    return found


def _tests(plan: dict[str, Any]) -> list[dict[str, str]]:
    if plan["test_percent"] == 100:
        return []
    found = [] if len(plan["variants"]) > 1 else [_error("/test_percent", "test_of_one")]
    return [*found, _error("/test_percent", "test_repeated")] if plan["every"] else found


def _at_home(plan: dict[str, Any], wrong: ValidationFailed) -> list[dict[str, str]]:
    """Faults of the graph at the places of the plan."""
    nodes = graph(plan, starts_at=clock.now())["nodes"]
    errors: Any = wrong.facts["errors"]
    found: dict[tuple[str, str], dict[str, str]] = {}
    for error in errors:
        pointer = error["pointer"]
        if pointer.startswith("/nodes/"):
            place, _slash, rest = pointer.removeprefix("/nodes/").partition("/")
            key = nodes[int(place)]["key"].removesuffix(MORE)
            if key.startswith(("send_", "gift_")):
                number = LETTERS.index(key[-1].upper())
                rest = "coupon" if key.startswith("gift_") else rest
                pointer = f"/variants/{number}/{rest}"
        found[pointer, error["code"]] = error | {"pointer": pointer}
    return list(found.values())


def channels(plan: dict[str, Any]) -> list[str]:
    """The channels of its texts, each once, in the house's order."""
    asked = {one["channel"] for one in plan["variants"]}
    return [channel for channel in Channel.values if channel in asked]
