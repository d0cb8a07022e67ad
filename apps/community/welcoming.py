"""The welcome to a new customer: within 20 seconds of their coming, once."""

from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from apps.community.models import LiveCode, Welcome
from apps.community.settings import WELCOME
from apps.core import brand, clock
from apps.gateways import limits, wecom
from apps.gateways.wecom_calls import Refused, Unanswered


class TryAgain(Exception):
    """Nothing was said yet, and there is time left."""


def send(*, welcome_code: str, state: str, came_at: datetime) -> str:
    """Say the code's welcome, else the brand's. Returns how it ended; "" when there is nothing to say or it was said before.

    Raises TryAgain. Whatever may have been said is never said again.
    """
    moment, code = (
        clock.now(),
        LiveCode.objects.select_related("group_code").filter(state=state).first() if state else None,
    )
    text = (code.welcome if code else "") or brand.read(WELCOME)
    if code and code.group_code and code.group_code.qr_url:
        text = f"{text}\n{code.group_code.qr_url}".strip()
    if not text:
        return ""
    digest = sha256(welcome_code.encode()).digest()
    taken, is_ours = Welcome.objects.get_or_create(
        digest=digest, defaults={"code": code, "state": "taken", "at": moment}
    )
    if not is_ours and not (taken.state == "again" and _taken_again(taken)):
        return ""
    until = came_at + timedelta(seconds=limits.current("wecom", "welcome_seconds", clock.local_date(moment)))
    if moment > until:
        return _ended(taken, "late")
    try:
        wecom.welcome(code=welcome_code, text=text)
    except Unanswered as failure:
        if failure.state == "retry":
            _ended(taken, "again", failure.code)
            raise TryAgain from failure
        return _ended(taken, "unknown", failure.code)
    except Refused as refused:
        if refused.code == wecom.WELCOMED_ELSEWHERE:
            _ended(taken, "again", str(refused.code))
            raise TryAgain from refused
        return _ended(taken, "refused", str(refused.code))
    return _ended(taken, "sent")


def _taken_again(taken: Welcome) -> bool:
    return bool(Welcome.objects.filter(pk=taken.pk, state="again").update(state="taken"))


@transaction.atomic
def _ended(taken: Welcome, state: str, trouble: str = "") -> str:
    Welcome.objects.filter(pk=taken.pk).update(state=state, trouble=trouble[:40])
    return state
