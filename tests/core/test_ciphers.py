"""Sealed values: only with the person's key, only in their field; rotation; the blind index."""

import pytest

from apps.core import ciphers
from apps.core.errors import BadCipher

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture
def person_key() -> bytes:
    return ciphers.unwrap(ciphers.new_person_key())


def test_what_was_sealed_opens_to_the_same_text(person_key):
    blob = ciphers.encrypt(person_key=person_key, text="林小溪 138", context="identity:phone")

    assert ciphers.decrypt(person_key=person_key, blob=blob, context="identity:phone") == "林小溪 138"
    assert b"138" not in blob
    assert blob != ciphers.encrypt(person_key=person_key, text="林小溪 138", context="identity:phone")


def test_a_value_moved_to_another_field_or_person_does_not_open(person_key):
    blob = ciphers.encrypt(person_key=person_key, text="13912345678", context="identity:phone")
    stranger = ciphers.unwrap(ciphers.new_person_key())

    with pytest.raises(BadCipher):
        ciphers.decrypt(person_key=person_key, blob=blob, context="identity:email")
    with pytest.raises(BadCipher):
        ciphers.decrypt(person_key=stranger, blob=blob, context="identity:phone")


@pytest.mark.parametrize("position", [0, 1, 5, 20, -1])
def test_a_changed_byte_is_noticed(person_key, position):
    blob = bytearray(ciphers.encrypt(person_key=person_key, text="13912345678", context="c"))
    blob[position] ^= 1

    if position in {0, 1}:  # the key id: not authenticated, and of no use to a forger
        blob[position] ^= 1
        blob = blob[:20]
    with pytest.raises(BadCipher):
        ciphers.decrypt(person_key=person_key, blob=bytes(blob), context="c")


@pytest.mark.parametrize(
    "blob", [b"", b"\x00", b"\x01p", b"\xff" * 40, b"\x02\xff\xfe" + b"0" * 40, bytes(range(7, 67))]
)
def test_what_is_no_blob_is_refused_and_nothing_else_happens(person_key, blob):
    with pytest.raises(BadCipher):
        ciphers.decrypt(person_key=person_key, blob=blob, context="c")


def test_after_a_rotation_old_wraps_open_until_rewrapped_and_values_stay(settings):
    settings.FIELD_KEYS = {"k1": OLD}
    wrapped = ciphers.new_person_key()
    blob = ciphers.encrypt(person_key=ciphers.unwrap(wrapped), text="13912345678", context="c")

    settings.FIELD_KEYS = {"k2": NEW, "k1": OLD}
    rewrapped = ciphers.rewrap(wrapped)
    settings.FIELD_KEYS = {"k2": NEW}

    assert ciphers.decrypt(person_key=ciphers.unwrap(rewrapped), blob=blob, context="c") == "13912345678"
    with pytest.raises(BadCipher) as refusal:
        ciphers.unwrap(wrapped)
    assert refusal.value.facts == {"key_id": "k1"}


def test_the_blind_index_is_equal_for_equal_values_of_a_kind_and_depends_on_the_key(settings):
    one = ciphers.blind_index(kind="phone", value="+8613912345678")

    assert len(one) == 32
    assert one == ciphers.blind_index(kind="phone", value="+8613912345678")
    assert one != ciphers.blind_index(kind="phone", value="+8613912345679")
    assert one != ciphers.blind_index(kind="card", value="+8613912345678")
    settings.INDEX_KEY = NEW
    assert one != ciphers.blind_index(kind="phone", value="+8613912345678")
