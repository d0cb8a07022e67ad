"""What the desk promises: read and changed on one page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.console import people
from apps.console.ticket_promise_form import PromisesForm
from apps.core.errors import DomainError
from apps.tickets import promises


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    form = PromisesForm(request.POST or None, now=promises.read())
    if request.method == "POST" and form.is_valid():
        try:
            changed = promises.save(form.wanted())
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Saved.") if changed else _("Nothing was different."))
            return redirect("console:ticket_promises")
    return render(request, "console/ticket_promises.html", {"form": form}, status=422 if form.is_bound else 200)
