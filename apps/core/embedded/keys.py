"""The installation's secrets: made once, kept in one file that only its owner can read."""

import base64
import json
import os
import secrets
from pathlib import Path

from apps.core.embedded.say import Refusal

NAMES = ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY", "PUBLIC_ID_KEY")


def load(path: Path) -> dict[str, str]:
    """The stored secrets; new ones when the file is not there. `HOME_ID` names this installation's data."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return _create(path)
    except ValueError:
        raise Refusal(
            f"{path} is damaged. Restore it: without these keys the encrypted fields cannot be read."
        ) from None
    missing = [name for name in (*NAMES, "HOME_ID") if not kept.get(name)]
    if missing:
        raise Refusal(f"{path} lacks {', '.join(missing)}. Restore it from a backup.")
    return {name: str(value) for name, value in kept.items()}


def _create(path: Path) -> dict[str, str]:
    made = {
        "HOME_ID": secrets.token_hex(4),
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_KEYS": json.dumps({"k1": _key()}),
        "INDEX_KEY": _key(),
        "PUBLIC_ID_KEY": _key(),
    }
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return made


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
