"""Every route, every method, every kind of person, against config/access.yaml read by these tests themselves (T-S1)."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from fnmatch import fnmatchcase

import pytest
import yaml
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, ResolverMatch, URLPattern, URLResolver, get_resolver, reverse

from apps.api import door as api_door
from apps.console import navigation
from apps.core import ids, requests
from apps.core.models import User
from apps.segments import building, defining
from apps.stores import access
from apps.stores.models import Role, Scope, Staff
from tests.console import world
from tests.console.world import House

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
KNOCKERS = ["nobody", *Role.values]
# Every merge the gate itself decides about all of them at all routes. Over HTTP: strangers by one of the two methods that pages use, by
# both at what is open, and at every third route by one more in turn; of the roles three at each route where they may not come in, by
# one of the two, and a sixth of what is open to them by both (to the administrator half of the rest is posted: other tests look at
# each page); those with an account that opens nothing by one, in turns. Every night all by all.
BY_ALL = {"anonymous"}
BY_GET = ("no card", "card taken away", "account blocked")  # refused before anybody looks at the method
ROOT = "superuser without a card"
AT_FACES = {"anonymous", ROOT, Role.ADMIN}  # every merge: who tries members' pages and the programs' calls
FEW = ("GET", "POST")
RARE = tuple(method for method in METHODS if method not in FEW)
TABLE = yaml.safe_load(settings.ACCESS_FILE.read_text())
PROGRAM = {"accept": "application/json"}  # refusals then come without a page drawn around them
LOGIN = "/console/login/"
LOGINS = (LOGIN, "/my/")  # staff's log-in page, and the members' one
OPEN = ("public", "anyone")
FACES = (
    "member |",
    "client:",
    "device:",
    "till",
)  # what programs and tills need, beside `member`: no staff role counts there
# What the record site refuses to everybody: nothing is deleted, the audit trail is only read.
CLOSED = ("console_records:*_delete", "console_records:core_auditentry_add", "console_records:core_auditentry_change")
SCOPED = {Role.REGION_MANAGER: ("far",), Role.MANAGER: ("near", "far"), Role.CLERK: ("near", "far")}
MEMBER_LISTS = ("console:members", "console:moves", "console:orders", "console:messages", "console:dashboard")


def walk(patterns=None, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    """(view name, path pattern) of every route the resolver knows, nested ones and unnamed ones too."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from walk(entry.url_patterns, path, inner)
        elif isinstance(entry, URLPattern):
            name = entry.name or f"{entry.callback.__module__}.{entry.callback.__name__}"
            yield namespace + name, path


ROUTES = sorted(set(walk()))


def needs(route: str) -> str | None:
    if route in TABLE["routes"]:
        return TABLE["routes"][route]
    return next((need for line, need in TABLE["routes"].items() if "*" in line and fnmatchcase(route, line)), None)


def may(role: str | None, need: str) -> bool:
    if need in OPEN or role is None or is_face(need):
        return need in OPEN
    return need == "staff" or role in TABLE["permissions"][need]


def is_face(need: str | None) -> bool:
    return need is not None and (need == "member" or need.startswith(FACES))


def samples(house: House) -> dict[str, object]:
    """What stands in addresses: objects of the reader's own store."""
    return {
        "member": house.member_id("mine"),
        "order": house.order_id("mine"),
        "code": house.codes["mine"].slug,
        "survivor": house.member_id("mine"),
        "loser": house.member_id("near"),
        "merge": ids.encode("mrg", 1),
        "job": ids.encode("job", house.job.pk),
        "key": house.policy.key,
        "chart": "flow",
        "tag": ids.encode("tag", 1),
        "group": ids.encode("tgr", 1),
        "act": ids.encode("act", 1),
        "field": ids.encode("fld", 1),
        "doubt": ids.encode("dbt", 1),
        "approval": ids.encode("apr", 1),
        "hold": ids.encode("hld", 1),
        "reward": ids.encode("rwd", 1),
        "exchange": ids.encode("exg", 1),
        "coupon": ids.encode("cpt", 1),
        "journey": "walk",
        "walk": ids.encode("enr", 1),
        "price": ids.encode("prc", 1),
        "cost": ids.encode("cst", 1),
        "campaign": ids.encode("cmp", 1),
        "card": ids.encode("crd", 1),
        "product": ids.encode("prd", 1),
        "batch": ids.encode("cpb", 1),
        "token": "no-token",
        "live": ids.encode("lvc", 1),
        "chat": ids.encode("wcg", 1),
        "plan": ids.encode("wgp", 1),
        "group_task": ids.encode("wgt", 1),
        "group_code": ids.encode("wgk", 1),
        "deed": ids.encode("wgd", 1),
        "stopped": ids.encode("wwr", 1),
        "send": ids.encode("wsn", 1),
        "withdrawal": ids.encode("rfw", 1),
        "case": ids.encode("wpc", 1),
        "contact": ids.encode("wct", 1),
        "offer": ids.encode("cpt", 1),
        "redemption": ids.encode("rdm", 1),
        "picture": "0" * 64,
        "table": "stores",
        "figure": "orders.paid",
        "alert": "new",
        "incentive": ids.encode("inc", 1),
        "setting_line": 1,
        "step": "stores",
        "box": "hours",
        "day": "2026-11-21",
        "wish": "pause",
        "endpoint": "erp",
        "delivery": ids.encode("whd", 1),
        "credential": ids.encode("cli", 1),
        "till": ids.encode("dev", 1),
        "object_id": house.stores["mine"].pk,
        "app_label": "stores",
        "content_type_id": 1,
        "url": "nowhere",
        "purpose": "care",
        "channel": "sms",
        "message": "msg_0000000000000",
        "session": "ses_0000000000000",
        "file": ids.encode("file", 1),
        "bait": "forged",
        "vendor": "aliyun",
        "word": "forged",
        "tier": "gold",
        "rule": "order",
        "segment": "regulars",
        "track": "baby",
        "place": ids.encode("plc", 1),
        "trait": "warm",
        "achievement": "regular",
        "line": ids.encode("rql", 1),
        "store": ids.encode("sto", house.stores["mine"].pk),
        "version": 1,
        "task": ids.encode("fup", 1),
        "stream": ids.encode("liv", 1),
        "service": ids.encode("bks", 1),
        "week": ids.encode("wek", 1),
        "piece": ids.encode("lvr", 1),
        "to": "live",
        "booking": ids.encode("bkg", 1),
        "booking_offer": ids.encode("bko", 1),
        "ticket": ids.encode("tkt", 1),
        "article": ids.encode("art", 1),
        "macro": "new",
        "automation": "new",
    }


def address(route: str, path: str, given: dict[str, object]) -> str:
    wanted = [name for name in given if f":{name}>" in path or f"<{name}>" in path]
    try:
        return reverse(route, kwargs={name: given[name] for name in wanted})
    except NoReverseMatch:
        return "/console/records/nowhere"  # the record site's catch-all has no name to reverse


@pytest.fixture
def house(db: None) -> Iterator[House]:
    """Thousands of requests follow: their log lines are another test's business."""
    logging.disable(logging.CRITICAL)
    yield world.build()
    logging.disable(logging.NOTSET)


def door(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        world.enter(client, user)
    return client


def people(house: House) -> dict[str, tuple[User | None, str | None]]:
    """Who knocks: name → (account, role that counts)."""
    dismissed = User.objects.create_user(username="dismissed", password=world.PASSWORD)
    Staff.objects.create(user=dismissed, code="X-1", name="旧人", role=Role.ADMIN, is_active=False)
    blocked = User.objects.create_user(username="blocked", password=world.PASSWORD, is_active=False)
    Staff.objects.create(user=blocked, code="X-2", name="停用", role=Role.ADMIN)
    shopper = User.objects.create_user(username="shopper", password=world.PASSWORD)
    root = User.objects.create_superuser(username="root", password=world.PASSWORD)
    roles: dict[str, tuple[User | None, str | None]] = {role: (house.users[role], role) for role in Role.values}
    nobody = {
        "anonymous": None, "no card": shopper, ROOT: root,
        "card taken away": dismissed, "account blocked": blocked,
    }  # fmt: skip
    return {name: (user, None) for name, user in nobody.items()} | roles


def test_every_route_has_a_line_and_every_line_a_route():
    missing = [route for route, _path in ROUTES if needs(route) is None]
    dead = [
        line for line in TABLE["routes"] if not any(route == line or fnmatchcase(route, line) for route, _ in ROUTES)
    ]

    assert missing == []
    assert dead == []


def test_every_permission_that_is_asked_for_exists_and_names_real_roles_and_reaches():
    asked = {need for need in TABLE["routes"].values() if not is_face(need)} - {"public", "staff", "anyone"}
    roles = {role for row in TABLE["permissions"].values() for role in row}
    reaches = {reach for row in TABLE["permissions"].values() for reach in row.values()}

    assert asked - TABLE["permissions"].keys() == set()
    assert roles - set(Role.values) == set()
    assert reaches - {"all", "region", "store", "own"} == set()


def test_every_place_of_the_navigation_exists():
    for group in navigation.GROUPS:
        for item in group.items:
            assert navigation.address(item.url_name), item.url_name
            assert item.permission in TABLE["permissions"] or item.permission == ""


@pytest.mark.parametrize(
    ("who", "others"),
    [(who, FEW) for who in KNOCKERS] + [pytest.param(who, METHODS, marks=pytest.mark.nightly) for who in KNOCKERS],
)
def test_nobody_passes_a_route_that_the_table_refuses_by_any_method(
    house: House, who: str, others: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    """Nor (T-P6) does a page of the console that may be opened show a whole phone number to anybody: that is un-masking's."""
    monkeypatch.setattr(api_door, "QUOTAS", dict.fromkeys(api_door.QUOTAS, 1_000_000))  # this one knocks everywhere
    wrong: list[tuple[str, str, str, int]] = []
    opened: dict[tuple[str, str], bool] = {}  # does it show a whole number?
    given = samples(house)
    places = [(route, address(route, path, given)) for route, path in ROUTES]
    for name, (user, role) in people(house).items():
        if (role or "nobody") != who:
            continue
        client = door(user)
        cookies = deepcopy(client.cookies)
        for number, (route, place) in enumerate(places):
            for method in _methods(name, route, others, number):
                allowed = may(role, needs(route))
                with undone() if allowed else nullcontext():
                    answer = client.generic(method, place, headers=PROGRAM)
                client.cookies = deepcopy(cookies)  # whatever the answer set; what it wrote is undone
                if _is_page(route, method, answer):
                    opened[name, route] = bool(re.search(rb"1990000\d{4}", answer.content))
                allowed = allowed and not _closed(route, method)
                if allowed and route == "console_records:autocomplete":
                    continue  # without the words it looks for it refuses by itself
                if is_face(needs(route)):
                    right = _refused_at_a_face(answer)
                else:
                    right = _as_expected(answer, allowed, method, is_known=user is not None and user.is_active)
                if not right:
                    wrong.append((name, method, route, answer.status_code))

    assert wrong == [], f"{len(wrong)} answers: {sorted({(route, status) for _n, _m, route, status in wrong})}"
    assert [place for place, shows in opened.items() if shows] == []
    assert len(opened) >= (4 if who != "nobody" else 1)


def _methods(name: str, route: str, others: tuple[str, ...], number: int) -> tuple[str, ...]:
    """By which methods this person tries this route, which has this number."""
    need = needs(route)
    if need in OPEN and name != "anonymous":
        return ()
    if others is FEW:
        return _few_methods(name, need, number)
    return METHODS if name in BY_ALL else others


def _few_methods(name: str, need: str | None, number: int) -> tuple[str, ...]:
    if is_face(need) and name not in AT_FACES:
        return ()  # no role counts there
    if name in BY_GET:
        return ("GET",) if number % len(BY_GET) == BY_GET.index(name) else ()
    if name in BY_ALL:
        few = FEW if need in OPEN else (FEW[number % len(FEW)],)
        return few if number % 3 else (*few, RARE[number // 3 % len(RARE)])
    if name == ROOT:
        return (FEW[number % len(FEW)],)
    if name in KNOCKERS and may(name, need or "") and number % 6 != KNOCKERS.index(name) % 6:
        return ("POST",) if name == Role.ADMIN and number % 2 else ()
    if name in KNOCKERS and not may(name, need or ""):
        turn = number + KNOCKERS.index(name)
        return () if turn % 3 else (FEW[turn // 3 % len(FEW)],)
    return FEW


def test_the_gate_decides_about_everybody_at_every_route_as_the_table_says(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(access.audit, "record", lambda *_given, **_named: None)  # the walk writes it down
    wrong = []
    for name, (user, role) in people(house).items():
        session = door(user).session
        for number, (route, _path) in enumerate(ROUTES):
            if needs(route) in OPEN or is_face(needs(route)):
                continue
            request = RequestFactory().generic(FEW[number % len(FEW)], "/", headers=PROGRAM)
            request.user, request.session = user or AnonymousUser(), session
            *spaces, view = route.split(":")
            request.resolver_match = ResolverMatch(_view, (), {}, view, namespaces=spaces)
            with requests.acting():  # it names who acts; the middleware forgets that at the end of a request
                answer = access.decide(request)
            if (answer is None) != may(role, needs(route)):
                wrong.append((name, request.method, route, answer and answer.status_code))

    assert wrong == []


def _view() -> None:
    """Stands where a view would; the gate never calls it."""


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _closed(route: str, method: str) -> bool:
    """An audit line may be looked at, which is Django's change page without its form."""
    if route == "console_records:core_auditentry_change" and method != "POST":
        return False
    return any(fnmatchcase(route, line) for line in CLOSED)


def _is_page(route: str, method: str, answer) -> bool:
    return method == "GET" and answer.status_code == 200 and route.startswith("console") and not answer.streaming


def _refused_at_a_face(answer) -> bool:
    """A staff session is nobody to members' pages and to programs."""
    return answer.status_code in {401, 403} or (answer.status_code == 302 and answer["Location"].startswith(LOGINS))


def _as_expected(answer, allowed: bool, method: str, *, is_known: bool) -> bool:
    to_login = answer.status_code == 302 and answer["Location"].startswith(LOGIN)
    if allowed:
        return answer.status_code not in {401, 403, 500} and not (to_login and is_known)
    return answer.status_code == 403 or (to_login and method == "GET" and not is_known)


@pytest.mark.parametrize("role", SCOPED)
def test_objects_of_other_stores_do_not_exist_for_people_with_a_smaller_reach(house: House, role: Role):
    client = door(house.users[role])
    found = []
    for route, path in ROUTES:
        if ":member>" not in path and ":order>" not in path:
            continue
        if not may(role, needs(route)):
            continue
        for where in SCOPED[role]:
            kwargs = {"member": house.member_id(where)} if ":member>" in path else {"order": house.order_id(where)}
            for method in ("GET", "POST"):
                body = {"reason": "call back", "what": "whole", "confirm": "1", "request_key": "abcdefghijkl"}
                answer = (
                    client.generic(method, reverse(route, kwargs=kwargs))
                    if method == "GET"
                    else client.post(reverse(route, kwargs=kwargs), body)
                )
                if answer.status_code not in {404, 405}:
                    found.append((method, route, where, answer.status_code))

    assert found == []
    house.orders["far"].refresh_from_db()
    assert house.orders["far"].refunded_cents == 0


@pytest.mark.parametrize("role", SCOPED)
def test_lists_and_searches_show_no_row_of_other_stores(house: House, role: Role):
    client = door(house.users[role])
    answers = [
        client.get(reverse(name), {"store": store.pk} if store else {})
        for name in MEMBER_LISTS
        for store in (None, *house.stores.values())
        if may(role, needs(name))
    ]
    for where in SCOPED[role]:
        number = {"near": 2, "far": 3}[where]
        for text in (f"沈{where}", f"NO-{where}", f"000{number}", f"1990000{number:04d}", f"ORDER-{where}"):
            answers += [client.post(reverse(name), {"q": text}) for name in ("console:members", "console:find")]
    if may(role, "segments.view"):
        answers += _segment_pages(client, house)
    bodies = "".join(answer.content.decode() for answer in answers)

    assert {answer.status_code for answer in answers} == {200}
    assert house.member_id("mine") in bodies
    for where in SCOPED[role]:
        assert house.member_id(where) not in bodies
        assert house.order_id(where) not in bodies
        assert house.stores[where].name not in bodies


def _segment_pages(client: Client, house: House) -> list:
    """What the pages of a list that holds everybody, and of a rule that fits everybody, tell this reader."""
    everybody = [member.pk for member in house.members.values()]
    chosen = defining.create_list(key="everybody", name="所有人", member_ids=everybody)
    ruled = defining.create(key="active", name="在册", rule={})
    building.build(house.moment)
    rule = json.dumps({"all": [{"field": "joined_at", "op": "known", "value": True}]})
    asked = [(reverse("console:segment_count"), {"rule": rule})]
    for member in house.members.values():
        asked.append((reverse("console:segment_why"), {"rule": rule, "who": member.member_no}))
        asked.append((reverse("console:segment_who", args=[chosen.key]), {"who": member.member_no}))
    return [
        client.get(reverse("console:segments")),
        *(client.get(reverse("console:segment", args=[one.key])) for one in (chosen, ruled)),
        *(client.get(reverse("console:members"), {"segment": one.key}) for one in (chosen, ruled)),
        *(client.get(reverse("console:member_exports"), {"segment": one.key}) for one in (chosen, ruled)),
        *(client.post(*one) for one in asked),
    ]


def test_a_card_taken_away_is_refused_on_the_very_next_request(house: House):
    client = door(house.users[Role.ADMIN])
    assert client.get(reverse("console:members")).status_code == 200

    Staff.objects.filter(user=house.users[Role.ADMIN]).update(is_active=False)

    assert client.get(reverse("console:members")).status_code == 403


def test_a_key_can_be_given_nothing_that_opens_no_door():
    """`counter` opens the till's own pages, which ask for no line of the API."""
    asked = {part.partition(":")[2] for need in TABLE["routes"].values() for part in need.split(" | ") if ":" in part}

    assert {scope.value for scope in Scope} - asked <= {Scope.COUNTER.value}
