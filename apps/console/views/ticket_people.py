"""Who works at the desk: what each can do, how many each may have, who is away and how many wait with whom."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.console import people
from apps.core import clock
from apps.core.errors import DomainError, NotFound
from apps.stores.models import Role, Staff
from apps.tickets import assigning, queues
from apps.tickets.models import DeskCard

MANAGE = "tickets.manage"
MOST_DAYS = 60


class CardForm(forms.Form):
    skills = forms.CharField(
        label=pgettext_lazy("desk", "Skills"), required=False, max_length=400,
        help_text=gettext_lazy("Words with spaces between. A ticket that asks for a skill goes to whoever has it."),
    )  # fmt: skip
    load = forms.IntegerField(
        label=pgettext_lazy("desk", "Open tickets at most"), required=False, min_value=0, max_value=1_000,
        help_text=gettext_lazy("Empty: as many as the brand says."),
    )  # fmt: skip
    away_days = forms.IntegerField(
        label=pgettext_lazy("desk", "Away for days"), required=False, min_value=0, max_value=MOST_DAYS,
        help_text=gettext_lazy("From now; empty or 0: there. What waits for an answer goes to others meanwhile."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, key: int, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, prefix=f"p{key}", initial=initial)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    row = _person(request, request.POST.get("person", ""))
    form = CardForm(request.POST, key=row.pk)
    if form.is_valid():
        said = form.cleaned_data
        try:
            assigning.set_card(
                staff_id=row.pk, skills=said["skills"].replace("，", " ").replace(",", " ").split(),
                load=said["load"], away_until=_until(said["away_days"]),
            )  # fmt: skip
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:tickets_people")
    return _page(request, bound=(row.pk, form), status=422)


@require_POST
def away(request: HttpRequest) -> HttpResponse:
    """The reader themselves: away until the end of the day, or there again."""
    staff_id = request.access.staff_id  # type: ignore[attr-defined]
    card = DeskCard.objects.filter(staff_id=staff_id).first() or DeskCard(staff_id=staff_id)
    is_away = request.POST.get("do") == "away"
    until = clock.day_end(clock.local_date(clock.now())) if is_away else None
    assigning.set_card(staff_id=staff_id, skills=card.skills, load=card.load, away_until=until)
    told = _("You are away until the end of the day: others get what waits for an answer.") if is_away else ""
    messages.success(request, told or _("You are there again."))
    return redirect("console:tickets")


def is_away(request: HttpRequest) -> bool:
    staff_id, moment = request.access.staff_id, clock.now()  # type: ignore[attr-defined]
    return DeskCard.objects.filter(staff_id=staff_id, away_until__gt=moment).exists()


def _page(request: HttpRequest, *, bound: tuple[int, CardForm] | None = None, status: int = 200) -> HttpResponse:
    moment = clock.now()
    staff = list(_reachable(request).select_related("store").order_by("role", "name", "pk"))
    cards = {card.staff_id: card for card in DeskCard.objects.filter(staff__in=staff)}
    loads = queues.loads([row.pk for row in staff], moment=moment)
    rows = []
    for row in staff:
        card = cards.get(row.pk) or DeskCard()
        form = bound[1] if bound and bound[0] == row.pk else CardForm(key=row.pk, initial=_initial(card, moment))
        gone = card.away_until if card.away_until and card.away_until > moment else None
        rows.append({"row": row, "card": card, "away_until": gone, "load": loads.get(row.pk), "form": form})
    return render(request, "console/tickets_people.html", {"rows": rows}, status=status)


def _initial(card: DeskCard, moment: datetime) -> dict[str, Any]:
    left = (card.away_until - moment).days + 1 if card.away_until and card.away_until > moment else None
    return {"skills": " ".join(card.skills), "load": card.load, "away_days": left}


def _until(days: int | None) -> datetime | None:
    return clock.day_end(clock.local_date(clock.now()) + timedelta(days=days - 1)) if days else None


def _reachable(request: HttpRequest) -> Any:
    """Service agents and store people whom the reader manages."""
    stores = request.access.store_ids(MANAGE)  # type: ignore[attr-defined]
    roles = [Role.AGENT, Role.MANAGER, Role.CLERK]
    found = Staff.objects.filter(is_active=True, user__isnull=False, role__in=roles)
    return found if stores is None else found.filter(store_id__in=stores)


def _person(request: HttpRequest, text: str) -> Staff:
    row: Staff | None = _reachable(request).filter(pk=int(text)).first() if text.isdigit() and len(text) < 19 else None
    if row is None:
        raise NotFound
    return row
