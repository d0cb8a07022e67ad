"""The shift at its end, as a slip of 58 mm, and its sales to look at and undo."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.counter import door
from apps.flows import checkout, shift_summary
from apps.stores import shifts

SHOWN = 30


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    shift = request.shift  # type: ignore[attr-defined]
    facts: dict[str, object] = {"sales": checkout.last_of(shift_id=shift.pk, at_most=SHOWN)}
    return _page(request, facts)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """The slip of the shift that has just ended; the till is locked."""
    request.shift = shifts.end(shift_id=door.desk(request).shift_id)  # type: ignore[attr-defined]
    return _page(request, {})


def _page(request: HttpRequest, facts: dict[str, object]) -> HttpResponse:
    shift, moment = request.shift, clock.now()  # type: ignore[attr-defined]
    shown = {"shift": shift, "sum": shift_summary.of(shift=shift, moment=moment), "till": request.till, "now": moment}  # type: ignore[attr-defined]
    answer = render(request, "counter/shift.html", shown | facts)
    answer["Cache-Control"] = "no-store"
    return answer
