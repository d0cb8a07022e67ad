"""Tests of a draft's message to colleagues' own phones: what the card shows, and sending them. Journeys and policies have the same."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.care import trials
from apps.care.models import Version
from apps.console import message_preview
from apps.core.errors import DomainError, ValidationFailed


def facts(request: HttpRequest, *, what: str) -> dict[str, Any]:
    """`what`: a journey's "care." or a policy's key."""
    return {
        "mine": trials.own(user_id=request.user.pk or 0), "testers": trials.testers(), "most": trials.MOST,
        "sent": [message_preview.told(one) for one in trials.recent(what)],
    }  # fmt: skip


def send(request: HttpRequest, *, what: str, version: Callable[[], Version]) -> None:
    """To the chosen colleagues, on the chosen channel of the message's chain; says on the next page what became of it."""
    chosen = [int(one) for one in request.POST.getlist("tester")[:50] if one.isdecimal() and len(one) < 19]
    try:
        on = message_preview.on_channel(version(), request.POST.get("channel", ""))
        made = trials.send(trials.Message(what, on), tester_ids=chosen, user_id=request.user.pk or 0)
    except ValidationFailed:
        messages.error(request, _("The message is not whole yet: put right what is marked."))
        return
    except DomainError as refusal:
        messages.error(request, str(refusal.title))
        return
    went = sum(one.state == "accepted" for one in made)
    if went:
        said = ngettext("%(count)s test is on its way.", "%(count)s tests are on their way.", went)
        messages.success(request, said % {"count": went})
    if went < len(made):
        messages.warning(request, _("Not every test could be sent: the list below says why."))
