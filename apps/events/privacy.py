"""The outbox carries ids, never personal data."""

from apps.core.holdings import Holding

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = ("events.Event", "events.StepRun")
