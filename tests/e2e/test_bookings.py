"""Bookings in a real browser: the pages are clean on desk and phone in both languages."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from apps.bookings import services, slots
from apps.bookings.models import Offer
from apps.core import clock, ids
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.test_live import member  # noqa: F401 - fixture
from tests.e2e.visits import Visit, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
    care = services.save_service(service_id=None, name="皮肤测试", name_en="Skin test", minutes=60)
    services.save_service(service_id=None, name="品茶会", name_en="Tea tasting", kind="event", minutes=90)
    row = services.offer(service_id=care.pk, store_id=made.stores["mine"].pk, capacity=1)
    services.offer(service_id=care.pk, store_id=made.stores["near"].pk, capacity=3)
    of, moment = Offer.objects.select_related("service", "store").get(pk=row.pk), clock.now()
    tomorrow = clock.local_date(moment) + timedelta(days=1)
    times = slots.of_day(of, day=tomorrow, moment=moment)
    for number, who in enumerate(("mine", "near")):
        services.book(
            offer_id=of.pk,
            starts_at=times[0].starts_at,
            member_id=made.members[who].pk,
            source=who,
            may_wait=bool(number),
        )
    return made


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    member: Callable[..., Visit],  # noqa: F811
    width: int,
    language: str,
):
    offer = ids.encode("bko", Offer.objects.order_by("pk")[0].pk)
    day = clock.local_date(clock.now()) + timedelta(days=1)
    at_desk, at_phone = enter(Role.ADMIN, width=width, language=language), member(width=width, language=language)
    staff = {"day": f"/console/bookings/?day={day}", "services": "/console/bookings/services/"}
    theirs = {"mine": "/my/bookings/", "times": f"/my/bookings/at/{offer}/?day={day}", "home": "/my/"}
    for found, pages in ((at_desk, staff), (at_phone, theirs)):
        for name, path in pages.items():
            found.go(path)
            found.check()
            keep(found.page, name=f"bookings-{name}-{width}-{language}")
