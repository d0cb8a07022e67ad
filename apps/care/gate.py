"""What a message must pass: consent, address, stage, holdout, quiet hours, cap. Each refusal has a reason; the first wins.

The conditions are SQL over `members_member m`, `segments_memberstats s` and the consents `k1` (channel) and `k2` (any), with
the parameters of `as_of`, so that planning judges a million members and the preview judges one by the same words.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from apps.care import reasons, templates, zones
from apps.care.models import Channel, Policy, Version
from apps.care.rechecks import Check
from apps.core import brand, clock
from apps.members import consents, minors
from apps.segments import language

GLOBAL = "global"
CLASSES = ("care", "marketing")  # by the purpose of a message
_PLANNED_AHEAD = timedelta(days=7)  # how long before its day a message is decided, at most
_SPANS = ("day", "week", "month")
_DEFAULT = {"day_cap": 1, "week_cap": 3, "quiet": [22, 8], "global_holdout_percent": 0}
_MORE: dict[str, Any] = {"month_cap": None, "classes": {}, "channels": {}}  # may be left out
_OF_CHANNEL = ("day_cap", "week_cap", "month_cap", "quiet")  # what a channel may have of its own


def _check(value: Any) -> None:
    if not isinstance(value, dict) or not set(_DEFAULT) <= set(value) <= {*_DEFAULT, *_MORE}:
        raise ValueError(f"these four are expected: {', '.join(_DEFAULT)}; and perhaps {', '.join(_MORE)}")
    _check_more(value)
    _check_numbers(value)
    share = value["global_holdout_percent"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 50:
        raise ValueError("global_holdout_percent lies between 0 and 50")


def _check_numbers(value: dict[str, Any]) -> None:
    """Caps and quiet hours, of all channels or of one."""
    for name in ("day_cap", "week_cap"):
        if name in value and (type(value[name]) is not int or not 1 <= value[name] <= 100):
            raise ValueError(f"{name} is a whole number from 1 to 100")
    month, quiet = value.get("month_cap"), value.get("quiet")
    if month is not None and (type(month) is not int or not 1 <= month <= 400):
        raise ValueError("month_cap is a whole number from 1 to 400, or null")
    if quiet is not None and not (
        isinstance(quiet, list) and len(quiet) == 2 and all(type(hour) is int and 0 <= hour <= 23 for hour in quiet)
    ):
        raise ValueError("quiet is two hours from 0 to 23, or null")


def _check_more(value: dict[str, Any]) -> None:
    classes, channels = value.get("classes", {}), value.get("channels", {})
    if not isinstance(channels, dict) or not set(channels) <= set(Channel.values):
        raise ValueError(f"channels are {', '.join(Channel.values)}")
    for own in channels.values():
        if not isinstance(own, dict) or not set(own) <= set(_OF_CHANNEL):
            raise ValueError(f"a channel may have of its own: {', '.join(_OF_CHANNEL)}")
        _check_numbers(own)
    if not isinstance(classes, dict) or not set(classes) <= set(CLASSES):
        raise ValueError(f"classes are {', '.join(CLASSES)}")
    for caps in classes.values():
        good = isinstance(caps, dict) and set(caps) <= set(_SPANS)
        if not good or any(type(cap) is not int or not 1 <= cap <= 400 for cap in caps.values()):
            raise ValueError(f"a class has caps from 1 to 400 for {', '.join(_SPANS)}")


brand.declare("care.gate", default=_DEFAULT, check=_check)


@dataclass(frozen=True)
class Gate:
    """The brand's limits by the clock of a zone. `quiet`: from the first hour until the second; None: never quiet."""

    day_cap: int
    week_cap: int
    quiet: tuple[int, int] | None
    global_holdout_percent: float
    month_cap: int | None = None
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    zone: ZoneInfo = clock.SHOP_ZONE

    def at(self, zone: str) -> "Gate":
        """The limits for who lives in this zone; "" is the shop's."""
        return replace(self, zone=zones.of(zone))

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def on(self, channel: str) -> "Gate":
        """The limits of a channel: what it has of its own, and for the rest everybody's."""
        own = dict(self.channels.get(channel, {}))
        if "quiet" in own:
            own["quiet"] = _span(own["quiet"])
        return replace(self, **own) if own else self

    def is_quiet(self, moment: datetime) -> bool:
        if self.quiet is None:
            return False
        start, end = self.quiet
        hour = moment.astimezone(self.zone).hour
        return start <= hour < end if start <= end else hour >= start or hour < end

    def next_allowed(self, moment: datetime) -> datetime:
        """The moment itself outside quiet hours, else the end of them."""
        if self.quiet is None or not self.is_quiet(moment):
            return moment
        end = self._hour(self.day(moment), self.quiet[1])
        return end if end > moment else self._hour(self.day(moment) + timedelta(days=1), self.quiet[1])

    def is_quiet_at(self, moment: datetime, *, hour: int) -> bool:
        """Whether what is due at `hour` of this day, or now when that has passed, would fall into quiet hours."""
        return self.is_quiet(max(self._hour(self.day(moment), hour), moment))

    def send_at(self, moment: datetime, *, hour: int) -> datetime:
        """Today's `hour` if still ahead, else now; out of quiet hours, and then not before `hour` of that day."""
        wanted = max(self._hour(self.day(moment), hour), moment)
        if not self.is_quiet(wanted):
            return wanted
        allowed = self.next_allowed(wanted)
        later = self._hour(self.day(allowed), hour)
        return later if later > allowed and not self.is_quiet(later) else allowed

    def _hour(self, day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour), tzinfo=self.zone)


def load() -> Gate:
    """The brand's limits for all channels; those of one: `load().on(channel)`."""
    value = brand.read("care.gate")
    return Gate(
        day_cap=value["day_cap"],
        week_cap=value["week_cap"],
        quiet=_span(value["quiet"]),
        global_holdout_percent=value["global_holdout_percent"],
        month_cap=value.get("month_cap"),
        classes=value.get("classes", {}),
        channels=value.get("channels", {}),
    )


def _span(quiet: Sequence[int] | None) -> tuple[int, int] | None:
    return (quiet[0], quiet[1]) if quiet and quiet[0] != quiet[1] else None


class Window(NamedTuple):
    """A cap over the days `first` to `last`; `purpose` "" counts every message of the channel, else those of a class."""

    span: str
    first: date
    last: date
    cap: int
    purpose: str = ""


def windows(limits: "Gate", *, day: date) -> list[Window]:
    """The caps that a message of this day has to keep."""
    first = day.replace(day=1)
    spans = {
        "day": (day, day),
        "week": week_of(day),
        "month": (first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)),
    }
    found = [Window("day", *spans["day"], limits.day_cap), Window("week", *spans["week"], limits.week_cap)]
    if limits.month_cap is not None:
        found.append(Window("month", *spans["month"], limits.month_cap))
    for purpose, caps in limits.classes.items():
        found += [Window(span, *spans[span], cap, purpose) for span, cap in caps.items()]
    return found


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the ISO week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def is_held_out(key: str, *, member_id: int, percent: float | Decimal) -> bool:
    """The arm of a member: the first 4 bytes of sha256("key:member_id"), as a share of 2^32, lie below the percentage.

    The same member is always in the same arm of a key; `held_out_sql` says the same in SQL.
    """
    digest = hashlib.sha256(f"{key}:{member_id}".encode()).digest()
    return int.from_bytes(digest[:4]) < threshold(percent)


def threshold(percent: float | Decimal) -> int:
    return int(Decimal(str(percent)) * 2**32 / 100)


def held_out_sql(key: str, limit: str) -> str:
    """`key` and `limit` name parameters, the limit from `threshold_bytes`; see `is_held_out`."""
    digest = f"sha256(convert_to(%({key})s || ':' || m.id, 'UTF8'))"
    return (
        f"(%({limit})s::bytea <> '' and {digest} < %({limit})s::bytea)"  # without a holdout nobody pays for the digest
    )


def threshold_bytes(percent: float | Decimal) -> bytes:
    """`threshold` as bytes that compare with a digest as the number does with its first four; empty: nobody."""
    limit = threshold(percent)
    return limit.to_bytes(5)[1:] if 0 < limit < 2**32 else b"\xff" * 33 * bool(limit)


UNDER_14, as_of = minors.UNGUARDED, minors.as_of
CONSENTED = consents.agreed("k1", "k2")
# Whoever accepts a subscribe message in WeChat's own prompt says yes to that one message; a no that stands here outweighs it.
NOT_REFUSED = "coalesce(k1.is_granted, true) and coalesce(k2.is_granted, true)"
HAS_GRANT = """exists (select from gateways_subscribegrant g
    where g.member_id = m.id and g.template_id = {template} and g.credits > 0 and not g.is_banned)"""
HAS_EMAIL = "exists (select from members_identity i where i.member_id = m.id and i.kind = 'email')"
SUPPRESSED = """exists (select from gateways_suppression x join members_identity i on i.digest = x.digest and i.kind = 'email'
    where i.member_id = m.id)"""
HAS_OPENID = "exists (select from members_identity i where i.member_id = m.id and i.kind = 'openid')"
# A customer in WeCom whom somebody of the staff has.
HAS_CONTACT = """exists (select from community_contact wc join community_follow wf on wf.contact_id = wc.id and wf.left_at is null
    join members_identity i on i.member_id = m.id and i.kind = 'external_userid' where wc.member_id = m.id)"""
HAS_PHONE = "exists (select from members_identity i where i.member_id = m.id and i.kind = 'phone')"


def capped(caps: Sequence[Window], *, purpose: str) -> str:
    """Whether a cap is reached. What waits for less urgent policies holds no slot against this one: it would give way."""
    full = [
        f"count(*) filter (where t.slot_on between '{w.first}' and '{w.last}'"
        + (f" and t.version_id in (select id from care_version where purpose = '{w.purpose}')" if w.purpose else "")
        + f") >= {w.cap:d}"
        for w in caps
        if w.purpose in ("", purpose)
    ]
    return f"""(select {" or ".join(full)}
        from care_touch t where t.member_id = m.id and t.channel = %(channel)s
        and t.slot_on between '{min(w.first for w in caps)}' and '{max(w.last for w in caps)}'
        and not (t.state = 'planned' and t.policy_id = any(%(less_urgent)s::bigint[])))"""


def full(limits: Gate, *, day: date, purpose: str) -> str:
    """SELECT of (member_id, channels): on which channels whoever's caps for a message of this shop day are reached."""
    reached, spans = [], []
    for channel in Channel.values:
        caps = [w for w in windows(limits.on(channel), day=day) if w.purpose in ("", purpose)]
        spans += [w.first for w in caps]
        conditions = [
            f"count(*) filter (where t.slot_on between '{w.first}' and '{w.last}'"
            + (f" and v.purpose = '{purpose}'" if w.purpose else "")
            + f") >= {w.cap:d}"
            for w in caps
        ]
        reached.append(f"t.channel = '{channel}' and ({' or '.join(conditions)})")
    return f"""select member_id, array_agg(channel) as channels from (
        select t.member_id, t.channel from care_touch t join care_version v on v.id = t.version_id
        where t.slot_on >= '{min(spans)}' and t.decided_at >= '{min(spans) - _PLANNED_AHEAD}'
        group by 1, 2 having {" or ".join(reached)}
    ) each_channel group by 1"""


def joins(*, purpose: str = "%(purpose)s", channel: str = "%(channel)s") -> str:
    """The stats and the consents that the conditions stand on; purpose and channel are SQL."""
    return " ".join(
        (
            "left join segments_memberstats s on s.member_id = m.id",
            consents.joined("k1", purpose=purpose, channel=channel),
            consents.joined("k2", purpose=purpose, channel="'any'"),
        )
    )


_PLAIN_TRIGGERS = frozenset(
    {
        Version.Trigger.BIRTHDAY,
        Version.Trigger.JOURNEY,
        Version.Trigger.REGISTERED,
        Version.Trigger.POINTS_EXPIRING,
        Version.Trigger.COUPON_EXPIRING,
        Version.Trigger.LIVE_REMINDER,
        Version.Trigger.BOOKING_NOTICE,
        Version.Trigger.GROUP_INVITE,
        Version.Trigger.GROUP_JOINED,
    }
)


def is_profiling_trigger(trigger: str) -> bool:
    """Whether who falls due is worked out of a member's purchases or behaviour. A journey says it of itself."""
    return trigger not in _PLAIN_TRIGGERS


def is_profiling(version: Version) -> bool:
    """Whether it goes by what the house works out of a member's purchases: who gets it, when, or what it says."""
    return (
        is_profiling_trigger(version.trigger)
        or bool(version.params.get("is_profiling"))
        or language.is_profiling(version.audience)
        or any(templates.is_worked_out(name) for name in templates.variables(version.template))
    )


def refusals(version: Version, *, caps: Sequence[Window], causes: Sequence[Check] = ()) -> list[tuple[str, str]]:
    """(reason, SQL condition) in the order in which they are judged; parameters from `parameters`.

    `causes`: what may have become of the cause, where it is known (`rechecks.of_decision`).
    """
    needed = [
        name
        for name in templates.variables(version.template)
        if version.missing.get(name, {}).get("policy", "skip") == "skip" and name != "brand"
    ]
    checks = [
        (reasons.NOT_ACTIVE, "m.status <> 'active'"),
        (reasons.UNDER_14, UNDER_14),
        (reasons.NO_CONSENT, f"not ({NOT_REFUSED if version.channel == Channel.WECHAT else CONSENTED})"),
    ]
    if is_profiling(version):
        checks.append((reasons.NO_PROFILING, consents.OBJECTED))
    if version.channel == Channel.SMS:
        checks.append((reasons.NO_ADDRESS, f"not {HAS_PHONE}"))
    if version.channel == Channel.EMAIL:
        checks += [(reasons.NO_ADDRESS, f"not {HAS_EMAIL}"), (reasons.SUPPRESSED, SUPPRESSED)]
    if version.channel == Channel.WECOM:
        checks.append((reasons.NO_ADDRESS, f"not {HAS_CONTACT}"))
    if version.channel == Channel.WECHAT:
        checks.append((reasons.NO_ADDRESS, f"not {HAS_OPENID}"))
        checks.append((reasons.NO_GRANT, f"not {HAS_GRANT.format(template='%(subscribe_template)s')}"))
    if version.trigger == Version.Trigger.STAGE_ENTERED:
        checks.append((reasons.STAGE_LEFT, "coalesce(s.stage, 'prospect') <> %(stage)s"))
    checks += [(check.reason, check.condition) for check in causes]
    if needed:
        present = " and ".join(templates.present(name) for name in needed)
        checks.append((reasons.MISSING_VALUE, f"not coalesce({present}, false)"))
    if not version.is_transactional:
        checks.append((reasons.GLOBAL_HOLDOUT, held_out_sql("global_key", "global_limit")))
        checks.append((reasons.CAP, capped(caps, purpose=version.purpose)))
    return checks


def parameters(version: Version, *, gate: Gate, moment: datetime, send_at: datetime) -> dict[str, Any]:
    less_urgent = Policy.objects.filter(priority__gt=version.policy.priority)
    return as_of(moment) | {
        "moment": moment,
        "purpose": version.purpose,
        "channel": version.channel,
        "stage": version.params.get("stage", ""),
        "subscribe_template": version.content.get("template_id", ""),
        "global_key": GLOBAL,
        "global_limit": threshold_bytes(gate.global_holdout_percent),
        "day": None if version.is_transactional else gate.day(send_at),
        "less_urgent": list(less_urgent.values_list("pk", flat=True)),
    }
