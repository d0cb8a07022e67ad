"""Up to 200 things in one call: each succeeds or fails by itself, with a line of its own in the answer."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers as f

from apps.api.answers import pointed
from apps.api.base import Input
from apps.core.errors import DomainError, ValidationFailed

MOST = 200
Act = Callable[[dict[str, Any]], tuple[str, str]]  # a checked item → (public id, status)


class Items(f.Field[Any, Any, Any, Any]):
    """The items as they came; each is checked by itself."""

    limits = {"minItems": 1}

    def to_internal_value(self, data: Any) -> list[Any]:
        most = self.context.get("most", MOST)
        if not isinstance(data, list) or not 1 <= len(data) <= most:
            sentence = _("A list of 1 to %(most)s items is expected.") % {"most": most}
            raise f.ValidationError(sentence, code="invalid")
        return data


def items_of(form: type[Input]) -> type[Input]:
    """The body around items of this form: {"items": [...]}."""
    schema = extend_schema_field(form(many=True))
    field = schema(type(f"{form.__name__}Items", (Items,), {}))()
    return type(f"{form.__name__.removesuffix('Input')}BulkInput", (Input,), {"items": field})


class ItemProblem(f.Serializer[Any]):
    code = f.CharField()
    title = f.CharField()
    retryable = f.BooleanField()


@extend_schema_serializer(component_name="BulkLine")
class BulkLine(f.Serializer[Any]):
    index = f.IntegerField()
    status = f.CharField(help_text="open list: created, updated, stored, refunded, failed …")
    id = f.CharField(allow_null=True)
    problem = ItemProblem(allow_null=True, help_text="as a problem document, with errors[] where fields are wrong")


class BulkOut(f.Serializer[Any]):
    data = BulkLine(many=True)  # type: ignore[assignment]  # DRF makes it a field
    failed = f.IntegerField()


def each(items: list[Any], *, form: type[Input], act: Act) -> dict[str, Any]:
    """Do `act` for each item in a savepoint of its own."""
    lines = [_line(index, item, form, act) for index, item in enumerate(items)]
    return {"data": lines, "failed": sum(line["status"] == "failed" for line in lines)}


def example(public_id: str, status: str) -> dict[str, Any]:
    return {"data": [{"index": 0, "status": status, "id": public_id, "problem": None}], "failed": 0}


def _line(index: int, item: Any, form: type[Input], act: Act) -> dict[str, Any]:
    try:
        checked = form(data=item)
        if not checked.is_valid():
            raise ValidationFailed(errors=pointed(checked.errors))
        with transaction.atomic():
            public_id, status = act(dict(checked.validated_data))
    except DomainError as refusal:
        return {"index": index, "status": "failed", "id": None, "problem": _problem(refusal)}
    return {"index": index, "status": status, "id": public_id, "problem": None}


def _problem(refusal: DomainError) -> dict[str, Any]:
    facts = {name: value for name, value in refusal.facts.items() if not name.endswith("_id")}
    return {**facts, "code": refusal.code, "title": str(refusal), "retryable": refusal.is_retryable}
