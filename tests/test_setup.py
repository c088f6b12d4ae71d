"""The set-up files agree with each other and with what is installed; the package keeps its form."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import json
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "llm_helpers"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
WANTED = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
]
PLATFORMS = {
    name: {
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "os_name": "nt" if system == "Windows" else "posix",
    }
    for name, sys_platform, system, machine in (
        ("Linux", "linux", "Linux", "x86_64"),
        ("Linux on ARM", "linux", "Linux", "aarch64"),
        ("macOS", "darwin", "Darwin", "arm64"),
        ("Windows", "win32", "Windows", "AMD64"),
    )
}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
TORCHTEXT_HAS_A_WHEEL = {
    (python, platform) for python in ("3.11", "3.12") for platform in ("Linux", "macOS", "Windows")
}


def pins(environment: dict[str, str]) -> dict[str, str]:
    """Map each package that is pinned in an environment to its version."""
    versions: dict[str, str] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(environment):
            (only,) = pin.specifier
            assert only.operator == "==" and not only.version.endswith("*"), str(pin)
            assert versions.setdefault(canonicalize_name(pin.name), only.version) == only.version
    return versions


HERE = pins(dict(default_environment()))


# ---------------------------------------------------------------- versions


def environment_of(python: str, platform: str) -> dict[str, str]:
    """Describe a machine as the markers of the lock ask for it."""
    full = f"{python}.9"
    version = {"python_version": python, "python_full_version": full}
    version["implementation_version"] = full
    return {**default_environment(), **PLATFORMS[platform], **version}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_pins_every_dependency_inside_its_range(python: str, platform: str) -> None:
    environment = environment_of(python, platform)
    locked = pins(environment)
    assert len(locked) > 150
    outside = {
        str(wanted): locked.get(canonicalize_name(wanted.name))
        for wanted in WANTED
        if wanted.marker is None or wanted.marker.evaluate(environment)
        if not wanted.specifier.contains(locked.get(canonicalize_name(wanted.name), "0"))
    }
    assert outside == {}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_torchtext_is_pinned_where_it_has_a_wheel_and_only_there(
    python: str, platform: str
) -> None:
    environment = environment_of(python, platform)
    expected = "0.18.0" if (python, platform) in TORCHTEXT_HAS_A_WHEEL else None
    assert pins(environment).get("torchtext") == expected
    wanted = [w for w in WANTED if w.name == "torchtext" and w.marker.evaluate(environment)]
    assert len(wanted) == (expected is not None)


def test_torchtext_is_the_last_release_everywhere() -> None:
    assert metadata.version("torchtext").split("+")[0] == "0.18.0"


def test_the_versions_installed_are_those_of_the_lock() -> None:
    installed = {canonicalize_name(d.name): d.version for d in metadata.distributions()}
    other = {
        f"{name}=={version}": installed.get(name)
        for name, version in HERE.items()
        if not SpecifierSet(f"=={version}").contains(installed.get(name, "0"), prereleases=True)
    }
    assert other == {}


def test_the_lock_is_complete() -> None:
    missing = set()
    for name in HERE:
        if name == "torch":  # pins its own CUDA packages, which differ by platform
            continue
        for requirement in map(Requirement, metadata.requires(name) or []):
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if applies and canonicalize_name(requirement.name) not in HERE:
                missing.add(f"{requirement.name}, which {name} needs")
    assert missing == set()


def test_conda_installs_the_same_lock_on_a_python_that_is_allowed() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (by_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert by_pip[0] == "-r requirements.lock"
    assert [entry for entry in by_pip[1:] if not entry.startswith(("-e .", "--"))] == []
    (python,) = [entry.split("=")[1] for entry in plain if entry.startswith("python=")]
    assert python in PYTHONS
    assert sorted(entry.split("=")[0] for entry in plain) == ["pip", "python"]


def test_the_pythons_allowed_are_those_of_the_lock() -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    asked = [f"3.{minor}.{patch}" for minor in range(9, 18) for patch in (0, 99)] + ["4.0"]
    assert [p for p in asked if p in allowed] == [f"{v}.{p}" for v in PYTHONS for p in (0, 99)]
    spoken = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert spoken == PYTHONS


def test_jupyterlab_neither_fetches_news_nor_looks_for_updates() -> None:
    path = ROOT / ".jupyter" / "labconfig" / "default_setting_overrides.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    notification = settings["@jupyterlab/apputils-extension:notification"]
    assert notification["fetchNews"] == "false"  # a word of three, in JupyterLab's schema
    assert notification["checkForUpdates"] is False


# ---------------------------------------------------------------- what the files say

HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("anaconda", "com"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
    )
]
HOME = re.compile(rb"(?<![\w.])(?:/home/|/Users/|/root/)\w|[A-Za-z]:\\+Users\\")


def project_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    names = [name.decode() for name in done.stdout.split(b"\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_no_tool_left_a_copy_behind() -> None:
    left = {".orig", ".rej", ".bak", ".swp", ".tmp"}
    assert not [file.name for file in project_files() if file.suffix in left]


def test_no_file_names_a_persons_folder() -> None:
    checkout = re.compile(re.escape(str(ROOT).encode()) + rb"\b") if len(ROOT.parts) > 2 else HOME
    files = project_files()
    assert Path(__file__).resolve() in files
    found = [
        f"{file.relative_to(ROOT)}: {match[0].decode()}"
        for file in files
        for pattern in (HOME, checkout)
        if (match := pattern.search(file.read_bytes()))
    ]
    assert found == []


def test_no_file_names_a_registrys_host() -> None:
    pattern = re.compile("|".join(rf"\b{re.escape(host)}\b" for host in HOSTS).encode(), re.I)
    found = [
        f"{file.relative_to(ROOT)}: {match[0].decode()}"
        for file in project_files()
        if (match := pattern.search(file.read_bytes()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        b'"/home' + b'/ann/x"',
        b" /Users" + b"/Ann",
        b"(/root" + b"/x)",
        b"C:\\Users" + b"\\Ann",
        b"file:///home" + b"/ann",
    ],
)
def test_a_home_folder_is_recognized(text: bytes) -> None:
    assert HOME.search(text)


# ---------------------------------------------------------------- the package


def test_importing_the_package_is_quick_and_quiet() -> None:
    code = (
        "import time, torch; start = time.perf_counter(); import llm_helpers; "
        "print(time.perf_counter() - start)"
    )
    seconds = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.stderr == ""
        seconds.append(float(done.stdout))
    assert min(seconds) <= 0.5


def code_lines(path: Path) -> int:
    """Count the lines that hold code: no blank lines, comments or docstrings."""
    source = path.read_text(encoding="utf-8")
    documentation = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in nothing | {tokenize.ENDMARKER}
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - documentation)


def test_the_package_stays_small() -> None:
    lines = {path.name: code_lines(path) for path in PACKAGE.rglob("*.py")}
    assert sum(lines.values()) <= 2793, lines


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.stem}.{node.name}": lines
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := node.end_lineno - node.lineno + 1) > 60  # its docstring counts, too
    }
    assert long == {}


# What each room imports directly; it may also import what these rooms stand on.
TABLE = {
    "arithmetic": "",
    "torchtext_compat": "",
    "figures": "",
    "transformer": "",
    "checks": "",
    "files": "torchtext_compat",
    "data": "files",
    "models": "data",
    "runs": "files",
    "agent_world": "data",
    "pretrained": "files transformer",
    "checkpoints": "runs",
    "evaluation": "models",
    "charts": "runs figures",
    "curves": "charts",
    "training": "checkpoints runs models",
    "widgets": "curves figures",
    "finetuning": "pretrained training",
    "agent_policy": "agent_world training",
    "llm_agent": "agent_policy pretrained",
}
MAY_IMPORT: dict[str, set[str]] = {}
for room, below in TABLE.items():  # a room stands below those that import it
    MAY_IMPORT[room] = {"arithmetic"}.union(*({b} | MAY_IMPORT[b] for b in below.split()))
MAY_IMPORT |= {"__init__": {*TABLE}, "train": {*TABLE}}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def rooms_imported(source: str) -> set[str]:
    """Name the modules of the package that a module of it imports, however it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, ["llm_helpers" if node.level else "", node.module]))
            dotted = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in dotted]
        found |= {p[1] for p in parts if p[0] == "llm_helpers" and len(p) > 1}
    return {name for name in found if (PACKAGE / f"{name}.py").exists()}


@pytest.mark.parametrize(
    "source",
    [
        "from . import data",
        "from .data import load",
        "import llm_helpers.data as d",
        "from llm_helpers import data",
        "from llm_helpers.data import load",
        "def f():\n    from .data import load",
    ],
)
def test_an_import_is_seen_however_it_is_written(source: str) -> None:
    assert rooms_imported(source) == {"data"}


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_from_rooms_below_it_alone(module: str) -> None:
    imported = rooms_imported((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    assert module in MAY_IMPORT, "a room that is not in the table"
    assert imported <= MAY_IMPORT[module]


def public(module: str) -> Iterator[tuple[str, Any, str]]:
    """Give name, object and docstring of what a module defines for others, methods included."""
    loaded = importlib.import_module(f"llm_helpers.{module}")
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        thing = getattr(loaded, node.name)
        yield f"{module}.{node.name}", thing, ast.get_docstring(node) or ""
        for part in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                static = inspect.getattr_static(thing, part.name)
                method = getattr(static, "fget", None) or getattr(static, "__func__", static)
                yield f"{module}.{node.name}.{part.name}", method, ast.get_docstring(part) or ""


PUBLIC = {
    name: (thing, text)
    for module in MODULES
    if module != "__init__"
    for name, thing, text in public(module)
}


def test_the_public_names_are_found() -> None:
    assert {
        "data.load",
        "data.Batch.to",
        "runs.History.best",
        "runs.History.from_json",
        "models.predict",
        "torchtext_compat.Vocab",
    } <= PUBLIC.keys()


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_a_docstring_and_annotations(name: str) -> None:
    thing, text = PUBLIC[name]
    assert len(text) > 15
    function = vars(thing).get("__init__") if inspect.isclass(thing) else thing
    if not inspect.isfunction(function):
        return  # a class without an __init__ of its own
    signature = inspect.signature(function)
    bare = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
    ]
    assert bare == []
    assert signature.return_annotation is not signature.empty
