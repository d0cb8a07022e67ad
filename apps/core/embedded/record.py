"""The running supervisor's card: who it is and which ports it took, for `bin/stop`, `bin/manage` and a second `bin/start`."""

import json
import os
from typing import Any

from apps.core.embedded import processes
from apps.core.embedded.places import Home


def write(home: Home, **facts: Any) -> None:
    path = home.state / "supervisor.json"
    draft = path.with_suffix(".new")
    pid = os.getpid()
    draft.write_text(json.dumps({"pid": pid, "started": processes.started_at(pid), **facts}))
    draft.replace(path)


def read(home: Home) -> dict[str, Any]:
    """The last card written, of a living supervisor or of a dead one; empty when there is none."""
    try:
        return dict(json.loads((home.state / "supervisor.json").read_text()))
    except (OSError, ValueError):
        return {}


def living_pid(home: Home) -> int | None:
    """The supervisor's pid, only if that process is still the one that wrote the card."""
    card = read(home)
    pid = card.get("pid")
    return pid if pid and processes.started_at(pid) == card.get("started") else None


def simulator_url(home: Home) -> str:
    return f"http://127.0.0.1:{read(home).get('simulator_port', 8010)}"
