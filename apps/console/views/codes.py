"""Tracked codes: list, make, one code with its figures and picture, stop."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.activity import codes, qr
from apps.activity.errors import CodeTaken
from apps.activity.models import Code
from apps.analytics.lists import codes as listed
from apps.console import asked, charts, scope, words
from apps.console.charts import svg
from apps.console.code_form import CodeForm
from apps.core import clock, csv_files, money
from apps.core.errors import NotFound

STATES = ("on", "off")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    wanted, where = _wanted(request)
    page = listed.find(wanted=wanted, cursor=request.GET.get("at", ""))
    states = [("", _("All")), ("on", _("In use")), ("off", _("Stopped"))]
    campaigns = sorted({*listed.campaigns(), *filter(None, [wanted.campaign])})
    return render(
        request,
        "console/codes.html",
        {
            "rows": page.rows,
            "wanted": wanted,
            "stores": where.options,
            "states": [(value, text, value == wanted.state) for value, text in states],
            "channels": _options(Code.Channel.choices, wanted.channel),
            "campaigns": _options([(word, word) for word in campaigns], wanted.campaign),
            "csv_url": reverse("console:codes_csv") + (f"?{request.GET.urlencode()}" if request.GET else ""),
            "may_edit": request.access.can("codes.edit"),  # type: ignore[attr-defined]
            **asked.pager(request, page),
        },
    )


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    wanted, _where = _wanted(request)
    labels = dict(Code.Channel.choices)
    headers = (
        _("Short code"), _("Name"), _("Link"), _("Where it stands"), _("Campaign"), _("Poster or place"), _("Store"),
        _("Staff"), _("Leads to"), _("Made at"), _("Stopped at"), _("Scans"), _("People"), _("Robots"),
        _("Registrations"), _("Buyers"), _("Orders"), _("Net spent"),
    )  # fmt: skip
    rows = (
        (
            row["slug"], row["name"], _link(request, row["slug"]), labels.get(row["channel"], row["channel"]),
            row["campaign"], row["poster"], row["store"], row["staff"], row["target"], _time(row["created_at"]),
            _time(row["stopped_at"]), row["scans"], row["people"], row["bots"], row["registrations"], row["buyers"],
            row["orders"], money.yuan(row["net_cents"]),
        )
        for row in listed.whole(wanted=wanted)
    )  # fmt: skip
    return csv_files.response(name="codes.csv", headers=headers, rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    stores = request.access.store_ids("codes.edit")  # type: ignore[attr-defined]
    form = CodeForm(request.POST or None, stores=stores)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = codes.create(
                name=given["name"],
                target=given["target"],
                channel=given["channel"],
                campaign=given["campaign"],
                poster=given["poster"],
                store_id=given["store"].pk if given["store"] else None,
                staff_id=given["staff"].pk if given["staff"] else None,
                slug=given["slug"],
                user_id=request.user.pk,
            )
        except CodeTaken as refusal:
            form.add_error("slug", str(refusal))
        else:
            messages.success(request, _("“%(name)s” is ready to print.") % {"name": made.name})
            return redirect("console:code", made.slug)
    facts = {"form": form, "campaigns": listed.campaigns()}
    return render(request, "console/code_new.html", facts, status=422 if form.errors else 200)


@require_safe
def code(request: HttpRequest, code: str) -> HttpResponse:
    row = _found(request, code, permission="codes.view")
    link = _link(request, row["slug"])
    moment = clock.now()
    return render(
        request,
        "console/code.html",
        {
            "row": row,
            "link": link,
            "picture": qr.svg(link),
            "chart": _chart(row, moment=moment),
            "channel": dict(Code.Channel.choices).get(row["channel"], row["channel"]),
            "as_of": moment,
            "may_edit": _may_edit(request, row),
        },
    )


@require_safe
def picture(request: HttpRequest, code: str) -> HttpResponse:
    """The QR code as a file for the printer."""
    row = _found(request, code, permission="codes.view")
    answer = HttpResponse(qr.svg(_link(request, row["slug"])), content_type="image/svg+xml")
    answer["Content-Disposition"] = f'attachment; filename="code-{row["slug"]}.svg"'
    return answer


@require_POST
def stop(request: HttpRequest, code: str) -> HttpResponse:
    row = _found(request, code, permission="codes.edit")
    codes.stop(code_id=row["id"])
    messages.success(request, _("Stopped “%(name)s”. Its figures stay.") % {"name": row["name"]})
    return redirect("console:code", row["slug"])


@require_POST
def resume(request: HttpRequest, code: str) -> HttpResponse:
    row = _found(request, code, permission="codes.edit")
    codes.resume(code_id=row["id"])
    messages.success(request, _("“%(name)s” is in use again.") % {"name": row["name"]})
    return redirect("console:code", row["slug"])


def _wanted(request: HttpRequest) -> tuple[listed.Wanted, scope.Scope]:
    where = scope.of(request, permission="codes.view")
    return (
        listed.Wanted(
            stores=request.access.store_ids("codes.view"),  # type: ignore[attr-defined]
            store_id=where.chosen,
            state=asked.one_of(request, name="state", allowed=STATES),
            channel=asked.one_of(request, name="channel", allowed=Code.Channel.values),
            campaign=request.GET.get("campaign", "")[:60].replace("\0", ""),
        ),
        where,
    )


def _found(request: HttpRequest, slug: str, *, permission: str) -> dict[str, Any]:
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    row = listed.one(slug=slug.replace("\0", ""), stores=stores)
    if row is None:
        raise NotFound
    return row


def _may_edit(request: HttpRequest, row: dict[str, Any]) -> bool:
    if not request.access.can("codes.edit"):  # type: ignore[attr-defined]
        return False
    stores = request.access.store_ids("codes.edit")  # type: ignore[attr-defined]
    return stores is None or row["store_id"] in stores


def _link(request: HttpRequest, slug: str) -> str:
    return codes.link(slug, base=request.build_absolute_uri("/"))


def _chart(row: dict[str, Any], *, moment: Any) -> charts.DayBars:
    days = listed.days(code_id=row["id"], moment=moment)
    total = sum(day.scans for day in days)
    title = ngettext("%(count)s scan in the last 30 days", "%(count)s scans in the last 30 days", total)
    return charts.DayBars(
        key="scans",
        title=title % {"count": svg.number(total)},
        subtitle=_("Openings by people. Robots and double taps are left out."),
        unit=_("scans"),
        colour="brand",
        size="l",
        as_of=moment,
        days=tuple(
            charts.Day(label=words.day(day.on), value=day.scans, partial=place == len(days) - 1)
            for place, day in enumerate(days)
        ),
        partial_label=_("Today, not over yet"),
        empty_title=_("Nobody has opened it yet"),
        empty_text=_("Print it, or send the link. The first scan shows here at once."),
    )


def _options(choices: Any, chosen: str) -> list[tuple[str, str, bool]]:
    return [("", _("All"), not chosen), *((str(value), str(text), value == chosen) for value, text in choices)]


def _time(moment: Any) -> str:
    return f"{clock.local(moment):%Y-%m-%d %H:%M:%S}" if moment else ""
