"""Touches whose worker died or whose answer got lost: the provider is asked what it knows before anything else happens."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from apps.care import outcomes, reasons
from apps.care.models import Attempt, Channel
from apps.care.outcomes import Claim, Verdict
from apps.community import queueing
from apps.core import clock
from apps.gateways import grants, sms
from apps.gateways.messages import Outcome
from apps.gateways.sms_lines import Sent
from apps.members import selectors as members

CHUNK = 500
LEASE = timedelta(seconds=120)  # while it is asked about
ASK_AGAIN = timedelta(minutes=5)
ASK_FOR = timedelta(hours=24)
Open = tuple[Claim, datetime, int]  # send_at, deaths


def settle_open(channel: str) -> Counter[str]:
    """Settle what the provider knows, send again what it never saw, ask later about the rest. Inbox keys need no asking."""
    figures: Counter[str] = Counter()
    while claims := _claim_open(channel, moment=clock.now()):
        moment = clock.now()
        known = _known(channel, claims)
        verdicts = []
        for claim, send_at, deaths in claims:
            answer = known.get(claim.key)
            if answer is None:
                verdicts.append(outcomes.never_seen(claim, moment=moment, deaths=deaths))
            elif answer.state == "unknown":
                verdicts.append(_still_unknown(claim, send_at=send_at, moment=moment))
            else:
                verdicts.append(outcomes.judge(claim, answer, channel=channel, moment=moment))
        figures += outcomes.record(verdicts, moment=moment, may_be_told=True)
    return figures


def _known(channel: str, claims: Sequence[Open]) -> dict[str, Outcome]:
    """What the other side, or for WeChat our own ledger of credits, says of the keys. Inbox keys are sent again safely."""
    keys = [claim.key for claim, _, _ in claims]
    if channel == Channel.SMS:
        return sms.query(keys, sent=_sent(claims))
    if channel == Channel.EMAIL:  # SMTP cannot be asked: only a bounce tells, and nothing is sent twice on a guess
        return {key: Outcome(key, "unknown", code="NO_QUERY") for key in keys}
    if channel == Channel.WECOM:  # taken over in our own books, or never
        return queueing.known(keys)
    return grants.known(keys) if channel == Channel.WECHAT else {}


def _sent(claims: Sequence[Open]) -> dict[str, Sent]:
    """Where each went and when, for vendors that know no keys. A try without a line was made a moment ago, for all we know."""
    if sms.is_simulated():
        return {}
    phones = members.phones([claim.member_id for claim, _, _ in claims])
    tries = Attempt.objects.filter(touch__in=[claim.touch_id for claim, _, _ in claims])
    lines = {(touch_id, number): at for touch_id, number, at in tries.values_list("touch_id", "number", "at")}
    moment = clock.now()
    return {
        claim.key: Sent(phones[claim.member_id], send_at, lines.get((claim.touch_id, claim.tries), moment))
        for claim, send_at, _ in claims
        if claim.member_id in phones
    }


def _claim_open(channel: str, *, moment: datetime) -> list[Open]:
    """Open touches whose lease has run out, leased anew for asking; each with the deaths of workers that had it in hand.

    Whoever left one in `sending` ended in the middle; an `unknown` one lost its answer, not its worker.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with picked as (
                select id, state from care_touch
                where settled_at is null and channel = %(channel)s and send_at <= %(moment)s
                  and state in ('sending', 'unknown') and lease_until <= %(moment)s
                order by send_at, id limit %(chunk)s for update skip locked
            )
            update care_touch t set state = 'unknown', fence = t.fence + 1, lease_until = %(lease)s
            from picked where t.id = picked.id
            returning t.id, t.member_id, t.version_id, t.fence, t.tries, t.send_at,
                case when picked.state = 'sending' then t.deaths + 1 else 0 end
            """,
            {"channel": channel, "moment": moment, "lease": moment + LEASE, "chunk": CHUNK},
        )
        return [(Claim(*row[:5]), row[5], row[6]) for row in cursor.fetchall()]


def _still_unknown(claim: Claim, *, send_at: datetime, moment: datetime) -> Verdict:
    """Never resend what may have arrived: after a day without an answer it stays unknown for good."""
    if moment - send_at > ASK_FOR:
        return Verdict(claim, "unknown", reason=reasons.NO_ANSWER, outcome="unknown")
    return Verdict(claim, "unknown", lease_until=moment + ASK_AGAIN, outcome="unknown")
