"""What care brought back, per policy, against those held out."""

from datetime import datetime

from apps.care.models import Touch
from apps.console import charts
from apps.console.dashboard import View


def by_policy() -> dict:
    return {}


def last_decision(policy_id: int) -> datetime | None:
    """When the policy last decided about anybody; the index on policy and time answers."""
    rows = Touch.objects.filter(policy_id=policy_id).order_by("-decided_at")
    return rows.values_list("decided_at", flat=True).first()


def plot(view: View, *, csv_url: str = "") -> charts.ForestPlot:
    return charts.ForestPlot(key="effect", title="", comparisons=(), csv_url=csv_url)
