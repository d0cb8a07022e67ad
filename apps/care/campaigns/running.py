"""A campaign's life: drafted, asked for or started, paused, stopped, its test decided. What runs is its journey."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from apps.care import reach, second_person
from apps.care.campaigns import plans, results
from apps.care.experiments import verdicts
from apps.care.journeys import editing
from apps.care.models import Campaign, Journey
from apps.core import approvals, audit, clock
from apps.core.errors import DomainError, NotFound
from apps.core.models import Approval

KIND = "care.campaign"
_PRIORITY = 60  # behind journeys, before policies


class AlreadyStarted(DomainError):
    code = "campaign_started"
    title = _("This campaign has started and cannot be changed any more. Stop it, or copy it.")


class MovedOn(DomainError):
    code = "campaign_moved_on"
    title = _("The campaign was changed after it was asked for. It has to be asked for again.")


@transaction.atomic
def create(*, name: str, plan: dict[str, Any]) -> Campaign:
    """A draft; it may be incomplete until it is started."""
    key = f"{(slugify(name) or 'campaign')[:20].strip('-')}-{secrets.token_hex(3)}"
    journey = editing.create(key=key, name=name, priority=_PRIORITY)
    return Campaign.objects.create(journey=journey, plan=plan)


@transaction.atomic
def save(*, campaign_id: int, name: str, plan: dict[str, Any]) -> Campaign:
    """Keep the draft. A question that waits for a second person is about the plan as it was: it cannot be agreed to any more.

    Raises NotFound, AlreadyStarted.
    """
    row = _locked(campaign_id)
    _require_draft(row)
    row.plan = plan
    row.save(update_fields=["plan"])
    editing.save_draft(journey_id=row.journey_id, draft={}, name=name)
    return row


def size(plan: dict[str, Any], *, moment: datetime) -> int:
    """Members in the audience now, those held out too."""
    found = reach.of_rule(plan["audience"], moment=moment, purpose=plan["purpose"])
    return found[0].members


@transaction.atomic
def start(*, campaign_id: int, user_id: int, reason: str = "") -> Approval | None:
    """Let it run from its moment on; to so many members that it takes two, it waits for a second: returns the question then.

    Raises NotFound, AlreadyStarted, ValidationFailed.
    """
    row = _locked(campaign_id)
    _require_draft(row)
    moment = clock.now()
    plan = plans.checked(row.plan, moment=moment)
    members = size(plan, moment=moment)
    if not second_person.is_needed(members):
        _run(row, plan, moment=moment, user_id=user_id)
        return None
    params = {"campaign_id": row.pk, "name": row.journey.name, "plan": row.plan, "members": members}
    return approvals.ask_once(kind=KIND, params=params, user_id=user_id, reason=reason)


def asked(campaign_id: int) -> Approval | None:
    """The question about it that waits for a second person."""
    waiting = Approval.objects.filter(kind=KIND, state=Approval.State.WAITING, params__campaign_id=campaign_id)
    row = Campaign.objects.filter(pk=campaign_id).first()
    return next((one for one in waiting.order_by("-pk") if row and one.params["plan"] == row.plan), None)


def decide_due(*, moment: datetime) -> int:
    """Tests whose days are over: the winner goes to the rest, or the rest stays split and the reason is kept. Returns how many."""
    testing = Campaign.objects.filter(
        decided_at=None, starts_at__lte=moment, journey__status=Journey.Status.LIVE, plan__test_percent__lt=100
    )
    done = 0
    for campaign_id in testing.order_by("pk").values_list("pk", flat=True):
        done += _decide(campaign_id, moment=moment)
    return done


@transaction.atomic
def _decide(campaign_id: int, *, moment: datetime) -> bool:
    row = _locked(campaign_id)
    plan = plans.DEFAULTS | row.plan
    if row.decided_at or row.starts_at is None or row.starts_at + timedelta(days=plan["test_days"]) > moment:
        return False
    outcome = results.test(row, as_of=moment)
    row.decided_at, row.decision, row.winner = moment, _decision(outcome), outcome.winner or ""
    row.save(update_fields=["decided_at", "decision", "winner"])
    if row.winner:
        graph = plans.graph(plan, starts_at=row.starts_at, winner=row.winner)
        editing.save_draft(journey_id=row.journey_id, draft=graph)
        editing.publish(journey_id=row.journey_id)
        editing.move(journey_id=row.journey_id)
    after = {"decision": row.decision, "winner": row.winner}
    audit.record("campaign.decided", object_type="campaign", object_id=row.pk, after=after)
    return True


def _decision(outcome: verdicts.Outcome) -> str:
    if outcome.winner:
        return Campaign.Decision.WINNER
    codes = {item.code for item in outcome.comparisons}
    if verdicts.MISMATCH in codes:
        return Campaign.Decision.MISMATCH
    return Campaign.Decision.TOO_LITTLE if codes == {verdicts.TOO_LITTLE} else Campaign.Decision.NO_DIFFERENCE


def _run(row: Campaign, plan: dict[str, Any], *, moment: datetime, user_id: int | None) -> None:
    row.plan, row.started_at = plan, moment
    row.starts_at = plans.starts_at(plan, moment=moment).replace(second=0, microsecond=0)
    row.save(update_fields=["plan", "started_at", "starts_at"])
    editing.save_draft(journey_id=row.journey_id, draft=plans.graph(plan, starts_at=row.starts_at))
    editing.publish(journey_id=row.journey_id, user_id=user_id)
    audit.record("campaign.started", object_type="campaign", object_id=row.pk, after={"starts_at": str(row.starts_at)})


def _agreed(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    row = _locked(asked.params["campaign_id"])
    _require_draft(row)
    if row.plan != asked.params["plan"]:
        raise MovedOn
    moment = clock.now()
    _run(row, plans.checked(row.plan, moment=moment, is_past_fine=True), moment=moment, user_id=asked.decided_by_id)


def _locked(campaign_id: int) -> Campaign:
    rows = Campaign.objects.select_for_update(of=("self",)).select_related("journey")
    row = rows.filter(pk=campaign_id).first()
    if row is None:
        raise NotFound
    return row


def _require_draft(row: Campaign) -> None:
    if row.started_at is not None:
        raise AlreadyStarted


approvals.register(KIND, run=_agreed, permission="campaigns.agree", title=_("Campaign"))
