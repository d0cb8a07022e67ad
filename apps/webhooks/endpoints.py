"""Endpoints: made and changed by staff, switched off by themselves when they are gone or fail for days."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import alerts, audit, clock, outbound
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import Alert
from apps.core.outbound import Refused
from apps.webhooks import signing
from apps.webhooks.catalogue import FACTS
from apps.webhooks.errors import TooManyEndpoints
from apps.webhooks.models import Delivery, Endpoint

MOST = 30
ALERT = "webhooks.switched_off"
_KEY = re.compile(r"(?!(new|calls)$)[a-z][a-z0-9-]{1,59}")  # addresses of pages, these two


@dataclass(frozen=True)
class Made:
    """`secret` is shown now and never again."""

    endpoint: Endpoint
    secret: str


def named(key: str, *, with_retired: bool = False) -> Endpoint:
    """Raises NotFound."""
    rows = Endpoint.objects.all() if with_retired else Endpoint.objects.filter(retired_at=None)
    row = rows.filter(key=key).first()
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def make(*, key: str, name: str, url: str, facts: Sequence[str], user_id: int | None) -> Made:
    """Raises ValidationFailed (pointers /key, /name, /url, /facts), TooManyEndpoints."""
    wrong = _wrong(name, url, facts)
    if not _KEY.fullmatch(key):
        wrong.append(_finding("/key", "wrong_form", _("Small letters, digits and hyphens, beginning with a letter.")))
    elif Endpoint.objects.filter(key=key).exists():
        wrong.append(_finding("/key", "taken", _("An endpoint has or had this key.")))
    if wrong:
        raise ValidationFailed(errors=wrong)
    if Endpoint.objects.filter(retired_at=None).count() >= MOST:
        raise TooManyEndpoints(most=MOST)
    moment = clock.now()
    row = Endpoint.objects.create(
        key=key, name=name.strip(), url=url, facts=_in_order(facts), created_at=moment, created_by_id=user_id
    )
    secret = signing.issue(endpoint_id=row.pk, moment=moment)
    _record("made", row, name=row.name, url=row.url, facts=row.facts)
    return Made(row, secret)


@transaction.atomic
def change(*, key: str, name: str, url: str, facts: Sequence[str]) -> None:
    """What waits goes to the new address. Raises NotFound, ValidationFailed."""
    row = _locked(key)
    if wrong := _wrong(name, url, facts):
        raise ValidationFailed(errors=wrong)
    row.name, row.url, row.facts = name.strip(), url, _in_order(facts)
    row.save(update_fields=["name", "url", "facts"])
    _record("changed", row, name=row.name, url=row.url, facts=row.facts)


@transaction.atomic
def rotate(*, key: str) -> str:
    """A new secret; calls carry the old one's signature beside its own for 24 hours. Raises NotFound."""
    row = _locked(key)
    secret = signing.issue(endpoint_id=row.pk, moment=clock.now())
    _record("secret_changed", row)
    return secret


@transaction.atomic
def switch_off(*, key: str) -> None:
    """Nothing is sent or kept for it from now on; what waits is failed and can be replayed. Raises NotFound."""
    row = _locked(key)
    if row.is_active:
        _turn_off(row, Endpoint.Off.STAFF, moment=clock.now())


@transaction.atomic
def switch_on(*, key: str) -> None:
    """Raises NotFound."""
    row = _locked(key)
    if row.is_active:
        return
    row.off, row.off_at, row.failing_since = "", None, None
    row.save(update_fields=["off", "off_at", "failing_since"])
    Alert.objects.filter(kind=ALERT, seen_at=None, facts__endpoint=row.key).update(seen_at=clock.now())
    _record("switched_on", row)


@transaction.atomic
def retire(*, key: str) -> None:
    """Gone for good; its key is not given out again. Raises NotFound."""
    row = _locked(key)
    moment = clock.now()
    row.retired_at = moment
    row.save(update_fields=["retired_at"])
    _fail_open(row, "endpoint_gone", moment=moment)
    _record("removed", row)


def turn_off_by_itself(*, endpoint_id: int, why: Endpoint.Off, moment: datetime) -> bool:
    """Told to staff by an alert. False: it was off already. In the caller's transaction."""
    row = Endpoint.objects.select_for_update().filter(pk=endpoint_id, off="", retired_at=None).first()
    if row is None:
        return False
    _turn_off(row, why, moment=moment)
    alerts.raise_once(ALERT, key=f"{ALERT}:{row.key}:{moment.isoformat()}", endpoint=row.key, why=str(why))
    return True


def _turn_off(row: Endpoint, why: Endpoint.Off, *, moment: datetime) -> None:
    row.off, row.off_at = why, moment
    row.save(update_fields=["off", "off_at"])
    _fail_open(row, "endpoint_off", moment=moment)
    _record("switched_off", row, why=str(why))


def _fail_open(row: Endpoint, error: str, *, moment: datetime) -> None:
    """Calls that are under way say themselves what came of them."""
    waiting = Delivery.objects.filter(endpoint=row, state=Delivery.State.WAITING)
    waiting.update(state=Delivery.State.FAILED, error=error, settled_at=moment)


def _locked(key: str) -> Endpoint:
    row = Endpoint.objects.select_for_update().filter(key=key, retired_at=None).first()
    if row is None:
        raise NotFound
    return row


def _wrong(name: str, url: str, facts: Sequence[str]) -> list[dict[str, Any]]:
    wrong = []
    if not 0 < len(name.strip()) <= 60:
        wrong.append(_finding("/name", "wrong_length", _("A name of 1 to 60 characters is expected.")))
    try:
        outbound.check(url)
    except Refused as refusal:
        wrong.append(_finding("/url", refusal.code, str(outbound.TEXTS[refusal.code])))
    if not set(facts) <= FACTS.keys():
        wrong.append(_finding("/facts", "unknown_value", _("This value is not known.")))
    return wrong


def _finding(pointer: str, code: str, message: str) -> dict[str, Any]:
    return {"pointer": pointer, "code": code, "message": message}


def _in_order(facts: Sequence[str]) -> list[str]:
    return [fact for fact in FACTS if fact in facts]


def _record(act: str, row: Endpoint, **after: Any) -> None:
    audit.record(f"webhook_endpoint.{act}", object_type="webhook_endpoint", object_id=row.key, after=after or None)
