"""Words that staff shall not say to customers: WeCom keeps them from it, and nothing that the house sends has them in it."""

import re
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from apps.community.models import Account, WordRule
from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused, Unanswered

STOPPED = "SENSITIVE_WORD"
MOST_WORDS, LONGEST, MOST_STAFF = 300, 32, 1000


def split(text: str) -> list[str]:
    """Words by line or comma, each once, in their order."""
    found = [" ".join(word.split()) for word in re.split(r"[\n,，、;；]", text)]
    return list(dict.fromkeys(word for word in found if word))


@transaction.atomic
def save(
    *, rule_id: int | None, name: str, words: Sequence[str], is_blocking: bool, is_active: bool = True
) -> WordRule:
    """WeCom hears of it within a minute. Raises ValidationFailed, NotFound."""
    errors = []
    if not 0 < len(name.strip()) <= 20:
        errors.append({"pointer": "/name", "code": "invalid", "message": _("Give it a name of at most 20 characters.")})
    if not 1 <= len(words) <= MOST_WORDS or any(len(word) > LONGEST for word in words):
        sentence = _("One to %(most)s words, of at most %(long)s characters each.")
        said = sentence % {"most": MOST_WORDS, "long": LONGEST}
        errors.append({"pointer": "/words", "code": "invalid", "message": said})
    if errors:
        raise ValidationFailed(errors=errors)
    row = (
        WordRule(made_at=clock.now())
        if rule_id is None
        else WordRule.objects.select_for_update().filter(pk=rule_id).first()
    )
    if row is None:
        raise NotFound
    row.name, row.words, row.is_blocking, row.is_active = name.strip(), list(words), is_blocking, is_active
    row.save()
    after = {"name": row.name, "words": len(row.words), "blocking": is_blocking, "active": is_active}
    audit.record("word_rule.saved", object_type="word_rule", object_id=row.pk, after=after)
    return row


def found_in(text: str) -> str:
    """The first word of a rule that stops it in the text; "" where there is none. Small and capital letters are the same."""
    folded = text.casefold()
    for words in (
        WordRule.objects.filter(is_active=True, is_blocking=True).order_by("pk").values_list("words", flat=True)
    ):
        for word in words:
            if word.casefold() in folded:
                return str(word)
    return ""


def refresh() -> int:
    """Every minute: what WeCom has not been told yet, also of who came and went. Returns how many rules changed there."""
    staff = list(
        Account.objects.filter(is_active=True).order_by("userid").values_list("userid", flat=True)[:MOST_STAFF]
    )
    changed = 0
    for row in WordRule.objects.order_by("pk"):
        wanted = (
            {"name": row.name, "words": row.words, "blocking": row.is_blocking, "staff": staff} if row.is_active else {}
        )
        if wanted == row.told or (row.is_active and not staff):
            continue
        changed += _tell(row, wanted)
    return changed


def _tell(row: WordRule, wanted: dict) -> int:
    before = set(row.told.get("staff", []))
    try:
        if not wanted:
            if row.rule_id:
                wecom.drop_words(row.rule_id)
            row.rule_id = ""
        else:
            now = set(wanted["staff"])
            row.rule_id = wecom.keep_words(
                row.rule_id, name=wanted["name"], words=wanted["words"], is_blocking=wanted["blocking"],
                add=sorted(now - before), remove=sorted(before - now),
            )  # fmt: skip
    except Unanswered as failure:
        row.trouble = failure.code[:40]
    except Refused as refused:
        row.trouble = f"WECOM_{refused.code}"
    else:
        row.told, row.trouble = wanted, ""
    WordRule.objects.filter(pk=row.pk).update(rule_id=row.rule_id, told=row.told, trouble=row.trouble)
    return int(not row.trouble)
