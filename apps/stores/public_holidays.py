"""The public holidays of China that are certain, as data; later years come in by a file (`calendar_edits.take_public_days`).

2025 and 2026 as the State Council announced them. 2027 holds the days that the law names; which days around them are off, and which
weekends are worked for it, is announced each November.
"""

from datetime import date, timedelta

# name, first day off, last day off, weekend days worked in exchange
_YEARS = (
    ("元旦", "2025-01-01", "2025-01-01", ()),
    ("春节", "2025-01-28", "2025-02-04", ("2025-01-26", "2025-02-08")),
    ("清明节", "2025-04-04", "2025-04-06", ()),
    ("劳动节", "2025-05-01", "2025-05-05", ("2025-04-27",)),
    ("端午节", "2025-05-31", "2025-06-02", ()),
    ("国庆节、中秋节", "2025-10-01", "2025-10-08", ("2025-09-28", "2025-10-11")),
    ("元旦", "2026-01-01", "2026-01-03", ("2026-01-04",)),
    ("春节", "2026-02-15", "2026-02-23", ("2026-02-14", "2026-02-28")),
    ("清明节", "2026-04-04", "2026-04-06", ()),
    ("劳动节", "2026-05-01", "2026-05-05", ("2026-05-09",)),
    ("端午节", "2026-06-19", "2026-06-21", ()),
    ("中秋节", "2026-09-25", "2026-09-27", ()),
    ("国庆节", "2026-10-01", "2026-10-07", ("2026-09-20", "2026-10-10")),
    ("元旦", "2027-01-01", "2027-01-01", ()),
    ("春节", "2027-02-05", "2027-02-08", ()),
    ("清明节", "2027-04-05", "2027-04-05", ()),
    ("劳动节", "2027-05-01", "2027-05-02", ()),
    ("端午节", "2027-06-09", "2027-06-09", ()),
    ("中秋节", "2027-09-15", "2027-09-15", ()),
    ("国庆节", "2027-10-01", "2027-10-03", ()),
)


def certain() -> list[tuple[date, bool, str]]:
    """(day, whether it is worked, name), by day."""
    found = []
    for name, first, last, worked in _YEARS:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
        found += [(begin + timedelta(days=later), False, name) for later in range((end - begin).days + 1)]
        found += [(date.fromisoformat(day), True, name) for day in worked]
    return sorted(found)
