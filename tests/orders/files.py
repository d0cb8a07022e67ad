"""Order files for tests, taken in through the command."""

import csv
import io
import json
from pathlib import Path

from django.core.management import call_command

from apps.catalog.models import Category, Product
from apps.events.models import Event
from apps.members.models import Identity, Member
from apps.orders.models import Change, Line, Order, Refund
from apps.stores.models import Staff, Store

TABLES = (Order, Line, Refund, Change, Member, Identity, Event, Store, Staff, Product, Category)
FIGURES = ("rows", "orders_added", "orders_known", "lines_added", "members_added", "refunds_added", "rejected")


def import_file(folder: Path, content: str | bytes, *options: str) -> dict:
    path = folder / "orders.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = io.StringIO()
    call_command("import_orders", str(path), "--json", *options, stdout=said)
    return json.loads(said.getvalue())


def figures(result: dict) -> dict:
    return {name: result[name] for name in FIGURES}


def rejected(result: dict) -> list[tuple[str, str, str, str]]:
    """Line, column, code and text of each rejected row."""
    if not result["rejected_file"]:
        return []
    with open(result["rejected_file"], encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(row[0], row[1], row[2], row[5]) for row in rows]
