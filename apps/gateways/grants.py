"""The ledger of subscribe messages: one accept, one send. What it does not allow is never asked of WeChat."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from apps.core import ciphers, clock
from apps.core.errors import ValidationFailed
from apps.gateways import wechat
from apps.gateways.errors import GrantExhausted
from apps.gateways.messages import Outcome
from apps.gateways.models import SubscribeAnswer, SubscribeGrant, SubscribeSend

MOST_TEMPLATES = 3  # of one prompt
RESULTS = frozenset({"accept", "reject", "ban", "filter"})
State = SubscribeSend.State


@transaction.atomic
def report(*, member_id: int, app_id: str, openid: str, results: Mapping[str, str], source: str) -> dict[str, int]:
    """Take down what the customer answered to one prompt: template → accept, reject, ban or filter.

    `source` names the prompt: told twice, it counts once. Returns the credits that now stand, by template.
    Raises WechatAppUnknown; ValidationFailed for more than three templates, a strange one or a strange answer.
    """
    _check(app_id, results)
    stands = {}
    for template_id, result in sorted(results.items()):  # one order for all reports: no deadlock
        grant, _is_first = SubscribeGrant.objects.update_or_create(
            app_id=app_id,
            template_id=template_id,
            openid_digest=_digest(app_id, openid),
            defaults={"member_id": member_id},
        )
        _answer, is_new = SubscribeAnswer.objects.get_or_create(
            grant=grant, source=source, defaults={"result": result, "at": clock.now()}
        )
        if is_new:
            _count(grant, result)
        grant.refresh_from_db(fields=["credits"])
        stands[template_id] = grant.credits
    return stands


def credits(*, member_id: int) -> dict[tuple[str, str], int]:
    """(app, template) → messages this member may still be sent, templates closed by the platform left out."""
    rows = SubscribeGrant.objects.filter(member_id=member_id, is_banned=False, credits__gt=0)
    return {
        (app_id, template): count for app_id, template, count in rows.values_list("app_id", "template_id", "credits")
    }


def deliver(
    *, key: str, app_id: str, openid: str, template_id: str, data: Mapping[str, str], page: str = ""
) -> Outcome:
    """Take a credit, send, and settle. Call it with no transaction open; the same key is delivered once at most.

    Outcomes as of `wechat.send_subscribe`. A repeated key answers what became of it, and sends only after a `retry`.
    The credit comes back when WeChat certainly delivered nothing; after 43101 none is left. Raises GrantExhausted.
    """
    send, is_ours = _take(key=key, app_id=app_id, openid=openid, template_id=template_id)
    if not is_ours:
        return _known(send)
    outcome = wechat.send_subscribe(
        key=key, app_id=app_id, openid=openid, template_id=template_id, data=data, page=page
    )
    _settle(send, outcome)
    return outcome


def known(keys: Collection[str]) -> dict[str, Outcome]:
    """What became of each key, by our own ledger; WeChat has no such question. Absent: no credit was taken, it never went out."""
    return {send.key: _known(send) for send in SubscribeSend.objects.filter(key__in=keys)}


@transaction.atomic
def _take(*, key: str, app_id: str, openid: str, template_id: str) -> tuple[SubscribeSend, bool]:
    """The send of this key, and whether a credit was taken for it now. Raises GrantExhausted, and then leaves no trace."""
    grant = SubscribeGrant.objects.filter(
        app_id=app_id, template_id=template_id, openid_digest=_digest(app_id, openid)
    ).first()
    if grant is None:
        raise GrantExhausted
    moment = clock.now()
    send, is_new = SubscribeSend.objects.get_or_create(key=key, defaults={"grant": grant, "taken_at": moment})
    if not is_new:
        retried = SubscribeSend.objects.filter(pk=send.pk, grant=grant, state=State.RETRY)
        if not retried.update(state=State.TAKEN, code="", taken_at=moment):
            return SubscribeSend.objects.get(pk=send.pk), False
        send.refresh_from_db()
    free = SubscribeGrant.objects.filter(pk=grant.pk, is_banned=False, credits__gt=0)
    if not free.update(credits=F("credits") - 1):
        raise GrantExhausted
    return send, True


@transaction.atomic
def _settle(send: SubscribeSend, outcome: Outcome) -> None:
    """Write down what became of it; give the credit back, or strike them all."""
    is_open = SubscribeSend.objects.filter(pk=send.pk, state=State.TAKEN)
    if not is_open.update(state=outcome.state, code=outcome.code):
        return
    grant = SubscribeGrant.objects.filter(pk=send.grant_id)
    if outcome.code == wechat.NO_CREDIT:
        grant.update(credits=0, voided_at=clock.now())
    elif outcome.state in {"refused", "retry"}:
        # A credit taken before WeChat said "none left" is one of those that it does not count.
        grant.filter(_not_voided_since(send.taken_at)).update(credits=F("credits") + 1)


def _not_voided_since(moment: datetime) -> Q:
    return Q(voided_at=None) | Q(voided_at__lt=moment)


def _known(send: SubscribeSend) -> Outcome:
    """A send whose end nobody wrote down may have been delivered."""
    if send.state == State.TAKEN:
        return Outcome(send.key, "unknown", code="UNSETTLED")
    return Outcome(send.key, send.state, code=send.code)  # type: ignore[arg-type]


def _check(app_id: str, results: Mapping[str, str]) -> None:
    ours = wechat.all_templates(app_id)
    errors = [
        {
            "pointer": f"/results/{template_id}",
            "code": "invalid",
            "message": _("not a template or answer of ours"),
        }
        for template_id, result in results.items()
        if template_id not in ours or result not in RESULTS
    ]
    if len(results) > MOST_TEMPLATES:
        errors.append(
            {
                "pointer": "/results",
                "code": "too_many",
                "message": _("at most three templates a prompt"),
            }
        )
    if errors:
        raise ValidationFailed(errors=errors)


def _count(grant: SubscribeGrant, result: str) -> None:
    """A refusal takes nothing back: what was accepted before stays accepted until WeChat says otherwise."""
    row = SubscribeGrant.objects.filter(pk=grant.pk)
    if result == "accept":
        row.update(credits=F("credits") + 1, is_banned=False)
    elif result == "ban":
        row.update(is_banned=True)


def _digest(app_id: str, openid: str) -> bytes:
    return ciphers.blind_index(kind="subscribe-openid", value=f"{app_id}:{openid}")
