"""`prove_value`: the public races of the points books and of coupons (`proofs_coupons`) at full scale, on a scratch database of their
own, each with its zeros."""

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from django.db import connection, connections

from apps.core import clock
from apps.coupons import checking as coupons
from apps.flows import benches, proofs_coupons
from apps.members.models import Member
from apps.points import checking, proving
from apps.points import services as points
from apps.points.models import Currency, Entry, Hold

SCRATCH = "siyu_proof"
MANY, NIGHTS, KEYS, BASKETS = 1000, 1000, 200, 2000
Line = dict[str, Any]


NAMES = ("hot", "many", "copies", "midnights", "baskets", "killed", *proofs_coupons.RACES, "ledgers")


def run(*, seconds: int, writers: int, say: Callable[[str], None], only: Sequence[str] = ()) -> Iterator[Line]:
    """Each race in turn (or those of `only`, by name); a line says what was done and, under `zeros`, what must be 0."""
    benches.use_scratch(SCRATCH, say=say)
    Currency.objects.filter(key="points").update(transfer={"fee_percent": 5})
    races: dict[str, Callable[[], Iterable[Line]]] = {
        "hot": lambda: [_crowd("hot account", _members(2), writers, seconds, skew=0.0)],
        "many": lambda: [_crowd("1,000 accounts, Zipf", _members(MANY), writers, seconds, skew=1.0)],
        "copies": lambda: [_copies()],
        "midnights": lambda: map(_midnight, ("2026-12-01", "2028-02-29", "2029-01-01")),
        "baskets": lambda: [_baskets()],
        "killed": lambda: [_killed(writers=8, seconds=seconds)],
        **proofs_coupons.RACES,
        "ledgers": lambda: [_ledgers()],
    }
    for name in only or races:
        yield from races[name]()


def _ledgers() -> Line:
    run, checked = checking.check(), coupons.check()
    return {
        "race": "check_ledgers", "accounts": run.accounts, "entries": run.entries, "coupons": checked.coupons, "uses": checked.uses,
        "zeros": {"faults": run.faults, "faults_of_coupons": checked.count},
    }  # fmt: skip


def _members(count: int) -> list[int]:
    """New ones each time: what an earlier run left in the scratch database stays as it was."""
    stamp = time.time_ns()
    made = Member.objects.bulk_create(Member(member_no=f"X{stamp}-{number}") for number in range(count))
    return [member.pk for member in made]


def _first() -> int:
    """Numbers of writers that no earlier run used, since sources carry them."""
    return time.time_ns() // 1_000_000 * 1000


def _crowd(name: str, members: list[int], writers: int, seconds: int, *, skew: float) -> Line:
    before, began = Entry.objects.count(), time.monotonic()
    crowd = proving.race(members=members, writers=writers, seconds=seconds, skew=skew, first=_first())
    took = time.monotonic() - began
    told = [told for writer in crowd for told in writer.told]
    zeros = proving.count(told) | {"doubled": sum(writer.doubled for writer in crowd)}
    lines = Entry.objects.count() - before
    return {
        "race": name, "writers": writers, "seconds": round(took, 1), "calls": len(told),
        "done": sum(t.outcome == "done" for t in told), "lines": lines, "lines_per_second": round(lines / took),
        "deadlocks_asked_again": sum(writer.lost_answers for writer in crowd), "zeros": zeros,
    }  # fmt: skip


def _copies() -> Line:
    (member,) = _members(1)
    zeros = proving.copies(member_id=member, keys=KEYS, at_once=50)
    return {"race": "one source 50 times at once", "keys": KEYS, "zeros": zeros}


def _midnight(day: str) -> Line:
    end = clock.parse(f"{day}T00:00")
    outcomes = proving.midnights(members=_members(NIGHTS), day_end=end)
    faults = checking.check().faults
    zeros = {"spent_after_the_end": sum(late for _, late in outcomes), "faults": faults}
    return {
        "race": f"midnight before {day}",
        "races": NIGHTS,
        "spent_in_time": sum(e for e, _ in outcomes),
        "zeros": zeros,
    }


def _baskets() -> Line:
    """Clients set points aside and are never heard of again."""
    moment, members = clock.now(), _members(BASKETS // 10)
    for member in members:
        points.earn(member_id=member, amount=100, source="start", moment=moment)
        for number in range(10):
            points.hold(member_id=member, amount=10, source=f"basket:{number}", moment=moment)
    over = moment + points.HOLD_FOR + timedelta(seconds=60)
    while points.let_go_expired(moment=over):
        pass
    stuck = Hold.objects.filter(entry__account__member_id__in=members, state="held").count()
    return {"race": "clients killed with points set aside", "holds": BASKETS, "zeros": {"stuck": stuck}}


def _killed(*, writers: int, seconds: int) -> Line:
    """Processes of writers are killed (-9) and sessions cut while they post; what nobody answered is asked again."""
    members, first = _members(50), _first()
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    kills = cuts = 0
    with TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(writers)]
        crowd = [_begin(fork, path, members, first + number, seconds) for number, path in enumerate(files)]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(1)
            seat, kills = kills % writers, kills + 1
            os.kill(crowd[seat].pid or 0, signal.SIGKILL)
            crowd[seat].join()
            files.append(Path(folder) / str(writers + kills))
            crowd[seat] = _begin(fork, files[-1], members, first + writers + kills, end - time.monotonic())
            cuts += _cut()
        for process in crowd:
            process.join()
        told = [proving.Told(*row) for path in files if path.exists() for row in _settled(path)]
    return {
        "race": "processes killed, sessions cut", "writers": writers, "kills": kills, "cuts": cuts,
        "calls": len(told), "zeros": proving.count(told),
    }  # fmt: skip


def _begin(fork: Any, path: Path, members: list[int], number: int, seconds: float) -> Any:
    process = fork.Process(target=_write, args=(path, members, number, seconds))
    process.start()
    return process


def _write(path: Path, members: list[int], number: int, seconds: float) -> None:
    """One writer in a process of its own: notes each call before it is made and its outcome after it."""
    writer = proving.Writer(number, members, clock.now())
    until = time.monotonic() + seconds
    with path.open("ab") as journal:

        def note(told: proving.Told) -> None:
            pickle.dump((told.name, told.facts, told.outcome, told.entry_id), journal)
            journal.flush()

        while time.monotonic() < until:
            told = proving.Told(*writer.invent())
            writer.told.append(told)
            note(told)
            writer.ask(told)
            note(told)
    os._exit(0)


def _settled(path: Path) -> list[tuple[Any, ...]]:
    """The journal's last word on each call; where there is none, the call is made once more, as its client would."""
    calls: dict[str, tuple[Any, ...]] = {}
    with path.open("rb") as journal:
        while True:
            try:
                row = pickle.load(journal)  # noqa: S301 - written by this very process's children
            except (EOFError, pickle.UnpicklingError):  # the last word of a killed one may be cut short
                break
            calls[row[1]["source"]] = row
    writer = proving.Writer(0, [0], clock.now())
    for source, row in calls.items():
        if not row[2]:
            told = proving.Told(*row)
            writer.ask(told)
            calls[source] = (told.name, told.facts, told.outcome, told.entry_id)
    return list(calls.values())


def _cut() -> int:
    """End all sessions of the writers at once, as a failing server would."""
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"], user=settings["USER"], password=settings["PASSWORD"],
        dbname=settings["NAME"], autocommit=True,
    ) as session:  # fmt: skip
        ended = session.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        ).fetchone()
    return int(ended[0]) if ended else 0
