"""The circuit and the throttle of each channel, in the database: every worker and the console see the same.

The circuit opens when half of 20 answers of a minute are trouble, or when the adapter has stopped calling by itself; after half a
minute one message is tried. Written by the one drain of the channel at a time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.care.models import Channel, Lane
from apps.care.outcomes import Verdict
from apps.core import brand, prepared

WINDOW = timedelta(seconds=60)
ENOUGH = 20  # answers
TROUBLE = frozenset({"retry", "unknown"})
OPEN_FOR = timedelta(seconds=30)
State = Lane.Circuit
# Nearly every chunk: nothing amiss in it, nor in the minute before.
_WELL = """
    update care_lane set
        answers = case when counted_from >= %(since)s then answers else 0 end + %(told)s, failures = 0,
        counted_from = case when counted_from >= %(since)s then counted_from else %(moment)s end
    where channel = %(channel)s and circuit = 'closed' and (failures = 0 or counted_from is null or counted_from < %(since)s)
    returning 1
"""


def _check(value: Any) -> None:
    if not isinstance(value, dict) or not set(value) <= set(Channel.values):
        raise ValueError(f"messages a minute by channel: {', '.join(Channel.values)}")
    if any(type(most) is not int or not 1 <= most <= 1_000_000 for most in value.values()):
        raise ValueError("messages a minute are a whole number from 1 to 1,000,000")


brand.declare("care.throttle", default={}, check=_check)


def _check_price(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= 1000:
        raise ValueError("the price of one SMS is a whole number of 分 from 0 to 1000")


brand.declare("care.sms_price_cents", default=5, check=_check_price)


def enter(channel: str, *, moment: datetime) -> int | None:
    """How many messages may go out now: None: any number; 1 on trial while the circuit is open; 0: none."""
    lane, _is_new = Lane.objects.get_or_create(channel=channel)
    if lane.circuit != State.CLOSED:
        if lane.probe_at and moment < lane.probe_at:
            return 0
        lane.circuit, lane.probe_at = State.HALF_OPEN, moment + OPEN_FOR
        lane.save(update_fields=["circuit", "probe_at"])
        return 1
    most = brand.read("care.throttle").get(channel)
    return None if most is None else max(most - sum(n for _, n in _recent(lane, moment=moment)), 0)


def spent(channel: str, messages: int, *, moment: datetime) -> None:
    """So many went out of the minute's allowance."""
    lane = Lane.objects.get(channel=channel)
    lane.recent = [*_recent(lane, moment=moment), [moment.isoformat(), messages]]
    lane.save(update_fields=["recent"])


def note(channel: str, verdicts: Sequence[Verdict], *, moment: datetime) -> None:
    """Count a chunk's answers; open or close the circuit by them."""
    told = [v for v in verdicts if v.outcome]
    bad = [v for v in told if v.outcome in TROUBLE]
    if not told:
        return
    if not bad and prepared.row(
        _WELL, {"channel": channel, "moment": moment, "since": moment - WINDOW, "told": len(told)}
    ):
        return
    lane, _is_new = Lane.objects.get_or_create(channel=channel)
    if lane.counted_from is None or moment - lane.counted_from > WINDOW:
        lane.counted_from, lane.answers, lane.failures = moment, 0, 0
    lane.answers += len(told)
    lane.failures += len(bad)
    if bad:
        lane.trouble = bad[-1].code[:60]
    if lane.circuit == State.CLOSED:
        if lane.answers >= ENOUGH and 2 * lane.failures >= lane.answers:
            _turn(lane, State.OPEN, moment=moment)
    elif len(bad) == len(told):
        _turn(lane, State.OPEN, moment=moment)
    else:
        _turn(lane, State.CLOSED, moment=moment)
    lane.save()


def _turn(lane: Lane, circuit: str, *, moment: datetime) -> None:
    if lane.circuit == State.CLOSED or circuit == State.CLOSED:
        lane.changed_at = moment
    lane.circuit = circuit
    lane.probe_at = moment + OPEN_FOR if circuit == State.OPEN else None
    lane.counted_from = None


def _recent(lane: Lane, *, moment: datetime) -> list[list[Any]]:
    return [[at, n] for at, n in lane.recent if datetime.fromisoformat(at) > moment - WINDOW]
