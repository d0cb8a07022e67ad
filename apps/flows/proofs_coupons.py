"""The races of coupons at full scale, for `prove_value`: each made on its own template, with what must be 0 counted afterwards."""

import os
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from statistics import quantiles
from typing import Any

from apps.core import clock
from apps.coupons import proving as rushes
from apps.coupons import proving_tills as tills_at_once
from apps.coupons.models import Coupon
from apps.stores.models import Store

CLAIMANTS, COUPONS = 5000, 1000
TILLS, SCANNED = 200, 500
PROCESSES = 4
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
    of = rushes.sale(key=f"tills-{time.time_ns()}", most=scanned)
    (member,) = rushes.people(stamp=f"TILLS-{time.time_ns()}", count=1)
    stamp, ends, began = time.time_ns(), clock.now() + timedelta(days=30), time.monotonic()
    stores = [Store.objects.create(code=f"x{stamp}-{number}", name=f"{number}") for number in range(20)]
    coupons = Coupon.objects.bulk_create(
        Coupon(template=of, version=of.version, member_id=member, channel="api", starts_at=clock.now(), ends_at=ends)
        for _ in range(scanned)
    )
    crowd = tills_at_once.scan_at_once(coupons=coupons, stores=stores, tills=tills, processes=PROCESSES)
    took = [seconds * 1000 for till in crowd for seconds in till.seconds]
    cuts = quantiles(took, n=20)
    return {
        "race": "tills that read one coupon", "tills": tills, "coupons": scanned, "scans": len(took),
        "seconds": round(time.monotonic() - began, 1), "p50_ms": round(cuts[9]), "p95_ms": round(cuts[18]),
        "machine_load": round(os.getloadavg()[0], 1), "zeros": tills_at_once.zeros(crowd, coupons),
    }  # fmt: skip


RACES: dict[str, Callable[[], Iterable[Line]]] = {"rush": lambda: [_rush()], "tills": lambda: [_tills()]}
