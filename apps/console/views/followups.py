"""Staff's to-do: what is mine, what lies in the store's pool, one task and its acts, a new one, and how a team stands."""

import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.lists import followups as listed
from apps.console import asked, followup_words, people, scope
from apps.console.followup_form import FollowupForm, colleagues
from apps.core import audit, clock, ids
from apps.core.errors import DomainError, Forbidden, NotFound
from apps.followups import assigning
from apps.followups import services as followups
from apps.followups.models import Task
from apps.members import selectors as members
from apps.stores.models import Staff

PREFIX = "fup"
VIEW, WORK, MANAGE = "followups.view", "followups.work", "followups.manage"
TABS = ("mine", "pool", "all", "done")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission=VIEW)
    show = asked.one_of(request, name="show", allowed=TABS) or _first_tab(request)
    wanted = listed.Wanted(
        stores=where.ids,
        whose="all" if show == "done" else show,
        staff_id=request.access.staff_id,  # type: ignore[attr-defined]
    )
    cursor = request.GET.get("at", "")
    page = (listed.settled if show == "done" else listed.to_do)(wanted=wanted, cursor=cursor)
    rows = [_shown(request, row) for row in page.rows]
    return render(
        request,
        "console/followups.html",
        {
            "show": show,
            "groups": [("", "", rows)] if show == "done" else _grouped(rows),
            "counts": listed.counts(wanted=wanted),
            "stores": where.options,
            "outcomes": Task.Outcome.choices,
            "may_work": request.access.can(WORK),  # type: ignore[attr-defined]
            "back": request.get_full_path(),
            "is_first": not cursor,
            "days": listed.TEAM_DAYS,
            **asked.pager(request, page),
        },
    )


@require_safe
def page(request: HttpRequest, task: str) -> HttpResponse:
    return _page(request, _found(request, task))


@require_POST
def act(request: HttpRequest, task: str, act: str) -> HttpResponse:
    """`take`, `done`, `later`, `hand-over`, `call-off`; what is refused is said above the page that asked."""
    row = _found(request, task, permission=WORK)
    if act not in _ACTS:
        raise NotFound
    by = followups.By(
        staff_id=request.access.staff_id,  # type: ignore[attr-defined]
        may_manage=_may_manage(request, row),
    )
    try:
        said = _ACTS[act](request, row["id"], by)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, said)
    return _back(request, task)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, member: str) -> HttpResponse:
    row = people.one(request, member, permission=WORK)
    start = {
        "due_on": clock.local_date(clock.now()) + timedelta(days=1),
        "request_key": secrets.token_urlsafe(15),
        "assignee": "own",
    }
    form = FollowupForm(request.POST or None, member=row, initial=start)
    if request.method == "POST" and form.is_valid():
        task = form.task(by_staff_id=request.access.staff_id)  # type: ignore[attr-defined]
        given = assigning.assign_many([task], by_staff_id=request.access.staff_id)  # type: ignore[attr-defined]
        if given.left_out:
            messages.error(request, _("This member is not active: nobody turns to them now."))
            return redirect("console:member", member)
        made = Task.objects.get(source=task.source)
        messages.success(request, _("The follow-up is set."))
        return redirect("console:followup", ids.encode(PREFIX, made.pk))
    facts = {"form": form, "member": row, "public_id": people.public_id(row)}
    return render(request, "console/followup_new.html", facts, status=422 if form.errors else 200)


@require_safe
def team(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission="followups.team")
    rows = [
        {
            **row,
            "share": row["reached"] / row["done"] if row["done"] else None,
            "others": [pair for pair in colleagues(row["store_id"]) if pair[0] != str(row["id"])] if row["id"] else (),
        }
        for row in listed.team(stores=where.ids)
    ]
    return render(
        request,
        "console/followups_team.html",
        {
            "rows": rows,
            "stores": where.options,
            "days": listed.TEAM_DAYS,
            "moment": clock.now(),
            "may_manage": request.access.can(MANAGE),  # type: ignore[attr-defined]
        },
    )


@require_POST
def hand_over_all(request: HttpRequest) -> HttpResponse:
    """Everything that somebody has open in the reader's stores, to a colleague or into the pool."""
    stores = request.access.store_ids(MANAGE)  # type: ignore[attr-defined]
    person = _staff(request.POST.get("from", ""), stores)
    to = _staff(request.POST["to"], stores) if request.POST.get("to") else None
    by = followups.By(staff_id=request.access.staff_id, may_manage=True)  # type: ignore[attr-defined]
    try:
        moved = followups.hand_over_all(
            from_staff_id=person.pk, to_staff_id=to.pk if to else None, by=by, store_ids=stores
        )
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        audit.record(
            "followups.handed_over", object_type="staff", object_id=person.pk,
            after={"tasks": moved, "to": to.pk if to else None},
        )  # fmt: skip
        told = ngettext("%(n)s task handed over.", "%(n)s tasks handed over.", moved)
        messages.success(request, told % {"n": moved})
    return redirect("console:followups_team")


def _page(request: HttpRequest, row: dict[str, Any]) -> HttpResponse:
    facts = {
        "row": _shown(request, row),
        "public_id": ids.encode(PREFIX, row["id"]),
        "phone": members.masked_phone(row["member_id"]) if row["member_id"] else "",
        "life": followup_words.life(row, listed.life(task_id=row["id"])),
        "outcomes": Task.Outcome.choices,
        "is_open": row["state"] == Task.State.OPEN,
        "may_act": _may_act(request, row),
        "may_manage": _may_manage(request, row),
        "others": [pair for pair in colleagues(row["store_id"]) if pair[0] != str(row["assignee_id"])],
        "first": clock.local_date(clock.now()),
        "tomorrow": clock.local_date(clock.now()) + timedelta(days=1),
    }
    return render(request, "console/followup.html", facts)


def _shown(request: HttpRequest, row: dict[str, Any]) -> dict[str, Any]:
    """With the words of its day, and whether the reader may open the member and act on it."""
    access = request.access  # type: ignore[attr-defined]
    stores = access.store_ids("members.view") if access.can("members.view") else []
    moment = clock.now()
    return {
        **row,
        "group": followup_words.group(row, moment=moment),
        "due": followup_words.due(row),
        "is_mine": row["assignee_id"] is not None and row["assignee_id"] == access.staff_id,
        "may_open_member": row["member_id"] and (stores is None or row["home_store_id"] in stores),
        "may_act": _may_act(request, row),
    }


def _grouped(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["group"], []).append(row)
    return [(key, followup_words.heading(key), found[key]) for key in ("overdue", "today", "later") if key in found]


def _first_tab(request: HttpRequest) -> str:
    """Who has tasks of their own looks at those first; who only watches, at all."""
    return "mine" if request.access.can(WORK) else "all"  # type: ignore[attr-defined]


def _found(request: HttpRequest, task: str, *, permission: str = VIEW) -> dict[str, Any]:
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    row = listed.one(task_id=ids.decode(PREFIX, task), stores=stores)
    if row is None:
        raise NotFound
    return row


def _may_manage(request: HttpRequest, row: dict[str, Any]) -> bool:
    access = request.access  # type: ignore[attr-defined]
    return bool(access.can(MANAGE)) and _within(row, access.store_ids(MANAGE))


def _may_act(request: HttpRequest, row: dict[str, Any]) -> bool:
    access = request.access  # type: ignore[attr-defined]
    if row["state"] != Task.State.OPEN or not access.can(WORK) or not _within(row, access.store_ids(WORK)):
        return False
    return row["assignee_id"] in {None, access.staff_id} or _may_manage(request, row)


def _within(row: dict[str, Any], stores: list[int] | None) -> bool:
    return stores is None or row["store_id"] in stores


def _staff(text: str, stores: list[int] | None) -> Staff:
    """Somebody of the reader's stores. Raises NotFound."""
    found = Staff.objects.filter(pk=int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    if found is not None and stores is not None:
        found = found.filter(store_id__in=stores)
    person = found.first() if found is not None else None
    if person is None:
        raise NotFound
    return person


def _back(request: HttpRequest, task: str) -> HttpResponse:
    """To the list that asked, where it is one of ours."""
    back = request.POST.get("back", "")
    if back.startswith("/console/followups/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return HttpResponseRedirect(back)
    return redirect("console:followup", task)


def _take(request: HttpRequest, task_id: int, by: followups.By) -> str:
    followups.take(task_id=task_id, by=by)
    return _("It is yours now.")


def _done(request: HttpRequest, task_id: int, by: followups.By) -> str:
    evidence = request.POST.get("evidence", "").replace("\0", "")
    followups.complete(task_id=task_id, outcome=request.POST.get("outcome", ""), evidence=evidence, by=by)
    return _("Done.")


def _later(request: HttpRequest, task_id: int, by: followups.By) -> str:
    try:
        day = date.fromisoformat(request.POST.get("due_on", ""))
    except ValueError:
        day = date.min + timedelta(days=1)
    followups.postpone(task_id=task_id, due_on=day, by=by)
    return _("Put off.")


def _hand_over(request: HttpRequest, task_id: int, by: followups.By) -> str:
    text = request.POST.get("to", "")
    to = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    followups.hand_over(task_id=task_id, to_staff_id=to, by=by)
    return _("Handed over.") if to else _("It lies in the pool now.")


def _call_off(request: HttpRequest, task_id: int, by: followups.By) -> str:
    if not by.may_manage:
        raise Forbidden
    followups.cancel(task_id=task_id, by=by)
    return _("Called off.")


_ACTS: dict[str, Callable[[HttpRequest, int, followups.By], str]] = {
    "take": _take, "done": _done, "later": _later, "hand-over": _hand_over, "call-off": _call_off,
}  # fmt: skip
