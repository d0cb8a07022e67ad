"""Exchanges of a list as a CSV file, by job: half names, unless the person may see numbers and says why. Rules as in `exports`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apps.analytics import exports
from apps.analytics.lists import exchanges as listed
from apps.core import clock, jobs, money
from apps.core.files.rejects import harmless
from apps.core.models import Job
from apps.members import phones as phone_numbers
from apps.members import selectors as members
from apps.members.names import half_hidden
from apps.stores.access import Access

KIND, FULL, KEPT_FOR = exports.EXCHANGES, exports.FULL, exports.KEPT_FOR
PERMISSION = "points.exchanges_export"
CHUNK = 2_000
_COLUMNS = (
    "exchanged_at", "reward", "state", "points", "cash", "member_no", "nickname", "phone", "store", "pick_up_until",
    "paid_at", "settled_at", "handed_over_in", "handed_over_by", "why", "note",
)  # fmt: skip


def start(*, wanted: listed.Wanted, is_full: bool, reason: str, access: Access) -> Job:
    """Queue an export of a list. Raises Forbidden, ValidationFailed (whole names need a reason)."""
    access.reach(PERMISSION)
    params = {"wanted": wanted.params(), "is_full": is_full, "about": listed.about(wanted=wanted)}
    return exports.begin(KIND, "exchanges.exported", params=params, reason=reason, access=access)


@jobs.runner(KIND)
def export(job: Job) -> dict[str, Any]:
    """Params: `wanted`, `is_full`, `about`. Sees what its owner may see now."""
    reader, is_full = exports.reader_of(job)
    wanted = listed.Wanted.of_params(job.params["wanted"], stores=reader.store_ids(PERMISSION))

    def chunks() -> Iterator[list[list[str]]]:
        for rows in _chunks(wanted):
            phones = members.phones([row["member_id"] for row in rows])
            yield [_cells(row, phone=phones.get(row["member_id"], ""), is_full=is_full) for row in rows]

    return exports.write(job, what="exchanges", heads=_COLUMNS, chunks=chunks())


def _chunks(wanted: listed.Wanted) -> Iterator[tuple[dict[str, Any], ...]]:
    cursor = ""
    while True:
        page = listed.find(wanted=wanted, cursor=cursor, size=CHUNK)
        if page.rows:
            yield page.rows
        cursor = page.older
        if not cursor:
            return


def _cells(row: dict[str, Any], *, phone: str, is_full: bool) -> list[str]:
    values = {
        **row,
        "exchanged_at": _time(row["at"]),
        "cash": money.yuan(row["cash_cents"]),
        "nickname": row["nickname"] if is_full else half_hidden(row["nickname"]),
        "phone": phone.removeprefix("+86") if is_full else phone_numbers.masked(phone),
        "pick_up_until": _time(row["expires_at"]) if row["state"] == "ready" else "",
        "paid_at": _time(row["paid_at"]),
        "settled_at": _time(row["settled_at"]),
        "handed_over_in": row["handed_store"],
        "handed_over_by": row["handed_by"],
    }
    return [harmless("" if values[name] is None else str(values[name])) for name in _COLUMNS]


def _time(moment: datetime | None) -> str:
    return f"{clock.local(moment):%Y-%m-%d %H:%M:%S}" if moment else ""
