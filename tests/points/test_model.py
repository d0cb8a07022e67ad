"""Random lives of an account, against an independent slow model: equal after every step, and zero once all is refunded."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import DomainError
from apps.members.models import Member
from apps.points import services as points
from apps.points.models import Account, Currency
from apps.points.models import Lot as BookedLot
from tests.points.accounts import MONDAY
from tests.points.model import NEVER, Book, Lot, Taking

_numbers = count(1)
_amounts = st.integers(1, 60)
_picks = st.integers(0, 30)
_BEGIN = st.tuples(st.just("earn"), _amounts, st.integers(0, 9))
_STEP = st.one_of(
    _BEGIN,
    _BEGIN,
    st.tuples(st.just("wait"), _amounts, st.integers(0, 9)),
    st.tuples(st.sampled_from(["spend", "spend", "hold"]), _amounts, _picks),
    st.tuples(st.sampled_from(["capture", "let_go", "give_back", "give_back"]), _amounts, _picks),
    st.tuples(st.just("reverse"), _amounts, _picks),
    st.tuples(st.just("time"), st.integers(1, 50), _picks),
    st.tuples(st.just("again"), _amounts, _picks),
)
# A life begins with something earned and is long enough that its steps meet.
STEPS = st.builds(lambda first, rest: [first, *rest], _BEGIN, st.lists(_STEP, min_size=12, max_size=29))
LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


class Life:
    """One member's account and its model side by side."""

    def __init__(self, policy: str) -> None:
        number = next(_numbers)
        Currency.objects.filter(key="points").update(refund_policy=policy)
        self.member = Member.objects.create(member_no=f"L-{number}")
        self.book, self.now = Book(policy), MONDAY
        self.earned: list[tuple[Lot, int]] = []
        self.taken: list[tuple[Taking, int]] = []
        self.sources = count(1)
        self.last: Callable[[], object] = lambda: None

    def do(self, call: Callable[..., points.Posting], **facts: object) -> int | None:
        """The line's id; None when it was refused."""
        facts |= {"source": f"s:{next(self.sources)}", "moment": self.now}
        try:
            entry = call(**facts).entry_id
        except DomainError:
            return None
        self.last = lambda: call(**facts)
        return entry

    def step(self, kind: str, amount: int, pick: int) -> None:
        getattr(self, kind)(amount, pick)
        assert self.totals() == self.book.totals(), kind

    def totals(self) -> tuple[int, int, int, int]:
        rows = Account.objects.filter(member=self.member).values_list("balance", "pending", "held", "debt")
        return rows.first() or (0, 0, 0, 0)

    def lots(self) -> list[tuple[int, int, int, int]]:
        rows = BookedLot.objects.filter(account__member=self.member).order_by("pk")
        return list(rows.values_list("amount", "remaining", "expired", "reversed"))

    def earn(self, amount: int, days: int) -> None:
        ends = self.now + timedelta(days=days) if days else None
        terms = points.Terms(expires_at=ends, expiry={"kind": "never"})
        entry = self.do(points.earn, member_id=self.member.pk, amount=amount, terms=terms)
        self.earned.append((self.book.earn(self.now, amount, ends=ends or NEVER), entry or 0))

    def wait(self, amount: int, days: int) -> None:
        due = self.now + timedelta(days=days) if days else None
        lapses, lives = self.now + timedelta(days=6), days % 3
        expiry = {"kind": "after", "days": lives} if lives else {"kind": "never"}
        terms = points.Terms(is_pending=True, due_at=due, lapse_at=lapses, expiry=expiry)
        entry = self.do(points.earn, member_id=self.member.pk, amount=amount, terms=terms)
        lot = self.book.earn(self.now, amount, is_waiting=True, waits_until=due, lapses=lapses, days=lives or None)
        self.earned.append((lot, entry or 0))

    def spend(self, amount: int, _: int) -> None:
        entry = self.do(points.spend, member_id=self.member.pk, amount=amount)
        taking = self.book.take(self.now, amount, "spend")
        self.note(taking, entry)

    def hold(self, amount: int, _: int) -> None:
        entry = self.do(points.hold, member_id=self.member.pk, amount=amount, keep_for=timedelta(days=2))
        self.note(self.book.take(self.now, amount, "hold", until=self.now + timedelta(days=2)), entry)

    def note(self, taking: Taking | None, entry: int | None) -> None:
        assert (taking is None) == (entry is None)
        if taking and entry:
            self.taken.append((taking, entry))

    def capture(self, amount: int, pick: int) -> None:
        self.undo(points.capture, self.book.capture, amount, pick)

    def give_back(self, amount: int, pick: int) -> None:
        self.undo(points.give_back, self.book.give_back, amount, pick)

    def undo(self, call: Callable[..., points.Posting], model: Callable[..., bool], amount: int, pick: int) -> None:
        if self.taken:
            taking, entry = self.taken[pick % len(self.taken)]
            written = self.do(call, entry_id=entry, amount=amount)
            assert (written is not None) == model(self.now, taking, amount)

    def let_go(self, _: int, pick: int) -> None:
        if self.taken:
            taking, entry = self.taken[pick % len(self.taken)]
            if taking.state == "held":
                assert self.do(points.let_go, entry_id=entry)
                assert self.book.let_go(self.now, taking)

    def reverse(self, amount: int, pick: int) -> None:
        if self.earned:
            lot, entry = self.earned[pick % len(self.earned)]
            written = self.do(points.reverse, entry_id=entry, amount=amount)
            assert (written is not None) == self.book.reverse(self.now, lot, amount)

    def time(self, hours: int, _: int) -> None:
        self.now += timedelta(hours=hours)
        points.settle_all(moment=self.now)
        self.book.settle(self.now)

    def again(self, _: int, __: int) -> None:
        """The last call that was answered once more, as if the answer had been lost."""
        self.last()

    def refund_all(self) -> None:
        for taking, entry in self.taken:
            if taking.state == "held":
                self.do(points.let_go, entry_id=entry)
                self.book.let_go(self.now, taking)
            elif taking.left:
                self.do(points.give_back, entry_id=entry, amount=taking.left)
                self.book.give_back(self.now, taking, taking.left)
        for lot, entry in self.earned:
            if left := lot.amount - lot.undone:
                self.do(points.reverse, entry_id=entry, amount=left)
                self.book.reverse(self.now, lot, left)
        for taking, _ in self.taken:
            assert taking.left == 0


def live(policy: str, steps: list[tuple[str, int, int]], refunds_first: bool) -> None:
    life = Life(policy)
    for step in steps:
        life.step(*step)
    if refunds_first:  # every order back while its points are spent, then every gift back
        for index, (lot, _) in enumerate(life.earned):
            if left := lot.amount - lot.undone:
                life.step("reverse", left, index)
    assert life.lots() == [(lot.amount, lot.left, lot.expired, lot.undone) for lot in life.book.lots]
    life.refund_all()
    assert life.totals() == life.book.totals()
    if policy != "only_pending":
        assert life.totals() == (0, 0, 0, 0)


POLICIES = st.sampled_from(["debt", "within_balance", "only_pending"])


@pytest.mark.django_db
@settings(max_examples=40, **LIMITS)
@given(policy=POLICIES, steps=STEPS, refunds_first=st.booleans())
def test_buying_and_refunding_leaves_nothing_whatever_the_order(policy: str, steps: list, refunds_first: bool):
    live(policy, steps, refunds_first)


@pytest.mark.nightly
@pytest.mark.django_db
@settings(max_examples=5000, **LIMITS)
@given(policy=POLICIES, steps=STEPS, refunds_first=st.booleans())
def test_five_thousand_lives_end_with_nothing(policy: str, steps: list, refunds_first: bool):
    live(policy, steps, refunds_first)
