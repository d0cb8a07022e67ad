"""The notification centre: what one should know of, what is new, and what comes by e-mail too."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.analytics.models import NoticeBox
from apps.analytics.notices import posting
from apps.console import notices
from apps.core import clock
from apps.gateways import mail


class BoxForm(forms.Form):
    mail = forms.EmailField(label=gettext_lazy("Your e-mail address"), required=False)
    wants_digest = forms.BooleanField(label=gettext_lazy("Yesterday's figures, each morning at 8:30"), required=False)
    wants_alerts = forms.BooleanField(
        label=gettext_lazy("Alerts of the stores I see, and when they are over"), required=False
    )

    def clean(self) -> dict[str, object]:
        given = super().clean() or self.cleaned_data
        if (
            (given.get("wants_digest") or given.get("wants_alerts"))
            and not given.get("mail")
            and "mail" not in self.errors
        ):
            self.add_error("mail", _("Say an address to which they go."))
        return given


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, None)


@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """For the bell: how many are new."""
    answer = render(request, "console/_bell.html", {"unread": notices.unread(request)})
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    user_id = request.access.user_id  # type: ignore[attr-defined]
    NoticeBox.objects.update_or_create(user_id=user_id, defaults={"read_upto": clock.now()})
    return redirect("console:notices")


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """What comes by e-mail."""
    form = BoxForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    user_id = request.access.user_id  # type: ignore[attr-defined]
    NoticeBox.objects.update_or_create(user_id=user_id, defaults=form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("console:notices")


def _page(request: HttpRequest, form: BoxForm | None) -> HttpResponse:
    box = notices.box(request)
    told = {"mail": box.mail, "wants_digest": box.wants_digest, "wants_alerts": box.wants_alerts}
    found = notices.gather(request)
    facts = {
        "rows": [(one, box.read_upto is None or one.at > box.read_upto) for one in found],
        "form": form or BoxForm(initial=told),
        "may_figures": request.access.can(posting.PERMISSION),  # type: ignore[attr-defined]
        "is_set_up": mail.is_set_up(),
    }
    facts["unread"] = sum(is_new for _one, is_new in facts["rows"])
    return render(request, "console/notices.html", facts, status=422 if form else 200)
