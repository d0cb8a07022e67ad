"""Foreign keys written as strings are invisible to import-linter; they must point down too."""

import tomllib
from pathlib import Path

from django.apps import apps
from django.conf import settings


def floors() -> dict[str, int]:
    """App → height, read from the contract that import-linter enforces."""
    contracts = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = contracts[0]["layers"]
    return {name.strip(" ()"): len(layers) - height for height, layer in enumerate(layers) for name in layer.split("|")}


def test_every_relation_between_apps_points_to_a_lower_floor():
    height = floors()
    climbing = []
    for model in apps.get_models():
        ours = model._meta.app_label
        for field in model._meta.get_fields():
            target = getattr(field, "remote_field", None) and field.concrete and field.related_model
            if not target or target._meta.app_label == ours or not {ours, target._meta.app_label} <= height.keys():
                continue
            if height[target._meta.app_label] >= height[ours]:
                climbing.append(f"{model._meta.label}.{field.name} → {target._meta.label}")

    assert len(height) >= 12
    assert climbing == []


def test_relations_between_apps_add_no_reverse_name_to_the_lower_app_unless_they_identify_a_person():
    allowed = {"stores.Staff.user", "members.Member.user"}
    named = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        for field in model._meta.get_fields()
        if getattr(field, "remote_field", None)
        and field.concrete
        and not field.many_to_many
        and field.related_model._meta.app_label != model._meta.app_label
        and field.remote_field.related_name != "+"
    ]

    assert set(named) <= allowed
