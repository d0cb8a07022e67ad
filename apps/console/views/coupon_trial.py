"""A basket is tried against coupons: nothing is written."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.catalog.errors import PriceUnknown
from apps.console import coupon_trial, rule_words
from apps.console.coupon_trial import LineSet, TrialForm
from apps.core import ids
from apps.coupons.models import Template

PREFIX = "cpt"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Members within the reader's stores. A post, so that no address carries a member's number."""
    stores = request.access.store_ids("coupons.view")  # type: ignore[attr-defined]
    sent = request.POST if request.method == "POST" else None
    form = TrialForm(sent, tiers=rule_words.names().tiers, stores=stores)
    lines = LineSet(sent, prefix="l")
    facts: dict[str, object] = {"form": form, "lines": lines, "has_coupons": Template.objects.exists()}
    status = 200
    if sent is not None and form.is_valid() & lines.is_valid():
        try:
            facts["tried"] = coupon_trial.tried(form, lines, public_id=lambda key: ids.encode(PREFIX, key))
        except PriceUnknown as refusal:
            form.add_error(None, str(refusal))
            status = 422
    elif sent is not None:
        status = 422
    return render(request, "console/coupon_trial.html", facts, status=status)
