"""The files around the code say what the code does."""

from __future__ import annotations

import json
import re

import pytest

from tasks.domain.errors import StartError
from tasks.settings import Settings
from tasks.supervisor import procfile
from tests.run.conftest import ROOT, own_settings


def test_every_setting_stands_in_the_example_file_with_its_default() -> None:
    lines = re.findall(r"^#([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert [name for name, _ in lines if name.lower() not in Settings.model_fields] == []
    assert {name.lower() for name, _ in lines} == set(Settings.model_fields)
    for name, shown in lines:
        default = Settings.model_fields[name.lower()].default
        if default is not None:
            assert shown == str(default), f"{name} is {default} by default"


def test_the_lock_of_the_front_end_assets_has_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert set(packages) == {"node_modules/htmx.org", "node_modules/@fontsource-variable/inter"}
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "://" not in (ROOT / "package-lock.json").read_text()
    assert packages["node_modules/htmx.org"]["version"] == "4.0.1"


def test_the_procfile_names_each_process_in_the_order_of_their_start() -> None:
    commands = procfile.read(ROOT / "Procfile")
    assert list(commands) == ["redis", "mailbox", "worker", "web"]
    mine = own_settings(redis_url="redis://127.0.0.1/0", smtp_host="relay.example.org")
    assert list(procfile.wanted(commands, mine)) == ["worker.1", "worker.2", "web"]
    assert list(procfile.wanted(commands, own_settings(worker_processes=1))) == ["redis", "mailbox", "worker", "web"]


def test_a_procfile_that_cannot_be_read_is_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("procfile") / "Procfile"
    with pytest.raises(StartError, match="cannot read"):
        procfile.read(path)
    path.write_text("# a comment\n\nweb python\n")
    with pytest.raises(StartError, match="is not `name: command`: web python"):
        procfile.read(path)
