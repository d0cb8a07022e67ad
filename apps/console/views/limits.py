"""The limits of sending: caps, quiet hours, who is held out of everything, how fast a channel sends; and who changed them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.care import limits
from apps.console import limits_form, machine_words, people
from apps.console.limits_form import LimitsForm

MAY_CHANGE = "limits.edit"
SHOWN = 20


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, LimitsForm(initial=limits_form.initial(limits.read())))


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    form = LimitsForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    changed = limits.save(form.wanted())
    messages.success(
        request, _("Saved. It counts from the next decision on.") if changed else _("Nothing was changed.")
    )
    return redirect("console:limits")


def _page(request: HttpRequest, form: LimitsForm, *, status: int = 200) -> HttpResponse:
    lines = limits.history(at_most=SHOWN)
    names = people.log_in_names(line.actor for line, _before, _after in lines)
    facts = {
        "form": form if request.access.can(MAY_CHANGE) else None,  # type: ignore[attr-defined]
        "now": list(limits_form.said(limits.read()).items()),
        "history": [
            (line.at, names.get(line.actor) or machine_words.actor(line.actor), limits_form.changes(before, after))
            for line, before, after in lines
        ],
    }
    return render(request, "console/limits.html", facts, status=status)
