"""Where torchtext has no wheel, set-up installs its Python part, or says what is wrong."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from llm_helpers import files, torchtext_compat

WHEEL = "torchtext-0.18.0-cp312-cp312-manylinux1_x86_64.whl"
FILES = {
    "torchtext/__init__.py": "",
    "torchtext/metrics.py": "PATTERN = '\\d'\n",  # Python warns when it compiles this
    "torchtext/_torchtext.so": "compiled",
    "torchtext/lib/libtorchtext.so": "compiled",
    "torchtext-0.18.0.dist-info/METADATA": "Metadata-Version: 2.1\n"
    "Name: torchtext\nVersion: 0.18.0\n",
    "torchtext-0.18.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
    "Tag: cp312-cp312-linux_x86_64\n",
}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand for the packages of a Python without torchtext, whose pip knows one wheel of it."""
    folder, wheels = tmp_path / "site packages", tmp_path / "wheels"
    folder.mkdir()
    wheels.mkdir()
    with zipfile.ZipFile(wheels / WHEEL, "w") as wheel:
        for name, content in FILES.items():
            wheel.writestr(name, content)
        wheel.writestr(
            "torchtext-0.18.0.dist-info/RECORD",
            "".join(f"{name},,\n" for name in [*FILES, "torchtext-0.18.0.dist-info/RECORD"]),
        )
    lock = tmp_path / "torchtext.lock"
    digest = hashlib.sha256((wheels / WHEEL).read_bytes()).hexdigest()
    lock.write_text(f"torchtext==0.18.0 --hash=sha256:{digest}\n", encoding="utf-8")
    monkeypatch.setattr(files, "TORCHTEXT", lock)
    monkeypatch.setattr(torchtext_compat, "backend", "absent")
    monkeypatch.setattr(torchtext_compat, "install", lambda: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))
    find = metadata.distributions
    monkeypatch.setattr(metadata, "distributions", lambda **by: find(path=[str(folder)], **by))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_python_part_is_installed_and_compiled(
    site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files.provide_torchtext()
    (distribution,) = metadata.distributions(name="torchtext")
    assert distribution.version == "0.18.0"
    assert names(site / "torchtext") == {"__init__.py", "metrics.py", "lib", "__pycache__"}
    assert names(site / "torchtext" / "lib") == set()
    tag = sys.implementation.cache_tag
    assert f"metrics.{tag}.pyc" in names(site / "torchtext" / "__pycache__")
    out, err = capfd.readouterr()
    assert "0.18.0" in out and str(site) in out and err == ""
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from torchtext.metrics import PATTERN; print(PATTERN)"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert (done.stdout, done.stderr) == ("\\d\n", "")  # no SyntaxWarning


def test_what_is_there_is_left_alone(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.provide_torchtext()
    monkeypatch.setattr(torchtext_compat, "backend", "stand-in")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    files.provide_torchtext()


def test_half_an_installation_is_completed(site: Path) -> None:
    (site / "torchtext").mkdir()
    (site / "torchtext" / "old.py").touch()
    files.provide_torchtext()
    assert "old.py" not in names(site / "torchtext")
    assert "metrics.py" in names(site / "torchtext")


def test_a_wheel_with_another_sha256_is_refused(site: Path) -> None:
    wheel = site.parent / "wheels" / WHEEL
    wheel.write_bytes(wheel.read_bytes() + b" ")
    with pytest.raises(files.DataError) as caught:
        files.provide_torchtext()
    message = str(caught.value)
    assert message.startswith("torchtext: pip could not install torchtext==0.18.0 (ERROR: THESE ")
    assert "PACKAGES DO NOT MATCH THE HASHES" in message and "What to do: " in message
    assert names(site) == set()


def test_without_a_network_the_remedy_is_named(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(files.DataError) as caught:
        files.provide_torchtext()
    message = str(caught.value)
    assert "No matching distribution found for torchtext==0.18.0" in message
    assert "connect to the network and run `make data` again" in message
    assert names(site) == set()


def test_another_torchtext_is_named_with_its_remedy(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = site / "torchtext-0.6.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: torchtext\nVersion: 0.6.0\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(files.DataError) as caught:
        files.provide_torchtext()
    message = str(caught.value)
    assert message.startswith(f"torchtext: version 0.6.0 is installed in {sys.prefix}, but 0.18.0")
    assert f"run `{sys.executable} -m pip uninstall torchtext`" in message


def test_the_lock_of_the_wheel_pins_one_file() -> None:
    lines = files.TORCHTEXT.read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if not line.startswith("#")]
    assert re.fullmatch(r"torchtext==0\.18\.0 --hash=sha256:[0-9a-f]{64}", line)
