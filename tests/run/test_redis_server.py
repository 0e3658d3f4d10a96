"""The embedded Redis: private, without a TCP port, and set so that it loses nothing and throws nothing away."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import redis

from tasks.domain.errors import StartError
from tasks.local.redis_server import command, private_directory
from tests.run.conftest import OwnRedis, own_settings


def test_it_is_set_as_the_design_says(client: redis.Redis) -> None:
    wanted = {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": "",
        "aof-load-truncated": "yes",
        "no-appendfsync-on-rewrite": "no",
    }
    assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_nobody_else_can_reach_it(own_redis: OwnRedis, client: redis.Redis) -> None:
    assert client.ping()
    path = own_redis.settings.socket_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((own_redis.settings.data_dir / "redis").stat().st_mode) == 0o700


def test_what_it_was_told_is_there_after_its_end(own_redis: OwnRedis, client: redis.Redis) -> None:
    client.set("kept", "yes")
    own_redis.stop()
    own_redis.start()
    assert client.get("kept") == b"yes"


def test_the_sync_can_be_loosened(tmp_path: Path) -> None:
    line = command(own_settings(redis_fsync="everysec", data_dir=tmp_path))
    assert line[line.index("--appendfsync") + 1] == "everysec"


def test_a_deep_data_dir_gets_its_socket_in_a_short_private_place(tmp_path: Path) -> None:
    config = own_settings(data_dir=tmp_path / ("deep" * 30))
    command(config)
    assert len(str(config.socket_path)) < 108
    assert stat.S_IMODE(config.socket_path.parent.stat().st_mode) == 0o700


def test_a_place_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot use the directory"):
        private_directory(tmp_path / "file" / "below")


def test_a_link_laid_in_a_shared_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(StartError, match="is not a directory of this user's own"):
        private_directory(tmp_path / "link")
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755
