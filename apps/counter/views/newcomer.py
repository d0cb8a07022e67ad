"""A new member at the till: a code to scan with their own phone, or their phone number and the six digits sent to it.

The clerk ticks nothing. The screen shows the member what reading the digits out means; messages stay off until they allow them.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.activity import codes, qr
from apps.activity.models import Code
from apps.core import requests
from apps.counter import door, screens
from apps.counter.views import scan
from apps.flows.checkout import Desk
from apps.members import login, policy_texts
from apps.members.models import Member

RULES = "2026-12.2"  # of the members' own pages: the version that the sentence on the screen names


@screens.act
def ask(request: HttpRequest) -> HttpResponse:
    """Without a phone: the picture. With one: a code goes to it."""
    code, phone = _code(door.desk(request)), screens.posted(request, "phone", 40)
    sent = (
        login.request_code(phone=phone, network=requests.origin().address, device=_device(request)) if phone else None
    )
    facts = {"picture": qr.svg(_address(request, code)), "sent": sent}
    return screens.part(request, "_newcomer.html", facts, place="view")


@screens.act
def join(request: HttpRequest) -> HttpResponse:
    """The digits are right: the member, old or new, stands at the till."""
    desk = door.desk(request)
    found = login.log_in_by_code(
        request_id=screens.posted(request, "request_id", 80),
        code=screens.posted(request, "code", 12),
        source=f"code:{_code(desk).slug}",
    )
    policy_texts.agreed_to_rules(member_id=found.member_id, version=RULES, at="till")
    if found.is_new:
        Member.objects.filter(pk=found.member_id, home_store=None).update(home_store_id=desk.store_id)
    return scan.shown(request, found.member_id, is_present=True)


def _code(desk: Desk) -> Code:
    """The store's own tracked code at its tills, made when there is none."""
    rows = Code.objects.filter(store_id=desk.store_id, channel=Code.Channel.COUNTER, stopped_at=None)
    found = rows.order_by("pk").first()
    return found or codes.create(
        name="Till", target=reverse("portal:login"), channel=Code.Channel.COUNTER, store_id=desk.store_id
    )


def _address(request: HttpRequest, code: Code) -> str:
    path = reverse("short_link", args=[code.slug])
    return settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _device(request: HttpRequest) -> str:
    return f"till-{door.till_id(request):08d}"
