"""All the tables for analysts, one after the other: by the hour what may still move, each night everything."""

from datetime import datetime

from apps.analytics.study import attribution, counting


def run(*, moment: datetime, whole: bool = False) -> dict[str, int]:
    """Returns rows written, and days of attribution."""
    figures = counting.refresh(moment=moment, whole=whole)
    figures["days"] = attribution.refresh(moment=moment, whole=whole)
    return figures
