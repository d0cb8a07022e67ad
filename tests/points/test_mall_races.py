"""Many members at one shelf, with real threads on the real database."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from apps.core import clock
from apps.core.errors import DomainError
from apps.members.models import Member
from apps.points import mall, offers
from apps.points import services as points
from apps.points.models import Account, Entry, Exchange, Hold, Reward
from tests.points.gifts import gift, rich, shop, take

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 8


def at_once(acts: list[Callable[[], Any]], *, writers: int = WRITERS) -> list[Any]:
    """Every act on some thread, all threads starting together; refusals are answered as their code."""
    start = Barrier(writers)
    shares = [acts[number::writers] for number in range(writers)]

    def work(share: list[Callable[[], Any]]) -> list[Any]:
        try:
            start.wait()
            return [_tried(act) for act in share]
        finally:
            connection.close()

    with ThreadPoolExecutor(writers) as pool:
        return [outcome for done in pool.map(work, shares) for outcome in done]


def _tried(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except DomainError as refusal:
        return str(refusal.facts.get("reason", refusal.code))


def people(count: int, *, with_points: int) -> list[Member]:
    made = Member.objects.bulk_create(Member(member_no=f"R-{number}", nickname="") for number in range(count))
    for member in made:
        rich(member, with_points)
    return made


def contest(*, members: int, stock: int) -> None:
    """Everybody tries twice, each time under another source: the shelf ends empty, nobody has two, and all points are accounted for."""
    reward = gift(points=10, left=stock, per_member=1)
    crowd = people(members, with_points=100)
    tries = [partial(take, member, reward, f"try-{number}") for number in (1, 2) for member in crowd]

    outcomes = at_once(tries)

    reward.refresh_from_db()
    refused = Counter(outcome for outcome in outcomes if isinstance(outcome, str))
    assert (reward.left, reward.taken, Exchange.objects.count()) == (0, stock, stock)
    assert Exchange.objects.values("member").distinct().count() == stock
    assert set(refused) <= {"out_of_stock", "limit_reached"}
    assert refused.total() == 2 * members - stock
    assert sum(Account.objects.values_list("balance", flat=True)) == members * 100 - stock * 10
    assert Entry.objects.filter(kind="spend").count() == stock


def test_forty_pieces_are_given_to_forty_of_sixty_members():
    contest(members=60, stock=40)


@pytest.mark.nightly
def test_a_thousand_pieces_are_given_to_a_thousand_members():
    contest(members=1500, stock=1000)


def test_one_member_tapping_on_every_device_gets_one_piece(member: Member):
    reward = gift(points=10, left=9)
    rich(member, 100)

    outcomes = at_once([partial(take, member, reward, "form-1")] * WRITERS)

    assert sorted(outcome.is_new for outcome in outcomes) == [False] * (WRITERS - 1) + [True]
    assert len({outcome.exchange.pk for outcome in outcomes}) == 1
    assert (Reward.objects.get().left, Account.objects.get().balance) == (8, 90)


def test_the_limit_holds_when_one_member_tries_under_many_sources(member: Member):
    reward = gift(points=10, left=9, per_member=2)
    rich(member, 100)

    at_once([partial(take, member, reward, f"form-{number}") for number in range(WRITERS)])

    assert (Exchange.objects.count(), Reward.objects.get().left, Account.objects.get().balance) == (2, 7, 80)


def test_two_tills_hand_one_gift_over_once(member: Member):
    store, reward = shop("S1"), gift(points=10, left=9)
    rich(member, 100)
    code = take(member, reward, "a").code
    tills = [mall.Counter(store_id=store.pk, staff_id=None, guesser=f"device:{number}") for number in range(WRITERS)]

    outcomes = at_once([partial(mall.hand_over, code=code, at=till) for till in tills])

    assert sum(outcome.is_new for outcome in outcomes) == 1
    assert {outcome.exchange.settled_at for outcome in outcomes} == {Exchange.objects.get().settled_at}


def test_a_gift_is_handed_over_or_cancelled_never_both(member: Member):
    store, reward = shop("S1"), gift(points=10, left=6)
    rich(member, 60)
    taken = [take(member, reward, f"a{number}") for number in range(6)]
    till = mall.Counter(store_id=store.pk, staff_id=None, guesser="device:1")
    acts: list[Callable[[], Any]] = []
    for one in taken:
        acts += [partial(mall.hand_over, code=one.code, at=till), partial(mall.cancel, exchange_id=one.exchange.pk)]

    at_once(acts)

    done = Exchange.objects.filter(state="done").count()
    assert done + Exchange.objects.filter(state="cancelled").count() == 6
    assert (Reward.objects.get().left, Reward.objects.get().taken) == (6 - done, done)
    assert Account.objects.get().balance == 60 - 10 * done


def test_a_payment_at_the_last_moment_counts_or_runs_out_never_both(member: Member):
    reward = gift(points=10, cash_cents=500, left=6)
    rich(member, 60)
    then = clock.now() - timedelta(minutes=20)
    taken = [take(member, reward, f"a{number}", moment=then) for number in range(6)]
    just, over = then + timedelta(minutes=14), then + timedelta(minutes=15)
    acts: list[Callable[[], Any]] = []
    for one in taken:
        pay = partial(mall.confirm_paid, exchange_id=one.exchange.pk, cents=500, ref=f"p{one.exchange.pk}", moment=just)
        acts += [pay, partial(mall.sweep, moment=over), partial(points.let_go_expired, moment=over)]

    at_once(acts)
    mall.sweep(moment=over)

    ready = Exchange.objects.filter(state="ready").count()
    assert ready + Exchange.objects.filter(state="cancelled", why="unpaid").count() == 6
    assert Hold.objects.filter(state="captured").count() == ready
    account = Account.objects.get()
    assert (account.balance, account.held, Reward.objects.get().taken) == (60 - 10 * ready, 0, ready)


class Killed(Exception):
    """The process ends here."""


@transaction.atomic
def take_and_die(member: Member, reward: Reward, *, moment: datetime) -> None:
    take(member, reward, "b", moment=moment)
    raise Killed


def test_who_dies_while_paying_leaves_the_points_set_aside_until_they_go_back(member: Member, monkeypatch):
    reward = gift(points=10, cash_cents=500, left=6)
    rich(member, 60)
    then = clock.now()
    taken = take(member, reward, "a", moment=then)

    def die(*_args: object, **_more: object) -> None:
        raise Killed

    monkeypatch.setattr(mall, "_tell", die)  # after the capture, before the commit
    with pytest.raises(Killed):
        mall.confirm_paid(exchange_id=taken.exchange.pk, cents=500, ref="p1", moment=then)
    with pytest.raises(Killed):
        take_and_die(member, reward, moment=then)
    monkeypatch.undo()

    assert (Account.objects.get().held, Hold.objects.get().state, Reward.objects.get().left) == (10, "held", 5)
    assert mall.sweep(moment=then + timedelta(minutes=15)) == 1
    assert (Account.objects.get().balance, Account.objects.get().held, Reward.objects.get().left) == (60, 0, 6)
    assert offers.had(member_id=member.pk) == 0
