"""What must be done before the processes start: tables, catalogues, static files, the demo or first policies; each when needed."""

import subprocess
from pathlib import Path

from apps.core.embedded import stamps
from apps.core.embedded.environment import RUNTIME, python
from apps.core.embedded.say import Refusal, Voice
from apps.core.embedded.servers import Servers

LOG_INS = "demo-log-ins.txt"


class Preparation:
    """One start's. Each part is known by what it was made from, so that a second start does only what changed."""

    def __init__(self, *, servers: Servers, surroundings: dict[str, str], voice: Voice) -> None:
        self.home, self.surroundings, self.voice = servers.home, surroundings, voice
        self._kept = stamps.Stamps(self.home.state / "stamps.json")
        self._database = servers.database_identity()
        clone = self.home.clone
        lock = clone / RUNTIME
        self._catalogues = sorted(clone.glob("locale/*/LC_MESSAGES/*.po"))
        self._wanted = {
            "tables": stamps.of_contents([*clone.glob("apps/*/migrations/*.py"), lock], self._database),
            "words": stamps.of_contents(self._catalogues),
            "files": stamps.of_dates([*clone.glob("static/**/*"), *clone.glob("apps/*/static/**/*"), lock]),
        }

    def is_done(self) -> bool:
        """Nothing is left to do. Asks no server."""
        return self._has_demo() is not None and all(map(self._is_current, self._wanted))

    def run(self, *, empty: bool) -> None:
        """Do what is left. The servers must answer. Raises Refusal when the tables, catalogues or static files cannot be made."""
        self._make("tables", "Database tables", "migrate", "--no-input", as_owner=True)
        self._make("words", "Translations", "compile_catalogues")
        self._make("files", "Static files", "collectstatic", "--no-input", "--verbosity", "0")
        if self._has_demo() is None:
            self._fill(empty=empty)

    def log_ins(self) -> str:
        """The demo's log-ins as lines; empty without a demo. Asking the database takes a process, so they are kept with the state
        until another demo, other settings or other code made them.
        """
        if not self._has_demo():
            return ""
        sources = self.home.clone.glob("apps/flows/demo/*.py")
        made_from = stamps.of_contents(sources, self._database, self.surroundings["DJANGO_SETTINGS_MODULE"])
        path = self.home.state / LOG_INS
        if not (self._kept.holds("log-ins", made_from) and path.is_file()):
            asked = self._manage("demo_logins", stdout=subprocess.PIPE)
            if asked.returncode:
                return asked.stdout.rstrip("\n")
            path.write_text(asked.stdout)
            self._kept.put("log-ins", made_from)
        return path.read_text().rstrip("\n")

    def _is_current(self, name: str) -> bool:
        if name == "words" and not all(source.with_suffix(".mo").exists() for source in self._catalogues):
            return False
        if name == "files" and not (self.home.state / "static_root").is_dir():
            return False
        return self._kept.holds(name, self._wanted[name])

    def _make(self, name: str, title: str, *command: str, as_owner: bool = False) -> None:
        if not self._is_current(name):
            with self.voice.step(title):
                self._must(*command, as_owner=as_owner)
            self._kept.put(name, self._wanted[name])

    def _has_demo(self) -> bool | None:
        """None while this database has neither the demo nor a shop that began without."""
        for answer, word in ((False, "none"), (True, "loaded")):
            if self._kept.holds("demo", f"{word} {self._database}"):
                return answer
        return None

    def _fill(self, *, empty: bool) -> None:
        """The demo, once. An installation that began empty stays without it: real members may be in it by now."""
        if empty:
            with self.voice.step("The care policies and tiers a shop begins with"):
                self._must("open_shop")
            self._kept.put("demo", f"none {self._database}")
            return
        try:
            with self.voice.step("Demo: a year of a retailer's orders"):
                self._must("load_demo")
        except Refusal:
            self.voice.line("The demo could not be loaded. Siyu starts without it and tries again next time.")
        else:
            self._kept.put("demo", f"loaded {self._database}")

    def _must(self, *arguments: str, as_owner: bool = False) -> None:
        if self._manage(*arguments, as_owner=as_owner).returncode:
            raise Refusal(f"manage.py {arguments[0]} failed; the lines above say why.")

    def _manage(
        self, *arguments: str, as_owner: bool = False, stdout: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a management command; its lines go where ours go, or to `stdout`."""
        ours = self.voice.stream
        owned = {"DATABASE_URL": self.surroundings["DATABASE_OWNER_URL"]} if as_owner else {}
        return subprocess.run(
            [str(python(self.home.clone)), str(Path(self.home.clone) / "manage.py"), *arguments],
            env=self.surroundings | owned, cwd=self.home.clone, stdin=subprocess.DEVNULL, text=True, check=False,
            stdout=ours if stdout is None else stdout, stderr=ours,
        )  # fmt: skip
