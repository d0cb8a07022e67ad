"""Opening balances of a file as one grant: taken within the operator's limit of the day at once, above it when a second person agrees.

It does not matter through which door the file came. One from the shell has no operator: it waits until somebody hands it in.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, clock, jobs
from apps.core.errors import NotFound
from apps.core.models import Approval
from apps.members.models import MemberImport
from apps.points import adjusting, openings
from apps.points.models import OpeningFile
from apps.stores.models import Staff

KIND = "points.openings"
AGAIN = (Approval.State.LAPSED,)  # a question nobody answered may be asked anew; what was refused may not

_SUMS = """
select count(distinct member_id), coalesce(sum(amount) filter (where kind = 'points'), 0)::bigint,
       coalesce(sum(amount) filter (where kind = 'growth'), 0)::bigint, count(*) filter (where kind = 'tier')
from members_opening where taken_in_id = %s and taken_at is null
"""
# Of the newest files that bring anything: what is theirs, and how much of it was taken.
_FILES = """
select i.id, i.file_name, i.source, i.started_at, coalesce(u.username, ''), o.members, o.points, o.growth, o.tiers, o.taken, o.all,
       f.released_at, coalesce(a.state, '')
from members_memberimport i
join lateral (
    select count(distinct member_id) as members, coalesce(sum(amount) filter (where kind = 'points'), 0)::bigint as points,
           coalesce(sum(amount) filter (where kind = 'growth'), 0)::bigint as growth, count(*) filter (where kind = 'tier') as tiers,
           count(taken_at) as taken, count(*) as all
    from members_opening where taken_in_id = i.id and kind <> 'coupon'
) o on o.all > 0
left join points_openingfile f on f.taken_in_id = i.id left join core_approval a on a.id = f.approval_id
left join core_job j on j.id = i.job_id left join core_user u on u.id = j.created_by_id
where i.finished_at is not null order by i.id desc limit %s
"""


@dataclass(frozen=True)
class File:
    """A file with opening balances. `taken` of `values` are in the books. `answer`: the state of the question to a second person, ""
    where none was needed or asked."""

    id: int
    name: str
    source: str
    at: datetime
    by: str
    members: int
    points: int
    growth: int
    tiers: int
    taken: int
    values: int
    released_at: datetime | None
    answer: str

    @property
    def may_hand_in(self) -> bool:
        return self.released_at is None and self.answer in {"", *AGAIN} and self.taken < self.values


def files(*, limit: int = 30) -> list[File]:
    """Newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_FILES, [limit])
        return [File(*row) for row in cursor.fetchall()]


@transaction.atomic
def hand_in(*, import_id: int, user_id: int) -> OpeningFile | None:
    """Release the file, or ask a second person. None when it brings nothing. Repeatable. Raises NotFound."""
    record = MemberImport.objects.select_for_update().filter(pk=import_id, finished_at__isnull=False).first()
    if record is None:
        raise NotFound(import_id=import_id)
    known = OpeningFile.objects.select_related("approval").filter(taken_in=record).first()
    if known and (known.released_at or (known.approval and known.approval.state not in AGAIN)):
        return known
    sums = _sums(import_id)
    if not any(sums.values()):
        return None
    staff = Staff.objects.filter(user_id=user_id).first()
    if staff is not None:
        adjusting.lock(staff_id=staff.pk)
    facts: dict[str, Any] = {**sums, "handed_by_id": user_id, "handed_at": clock.now()}
    if _is_within(sums, staff):
        facts["released_at"] = facts["handed_at"]
    else:
        facts["approval"] = _ask(record, sums, user_id)
    file, _new = OpeningFile.objects.update_or_create(taken_in=record, defaults=facts)
    if file.released_at:
        _release(file)
    return file


def _sums(import_id: int) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [import_id])
        return dict(zip(("members", "points", "growth", "tiers"), cursor.fetchone(), strict=True))


def _is_within(sums: dict[str, int], staff: Staff | None) -> bool:
    """Growth weighs as points do; a file of tiers alone needs what setting them by hand needs, and no more."""
    weight = max(sums["points"], sums["growth"])
    if not weight:
        return True
    if staff is None:
        return False
    return adjusting.granted_today(staff_id=staff.pk) + weight <= adjusting.limits(staff.role)["day"]


def _ask(record: MemberImport, sums: dict[str, int], user_id: int) -> Approval:
    source = f"{KIND}:{record.pk}"
    times = Approval.objects.filter(kind=KIND, params__import_id=record.pk).count()
    return approvals.ask(
        kind=KIND,
        source=f"{source}:{times}",
        params={"import_id": record.pk, **sums},
        reason=f"{record.file_name} ({record.source})"[:200],
        user_id=user_id,
    )


def _release(file: OpeningFile) -> None:
    facts = {name: getattr(file, name) for name in ("members", "points", "growth", "tiers")}
    audit.record("points.openings_released", object_type="member_import", object_id=file.taken_in_id, after=facts)
    jobs.start_alone(kind=openings.KIND, params={}, user_id=None)


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    file = OpeningFile.objects.select_for_update().get(taken_in_id=asked.params["import_id"], approval=asked)
    file.released_at = clock.now()
    file.save(update_fields=["released_at"])
    _release(file)


approvals.register(KIND, run=_run, permission="points.approve", title=_("Opening balances of a file"))
