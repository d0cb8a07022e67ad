"""The month a page is asked for."""

from datetime import date, timedelta

from django.http import HttpRequest

from apps.core import clock

FIRST = date(2000, 1, 1)
AHEAD = timedelta(days=400)


def month(request: HttpRequest) -> date:
    """Its first day; without one that makes sense the present month."""
    today = clock.local_date(clock.now())
    found = read(request.GET.get("month", ""))
    return found if found is not None and FIRST <= found <= today + AHEAD else today.replace(day=1)


def read(text: str) -> date | None:
    """2026-11, or a day of it."""
    cleaned = text.strip().replace("/", "-")
    try:
        found = date.fromisoformat(cleaned if len(cleaned) > 7 else f"{cleaned}-01")
    except ValueError:
        return None
    return found.replace(day=1)


def neighbour(first: date, *, by: int) -> str:
    """The month before (−1) or after (1), as addresses say it."""
    near = first - timedelta(days=1) if by < 0 else first + timedelta(days=31)
    return f"{near:%Y-%m}"
