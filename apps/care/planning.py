"""Decide: every member who is due under a live policy gets one touch: planned, held out, or skipped with its reason.

One INSERT … SELECT per policy, in priority order, in one transaction under the slot lock: the frequency cap is counted
from the touches themselves, so nobody else may plan meanwhile. It passes over whom it has decided about already; that a
member is decided about once per occurrence is the table's unique key.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F, Max

from apps.care import gate, own_hours, reasons, rechecks, routes, slots, triggers, zones
from apps.care.models import Policy, Run, Touch, Version
from apps.core import clock
from apps.segments import language
from apps.segments.models import StageChange

_HELD = "-"  # in the place of a reason: nothing speaks against it, but the arm gets no message


@dataclass
class Plan:
    """What one run decided. Its touches have ids above `after_touch`, up to `last_touch`."""

    as_of: datetime
    after_touch: int
    last_touch: int = 0
    planned: int = 0
    held_out: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def count(self, state: str, reason: str, rows: int) -> None:
        if state == Touch.State.SKIPPED:
            self.skipped[reason] += rows
        elif state == Touch.State.HELD_OUT:
            self.held_out += rows
        else:
            self.planned += rows


class Due(NamedTuple):
    """Who is due: a SELECT of (member_id, occurrence, is_late, is_old), `d`; `held`: the condition, on `d` and member `m`, of the arm
    that gets nothing."""

    sql: str
    params: dict[str, Any]
    held: str


@transaction.atomic
def plan(*, moment: datetime, only: Version | None = None) -> Plan:
    """Plan all live policies as of `moment` (or one version). Running it again adds nothing."""
    started = time.monotonic()
    lock_slots()
    past = Run.objects.filter(finished_at__isnull=False).aggregate(as_of=Max("as_of"), change_id=Max("change_id"))
    limits = gate.load()
    found = Plan(as_of=moment, after_touch=_newest_touch())
    newest = StageChange.objects.aggregate(top=Max("pk"))["top"] or 0
    living = zones.Living.found()
    for version in [only] if only else live_versions():
        due = triggered(version, moment=moment, last_run=past["as_of"], seen=past["change_id"] or 0)
        _plan_one(version, found=found, limits=limits, due=due, living=living)
    found.last_touch = _newest_touch()
    Run.objects.create(
        as_of=moment,
        change_id=newest,
        planned=found.planned,
        held_out=found.held_out,
        skipped=found.skipped.total(),
        seconds=time.monotonic() - started,
        finished_at=clock.now(),
    )
    return found


def live_versions() -> list[Version]:
    """The newest version of every live policy, most urgent first. Messages of journeys are planned by their steps."""
    return list(
        Version.objects.filter(policy__status=Policy.Status.LIVE, policy__journey=None, number=F("policy__version"))
        .select_related("policy")
        .order_by("policy__priority", "policy_id")
    )


def decide(version: Version, *, due: Due, moment: datetime) -> int:
    """Decide about these members now, as a run does about those of a trigger. Returns the newest touch from before.

    Call it inside a transaction; the slot lock is held until its end.
    """
    lock_slots()
    found = Plan(as_of=moment, after_touch=_newest_touch())
    living = zones.Living.found(among=due.sql, params=due.params)
    _plan_one(version, found=found, limits=gate.load(), due=due, living=living)
    return found.after_touch


@transaction.atomic
def decide_triggered(*, trigger: str, moment: datetime, **params: Any) -> int:
    """What a fact made due now, not in the next round: live versions of that trigger with these parameters. Returns how many touches.

    The round would decide the same; whoever comes first does.
    """
    lock_slots()
    found, limits = Plan(as_of=moment, after_touch=_newest_touch()), gate.load()
    for version in live_versions():
        if version.trigger == trigger and params.items() <= version.params.items():
            due = triggered(version, moment=moment, last_run=None, seen=0)
            living = zones.Living.found(among=due.sql, params=due.params)
            _plan_one(version, found=found, limits=limits, due=due, living=living)
    return found.planned + found.held_out + found.skipped.total()


def lock_slots() -> None:
    """Wait for the right to give out slots; it ends with the transaction."""
    slots.lock()


def _newest_touch() -> int:
    return Touch.objects.aggregate(top=Max("pk"))["top"] or 0


def _plan_one(version: Version, *, found: Plan, limits: gate.Gate, due: Due, living: zones.Living) -> None:
    """A statement a channel of the chain, for each zone that somebody lives in."""
    otherwise = version.params.get("time_zone", "")
    for zone, whose in living.parts():
        _plan_part(version, found=found, limits=limits.at(zone or otherwise), due=due, whose=whose)


def _plan_part(version: Version, *, found: Plan, limits: gate.Gate, due: Due, whose: str) -> None:
    chain = routes.of(version)
    for route in chain:
        is_last, limits_here = route is chain[-1], limits.on(route.version.channel)
        sql, params = statement(
            route.version, moment=found.as_of, limits=limits_here, due=due, route=route.number,
            passed_on=() if is_last else routes.PASSED_ON, whose=whose,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            for state, reason, rows in cursor.fetchall():
                found.count(state, reason, rows)
        if not version.is_transactional and params["less_urgent"]:
            gone = slots.outrank(
                route.version, after=found.after_touch, moment=found.as_of, limits=limits_here, day=params["day"]
            )
            found.planned -= gone
            found.skipped += Counter({reasons.CAP: gone})


def statement(
    version: Version,
    *,
    moment: datetime,
    limits: gate.Gate,
    due: Due,
    route: int = 0,
    passed_on: Sequence[str] = (),
    whose: str = "true",
) -> tuple[str, dict[str, Any]]:
    """The one INSERT … SELECT of a version on one channel, with its parameters; it answers (state, reason, rows).

    `passed_on`: reasons that are left for the next channel of the chain to judge. `whose`: SQL of who lives by the limits' clock.
    """
    send_at = limits.send_at(moment, hour=version.send_hour)
    caps = gate.windows(limits, day=limits.day(send_at))
    is_quiet = version.is_now_or_never and limits.is_quiet_at(moment, hour=version.send_hour)
    rule = language.compiled(version.audience, moment=moment, given={"s"})
    verdict = "\n".join(
        f"when {condition} then '{reason}'" for reason, condition in _checks(version, caps=caps, is_quiet=is_quiet)
    )
    # The count lets everybody be judged before the first touch is written. A table analysed while it was empty is read whole for
    # every member: without the count it would be read as it grows, 100,000 members in a quarter of an hour instead of seconds.
    sql = f"""
        with due as materialized ({due.sql}),
        judged as materialized (
            select m.id as member_id, t.occurrence,
                   case {verdict} when {due.held} then '{_HELD}' else '' end as verdict
            from due t join members_member m on m.id = t.member_id
            cross join (select %(params)s::jsonb as params) v {gate.joins()} {rule.joins}
            where {whose} and {rule.condition} and not exists (
                select from care_touch e
                where e.policy_id = %(policy)s and e.member_id = t.member_id and e.occurrence = t.occurrence
            )
        ),
        made as (
            insert into care_touch (
                policy_id, version_id, member_id, occurrence, channel, state, reason, is_treated, decided_at,
                send_at, zone, slot_on, lease_until, fence, tries, settled_at, route, is_transactional
            )
            select %(policy)s, %(version)s, member_id, occurrence, %(channel)s,
                   case verdict when '' then 'planned' when '{_HELD}' then 'held_out' else 'skipped' end,
                   case verdict when '{_HELD}' then '' else verdict end,
                   case verdict when '' then true when '{_HELD}' then false end, %(moment)s,
                   case when verdict in ('', '{_HELD}') then {own_hours.chosen(version)} end, %(zone)s,
                   case when verdict = '' then %(day)s::date end, null, 0, 0,
                   case when verdict <> '' then %(moment)s end, %(route)s, %(is_transactional)s
            from judged
            where (select count(*) from judged) > 0 and verdict <> all(%(passed_on)s::text[])
            returning state, reason
        )
        select state, reason, count(*) from made group by state, reason
    """
    params = gate.parameters(version, gate=limits, moment=moment, send_at=send_at) | due.params | rule.params
    params |= {
        "policy": version.policy_id,
        "version": version.pk,
        "params": json.dumps(version.params),
        "send_at": send_at,
        "route": route,
        "zone": zones.noted(limits.zone.key),
        "is_transactional": version.is_transactional,
        "passed_on": list(passed_on),
    }
    return sql, params | own_hours.parameters(limits, moment=moment, send_at=send_at)


def triggered(version: Version, *, moment: datetime, last_run: datetime | None, seen: int) -> Due:
    """Who is due under the version's own trigger."""
    sql, params = triggers.due(version, moment=moment, last_run=last_run, seen=seen)
    arm = {"policy_key": version.policy.key, "policy_limit": gate.threshold_bytes(version.holdout_percent)}
    return Due(sql, params | arm, gate.held_out_sql("policy_key", "policy_limit"))


def _checks(version: Version, *, caps: Sequence[gate.Window], is_quiet: bool) -> list[tuple[str, str]]:
    """The gate, and what only a run can know: too late, the cause is gone, or overtaken by a newer one of its kind."""
    checks = [(reasons.LATE, "t.is_late"), *([(reasons.QUIET, "true")] if is_quiet else [])]
    for reason, condition in gate.refusals(version, caps=caps, causes=rechecks.of_decision(version.trigger)):
        overtaken = " or t.is_old" if reason in (reasons.STAGE_LEFT, reasons.SEGMENT_LEFT, reasons.STEP_LEFT) else ""
        checks.append((reason, condition + overtaken))
    return checks
