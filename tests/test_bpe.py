"""Byte-pair encoding against the paper's example, counting from scratch, and `tokenizers`."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise

import pytest

from llm_helpers import data

PAPER = {"low·": 5, "lower·": 2, "newest·": 6, "widest·": 3}  # Sennrich et al. 2016, algorithm 1
TEXT = "naïve café, 日本語, 🍿 and\ttabs  "


def ranks_of(merges: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {pair: rank for rank, pair in enumerate(merges)}


def join(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for symbol in symbols:
        if joined and (joined[-1], symbol) == pair:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return joined


def learn_slowly(words: dict[str, int], number: int) -> list[tuple[str, str]]:
    """Count all pairs before each merge; of equal counts the pair of the oldest symbols."""
    pieces = {word: list(word) for word in words}
    age = {c: i for i, c in enumerate(sorted({c for word in words for c in word}))}
    merges: list[tuple[str, str]] = []
    for _ in range(number):
        counts: Counter[tuple[str, str]] = Counter()
        for word, times in words.items():
            for pair in pairwise(pieces[word]):
                counts[pair] += times
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], age[pair[0]], age[pair[1]]))
        merges.append(best)
        age.setdefault("".join(best), len(age))
        pieces = {word: join(symbols, best) for word, symbols in pieces.items()}
    return merges


@pytest.fixture(scope="module")
def words() -> Counter[str]:
    train = data.split(data.load()).train
    return Counter(" " + token for example in train for token in data.tokenize(example.text))


@pytest.fixture(scope="module")
def merges(words: Counter[str]) -> list[tuple[str, str]]:
    return data.learn_merges(words, 2_000)


def test_the_example_of_the_paper() -> None:
    merges = data.learn_merges(PAPER, 10)
    # ("e", "s"), ("s", "t") and ("t", "·") all occur 9 times; the paper breaks ties by its table.
    assert merges[:5] == [("e", "s"), ("t", "·"), ("es", "t·"), ("l", "o"), ("lo", "w")]
    assert {"".join(pair) for pair in merges} >= {"est·", "low", "newest·", "low·"}
    ranks = ranks_of(merges)
    assert data.apply_merges("lowest·", ranks) == ["low", "est·"]  # never seen
    assert data.apply_merges("newest·", ranks) == ["newest·"]


@pytest.mark.parametrize("seed", range(20))
def test_as_counting_from_scratch_before_each_merge(seed: int) -> None:
    rng = random.Random(seed)
    few = {
        "".join(rng.choices("abc", k=rng.randrange(1, 12))): rng.randrange(1, 9) for _ in "*" * 9
    }
    merges = data.learn_merges(few, 1_000)
    assert merges == learn_slowly(few, 1_000)
    assert len(set(merges)) == len(merges)
    ranks = ranks_of(merges)
    for word in few:
        one_by_one = list(word)
        for pair in merges:
            one_by_one = join(one_by_one, pair)
        assert data.apply_merges(word, ranks) == one_by_one == [word]


def test_as_counting_from_scratch_on_the_reviews(words: Counter[str]) -> None:
    common = dict(words.most_common(500))
    assert data.learn_merges(common, 300) == learn_slowly(common, 300)


def test_as_the_tokenizers_library(words: Counter[str], merges: list[tuple[str, str]]) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    alphabet = {character for word in words for character in word}
    size = len(alphabet) + len(merges)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, min_frequency=1, show_progress=False, special_tokens=[]
    )
    theirs.train_from_iterator(words.elements(), trainer)
    learned = json.loads(theirs.to_str())["model"]["merges"]
    assert [tuple(pair) for pair in learned] == merges
    ranks = ranks_of(merges)
    for example in data.split(data.load()).validation:
        for token in data.tokenize(example.text):
            assert data.apply_merges(" " + token, ranks) == theirs.encode(" " + token).tokens


def test_pieces_joined_are_the_text(merges: list[tuple[str, str]]) -> None:
    ranks = ranks_of(merges)
    assert "".join(data.apply_merges(TEXT, ranks)) == TEXT
    as_bytes = TEXT.encode().decode("latin-1")
    pieces = data.apply_merges(as_bytes, ranks)
    assert "".join(pieces).encode("latin-1").decode() == TEXT
    assert len(pieces) < len(as_bytes)


def test_the_earliest_learned_pair_goes_first_and_equals_from_the_left() -> None:
    ranks = {("b", "c"): 0, ("a", "b"): 1, ("a", "a"): 2}
    assert data.apply_merges("abc", ranks) == ["a", "bc"]
    assert data.apply_merges("aaa", ranks) == ["aa", "a"]
    assert data.apply_merges(["ab", "c"], ranks) == ["ab", "c"]  # symbols, not characters


def test_ties_go_to_the_oldest_symbols_and_no_hash_or_order_matters() -> None:
    assert data.learn_merges({"dc": 1, "ba": 1, "bc": 1}, 9) == [("b", "a"), ("b", "c"), ("d", "c")]
    backwards = dict(reversed(PAPER.items()))
    assert data.learn_merges(backwards, 10) == data.learn_merges(PAPER, 10)
    code = "from llm_helpers import data\n"
    code += f"print(data.learn_merges({PAPER!r}, 99))"
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert output.stdout == f"{data.learn_merges(PAPER, 99)}\n"


def test_nothing_to_merge() -> None:
    assert data.learn_merges({}, 5) == [] == data.learn_merges({"a": 3, "b": 1}, 5)
    assert data.learn_merges({"ab": 0}, 5) == [] == data.learn_merges(PAPER, 0)
    assert data.apply_merges("", {("a", "b"): 0}) == []
    assert data.apply_merges("a", {("a", "b"): 0}) == ["a"]
    assert data.apply_merges("abc", {}) == ["a", "b", "c"]
    assert data.apply_merges("xy?", {("a", "b"): 0}) == ["x", "y", "?"]


def test_a_word_of_a_hundred_symbols_with_many_merges_takes_milliseconds() -> None:
    rng = random.Random(0)
    ranks = {(chr(i), chr(i + j)): i * 200 + j for i in range(97, 342) for j in range(200)}
    assert len(ranks) == 49_000
    word = "".join(rng.choices("abcdefgh", k=100))
    began = time.process_time()
    for _ in range(10):
        assert "".join(data.apply_merges(word, ranks)) == word
    assert time.process_time() - began < 1  # 10 words; about 0.01 s each on a busy machine
