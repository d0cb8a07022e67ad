"""Exchanges of the points mall: list, one with its life in words, cancel, payment come in, the list as a file."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics import exchange_exports
from apps.analytics.lists import exchanges as listed
from apps.console import asked, exchange_life, people, scope
from apps.core import audit, clock, ids, jobs, money, reasons
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import Job
from apps.members import selectors as members
from apps.points import mall
from apps.points.models import Exchange, Reward

PREFIX, REWARD = "exg", "rwd"
VIEW, SETTLE = "points.exchanges", "points.exchanges_settle"
MOST_FOUND = 200  # members that a search looks through


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """GET filters; POST searches, so that what was typed stands in no address."""
    where = scope.of(request, permission=VIEW)
    wanted = _wanted(request, where)
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    if text:
        found = _searched(text)
        if isinstance(found, str):
            return redirect("console:exchange", found)
        wanted = replace(wanted, member_ids=found)
    page = listed.find(wanted=wanted, cursor=request.GET.get("at", ""))
    facts = {
        "rows": page.rows,
        "wanted": wanted,
        "text": text,
        "stores": where.options,
        "states": _options(Exchange.State.choices, wanted.state),
        "rewards": _options(_rewards(), ids.encode(REWARD, wanted.reward_id) if wanted.reward_id else ""),
        "query": request.GET.urlencode(),
        "may_export": request.access.can(exchange_exports.PERMISSION),  # type: ignore[attr-defined]
        **({} if text else asked.pager(request, page)),
    }
    answer = render(request, "console/exchanges.html", facts)
    if text:
        answer["Cache-Control"] = "no-store"
    return answer


@require_safe
def page(request: HttpRequest, exchange: str) -> HttpResponse:
    return _page(request, _found(request, exchange, permission=VIEW))


@require_POST
def cancel(request: HttpRequest, exchange: str) -> HttpResponse:
    row = _found(request, exchange, permission=SETTLE)
    reason = reasons.said(request.POST.get("reason", ""))
    if not reason:
        return _page(request, row, problem=_("Say why, in a few words."), status=422)
    by = mall.ByStaff(staff_id=request.access.staff_id, reason=reason)  # type: ignore[attr-defined]
    try:
        mall.cancel(exchange_id=row["id"], by_staff=by)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _said(row))
    return redirect("console:exchange", exchange)


@require_POST
def paid(request: HttpRequest, exchange: str) -> HttpResponse:
    """The till has the cash: `ref` is the number of its receipt."""
    row = _found(request, exchange, permission=SETTLE)
    ref = " ".join(request.POST.get("ref", "").replace("\0", "").split())[:80]
    if not ref:
        return _page(request, row, problem=_("Enter the number of the receipt or payment."), status=422)
    try:
        taken = mall.confirm_paid(exchange_id=row["id"], cents=row["cash_cents"], ref=ref)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        if taken.is_new:
            audit.record("exchange.paid", object_type="exchange", object_id=row["id"], after={"ref": ref})
        messages.success(request, _("Paid. The member can pick it up now."))
    return redirect("console:exchange", exchange)


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """What is exported is the list that the address asks for."""
    wanted = _wanted(request, scope.of(request, permission=VIEW))
    facts: dict[str, Any] = {
        "reason": request.POST.get("reason", "")[:200],
        "is_full": request.POST.get("what") == "full",
    }
    if request.method == "POST":
        try:
            job = exchange_exports.start(
                wanted=wanted,
                is_full=facts["is_full"],
                reason=facts["reason"],
                access=request.access,  # type: ignore[attr-defined]
            )
        except ValidationFailed as refusal:
            facts["error"] = refusal.facts["errors"][0]["message"]  # type: ignore[index]
        else:
            return redirect("console:work", jobs.public_id(job))
    facts |= {
        "wanted": wanted,
        "query": request.GET.urlencode(),
        "may_full": request.access.can(exchange_exports.FULL),  # type: ignore[attr-defined]
        "history": list(
            Job.objects.filter(kind=exchange_exports.KIND, created_by_id=request.user.pk).order_by("-pk")[:20]
        ),
        "days": exchange_exports.KEPT_FOR.days,
    }
    return render(request, "console/exchange_exports.html", facts, status=422 if "error" in facts else 200)


def _page(request: HttpRequest, row: dict[str, Any], *, problem: str = "", status: int = 200) -> HttpResponse:
    facts = {
        "row": row,
        "public_id": ids.encode(PREFIX, row["id"]),
        "phone": members.masked_phone(row["member_id"]),
        "life": exchange_life.told(row),
        "is_open": row["state"] in {Exchange.State.AWAITING, Exchange.State.READY},
        "may_settle": _may_settle(request, row),
        "problem": problem,
        "moment": clock.now(),
    }
    return render(request, "console/exchange.html", facts, status=status)


def _wanted(request: HttpRequest, where: scope.Scope) -> listed.Wanted:
    member = _key(request, "member", prefix=members.PREFIX)
    return listed.Wanted(
        stores=request.access.store_ids(VIEW),  # type: ignore[attr-defined]
        store_id=where.chosen,
        state=asked.one_of(request, name="state", allowed=Exchange.State.values),
        reward_id=_key(request, "reward", prefix=REWARD),
        member_ids=None if member is None else members.family(member),
        first=asked.a_date(request, name="first"),
        last=asked.a_date(request, name="last"),
    )


def _searched(text: str) -> str | list[int]:
    """The number of one exchange, or the members that the text names: phone tail, name, member number."""
    try:
        ids.decode(PREFIX, text.lower())
    except NotFound:
        return members.search(text=text, limit=MOST_FOUND).member_ids
    return text.lower()


def _key(request: HttpRequest, name: str, *, prefix: str) -> int | None:
    """A public id from a filter; anything else counts as not asked."""
    try:
        return ids.decode(prefix, request.GET.get(name, ""))
    except NotFound:
        return None


def _found(request: HttpRequest, exchange: str, *, permission: str) -> dict[str, Any]:
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    row = listed.one(exchange_id=ids.decode(PREFIX, exchange), stores=stores)
    if row is None:
        raise NotFound
    return row


def _may_settle(request: HttpRequest, row: dict[str, Any]) -> bool:
    access = request.access  # type: ignore[attr-defined]
    return access.can(SETTLE) and listed.one(exchange_id=row["id"], stores=access.store_ids(SETTLE)) is not None


def _said(row: dict[str, Any]) -> str:
    if row["paid_at"]:
        return _("Cancelled. The points are back; give the member %(cash)s back.") % {
            "cash": money.show(row["cash_cents"])
        }
    return _("Cancelled. The points are back.")


def _rewards() -> list[tuple[str, str]]:
    rows = Reward.objects.order_by("position", "pk").values_list("pk", "name")[:300]
    return [(ids.encode(REWARD, key), name) for key, name in rows]


def _options(choices: Any, chosen: str) -> list[tuple[str, str, bool]]:
    return [("", _("All"), not chosen), *((str(value), str(text), value == chosen) for value, text in choices)]
