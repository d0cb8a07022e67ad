"""The customer pool: who lies in it, who is about to, who is on the way; taking, giving, holding on, and the brand's rules."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.community import pool, pool_lists
from apps.community.models import Contact, PoolRule
from apps.console import asked, people, scope
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound

CASE, CONTACT = "wpc", "wct"
VIEW, GIVE, MANAGE = "community.pool", "community.give", "community.manage"
LOCK_FOR = timedelta(days=90)


class PoolForm(forms.Form):
    is_on = forms.BooleanField(label=gettext_lazy("Customers go into the pool"), required=False)
    follow_days = forms.IntegerField(
        label=gettext_lazy("After so many days in which nobody turned to them"),
        help_text=gettext_lazy("0: no such rule. A follow-up done and a confirmed group send count."),
        min_value=0,
        max_value=1000,
    )
    deal_days = forms.IntegerField(
        label=gettext_lazy("After so many days without a purchase"),
        help_text=gettext_lazy("0: no such rule"),
        min_value=0,
        max_value=1000,
    )
    notice_days = forms.IntegerField(
        label=gettext_lazy("Days of notice"),
        help_text=gettext_lazy("Nobody loses a customer without them, also on the day the rule begins."),
        min_value=1,
        max_value=60,
    )
    most = forms.IntegerField(
        label=gettext_lazy("Customers for each colleague, at most"),
        help_text=gettext_lazy("Counts when somebody takes one. 0: any number"),
        min_value=0,
        max_value=10_000,
    )
    locks = forms.IntegerField(
        label=gettext_lazy("Of them held on to, at most"),
        help_text=gettext_lazy("0: any number"),
        min_value=0,
        max_value=10_000,
    )


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission=VIEW)
    show = asked.one_of(request, name="show", allowed=pool_lists.STATES) or "pooled"
    own = _own(request)
    facts = {
        "rows": pool_lists.cases(show=show, store_ids=where.ids),
        "counts": pool_lists.counts(store_ids=where.ids),
        "show": show,
        "stores": where.options,
        "rules": pool.rules_of(where.chosen),
        "own": own,
        "has": pool.has(own) if own else None,
        "colleagues": pool_lists.colleagues(store_ids=request.access.store_ids(GIVE)) if _may_give(request) else [],  # type: ignore[attr-defined]
        "may_manage": request.access.can(MANAGE),  # type: ignore[attr-defined]
    }
    return render(request, "console/wecom_pool.html", facts)


@require_POST
def act(request: HttpRequest, case: str) -> HttpResponse:
    """`take` for oneself; `give` to a colleague."""
    reach = request.access.store_ids(VIEW)  # type: ignore[attr-defined]
    case_id = ids.decode(CASE, case)
    if not pool_lists.is_in(case_id, store_ids=reach):
        raise NotFound
    is_gift = request.POST.get("do") == "give"
    userid = request.POST.get("to", "") if is_gift else _own(request)
    if is_gift:
        allowed = request.access.store_ids(GIVE) if _may_give(request) else []  # type: ignore[attr-defined]
        if userid not in {one["userid"] for one in pool_lists.colleagues(store_ids=allowed)}:
            raise NotFound
    try:
        pool.take(case_id=case_id, userid=userid, may_give=is_gift, moment=clock.now())
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(
            request, _("Taken. WeCom passes the customer on within a minute; until then nothing is sent to them.")
        )
    return redirect("console:wecom_pool")


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """The brand's, or with `?store=` those of a store; `do=brand` lets a store go by the brand's again."""
    where = scope.of(request, permission=MANAGE)
    own = dict(PoolRule.objects.values_list("store_id", "is_on"))
    if request.method == "POST" and request.POST.get("do") == "brand" and where.chosen:
        pool.set_rules(store_id=where.chosen, rules=None)
        messages.success(request, _("The store goes by the brand's rules again."))
        return redirect("console:wecom_pool_rules")
    form = PoolForm(request.POST or None, initial=pool.rules_of(where.chosen))
    if request.method == "POST" and form.is_valid():
        try:
            pool.set_rules(store_id=where.chosen, rules=form.cleaned_data)
        except ValueError:
            form.add_error("notice_days", _("Notice has to be shorter than what it is notice of."))
        else:
            messages.success(request, _("Saved. The rule looks through the customers once an hour."))
            return redirect("console:wecom_pool")
    facts = {
        "form": form, "has_own": where.chosen in own, "chosen": where.names.get(where.chosen or 0, ""),
        "stores": [("", _("The brand's rules"), where.chosen is None), *where.options[1:]],
        "own": [name for key, name in where.names.items() if key in own],
    }  # fmt: skip
    return render(request, "console/wecom_pool_rules.html", facts, status=422 if form.errors else 200)


@require_POST
def keep(request: HttpRequest, contact: str) -> HttpResponse:
    """`lock` for three months, `unlock`, or `back` into the pool."""
    moment, do = clock.now(), request.POST.get("do", "")
    row = Contact.objects.filter(pk=ids.decode(CONTACT, contact)).first()
    if row is None:
        raise NotFound
    try:
        if do == "back":
            pool.give_back(contact_id=row.pk, moment=moment)
            messages.success(request, _("The customer lies in the pool."))
        else:
            until = clock.local_date(moment) + LOCK_FOR if do == "lock" else None
            pool.lock(contact_id=row.pk, until=until, moment=moment)
            messages.success(request, _("Noted."))
    except DomainError as refusal:
        people.complain(request, refusal)
    return redirect(reverse("console:community"))


def _own(request: HttpRequest) -> str:
    """The reader in WeCom; "" for who is not there."""
    staff_id = request.access.staff_id  # type: ignore[attr-defined]
    return next((one["userid"] for one in pool_lists.colleagues(store_ids=None) if one["staff_id"] == staff_id), "")


def _may_give(request: HttpRequest) -> bool:
    return bool(request.access.can(GIVE))  # type: ignore[attr-defined]
