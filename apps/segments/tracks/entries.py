"""Who entered a step of a track: for journeys and whatever else begins with it."""

from datetime import datetime
from typing import Any

# (member_id, occurrence, at, is_current) of every entry in (from, to] by being placed or by time; corrections, changes of the steps and
# second entries of the same step never count. `occurrence` is a pure function of the placement: a step is entered once by each.
# An entry is recorded by the run of the next minute, after its moment: look back an hour and let the occurrence tell what is known,
# or give `seen`, the newest id of `segments_trackmove` that was looked at, and what was recorded since comes as well.
ENTERED = """
select p.member_id, 'track:' || p.id || ':' || c.after as occurrence, c.at, p.step = c.after as is_current
from segments_trackmove c join segments_placement p on p.id = c.placement_id join members_member m on m.id = p.member_id
where c.track_id = (select t.id from segments_track t where t.key = %(track)s) and c.after = %(step)s
  and c.cause in ('placed', 'time') and c.at <= %(to)s and (c.at > %(from)s or c.id > %(seen)s)
  and p.left_at is null and m.status = 'active'
"""


def entered(
    *, track: str, step: str, start: datetime, end: datetime, seen: int | None = None
) -> tuple[str, dict[str, Any]]:
    """The SELECT and its parameters: who entered the step in (start, end], with columns member_id, occurrence, at, is_current.

    `is_current`: they stand on it still. Whoever left the track since, and members who are not active, are not in it.
    """
    return ENTERED, {"track": track, "step": step, "from": start, "to": end, "seen": 2**62 if seen is None else seen}
