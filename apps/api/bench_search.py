"""Search for members among many: what staff type into the box, and what programs ask. The budget is 50 ms."""

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

from apps.api import bench
from apps.members import identities, selectors
from apps.members.models import Attribute, Identity
from apps.stores import credentials
from apps.stores.models import Store

MEMBERS = {"S": 20_000, "M": 1_000_000, "L": 4_000_000}
ROUNDS = 40
BUDGET = 50.0  # milliseconds
STORES = 50
_FAMILY = "王李张刘陈杨黄赵周吴徐孙马胡朱郭何罗高林沈顾陆"
_GIVEN = "静敏丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华慧巧美娜婷雪琳晶妍茜秋珊莎锦黛青倩岚苑筠柔竹"
_PEOPLE = "copy members_member (member_no, nickname, gender, status, source, tags, attributes, joined_at, home_store_id) from stdin"
_PHONES = "copy members_identity (member_id, kind, namespace, digest, tail_digest, sealed, created_at) from stdin"


def bench_search(size: str) -> Iterator[dict[str, Any]]:
    """The slowest twentieth (p95, ms) of each kind of search, beside the budget. Ratios below 1 hold it."""
    members = MEMBERS[size]
    _fill(members)
    chance = random.Random(1)  # noqa: S311 - invented questions
    stores = list(Store.objects.filter(code__startswith="B").values_list("pk", flat=True)[:3])

    def some() -> int:
        return chance.randrange(members)

    questions: dict[str, Callable[[], Any]] = {
        "whole phone": lambda: selectors.search(text=_phone(some())),
        "last four digits": lambda: selectors.search(text=f"{some() % 10_000:04d}"),
        "member number": lambda: selectors.search(text=f"B{some():08d}"),
        "common name": lambda: selectors.search(text=_name(some())),
        "one letter of a name": lambda: selectors.search(text=chance.choice(_FAMILY)),
        "part of a rare name": lambda: selectors.search(text=f"{some():07d}"[:6]),
        "name that nobody has": lambda: selectors.search(text="龘靐"),
        "name in three stores": lambda: selectors.search(text=_name(some()), store_ids=stores),
        "following page": lambda: selectors.search(text=_name(some()), after=members // 2),
        "own field": lambda: selectors.search(text=f"club {some()}"),
    }
    for name, ask in questions.items():
        yield _line(name, size, ask)
    yield _line("phone, by a program", size, _by_program(some))


def _line(name: str, size: str, ask: Callable[[], Any]) -> dict[str, Any]:
    took = sorted(_milliseconds(ask) for _ in range(ROUNDS))[int(ROUNDS * 0.95)]
    return {
        "name": f"search, {name} (p95 ms)",
        "size": size,
        "figure": round(took, 1),
        "baseline": BUDGET,
        "ratio": round(took / BUDGET, 3),
    }


def _milliseconds(ask: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000


def _by_program(some: Callable[[], int]) -> Callable[[], None]:
    key = credentials.issue_client(name="bench", scopes=["members.read"]).secret
    app = WSGIHandler()

    def ask() -> None:
        with bench.unlimited():
            body = json.dumps({"phone": _phone(some())}).encode()
            bench.call(app, "POST", "/api/v1/members/find", key, body=body)

    return ask


def _fill(members: int) -> None:
    """Members of a scratch database, made anew: names as people have them, a phone each, some with a club of their own."""
    with connection.cursor() as cursor:
        cursor.execute("truncate members_member, stores_store, members_attribute cascade")
        Store.objects.bulk_create(Store(code=f"B{n}", name=f"B{n}") for n in range(STORES))
        stores = list(Store.objects.values_list("pk", flat=True))
        Attribute.objects.create(key="club", label="club", type=Attribute.Type.TEXT, is_searchable=True)
        with cursor.copy(_PEOPLE) as rows:
            for n in range(members):
                own = json.dumps({"club": f"club {n}"}) if n % 10 == 0 else "{}"
                rows.write_row(
                    (f"B{n:08d}", _name(n), "", "active", "bench", "{}", own, "2026-01-01+08", stores[n % STORES])
                )
        cursor.execute("select min(id) from members_member")
        first = cursor.fetchone()[0]
        with cursor.copy(_PHONES) as rows:
            for n in range(members):
                phone = "+86" + _phone(n)
                digest = identities.digest(kind=Identity.Kind.PHONE, value=phone)
                tail = identities.tail_digest(phone[-4:])
                rows.write_row((first + n, "phone", "", digest, tail, b"", "2026-01-01+08"))
        cursor.execute("vacuum (analyze) members_member")
        cursor.execute("vacuum (analyze) members_identity")


def _name(number: int) -> str:
    """Two names in three are of people, the third is one that apps give away."""
    if number % 3 == 2:
        return f"微信用户{number:07d}"
    mixed = number * 2_654_435_761 % 2**32  # spreads neighbours
    given = _GIVEN[mixed % len(_GIVEN)] + (_GIVEN[mixed // 64 % len(_GIVEN)] if mixed // 4096 % 2 else "")
    return _FAMILY[mixed // 8192 % len(_FAMILY)] + given


def _phone(number: int) -> str:
    return f"170{number:08d}"
