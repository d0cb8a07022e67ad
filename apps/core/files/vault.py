"""Where sealed files of members lie: on this machine's disk, unless `UPLOADS_STORAGE` names another storage of Django's."""

import os
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages


class OnDisk(FileSystemStorage):
    """Below MEDIA_ROOT as it is now, for nobody but the account that runs us."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700} | options)

    @property
    def base_location(self) -> str:  # there it is kept, once looked up
        return str(settings.MEDIA_ROOT)

    @property
    def location(self) -> str:
        return os.path.abspath(self.base_location)


def keep(name: str, content: bytes) -> None:
    """Under this very name, which is new. Raises FileExistsError."""
    kept = _files().save(name, ContentFile(content))
    if kept != name:  # a storage that gives another name to the second one
        _files().delete(kept)
        raise FileExistsError(name)


def read(name: str) -> bytes:
    """Raises FileNotFoundError."""
    with _files().open(name) as file:
        return bytes(file.read())


def drop(name: str) -> None:
    """What is not there is gone already."""
    _files().delete(name)


def older_than(folder: str, *, seconds: float) -> list[str]:
    """Names of files two levels below the folder that were last written before that time, in seconds since 1970."""
    try:
        below, _ = _files().listdir(folder)
    except FileNotFoundError:
        return []
    names = [f"{folder}/{one}/{name}" for one in below for name in _files().listdir(f"{folder}/{one}")[1]]
    return [name for name in names if _files().get_modified_time(name).timestamp() < seconds]


def _files() -> Storage:
    return storages["uploads"]
