"""Rows of the counted tables that a reader may see. In these tables store 0 is no store, or the brand's own sum."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

Stores = Sequence[int] | None  # None: everything; a list: these stores alone


def within(rows: QuerySet[Any], store_ids: Stores) -> QuerySet[Any]:
    """Of tables without a sum of their own. A list never reaches what belongs to no store, not even if it holds 0."""
    return rows if store_ids is None else rows.filter(store_id__in=[key for key in store_ids if key])


def summed(rows: QuerySet[Any], store_ids: Stores) -> QuerySet[Any]:
    """Of tables that keep the brand's sum beside the stores': that sum, or rows of these stores to add up."""
    return rows.filter(store_id=0) if store_ids is None else within(rows, store_ids)
