"""The notification centre: what one should know of, what is new, and what comes by e-mail or in WeCom too."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.analytics.models import NoticeBox
from apps.analytics.notices import posting
from apps.community.models import Account
from apps.console import notices
from apps.core import clock
from apps.gateways import mail, wecom_apps


class BoxForm(forms.Form):
    mail = forms.EmailField(label=gettext_lazy("Your e-mail address"), required=False)
    wecom = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$",
        label=gettext_lazy("Your account in WeCom (userid)"),
        required=False,
        strip=True,
    )
    wants_digest = forms.BooleanField(label=gettext_lazy("Yesterday's figures, each morning at 8:30"), required=False)
    wants_alerts = forms.BooleanField(
        label=gettext_lazy("Alerts of the stores I see, and when they are over"), required=False
    )

    def clean(self) -> dict[str, object]:
        given = super().clean() or self.cleaned_data
        wants = given.get("wants_digest") or given.get("wants_alerts")
        if wants and not self.errors and not (given.get("mail") or given.get("wecom")):
            self.add_error("mail", _("Say an address to which they go, or your account in WeCom."))
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
    """What comes by e-mail and in WeCom."""
    form = BoxForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    user_id = request.access.user_id  # type: ignore[attr-defined]
    NoticeBox.objects.update_or_create(user_id=user_id, defaults=form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("console:notices")


def _page(request: HttpRequest, form: BoxForm | None) -> HttpResponse:
    box = notices.box(request)
    told = {
        "mail": box.mail,
        "wecom": box.wecom or _linked(box.user_id),
        "wants_digest": box.wants_digest,
        "wants_alerts": box.wants_alerts,
    }
    found = notices.gather(request)
    facts = {
        "rows": [(one, box.read_upto is None or one.at > box.read_upto) for one in found],
        "form": form or BoxForm(initial=told),
        "may_figures": request.access.can(posting.PERMISSION),  # type: ignore[attr-defined]
        "missing": [name for name, gate in ((_("E-mail"), mail), (_("WeCom"), wecom_apps)) if not gate.is_set_up()],
    }
    facts["unread"] = sum(is_new for _one, is_new in facts["rows"])
    return render(request, "console/notices.html", facts, status=422 if form else 200)


def _linked(user_id: int) -> str:
    """What WeCom calls them, where the house knows it already."""
    return Account.objects.filter(staff__user_id=user_id).values_list("userid", flat=True).first() or ""
