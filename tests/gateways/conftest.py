"""A running simulator that knows our signature and templates, and a breaker that remembers nothing."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest

from apps.gateways import sms, wechat_calls, wecom_calls
from apps.gateways.messages import Outgoing
from apps.gateways.simulator.client import Client
from tests.processes import Simulator

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture(autouse=True)
def _fresh_breaker() -> Iterator[None]:
    _forget_all()
    yield
    _forget_all()


def _forget_all() -> None:
    for breaker in (sms.breaker, wechat_calls.breaker, wecom_calls.line.breaker):
        breaker.succeeded()
    wechat_calls._own_tokens.clear()
    wecom_calls.tokens.own.clear()


@pytest.fixture
def platform(db: None, simulator: Simulator, clock: Callable[[datetime], datetime]) -> Client:
    """The simulator at noon, with the templates `lapse` (promo) and `ready` (notice) approved."""
    clock(NOON)
    assert sms.register(name="lapse", kind="promo", text="{name}，好久不见，送您一张券").state == "accepted"
    assert sms.register(name="ready", kind="notice", text="您的订单{order}可以取货了").state == "accepted"
    return Client(simulator.url)


@pytest.fixture
def weixin(simulator: Simulator, clock: Callable[[datetime], datetime]) -> Client:
    """The simulated WeChat platform at noon."""
    clock(NOON)
    return Client(simulator.url)


def marketing(number: int, *, key: str = "") -> Outgoing:
    """A message to the member of that number, as care would compose it."""
    text = sms.compose(f"会员{number}，好久不见，送您一张券", kind="marketing", signature="Siyu")
    return Outgoing(key or f"touch:{number}", f"+86138{number:08d}", text, "marketing", "lapse")
