"""Codes and devices of a phone go with the member; sealed phones go by themselves."""

from collections.abc import Callable
from datetime import datetime

import pytest

from apps.core import holdings
from apps.members import login, services
from apps.members.models import CodeRequest, KnownDevice
from tests.members.conftest import Phone

Noon = Callable[[float], datetime]
MINE, OTHER = "17000000042", "17000000043"


@pytest.mark.django_db
def test_an_erasure_takes_the_codes_and_devices_of_the_members_phones_only(phone: Phone, noon: Noon):
    for number in (MINE, OTHER):
        asked = login.request_code(phone=number, network="203.0.113.9", device=f"device-{number}")
        came = login.log_in_by_code(request_id=asked.request_id, code=phone.code(number[-4:]), source="portal")
        if number == MINE:
            mine = came.member_id
    services.add_identity(member_id=mine, kind="phone", value="17000000044")
    noon(61)
    login.request_code(phone="17000000044", network="203.0.113.9")
    assert (CodeRequest.objects.count(), KnownDevice.objects.count()) == (3, 2)

    for erase in holdings.erases():
        erase(mine)

    assert (CodeRequest.objects.count(), KnownDevice.objects.count()) == (1, 1)
