"""Care decisions and stage moves, row for row."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.analytics.lists import touches as listed
from apps.care import reasons
from apps.care.models import Channel, Policy, Touch
from apps.console import asked, moments, scope, words
from apps.core import clock
from apps.segments.models import Stage

# The groups the dashboard counts, beside the single states.
GROUPS = ("sent,delivered", "planned,sending,unknown")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    where = scope.of(request, permission="messages.view")
    state = asked.one_of(request, name="state", allowed={*Touch.State.values, *GROUPS})
    policies = list(Policy.objects.values_list("key", "name"))
    wanted = listed.Wanted(
        stores=where.ids,
        states=tuple(state.split(",")) if state else (),
        reason=asked.one_of(request, name="reason", allowed=reasons.TEXTS),
        policy_key=asked.one_of(request, name="policy", allowed=dict(policies)),
        channel=asked.one_of(request, name="channel", allowed=Channel.values),
        first=asked.a_date(request, name="first"),
        last=asked.a_date(request, name="last"),
    )
    page = listed.find(wanted=wanted, cursor=request.GET.get("at", ""))
    states = [(GROUPS[0], _("Sent or delivered")), (GROUPS[1], _("Waiting")), *Touch.State.choices]
    return render(
        request,
        "console/messages.html",
        {
            "rows": [{**row, "href": moments.decided_by(row["policy_key"])} for row in page.rows],
            "wanted": wanted,
            "span": words.span(wanted.first, wanted.last) if wanted.first and wanted.last else "",
            "dropped": asked.without(request, "state", "reason", "policy", "channel", "first", "last", "store"),
            "stores": where.options,
            "states": _options(states, state),
            "reasons": _options(reasons.TEXTS.items(), wanted.reason),
            "policies": _options(policies, wanted.policy_key),
            "channels": _options(Channel.choices, wanted.channel),
            **asked.pager(request, page),
        },
    )


@require_safe
def moves(request: HttpRequest) -> HttpResponse:
    """The rows behind the flow: who went from which stage to which, when, and why."""
    where = scope.of(request, permission="members.view")
    today = clock.local_date(clock.now())
    wanted = listed.MovesWanted(
        stores=where.ids,
        before=asked.one_of(request, name="before", allowed=Stage.values) or None,
        after=asked.one_of(request, name="after", allowed=Stage.values),
        first=asked.a_date(request, name="first") or today - timedelta(days=6),
        last=asked.a_date(request, name="last") or today,
    )
    page = listed.find_moves(wanted=wanted, cursor=request.GET.get("at", ""))
    rows = [{**row, "away": words.since(row["last_order_at"])} for row in page.rows]
    return render(
        request,
        "console/moves.html",
        {
            "rows": rows,
            "wanted": wanted,
            "span": words.span(wanted.first, wanted.last),
            "stores": where.options,
            "befores": _options(Stage.choices, wanted.before or ""),
            "afters": _options(Stage.choices, wanted.after),
            **asked.pager(request, page),
        },
    )


def _options(choices, chosen: str) -> list[tuple[str, str, bool]]:
    return [("", _("All"), not chosen), *((str(value), str(text), value == chosen) for value, text in choices)]
