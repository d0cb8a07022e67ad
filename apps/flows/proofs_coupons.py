"""The races of coupons at full scale, for `prove_value`: each made on its own template, with what must be 0 counted afterwards."""

import os
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from statistics import quantiles
from typing import Any

from apps.core import clock, crowds
from apps.coupons import batches, codes, guessing, issuing, redeeming
from apps.coupons import proving as rushes
from apps.coupons import proving_tills as tills_at_once
from apps.coupons.basket import Shopper
from apps.coupons.models import Batch, Budget, Coupon, Entry, Spent, Stock, Template, Use
from apps.stores.models import Store

CLAIMANTS, COUPONS = 5000, 1000
TILLS, SCANNED = 200, 500
RESERVED = 10_000
GUESSES, REAL, TAKEN, THIEVES, HONEST = 1_000_000, 20_000, 100, 400, 400
PROCESSES, SEATS = 4, 16
Line = dict[str, Any]


def _rush() -> Line:
    """Twice as many claims as members, ten times as many as coupons."""
    of = rushes.sale(key=f"rush-{time.time_ns()}", most=COUPONS)
    members = rushes.people(stamp=f"RUSH-{time.time_ns()}", count=CLAIMANTS)
    told = rushes.rush(of=of, members=members, each=2, at_once=16, processes=PROCESSES)
    zeros = rushes.zeros(of, told=told, most=COUPONS)
    return {"race": "claims of few coupons", "claims": CLAIMANTS * 2, "coupons": COUPONS, "told": told, "zeros": zeros}


def _tills(tills: int = TILLS, scanned: int = SCANNED) -> Line:
    """Every till reads every coupon, all the same one at the same instant; times count from that instant."""
    of = rushes.sale(key=f"tills-{time.time_ns()}", most=scanned, per_member=None)
    (member,) = rushes.people(stamp=f"TILLS-{time.time_ns()}", count=1)
    stores, began = _stores(20), time.monotonic()
    coupons = _wallet(of, member, scanned)
    crowd = tills_at_once.scan_at_once(coupons=coupons, stores=stores, tills=tills, processes=PROCESSES)
    took = [seconds * 1000 for till in crowd for seconds in till.seconds]
    cuts = quantiles(took, n=20)
    return {
        "race": "tills that read one coupon", "tills": tills, "coupons": scanned, "scans": len(took),
        "seconds": round(time.monotonic() - began, 1), "p50_ms": round(cuts[9]), "p95_ms": round(cuts[18]),
        "machine_load": _load(), "zeros": tills_at_once.zeros(crowd, coupons),
    }  # fmt: skip


def _reservations(count: int = RESERVED) -> Line:
    """Clients set coupons aside and are never heard of again. Half a minute after the last ran out the sweep has freed them all, each
    can be used at once, and budgets have everything back."""
    of = rushes.sale(key=f"held-{time.time_ns()}", most=count, per_member=None)
    budget = Budget.objects.create(template=of, per="total", of="uses", most=count)
    coupons = _wallet(of, rushes.people(stamp=f"HELD-{time.time_ns()}", count=1)[0], count)
    (store,) = _stores(1)

    def leave(seat: int, gate: crowds.Gate) -> list[float]:
        took = []
        for coupon in coupons[seat::SEATS]:
            began = time.monotonic()
            redeeming.reserve(tills_at_once.act(coupon, f"gone:{coupon.pk}", store))
            took.append(time.monotonic() - began)
        return took

    took = [seconds * 1000 for seat in crowds.run(leave, seats=SEATS, processes=PROCESSES) for seconds in seat]
    over = clock.now() + redeeming.RESERVE_FOR + timedelta(seconds=30)
    early = redeeming.release_overdue(moment=clock.now())
    began = time.monotonic()
    while redeeming.release_overdue(moment=over):
        pass
    swept = time.monotonic() - began
    kept = Spent.objects.filter(budget=budget).values_list("amount", flat=True).first()
    zeros = {
        "let_go_early": early,
        "stuck": Use.objects.filter(template=of, state="reserved").count(),
        "not_usable": Coupon.objects.filter(template=of).exclude(state="ready").count(),
        "budget_kept": kept or 0,
        "not_told": count - Entry.objects.filter(coupon__in=coupons, kind="released").count(),
    }
    return {
        "race": "clients killed with coupons set aside", "reserved": len(took), "reserve_p95_ms": round(quantiles(took, n=20)[18]),
        "sweep_seconds": round(swept, 1), "machine_load": _load(), "zeros": zeros,
    }  # fmt: skip


def _guesses(count: int = GUESSES) -> Line:
    """Guesses from 400 accounts behind 80 addresses while members enter codes of their own, some behind the same addresses; then as
    many again straight at the database, as if no limit stood before it."""
    of = rushes.sale(key=f"guess-{time.time_ns()}", most=REAL, per_member=None)
    batch = Batch.objects.create(
        template=of, version_id=of.version_id or 0, name="x", pattern=guessing.PATTERN, wanted=REAL
    )
    batch.made = batches.fill(batch, REAL)
    batch.save(update_fields=["made"])
    Stock.objects.filter(template=of).update(issued=batch.made)
    real = [str(row.code) for row in Coupon.objects.filter(batch=batch).order_by("pk")]
    taken, free = real[:TAKEN], real[TAKEN:]
    owner, *thieves = rushes.people(stamp=f"THIEF-{time.time_ns()}", count=THIEVES + 1)
    honest = rushes.people(stamp=f"HONEST-{time.time_ns()}", count=HONEST)
    for code in taken:
        codes.enter(shopper=Shopper(owner), text=code)
    began = time.monotonic()
    seen = guessing.siege(
        real=free, taken=taken, thieves=thieves, honest=honest, count=count, seats=SEATS, processes=PROCESSES
    )
    took = time.monotonic() - began
    windows = 1 + int(took // codes.WINDOW)
    accepted, told = guessing.unlimited(real=free, taken=taken, thief=thieves[0], count=count)
    return {
        "race": "codes guessed", "guesses": seen.guesses, "looked_at": seen.looked_at, "answered_429": seen.limited,
        "asked_of_the_database_as_well": count, "innocent": seen.innocent, "behind_a_guessers_address": seen.neighbours,
        "of_these_locked_out": seen.neighbours - seen.neighbours_done, "seconds": round(took, 1), "machine_load": _load(),
        "zeros": {
            "accepted": seen.accepted + accepted,
            "told_apart": seen.told_apart + told,
            "of_thieves": Coupon.objects.filter(batch=batch, member__in=thieves).count(),
            "above_the_limit": max(seen.looked_at - THIEVES * codes.MISSES["member"] * windows, 0),
            "innocent_refused": seen.innocent - seen.innocent_done,
        },
    }  # fmt: skip


def _stores(count: int) -> list[Store]:
    stamp = time.time_ns()
    return [Store.objects.create(code=f"x{stamp}-{number}", name=f"{number}") for number in range(count)]


def _wallet(of: Template, member_id: int, count: int) -> list[Coupon]:
    for number in range(count):
        issuing.issue(member_id=member_id, template_id=of.pk, source=f"wallet:{of.pk}:{number}", channel="api")
    return list(Coupon.objects.filter(template=of).order_by("pk"))


def _load() -> float:
    """How many processes wanted the machine's cores in the last minute, these ones included."""
    return round(os.getloadavg()[0], 1)


RACES: dict[str, Callable[[], Iterable[Line]]] = {
    "rush": lambda: [_rush()],
    "tills": lambda: [_tills()],
    "reservations": lambda: [_reservations()],
    "guesses": lambda: [_guesses()],
}
