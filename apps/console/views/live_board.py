"""A stream while it is on, and after it: the board, its figures for who has no socket, the platform's files and totals."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.activity import codes, qr
from apps.analytics import live_board
from apps.console import live_files
from apps.console.views import live
from apps.core import clock
from apps.core.errors import NotFound
from apps.livestream import sales, watching
from apps.livestream.models import Sale, Stream, Tally


class TotalsForm(forms.Form):
    viewers = forms.IntegerField(label=gettext_lazy("Viewers"), min_value=0, max_value=10**9)
    peak = forms.IntegerField(label=gettext_lazy("At one moment, at most"), min_value=0, max_value=10**9)
    comments = forms.IntegerField(label=gettext_lazy("Comments"), min_value=0, max_value=10**9)
    speakers = forms.IntegerField(label=gettext_lazy("On the microphone"), min_value=0, max_value=10**9)
    followers = forms.IntegerField(label=gettext_lazy("New followers"), min_value=0, max_value=10**9)


@require_safe
def board(request: HttpRequest, stream: str) -> HttpResponse:
    row = live.found(stream)
    found = live_board.at_once(row)
    most = max(1, *found["minutes"])
    bars = [
        {"x": place * 20, "y": 40 - 40 * count / most, "height": 40 * count / most}
        for place, count in enumerate(found["minutes"])
    ]
    facts = live.shown(row) | {
        "figures": found, "tiles": _tiles(found), "bars": bars, "span": live_board.SPAN, "moment": clock.now(),
        "is_live": row.state == Stream.State.LIVE, "socket": f"/ws/live/{stream}/",
    }  # fmt: skip
    return render(request, "console/live_board.html", facts)


@require_safe
def figures(request: HttpRequest, stream: str) -> HttpResponse:
    return JsonResponse(live_board.at_once(live.found(stream)), headers={"Cache-Control": "no-store"})


@require_http_methods(["GET", "HEAD", "POST"])
def after(request: HttpRequest, stream: str) -> HttpResponse:
    """What it brought, and what the platform says of it. POST: a file, or the totals."""
    row = live.found(stream)
    if request.method == "POST" and not live.may(request):
        raise NotFound
    said = Tally.objects.filter(stream=row).first()
    names = ("viewers", "peak", "comments", "speakers", "followers")
    is_totals = request.POST.get("do") == "totals"
    form = TotalsForm(
        request.POST if is_totals else None, initial={name: getattr(said, name, 0) for name in names}
    )  # fmt: skip
    faults: list[tuple[int, str]] = []
    if is_totals and form.is_valid():
        watching.say_totals(stream_id=row.pk, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("console:live_after", stream)
    if request.method == "POST" and not is_totals:
        faults, told = _taken(request, row)
        if not faults:
            messages.success(request, told)
            return redirect("console:live_after", stream)
    facts = live.shown(row) | _facts(request, row) | {"form": form, "faults": faults}
    return render(request, "console/live_after.html", facts, status=422 if form.errors or faults else 200)


def _taken(request: HttpRequest, row: Stream) -> tuple[list[tuple[int, str]], str]:
    """Faults, or what to say."""
    file = request.FILES.get("file")
    if request.POST.get("do") == "viewers":
        read = live_files.viewers(file)
        if read.faults:
            return read.faults, ""
        taken = watching.take_viewers(stream_id=row.pk, viewers=read.viewers)
        return [], _("%(taken)s members watched; %(unknown)s rows are of nobody we know.") % {
            "taken": taken,
            "unknown": read.unknown,
        }
    read = live_files.sales(file)
    if read.faults:
        return read.faults, ""
    taken, unknown = sales.take_file(stream_id=row.pk, orders=read.orders)
    return [], _("%(taken)s orders are this stream's; %(unknown)s are not here (yet).") % {
        "taken": taken,
        "unknown": len(unknown),
    }


def _facts(request: HttpRequest, row: Stream) -> dict[str, Any]:
    found = live_board.at_once(row)
    how = [(label, Sale.objects.filter(stream=row, how=key).count()) for key, label in Sale.How.choices]
    link = codes.link(row.code.slug, base=request.build_absolute_uri("/")) if row.code else ""
    return {
        "figures": found, "tiles": _tiles(found), "how": how, "may_edit": live.may(request), "moment": clock.now(),
        "viewer_columns": live_files.VIEWERS, "sale_columns": live_files.SALES,
        "link": link, "picture": qr.svg(link) if link else "", "code": row.code,
    }  # fmt: skip


def _tiles(found: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Key, label, value; in the order in which it happens."""
    return [
        ("reminded", _("Want to be reminded"), found["reminded"]),
        ("watching", _("Watching now"), found["watching"]),
        ("viewers", _("Have watched"), found["viewers"]),
        ("members", _("Members among them"), found["members"]),
        ("joins", _("Joined by its code"), found["joins"]),
        ("claims", _("Coupons claimed"), found["claims"]),
        ("claims_minute", _("Coupons in the last minute"), found["claims_minute"]),
        ("pieces", _("Pieces put aside"), found["pieces"]),
        ("orders", _("Orders"), found["orders"]),
        ("orders_minute", _("Orders in the last minute"), found["orders_minute"]),
    ]
