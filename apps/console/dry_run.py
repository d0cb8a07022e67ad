"""Who would get what today: a real run whose transaction is rolled back, read before it vanishes."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.analytics.lists import select
from apps.care import services as care
from apps.care import templates
from apps.care.models import Policy, Touch
from apps.care.planning import Plan
from apps.core import clock

SHOWN = 100

_ROWS = """
select t.member_id, m.member_no, m.nickname, t.state, t.reason, t.send_at, t.channel, v.template, v.missing
from care_touch t join members_member m on m.id = t.member_id join care_version v on v.id = t.version_id
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
        seen.rows = _with_texts(select.rows(_ROWS, [plan.after_touch, SHOWN]), moment=moment)

    found = care.rehearse(moment=moment, draft_of=policy.pk, watch=watch)
    seen.planned, seen.held_out, seen.skipped = found.planned, found.held_out, found.skipped
    return seen


def _with_texts(rows: list[dict[str, Any]], *, moment: datetime) -> list[dict[str, Any]]:
    if not rows:
        return []
    template = rows[0]["template"]
    names = templates.variables(template)
    values = templates.values_of([row["member_id"] for row in rows], names=names, moment=moment)
    missing = select.json_value(rows[0]["missing"])
    for row in rows:
        told = templates.render(template, values=values.get(row["member_id"], {}), missing=missing)
        row["text"] = templates.composed(told.text, channel=row["channel"])
        row["has_fallback"] = any(origin == "default" for _value, origin in told.values.values())
        row["state"] = Touch.State.PLANNED
    return rows
