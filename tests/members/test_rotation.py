"""A field key is replaced while the house is open."""

import io

import pytest
from django.core.management import call_command

from apps.core.errors import BadCipher
from apps.core.models import AuditEntry
from apps.members import rotation, selectors, services
from apps.members.models import MemberKey

pytestmark = pytest.mark.django_db
NEW = bytes(range(7, 39))


def members(count: int) -> list[int]:
    return [services.register(source="test", phone=f"1390000{number:04d}") for number in range(count)]


def test_after_the_rotation_the_old_key_may_go(settings, monkeypatch) -> None:
    monkeypatch.setattr(rotation, "CHUNK", 2)
    ids = members(5)
    (old_id, old), *_ = settings.FIELD_KEYS.items()
    settings.FIELD_KEYS = {"k2": NEW, old_id: old}
    late = services.register(source="test", phone="13911112222")

    call_command("rewrap_keys", stdout=(said := io.StringIO()), stderr=io.StringIO())

    assert said.getvalue().startswith("5 keys")
    settings.FIELD_KEYS = {"k2": NEW}
    assert selectors.phones([*ids, late])[ids[4]] == "+8613900000004"
    assert len(selectors.phones([*ids, late])) == 6
    told = AuditEntry.objects.get(action="member_keys.rewrapped").after
    assert told == {"count": 5, "second_factors": 0, "webhook_secrets": 0}
    assert list(rotation.rewrap_all()) == []


def test_without_the_old_key_nothing_is_touched(settings) -> None:
    members(1)
    before = bytes(MemberKey.objects.get().wrapped)
    settings.FIELD_KEYS = {"k2": NEW}

    with pytest.raises(BadCipher):
        list(rotation.rewrap_all())

    assert bytes(MemberKey.objects.get().wrapped) == before
