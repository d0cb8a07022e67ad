"""The platform's memory, in SQLite. Numbers exist only as a keyed hash and their last four digits.

One process owns the file (exclusive lock). Every request commits once, before its reply is written, so a killed
simulator remembers whatever it has answered for.
"""

import hashlib
import re
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from apps.gateways.simulator.rules import DAY, LIMITS, Past, Registered, Template

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, phone INTEGER NOT NULL, content INTEGER NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL,
    number INTEGER, calls INTEGER NOT NULL, deliveries INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_delivered_twice ON keys (key) WHERE deliveries > 1;
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, phone INTEGER NOT NULL, tail TEXT NOT NULL,
    content INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, template TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inbound (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, phone INTEGER NOT NULL, tail TEXT NOT NULL,
    text TEXT NOT NULL, opt_out INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS opted_out (phone INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS signatures (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS templates (name TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS limits (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS modes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS totals (code TEXT PRIMARY KEY, messages INTEGER NOT NULL);
"""
MODES = {"keys": "on", "query": "on"}

_NUMBER_IN_TEXT = re.compile(r"(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])")


def hide_numbers(text: str) -> str:
    """Texts are kept for the phone view; a mobile number inside one is not."""
    return _NUMBER_IN_TEXT.sub("[number]", text)


def _rows(count: int) -> str:
    return ",".join("?" * count)


class Store:
    """Everything the platform knows. `deliveries.number` is the running number behind each biz_id."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "platform.sqlite3", isolation_level=None, timeout=2)
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.execute("PRAGMA wal_autocheckpoint = 4000")
        self._db.executescript(SCHEMA)
        self._keyed = hashlib.blake2b(digest_size=8, key=_secret(folder / "hash.key"))
        # In memory, because an index by number in the file would dirty a page of its own for every message.
        self._recent: defaultdict[int, list[Past]] = defaultdict(list)
        newest = "SELECT max(at) FROM deliveries"
        for phone, *past in self._db.execute(
            f"SELECT phone, at, template, content FROM deliveries WHERE at > ({newest}) - {DAY} ORDER BY number"
        ):
            self._recent[phone].append(Past(*past))
        self._load()

    def _load(self) -> None:
        fetch = self._db.execute
        self.modes = MODES | dict(fetch("SELECT name, value FROM modes"))
        self.known = Registered(
            signatures=frozenset(name for (name,) in fetch("SELECT name FROM signatures")),
            templates={
                n: Template(name=n, kind=k, text=t) for n, k, t in fetch("SELECT name, kind, text FROM templates")
            },
            opted_out={phone for (phone,) in fetch("SELECT phone FROM opted_out")},
            limits=LIMITS | dict(fetch("SELECT name, value FROM limits")),
        )

    def close(self) -> None:
        self._db.close()

    def fingerprint(self, value: str) -> int:
        keyed = self._keyed.copy()
        keyed.update(value.encode("utf-8", "replace"))
        return int.from_bytes(keyed.digest(), "big", signed=True)

    def next_number(self) -> int:
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").fetchone()
        return (row[0] if row else 0) + 1

    def keys(self, names: Sequence[str]) -> dict[str, tuple]:
        """(phone, content, code, detail, number, calls, deliveries) of each key the platform has seen."""
        rows = self._db.execute(
            f"SELECT key, phone, content, code, detail, number, calls, deliveries FROM keys WHERE key IN ({_rows(len(names))})",
            names,
        )
        return {row[0]: row[1:] for row in rows}

    def history(self, phones: Iterable[int], *, now: int) -> dict[int, list[Past]]:
        """What went to each number in the 24 hours up to now, oldest first."""
        recent = self._recent
        return {phone: [p for p in recent.get(phone, ()) if now - DAY < p.at <= now] for phone in phones}

    def record(self, *, calls: Sequence[tuple], deliveries: Sequence[tuple], totals: dict[str, int]) -> None:
        """Store one request: its calls per key, its deliveries and the totals per code, in one commit."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(
                "INSERT INTO deliveries (number, key, phone, tail, content, at, kind, template, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                deliveries,
            )
            db.executemany(
                "INSERT INTO keys (key, phone, content, code, detail, number, calls, deliveries)"
                " VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (key) DO UPDATE SET calls = calls + 1,"
                " deliveries = deliveries + excluded.deliveries,"
                " detail = CASE WHEN code = 'OK' THEN detail ELSE excluded.detail END,"
                " number = coalesce(number, excluded.number),"
                " code = CASE WHEN code = 'OK' THEN code ELSE excluded.code END",
                calls,
            )
            db.executemany(
                "INSERT INTO totals (code, messages) VALUES (?, ?)"
                " ON CONFLICT (code) DO UPDATE SET messages = messages + excluded.messages",
                totals.items(),
            )
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
        for _, _, phone, _, content, at, _, template, _ in deliveries:
            past = self._recent[phone]
            past.append(Past(at, template, content))
            if past[0].at <= at - DAY:
                self._recent[phone] = [p for p in past if p.at > at - DAY]

    def register(self, *, signatures: Iterable[str], templates: Iterable[Template]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO signatures (name) VALUES (?)", ((name,) for name in signatures))
        self._db.executemany(
            "INSERT OR REPLACE INTO templates (name, kind, text) VALUES (?, ?, ?)",
            ((t.name, t.kind, t.text) for t in templates),
        )
        self._load()

    def set_limits(self, values: dict[str, int]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO limits (name, value) VALUES (?, ?)", values.items())
        self._load()

    def set_modes(self, values: dict[str, str]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO modes (name, value) VALUES (?, ?)", values.items())
        self._load()

    def messages(self, *, after: int, limit: int, tail: str, key: str, newest: bool) -> list[tuple]:
        return self._db.execute(
            "SELECT number, key, tail, at, kind, template, text FROM deliveries WHERE number > ?"
            f" AND (? = '' OR tail = ?) AND (? = '' OR key = ?) ORDER BY number {'DESC' if newest else ''} LIMIT ?",
            (after, tail, tail, key, key, limit),
        ).fetchall()

    def latest_to(self, *, tail: str, key: str) -> tuple | None:
        """(key, phone, tail) of the last delivery for this key, or else to this tail."""
        column, value = ("key", key) if key else ("tail", tail)
        return self._db.execute(
            f"SELECT key, phone, tail FROM deliveries WHERE {column} = ? ORDER BY number DESC LIMIT 1", (value,)
        ).fetchone()

    def add_inbound(self, *, key: str, phone: int, tail: str, text: str, opt_out: bool, at: int) -> int:
        cursor = self._db.execute(
            "INSERT INTO inbound (key, phone, tail, text, opt_out, at) VALUES (?, ?, ?, ?, ?, ?)",
            (key, phone, tail, hide_numbers(text), opt_out, at),
        )
        if opt_out:
            self._db.execute("INSERT OR IGNORE INTO opted_out (phone) VALUES (?)", (phone,))
            self._load()
        return cursor.lastrowid or 0

    def inbound(self, *, after: int, limit: int) -> list[tuple]:
        return self._db.execute(
            "SELECT number, key, tail, text, opt_out, at FROM inbound WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        ).fetchall()

    def totals(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT code, messages FROM totals ORDER BY code"))

    def count(self) -> tuple[int, int]:
        """(keys, deliveries)."""
        return self._db.execute("SELECT (SELECT count(*) FROM keys), (SELECT count(*) FROM deliveries)").fetchone()

    def delivered_twice(self, *, limit: int) -> dict[str, int]:
        return dict(
            self._db.execute(
                "SELECT key, deliveries FROM keys INDEXED BY keys_delivered_twice WHERE deliveries > 1"
                " ORDER BY key LIMIT ?",
                (limit,),
            )
        )

    def forget(self) -> None:
        """Drop messages, keys, replies, opt-outs, limits and modes. Registrations stay, running numbers go on."""
        self._db.execute("BEGIN IMMEDIATE")
        for table in ("keys", "deliveries", "inbound", "opted_out", "limits", "modes", "totals"):
            self._db.execute(f"DELETE FROM {table}")
        self._db.execute("COMMIT")
        self._recent.clear()
        self._load()


def _secret(path: Path) -> bytes:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
