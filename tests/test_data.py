"""Fetching, reading, splitting and encoding: the facts, and what a reader is told when it fails."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_helpers import data, files
from llm_helpers.data import DATASETS, DataError, Example, load
from llm_helpers.files import FILES

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


@pytest.fixture
def cached() -> Path:
    return data.fetch()


@pytest.fixture
def no_subprocess(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError(f"started {args}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.fixture
def archive(cached: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return Path(shutil.copy(cached / files.ARCHIVE, folder))


# ---------------------------------------------------------------- the real data


def test_the_movie_reviews_are_those_described() -> None:
    examples = load()
    assert len(examples) == 10_072
    assert sum(example.label for example in examples) == 4_996
    assert all(abs(example.rating) >= 0.5 for example in examples)
    assert all(example.label == int(example.rating > 0) for example in examples)
    assert all(example.text and example.text == example.text.strip() for example in examples)


def test_the_movie_review_file_has_all_rows(cached: Path) -> None:
    text = (cached / DATASETS["movie_reviews"]).read_text(encoding="utf-8-sig")
    rows = [row for row in text.split("\n") if row.strip()]
    assert len(rows) == 10_605
    rated = [row for row in rows if float(row.split("\t")[1]) != 0]
    assert len(load(min_abs_rating=0)) == len(rated)


@pytest.mark.parametrize(
    ("name", "rows", "positive"),
    [("tweets", 3432, 2345), ("product_reviews", 2985, 1750), ("newspaper", 2970, 1187)],
)
def test_the_other_data_sets_load(name: str, rows: int, positive: int) -> None:
    examples = load(name)
    assert (len(examples), sum(example.label for example in examples)) == (rows, positive)


def test_an_unknown_data_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DataError, match="films: no such data set") as caught:
        load("films")
    assert all(name in str(caught.value) for name in DATASETS)


# ---------------------------------------------------------------- fetching


@pytest.mark.usefixtures("no_subprocess")
def test_a_full_cache_needs_no_process_and_no_archive(cached: Path, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(cached / name, tmp_path)
    assert data.fetch(tmp_path) == tmp_path
    assert files_below(tmp_path) == set(FILES)


@pytest.mark.usefixtures("no_subprocess")
def test_an_archive_at_hand_is_unpacked_without_a_network(archive: Path, cached: Path) -> None:
    data.fetch(archive.parent)
    assert files_below(archive.parent) == {files.ARCHIVE, *FILES}
    for name in FILES:
        assert (archive.parent / name).read_bytes() == (cached / name).read_bytes()


def test_a_missing_archive_is_fetched_in_the_pinned_version(
    monkeypatch: pytest.MonkeyPatch,
    cached: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands: list[list[str]] = []

    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        shutil.copy(cached / files.ARCHIVE, command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    data.fetch(tmp_path / "new" / "cache")
    assert files_below(tmp_path / "new" / "cache") == {files.ARCHIVE, *FILES}
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"vaderSentiment==3.3.2", "--no-deps"} < set(command)
    assert "cache" in capsys.readouterr().out


def damage(content: bytes, how: str) -> bytes:
    if how == "truncated":
        return content[: len(content) // 2]
    place = {"first byte": 0, "middle byte": len(content) // 2, "last byte": -1}[how]
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


@pytest.mark.usefixtures("no_subprocess")
@pytest.mark.parametrize("how", ["first byte", "middle byte", "last byte", "truncated"])
def test_a_damaged_archive_is_refused_before_it_is_opened(archive: Path, how: str) -> None:
    archive.write_bytes(damage(archive.read_bytes(), how))
    with pytest.raises(DataError) as caught:
        data.fetch(archive.parent)
    message = str(caught.value)
    assert message.startswith(f"{files.ARCHIVE}: damaged")
    assert "delete this file and run `make data` again" in message
    assert files_below(archive.parent) == {files.ARCHIVE}


def failing_pip(stderr: str) -> Run:
    return lambda command, **_: subprocess.CompletedProcess(command, 1, "", stderr)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken\n"
            "ERROR: Could not find a version that satisfies the requirement\n"
            "ERROR: No matching distribution found for vaderSentiment==3.3.2\n"
            "WARNING: Something about a cache\n",
            "No matching distribution found",
        ),
        ("python: No module named pip\n", "No module named pip"),
        ("", "no reason given"),
    ],
)
def test_a_failed_download_tells_the_reason_and_two_remedies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stderr: str, reason: str
) -> None:
    monkeypatch.setattr(subprocess, "run", failing_pip(stderr))
    with pytest.raises(DataError) as caught:
        data.fetch(tmp_path)
    message = str(caught.value)
    assert "could not download vaderSentiment==3.3.2" in message
    assert reason in message
    assert "connect to the network and run `make data` again" in message
    assert files.ARCHIVE in message and tmp_path.name in message
    assert files_below(tmp_path) == set()


def test_pip_without_an_index_ends_in_the_same_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"vaderSentiment==3\.3\.2 .*connect to the network"):
        data.fetch(tmp_path)


def test_the_data_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    default = files.data_dir()
    monkeypatch.setenv("LLM_HELPERS_DATA", str(tmp_path))
    assert files.data_dir() == tmp_path != default
    for name in FILES:
        (tmp_path / name).write_text("1\t2.5\tmine\n", encoding="utf-8")
    assert load() == [Example("mine", 1, 2.5)]


def test_without_a_choice_the_data_lies_beside_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(data.__file__).resolve().parents[1] / "data"
    monkeypatch.setenv("LLM_HELPERS_DATA", "")
    assert files.data_dir() == beside
    monkeypatch.delenv("LLM_HELPERS_DATA")
    assert files.data_dir() == beside


def pack(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def plain(name: str, content: bytes = b"1\t2.5\tevil\n") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info, b""


def plant(
    monkeypatch: pytest.MonkeyPatch, folder: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    """Put an archive that passes for the real one into ``folder``; both layers hold members."""
    inner = plain(f"vaderSentiment-3.3.2/{files.INNER}", pack(members))
    content = pack([*members, inner])
    folder.mkdir()
    (folder / files.ARCHIVE).write_bytes(content)
    monkeypatch.setattr(files, "SHA256", hashlib.sha256(content).hexdigest())


def test_nothing_in_an_archive_can_be_written_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = [plain(f"hutto_ICWSM_2014/{name}", b"1\t2.5\tgood\n") for name in FILES]
    evil = [
        plain("../up.txt"),
        plain("hutto_ICWSM_2014/../../up_again.txt"),
        plain(str(tmp_path / "absolute.txt")),
        link("hutto_ICWSM_2014/link", str(tmp_path)),
        plain("hutto_ICWSM_2014/link/through.txt"),
    ]
    folder = tmp_path / "cache"
    plant(monkeypatch, folder, evil + good)
    data.fetch(folder)
    expected = {f"cache/{name}" for name in (files.ARCHIVE, *FILES)}
    assert {name.replace("\\", "/") for name in files_below(tmp_path)} == expected
    assert all((folder / name).read_bytes() == b"1\t2.5\tgood\n" for name in FILES)


def test_a_link_in_place_of_a_file_reads_nothing_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"1\t2.5\tsecret\n")
    folder = tmp_path / "cache"
    members = [link(f"hutto_ICWSM_2014/{name}", str(secret)) for name in FILES]
    plant(monkeypatch, folder, members)
    with pytest.raises((DataError, KeyError)):
        data.fetch(folder)
    assert files_below(folder) == {files.ARCHIVE}
    assert secret.read_bytes() == b"1\t2.5\tsecret\n"


@pytest.mark.parametrize(
    "row",
    [
        "no tab at all",
        "3\tpositive\tthe rating is a word",
        "3\t2.5",
        "3\t2.5\tone\ttab too many",
        "3\tnan\tthe rating is no number",
        "3\t2.5\t ",
    ],
)
def test_a_damaged_row_is_named_with_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row: str
) -> None:
    monkeypatch.setenv("LLM_HELPERS_DATA", str(tmp_path))
    for name in FILES:
        content = f"1\t2.5\tgood\r\n\r\n{row}\r\n4\t-2.5\tbad\r\n"
        (tmp_path / name).write_bytes(content.encode())
    with pytest.raises(DataError) as caught:
        load("tweets")
    assert str(caught.value).startswith(f"{DATASETS['tweets']}, line 3: ")
    assert "delete the data folder and run `make data` again" in str(caught.value)


# ---------------------------------------------------------------- splitting


def invented(n: int = 3000) -> list[Example]:
    """Examples sorted by label, as the real ones are."""
    return [Example(f"text number {i}", int(i >= n // 2)) for i in range(n)]


def part_of(parts: data.Splits) -> dict[str, int]:
    return {e.text: number for number, part in enumerate(parts) for e in part}


def test_a_split_is_the_same_every_time_and_in_any_order() -> None:
    examples = invented()
    shuffled = random.Random(1).sample(examples, len(examples))
    assert data.split(examples) == data.split(examples) == data.split(shuffled)


def test_a_split_keeps_every_row_once_in_shares_of_80_10_10() -> None:
    examples = invented()
    parts = data.split(examples)
    assert Counter(e for part in parts for e in part) == Counter(examples)
    for part, share in zip(parts, (0.8, 0.1, 0.1), strict=True):
        assert len(part) / len(examples) == pytest.approx(share, abs=0.02)


def test_the_real_split_is_the_one_of_the_notebooks() -> None:
    assert [len(part) for part in data.split(load())] == [8049, 1018, 1005]


def test_the_parts_are_shuffled() -> None:
    train = data.split(invented()).train
    first_half = train[: len(train) // 2]
    assert sum(e.label for e in first_half) / len(first_half) == pytest.approx(0.5, abs=0.06)


def test_no_text_stands_in_two_parts_however_it_is_written() -> None:
    examples = [
        Example(form.format(i), 0)
        for i in range(300)
        for form in ("A fine film, no {}!", "a FINE film no {}", "a fine  film -- \uff4eo {}")
    ]
    parts = data.split(examples)
    texts = [{data.normalise(e.text) for e in part} for part in parts]
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
    assert sum(map(len, texts)) == 300
    assert all(len(part) == 3 * len(seen) for part, seen in zip(parts, texts, strict=True))


def test_more_rows_move_no_other_row() -> None:
    few, many = part_of(data.split(invented(500))), part_of(data.split(invented(3000)))
    assert few == {text: many[text] for text in few}


def test_texts_without_a_word_stay_apart() -> None:
    assert data.normalise("?!") != data.normalise("...")
    assert data.normalise("Straße, ＡＢＣ") == data.normalise("STRASSE abc")


# ---------------------------------------------------------------- tokens and vocab

TRAIN = ["a good film", "a good , long film", "a bad film", "bad bad"]


def test_the_specials_come_first_then_tokens_by_frequency() -> None:
    vocab = data.build_vocab(TRAIN, min_freq=1)
    assert vocab.get_itos() == ["<pad>", "<unk>", "a", "bad", "film", "good", ",", "long"]


def test_rare_tokens_and_tokens_never_seen_are_unknown() -> None:
    vocab = data.build_vocab(TRAIN, min_freq=2)
    assert set(vocab.get_itos()) == {"<pad>", "<unk>", "a", "bad", "film", "good"}
    assert data.encode(["a long zebra film"], vocab) == [[vocab["a"], 1, 1, vocab["film"]]]
    assert vocab["<pad>"] == 0 and vocab["<unk>"] == 1


def test_a_vocab_can_be_limited_in_size() -> None:
    assert data.build_vocab(TRAIN, min_freq=1, max_tokens=4).get_itos() == [
        "<pad>",
        "<unk>",
        "a",
        "bad",
    ]


def test_texts_are_cut_after_max_tokens() -> None:
    vocab = data.build_vocab(TRAIN, min_freq=1)
    whole, cut = (data.encode(["a good , long film"], vocab, n)[0] for n in (5, 3))
    assert len(whole) == 5
    assert cut == whole[:3]
    assert len(data.encode(["a " * 1000], vocab)[0]) == 256


def test_a_text_without_a_token_is_named_by_its_number() -> None:
    vocab = data.build_vocab(TRAIN, min_freq=1)
    with pytest.raises(DataError, match=r"3: no token in this text.*leave it out"):
        data.encode(["a film", "zebra", '"', "good"], vocab)


def test_tokens_are_lower_case_words_and_marks() -> None:
    assert data.tokenize("It's GOOD, really!") == ["it", "'", "s", "good", ",", "really", "!"]


def test_examples_become_batches_with_their_labels() -> None:
    vocab = data.build_vocab(TRAIN, min_freq=1)
    examples = [Example("a good long film", 1), Example("bad", 0)]
    (batch,) = data.batches_of(examples, vocab, batch_size=8)
    assert batch.labels.tolist() == [0, 1]
    assert batch.tokens.tolist() == [
        [vocab["bad"], 0, 0, 0],
        vocab.lookup_indices(["a", "good", "long", "film"]),
    ]


def test_the_command_line_ends_in_one_line_on_an_error(archive: Path) -> None:
    archive.write_bytes(b"half a file")
    done = subprocess.run(
        [sys.executable, "-m", "llm_helpers.data"],
        capture_output=True,
        text=True,
        cwd=Path(data.__file__).parents[1],
        env={**os.environ, "LLM_HELPERS_DATA": str(archive.parent)},
    )
    assert done.returncode == 1
    assert re.fullmatch(rf"error: {re.escape(files.ARCHIVE)}: damaged.*\n", done.stderr)
