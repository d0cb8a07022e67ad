"""The shelf of the points mall: rewards, what is left of them, and who put in or took out pieces."""

import secrets
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.lists import exchanges as listed
from apps.console import asked, scope
from apps.console.reward_form import RewardForm, StockForm
from apps.core import clock, ids
from apps.core.errors import DomainError, Forbidden, NotFound
from apps.points import shelves, stocking
from apps.points.models import Currency, Reward, Tier
from apps.points.shelves import Shelved
from apps.stores.models import Store

PREFIX = "rwd"
VIEW, EDIT, STOCK = "points.rewards", "points.rewards_edit", "points.stock"
CHANGES = 30
STATES = {
    "on": (pgettext_lazy("rewards", "On the shelf"), "ok"),
    "gone": (pgettext_lazy("rewards", "Sold out"), "bad"),
    "soon": (pgettext_lazy("rewards", "Not yet"), "brand"),
    "over": (pgettext_lazy("rewards", "Over"), ""),
    "off": (pgettext_lazy("rewards", "Off the shelf"), "warn"),
}


@dataclass(frozen=True)
class Row:
    """A reward with its state in words."""

    shelved: Shelved
    public_id: str

    @property
    def state(self) -> str:
        return str(STATES[self.shelved.state][0])

    @property
    def tone(self) -> str:
        return STATES[self.shelved.state][1]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission=VIEW)
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:60]
    state = asked.one_of(request, name="state", allowed=shelves.STATES)
    reach = request.access.store_ids(VIEW)  # type: ignore[attr-defined]
    found = shelves.find(moment=clock.now(), store_ids=reach, text=text, state=state, store_id=where.chosen)
    facts = {
        "rows": [_row(one) for one in found],
        "text": text,
        "states": [("", _("All"), not state), *((key, STATES[key][0], key == state) for key in shelves.STATES)],
        "stores": where.options,
        "is_narrowed": bool(text or state or where.chosen),
        "may_edit": request.access.can(EDIT),  # type: ignore[attr-defined]
    }
    return render(request, "console/rewards.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """`?from=` begins with a copy of another reward."""
    blank = Reward(currency=Currency.objects.get(key="points"), left=0)
    start = _copied(request) if request.GET.get("from") else blank
    initial = {"request_key": secrets.token_urlsafe(12), "name": start.name}
    form = RewardForm(request.POST or None, request.FILES or None, instance=start, initial=initial)
    if request.method == "POST" and form.is_valid():
        return _made(request, form)
    return render(request, "console/reward_new.html", {"form": form, "copied": start.picture_id}, status=_status(form))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, reward: str) -> HttpResponse:
    row = _found(request, reward, permission=EDIT).reward
    before = row.name
    form = RewardForm(request.POST or None, request.FILES or None, instance=row)
    if request.method == "POST" and form.is_valid():
        stocking.save(form.wanted())
        messages.success(request, _("Saved “%(name)s”.") % {"name": row.name})
        return redirect("console:reward", reward)
    facts = {"form": form, "row": row, "name": before, "public_id": reward}
    return render(request, "console/reward_edit.html", facts, status=_status(form))


@require_safe
def page(request: HttpRequest, reward: str) -> HttpResponse:
    return _page(request, _found(request, reward, permission=VIEW))


@require_POST
def shelf(request: HttpRequest, reward: str) -> HttpResponse:
    """Put it on the shelf, or take it off."""
    found = _found(request, reward, permission=EDIT)
    is_active = request.POST.get("wish") == "on"
    row = stocking.shelve(reward_id=found.reward.pk, is_active=is_active)
    sentence = (
        _("“%(name)s” is on the shelf.") if is_active else _("“%(name)s” is off the shelf. Exchanges made go on.")
    )
    messages.success(request, sentence % {"name": row.name})
    return redirect("console:reward", reward)


@require_POST
def stock(request: HttpRequest, reward: str) -> HttpResponse:
    """The token of the form makes a double click one change."""
    found = _found(request, reward, permission=VIEW)
    form = StockForm(request.POST, stores=_stores(request, found.reward))
    if not _may_stock(request, found.reward):
        raise Forbidden
    if not form.is_valid():
        return _page(request, found, form=form, status=422)
    given = form.cleaned_data
    try:
        left = stocking.change_stock(
            reward_id=found.reward.pk,
            change=given["change"],
            reason=given["reason"],
            store_id=given["store"].pk if given.get("store") else None,
            staff_id=request.access.staff_id,  # type: ignore[attr-defined]
            source=f"console:{given['request_key']}",
        )
    except DomainError as refusal:
        form.add_error("change", str(refusal))
        return _page(request, found, form=form, status=refusal.status)
    messages.success(request, _("Noted. %(left)s are left now.") % {"left": f"{left:,}"})
    return redirect("console:reward", reward)


def _page(request: HttpRequest, found: Shelved, *, form: StockForm | None = None, status: int = 200) -> HttpResponse:
    row = found.reward
    stores = request.access.store_ids(VIEW)  # type: ignore[attr-defined]
    if form is None and _may_stock(request, row):
        form = StockForm(initial={"request_key": secrets.token_urlsafe(12)}, stores=_stores(request, row))
    facts = {
        "row": _row(found),
        "reward": row,
        "counts": listed.counts(wanted=listed.Wanted(stores=stores, reward_id=row.pk)),
        "changes": shelves.changes(reward_id=row.pk, store_ids=stores, limit=CHANGES),
        "form": form,
        "tiers": [tier for tier in Tier.objects.order_by("rank") if tier.key in row.tier_keys],
        "may_edit": request.access.can(EDIT),  # type: ignore[attr-defined]
    }
    return render(request, "console/reward.html", facts, status=status)


def _made(request: HttpRequest, form: RewardForm) -> HttpResponse:
    row, given = form.wanted(), form.cleaned_data
    row.key = given["key"] or f"reward-{(given['request_key'] or secrets.token_hex(8)).lower()}"[:40]
    known = None if given["key"] else Reward.objects.filter(key=row.key).first()
    if known is None:
        row.left = None if row.is_store_limited or given["stock"] is None else 0
        stocking.save(row)
        if given["stock"]:
            stocking.change_stock(
                reward_id=row.pk,
                change=given["stock"],
                reason=_("To begin with"),
                staff_id=request.access.staff_id,  # type: ignore[attr-defined]
            )
        messages.success(request, _("“%(name)s” is made. Put it on the shelf when it is ready.") % {"name": row.name})
    return redirect("console:reward", ids.encode(PREFIX, (known or row).pk))


def _copied(request: HttpRequest) -> Reward:
    source = _found(request, request.GET["from"], permission=EDIT).reward
    twin = stocking.copy(source)
    twin.name = _("%(name)s (copy)") % {"name": source.name[:50]}
    return twin


def _found(request: HttpRequest, reward: str, *, permission: str) -> Shelved:
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    found = shelves.one(reward_id=ids.decode(PREFIX, reward), moment=clock.now(), store_ids=stores)
    if found is None:
        raise NotFound
    return found


def _row(found: Shelved) -> Row:
    return Row(found, ids.encode(PREFIX, found.reward.pk))


def _may_stock(request: HttpRequest, row: Reward) -> bool:
    """The one stock of all stores is kept by who may see all of them."""
    access = request.access  # type: ignore[attr-defined]
    return access.can(STOCK) and (row.is_store_limited or access.reach(STOCK) == "all")


def _stores(request: HttpRequest, row: Reward) -> Any:
    if not row.is_store_limited or not request.access.can(STOCK):  # type: ignore[attr-defined]
        return None
    reach = request.access.store_ids(STOCK)  # type: ignore[attr-defined]
    stores = Store.objects.filter(is_open=True).order_by("code")
    return stores if reach is None else stores.filter(pk__in=reach)


def _status(form: RewardForm) -> int:
    return 422 if form.errors else 200
