"""WeCom's memory: documents by kind and id in SQLite, and the counters of calls, which need not outlive the process."""

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from apps.gateways.simulator.wecom_rules import HOUR, LIMITS, MINUTE, Refused

SCHEMA = """
CREATE TABLE IF NOT EXISTS docs (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"""
Doc = dict[str, Any]


class WecomStore:
    """Every document is written before the answer goes out: staff, person, follow, way, tag, welcome, send, chat, join, event."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "wecom.sqlite3", isolation_level=None, timeout=2)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SCHEMA)
        self.calls: Counter[tuple[str, int]] = Counter()  # (api, errcode)
        self._spans: Counter[tuple[str, str, int]] = Counter()
        self._blocked: dict[tuple[str, str], int] = {}

    def close(self) -> None:
        self._db.close()

    @property
    def limits(self) -> dict[str, int]:
        return LIMITS | (self.get("settings", "limits") or {})

    def get(self, kind: str, name: str) -> Doc | None:
        row = self._db.execute("SELECT body FROM docs WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind: str, name: str, doc: Doc) -> None:
        self._db.execute("INSERT OR REPLACE INTO docs (kind, id, body) VALUES (?, ?, ?)", (kind, name, json.dumps(doc)))

    def put_many(self, kind: str, docs: dict[str, Doc]) -> None:
        self._db.execute("BEGIN")
        rows = ((kind, name, json.dumps(doc)) for name, doc in docs.items())
        self._db.executemany("INSERT OR REPLACE INTO docs (kind, id, body) VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def drop(self, kind: str, name: str) -> None:
        self._db.execute("DELETE FROM docs WHERE kind = ? AND id = ?", (kind, name))

    def page(self, kind: str, *, prefix: str = "", after: str = "", limit: int = 1_000_000) -> list[tuple[str, Doc]]:
        """Documents whose id begins with the prefix, by id, after one."""
        rows = self._db.execute(
            "SELECT id, body FROM docs WHERE kind = ? AND id > ? AND id < ? ORDER BY id LIMIT ?",
            (kind, max(after, prefix), prefix + "\U0010ffff", limit),
        )
        return [(name, json.loads(body)) for name, body in rows]

    def count(self, kind: str) -> int:
        return self._db.execute("SELECT count(*) FROM docs WHERE kind = ?", (kind,)).fetchone()[0]

    def next_number(self, what: str) -> int:
        number = (self.get("number", what) or {"value": 0})["value"] + 1
        self.put("number", what, {"value": number})
        return number

    def admit(self, api: str, *, now: int) -> None:
        """Count a call; one over a limit blocks the API for a minute, or for an hour. Raises Refused 45009."""
        limits = self.limits
        for owner in ("", "ip_"):
            if self._blocked.get((owner, api), 0) > now:
                raise Refused(45009)
            for length, name in ((MINUTE, "per_minute"), (HOUR, "per_hour")):
                self._spans[owner + name, api, now // length] += 1
                if self._spans[owner + name, api, now // length] > limits[owner + name]:
                    self._blocked[owner, api] = now + length
                    raise Refused(45009)

    def forget(self) -> None:
        self._db.execute("DELETE FROM docs")
        self.calls.clear()
        self._spans.clear()
        self._blocked.clear()
