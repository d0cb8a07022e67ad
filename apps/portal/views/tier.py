"""The member's tier: where they stand, what is missing, what comes otherwise, and what each tier gives."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.core.errors import NotFound
from apps.points import benefits
from apps.points.models import Tier
from apps.portal import ladders, shell
from apps.portal.shell import Facts


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Raises NotFound where the brand has no tiers."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    tier = ladders.view(member_id=member_id)
    if tier is None:
        raise NotFound
    rights = benefits.rights(member_id=member_id)
    gives = {rank: list(rows) for rank, rows in groupby(rights, key=lambda right: right.tier.rank)}
    rungs = Tier.objects.filter(ladder=tier.ladder).order_by("rank")
    facts: Facts = {
        "tier": tier,
        "rungs": [(rung, tier.amount(rung.threshold), gives.get(rung.rank, [])) for rung in rungs],
    }
    return shell.page(request, "portal/tier.html", facts)
