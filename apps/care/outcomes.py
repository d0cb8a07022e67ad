"""From a provider's answer to the state of a touch, and its record: one statement for a whole chunk.

A write counts only while the touch still carries the fence of the claim; a late worker changes nothing.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from apps.care import reasons, replies, routes
from apps.care.gate import Gate
from apps.care.models import Channel, Touch
from apps.core import prepared
from apps.gateways.messages import Outcome

MOST_TRIES = 6
MOST_UNSEEN = (
    24  # when the provider never got it: workers died or requests were lost, the message itself is not at fault
)
ALONE_FROM = 2  # deaths of workers with it in hand: from then on it is sent alone
MOST_DEATHS = 5  # in a chunk of 500, in one of 50, three times alone: it is set aside
# Seconds before the next try; half to all of it, so that a recovered provider is not met by everything at once.
PATIENCE = (30, 120, 600, 1800, 3600)
ASK_AFTER = timedelta(seconds=60)  # a provider is asked about an unknown message no sooner
UNREGISTERED = frozenset({"TEMPLATE_UNAPPROVED", "SIGNATURE_UNAPPROVED"})
_NIGHT = Gate(day_cap=1, week_cap=1, quiet=(22, 8), global_holdout_percent=0)
_jitter = random.Random()  # noqa: S311 - spreads load, protects nothing


class Claim(NamedTuple):
    """A touch in the hands of this worker."""

    touch_id: int
    member_id: int
    version_id: int
    fence: int
    tries: int

    @property
    def key(self) -> str:
        """The message's name at the provider, the same on every try."""
        return f"touch:{self.touch_id}"


@dataclass(slots=True)
class Verdict:
    """What becomes of a claimed touch. `outcome` "" means that nothing was tried: no attempt, and the try is given back."""

    claim: Claim
    state: str
    reason: str = ""
    send_at: datetime | None = None
    lease_until: datetime | None = None
    outcome: str = ""
    code: str = ""
    provider_id: str = ""
    text: str = ""
    units: int = 0  # messages that the carrier bills
    onward: str = ""  # the channel on which it goes on
    deaths: int = 0  # of workers, as far as they are told anew; 0: as they were


def judge(claim: Claim, outcome: Outcome, *, channel: str, moment: datetime, text: str = "") -> Verdict:
    """The provider's answer to one try. What ends here may go on elsewhere, see `pass_on`."""
    state, code, provider_id = outcome.state, outcome.code[:60], outcome.provider_id or ""
    if state == "accepted":  # nearly all of them
        settled = "delivered" if channel == Channel.INBOX else "sent"
        return Verdict(claim, settled, "", None, None, state, code, provider_id, text)
    verdict = Verdict(claim, "", outcome=state, code=code, provider_id=provider_id, text=text)
    if state == "unknown":
        verdict.state, verdict.lease_until = Touch.State.UNKNOWN, moment + ASK_AFTER
    elif outcome.state == "retry" or outcome.code in UNREGISTERED:
        _try_again(verdict, after=max(outcome.retry_after or 0.0, _patience(claim.tries)), moment=moment)
    elif outcome.code == "NIGHT_BLOCKED":  # its night, though not ours
        wait = max(moment + timedelta(minutes=10), _NIGHT.next_allowed(moment)) - moment
        _try_again(verdict, after=wait.total_seconds(), moment=moment)
    else:
        verdict.state, verdict.reason = Touch.State.FAILED, outcome.code[:30]
    return verdict


def pass_on(verdict: Verdict, *, onward: str, moment: datetime) -> Verdict:
    """One that failed for certain on this channel waits on the next of its chain, if there is one. The try is kept in its history."""
    if onward and verdict.state == Touch.State.FAILED and verdict.reason in routes.REFUSED_HERE:
        verdict.state, verdict.reason, verdict.send_at, verdict.onward = Touch.State.PLANNED, "", moment, onward
    return verdict


def never_seen(claim: Claim, *, moment: datetime, deaths: int = 0) -> Verdict:
    """The provider says for certain that it never got the message: it may go out, under the same key.

    `deaths`: how many workers ended with it in hand. One that does so again and again is set aside.
    """
    verdict = Verdict(claim, "", outcome="absent", deaths=deaths)
    if deaths >= MOST_DEATHS:
        verdict.state, verdict.reason = Touch.State.FAILED, reasons.CRASHED
    else:
        _try_again(verdict, after=0.0, moment=moment, most=MOST_UNSEEN)
    return verdict


def put_back(claim: Claim, *, after: float, moment: datetime) -> Verdict:
    """Nothing was tried; it waits as before."""
    return Verdict(claim, Touch.State.PLANNED, send_at=moment + timedelta(seconds=after))


def skip(claim: Claim, reason: str) -> Verdict:
    return Verdict(claim, Touch.State.SKIPPED, reason=reason)


def _try_again(verdict: Verdict, *, after: float, moment: datetime, most: int = MOST_TRIES) -> None:
    if verdict.claim.tries % most == 0:  # one that people sent again has as many tries once more
        verdict.state, verdict.reason = Touch.State.FAILED, reasons.GAVE_UP
    else:
        verdict.state, verdict.send_at = Touch.State.PLANNED, moment + timedelta(seconds=after)


def _patience(tries: int) -> float:
    longest = PATIENCE[min(tries, len(PATIENCE)) - 1]
    return _jitter.uniform(longest / 2, longest)


# `heard`: a carrier may have told its part before ours is written. `quick`: a receipt does not wait for the disk. One that a
# crash of the database loses leaves its touch in `sending`, as a killed worker does, and the provider is asked. The coalesce keeps
# the state from the planner: its statistics, older than the claim, say that nothing is being sent.
def _record(on_conflict: str = "") -> str:
    return f"""
    with told as materialized (
        select * from unnest(
            %(id)s::bigint[], %(fence)s::int[], %(number)s::int[], %(state)s::text[], %(reason)s::text[],
            %(send_at)s::timestamptz[], %(lease_until)s::timestamptz[],
            %(outcome)s::text[], %(code)s::text[], %(provider_id)s::text[], %(text)s::text[], %(units)s::int[], %(onward)s::text[],
            %(deaths)s::int[]
        ) as u(id, fence, number, state, reason, send_at, lease_until, outcome, code, provider_id, text, units, onward, deaths)
    ),
    quick as materialized (select set_config('synchronous_commit', 'off', true)),
    heard as (
        select told.*, coalesce(r.state, told.state) as stands, coalesce(r.code, told.reason) as why
        from told left join lateral (
            select state, code from care_receipt
            where touch_id = told.id and state in ('delivered', 'failed') and told.state in ('sent', 'unknown')
              and (select exists (select from care_receipt where touch_id = any(%(id)s::bigint[])))  -- once: few carriers are so quick
            order by id desc limit 1
        ) r on true
    ),
    done as (
        update care_touch t set
            state = told.stands, reason = told.why, send_at = coalesce(told.send_at, t.send_at),
            lease_until = told.lease_until, tries = case when told.outcome = '' then t.tries - 1 else t.tries end,
            settled_at = case when told.stands in ('sent', 'delivered', 'failed', 'skipped')
                                or told.stands = 'unknown' and told.lease_until is null then %(moment)s::timestamptz end,
            slot_on = case when told.stands not in ('failed', 'skipped') and told.onward = '' then t.slot_on end,
            channel = case when told.onward = '' then t.channel else told.onward end,
            route = t.route + (told.onward <> '')::int, deaths = greatest(t.deaths, told.deaths)
        from heard told where t.id = told.id and t.fence = told.fence and coalesce(t.state in ('sending', 'unknown'), false)
        returning told.*
    ),
    tried as (
        insert into care_attempt (touch_id, number, key, state, code, provider_id, text, at, units, cost_cents)
        select id, number, 'touch:' || id, outcome, code, provider_id, text, %(moment)s, units,
            case when outcome in ('accepted', 'unknown') then units * %(price)s else 0 end
        from done where outcome <> ''
        {on_conflict}
    )
    select stands, count(*), array_agg(id) filter (where why = 'BLACKLIST') from done, quick group by stands
"""


# A claim counts a new try, so its receipt is the first of it; only one that is asked about has a line already, perhaps.
_RECORD = _record()
_CORRECT = _record(
    "on conflict (touch_id, number) do update set"
    " state = excluded.state, code = excluded.code, provider_id = excluded.provider_id"
)


def record(
    verdicts: Sequence[Verdict], *, moment: datetime, may_be_told: bool = False, price_cents: int = 0
) -> Counter[str]:
    """Write what became of a chunk; returns how many reached which state. Opt-outs also withdraw the consent.

    `may_be_told`: this try may have its line already, which is then corrected. `price_cents`: 分 for one that the carrier bills.
    """
    if not verdicts:
        return Counter()
    done = prepared.rows(
        _CORRECT if may_be_told else _RECORD, _told(verdicts) | {"moment": moment, "price": price_cents}
    )
    opted_out = {touch_id for _, _, touch_ids in done for touch_id in touch_ids or ()}
    for verdict in verdicts if opted_out else ():
        if verdict.claim.touch_id in opted_out:
            replies.withdraw_sms(verdict.claim.member_id)
    return Counter({state: count for state, count, _ in done})


def _told(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The columns of `told` as array literals: read four times as fast as JSON, written three times as fast as lists."""
    v = verdicts
    return {
        "id": _numbers([x.claim.touch_id for x in v]),
        "fence": _numbers([x.claim.fence for x in v]),
        "number": _numbers([x.claim.tries for x in v]),
        "state": _words([x.state for x in v]),
        "reason": _words([x.reason for x in v]),
        "send_at": _moments([x.send_at for x in v]),
        "lease_until": _moments([x.lease_until for x in v]),
        "outcome": _words([x.outcome for x in v]),
        "code": _words([x.code for x in v]),
        "provider_id": _words([x.provider_id for x in v]),
        "text": _words([x.text for x in v]),
        "units": _numbers([x.units for x in v]),
        "onward": _words([x.onward for x in v]),
        "deaths": _numbers([x.deaths for x in v]),
    }


def _numbers(values: Iterable[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _moments(values: Iterable[datetime | None]) -> str:
    return "{" + ",".join([f'"{at.isoformat()}"' if at else "NULL" for at in values]) + "}"


def _words(values: Sequence[str]) -> str:
    whole = "".join(values)
    if '"' in whole or "\\" in whole:
        values = [x.replace("\\", "\\\\").replace('"', '\\"') for x in values]
    return '{"' + '","'.join(values) + '"}'
