"""Members who bring friends: figures, advocates by reach and conversion, as a file too; the program; advocates named by a tag."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import asked, people, scope
from apps.console.referral_form import ProgramForm, initial
from apps.core import clock, csv_files, ids
from apps.core.errors import DomainError
from apps.core.money import yuan
from apps.members import selectors as members
from apps.members.names import half_hidden
from apps.referral import commissions, selectors, services
from apps.referral.models import Withdrawal

VIEW, PAY = "referral.view", "referral.pay"
WITHDRAWAL = "rfw"
DAYS = 30
MOST_NAMED = 100


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    where, order = scope.of(request, permission=VIEW), _order(request)
    rows = selectors.advocates(order=order, stores=where.ids)
    facts = {
        "rows": [_shown(row) for row in rows],
        "figures": selectors.figures(since=clock.now() - timedelta(days=DAYS)),
        "days": DAYS,
        "terms": services.program(),
        "stores": where.options,
        "orders": [(key, text, key == order) for key, text in _orders().items()],
        "csv_query": request.GET.urlencode(),
        "may_edit": request.access.can("referral.edit"),  # type: ignore[attr-defined]
        "tag": services.ADVOCATE,
        "waiting": commissions.to_settle().count(),
    }
    return render(request, "console/referral.html", facts)


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    """The same rows, at most 10,000; names half hidden as on the page."""
    where = scope.of(request, permission=VIEW)
    rows = selectors.advocates(order=_order(request), stores=where.ids, most=selectors.MOST)
    heads = [
        _("Member number"), _("Name"), _("People reached"), _("Friends who came"), _("Bought"), _("Count"), _("Do not count"),
        _("Count of those reached"), _("Points given"), _("Net spent by friends, yuan"),
    ]  # fmt: skip
    lines = [
        (row["member_no"], half_hidden(row["nickname"]), row["people"], row["friends"], row["bought"], row["kept"], row["void"],
         "" if row["conversion"] is None else f"{row['conversion']:.4f}", row["points"], yuan(row["net_cents"]))
        for row in rows
    ]  # fmt: skip
    return csv_files.response(name="advocates.csv", headers=heads, rows=lines)


@require_http_methods(["GET", "HEAD", "POST"])
def program(request: HttpRequest) -> HttpResponse:
    form = ProgramForm(request.POST or None, initial=initial(services.program()))
    if request.method == "POST" and form.is_valid():
        services.set_program(**form.wanted())
        messages.success(request, _("Saved. It counts for friends who come from now on."))
        return redirect("console:referral")
    return render(request, "console/referral_program.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def name(request: HttpRequest) -> HttpResponse:
    """The ticked members get the advocates' tag: segments, journeys and campaigns then invite them through the gate."""
    chosen = [ids.decode(members.PREFIX, text) for text in request.POST.getlist("member")[:MOST_NAMED]]
    named = services.name_advocates(member_ids=chosen)
    told = ngettext("%(n)s member is an advocate now.", "%(n)s members are advocates now.", named)
    messages.success(request, told % {"n": named})
    return redirect("console:referral")


@require_safe
def withdrawals(request: HttpRequest) -> HttpResponse:
    """Who waits for money, and what was settled lately."""
    settled = (
        Withdrawal.objects.exclude(state=Withdrawal.State.ASKED).select_related("member", "settled_by").order_by("-pk")
    )
    facts = {
        "open": [_asked(row) for row in commissions.to_settle()[:200]], "settled": [_asked(row) for row in settled[:50]],
        "may_pay": request.access.can(PAY),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "console/referral_withdrawals.html", facts)


@require_POST
def settle(request: HttpRequest, withdrawal: str) -> HttpResponse:
    """`do`: paid or refused, with `reference`: of the payment, or why not."""
    reference = request.POST.get("reference", "").strip()
    if not reference:
        messages.error(request, _("Name the payment, or say why not."))
        return redirect("console:referral_withdrawals")
    try:
        commissions.settle(
            withdrawal_id=ids.decode(WITHDRAWAL, withdrawal), is_paid=request.POST.get("do") == "paid", reference=reference,
            user_id=int(request.user.pk or 0),
        )  # fmt: skip
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Noted."))
    return redirect("console:referral_withdrawals")


def _asked(row: Withdrawal) -> dict[str, Any]:
    return {
        "row": row, "id": ids.encode(WITHDRAWAL, row.pk), "name": half_hidden(row.member.nickname) or row.member.member_no,
        "member": ids.encode(members.PREFIX, row.member_id), "free": commissions.standing(row.member_id).free,
    }  # fmt: skip


def _orders() -> dict[str, str]:
    return {
        "kept": _("Friends that count"), "reach": _("Reach"), "conversion": _("Conversion"), "money": _("What friends spent")
    }  # fmt: skip


def _order(request: HttpRequest) -> str:
    return asked.one_of(request, name="by", allowed=list(selectors.ORDERS)) or "kept"


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "public_id": ids.encode(members.PREFIX, row["member_id"]),
        "name": half_hidden(row["nickname"]) or row["member_no"],
        "is_named": services.ADVOCATE in row["tags"],
    }
