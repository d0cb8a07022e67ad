"""Each message as the phone shows it: text and WeChat messages from the simulator, the rest from the in-app inbox."""

import re
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apps.care import gate
from apps.core import clock
from apps.core.errors import NotFound
from apps.gateways.models import InboxMessage
from apps.gateways.simulator.client import Client, SimulatorRefused
from apps.members.models import Member

log = structlog.get_logger("siyu.console")
SHOWN = 60
CARDS = 20
SCENES: dict[str, str | Promise] = {
    "live_reminder": _("Live show reminder"),
    "order_ready": _("Order ready"),
    "coupon": _("Coupon about to expire"),
    "ticket": _("Reply to your question"),
}
_TAIL = re.compile(r"^\d{4}$")


@dataclass(frozen=True)
class Bubble:
    """`tail` the last four digits of the phone; `who` the member of an inbox message."""

    text: str
    at: datetime
    tail: str = ""
    number: int = 0


@dataclass(frozen=True)
class Note:
    title: str
    body: str
    at: datetime
    nickname: str
    member_id: int
    is_read: bool


@dataclass(frozen=True)
class Card:
    """A WeChat subscribe message; `openid_end` is all that is shown of whom it went to."""

    title: str | Promise
    lines: list[str]
    at: datetime
    openid_end: str


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """POST looks for a phone tail, so that it stands in no address. Only an installation on the simulator has this page."""
    if settings.SMS_PROVIDER != "simulator":
        raise NotFound
    tail = request.POST.get("tail", "").strip()
    is_wrong = bool(tail) and not _TAIL.match(tail)
    facts = {
        "tail": tail,
        "is_wrong": is_wrong,
        "notes": _notes(),
        "bubbles": [],
        "cards": [],
        "is_down": False,
        "quiet": gate.load().on("sms").quiet,
    }
    try:
        facts["bubbles"] = [] if is_wrong else _bubbles(tail)
        facts["cards"] = _cards()
    except (OSError, SimulatorRefused) as trouble:
        log.warning("simulator does not answer", error=type(trouble).__name__)
        facts["is_down"] = True
    return render(request, "console/phone.html", facts)


def _bubbles(tail: str) -> list[Bubble]:
    """The newest deliveries, the oldest of them first as on a phone."""
    found = Client(settings.SIMULATOR_URL).messages(limit=SHOWN, tail=tail, newest=True)
    return sorted((_bubble(row) for row in found), key=lambda bubble: bubble.number)


def _bubble(row: dict) -> Bubble:
    return Bubble(
        text=str(row.get("text", "")),
        at=datetime.fromisoformat(str(row["at"])),
        tail=str(row.get("tail", "")),
        number=int(row.get("number", 0)),
    )


def _cards() -> list[Card]:
    """The newest subscribe messages first. A phone tail does not choose among them: WeChat knows open ids only."""
    if settings.WECHAT_PROVIDER != "simulator":
        return []
    titles = {
        template_id: SCENES.get(scene, template_id)
        for app in settings.WECHAT_APPS
        for scene, template_ids in app.get("scenes", {}).items()
        for template_id in template_ids
    }
    return [
        Card(
            title=titles.get(row["template_id"], row["template_id"]),
            lines=list(row["data"].values()),
            at=datetime.fromisoformat(row["at"]),
            openid_end=row["openid"][-4:],
        )
        for row in Client(settings.SIMULATOR_URL).wechat_messages(limit=CARDS, newest=True)
    ]


def _notes() -> list[Note]:
    rows = list(InboxMessage.objects.order_by("-id")[:8])
    names = dict(Member.objects.filter(pk__in=[row.member_id for row in rows]).values_list("pk", "nickname"))
    return [
        Note(
            title=row.title,
            body=row.body,
            at=clock.local(row.created_at),
            nickname=names.get(row.member_id, ""),
            member_id=row.member_id,
            is_read=row.read_at is not None,
        )
        for row in rows
    ]
