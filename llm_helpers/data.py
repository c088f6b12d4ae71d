"""Real text for the notebooks: read it, split it by hash, turn it into batches.

Tokens, vocab, ids, padding and merges are built in the open in notebook 04, which also describes
the buckets, and ``next_token_batches`` in notebook 08; the numbers are the same. Run as a program,
``python -m llm_helpers.data``, it fetches all that the notebooks need.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import heapq
import io
import re
import sys
import unicodedata
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

# .files imports torchtext_compat, which must come before torchtext.
from .files import AGAIN, DATASETS, DataError, fetch, fetch_model, provide_torchtext

if TYPE_CHECKING:
    from torchtext.vocab import Vocab

LABEL_NAMES = ("negative", "positive")
MISSING = {"nan", "NaN", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "NULL", "null", "None", ""}
PAD, UNK = "<pad>", "<unk>"
IGNORE = -100  # a target that no loss counts: cross_entropy's own sign for it


class Example(NamedTuple):
    """One labeled text; ``rating`` is the mean of the human raters, -4 to 4, where known."""

    text: str
    label: int
    rating: float | None = None


class Splits(NamedTuple):
    """Three lists of examples that share no text."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]


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
        try:
            _, rating, text = row.rstrip("\r").split("\t")
            rating = float(rating)
            if not (-4 <= rating <= 4 and text.strip()):
                raise ValueError
        except ValueError as error:
            remedy = f"delete the data folder and {AGAIN}"
            raise DataError(path, number, "not `id <tab> rating <tab> text`", remedy) from error
        if rating != 0 and abs(rating) >= min_abs_rating:
            examples.append(Example(text.strip(), int(rating > 0), rating))
    return examples


def read_table(
    path: str | Path, labels: Sequence[str] | None = None, quoted: bool | None = None
) -> tuple[list[Example], list[str]]:
    """Read a reader's own table with the columns ``text`` and ``label``.

    Args:
        path: a file in UTF-8 (or in UTF-16, as spreadsheets save it). Its first row names the
            columns, and shows whether commas, semicolons or tabs separate them.
        labels: the label names in the order of their ids; by default those found, sorted. Where
            all are numbers, the spellings of one number (``1`` and ``1.0``) are one label.
        quoted: whether quotation marks enclose fields, or else belong to the text. By default
            they enclose; between tabs both are usual, so there the marks have to show it.

    Returns:
        The examples, and the label names (``names[example.label]`` is the file's word).

    Raises:
        DataError: naming file, line and remedy. No row is ever skipped silently.
    """
    path, given = Path(path), [*map(str, labels or ())]
    if not path.is_file():
        raise DataError(path, None, "there is no such file", "check the path and the folder")
    rows = list(_rows(path, quoted, MISSING - {*given}))
    found = {label: meaning for *_, label, meaning in sorted(rows, key=lambda row: len(row[2]))}
    meanings = {label: _meaning(label) for label in given} | found
    numeric = {Decimal} == {*map(type, meanings.values())}
    first = {meaning: label for label, meaning in reversed(meanings.items())}
    names = given or sorted(first.values(), key=meanings.get if numeric else None)
    examples = []
    for line, text, label, meaning in rows:
        name = label if label in given else first[meaning]
        if name not in names or (name != label and not numeric):
            remedy = f"correct its spelling, or name it in `labels`, too (known: {names})"
            raise DataError(path, line, f"unknown label {label!r}", remedy)
        examples.append(Example(text, names.index(name)))
    if not rows or len(names) < 2:
        remedy = "add rows of text and label, with two labels or more: a classifier needs them"
        raise DataError(path, None, f"{len(rows)} rows with {len(names)} labels {names}", remedy)
    return examples, names


def _meaning(label: str) -> Decimal | str:
    """Say what a label means however it is spelled: a number, or words without their case."""
    try:
        return Decimal(label) if Decimal(label).is_finite() else label
    except InvalidOperation:
        return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def _rows(path: Path, quoted: bool | None, missing: set[str]) -> Iterator[tuple[Any, ...]]:
    """Give each row of a table: its first line, its text, its label and what the label means."""
    content = re.sub("\r\n?", "\n", _decode(path))
    lines = enumerate(content.split("\n"), start=1)
    first, top = next((pair for pair in lines if pair[1].strip('", ;\t')), (1, ""))
    separator, header = _header(path, first, top)
    quoting = _quoting(path, content, separator, True if quoted is None and '"' in top else quoted)
    csv.field_size_limit(2**31 - 1)  # a long text is no fault
    file, start = io.StringIO(content), 1
    reader = csv.reader(file, delimiter=separator, quoting=quoting, skipinitialspace=True)
    for fields in reader:
        line, start = start, reader.line_num + 1
        if line <= first or not "".join(fields).strip():
            continue
        if len(fields) < len(header) or "".join(fields[len(header) :]).strip():
            problem = f"{len(fields)} fields, but the header has {len(header)}"
            remedy = "put a text that holds the separator or a newline between quotation marks"
            raise DataError(path, line, problem, remedy)
        text, label = (fields[header.index(column)].strip() for column in ("text", "label"))
        if not text or label in missing or f"{text},{label}".casefold() == "text,label":
            remedy = f"fill it in or delete the row (if {label!r} is a class, name it in `labels`)"
            raise DataError(path, line, f"the {'label' if text else 'text'} is missing", remedy)
        yield line, text, label, _meaning(label.replace(",", ".") if separator == ";" else label)


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    code = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "UTF-8"
    try:
        whole = raw.replace(b"\0", b"\xff") if code == "UTF-8" else raw  # a NUL is no text, either
        return whole.decode(code).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{raw[error.start]:02x} is not {code} text"
        raise DataError(path, line, problem, "save it as text in UTF-8 (`CSV UTF-8`)") from error


def _header(path: Path, line: int, top: str) -> tuple[str, list[str]]:
    """Find the separator that splits the header into ``text``, ``label`` and others."""
    for mark in ",;\t":
        fields = next(csv.reader([top.rstrip(",;\t ")], delimiter=mark, skipinitialspace=True))
        names = [field.strip().casefold() for field in fields]
        if names.count("text") == names.count("label") == 1:
            return mark, names
    remedy = f"name each once, between commas, semicolons or tabs (found: {top[:80]!r})"
    raise DataError(path, line, "no header with the columns `text` and `label`", remedy)


def _quoting(path: Path, content: str, separator: str, quoted: bool | None) -> int:
    """Decide whether quotation marks enclose fields; between tabs, unless told, they show it.

    They do if one is doubled within others, or a tab or a newline is (both at once could be the
    borders of rows); they don't if one is in the middle of a field or never closes.
    """
    x = f"[^{separator}\n]"  # what a field without quotation marks consists of
    sure = rf'"(?:[^"]*(?:""[^"]*)+|[^"{separator}]*\n[^"{separator}]*|[^"\n]*{separator}[^"\n]*)"'
    kinds = rf'(?P<sure>{sure} *(?!{x}))|(?P<either>"[^"]*" *(?!{x}))|(?P<open>"{x}*)'
    marks = re.finditer(rf'(?<!{x}) *(?:{kinds}|(?P<middle>{x}*"{x}*))', content)
    found = {match.lastgroup: match.start() for match in reversed([*marks])}
    bare = [kind for kind in ("open", "middle") if kind in found]
    unsaid = quoted is None and separator == "\t" and bool(found)
    quoted = "sure" in found if unsaid else quoted is not False
    if (unsaid and quoted == bool(bare)) or (quoted and "open" in found):
        line = content.count("\n", 0, found[(bare or ["either"])[0]]) + 1
        problem = "a quotation mark opens here that doesn't close at the end of the field"
        if unsaid:
            problem = "a quotation mark that may enclose the field or belong to it"
        remedy = 'close it and write one inside as two (""), or add quoted=True or quoted=False'
        raise DataError(path, line, problem, remedy)
    return csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE


# ---------------------------------------------------------------- splitting


def normalise(text: str) -> str:
    """Strip a text of differences in case, width, punctuation and spacing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded)) or folded.strip()


def split(examples: Iterable[Example]) -> Splits:
    """Deal examples 80/10/10 by a hash of their normalized text, in a fixed shuffled order.

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
    if [] in ids:
        raise DataError("texts", ids.index([]) + 1, "no token in this text", "mend or leave it out")
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
        return Batch(*(tensor.to(device) for tensor in self))


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
            batches = order.split(self.batch_size)
            batches = [batches[i] for i in torch.randperm(len(batches), generator=generator)]
        else:
            batches = self.lengths.argsort(stable=True).split(self.batch_size)
        for rows in batches:
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


def next_token_batches(
    sequences: Sequence[Sequence[int]], end: int, batch_size: int = 64, **options: Any
) -> BucketBatches:
    """Deal sequences out so that each token's target is the next one. Built in notebook 08.

    ``end`` is read before each sequence, and is the target after its last token.
    """
    read = [[end, *sequence] for sequence in sequences]
    targets = [[*sequence, end] for sequence in sequences]
    return BucketBatches(read, targets, batch_size, per_token=True, **options)


if __name__ == "__main__":
    try:
        provide_torchtext()
        fetch()
    except DataError as error:
        sys.exit(f"error: {error}")
    try:
        fetch_model()
    except DataError as error:
        print(f"note: {error} Until then, notebooks 00 to 14 work.", file=sys.stderr)
