"""How good the members' records are: counts that open their rows, and pairs that may be one person."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.analytics import quality
from apps.analytics.lists import doubts as listed
from apps.console import asked, charts, navigation, quality_words, scope, words
from apps.core import ids, jobs, runs
from apps.core.errors import NotFound
from apps.members import duplicates, selectors
from apps.members.models import MemberImport
from apps.orders.models import ImportRun

DOUBT = "dbt"
VIEW, DECIDE, COUNT = "members.quality", "members.merge", "members.count"
WHY = {
    "unionid": gettext_lazy("one WeChat person on two records"),
    "phone": gettext_lazy("one phone, proven from two records"),
    "same_openid": gettext_lazy("the same WeChat id"),
    "name_birthday": gettext_lazy("the same name and birthday"),
    "phone_tail_name": gettext_lazy("the same name and last four digits"),
    "card_number": gettext_lazy("the same digits in the member number"),
    "name_store": gettext_lazy("the same name in the same store"),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission=VIEW)
    counted = quality.counted(store_ids=where.ids)
    facts: dict[str, Any] = {
        "counted": counted,
        "stores": where.options,
        "chosen": where.chosen,
        "at_work": _at_work(request, quality.KIND),
        "may_count": navigation.allowed(request, permission=COUNT),
    }
    if counted:
        facts["kinds"] = [
            (
                title,
                [
                    _row(request, name, counted, where.chosen)
                    for name in quality.CHECKS
                    if quality.CHECKS[name].kind == kind
                ],
            )
            for kind, title in quality_words.KINDS.items()
        ]
        facts["trend"] = _trend(counted)
    facts["pairs"] = listed.count(stores=where.ids) if navigation.allowed(request, permission=DECIDE) else None
    facts["rejects"] = _rejects() if request.access.can("imports.run") else []  # type: ignore[attr-defined]
    return render(request, "console/quality.html", facts)


@require_POST
def measure(request: HttpRequest) -> HttpResponse:
    """Count anew, by job; the page of the job leads back here."""
    return _by_job(request, quality.KIND)


@require_safe
def pairs(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission=DECIDE)
    page = listed.find(stores=where.ids, cursor=request.GET.get("at", ""))
    phones = selectors.masked_phones([row[side] for row in page.rows for side in ("a_id", "b_id")])
    facts = {
        "pairs": [_pair(row, phones) for row in page.rows],
        "total": listed.count(stores=where.ids),
        "stores": where.options,
        "searched_at": runs.last(duplicates.KIND),
        "at_work": _at_work(request, duplicates.KIND),
        "may_count": navigation.allowed(request, permission=COUNT),
        **asked.pager(request, page),
    }
    return render(request, "console/duplicates.html", facts)


@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Look through all members anew, by job."""
    return _by_job(request, duplicates.KIND)


@require_POST
def apart(request: HttpRequest, doubt: str) -> HttpResponse:
    key = ids.decode(DOUBT, doubt)
    if listed.one(doubt_id=key, stores=request.access.store_ids(DECIDE)) is None:  # type: ignore[attr-defined]
        raise NotFound
    duplicates.apart(doubt_id=key)
    messages.success(request, _("Remembered: two people. They are not shown again"))
    return redirect("console:duplicates")


def _by_job(request: HttpRequest, kind: str) -> HttpResponse:
    job = jobs.start_alone(kind=kind, params={}, user_id=request.user.pk)
    return redirect("console:work", jobs.public_id(job))


def _at_work(request: HttpRequest, kind: str) -> str:
    """The page of the job that runs now, for those who may start one."""
    job = jobs.live(kind) if navigation.allowed(request, permission=COUNT) else None
    return reverse("console:work", args=[jobs.public_id(job)]) if job else ""


def _row(request: HttpRequest, name: str, counted: quality.Counted, store_id: int | None) -> dict[str, Any]:
    mend = quality_words.MENDS[name]
    href = navigation.address(mend.url_name) if navigation.allowed(request, permission=mend.permission) else ""
    figures = [value for _day, value in counted.trend[name]]
    before = figures[-8] if len(figures) > 7 else None
    store = f"&store={store_id}" if store_id else ""
    return {
        "title": quality_words.TITLES[name],
        "count": counted.figures[name],
        "share": 100 * counted.figures[name] / counted.members if counted.members else 0.0,
        "change": None if before is None else counted.figures[name] - before,
        "line": charts.Sparkline(label=str(quality_words.TITLES[name]), values=tuple(figures)),
        "href": f"{reverse('console:members')}?check={name}{store}",
        "mend": mend.text if href else "",
        "mend_url": href,
    }


def _trend(counted: quality.Counted) -> charts.Line:
    """Findings of all checks together, day by day: the table twin has the same numbers."""
    days = sorted({day for line in counted.trend.values() for day, _value in line})
    by_day = {day: sum(dict(line).get(day, 0) for line in counted.trend.values()) for day in days}
    last, first = by_day[days[-1]], by_day[days[0]]
    if len(days) < 2 or first == last:
        title = _("%(count)s findings in all") % {"count": f"{last:,}"}
    else:
        said = {"change": f"{abs(last - first):,}", "day": words.day(days[0])}
        fell = last < first
        title = (
            _("%(change)s fewer findings than on %(day)s") if fell else _("%(change)s more findings than on %(day)s")
        ) % said
    points = tuple(
        charts.Point(label=date_format(day, "MONTH_DAY_FORMAT"), value=value) for day, value in by_day.items()
    )
    return charts.Line(
        key="quality", title=title, unit=_("findings"), points=points, size="l", from_zero=True, as_of=counted.as_of,
        empty_title=_("Nothing to mend"), empty_text=_("Every check came out at zero."),
    )  # fmt: skip


def _rejects() -> list[dict[str, Any]]:
    """The last files with rejected rows."""
    orders = ImportRun.objects.filter(rejected__gt=0, job__isnull=False).select_related("job").order_by("-id")[:5]
    members = MemberImport.objects.filter(rejected__gt=0, job__isnull=False).select_related("job").order_by("-id")[:5]
    rows: list[tuple[Any, str]] = [(row, "console:import") for row in orders] + [
        (row, "console:work") for row in members
    ]
    return [
        {
            "name": row.file_name,
            "at": row.started_at,
            "count": row.rejected,
            "url": reverse(url, args=[jobs.public_id(row.job)]),
        }
        for row, url in sorted(rows, key=lambda one: one[0].started_at, reverse=True)[:5]
    ]


def _pair(row: dict[str, Any], phones: dict[int, str]) -> dict[str, Any]:
    def side(name: str) -> dict[str, Any]:
        found = {key.removeprefix(f"{name}_"): value for key, value in row.items() if key.startswith(f"{name}_")}
        return found | {"phone": phones.get(found["id"], ""), "away": words.since(found["last"])}

    a, b = side("a"), side("b")
    return {
        "public": ids.encode(DOUBT, row["id"]),
        "score": row["score"],
        "why": [str(WHY[reason]) for reason in row["reasons"] if reason in WHY]
        or [_("one WeChat person on two records")],
        "sides": (a, b),
        "same_birthday": bool(a["month"]) and (a["month"], a["day"]) == (b["month"], b["day"]),
        "same_name": bool(a["nickname"]) and a["nickname"].lower() == b["nickname"].lower(),
    }
