"""An endpoint of the house, and the strict receiver behind it."""

from collections.abc import Callable, Iterator

import pytest

from apps.webhooks import endpoints
from apps.webhooks.models import Endpoint
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.OUTBOUND_LOOPBACK = True
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def endpoint(receiver: Receiver, db: None) -> Callable[..., Endpoint]:
    """Makes one whose secret the receiver knows."""

    def make(
        key: str = "erp", *, facts: tuple[str, ...] = ("order.paid", "member.registered"), url: str = ""
    ) -> Endpoint:
        made = endpoints.make(key=key, name=key.upper(), url=url or receiver.url, facts=facts, user_id=None)
        receiver.secrets.append(made.secret)
        return made.endpoint

    return make
