"""The outbox carries ids, never personal data."""

from apps.core.holdings import Holding, Purge

HOLDINGS: tuple[Holding, ...] = ()
IMPERSONAL = ("events.Event", "events.StepRun")
PURGES = (Purge(model="events.Event", days=30, since="finished_at"),)
