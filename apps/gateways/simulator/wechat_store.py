"""The WeChat platform's memory, in SQLite beside that of SMS. Phone numbers are never written down."""

import hashlib
import json
import sqlite3
from pathlib import Path

from apps.gateways.simulator.store import hide_numbers
from apps.gateways.simulator.wechat_rules import DEMO_APP, LIMITS, App, Token

SCHEMA = """
CREATE TABLE IF NOT EXISTS apps (app_id TEXT PRIMARY KEY, secret TEXT NOT NULL, is_bound INTEGER NOT NULL,
    templates TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, kind TEXT NOT NULL, app_id TEXT NOT NULL, person TEXT NOT NULL,
    expires_at INTEGER NOT NULL, is_used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, app_id TEXT NOT NULL, expires_at INTEGER NOT NULL,
    is_current INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS forced (app_id TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS logins (openid TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS credits (app_id TEXT NOT NULL, openid TEXT NOT NULL, template TEXT NOT NULL,
    credits INTEGER NOT NULL, PRIMARY KEY (app_id, openid, template));
CREATE TABLE IF NOT EXISTS people (app_id TEXT NOT NULL, openid TEXT NOT NULL, PRIMARY KEY (app_id, openid));
CREATE TABLE IF NOT EXISTS sends (number INTEGER PRIMARY KEY AUTOINCREMENT, app_id TEXT NOT NULL, openid TEXT NOT NULL,
    template TEXT NOT NULL, page TEXT NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS wechat_limits (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS totals (call TEXT NOT NULL, code INTEGER NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (call, code));
"""


class WechatStore:
    """One statement per fact, each committed before the answer goes out."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "wechat.sqlite3", isolation_level=None, timeout=2)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        self.phones: dict[str, str] = {}  # code → number; they live five minutes and need not outlive the process
        self.limits = LIMITS | dict(self._db.execute("SELECT name, value FROM wechat_limits"))
        if self.app(DEMO_APP.app_id) is None:
            self.put_app(DEMO_APP)

    def close(self) -> None:
        self._db.close()

    def app(self, app_id: str) -> App | None:
        row = self._db.execute(
            "SELECT app_id, secret, is_bound, templates FROM apps WHERE app_id = ?", (app_id,)
        ).fetchone()
        if row is None:
            return None
        templates = {name: tuple(fields) for name, fields in json.loads(row[3]).items()}
        return App(row[0], row[1], bool(row[2]), templates)

    def put_app(self, app: App) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO apps (app_id, secret, is_bound, templates) VALUES (?, ?, ?, ?)",
            (app.app_id, app.secret, app.is_bound, json.dumps(app.templates)),
        )

    def set_limits(self, values: dict[str, int]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO wechat_limits (name, value) VALUES (?, ?)", values.items())
        self.limits |= values

    def mint(self, code: str, *, kind: str, app_id: str, person: str, expires_at: int) -> None:
        """`person` is the JSON of an open id and a union id, or empty for a phone code."""
        self._db.execute(
            "INSERT INTO codes (code, kind, app_id, person, expires_at) VALUES (?, ?, ?, ?, ?)",
            (_digest(code), kind, app_id, person, expires_at),
        )

    def is_known(self, code: str) -> bool:
        return bool(self._db.execute("SELECT 1 FROM codes WHERE code = ?", (_digest(code),)).fetchone())

    def person_of(self, code: str, *, kind: str, app_id: str, now: int) -> str | None:
        """Whom the code names, while it is unused, in time and of this app."""
        row = self._db.execute(
            "SELECT person FROM codes WHERE code = ? AND kind = ? AND app_id = ? AND is_used = 0 AND expires_at > ?",
            (_digest(code), kind, app_id, now),
        ).fetchone()
        return row[0] if row else None

    def spend(self, code: str) -> None:
        self._db.execute("UPDATE codes SET is_used = 1 WHERE code = ?", (_digest(code),))

    def logins_since(self, openid: str, *, since: int, now: int) -> int:
        return self._db.execute(
            "SELECT count(*) FROM logins WHERE openid = ? AND at > ? AND at <= ?", (openid, since, now)
        ).fetchone()[0]

    def log_in(self, openid: str, *, app_id: str, now: int) -> None:
        self._db.execute("INSERT INTO logins (openid, at) VALUES (?, ?)", (openid, now))
        self.meet(openid, app_id=app_id)

    def meet(self, openid: str, *, app_id: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO people (app_id, openid) VALUES (?, ?)", (app_id, openid))

    def knows(self, openid: str, *, app_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM people WHERE app_id = ? AND openid = ?", (app_id, openid))
        return bool(found.fetchone())

    def is_anybody(self, openid: str) -> bool:
        """Somebody's, in whatever app."""
        return bool(self._db.execute("SELECT 1 FROM people WHERE openid = ?", (openid,)).fetchone())

    def current_token(self, app_id: str) -> Token | None:
        row = self._db.execute(
            "SELECT token, expires_at FROM tokens WHERE app_id = ? AND is_current = 1", (app_id,)
        ).fetchone()
        return Token(*row) if row else None

    def issue(self, token: Token, *, app_id: str, ends_the_old: bool) -> None:
        if ends_the_old:
            self._db.execute("DELETE FROM tokens WHERE app_id = ?", (app_id,))
        self._db.execute("UPDATE tokens SET is_current = 0 WHERE app_id = ?", (app_id,))
        self._db.execute(
            "INSERT INTO tokens (token, app_id, expires_at, is_current) VALUES (?, ?, ?, 1)",
            (token.text, app_id, token.expires_at),
        )

    def token(self, text: str) -> tuple[str, int] | None:
        """(app, end) of a token."""
        return self._db.execute("SELECT app_id, expires_at FROM tokens WHERE token = ?", (text,)).fetchone()

    def end_tokens(self, app_id: str) -> None:
        """As another server's forced refresh would."""
        self._db.execute("DELETE FROM tokens WHERE app_id = ?", (app_id,))

    def forced(self, app_id: str) -> list[int]:
        return [at for (at,) in self._db.execute("SELECT at FROM forced WHERE app_id = ? ORDER BY at", (app_id,))]

    def note_forced(self, app_id: str, *, now: int) -> None:
        self._db.execute("INSERT INTO forced (app_id, at) VALUES (?, ?)", (app_id, now))

    def credits(self, *, app_id: str, openid: str, template: str) -> int:
        row = self._db.execute(
            "SELECT credits FROM credits WHERE app_id = ? AND openid = ? AND template = ?", (app_id, openid, template)
        ).fetchone()
        return row[0] if row else 0

    def grant(self, *, app_id: str, openid: str, template: str, credits: int) -> None:
        self._db.execute(
            "INSERT INTO credits (app_id, openid, template, credits) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET credits = max(0, credits + excluded.credits)",
            (app_id, openid, template, credits),
        )
        self.meet(openid, app_id=app_id)

    def send(self, *, app_id: str, openid: str, template: str, page: str, data: dict[str, str], at: int) -> None:
        """Deliver and burn one credit, in one commit."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "UPDATE credits SET credits = credits - 1 WHERE app_id = ? AND openid = ? AND template = ?",
            (app_id, openid, template),
        )
        self._db.execute(
            "INSERT INTO sends (app_id, openid, template, page, data, at) VALUES (?, ?, ?, ?, ?, ?)",
            (app_id, openid, template, page, hide_numbers(json.dumps(data, ensure_ascii=False)), at),
        )
        self._db.execute("COMMIT")

    def messages(self, *, after: int, limit: int, openid: str, newest: bool) -> list[tuple]:
        return self._db.execute(
            "SELECT number, app_id, openid, template, page, data, at FROM sends WHERE number > ?"
            f" AND (? = '' OR openid = ?) ORDER BY number {'DESC' if newest else ''} LIMIT ?",
            (after, openid, openid, limit),
        ).fetchall()

    def count(self, call: str, code: int) -> None:
        self._db.execute(
            "INSERT INTO totals (call, code, calls) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1",
            (call, code),
        )

    def totals(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for call, code, calls in self._db.execute("SELECT call, code, calls FROM totals ORDER BY call, code"):
            found.setdefault(call, {})[str(code)] = calls
        return found

    def forget(self) -> None:
        """Everything but the registered apps."""
        for table in (
            "codes", "tokens", "forced", "logins", "credits", "people", "sends", "wechat_limits", "totals",
        ):  # fmt: skip
            self._db.execute(f"DELETE FROM {table}")
        self.phones.clear()
        self.limits = dict(LIMITS)


def _digest(code: str) -> str:
    """A tester's own phone code has the number in it."""
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
