"""Carriers' words on what a provider had taken: delivered, or failed after all. Kept as they came, and applied to the touch."""

from collections.abc import Iterable

from django.db import connection, transaction

from apps.care import replies
from apps.care.models import Receipt, Touch
from apps.core import clock
from apps.gateways.messages import Receipt as Word

_KEY = "touch:"
# A touch that is being sent is left to its worker, whose record looks for receipts. An `unknown` one is settled here: the carrier
# knows. Whoever still asks about it finds another fence.
_APPLY = """
    update care_touch t set
        state = r.state, reason = r.code, settled_at = coalesce(t.settled_at, %(moment)s), lease_until = null, fence = t.fence + 1,
        slot_on = case when r.state = 'delivered' then t.slot_on end
    from care_receipt r
    where r.id = any(%(ids)s) and t.id = r.touch_id and r.state in ('delivered', 'failed')
      and t.state in ('sent', 'unknown')
    returning t.member_id, r.code
"""


def take(words: Iterable[Word]) -> int:
    """Take reports in, each once; those of other messages than care's are passed over. Returns how many were new."""
    moment = clock.now()
    rows = [
        Receipt(
            touch_id=int(word.key.removeprefix(_KEY)),
            source=word.source[:120],
            state=Receipt.State.DELIVERED if word.is_delivered else Receipt.State.FAILED,
            code=word.code[:30],
            at=word.at or moment,
            taken_at=moment,
        )
        for word in words
        if word.key.startswith(_KEY) and word.key.removeprefix(_KEY).isdecimal() and len(word.key) < 25
    ]
    with transaction.atomic():
        ours = set(Touch.objects.filter(pk__in={row.touch_id for row in rows}).values_list("pk", flat=True))
        told = set(Receipt.objects.filter(touch_id__in=ours).values_list("touch_id", "source"))
        fresh = [row for row in rows if row.touch_id in ours and (row.touch_id, row.source) not in told]
        Receipt.objects.bulk_create(fresh, ignore_conflicts=True)
        sources = {(row.touch_id, row.source) for row in fresh}
        kept = Receipt.objects.filter(touch_id__in={row.touch_id for row in fresh}).values_list(
            "pk", "touch_id", "source"
        )
        ids = [pk for pk, touch_id, source in kept if (touch_id, source) in sources]
        with connection.cursor() as cursor:
            cursor.execute(_APPLY, {"ids": ids, "moment": moment})
            settled = cursor.fetchall()
        for member_id in sorted({member_id for member_id, code in settled if code == "BLACKLIST"}):
            replies.withdraw_sms(member_id)
    return len(fresh)
