"""All the tables for analysts, one after the other: by the hour what may still move, each night everything."""

from datetime import datetime

from apps.analytics.study import attribution, counting, funnels, paths, spreads, worth

NIGHTLY = (funnels, spreads, worth, paths)  # paths after attribution


def run(*, moment: datetime, whole: bool = False) -> dict[str, int]:
    """What is counted by night only is counted at once where it never was. Returns rows written, and days of attribution."""
    figures = counting.refresh(moment=moment, whole=whole)
    figures["days"] = attribution.refresh(moment=moment, whole=whole)
    for study in NIGHTLY:
        if whole or counting.as_of(study.NAME) is None:
            figures[study.NAME] = study.refresh(moment=moment)
    return figures
