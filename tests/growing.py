"""Does a statement read the table that it fills while it fills it? Then its time grows with the square of the rows."""

import json
from typing import Any

from django.db import connection

from tests import databases


def pages_read(sql: str, params: Any, *, table: str) -> int:
    """Run the statement with `table` analysed as empty: pages of it that its own reading met. 0: it read before it wrote."""
    with databases.owner(connection.settings_dict["NAME"]) as owner:
        owner.execute(f"vacuum (analyze) {table}")  # pages of rolled back tests go, too
    with connection.cursor() as cursor:
        cursor.execute("explain (analyze, buffers, format json) " + sql, params)
        answer = cursor.fetchone()[0]
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    scans = [node for node in _nodes(plan) if node.get("Relation Name") == table and "Scan" in node["Node Type"]]
    assert scans, f"{table} is not read at all"
    return sum(
        node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in scans if node["Node Type"] == "Seq Scan"
    )


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan] + [node for below in plan.get("Plans", []) for node in _nodes(below)]
