"""Where sockets stand, whose folders are trusted, and the file of secrets."""

import json
import os
import stat
from dataclasses import replace

import pytest

from apps.core.embedded import keys, places
from apps.core.embedded.say import Refusal


def test_a_deep_home_with_chinese_names_still_has_short_sockets(tmp_path):
    deep = tmp_path.joinpath(*["会员 管理" * 8] * 8)

    home = places.locate(state=deep)

    assert len(os.fsencode(deep)) > 700
    assert len(os.fsencode(home.socket("valkey"))) < places.LONGEST_SOCKET_PATH
    assert len(os.fsencode(home.short / "postgres" / places.POSTGRES_SOCKET)) < places.LONGEST_SOCKET_PATH


def test_two_homes_never_share_their_sockets(tmp_path):
    assert places.locate(state=tmp_path / "a").short != places.locate(state=tmp_path / "b").short


def test_a_new_home_is_open_to_its_owner_only(tmp_path):
    home = replace(places.locate(state=tmp_path / "home"), short=tmp_path / "siyu-1" / "abcd")

    home.create()

    assert stat.S_IMODE(home.state.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.sockets.stat().st_mode) == 0o700


def test_a_socket_folder_that_others_may_write_to_is_refused(tmp_path):
    home = replace(places.locate(state=tmp_path / "home"), short=tmp_path / "siyu-1" / "abcd")
    home.short.parent.mkdir()
    home.short.parent.chmod(0o777)

    with pytest.raises(Refusal, match="others may write to it"):
        home.create()

    assert not home.short.exists()


def test_a_link_laid_in_the_place_of_the_socket_folder_is_refused(tmp_path):
    home = replace(places.locate(state=tmp_path / "home"), short=tmp_path / "siyu-1" / "abcd")
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.short.parent.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Refusal, match="was there before"):
        home.create()

    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_state_is_refused_and_left_alone(tmp_path):
    home = replace(places.locate(state=tmp_path / "home"), short=tmp_path / "siyu-1" / "abcd")
    home.state.mkdir(mode=0o755)
    os.chown(home.state, 1, -1)

    with pytest.raises(Refusal, match="belongs to another user"):
        home.create()

    assert list(home.state.iterdir()) == []
    assert stat.S_IMODE(home.state.stat().st_mode) == 0o755


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path):
    path = tmp_path / "secrets.json"

    made = keys.load(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load(path) == made
    assert keys.load(tmp_path / "second.json")["FIELD_KEYS"] != made["FIELD_KEYS"]
    assert len(made["SECRET_KEY"]) >= 64
    assert list(json.loads(made["FIELD_KEYS"])) == ["k1"]


@pytest.mark.parametrize("damaged", ["{", '{"SECRET_KEY": "x"}'])
def test_damaged_secrets_stop_the_start_and_are_never_replaced(tmp_path, damaged):
    path = tmp_path / "secrets.json"
    path.write_text(damaged)

    with pytest.raises(Refusal, match="Restore it"):
        keys.load(path)

    assert path.read_text() == damaged
