"""The coupons of one member: what they have and what became of each, handing one out, taking one back."""

import secrets
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.analytics import keyset
from apps.console import asked, coupon_words, people
from apps.console.reason_field import Reason
from apps.core import clock, ids, reasons
from apps.core.errors import DomainError, NotFound
from apps.core.models import Approval
from apps.coupons import handing, keeping, wallet, words
from apps.coupons.models import Coupon, Entry, Template
from apps.flows import own_cards
from apps.members.models import Member
from apps.stores.models import Staff

PREFIX = "cpn"
VIEW, HAND_OUT = "coupons.view", "coupons.hand_out"
PAGE = 20
KINDS = {
    "usable": pgettext_lazy("coupons", "Usable"),
    "used": pgettext_lazy("coupons", "Used"),
    "over": pgettext_lazy("coupons", "Expired or recalled"),
}
TONES = {"ready": "ok", "reserved": "brand", "recalled": "bad"}


class HandOutForm(forms.Form):
    template = forms.ModelChoiceField(label=gettext_lazy("Coupon"), queryset=Template.objects.none())
    reason = Reason()
    request_key = forms.CharField(widget=forms.HiddenInput, validators=[RegexValidator(r"^[A-Za-z0-9_-]{12,40}$")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        running = Template.objects.filter(state=Template.State.RUNNING, is_pool=False)
        self.fields["template"].queryset = running  # type: ignore[attr-defined]
        self.fields["template"].label_from_instance = coupon_words.name_of  # type: ignore[attr-defined]


@require_safe
def page(request: HttpRequest, member: str) -> HttpResponse:
    return _page(request, people.one(request, member, permission=VIEW))


@require_POST
def hand_out(request: HttpRequest, member: str) -> HttpResponse:
    """At once within the person's limits, else put before a second one. The request key makes a double click one act."""
    row = people.one(request, member, permission=HAND_OUT)
    form = HandOutForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    said = form.cleaned_data
    source = f"console:{said['request_key']}"
    wish = handing.Wish(row.pk, said["template"].pk, said["reason"], source)
    try:
        own_cards.refuse(staff_id=request.access.staff_id, member_id=row.pk)  # type: ignore[attr-defined]
        done = handing.hand_out(wish=wish, staff=_staff(request))
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, row, form=form, status=refusal.status)
    if done.issued is not None:
        messages.success(request, _("“%(name)s” is in the wallet.") % {"name": coupon_words.name_of(said["template"])})
    else:
        messages.info(request, _("Over your limit: it waits under Approvals until a second person agrees."))
    return redirect("console:member_coupons", member)


@require_POST
def change(request: HttpRequest, member: str) -> HttpResponse:
    """`wish` is recall or restore of `coupon`, with a reason."""
    row = people.one(request, member, permission=HAND_OUT)
    found = Coupon.objects.filter(pk=ids.decode(PREFIX, request.POST.get("coupon", "")), member=row).first()
    note = reasons.said(request.POST.get("reason", ""))
    if found is None:
        raise NotFound
    if not note:
        messages.error(request, _("Say why, in a few words."))
        return redirect("console:member_coupons", member)
    act = keeping.restore if request.POST.get("wish") == "restore" else keeping.recall
    try:
        own_cards.refuse(staff_id=request.access.staff_id, member_id=row.pk)  # type: ignore[attr-defined]
        act(coupon_id=found.pk, by=request.user, note=note)  # type: ignore[arg-type]
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Done. It stands in the coupon's history."))
    return redirect("console:member_coupons", member)


def _page(request: HttpRequest, row: Member, *, form: HandOutForm | None = None, status: int = 200) -> HttpResponse:
    moment, kind = clock.now(), asked.one_of(request, name="show", allowed=KINDS) or "usable"
    cursor = keyset.read(request.GET.get("at", ""), kinds=[datetime, int])
    after = list(cursor.key) if cursor else None
    found, onward = wallet.page(member_id=row.pk, kind=kind, after=after, limit=PAGE, moment=moment)  # type: ignore[arg-type]
    may = request.access.can(HAND_OUT)  # type: ignore[attr-defined]
    facts: dict[str, Any] = {
        "row": row,
        "public_id": people.public_id(row),
        "kinds": [(key, label, key == kind, wallet.count(member_id=row.pk, kind=key, moment=moment)) for key, label in KINDS.items()],  # type: ignore[arg-type]
        "kind": kind,
        "coupons": _told(found, moment),
        "older": keyset.write(onward) if onward else "",
        "waiting": _waiting(row.pk),
    }  # fmt: skip
    if may:
        staff = _staff(request)
        facts |= {
            "form": form or HandOutForm(initial={"request_key": secrets.token_urlsafe(12)}),
            "limits": handing.limits(staff.role),
            "used": handing.handed_today(staff_id=staff.pk),
        }
    return render(request, "console/member_coupons.html", facts, status=status)


def _told(found: list[Coupon], moment: datetime) -> list[dict[str, Any]]:
    known = coupon_words.known(row.version.terms for row in found)
    entries: dict[int, list[Entry]] = {}
    for entry in Entry.objects.filter(coupon__in=found).select_related("by__staff", "use__store").order_by("pk"):
        entries.setdefault(entry.coupon_id, []).append(entry)
    return [_one(row, known, entries.get(row.pk, []), moment) for row in found]


def _one(row: Coupon, known: words.Names, entries: list[Entry], moment: datetime) -> dict[str, Any]:
    is_over = row.ends_at is not None and row.ends_at <= moment
    state = Coupon.State.EXPIRED if row.state == Coupon.State.READY and is_over else Coupon.State(row.state)
    left = None
    if state in {Coupon.State.READY, Coupon.State.RESERVED} and row.starts_at and row.ends_at:
        left = words.left(starts_at=row.starts_at, ends_at=row.ends_at, moment=moment)
    return {
        "coupon": row,
        "public_id": ids.encode(PREFIX, row.pk),
        "template_id": ids.encode("cpt", row.template_id),
        "name": coupon_words.name_of(row.template),
        "card": words.card(row.version.terms, known),
        "label": state.label,
        "tone": TONES.get(state, ""),
        "left": left,
        "entries": entries,
        "origin": coupon_words.origin(row.origin),
        "may_recall": state == Coupon.State.READY,
        "may_restore": state == Coupon.State.RECALLED,
    }


def _waiting(member_id: int) -> list[Approval]:
    open_ones = Approval.objects.filter(state=Approval.State.WAITING, kind=handing.KIND, params__member_id=member_id)
    return list(open_ones.order_by("-pk")[:5])


def _staff(request: HttpRequest) -> Staff:
    return Staff.objects.get(pk=request.access.staff_id)  # type: ignore[attr-defined]
