"""Who would get what today: a real run whose transaction is rolled back, read before it vanishes."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.analytics.lists import select
from apps.care import services as care
from apps.care.journeys.rehearsing import Decision
from apps.care.models import Policy
from apps.care.planning import Plan
from apps.console import journey_runs
from apps.core import clock

SHOWN = 100

_ROWS = """
select t.member_id, m.member_no, m.nickname, '' as node, t.state as outcome, t.channel, t.decided_at as at, t.send_at, t.id as touch_id
from care_touch t join members_member m on m.id = t.member_id
where t.id > %s and t.state = 'planned' order by t.send_at, t.id limit %s
"""


@dataclass
class Rehearsal:
    """Counts of all decisions, and the first rows with the text each member would read."""

    at: datetime
    planned: int = 0
    held_out: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def skips(self) -> list[tuple[str, int]]:
        return self.skipped.most_common()

    @property
    def skipped_total(self) -> int:
        return self.skipped.total()


def rehearse(*, policy: Policy) -> Rehearsal:
    """The draft as it stands, as of now. Nothing is written, nothing sent. Raises ValidationFailed for an unfinished draft."""
    moment = clock.now()
    seen = Rehearsal(at=moment)

    def watch(plan: Plan) -> None:
        first = [Decision(**row) for row in select.rows(_ROWS, [plan.after_touch, SHOWN])]
        seen.rows = journey_runs.with_texts(first, moment=moment)

    found = care.rehearse(moment=moment, draft_of=policy.pk, watch=watch)
    seen.planned, seen.held_out, seen.skipped = found.planned, found.held_out, found.skipped
    return seen
