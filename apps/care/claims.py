"""Taking due touches: one statement claims a chunk, judges it once more and brings all that its messages need.

Its shape follows what is due on the channel: a text that names no shop asks for none, and a plain SMS pays for no chain.
"""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection

from apps.care import gate, reasons, rechecks, routes, templates
from apps.care.models import Channel, Version
from apps.care.outcomes import Claim
from apps.core import clock, prepared
from apps.members import selectors as members

LEASE = timedelta(seconds=120)
# As long as no more orders than this have come in since the decisions, they are looked at once for the whole chunk.
_FEW_ORDERS = 500
_KINDS = {Channel.SMS: "phone", Channel.EMAIL: "email", Channel.WECHAT: "openid", Channel.WECOM: "external_userid"}


class Taken(NamedTuple):
    """A touch to send now: the sealed phone (None: there is none) and the values of the desk's `names`, in order."""

    claim: Claim
    sealed: bytes | None
    wrapped: bytes | None
    values: Sequence[str | None]


class Shape(NamedTuple):
    """What a statement has to know, of all the versions that it may meet."""

    channel: str
    names: tuple[str, ...] = ()  # variables of their texts on this channel
    triggers: tuple[str, ...] = ()
    purpose: str = ""  # of their consents; "": several
    has_chain: bool = False
    deaths: str = "= 0"  # whose turn it is: those that no worker died over, or those under suspicion


_DUE = """settled_at is null and state = 'planned' and channel = %(channel)s and send_at <= %(moment)s
          and (is_transactional or slot_on = case when zone = '' then %(day)s::date
              else (%(moment)s::timestamptz at time zone zone)::date end) and deaths {deaths}"""
_WAITING = f"select distinct version_id, zone from care_touch where {_DUE}"
_START = (datetime(1, 1, 1, tzinfo=UTC), 0)
_versions: dict[int, Version] = {}  # published versions never change


class Desk:
    """Claims chunk after chunk on a channel. Not for several threads at a time."""

    def __init__(self, channel: str, *, deaths: str = "= 0", limits: gate.Gate | None = None) -> None:
        """`limits`: nothing is taken where their hours are quiet by the member's clock."""
        self.channel, self.deaths, self._limits = channel, deaths, limits
        self.shape = Shape(channel)
        self._ids: set[int] = set()  # the versions that the shape serves
        self._zones: set[str] = set()  # by whose clocks they go
        self._after = _START  # the end of the last chunk: what was claimed before stays in the index until a vacuum

    @property
    def names(self) -> tuple[str, ...]:
        return self.shape.names

    def take(self, *, limit: int, moment: datetime, brand: str) -> tuple[list[Taken], int]:
        """Claim what is due, oldest first; returns what is to be sent and how many were skipped. `brand`: its name in texts.

        What becomes due meanwhile among the older ones, or under a version that the desk has not met, comes when all else is taken.
        """
        rows = self._claim(limit=limit, moment=moment, brand=brand) if self._ids else []
        if not rows and (self._look(moment=moment) or self._after != _START):
            self._after = _START
            rows = self._claim(limit=limit, moment=moment, brand=brand)
        if rows:
            self._after = max((row[8], row[0]) for row in rows)
        rows.sort()
        taken = [Taken(Claim(*row[:5]), row[6], row[7], row[9:]) for row in rows if not row[5]]
        return taken, len(rows) - len(taken)

    def _look(self, *, moment: datetime) -> bool:
        """Learn which versions wait; whether there are any that were not known."""
        values: dict[str, Any] = {"channel": self.channel, "moment": moment, "day": clock.local_date(moment)}
        with connection.cursor() as cursor:
            cursor.execute(_WAITING.format(deaths=self.deaths), values)
            rows = cursor.fetchall()
        found, living = {row[0] for row in rows}, {row[1] for row in rows}
        if found <= self._ids and living <= self._zones:
            return False
        self._ids |= found
        self._zones |= living
        self.shape = _shape(versions(self._ids).values(), channel=self.channel, deaths=self.deaths)
        return True

    def _claim(self, *, limit: int, moment: datetime, brand: str) -> list[tuple[Any, ...]]:
        return prepared.rows(
            statement(self.shape),
            gate.as_of(moment)
            | {"channel": self.channel, "moment": moment, "day": clock.local_date(moment), "limit": limit,
             "lease": moment + LEASE, "brand": brand, "passed_on": list(routes.PASSED_ON), "versions": list(self._ids),
             "awake": self._awake(moment),
             "purpose": self.shape.purpose, "after": self._after[0], "after_id": self._after[1]},
        )  # fmt: skip

    def _awake(self, moment: datetime) -> list[str]:
        limits = self._limits
        return [zone for zone in self._zones if limits is None or not limits.at(zone).is_quiet(moment)]


def versions(ids: Collection[int]) -> dict[int, Version]:
    """Published versions with their policies, read once by a process."""
    if missing := set(ids) - _versions.keys():
        _versions.update(Version.objects.select_related("policy").in_bulk(missing))
    return {version_id: _versions[version_id] for version_id in ids}


def _shape(known: Collection[Version], *, channel: str, deaths: str) -> Shape:
    texts = [routes.on(version, channel=channel).template for version in known]
    used = {name for text in texts for name in templates.variables(text)}
    purposes = {version.purpose for version in known}
    return Shape(
        channel=channel,
        names=templates.in_order(used),
        triggers=tuple(sorted({version.trigger for version in known} & rechecks.CHECKS.keys())),
        purpose=purposes.pop() if len(purposes) == 1 else "",
        has_chain=any(version.fallback for version in known),
        deaths=deaths,
    )


@lru_cache(maxsize=64)
def statement(shape: Shape) -> str:
    """The gate once more, at the moment of sending, in the claim itself. Skipped ones give their slot back."""
    # `offset 0`: each verdict is worked out once, wherever it is asked for.
    goes_on = ", onward is not null and verdict = any(%(passed_on)s::text[]) as goes_on" if shape.has_chain else ""
    columns = [f"t.ctid as at, case {_verdict(shape)} else '' end as verdict", *templates.columns("v", shape.names)]
    if shape.has_chain:
        columns.append("v.fallback -> t.route ->> 'channel' as onward")
    kind = _KINDS.get(Channel(shape.channel))
    sealed = f"left join lateral ({members.sealed(repr(kind))}) phone on true" if kind else ""
    columns.append("phone.sealed, phone.wrapped" if kind else "null::bytea as sealed, null::bytea as wrapped")
    # A consent is one search of its index where both are known beforehand, and where neither is; three where one is.
    joins = gate.joins() if shape.purpose else gate.joins(purpose="v.purpose", channel="v.here")
    answer = ", ".join(["verdict", "sealed", "wrapped", "t.send_at", *map(templates.quoted, shape.names)])
    text = f"""
    with picked as materialized (
        select ctid, version_id, member_id, decided_at, occurrence, route from care_touch
        where {_DUE.format(deaths=shape.deaths)} and version_id = any(%(versions)s::bigint[]) and zone = any(%(awake)s::text[])
          and (send_at, id) > (%(after)s, %(after_id)s)
        order by send_at, id limit %(limit)s for update skip locked
    ),
    rules as materialized ({_rules(shape)}){_buyers(shape)}
    update care_touch t set {_changes(shape)}
    from (
        select *{goes_on} from (
            select {", ".join(columns)}
            from picked t
            join rules v on v.id = t.version_id
            join members_member m on m.id = t.member_id
            {joins} {sealed} {_bought(shape)}
            offset 0
        ) one offset 0
    ) judged where t.ctid = judged.at
    returning t.id, t.member_id, t.version_id, t.fence, t.tries, {answer}
    """
    return re.sub(r"\n +", "\n", text)  # psycopg reads a text of more than 4,096 characters anew at each call


def _rules(shape: Shape) -> str:
    """What the versions of the chunk say, once for all their touches."""
    step = "(select step {what} from jsonb_array_elements(v.fallback) step where step ->> 'channel' = %(channel)s)"
    own = {"template": "v.template", "subscribe_template": "v.content ->> 'template_id'"}
    if shape.has_chain:
        further = {"template": "->> 'template'", "subscribe_template": "-> 'content' ->> 'template_id'"}
        own = {
            name: f"case when v.channel = %(channel)s then {sql} else {step.format(what=further[name])} end"
            for name, sql in own.items()
        }
    columns = ["v.id", "v.trigger", "v.purpose", "v.params", "p.status",
               "make_interval(days => (v.params ->> 'window_days')::int) as lasting"]  # fmt: skip
    if shape.has_chain:
        columns.append("v.fallback")
    if not shape.purpose:
        columns.append("%(channel)s::text as here")
    if shape.channel == Channel.WECHAT:
        columns.append(f"{own['subscribe_template']} as subscribe_template")
    columns += templates.asked(own["template"], shape.names)
    return f"""select {", ".join(columns)} from care_version v join care_policy p on p.id = v.policy_id
        where v.id in (select version_id from picked)"""


def _verdict(shape: Shape) -> str:
    consented = gate.NOT_REFUSED if shape.channel == Channel.WECHAT else gate.CONSENTED
    checks = [
        (reasons.PAUSED, "v.status <> 'live'"),
        (reasons.LATE, "t.decided_at <= %(moment)s - v.lasting"),
        (reasons.NOT_ACTIVE, "m.status <> 'active'"),
        (reasons.UNDER_14, gate.UNDER_14),
        (reasons.NO_CONSENT, f"not ({consented})"),
    ]
    for trigger, check in _causes(
        shape
    ):  # of other triggers an occurrence reads otherwise: it must not even be looked at
        checks.append((check.reason, f"case when v.trigger = '{trigger}' then {check.condition} else false end"))
    if shape.channel == Channel.WECHAT:
        checks.append((reasons.NO_GRANT, f"not {gate.HAS_GRANT.format(template='v.subscribe_template')}"))
    if shape.channel == Channel.EMAIL:
        checks.append((reasons.SUPPRESSED, gate.SUPPRESSED))
    if shape.channel in _KINDS:
        checks.append((reasons.NO_ADDRESS, "phone.sealed is null"))
    return " ".join(f"when {condition} then '{reason}'" for reason, condition in checks)


def _buyers(shape: Shape) -> str:
    """Who bought since the decisions, for the whole chunk, as long as they are few."""
    if not _asks_who_bought(shape):
        return ""
    return f""",
    buyers as materialized (
        select array(
            select o.member_id from orders_order o
            where o.paid_at > (select min(decided_at) from picked) and o.paid_at <= %(moment)s
            order by o.paid_at desc limit {_FEW_ORDERS + 1}
        ) as ids
    )"""


def _bought(shape: Shape) -> str:
    if not _asks_who_bought(shape):
        return ""
    return f"""cross join lateral (
                select (
                    cardinality((select ids from buyers)) > {_FEW_ORDERS}
                    or t.member_id = any((select ids from buyers)::bigint[])
                ) and {rechecks.BOUGHT_SINCE_DECISION} as since
            ) bought"""


def _causes(shape: Shape) -> list[tuple[str, rechecks.Check]]:
    return [(trigger, check) for trigger in shape.triggers for check in rechecks.CHECKS.get(trigger, ())]


def _asks_who_bought(shape: Shape) -> bool:
    return any(check.asks_who_bought for _, check in _causes(shape))


def _changes(shape: Shape) -> str:
    """What the claim writes; only a chain knows messages that go on elsewhere."""
    skipped, onward = "verdict <> ''", ""
    state = "case when verdict = '' then 'sending' else 'skipped' end"
    reason = "verdict"
    if shape.has_chain:
        skipped = "verdict <> '' and not goes_on"
        state = "case when verdict = '' then 'sending' when goes_on then 'planned' else 'skipped' end"
        reason = "case when goes_on then '' else verdict end"
        onward = """, channel = case when goes_on then onward else t.channel end,
        route = case when goes_on then t.route + 1 else t.route end"""
    return f"""
        state = {state}, reason = {reason},
        fence = t.fence + 1, tries = case when verdict = '' then t.tries + 1 else t.tries end,
        lease_until = case when verdict = '' then %(lease)s::timestamptz end,
        settled_at = case when {skipped} then %(moment)s::timestamptz end,
        slot_on = case when verdict = '' then t.slot_on end{onward}"""
