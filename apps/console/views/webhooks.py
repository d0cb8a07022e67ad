"""Webhook endpoints: how they are, what they are told, what came of every call; secrets are shown once."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.analytics import keyset
from apps.console import asked, people
from apps.console.webhook_form import EndpointForm
from apps.core import clock, kept
from apps.core.errors import DomainError, ValidationFailed
from apps.webhooks import catalogue, dispatch, endpoints, replaying, selectors, telling
from apps.webhooks.models import Attempt, Delivery, Endpoint


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    moment = clock.now()
    rows = [
        {"health": one, "endpoint": one.endpoint, **_state(one.endpoint)} for one in selectors.healths(moment=moment)
    ]
    facts = {"rows": rows, "may_edit": _may_edit(request), "moment": moment}
    return render(request, "console/webhooks.html", facts)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = EndpointForm(request.POST or None, is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            made = endpoints.make(**form.cleaned_data, user_id=request.user.pk)
        except ValidationFailed as refusal:
            form.refused(refusal)
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            kept.keep_secret(request, endpoint=made.endpoint.key, secret=made.secret)
            return redirect("console:webhook_shown", made.endpoint.key)
    return render(request, "console/webhook_form.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def show(request: HttpRequest, endpoint: str) -> HttpResponse:
    row, moment = endpoints.named(endpoint), clock.now()
    wanted = {
        "state": asked.one_of(request, name="state", allowed=dict(Delivery.State.choices)),
        "kind": asked.one_of(request, name="kind", allowed=catalogue.ALL),
    }
    page = _page(request, selectors.deliveries(endpoint_id=row.pk, **wanted))
    health = next(one for one in selectors.healths(moment=moment) if one.endpoint.pk == row.pk)
    kinds = {fact: one.label for fact, one in catalogue.ALL.items()}
    facts = {
        "endpoint": row,
        "health": health,
        **_state(row),
        "told": [kinds[fact] for fact in row.facts],
        "old_ends": selectors.old_secret_ends(endpoint_id=row.pk, moment=moment),
        "rows": [_line(one["row"]) for one in page.rows],
        "states": _options(dict(Delivery.State.choices), wanted["state"]),
        "kinds": _options(kinds, wanted["kind"]),
        "is_narrowed": any(wanted.values()),
        "may_edit": _may_edit(request),
        "moment": moment,
        **asked.pager(request, page),
    }
    return render(request, "console/webhook.html", facts)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, endpoint: str) -> HttpResponse:
    row = endpoints.named(endpoint)
    first = {"name": row.name, "url": row.url, "facts": row.facts}
    form = EndpointForm(request.POST or None, is_new=False, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(key=row.key, **form.cleaned_data)
        except ValidationFailed as refusal:
            form.refused(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:webhook", row.key)
    facts = {"form": form, "endpoint": row}
    return render(request, "console/webhook_form.html", facts, status=422 if form.errors else 200)


@never_cache
@require_POST
def secret(request: HttpRequest, endpoint: str) -> HttpResponse:
    kept.keep_secret(request, endpoint=endpoint, secret=endpoints.rotate(key=endpoint), is_change=True)
    return redirect("console:webhook_shown", endpoint)


@never_cache
@require_GET
def shown(request: HttpRequest, endpoint: str) -> HttpResponse:
    """The secret stands in this one answer; loaded anew, the page changes nothing and has nothing to show."""
    row, found = endpoints.named(endpoint), kept.take_secret(request)
    if found is None or found.get("endpoint") != row.key:
        messages.info(request, _("A secret is shown once. If it was not kept, make a new one."))
        return redirect("console:webhook", row.key)
    return render(request, "console/webhook_secret.html", found | {"endpoint": row})


@require_POST
def ping(request: HttpRequest, endpoint: str) -> HttpResponse:
    try:
        made = telling.ping(key=endpoint)
    except DomainError as refusal:
        return _refused(request, refusal, endpoint)
    messages.success(request, _("A test is on its way. What came of it stands here in a moment."))
    return redirect("console:webhook_call", selectors.public_id(made))


@require_POST
def switch(request: HttpRequest, endpoint: str) -> HttpResponse:
    if request.POST.get("on") == "1":
        endpoints.switch_on(key=endpoint)
        messages.success(request, _("Switched on. What failed meanwhile can be replayed."))
    else:
        endpoints.switch_off(key=endpoint)
        messages.success(request, _("Switched off. Nothing is sent there, and nothing is kept for it."))
    return redirect("console:webhook", endpoint)


@require_POST
def remove(request: HttpRequest, endpoint: str) -> HttpResponse:
    endpoints.retire(key=endpoint)
    messages.success(request, _("Removed. Journeys that call it go on without the call."))
    return redirect("console:webhooks")


@require_POST
def replay(request: HttpRequest, endpoint: str) -> HttpResponse:
    """All that failed since a moment of the shop's clock."""
    since = _moment(request.POST.get("since", ""))
    if since is None:
        messages.error(request, _("Enter day and time, such as 2026-12-01T10:00."))
        return redirect("console:webhook", endpoint)
    try:
        count = replaying.all_failed(key=endpoint, since=since)
    except DomainError as refusal:
        return _refused(request, refusal, endpoint)
    told = ngettext("%(count)s delivery goes out again.", "%(count)s deliveries go out again.", count)
    messages.success(request, told % {"count": count})
    return redirect("console:webhook", endpoint)


@require_safe
def call(request: HttpRequest, delivery: str) -> HttpResponse:
    row = selectors.delivery(delivery)
    facts = {
        **_line(row),
        "endpoint": row.endpoint,
        "message_id": selectors.message_id(row),
        "body": row.message.body,
        "tries": [_try(one) for one in selectors.attempts(delivery_id=row.pk)],
        "may_replay": _may_edit(request) and row.settled_at is not None and row.endpoint.is_active,
    }
    return render(request, "console/webhook_call.html", facts)


@require_POST
def call_replay(request: HttpRequest, delivery: str) -> HttpResponse:
    row = selectors.delivery(delivery)
    try:
        replaying.one(delivery_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("It goes out again, under the same id."))
    return redirect("console:webhook_call", delivery)


def _page(request: HttpRequest, rows: QuerySet[Delivery]) -> keyset.Page:
    cursor = keyset.read(request.GET.get("at", ""), kinds=[int])
    if cursor:
        rows = rows.filter(pk__gt=cursor.key[0]) if cursor.is_back else rows.filter(pk__lt=cursor.key[0])
    found = rows.order_by("pk" if cursor and cursor.is_back else "-pk")[: keyset.SIZE + 1]
    return keyset.page([{"id": row.pk, "row": row} for row in found], cursor=cursor, key=["id"])


def _refused(request: HttpRequest, refusal: DomainError, endpoint: str) -> HttpResponse:
    people.complain(request, refusal)
    return redirect("console:webhook", endpoint)


def _may_edit(request: HttpRequest) -> bool:
    return bool(request.access.can("webhooks.edit"))  # type: ignore[attr-defined]


def _state(row: Endpoint) -> dict[str, str]:
    """How an endpoint is, in a word."""
    if row.off:
        return {"word": row.get_off_display(), "tone": "bad" if row.off != Endpoint.Off.STAFF else ""}
    if row.failing_since:
        return {"word": _("Failing"), "tone": "warn"}
    return {"word": _("In order"), "tone": "ok"} if row.succeeded_at else {"word": _("Not called yet"), "tone": ""}


def _line(row: Delivery) -> dict[str, Any]:
    return {
        "row": row,
        "public_id": selectors.public_id(row),
        "kind": row.message.type,
        "label": catalogue.ALL[row.message.type].label,
        "why": dispatch.ERRORS.get(row.error, ""),
    }


def _try(row: Attempt) -> dict[str, Any]:
    return {
        "row": row,
        "timestamp": int(row.signed_at.timestamp()),
        "why": dispatch.ERRORS.get(row.error, ""),
        "tone": "bad" if row.error else "ok",
    }


def _options(choices: dict[str, Any], chosen: str) -> list[tuple[str, Any, bool]]:
    return [("", _("All"), not chosen), *((value, text, value == chosen) for value, text in choices.items())]


def _moment(text: str) -> datetime | None:
    try:
        return clock.start_of(text)
    except (ValueError, OverflowError):
        return None
