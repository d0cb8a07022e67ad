"""The texts that members agree to: published once, never changed; a later one may end the consents given under earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.core import audit, clock
from apps.core.errors import ValidationFailed
from apps.members.errors import PolicyTextOutdated, PolicyVersionTaken
from apps.members.models import Consent, PolicyText

LONGEST_TEXT = 20_000
# Rows given under another text; those given under the new one early count on.
_END = """
update members_consentnow set valid_until = least(coalesce(valid_until, %(end)s), %(end)s)
 where purpose = %(purpose)s and is_granted and text_version <> %(version)s and at < %(end)s
"""


@dataclass(frozen=True)
class Text:
    """One version as pages show it."""

    purpose: str
    version: str
    text_zh: str
    text_en: str
    effective_at: datetime
    asks_again: bool
    is_current: bool  # in force now, and the newest of its purpose

    @property
    def words(self) -> str:
        """In the reader's language."""
        return self.text_zh if (get_language() or "").startswith("zh") else self.text_en


def publish(
    *,
    purpose: str,
    version: str,
    text_zh: str,
    text_en: str,
    effective_at: datetime | None = None,
    asks_again: bool = False,
) -> int:
    """Put a text in force now or later. With `asks_again`, consents given under other versions end then.

    Raises ValidationFailed, PolicyVersionTaken.
    """
    moment = clock.now()
    fields = {"version": version.strip(), "text_zh": text_zh.strip(), "text_en": text_en.strip()}
    _check(purpose, fields, effective_at, moment)
    start = effective_at or moment
    try:
        with transaction.atomic():
            text = PolicyText.objects.create(
                purpose=purpose, effective_at=start, asks_again=asks_again, published_at=moment, **fields
            )
            if asks_again:
                _end_earlier(purpose, fields["version"], start)
            facts = {"purpose": purpose, "version": fields["version"], "asks_again": asks_again}
            audit.record("policy_text.published", object_type="policy_text", object_id=text.pk, after=facts)
    except IntegrityError:
        raise PolicyVersionTaken from None
    return text.pk


def agreed_to_rules(*, member_id: int, version: str, at: str) -> None:
    """Note that a member agreed to the rules of membership in this version, when coming in. `at`: the face that showed them."""
    audit.record("policy.agreed", object_type="member", object_id=member_id, after={"version": version, "at": at})


def current(purpose: str) -> Text | None:
    """The text in force, or None while the brand has published none."""
    return next((text for text in history() if text.purpose == purpose and text.is_current), None)


def in_force() -> list[Text]:
    """The text that counts now of each purpose for which the brand has published one."""
    return [text for text in history() if text.is_current]


def check_shown(*, purpose: str, version: str) -> None:
    """A yes names a text of the brand that no later one has ended; while there is none, any name will do. Raises PolicyTextOutdated."""
    moment = clock.now()
    published = [text for text in history() if text.purpose == purpose and text.effective_at <= moment]
    for text in published:
        if text.version == version:
            return
        if text.asks_again:
            break
    if published:
        raise PolicyTextOutdated(current=published[0].version)


def history() -> Sequence[Text]:
    """Every version, newest first within its purpose."""
    moment, seen, found = clock.now(), set(), []
    for row in PolicyText.objects.order_by("purpose", "-effective_at", "-pk"):
        is_current = row.effective_at <= moment and row.purpose not in seen
        if is_current:
            seen.add(row.purpose)
        found.append(
            Text(
                purpose=row.purpose,
                version=row.version,
                text_zh=row.text_zh,
                text_en=row.text_en,
                effective_at=row.effective_at,
                asks_again=row.asks_again,
                is_current=is_current,
            )
        )
    return found


def _end_earlier(purpose: str, version: str, end: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_END, {"purpose": purpose, "version": version, "end": end})


def _check(purpose: str, fields: dict[str, str], effective_at: datetime | None, moment: datetime) -> None:
    errors = []
    if purpose not in Consent.Purpose.values:
        errors.append(("/purpose", _("Choose one of the purposes.")))
    if not 0 < len(fields["version"]) <= 40:
        errors.append(("/version", _("A version of 1 to 40 characters is expected, such as 2026-11.")))
    for name in ("text_zh", "text_en"):
        if not 0 < len(fields[name]) <= LONGEST_TEXT:
            errors.append((f"/{name}", _("A text in both languages is expected.")))
    if effective_at and effective_at < moment:
        errors.append(("/effective_at", _("A text cannot come into force in the past.")))
    if errors:
        raise ValidationFailed(errors=[{"pointer": at, "code": "invalid", "message": text} for at, text in errors])
