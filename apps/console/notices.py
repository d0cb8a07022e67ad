"""What one person of the staff should know of: approvals, decisions on their questions, figures that went wrong, finished work, the
day before. Gathered from where each stands, so nothing is kept twice and a right that ends takes its notices with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.analytics.day import board as boards
from apps.analytics.day import words as figure_words
from apps.analytics.models import NoticeBox
from apps.analytics.notices import posting, rules, telling, watching
from apps.console import words
from apps.console.views import approvals
from apps.core import alerts, clock
from apps.core.models import Approval, Job
from apps.stores.models import Store

BACK = timedelta(days=14)
EACH = 30  # of one kind, the newest
DIGEST_AT = timedelta(hours=8, minutes=30)  # of the shop day, when the mail goes out too


@dataclass(frozen=True, kw_only=True)
class Notice:
    """`tone`: "" or a badge's; `kind` in the reader's words."""

    at: datetime
    kind: str
    title: str
    detail: str = ""
    href: str = ""
    tone: str = ""


def box(request: HttpRequest) -> NoticeBox:
    user_id = request.access.user_id  # type: ignore[attr-defined]
    return NoticeBox.objects.filter(user_id=user_id).first() or NoticeBox(user_id=user_id)


def gather(request: HttpRequest) -> list[Notice]:
    """Newest first."""
    moment = clock.now()
    found = [*_approvals(request), *_decided(request, moment), *_jobs(request, moment), *_breaches(request, moment)]
    found += [*_stale(request), *_digest(request, moment)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def unread(request: HttpRequest) -> int:
    upto = box(request).read_upto
    return sum(upto is None or one.at > upto for one in gather(request))


def _approvals(request: HttpRequest) -> list[Notice]:
    if not request.access.can("approvals.view"):  # type: ignore[attr-defined]
        return []
    waiting, _count = approvals.waiting(request, limit=EACH)
    return [
        Notice(
            at=row.asked.asked_at, kind=_("Approval"), title=row.title, tone="warn", href=reverse("console:approvals"),
            detail=" · ".join(part for part in (row.asked.asked_by.staff.name, row.change.rule, row.asked.reason) if part),
        )
        for row in waiting
    ]  # fmt: skip


def _decided(request: HttpRequest, moment: datetime) -> list[Notice]:
    mine = Approval.objects.filter(asked_by_id=request.user.pk, decided_at__gte=moment - BACK).order_by("-pk")[:EACH]
    href = reverse("console:approvals") if request.access.can("approvals.view") else ""  # type: ignore[attr-defined]
    return [
        Notice(
            at=row.decided_at or moment, kind=_("Your question"), title=str(row.get_state_display()), detail=row.note or row.reason,
            href=href, tone="ok" if row.state == Approval.State.APPROVED else "bad",
        )
        for row in mine
    ]  # fmt: skip


def _jobs(request: HttpRequest, moment: datetime) -> list[Notice]:
    ended = Q(state__in=[Job.State.DONE, Job.State.FAILED, Job.State.STOPPED], finished_at__gte=moment - BACK)
    rows = Job.objects.filter(ended, created_by_id=request.user.pk).order_by("-pk")[:EACH]
    href = reverse("console:jobs") if request.access.can("jobs.view") else ""  # type: ignore[attr-defined]
    return [
        Notice(
            at=row.finished_at or moment, kind=_("Finished work"), title=words.job(row), href=href,
            tone="ok" if row.state == Job.State.DONE else "bad",
            detail=_("%(state)s, %(done)s done, %(bad)s not") % {
                "state": row.get_state_display(), "done": figure_words.number(row.done - row.bad), "bad": figure_words.number(row.bad)
            },
        )
        for row in rows
    ]  # fmt: skip


def _breaches(request: HttpRequest, moment: datetime) -> list[Notice]:
    access = request.access  # type: ignore[attr-defined]
    if not access.can("alerts.view"):
        return []
    rows = rules.breaches(access.store_ids("alerts.view"), since=moment - BACK, limit=EACH)
    stores = dict(Store.objects.filter(pk__in={row.store_id for row in rows}).values_list("pk", "name")) if rows else {}
    found = []
    for row in rows:
        if row.is_muted:
            continue
        query = f"?day={row.on}" + (f"&store={row.store_id}" if row.store_id else "")
        href = reverse("console:today_rows", args=[row.rule.figure]) + query
        said = telling.sentence(row, stores=stores)
        found.append(Notice(at=row.began_at, kind=_("Alert"), title=said, href=href, tone="bad"))
        if row.recovered_at:
            said = telling.over(row, stores=stores)
            found.append(Notice(at=row.recovered_at, kind=_("Alert"), title=said, href=href, tone="ok"))
    return found


def _stale(request: HttpRequest) -> list[Notice]:
    if not request.access.can("jobs.view"):  # type: ignore[attr-defined]
        return []
    return [
        Notice(
            at=row.at, kind=_("Alert"), title=_("The figures of the day were not counted for half an hour"),
            href=reverse("console:jobs"), tone="bad",
        )
        for row in alerts.unseen(watching.STALE)[:3]
    ]  # fmt: skip


def _digest(request: HttpRequest, moment: datetime) -> list[Notice]:
    """Yesterday, each morning: the sentence of that day's page."""
    access = request.access  # type: ignore[attr-defined]
    today = clock.local_date(moment)
    at = clock.day_start(today) + DIGEST_AT
    if not access.can(posting.PERMISSION) or moment < at:
        return []
    yesterday = today - timedelta(days=1)
    told = boards.board(on=yesterday, store_ids=access.store_ids(posting.PERMISSION))
    sales = told.figures.get("sales.paid_cents")
    if sales is None:
        return []
    when = words.day(yesterday - boards.WEEK)
    said = figure_words.finding("sales.paid_cents", sales.value, sales.before, when=when)
    joined, orders = told.figures["members.joined"], told.figures["orders.paid"]
    detail = _("%(orders)s orders, %(joined)s members joined") % {
        "orders": figure_words.number(orders.value), "joined": figure_words.number(joined.value),
    }  # fmt: skip
    return [
        Notice(
            at=at, kind=_("Yesterday"), title=said, detail=detail, href=f"{reverse('console:today')}?day={yesterday}"
        )
    ]
