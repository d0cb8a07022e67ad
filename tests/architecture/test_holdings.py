"""A table of which nobody said what it holds about members fails the build (T-P3)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from apps.core import holdings
from apps.core.holdings import Holding
from apps.flows import export_words, processing


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("apps.")]


def undeclared(known: list[type[models.Model]]) -> list[str]:
    declared = [held.model for held in holdings.holdings()] + list(holdings.impersonal())
    return sorted(
        f"{model._meta.label}: {count}" for model in known if (count := declared.count(model._meta.label)) != 1
    )


def leads_to_a_member(model: type[models.Model]) -> str:
    """The foreign key or column that names a member; empty when there is none."""
    for field in model._meta.get_fields():
        if not field.concrete or field.many_to_many:
            continue
        if field.name.startswith("member_id") or getattr(field.related_model, "_meta", None) == MEMBER._meta:
            return field.name
    return ""


MEMBER = apps.get_model("members.Member")


@pytest.fixture
def new_model() -> Iterator[type[models.Model]]:
    class Whisper(models.Model):
        text = models.TextField()

        class Meta:
            app_label = "care"

        def __str__(self) -> str:
            return self.text

    Whisper.__module__ = "apps.care.models"
    yield Whisper
    del apps.all_models["care"]["whisper"]
    apps.clear_cache()


def test_every_table_of_ours_is_declared_exactly_once():
    assert len(ours()) > 30
    assert undeclared(ours()) == []


def test_a_new_table_without_a_declaration_is_found(new_model: type[models.Model]):
    assert new_model in ours()
    assert undeclared(ours()) == ["care.Whisper: 0"]


def test_no_declaration_names_a_table_that_does_not_exist():
    labels = {model._meta.label for model in ours()}
    declared = {held.model for held in holdings.holdings()} | set(holdings.impersonal())
    declared |= {purge.model for purge in holdings.purges()} | set(holdings.shown())

    assert declared - labels == set()


def test_a_table_that_points_at_a_member_is_no_impersonal_one():
    guilty = {label: name for label in holdings.impersonal() if (name := leads_to_a_member(holdings.model_of(label)))}

    assert guilty == {}


@pytest.mark.parametrize("held", holdings.holdings(), ids=lambda held: held.model)
def test_a_declaration_names_fields_that_exist(held: Holding):
    model = holdings.model_of(held.model)
    wrong = []
    for name in (*held.export, *held.blank, *((held.since,) if held.since else ())):
        try:
            model._meta.get_field(name)
        except FieldDoesNotExist:
            wrong.append(name)

    assert wrong == []
    assert str(held.rows(0).query), "the path to the member leads nowhere"
    assert held.on_merge == "stay" or LOOKUP_SEP not in held.member, "only a column of its own can be re-pointed"


@pytest.mark.parametrize("held", holdings.holdings(), ids=lambda held: held.model)
def test_a_table_says_how_sensitive_it_is_and_reads_well_in_the_copy(held: Holding):
    """W-23 and T-P3: neither the record of processing nor the member's copy shows a name made for programmers."""
    model = holdings.model_of(held.model)
    assert held.sensitivity in processing.SENSITIVITIES
    assert held.model in export_words.TABLES
    assert [name for name in held.export if not words_of(model, name)] == []


def words_of(model: type[models.Model], name: str) -> bool:
    return name in export_words.COLUMNS or f"{model._meta.label}.{name}" in export_words.COLUMNS_OF


def test_every_age_limit_has_words_for_the_privacy_page():
    for purge in holdings.purges():
        assert purge.model in export_words.HOUSE_TABLES or purge.model in export_words.TABLES, purge.model


def test_keeping_after_erasure_needs_a_reason():
    kept = next(held for held in holdings.holdings() if held.on_erase == "keep")

    with pytest.raises(ValueError, match="say why"):
        replace(kept, reason="")


def test_every_named_age_counts_from_a_time():
    for purge in holdings.purges():
        field = holdings.model_of(purge.model)._meta.get_field(purge.since)
        assert isinstance(field, models.DateField), f"{purge.model}.{purge.since}"
        assert purge.days > 0
