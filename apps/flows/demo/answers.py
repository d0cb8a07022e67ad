"""Some members answer their messages: a few thank, a few reply R and want no more. Invented, the same ones each time."""

import numpy as np
from django.conf import settings

from apps.care.models import Attempt, Channel
from apps.core import clock
from apps.flows.demo.source import spread
from apps.gateways.models import ReadUpTo
from apps.gateways.simulator.client import Client, SimulatorRefused

STREAM = "demo.answers"
AT_ONCE = 500
OPT_OUT_PERCENT, THANKS_PERCENT = 1, 3
THANKS = ("谢谢", "好的，周末去看看", "收到，谢谢提醒")


def give() -> int:
    """Answer the messages sent since the last time. Returns how many answers the platform took."""
    mark, _ = ReadUpTo.objects.get_or_create(stream=STREAM)
    sent = Attempt.objects.filter(pk__gt=mark.number, state="accepted", touch__channel=Channel.SMS)
    attempts = list(sent.order_by("pk").values_list("pk", "touch_id", "key")[:AT_ONCE])
    if not attempts:
        return 0
    client, at = Client(settings.SIMULATOR_URL), clock.now().isoformat() if clock.is_frozen() else ""
    given = sum(_answer(client, key=key, words=words(touch_id), at=at) for _, touch_id, key in attempts)
    ReadUpTo.objects.filter(stream=STREAM).update(number=attempts[-1][0])
    return given


def words(touch_id: int) -> str:
    """What the member says to this message; mostly nothing."""
    place = int(spread(np.array([touch_id]), salt=17, parts=100)[0])
    if place < OPT_OUT_PERCENT:
        return "R"
    return THANKS[touch_id % len(THANKS)] if place < OPT_OUT_PERCENT + THANKS_PERCENT else ""


def _answer(client: Client, *, key: str, words: str, at: str) -> bool:
    if not words:
        return False
    try:
        client.reply(words, key=key, at=at)
    except (OSError, SimulatorRefused):  # the phone has no signal; nobody waits for an answer
        return False
    return True
