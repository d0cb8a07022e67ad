"""Publishing under four eyes: a journey that reaches many at once needs a second person."""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.care import reach, second_person
from apps.care.journeys import editing, graph
from apps.care.models import Journey, JourneyVersion, Version
from apps.core import approvals, clock
from apps.core.errors import DomainError
from apps.core.models import Approval

KIND = "care.journey"


class DraftMoved(DomainError):
    code = "journey_draft_moved"
    title = _("The draft was changed after somebody asked to publish it. Please ask again.")


def recipients(whole: graph.Graph) -> int:
    """How many members its entry would meet at once, as far as a rule can say; 0 where they come one by one."""
    entry = whole.data["entry"]
    if entry["kind"] not in ("schedule", "trigger"):
        return 0
    parts = [whole.data["audience"]] if whole.data["audience"] else []
    if entry.get("trigger") == Version.Trigger.STAGE_ENTERED:
        parts.append({"field": "stage", "op": "in", "value": [entry["params"]["stage"]]})
    return reach.of_rule({"all": parts} if parts else {}, moment=clock.now())[0].members


@transaction.atomic
def publish(*, journey_id: int, user_id: int) -> JourneyVersion | Approval:
    """Publish the draft, or ask a second person. Raises ValidationFailed, Stopped."""
    journey = editing.locked(journey_id)
    count = recipients(graph.checked(journey.draft))
    if not second_person.is_needed(count):
        return editing.publish(journey_id=journey_id, user_id=user_id)
    params = {"journey_id": journey_id, "members": count, "digest": digest(journey.draft)}
    return approvals.ask_once(kind=KIND, params=params, user_id=user_id, reason=journey.name)


def waits(journey: Journey) -> Approval | None:
    """The open question about the draft as it stands."""
    asked = Approval.objects.filter(kind=KIND, state=Approval.State.WAITING, params__journey_id=journey.pk)
    return asked.filter(params__digest=digest(journey.draft)).order_by("-pk").first()


def digest(draft: Any) -> str:
    return hashlib.sha256(json.dumps(draft, sort_keys=True).encode()).hexdigest()


def _run(asked: Approval) -> None:
    approvals.require_open(asked)
    journey = editing.locked(asked.params["journey_id"])
    if digest(journey.draft) != asked.params["digest"]:
        raise DraftMoved
    editing.publish(journey_id=journey.pk, user_id=asked.asked_by_id)


approvals.register(KIND, run=_run, permission="journeys.run", title=_("Publish a journey"))
