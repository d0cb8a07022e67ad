"""Coupons that members bring along from another system: what a file said becomes coupons of the template it names, once per source.

A file is one grant of who handed it in: within the limits of handing out by hand at once, above them by a second person (`handing`
says what the limits mean). A name is a template's key or either name; what nobody knows, or cannot be issued, goes on waiting.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, clock, jobs
from apps.core.errors import NotFound
from apps.core.models import Approval, Job, User
from apps.coupons import costs, handing, issuing, keeping
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template
from apps.members.models import MemberImport, Opening
from apps.stores import limits
from apps.stores.models import Staff

KIND = "coupons.openings"
TAKE = "coupons.take_openings"
AGAIN = (Approval.State.LAPSED,)
_FILES = """
select i.id, i.file_name, i.source, i.started_at, o.coupons, o.taken, coalesce(a.state, '')
from members_memberimport i
join lateral (
    select coalesce(sum(amount), 0)::bigint as coupons, coalesce(sum(amount) filter (where taken_at is not null), 0)::bigint as taken
    from members_opening where taken_in_id = i.id and kind = 'coupon'
) o on o.coupons > 0
left join lateral (
    select state from core_approval where kind = %s and (params ->> 'import_id')::bigint = i.id order by id desc limit 1
) a on true
where i.finished_at is not null order by i.id desc limit %s
"""
_ISSUED = """array(select 'opening:' || o.id || ':' || n from members_opening o cross join generate_series(1, o.amount) n
    where o.taken_in_id = %(import)s and o.kind = 'coupon')"""


@dataclass(frozen=True)
class File:
    """A file with coupons: `taken` of `coupons` are out. `answer`: the state of the newest question to a second person, or ""."""

    id: int
    name: str
    source: str
    at: Any
    coupons: int
    taken: int
    answer: str

    @property
    def may_hand_in(self) -> bool:
        return self.taken < self.coupons and self.answer in {"", Approval.State.APPROVED, *AGAIN}


def files(*, limit: int = 30) -> list[File]:
    """Newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_FILES, [KIND, limit])
        return [File(*row) for row in cursor.fetchall()]


@transaction.atomic
def hand_in(*, import_id: int, user_id: int) -> Approval | Job | None:
    """Begin to issue, or ask a second person; None when nothing waits. What was agreed to once goes on. Raises NotFound."""
    record = MemberImport.objects.select_for_update().filter(pk=import_id, finished_at__isnull=False).first()
    if record is None:
        raise NotFound(import_id=import_id)
    asked = Approval.objects.filter(kind=KIND, params__import_id=import_id).order_by("-pk").first()
    if asked is not None and asked.state == Approval.State.APPROVED:
        return _start(import_id, user_id)
    if asked is not None and asked.state not in AGAIN:
        return asked
    counts, cents = _worth(import_id)
    if not counts:
        return None
    staff = Staff.objects.filter(user_id=user_id).first()
    if staff is not None:
        limits.take_turn(handing.KIND, staff_id=staff.pk)
        used = _today(user_id) + handing.handed_today(staff_id=staff.pk)
        if cents is not None and used + cents <= handing.limits(staff.role)["day"]:
            facts = {"import_id": import_id, "coupons": counts, "cents": cents}
            audit.record("coupon.openings_released", object_type="member_import", object_id=import_id, after=facts)
            return _start(import_id, user_id)
    times = Approval.objects.filter(kind=KIND, params__import_id=import_id).count()
    return approvals.ask(
        kind=KIND, source=f"{KIND}:{import_id}:{times}", params={"import_id": import_id, "coupons": counts, "cents": cents},
        reason=f"{record.file_name} ({record.source})"[:200], user_id=user_id,
    )  # fmt: skip


def take(*, import_id: int, report: Callable[[int], None] = lambda taken: None) -> int:
    """Issue what the file brings. Returns how many coupons. Repeatable, also after a kill; each coupon once."""
    made, seen = 0, 0
    while (opening := _next(import_id, after=seen)) is not None:
        seen = opening.pk
        made += _taken(seen)
        report(made)
    return made


@transaction.atomic
def undo(*, import_id: int, by: User, note: str) -> int:
    """The file was wrong: recall what of its coupons nobody has used, each with a line of history. Returns how many."""
    recalled = keeping.recall_where(f"source = any({_ISSUED})", by=by, note=note, **{"import": import_id})
    facts = {"import_id": import_id, "recalled": recalled, "note": note}
    audit.record("coupon.openings_undone", object_type="member_import", object_id=import_id, after=facts)
    return recalled


def _start(import_id: int, user_id: int | None) -> Job:
    return jobs.start(kind=TAKE, params={"import_id": import_id}, user_id=user_id)


def _worth(import_id: int) -> tuple[int, int | None]:
    """How many coupons wait in the file, and how many 分 they save at most; None: nobody can say."""
    counts, cents = 0, 0
    bounded = True
    for opening in Opening.objects.filter(taken_in=import_id, kind=Opening.Kind.COUPON, taken_at=None):
        counts += opening.amount
        template = _template(opening.key)
        most = costs.most_saved(template.version.terms) if template and template.version else 0
        bounded = bounded and most is not None
        cents += opening.amount * (most or 0)
    return counts, cents if bounded else None


def _today(user_id: int) -> int:
    """分 of the files this person released alone today."""
    since = clock.day_start(clock.local_date(clock.now()))
    mine = Job.objects.filter(kind=TAKE, created_by=user_id, created_at__gte=since).values_list(
        "params__import_id", flat=True
    )
    agreed = Approval.objects.filter(kind=KIND, state=Approval.State.APPROVED).values_list(
        "params__import_id", flat=True
    )
    return sum(_saved(import_id) for import_id in {*mine} - {*agreed})


def _saved(import_id: int) -> int:
    openings = Opening.objects.filter(taken_in=import_id, kind=Opening.Kind.COUPON)
    found = ((one.amount, _template(one.key)) for one in openings)
    return sum(n * (costs.most_saved(of.version.terms) or 0) for n, of in found if of and of.version)


def _template(name: str) -> Template | None:
    """By key, else by a name; of two with one name the newer."""
    with_version = Template.objects.select_related("version").exclude(version=None)
    for field in ("key", "name", "name_en"):
        if found := with_version.filter(**{f"{field}__iexact": name}).order_by("-pk").first():
            return found
    return None


def _next(import_id: int, *, after: int) -> Opening | None:
    waiting = Opening.objects.filter(taken_in=import_id, kind=Opening.Kind.COUPON, taken_at=None, pk__gt=after)
    return waiting.order_by("pk").first()


@transaction.atomic
def _taken(opening_id: int) -> int:
    """All coupons of one opening, or none of them."""
    row = Opening.objects.select_for_update().get(pk=opening_id)
    template = _template(row.key)
    if row.taken_at is not None or template is None:
        return 0
    try:
        with transaction.atomic():
            made = sum(one.is_new for one in _issue(row, template.pk))
    except CouponRefused:
        return 0
    row.taken_at = clock.now()
    row.save(update_fields=["taken_at"])
    return made


def _issue(row: Opening, template_id: int) -> Iterator[issuing.Issued]:
    for number in range(1, row.amount + 1):
        yield issuing.issue(
            member_id=row.member_id, template_id=template_id, source=f"opening:{row.pk}:{number}",
            channel=issuing.Channel.MOVED, origin=row.source,
        )  # fmt: skip


@jobs.runner(TAKE)
def _job(job: Job) -> dict[str, Any]:
    return {"coupons": take(import_id=job.params["import_id"], report=lambda made: jobs.report(job, done=made))}


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    _start(asked.params["import_id"], None)


approvals.register(KIND, run=_run, permission="coupons.hand_out_agree", title=_("Coupons that a file brings"))
