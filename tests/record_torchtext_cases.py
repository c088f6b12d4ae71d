"""Record what torchtext's compiled build answers, as small programs that any backend can run.

    python record_torchtext_cases.py torchtext_native_cases.json   # torch 2.3, torchtext 0.18.0

A case is a JSON object. ``make`` names a callable (``"module:name"``) and its arguments, or only a
module; ``steps`` lists what is then done with the result: a method, or one of the words in
``WORDS``, followed by its arguments. ``run_case`` runs a case and returns one outcome for ``make``
and one for each step.
"""

from __future__ import annotations

import argparse
import base64
import copy
import importlib
import io
import json
import operator
import pickle
import platform
from collections import OrderedDict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

Case = dict[str, Any]


def _through_torch(value: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


WORDS: dict[str, Callable[..., Any]] = {
    "len": len,
    "in": operator.contains,
    "[]": operator.getitem,
    "()": lambda thing, *args, **kwargs: thing(*args, **kwargs),
    "attr": getattr,
    "table_state": lambda vocab: vocab.vocab.__getstate__(),
    "table_name": lambda vocab: f"{type(vocab.vocab).__module__}.{type(vocab.vocab).__qualname__}",
    "list": list,
    "bool": bool,
    "repr": repr,
    "grow_copy_of_itos": lambda vocab: vocab.get_itos().append("new"),
    "state_dict": lambda module: dict(module.state_dict()),
}
# These put their result in the place of the thing that the next steps work on.
REPLACING: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "deepcopy": copy.deepcopy,
    "torch.save": _through_torch,
}


def decode(value: Any) -> Any:
    """Turn JSON into an argument: ``{"$tensor": ...}`` and the like become what they name."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    (kind, content), *rest = value.items()
    match kind:
        case "$tensor":
            return torch.tensor(content, dtype=getattr(torch, dict(rest)["dtype"]))
        case "$dtype":
            return getattr(torch, content)
        case "$bytes":
            return content.encode()
        case "$tuple":
            return tuple(decode(content))
        case "$iter":
            return iter(decode(content))
        case "$set":
            return set(decode(content))
        case "$dict":
            return OrderedDict((key, decode(item)) for key, item in content)
        case "$make":
            return make(content)
    raise ValueError(f"unknown kind of argument: {kind}")


def encode(value: Any) -> Any:
    """Turn a result into JSON, so that two backends' results compare with ``==``."""
    if isinstance(value, torch.Tensor):
        return {"$tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, dict):  # the compiled build gives no order for it
        return {"$dict": sorted([key, encode(item)] for key, item in value.items())}
    if isinstance(value, tuple):
        return {"$tuple": [encode(item) for item in value]}
    if isinstance(value, list | Iterator):
        return [encode(item) for item in value]
    if isinstance(value, bool | int | float | str | None):
        return value
    return {"$type": type(value).__name__}


def restored(state: list[Any]) -> Any:
    """Return a table made by unpickling ``state``; errors come from its class."""
    kind = importlib.import_module("torchtext._torchtext").Vocab
    table = kind.__new__(kind)
    table.__setstate__(tuple(state))
    return table


def make(program: Case) -> Any:
    """Build the thing that ``program["make"]`` describes."""
    module, _, name = program["call"].partition(":")
    thing = importlib.import_module(module)
    if not name:
        return thing
    kwargs = {key: decode(item) for key, item in program.get("kwargs", {}).items()}
    return getattr(thing, name)(*decode(program.get("args", [])), **kwargs)


def _attempt(call: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    try:
        thing = call()
        return thing, {"value": encode(thing)}
    except Exception as error:  # every type is an answer here
        outcome = {"error": type(error).__name__}
        if not isinstance(error, TypeError):  # whose wording is Python's or the binding's
            outcome["message"] = str(error).partition("\n")[0]  # below it: C++ stack frames
        return None, outcome


def run_case(case: Case) -> list[dict[str, Any]]:
    """Run one case and return its outcomes, first that of ``make``, then one for each step."""
    thing, outcome = _attempt(lambda: make(case["make"]))
    outcomes = [outcome]
    if "error" in outcome:
        return outcomes
    for word, *args in case["steps"]:
        if word in REPLACING:
            new, outcome = _attempt(lambda word=word, old=thing: REPLACING[word](old))
            thing = thing if "error" in outcome else new
        elif word in WORDS:
            _, outcome = _attempt(
                lambda word=word, args=args, old=thing: WORDS[word](old, *decode(args))
            )
        else:
            _, outcome = _attempt(
                lambda word=word, args=args, old=thing: getattr(old, word)(*decode(args))
            )
        outcomes.append(outcome)
    return outcomes


def vocab_of(pairs: list[list[Any]], **kwargs: Any) -> Case:
    """Describe ``vocab(OrderedDict(pairs), **kwargs)``."""
    return {"call": "torchtext.vocab:vocab", "args": [{"$dict": pairs}], "kwargs": kwargs}


def built(texts: list[Any], **kwargs: Any) -> Case:
    """Describe ``build_vocab_from_iterator`` over texts given as strings of words."""
    lists = [text.split() if isinstance(text, str) else text for text in texts]
    call = "torchtext.vocab:build_vocab_from_iterator"
    return {"call": call, "args": [lists], "kwargs": kwargs}


def table(*args: Any) -> Case:
    """Describe the table under a Vocab, made directly."""
    return {"call": "torchtext._torchtext:Vocab", "args": list(args)}


def transform(name: str, *args: Any, **kwargs: Any) -> Case:
    """Describe a transform."""
    return {"call": f"torchtext.transforms:{name}", "args": list(args), "kwargs": kwargs}


def tensor(content: Any, dtype: str = "int64") -> Case:
    """Describe a tensor."""
    return {"$tensor": content, "dtype": dtype}


ABC = vocab_of([["a", 3], ["b", 2], ["c", 1]])
UNK = vocab_of([["a", 3], ["b", 2]], specials=["<unk>", "<pad>"])
TEXTS = ["the cat sat on the mat", "the dog sat", "a cat and a dog", "zebra"]
WORDS_NOT_ASCII = ["é", "e\u0301", "日本", "🙂", "ß", "SS", "İ", "\u200b", "a b", "\t", "\n"]
LOOK = [["get_itos"], ["get_stoi"], ["len"], ["get_default_index"]]
SENTENCES = [
    "You can now install TorchText using pip!",
    "Don't stop: it's O'Reilly's; isn't it?",
    "A line.<br />Another line.<br /><br />Third<br>line",
    'He said "hello" (twice), then left... $3.50 for 1,000 items!!!',
    "",
    "   \t \n ",
    "naïve café ÀÉÎ — “quotes” ‘single’ …",
    "日本語。テスト",
    "İstanbul STRASSE ß 🙂🙂",
    "under_score hy-phen a/b e-mail@host.org #tag",
    "<BR /> upper, <br/> tight",
    "tabs\tand\nnewlines\u00a0nbsp",
    "a'b''c .. ,, ;; ::",
]


def _vocabulary_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    orders = {
        "plain": {},
        "min_freq 2": {"min_freq": 2},
        "min_freq 99": {"min_freq": 99},
        "min_freq 0": {"min_freq": 0},
        "specials": {"specials": ["<unk>", "<pad>"]},
        "specials last": {"specials": ["<unk>", "<pad>"], "special_first": False},
        "specials in the text": {"specials": ["cat", "<unk>"]},
        "specials in the text, rare": {"specials": ["zebra"], "min_freq": 2},
        "specials twice": {"specials": ["<unk>", "<unk>"]},
        "specials empty": {"specials": []},
        "special of another type": {"specials": [1]},
        "max_tokens": {"max_tokens": 4},
        "max_tokens and specials": {"max_tokens": 4, "specials": ["<unk>", "<pad>"]},
        "max_tokens all specials": {"max_tokens": 2, "specials": ["<unk>", "<pad>"]},
        "max_tokens 0": {"max_tokens": 0},
        "max_tokens large": {"max_tokens": 1000},
        "max_tokens, min_freq": {"max_tokens": 3, "min_freq": 2, "specials": ["<unk>"]},
        "max_tokens, specials in the text": {"max_tokens": 4, "specials": ["the", "cat"]},
    }
    for name, kwargs in orders.items():
        yield f"build: {name}", built(TEXTS, **kwargs), LOOK
    yield "build: nothing", built([]), [*LOOK, ["bool"], ["lookup_token", 0], ["()", []]]
    yield "build: empty texts", built(["", ""], specials=["<unk>"]), LOOK
    yield "build: strings, not lists", {**built([]), "args": [["ab", "b"]]}, LOOK
    yield "build: of iterators", {**built([]), "args": [{"$iter": [{"$iter": ["a", "b"]}]}]}, LOOK
    yield "build: integers", built([[1, 2]]), LOOK
    yield "build: mixed types", built([["a", 1]]), LOOK
    yield "build: not ASCII", built([WORDS_NOT_ASCII]), LOOK
    yield "build: ties by code point", built(["b a B A é z Z _ 1 10 2"]), LOOK
    yield "build: a NUL in a token", built([["a\0b", "a"]]), [*LOOK, ["[]", "a\0b"], ["[]", "a"]]
    pairs = [["c", 1], ["a", 5], ["b", 2]]
    yield "vocab: order of the mapping", vocab_of(pairs), LOOK
    yield "vocab: min_freq", vocab_of(pairs, min_freq=2), LOOK
    yield "vocab: specials", vocab_of(pairs, specials=["a", "<x>"]), LOOK
    yield "vocab: specials last", vocab_of(pairs, specials=["a", "<x>"], special_first=False), LOOK
    yield "vocab: empty token", vocab_of([["", 1], ["a", 1]]), [*LOOK, ["[]", ""], ["in", ""]]
    yield "vocab: empty", vocab_of([]), [*LOOK, ["in", ""], ["append_token", "a"], ["[]", "a"]]
    yield "vocab: integer token", vocab_of([[1, 1]]), LOOK
    yield "vocab: 300 tokens", built([[f"t{i % 7}x{i}" for i in range(300)]]), LOOK


def _lookup_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    odd = [1, 1.5, None, True, {"$bytes": "a"}, ["a"], {"$tuple": ["a"]}, tensor(1)]
    tokens = ["a", "c", "zzz", "", "A", " a", "<unk>", *WORDS_NOT_ASCII]
    for default in (None, 0, 2, 3, 7, -1):
        steps = [["set_default_index", default], ["get_default_index"]]
        steps += [["[]", token] for token in tokens]
        steps += [["()", ["a", "zzz", "b"]], ["lookup_indices", ["zzz"]], ["()", []]]
        yield f"look up: default {default}", ABC, steps
    yield "look up: in", ABC, [["in", token] for token in tokens]
    yield "look up: [] of another type", ABC, [["[]", value] for value in odd]
    yield (
        "look up: [] of another type, default set",
        ABC,
        [["set_default_index", 0], *(["[]", value] for value in odd)],
    )
    yield "look up: in, of another type", ABC, [["in", value] for value in odd]
    lists = [["a"], {"$tuple": ["a"]}, "ab", "", None, {"$iter": ["a"]}, {"$set": ["a"]}, 1]
    yield "look up: () of another type", ABC, [["()", value] for value in lists]
    yield "look up: lookup_indices types", ABC, [["lookup_indices", value] for value in lists]
    indices = [
        0,
        2,
        3,
        -1,
        -3,
        True,
        1.0,
        None,
        "a",
        "1",
        2**31,
        2**63 - 1,
        -(2**63),
    ]
    indices += [
        tensor(1),
        tensor([1]),
        tensor([0, 1]),
        tensor(True, "bool"),
    ]
    indices += [{"$bytes": "1"}, [0]]
    yield "look up: lookup_token", ABC, [["lookup_token", index] for index in indices]
    many = [[0, 2], [2, 2, 0], [], [0, 3], [0, -1, 9], [0, 1.0], ["a"], [None], {"$tuple": [0, 1]}]
    many += [
        [tensor(0), tensor(2)],
        "ab",
        0,
        None,
    ]
    many += [{"$dict": [["a", 1]]}, [[0]]]
    yield "look up: lookup_tokens", ABC, [["lookup_tokens", value] for value in many]
    yield "look up: not ASCII", built([WORDS_NOT_ASCII]), [["[]", t] for t in WORDS_NOT_ASCII]
    yield "look up: iteration and repr", ABC, [["list"], ["repr"], ["bool"], ["state_dict"]]
    yield "look up: the lists are copies", ABC, [["grow_copy_of_itos"], ["get_itos"], ["len"]]


def _change_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    values = [0, 5, -1, None, 1.0, "a", True, 2**63 - 1, tensor(1), [0]]
    steps = [step for v in values for step in (["set_default_index", v], ["get_default_index"])]
    yield "change: set_default_index", ABC, [*steps, ["[]", "zzz"]]
    yield "change: default index of <unk>", UNK, [["set_default_index", 0], ["()", ["a", "q"]]]
    positions = [0, 1, 3, 4, 99, -1, -3, True, 1.0, None, "1", tensor(1)]
    for place in positions:
        name = f"change: insert at {place!r}"
        yield name, ABC, [["insert_token", "new", place], *LOOK, ["()", ["a", "b", "c"]]]
    for word in ("insert_token", "append_token"):
        for token in ("a", "b", "", "zzz", "é", 1, None):
            place = [0] if word == "insert_token" else []
            yield f"change: {word} {token!r}", ABC, [[word, token, *place], *LOOK]
    yield (
        "change: insert known at the end",
        ABC,
        [["insert_token", "c", 3], ["insert_token", "a", 9]],
    )
    yield (
        "change: default index stays when tokens move",
        UNK,
        [
            ["set_default_index", 0],
            ["insert_token", "first", 0],
            ["[]", "zzz"],
            ["lookup_tokens", [0, 1]],
            ["append_token", "last"],
            ["append_token", "last"],
            *LOOK,
        ],
    )
    yield (
        "change: grow from empty",
        vocab_of([]),
        [
            ["insert_token", "b", 0],
            ["insert_token", "a", 0],
            ["append_token", "c"],
            ["insert_token", "d", 3],
            *LOOK,
            ["lookup_indices", ["d", "c", "b", "a"]],
        ],
    )


def _pickle_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    after = [*LOOK, ["table_state"], ["table_name"], ["[]", "zzz"], ["()", ["a", "b"]]]
    for way in REPLACING:
        for default in (None, 0, -1, 9):
            steps = [["set_default_index", default], [way], *after]
            yield f"{way}: default {default}", UNK, steps
        yield f"{way}: not ASCII", built([WORDS_NOT_ASCII]), [[way], *LOOK]
        yield f"{way}: empty", vocab_of([]), [[way], *LOOK]
        yield f"{way}: changed first", ABC, [["insert_token", "n", 1], [way], *LOOK, ["[]", "c"]]
        yield f"{way}: grown after", ABC, [[way], ["append_token", "n"], *LOOK]
        chain = transform("VocabTransform", {"$make": ABC})
        yield f"{way}: VocabTransform", chain, [[way], ["()", ["c", "a"]]]
        yield f"{way}: LabelToIndex", transform("LabelToIndex", ["x", "y"]), [[way], ["()", "y"]]
    states = [
        ["0.0.2", [], ["a"], []],
        ["0.0.2", [0, 1], ["a"], []],
        ["0.0.3", [0], ["a"], []],
        ["0.0.2", [0], ["a", "a"], []],
    ]
    look = [["get_itos"], ["get_default_index"]]
    for state in states:
        yield f"state: {state}", {"call": "record_torchtext_cases:restored", "args": [state]}, look


def _table_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    wrong: list[list[Any]] = [
        [["a", "a"], None],
        [["a", "b", "", ""], 0],
        [{"$tuple": ["a", "b"]}, 0],
        [["a"]],
        [["a", 1], None],
        [["a", None], None],
        [["a"], "x"],
        [["a"], 1.5],
        [["a"], True],
        [None, None],
        [["a"], None, None],
    ]
    for args in wrong:
        yield f"table: {args}", table(*args), [["get_itos"], ["get_default_index"]]


def _transform_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    ids, words = [1, 2, 3, 4], ["a", "b", "c", "d"]
    inputs: list[Any] = [ids, words, [ids, [5]], [words, ["z"]], [], [[]], [[], [1]]]
    inputs += ["abcd", 5, None, ["a", 1], [[1], ["a"]], {"$tuple": [1, 2]}, tensor([1, 2]), [1.5]]
    run = [["()", value] for value in inputs]
    for size in (0, 2, 4, 9, -1):
        yield f"Truncate({size})", transform("Truncate", size), run
    for token in (0, "<s>", None, 1.5):
        for begin in (True, False):
            make_it = transform("AddToken", token, begin=begin)
            yield f"AddToken({token!r}, begin={begin})", make_it, run
    yield (
        "StrToIntTransform",
        transform("StrToIntTransform"),
        [
            *run,
            ["()", ["1", "-2", " 3 ", "1_0"]],
            ["()", [["1"], ["2", "3"]]],
            ["()", ["1.5"]],
        ],
    )
    for kwargs in ({}, {"padding_value": 0}, {"padding_value": 7, "dtype": {"$dtype": "int32"}}):
        yield (
            f"ToTensor({kwargs})",
            transform("ToTensor", **kwargs),
            [
                *run,
                ["()", [[1, 2], [3, 4]]],
                ["()", [[1, 2, 3], [4]]],
            ],
        )
    floats = {"padding_value": 0, "dtype": {"$dtype": "float32"}}
    yield (
        "ToTensor: float",
        transform("ToTensor", **floats),
        [["()", [1, 2]], ["()", [[1, 2], [3]]]],
    )
    tensors = [tensor([1, 2]), tensor([1, 2, 3, 4]), tensor([1, 2, 3, 4, 5]), tensor([])]
    tensors += [tensor([[1, 2], [3, 4]]), tensor([1.5], "float32"), [1, 2]]
    for pad in (0, 9, -1):
        make_it = transform("PadTransform", max_length=4, pad_value=pad)
        yield f"PadTransform(4, {pad})", make_it, [["()", value] for value in tensors]
    for name, base, default in (("no default", ABC, None), ("default", UNK, 0)):
        steps = [["()", value] for value in (words, ["a", "b"], [["a"], ["b", "a"]], *inputs)]
        make_it = transform("VocabTransform", {"$make": base})
        if default is None:
            yield f"VocabTransform: {name}", make_it, steps
        full = transform(
            "Sequential",
            {"$make": make_it},
            {"$make": transform("Truncate", 2)},
            {"$make": transform("AddToken", 1, begin=True)},
            {"$make": transform("AddToken", 0, begin=False)},
            {"$make": transform("ToTensor", padding_value=1)},
            {"$make": transform("PadTransform", 5, 1)},
        )
        words_in = [["a", "b"], ["a", "b", "a"], [["a"], ["b", "a", "b"]], ["zzz"], [], "ab"]
        yield f"Sequential: {name}", full, [["()", value] for value in words_in]
    yield "VocabTransform: of a dict", transform("VocabTransform", {"$dict": [["a", 0]]}), []
    yield "Sequential: empty", transform("Sequential"), [["()", ["a"]]]
    labels = [["()", value] for value in ("pos", "zzz", ["neg", "pos"], ["zzz"], [], 1, [1])]
    for kwargs in ({}, {"sort_names": True}):
        make_it = transform("LabelToIndex", label_names=["pos", "neg", "é"], **kwargs)
        yield f"LabelToIndex({kwargs})", make_it, [["attr", "label_names"], *labels]
    yield "LabelToIndex: twice the same", transform("LabelToIndex", ["x", "x"]), []
    yield "LabelToIndex: no labels", transform("LabelToIndex"), []
    yield "LabelToIndex: both", transform("LabelToIndex", ["x"], "labels.txt"), []
    functional = {"call": "torchtext.functional"}
    yield (
        "functional",
        functional,
        [
            ["to_tensor", [1, 2]],
            ["to_tensor", [[1], [2, 3]], 0],
            ["to_tensor", ["a"]],
            ["truncate", [1, 2, 3], 2],
            ["truncate", [["a", "b"], ["c"]], 1],
            ["truncate", "abc", 2],
            ["add_token", [1], 0],
            ["add_token", ["a"], 0],
            ["add_token", [["a"], []], "<s>", False],
            ["str_to_int", ["1", "2"]],
            ["str_to_int", ["x"]],
        ],
    )


def _text_cases() -> Iterator[tuple[str, Case, list[list[Any]]]]:
    for name in ("basic_english", None):
        make_it = {"call": "torchtext.data.utils:get_tokenizer", "args": [name]}
        yield f"get_tokenizer({name!r})", make_it, [["()", text] for text in [*SENTENCES, 1, None]]
    utils = {"call": "torchtext.data.utils"}
    yield (
        "get_tokenizer: errors",
        utils,
        [
            ["get_tokenizer", "basic_english", "de"],
            ["get_tokenizer", "nonsense"],
            ["get_tokenizer", ""],
        ],
    )
    for size in (0, 1, 2, 3, 9):
        for tokens in (["here", "we", "are", "now"], ["one"], [], "abc"):
            yield f"ngrams_iterator({tokens!r}, {size})", utils, [["ngrams_iterator", tokens, size]]
    metrics = {"call": "torchtext.data.metrics"}
    full = ["My", "full", "pytorch", "test"]
    refs = [[full, ["Completely", "Different"]], [["No", "Match"]]]
    long = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
    yield (
        "bleu_score",
        metrics,
        [
            ["bleu_score", [full, ["Another", "Sentence"]], refs],
            ["bleu_score", [full], [[full]]],
            ["bleu_score", [full[:3]], [[full]]],
            ["bleu_score", [full[:2]], [[full]], 2, [0.5, 0.5]],
            ["bleu_score", [full[:2]], [[full]], 1, [1.0]],
            ["bleu_score", [[*long, "again"]], [[long]]],
            ["bleu_score", [long[:6]], [[long]]],
            [
                "bleu_score",
                [["the"] * 7],
                [[["the", "cat", "is", "on", "the", "mat"]][0]],
                1,
                [1.0],
            ],
            ["bleu_score", [["the"] * 7], [[["the", "cat", "on", "the", "mat"]]], 1, [1.0]],
            ["bleu_score", [[]], [[full]]],
            ["bleu_score", [], []],
            ["bleu_score", [full], []],
            ["bleu_score", [full], [[]]],
            ["bleu_score", [full], [[full]], 3],
            ["bleu_score", [full], [[full]], 4, [0.1, 0.2, 0.3, 0.4]],
            ["bleu_score", [["a b", "c"]], [[["a b", "c"]]], 1, [1.0]],
        ],
    )
    data = {"call": "torchtext.data"}
    yield (
        "data",
        data,
        [
            ["interleave_keys", 3, 5],
            ["simple_space_split", ["a b", "c"]],
            [
                "filter_wikipedia_xml",
                ["<a>Hello &amp; 42</a>", "#redirect x", "[[Image:x|y]] World"],
            ],
        ],
    )


def cases() -> list[Case]:
    """Return every case, without outcomes."""
    groups = (
        _vocabulary_cases,
        _lookup_cases,
        _change_cases,
        _pickle_cases,
        _table_cases,
        _transform_cases,
        _text_cases,
    )
    found = [
        {"name": name, "make": program, "steps": steps}
        for group in groups
        for name, program, steps in group()
    ]
    if len({case["name"] for case in found}) != len(found):
        raise ValueError("two cases have the same name")
    return found


def record() -> Case:
    """Run every case on the compiled build, and return all that belongs in the file."""
    made = make(UNK)
    made.set_default_index(1)
    made.append_token("é")
    return {
        "recorded_with": {
            "torch": version("torch"),
            "torchtext": version("torchtext"),
            "python": platform.python_version(),
        },
        "pickled_vocab": {
            "pickle": base64.b64encode(pickle.dumps(made)).decode(),
            "itos": made.get_itos(),
            "default_index": made.get_default_index(),
        },
        "cases": [{**case, "outcomes": run_case(case)} for case in cases()],
    }


def main() -> None:
    """Write the file named on the command line; SystemExit on a torch other than 2.3."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    if not torch.__version__.startswith("2.3."):
        parser.error(f"record on torch 2.3, not {torch.__version__}: its answers are the measure")
    content = record()
    # One case to a line: short, and a change shows as the lines that changed.
    head = json.dumps({key: content[key] for key in ("recorded_with", "pickled_vocab")}, indent=1)
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in content["cases"])
    path.write_text(f'{head[:-2]},\n "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(content['cases'])} cases")


if __name__ == "__main__":
    main()
