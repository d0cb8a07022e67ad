"""Limits of sending, stages and worth, content cards and an exception of a rule in a real browser: clean on desk and phone."""

from itertools import product

import pytest

from apps.care import limits
from apps.care.cards import services as cards
from apps.core import ids
from apps.segments import defining
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import keep

pytestmark = [pytest.mark.e2e, pytest.mark.nightly, pytest.mark.django_db(transaction=True)]
AWAY = {"field": "stage", "op": "in", "value": ["lapsing", "dormant"]}


@pytest.fixture
def house(transactional_db: None) -> House:
    """A card that is shown, limits that were changed, a segment with an exception."""
    made = world.build()
    row = cards.save(
        card_id=None,
        audience=AWAY,
        slot="home",
        name="好久不见",
        title="好久不见",
        title_en="It has been a while",
        link="/my/mall/",
    )
    cards.show(card_id=row.pk)
    limits.save(limits.read() | {"care.throttle": {"sms": 600}})
    rule = {"all": [AWAY, {"not": {"any": [{"field": "tickets_open", "op": "gte", "value": 1}]}}]}
    defining.create(key="away", name="久未到店", rule=rule)
    return made


@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean(enter: Open, house: House, width: int, language: str) -> None:  # noqa: F811
    card = ids.encode("crd", 1) if not (found := cards.Card.objects.first()) else ids.encode("crd", found.pk)
    paths = {
        "limits": "/console/limits/", "worth": "/console/worth/", "cards": "/console/cards/", "card": f"/console/cards/{card}/",
        "policy": "/console/policies/lapsing/", "segment": "/console/segments/away/",
    }  # fmt: skip
    seen = enter(Role.ADMIN, width=width, language=language)
    for name, path in paths.items():
        seen.go(path)
        seen.check()
        keep(seen.page, name=f"reach-{name}-{width}-{language}")
