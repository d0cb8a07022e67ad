"""WeCom's people, played by hand: only where the simulator stands for WeCom."""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.community.models import GroupCode, LiveCode
from apps.core.errors import NotFound
from apps.gateways.simulator.client import Client, SimulatorRefused

log = structlog.get_logger("siyu.wecom")


@require_http_methods(["GET", "HEAD", "POST"])
def play(request: HttpRequest) -> HttpResponse:
    """POST lets one person do one thing; what follows comes back as a callback, as from WeCom."""
    if settings.WECOM_PROVIDER != "simulator":
        raise NotFound
    if not settings.SIMULATOR_URL:
        return render(request, "console/wecom_play.html", {"is_down": True})
    simulator = Client(settings.SIMULATOR_URL)
    try:
        if request.method == "POST":
            _play(request, simulator)
            return redirect("console:wecom_play")
        return render(request, "console/wecom_play.html", _facts(simulator))
    except OSError as trouble:
        log.warning("simulator does not answer", error=type(trouble).__name__)
        return render(request, "console/wecom_play.html", {"is_down": True})


def _play(request: HttpRequest, simulator: Client) -> None:
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound
    what, content = act({name: str(value).strip() for name, value in request.POST.items()})
    try:
        simulator.wecom("callbacks", url=_callback_url(request))
        simulator.wecom(what, **content)
    except SimulatorRefused as refused:
        messages.error(request, _("The simulator says no: %(why)s") % {"why": str(refused)[:200]})
    else:
        messages.success(request, _("Done. What WeCom tells of it is here in a moment."))


def _callback_url(request: HttpRequest) -> str:
    """The simulator posts to loopback only: by the port that the browser came by, for behind a socket a server has none."""
    port = request.get_host().rpartition(":")[2]
    return f"http://127.0.0.1:{port if port.isdecimal() else 80}{reverse('wecom_callback')}"


def _facts(simulator: Client) -> dict[str, Any]:
    open_sends = [
        {"msgid": send["msgid"], "text": send["text"], "userid": userid, "customers": len(person["targets"])}
        for send in simulator.wecom_told("sends")["sends"]
        if not send["is_off"]
        for userid, person in send["people"].items()
        if person["status"] == 0
    ]
    return {
        "staff": [row["userid"] for row in simulator.wecom_told("staff")["staff"] if row["works"]],
        "codes": LiveCode.objects.exclude(config_id="").order_by("name"),
        "group_codes": GroupCode.objects.exclude(config_id="").order_by("name"),
        "chats": [row for row in simulator.wecom_told("chats")["chats"] if not row["is_gone"]][-50:],
        "sends": open_sends[-50:],
        "delivered": simulator.wecom_told("delivered")["delivered"][-10:][::-1],
        "answers": simulator.wecom_told("kf")["sent"][-10:][::-1],
        "welcomes": [row["text"] for row in simulator.wecom_told("welcomes")["welcomes"] if row["text"]][-5:][::-1],
    }


def _add(given: dict[str, str]) -> tuple[str, dict[str, Any]]:
    mobiles = [given["phone"]] if given.get("phone") else []
    where = {"state": given["state"]} if given.get("state") else {"userid": given.get("userid", "")}
    return "add", {"person": given.get("person", ""), "mobiles": mobiles, **where}


_ACTS: dict[str, Callable[[dict[str, str]], tuple[str, dict[str, Any]]]] = {
    "add": _add,
    "chats": lambda given: ("chats", {"name": given.get("name", ""), "owner": given.get("userid", "")}),
    "join": lambda given: ("join", {"person": given.get("person", ""), "state": given.get("state", "")}),
    "confirm": lambda given: ("confirm", {"msgid": given.get("msgid", ""), "userid": given.get("userid", "")}),
    "kf_say": lambda given: ("kf_say", {"person": given.get("person", ""), "text": given.get("text", "")}),
    "leave": lambda given: ("leave", {"userid": given.get("userid", "")}),
}
