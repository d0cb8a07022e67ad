"""`bin/test`: lint, types, architecture, checks, then the tests; or only the part of the tests that is named."""

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apps.core.embedded import browser, environment, places, processes, say
from apps.core.embedded.keys import NAMES
from apps.core.embedded.servers import BROKER_NAMES, Servers

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"
COLLECT = ("-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider")
STAGES = (  # three at a time, of which one waits for the network at first: the longest first, so that no core is left alone
    ("browser for the tests", ("-m", "apps.core.embedded.browser")),
    ("compile_catalogues", ("manage.py", "compile_catalogues")),
    ("tests compiled", COLLECT),  # once, not by each of pytest's processes at the same time
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format --check", ("-m", "ruff", "format", "--check", ".")),
    ("mypy", ("-m", "mypy")),
    ("database that tests copy", ("-m", "tests.databases")),
    ("lint-imports", ("-c", IMPORT_LINTER)),
    ("makemigrations --check", ("manage.py", "makemigrations", "--check", "--dry-run")),
    ("check --deploy (production settings)", ("manage.py", "check", "--deploy", "--fail-level", "WARNING")),
    ("catalogues --check", ("manage.py", "catalogues", "--check")),
)
USAGE = """bin/test                     everything: lint, types, checks, tests, browser tests
bin/test --nightly           the same, with the slow forms
bin/test PATH[::NAME] ...    only these tests; further words go to pytest (-k, -x, -n ...)
"""


def main(arguments: list[str]) -> int:
    say.prepare_streams()
    processes.leave_on_sigterm()
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(USAGE)
        return 0
    nightly = "--nightly" in arguments
    chosen = [word for word in arguments if word != "--nightly"]
    voice = say.Voice(sys.stdout)
    try:
        home = places.locate()
        home.create()
        environment.ensure(clone=home.clone, voice=voice, development=True)
        tests_home = home.nested("test")
        tests_home.create()
        servers = Servers(home=tests_home, outside=_outside(), careless=True)
        with servers.running(say.Voice(sys.stderr, quiet=True)):
            surroundings = _surroundings(servers)
            if not chosen and not _stages(home.clone, surroundings):
                return 1
            return _pytest(home.clone, surroundings, chosen, nightly=nightly, voice=voice)
    except say.Refusal as refusal:
        say.stop_with(str(refusal))


def _outside() -> dict[str, str]:
    """The caller's environment without an installation's own secrets and settings. An outside DATABASE_URL counts:
    the tests need a Valkey with many databases, so that one is always ours.
    """
    own = (*NAMES, *BROKER_NAMES, "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in own}


def _surroundings(servers: Servers) -> dict[str, str]:
    made = servers.environment() | {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
    made["TEST_VALKEY"] = made["REDIS_URL"].partition("?")[0]
    return made


def _stages(clone: Path, surroundings: dict[str, str]) -> bool:
    """Run all that comes before the tests, three at a time; the first that fails ends the run."""

    def run(stage: tuple[str, tuple[str, ...]]) -> tuple[int, str, float]:
        begun = time.monotonic()
        seen = surroundings | _production() if "--deploy" in stage[1] else surroundings
        done = subprocess.run(
            [str(environment.python(clone)), *stage[1]], cwd=clone, env=seen, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, time.monotonic() - begun

    with ThreadPoolExecutor(3) as pool:
        for (name, _), (code, said, seconds) in zip(STAGES, pool.map(run, STAGES), strict=True):
            if code:
                pool.shutdown(cancel_futures=True)
                sys.stdout.write(f"{said}\n{name}: FAILED ({seconds:.1f} s). The tests did not run.\n")
                return False
            sys.stdout.write(f"{name}: ok ({seconds:.1f} s)\n")
            sys.stdout.flush()
    return True


def _processes() -> int:
    """Two a core: tests wait for browsers, servers and clocks a part of the time. Three for two cores took as long."""
    return max(2, min(8, (os.cpu_count() or 2) * 2))


def _production() -> dict[str, str]:
    """Invented but safe values: the check is about our settings, not about this machine."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "siyu.example.com",
        "ALLOW_SIMULATOR": "1",  # no SMS account here
    }


def _pytest(clone: Path, surroundings: dict[str, str], chosen: list[str], *, nightly: bool, voice: say.Voice) -> int:
    """Its closing line is the last line of all."""
    wants_browser = not chosen or any("e2e" in word for word in chosen)
    found = browser.find(install=bool(chosen) and wants_browser, voice=voice)  # a whole run installed it as a stage
    left_out = [] if nightly else ["not nightly"]
    if found:
        surroundings["SIYU_CHROMIUM"] = found
    elif wants_browser and os.environ.get("CI"):
        raise say.Refusal("CI is set and there is no Chromium: the browser tests could not run.")
    else:
        left_out.append("not e2e")
        if wants_browser:
            voice.line("No Chromium on this machine: the BROWSER TESTS DO NOT RUN (install chromium, or run as root).")
    command = [str(environment.python(clone)), "-m", "pytest"]
    if left_out and not any(word.startswith("-m") for word in chosen):
        command += ["-m", " and ".join(left_out)]
    if not chosen:
        command += ["-n", str(_processes()), "--dist", "loadfile", "--no-loadscope-reorder"]
    return processes.run_in_front([*command, *chosen], environment=surroundings, folder=clone)
