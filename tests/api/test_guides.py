"""The guides' shell blocks run as they stand, in order, against a live server."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from apps.flows import sandbox
from apps.stores import credentials

GUIDES = (
    "quick-start",
    "errors",
    "idempotency",
    "pagination",
    "bulk",
    "versions",
    "files",
    "sandbox",
    "sdk",
    "rate-limits",
)
FOLDER = Path(settings.BASE_DIR) / "docs" / "api"


def blocks(name: str) -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", (FOLDER / f"{name}.md").read_text(), re.DOTALL | re.MULTILINE))


@pytest.mark.django_db(transaction=True)
def test_every_block_of_the_guides_does_what_its_page_says(live_server, simulator, settings, tmp_path: Path):
    settings.API_SANDBOX = True
    sandbox.fill()
    test_key = credentials.issue_client(name="tester", scopes=["members.read"], is_sandbox=True).secret
    key = credentials.issue_client(name="order system", scopes=["members.write", "orders.write"]).secret
    script = tmp_path / "guides.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(f"echo '## {name}'\n{blocks(name)}" for name in GUIDES))

    done = subprocess.run(
        ["bash", str(script)],
        env={
            "PATH": os.environ["PATH"], "BASE": f"{live_server.url}/api/v1", "KEY": key, "TEST_KEY": test_key,
            "TMPDIR": str(tmp_path),
        },
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    assert "Retry-After: " in done.stdout


def test_each_guide_shows_a_failure():
    for name in GUIDES[1:]:
        assert 'test "$(field ' in blocks(name), name
