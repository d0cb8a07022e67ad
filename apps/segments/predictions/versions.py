"""Versions of the models: kept, made active, rolled back. One is active, or none."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import audit, clock, requests
from apps.core.errors import DomainError, NotFound
from apps.segments.models import PredictionModel

BY_ITSELF = "system"


class NothingBefore(DomainError):
    code = "no_former_version"
    title = _("There is no version to go back to")


@transaction.atomic
def keep(model: PredictionModel) -> PredictionModel:
    """Store a fitted version, and let it be active by itself where nobody has chosen and it is fit to be."""
    _lock()
    model.save(force_insert=True)
    active = _active()
    chosen = active is not None and active.activated_by != BY_ITSELF
    if not chosen and _is_fit(model.scores):
        _switch(model, by=BY_ITSELF)
    return model


@transaction.atomic
def activate(*, version: int) -> PredictionModel:
    """Let this version speak from the next scoring on; it stays until somebody chooses another. Again: a no-op. Raises NotFound."""
    _lock()
    model = PredictionModel.objects.filter(version=version).first()
    if model is None:
        raise NotFound
    if not model.is_active:
        before = _active()
        _switch(model, by=requests.origin().actor)
        audit.record(
            "predictions.activated",
            object_type="prediction_model",
            object_id=model.pk,
            after={"version": version, "before": before.version if before else None},
        )
    return model


@transaction.atomic
def roll_back() -> PredictionModel:
    """Activate the version that was active before the present one. Raises NothingBefore."""
    _lock()
    former = (
        PredictionModel.objects.filter(is_active=False, activated_at__isnull=False).order_by("-activated_at").first()
    )
    if former is None:
        raise NothingBefore
    return activate(version=former.version)


def _lock() -> None:
    """One at a time, also while there is no row to lock."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(7490205)")


def _active() -> PredictionModel | None:
    return PredictionModel.objects.filter(is_active=True).first()


def _switch(model: PredictionModel, *, by: str) -> None:
    PredictionModel.objects.filter(is_active=True).update(is_active=False)
    model.is_active, model.activated_at, model.activated_by = True, clock.now(), by
    model.save(update_fields=["is_active", "activated_at", "activated_by"])


def _is_fit(scores: dict[str, Any]) -> bool:
    """Not where, when it was tried, it was worse than the table of RFM squares that everybody has anyway."""
    tried = scores.get("models", {})
    best = [tried[name]["brier"] for name in ("features", "bgnbd") if tried.get(name)]
    return not tried.get("rfm") or not best or min(best) <= tried["rfm"]["brier"]
