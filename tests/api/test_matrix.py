"""Every route of the API, every method, every kind of caller, against config/access.yaml (T-S1, the programs' half).

Routes come from the resolver: a new one is knocked at without a change here. What belongs to another member, or another store's
till, does not exist.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.api import door
from apps.core import clock as house
from apps.core import ids, tokens
from apps.core.models import Job, User
from apps.gateways import inbox
from apps.gateways.inbox import Letter
from apps.gateways.models import InboxMessage
from apps.members.models import Member
from apps.orders.models import Order
from apps.stores import credentials
from apps.stores.models import Scope, Store
from apps.tickets import services as tickets
from apps.tickets.services import NewTicket
from tests.api.conftest import Caller, order_of
from tests.api.test_document import INTERNAL
from tests.api.visits import Visits
from tests.architecture.test_access import FEW, METHODS, RARE, ROUTES, needs
from tests.points.gifts import gift, rich, take

pytestmark = pytest.mark.django_db
CALLS = [(name, path) for name, path in ROUTES if name.startswith("api:") and name not in INTERNAL]
SCOPES = frozenset(scope.value for scope in Scope)
LOGOUT = ("api:auth_logout", "POST")  # works, and ends the log-in that the other calls use
# What a refused call may write: that it was refused, and that a key was used.
TRACES = ("core_auditentry", "core_ratewindow", "stores_apiclient", "stores_device")


@dataclass(frozen=True)
class Knock:
    """Somebody at the door. `refusal`: the code of a token that opens nothing; else `kind` and `scopes` decide."""

    name: str
    secret: str = ""
    kind: str = "nobody"
    scopes: frozenset[str] = frozenset()
    refusal: str = ""
    is_brief: bool = False  # like another one at the door: every route, not every method

    def methods(self, need: str, number: int | None) -> tuple[str, ...]:
        """All; for the route of this number the two that most calls use and one more in turn; one of them where `is_brief`."""
        if self.is_brief:
            methods = FEW if number is None else (FEW[(number + len(self.name)) % len(FEW)],)
            return methods if "client" in need or self.refusal else ()
        return METHODS if number is None else (*FEW, RARE[number % len(RARE)])

    def expected(self, need: str) -> str:
        """The code of the refusal; empty when the route is open to them."""
        if need == "public" or (need == "anyone" and not self.secret):
            return ""
        if self.refusal or not self.secret:
            return self.refusal or "unauthenticated"
        wanted = ("member" if need == "anyone" else need).split("|")
        return "" if any(self._has(one.strip()) for one in wanted) else "forbidden"

    def _has(self, one: str) -> bool:
        kind, _, scope = one.partition(":")
        return self.kind == kind and (kind == "member" or scope in self.scopes)


@dataclass(frozen=True)
class World:
    victim: Member
    objects: dict[str, str]  # path parameter → the victim's thing
    knocks: list[Knock]


@pytest.fixture
def world(new_member, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A victim with one of everything, and all who try."""
    monkeypatch.setattr(door, "QUOTAS", dict.fromkeys(door.QUOTAS, 1_000_000))
    logging.disable(logging.CRITICAL)
    victim = new_member("沈静", number=1).member
    here, there = (Store.objects.create(code=code, name=code) for code in ("HERE", "THERE"))
    order = order_of(victim)
    Order.objects.filter(pk=order.pk).update(store_id=here.pk)
    inbox.deliver_batch([Letter("k1", victim.pk, "好久不见", "来喝茶吧")], moment=house.now())
    session = tokens.open_family(user_id=victim.user_id, client="portal")
    objects = {
        "order": ids.encode("ord", order.pk),
        "message": ids.encode("msg", InboxMessage.objects.get().pk),
        "session": ids.encode("ses", session.family_id),
        "member": ids.encode("mem", victim.pk),
        "exchange": ids.encode("exg", _exchange_of(victim)),
        "job": ids.encode("job", Job.objects.create(kind="orders.import").pk),
    }
    asked = NewTicket(source="matrix", member_id=victim.pk, kind="question", title="问", text="在吗？")
    objects["ticket"] = ids.encode("tkt", tickets.open_ticket(asked, by=tickets.Actor("member")).pk)
    visits = Visits(victim.pk).samples()
    objects |= {name: visits[name] for name in ("booking", "piece")}
    yield World(victim=victim, objects=objects, knocks=[*_people(new_member), *_programs(there)])
    logging.disable(logging.NOTSET)


def _exchange_of(member: Member) -> int:
    """One that waits for its payment."""
    rich(member, 100)
    return take(member, gift("paid", points=10, cash_cents=500), "matrix").exchange.pk


def _people(new_member: Any) -> list[Knock]:
    frozen, blocked, gone = (new_member(number=number) for number in (3, 4, 5))
    Member.objects.filter(pk=frozen.member.pk).update(status="frozen")
    User.objects.filter(pk=blocked.member.user_id).update(is_active=False)
    tokens.revoke_family(family_id=gone.family_id)
    old = new_member(number=6)
    with house.frozen(house.now() - timedelta(hours=1)):
        expired = tokens.open_family(user_id=old.member.user_id, client="portal").access
    return [
        Knock("anonymous"),
        Knock("other member", new_member("阿青", number=2).secret, kind="member"),
        Knock("frozen member", frozen.secret, refusal="unauthenticated", is_brief=True),
        Knock("blocked account", blocked.secret, refusal="unauthenticated", is_brief=True),
        Knock("revoked token", gone.secret, refusal="unauthenticated"),
        Knock("expired token", expired, refusal="token_expired", is_brief=True),
        Knock("made-up token", "sya_" + "x" * 43, refusal="unauthenticated", is_brief=True),
    ]


def _programs(store: Store) -> list[Knock]:
    def client(name: str, scopes: frozenset[str], **more: Any) -> str:
        return credentials.issue_client(name=name, scopes=sorted(scopes), **more).secret

    def till(scopes: frozenset[str]) -> credentials.Issued:
        return credentials.issue_device(name="till", store_id=store.pk, scopes=sorted(scopes))

    taken, dropped = till(SCOPES), credentials.issue_client(name="old", scopes=sorted(SCOPES))
    credentials.revoke(kind="device", credential_id=taken.id)
    credentials.revoke(kind="client", credential_id=dropped.id)
    one_each = [
        Knock(
            f"client with {scope} only", client(scope, frozenset({scope})), "client", frozenset({scope}), is_brief=True
        )
        for scope in sorted(SCOPES)
    ]
    return [
        Knock("client", client("all", SCOPES), kind="client", scopes=SCOPES),
        *one_each,
        Knock("till", till(SCOPES).secret, kind="device", scopes=SCOPES),
        Knock("revoked till", taken.secret, refusal="unauthenticated", is_brief=True),
        Knock("revoked client", dropped.secret, refusal="unauthenticated", is_brief=True),
        Knock("sandbox key", client("test", SCOPES, is_sandbox=True), refusal="unauthenticated", is_brief=True),
    ]


def address(path: str, objects: dict[str, str]) -> str:
    """The route with the victim's things in it; parameters that name nobody's thing get a value that fits nothing."""
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: objects.get(found[1], "zzz_0000000000000"), path)


@contextmanager
def written() -> Iterator[list[str]]:
    """The tables written to meanwhile."""
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        words = sql.replace('"', " ").split()
        if words[0].lower() in {"insert", "update", "delete"}:
            seen.append(words[1] if words[0].lower() == "update" else words[2])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_nobody_passes_a_route_of_the_api_that_the_table_refuses_by_any_method(world: World, simulator, is_whole: bool):
    wrong = []
    for who in world.knocks:
        caller = Caller(secret=who.secret)
        for number, (route, path) in enumerate(CALLS):
            code = who.expected(str(needs(route)))
            for method in who.methods(str(needs(route)), None if is_whole else number):
                if not code and (route, method) == LOGOUT:
                    continue
                with written() as tables:
                    answer = caller.call(method, address(path, world.objects))
                if not _as_expected(answer, code, method) or (code and set(tables) - set(TRACES)):
                    wrong.append((who.name, method, route, answer.status_code, tables))

    assert wrong == []
    assert len(CALLS) > 30
    assert {who.expected(str(needs(route))) for who in world.knocks for route, _path in CALLS} == {
        "", "unauthenticated", "token_expired", "forbidden",
    }  # fmt: skip


def _as_expected(answer: Any, code: str, method: str) -> bool:
    if method == "HEAD":  # without a body, there is only the status
        return answer.status_code == (403 if code == "forbidden" else 401) if code else answer.status_code not in {403}
    told = answer.data["code"] if answer.status_code >= 400 else ""
    if code:
        return (answer.status_code, told) == (403 if code == "forbidden" else 401, code)
    return answer.status_code < 500 and told not in {"unauthenticated", "token_expired", "forbidden"}


def test_what_belongs_to_somebody_else_does_not_exist(world: World):
    """Another member's log-in, and a till of another store, at each thing of the victim by its real id."""
    by_name = {who.name: who for who in world.knocks}
    before = Member.objects.values().get(pk=world.victim.pk)
    found, tried = [], set()
    for who in (by_name["other member"], by_name["till"]):
        for route, path in CALLS:
            if who.expected(str(needs(route))) or not any(f":{name}>" in path for name in world.objects):
                continue
            for method in METHODS:
                key = f"theirs-{route}-{method}"
                answer = Caller(secret=who.secret).call(method, address(path, world.objects), {}, Idempotency_Key=key)
                tried.add((who.kind, route))
                if answer.status_code not in {404, 405}:
                    found.append((who.name, method, route, answer.status_code))

    assert found == []
    assert tried == {
        ("member", "api:message_read"), ("member", "api:my_order"), ("member", "api:session"), ("device", "api:order"),
        ("member", "api:my_exchange_cancel"), ("member", "api:my_booking_move"), ("member", "api:my_booking_cancel"),
        ("member", "api:my_piece_give_back"), ("member", "api:my_ticket_choices"), ("member", "api:my_ticket_preview"),
        ("member", "api:my_ticket"), ("member", "api:my_ticket_messages"), ("member", "api:my_ticket_moves"),
        ("member", "api:my_ticket_vote"),
    }  # fmt: skip
    assert Member.objects.values().get(pk=world.victim.pk) == before
    assert InboxMessage.objects.get().read_at is None
    assert len(tokens.sessions(world.victim.user_id)) == 2


def test_no_answer_carries_an_id_of_somebody_else(world: World, simulator):
    """All that the other member may read, and all that a till or a client gets without naming the victim."""
    own = {who.name: who for who in world.knocks}
    bodies = []
    for name in ("other member", "client", "till", "anonymous"):
        caller = Caller(secret=own[name].secret)
        for route, path in CALLS:
            if "<" in path or own[name].expected(str(needs(route))) or route == "api:tickets":  # the brand's own list
                continue
            for method in ("GET", "POST", "PUT", "DELETE"):
                if (route, method) != LOGOUT:
                    key = f"k-{name}-{route}-{method}"
                    bodies.append(caller.call(method, f"/{path}", {}, Idempotency_Key=key).content)
    shown = b"".join(bodies).decode()

    assert "mem_" in shown
    for theirs in world.objects.values():
        assert theirs not in shown
