"""The points of one member: totals, what runs out first, the statement in plain words, and corrections by hand."""

import secrets

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.console import asked, people
from apps.console.reason_field import Reason
from apps.core import audit, csv_files
from apps.core.errors import DomainError
from apps.core.models import Approval
from apps.flows import own_cards
from apps.members.models import Member
from apps.points import adjusting, selectors, statement_file, telling
from apps.points.adjusting import Wish
from apps.points.models import Currency
from apps.stores.models import Staff

PERMISSION = "points.view"
PAGE = 30


class AdjustForm(forms.Form):
    direction = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[("plus", gettext_lazy("Grant points")), ("minus", gettext_lazy("Take points away"))],
        widget=forms.RadioSelect,
    )
    amount = forms.IntegerField(label=gettext_lazy("Points"), min_value=1, max_value=1_000_000_000)
    reason = Reason(help_text=gettext_lazy("The member reads it in the statement. No names or numbers of people."))
    request_key = forms.CharField(widget=forms.HiddenInput, validators=[RegexValidator(r"^[A-Za-z0-9_-]{12,40}$")])


@require_safe
def page(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission=PERMISSION)
    return _page(request, row)


@require_safe
def statement(request: HttpRequest, member: str) -> HttpResponse:
    """The whole statement of one currency as a file; each fetch is in the audit trail."""
    row = people.one(request, member, permission=PERMISSION)
    currency = (
        asked.one_of(request, name="currency", allowed=Currency.objects.values_list("key", flat=True)) or "points"
    )
    audit.record("points.statement_fetched", object_type="member", object_id=row.pk, after={"currency": currency})
    lines = statement_file.rows(member_id=row.pk, currency=currency, language=get_language() or "", for_staff=True)
    heads = statement_file.headers(for_staff=True)
    return csv_files.response(name=f"{currency}-{row.member_no}.csv", headers=heads, rows=lines)


@require_POST
def adjust(request: HttpRequest, member: str) -> HttpResponse:
    """Done at once within the person's limits, else put before a second one. The request key makes a double click one act."""
    row = people.one(request, member, permission="points.adjust")
    form = AdjustForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    given = form.cleaned_data
    wish = Wish(
        member_id=row.pk,
        amount=given["amount"] if given["direction"] == "plus" else -given["amount"],
        reason=given["reason"],
        source=f"console:{given['request_key']}",
    )
    try:
        own_cards.refuse(staff_id=request.access.staff_id, member_id=row.pk)  # type: ignore[attr-defined]
        outcome = adjusting.adjust(wish=wish, staff=_staff(request))
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, row, form=form, status=refusal.status)
    if outcome.posting is not None:
        messages.success(request, _("Done. The balance is now %(balance)s.") % {"balance": outcome.posting.balance})
    else:
        messages.info(request, _("Over your limit: it waits under Approvals until a second person agrees."))
    return redirect("console:member_points", member)


def _page(request: HttpRequest, row: Member, *, form: AdjustForm | None = None, status: int = 200) -> HttpResponse:
    may_adjust = request.access.can("points.adjust")  # type: ignore[attr-defined]
    if form is None and may_adjust:
        form = AdjustForm(initial={"direction": "plus", "request_key": secrets.token_urlsafe(12)})
    currencies = list(Currency.objects.all())
    shown = asked.one_of(request, name="currency", allowed=[currency.key for currency in currencies]) or "points"
    facts = {
        "row": row,
        "public_id": people.public_id(row),
        "shown": shown,
        "currencies": [
            (currency, selectors.totals(member_id=row.pk, currency=currency.key)) for currency in currencies
        ],
        "form": form if may_adjust else None,
        "waiting": _waiting(row.pk),
        **_statement(request, row.pk, currency=shown),
    }
    if may_adjust:
        staff = _staff(request)
        facts |= {"limits": adjusting.limits(staff.role), "used": adjusting.granted_today(staff_id=staff.pk)}
    return render(request, "console/member_points.html", facts, status=status)


def _statement(request: HttpRequest, member_id: int, *, currency: str) -> dict[str, object]:
    """The newest lines, older ones page by page."""
    before = asked.a_key(request, name="before")
    found, older = telling.statement(member_id=member_id, currency=currency, before=before, limit=PAGE)
    return {"lines": telling.tell(found, language=get_language() or ""), "older": older, "is_first": not before}


def _waiting(member_id: int) -> list[Approval]:
    open_ones = Approval.objects.filter(state=Approval.State.WAITING, kind=adjusting.KIND, params__member_id=member_id)
    return list(open_ones.order_by("-pk")[:5])


def _staff(request: HttpRequest) -> Staff:
    return Staff.objects.get(pk=request.access.staff_id)  # type: ignore[attr-defined]
