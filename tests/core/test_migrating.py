"""The quick way to migrate makes the same tables as Django's own, and code in migrations sees whole models."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps.registry import Apps
from django.core.management import get_commands, load_command_class
from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from apps.core import migrating
from apps.core.management.commands import migrate
from tests import databases

STRUCTURE = """
select 'column', table_name || '.' || column_name, row(ordinal_position, data_type, character_maximum_length, is_nullable,
       column_default, is_identity, generation_expression, collation_name)::text
from information_schema.columns where table_schema = 'public'
union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all select 'function', oid::regprocedure::text, pg_get_functiondef(oid)
from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f' and proowner = current_user::regrole
union all select 'grants', oid::regclass::text, relacl::text from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'S', 'v')
union all select 'statistics', attrelid::regclass || '.' || attname, row(attstattarget, attoptions)::text from pg_attribute
where attrelid::regclass::text like any (array['%\\_%']) and attnum > 0 and (attstattarget is not null or attoptions is not null)
union all select 'storage', oid::regclass::text, reloptions::text from pg_class
where relnamespace = 'public'::regnamespace and reloptions is not null
order by 1, 2, 3
"""


def model(name: str, **fields: models.Field) -> ModelState:
    return ModelState("shop", name, [("id", models.AutoField(primary_key=True)), *fields.items()])


def three_in_a_row() -> ProjectState:
    """Till → Store → Region."""
    state = ProjectState()
    state.add_model(model("Region"))
    state.add_model(model("Store", region=models.ForeignKey("shop.Region", models.CASCADE, related_name="+")))
    state.add_model(model("Till", store=models.ForeignKey("shop.Store", models.CASCADE, related_name="+")))
    return state


def drawn(state: ProjectState) -> dict[str, type[models.Model]]:
    registry: Apps = state.apps
    return {found.__name__: found for found in registry.get_models()}


def test_a_changed_model_is_drawn_anew_with_those_that_point_to_it_and_nobody_else():
    state = three_in_a_row()
    before = drawn(state)

    with migrating.drawing_little():
        state.add_field("shop", "region", "name", models.TextField(default=""), preserve_default=True)

    after = drawn(state)
    assert {name for name in after if after[name] is not before[name]} == {"Region", "Store"}
    assert after["Store"]._meta.get_field("region").related_model is after["Region"]


def test_code_in_a_migration_finds_the_new_column_however_far_it_goes():
    state = three_in_a_row()
    assert len(drawn(state)) == 3

    with migrating.drawing_little():
        state.add_field("shop", "region", "name", models.TextField(default=""), preserve_default=True)
        state.clear_delayed_apps_cache()  # as RunPython does before it calls the code

    store = state.apps.get_model("shop", "Till")._meta.get_field("store").related_model
    region = store._meta.get_field("region").related_model
    assert [field.name for field in region._meta.get_fields()] == ["id", "name"]


def test_manage_migrates_the_quick_way():
    assert isinstance(load_command_class(get_commands()["migrate"], "migrate"), migrate.Command)


@pytest.mark.nightly
def test_all_migrations_make_the_very_same_structure(db: None):
    """The copy of this test process came the quick way."""
    slow = f"test_{os.getpid()}_slow_migrations"
    with databases.owner() as cursor:
        cursor.execute(f"CREATE DATABASE {slow}")
    url = databases._url_with(databases.SERVER, slow)
    djangos = "import django; django.setup(); from django.core.management.commands.migrate import Command as C; "
    try:
        subprocess.run(
            [sys.executable, "-c", djangos + "C().run_from_argv(['manage.py', 'migrate', '--no-input', '-v', '0'])"],
            cwd=Path(__file__).parents[2], env=os.environ | {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}, check=True,
        )  # fmt: skip
        quick = structure(os.environ["DATABASE_OWNER_URL"].rpartition("/")[2].partition("?")[0])
        slowly = structure(slow)
        assert len(quick) > 2_000
        assert quick == slowly
    finally:
        databases.drop(slow)


def structure(database: str) -> list[tuple[str, str, str]]:
    with databases.owner(database) as cursor:
        return cursor.execute(STRUCTURE).fetchall()
