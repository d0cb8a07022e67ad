"""The vendors' template registries: a text is handed in once, reviewed there by people, and known here by its code.

Vendors take no free text: they fill a reviewed template in themselves. The opt-out words of marketing belong to it.
"""

import re
from datetime import timedelta

from apps.core import clock
from apps.gateways.messages import OPT_OUT, Outcome
from apps.gateways.models import SmsTemplate
from apps.gateways.sms_lines import VENDORS, names
from apps.gateways.vendor_calls import Unanswered

ASK_EVERY = timedelta(minutes=1)
_PLACEHOLDER = re.compile(r"\$?\{\{?\s*([a-z_]{1,40})\s*\}?\}")
State = SmsTemplate.State


def register(*, name: str, kind: str, text: str) -> Outcome:
    """Hand a text in at every line in use, or see how its review stands. accepted: the first line has approved it.

    No vendor of ours reads texts out: kind `voice` is refused.
    """
    if kind == "voice":
        return Outcome(name, "refused", code="NOT_APPROVED", detail="these vendors make no calls")
    outcomes = [_at(line, name=name, kind=kind, text=text) for line in names()]
    return outcomes[0]


def written(text: str, *, line: str, kind: str) -> str:
    """The text as a vendor's registry wants it, with its own placeholders."""
    place = iter(range(1, 1000))
    own = _PLACEHOLDER.sub(lambda found: VENDORS[line].placeholder(found[1], next(place)), text)
    if kind != "promo":
        return own
    return own + ("" if own[-1:] in "，。！？；,.!?;" else "，") + OPT_OUT


def _at(line: str, *, name: str, kind: str, text: str) -> Outcome:
    moment = clock.now()
    row, is_new = SmsTemplate.objects.get_or_create(
        provider=line, name=name,
        defaults={"kind": kind, "text": written(text, line=line, kind=kind), "submitted_at": moment, "asked_at": moment},
    )  # fmt: skip
    try:
        if is_new or (row.state == State.PENDING and _claimed(row)):
            _brought_forward(row)
    except Unanswered as failure:
        return failure.outcome(name)
    if row.state != State.APPROVED:
        return Outcome(name, "refused", code="NOT_APPROVED", detail=row.reason or row.state)
    VENDORS[line].approved[name] = row.code
    return Outcome(name, "accepted", row.code, "OK")


def _claimed(row: SmsTemplate) -> bool:
    """The right to ask about it, for one minute: true for one of all who want to."""
    moment = clock.now()
    due = SmsTemplate.objects.filter(pk=row.pk, asked_at__lte=moment - ASK_EVERY)
    return bool(due.update(asked_at=moment))


def _brought_forward(row: SmsTemplate) -> None:
    """Hand it in where that was never answered, then see how the review stands. No transaction is open meanwhile."""
    vendor = VENDORS[row.provider]
    if not row.code:
        review = vendor.submit_template(name=row.name, kind=row.kind, text=row.text)
        row.state, row.code, row.reason = review.state, review.code, review.reason
        row.save(update_fields=["state", "code", "reason"])
    if row.code:
        review = vendor.review_of(row.code)
        row.state, row.reason = review.state, review.reason
        row.save(update_fields=["state", "reason"])
