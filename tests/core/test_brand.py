"""Brand settings: declared, checked, on the audit trail."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.care import second_person
from apps.core import brand
from apps.core.errors import NotFound
from apps.core.models import AuditEntry, BrandSetting

pytestmark = pytest.mark.django_db


def test_an_unset_setting_has_its_declared_default():
    assert brand.read("core.demo") is False


def test_a_value_that_the_check_refuses_is_not_written():
    with pytest.raises(ValueError, match="yes or no"):
        brand.write("core.demo", "perhaps")

    assert not BrandSetting.objects.exists()


def test_an_undeclared_key_is_neither_read_nor_written():
    with pytest.raises(NotFound):
        brand.read("core.unheard")
    with pytest.raises(NotFound):
        brand.write("core.unheard", 1)


def test_the_command_sets_a_value_and_the_trail_names_who_and_what():
    call_command("brand_settings", "core.demo", "true")
    call_command("brand_settings", "core.demo", "false")

    assert brand.read("core.demo") is False
    line = AuditEntry.objects.get(action="core_brandsetting.update")
    assert line.actor == "cli"
    assert line.before["value"] is True
    assert line.after["value"] is False


@pytest.mark.parametrize(("key", "value"), [("core.demo", "perhaps"), ("core.demo", '"x"'), ("core.unheard", "1")])
def test_the_command_refuses_in_words(key: str, value: str):
    with pytest.raises(CommandError):
        call_command("brand_settings", key, value)

    assert not BrandSetting.objects.exists()


def test_nothing_is_a_value_where_the_setting_allows_it():
    """ "never", where the default is a number: an absent row is something else."""
    brand.write("care.approval_from", None)
    assert (brand.read("care.approval_from"), second_person.is_needed(10**9)) == (None, False)
    brand.write("care.approval_from", 7)
    assert second_person.is_needed(7)


def test_the_command_lists_every_setting():
    out = StringIO()
    call_command("brand_settings", stdout=out)

    assert "core.demo false" in out.getvalue()
