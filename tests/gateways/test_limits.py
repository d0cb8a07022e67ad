from datetime import date

import pytest

from apps.gateways import limits, sms
from apps.gateways.models import PlatformLimit
from apps.gateways.simulator import rules

pytestmark = pytest.mark.django_db


def test_a_new_value_holds_from_its_day_and_leaves_the_past() -> None:
    PlatformLimit.objects.create(platform="sms", name="template_per_day", value=20, effective_from=date(2026, 7, 1))

    assert limits.current("sms", "template_per_day", date(2026, 6, 30)) == 50
    assert limits.current("sms", "template_per_day", date(2026, 7, 1)) == 20


def test_a_limit_that_is_not_in_force_is_an_error() -> None:
    with pytest.raises(limits.LimitUnknown):
        limits.current("sms", "template_per_day", date(2023, 12, 31))
    with pytest.raises(limits.LimitUnknown):
        limits.current("fax", "template_per_day", date(2026, 1, 1))


def test_the_seed_the_simulator_and_the_door_agree() -> None:
    seeded = dict(PlatformLimit.objects.filter(platform="sms").values_list("name", "value"))

    assert seeded == rules.LIMITS
    assert seeded["batch_size"] == sms.BATCH_SIZE
