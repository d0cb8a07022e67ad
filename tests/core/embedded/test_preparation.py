"""A second start does what changed and nothing else; the demo's log-ins are asked for once."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.core.embedded import preparation
from apps.core.embedded.preparation import Preparation
from apps.core.embedded.say import Refusal, Voice


class House:
    """A clone with one file of each kind and a state folder; commands are written down, not run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clone, self.state = folder / "clone", folder / "state"
        for name in (
            "apps/a/migrations/0001.py",
            "locale/en/LC_MESSAGES/django.po",
            "static/a.css",
            "requirements.lock",
        ):
            self.write(name, "")
        (self.state / "static_root").mkdir(parents=True)
        (self.clone / "locale/en/LC_MESSAGES/django.mo").touch()
        self.database, self.settings, self.code = "one", "config.settings.dev", 0
        self.ran: list[str] = []
        monkeypatch.setattr(preparation.subprocess, "run", self.run)

    def write(self, name: str, text: str) -> None:
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        self.ran.append(f"{command[2]} as {given['env']['DATABASE_URL']}")
        return subprocess.CompletedProcess(command, self.code, stdout=f"asked {len(self.ran)} times\n")

    def begin(self) -> Preparation:
        home = SimpleNamespace(clone=self.clone, state=self.state)
        servers = SimpleNamespace(home=home, database_identity=lambda: self.database)
        seen = {"DATABASE_URL": "app", "DATABASE_OWNER_URL": "owner", "DJANGO_SETTINGS_MODULE": self.settings}
        with (self.state / "said").open("a") as said:
            return Preparation(servers=servers, surroundings=seen, voice=Voice(said, quiet=True))  # type: ignore[arg-type]

    def start(self) -> list[str]:
        """What one start runs."""
        self.ran.clear()
        before = self.begin()
        was_done = before.is_done()
        before.run(empty=False)
        assert was_done == (not self.ran)
        return self.ran.copy()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def test_a_second_start_runs_only_what_changed(house: House):
    assert house.start() == [
        "migrate as owner",
        "compile_catalogues as app",
        "collectstatic as app",
        "load_demo as app",
    ]
    assert house.start() == []

    house.write("static/a.css", "p {}")
    assert house.start() == ["collectstatic as app"]
    house.write("apps/a/migrations/0002.py", "")
    assert house.start() == ["migrate as owner"]
    (house.clone / "locale/en/LC_MESSAGES/django.mo").unlink()
    assert house.begin().is_done() is False
    house.database = "two"
    assert house.start() == ["migrate as owner", "compile_catalogues as app", "load_demo as app"]


def test_what_failed_is_done_again(house: House):
    house.code = 1
    with pytest.raises(Refusal, match="migrate failed"):
        house.begin().run(empty=False)

    house.code = 0
    assert house.start()[0] == "migrate as owner"


def test_log_ins_are_asked_for_once_and_again_for_another_database_and_other_settings(house: House):
    assert house.begin().log_ins() == ""
    house.start()

    assert [house.begin().log_ins() for _ in range(3)] == ["asked 5 times"] * 3
    house.settings = "config.settings.production"
    assert house.begin().log_ins() == "asked 6 times"
    (house.state / preparation.LOG_INS).unlink()
    assert house.begin().log_ins() == "asked 7 times"
    house.code = 1
    house.settings = "config.settings.dev"
    assert house.begin().log_ins() == "asked 8 times"
    assert house.begin().log_ins() == "asked 9 times"
