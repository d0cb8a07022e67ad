"""What must be done before the processes start: tables, catalogues, static files, the demo or first policies; each when needed."""

import subprocess
from pathlib import Path

from apps.core.embedded import stamps
from apps.core.embedded.environment import RUNTIME, python
from apps.core.embedded.places import Home
from apps.core.embedded.say import Refusal, Voice
from apps.core.embedded.servers import Servers


def prepare(*, servers: Servers, surroundings: dict[str, str], empty: bool, voice: Voice) -> bool:
    """True when the demo's log-ins exist. Raises Refusal when the tables or static files cannot be made."""
    home, clone = servers.home, servers.home.clone
    kept = stamps.Stamps(home.state / "stamps.json")
    lock, database = clone / RUNTIME, servers.database_identity()

    tables = stamps.of_contents([*clone.glob("apps/*/migrations/*.py"), lock], database)
    if not kept.holds("tables", tables):
        with voice.step("Database tables"):
            as_owner = surroundings | {"DATABASE_URL": surroundings["DATABASE_OWNER_URL"]}
            _must("migrate", "--no-input", home=home, surroundings=as_owner, voice=voice)
        kept.put("tables", tables)

    sources = sorted(clone.glob("locale/*/LC_MESSAGES/*.po"))
    words = stamps.of_contents(sources)
    if not kept.holds("words", words) or not all(source.with_suffix(".mo").exists() for source in sources):
        with voice.step("Translations"):
            _must("compile_catalogues", home=home, surroundings=surroundings, voice=voice)
        kept.put("words", words)

    files = stamps.of_dates([*clone.glob("static/**/*"), *clone.glob("apps/*/static/**/*"), lock])
    if not kept.holds("files", files) or not (home.state / "static_root").is_dir():
        with voice.step("Static files"):
            _must("collectstatic", "--no-input", "--verbosity", "0", home=home, surroundings=surroundings, voice=voice)
        kept.put("files", files)

    return _demo(home=home, surroundings=surroundings, kept=kept, database=database, empty=empty, voice=voice)


def _demo(
    *, home: Home, surroundings: dict[str, str], kept: stamps.Stamps, database: str, empty: bool, voice: Voice
) -> bool:
    """Loaded into a new installation, once. One that began empty stays without it: real members may be in it by now."""
    if kept.holds("demo", f"none {database}") or kept.holds("demo", f"loaded {database}"):
        return kept.holds("demo", f"loaded {database}")
    if empty:
        with voice.step("The care policies and tiers a shop begins with"):
            _must("open_shop", home=home, surroundings=surroundings, voice=voice)
        kept.put("demo", f"none {database}")
        return False
    try:
        with voice.step("Demo: a year of a retailer's orders"):
            _must("load_demo", home=home, surroundings=surroundings, voice=voice)
    except Refusal:
        voice.line("The demo could not be loaded. Siyu starts without it and tries again next time.")
        return False
    kept.put("demo", f"loaded {database}")
    return True


def manage(*arguments: str, home: Home, surroundings: dict[str, str], voice: Voice) -> bool:
    """Run a management command with its lines going where ours go."""
    command = [str(python(home.clone)), str(Path(home.clone) / "manage.py"), *arguments]
    done = subprocess.run(
        command,
        env=surroundings,
        cwd=home.clone,
        stdin=subprocess.DEVNULL,
        stdout=voice.stream,
        stderr=voice.stream,
        check=False,
    )
    return done.returncode == 0


def _must(*arguments: str, home: Home, surroundings: dict[str, str], voice: Voice) -> None:
    if not manage(*arguments, home=home, surroundings=surroundings, voice=voice):
        raise Refusal(f"manage.py {arguments[0]} failed; the lines above say why.")
