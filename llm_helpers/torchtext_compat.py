"""Let torchtext 0.18 work on a torch that its compiled part was not built for.

torchtext 0.18.0 is the last release; its compiled part loads on torch 2.3 only, the rest is
Python. Import this module before torchtext. ``backend`` then names what answers for that part:

* ``"native"``: itself, untouched (torch 2.3, or a build that loads, or one imported earlier);
* ``"stand-in"``: the Python below, as the real part doesn't load. Vocabularies, transforms on
  them, tokenizers, metrics and vectors give the compiled build's answers. What needs more
  compiled code raises ``NotImplementedError``, which says what to use in its place;
* ``"absent"``: nothing, as torchtext isn't installed.

Where it has no wheel, ``python -m llm_helpers.data`` installs its Python part without the rest.
``reason`` says why in a sentence. torchtext itself isn't imported here, and its notice that it is
no longer developed is switched off, with its own switch, when it is.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import reprlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NoReturn

import torch

BUILT_FOR = "2.3"
_SENTENCEPIECE = "SentencePieceProcessor or SentencePieceTrainer of sentencepiece"
ALTERNATIVES = {  # what has no stand-in, and what to use in its place
    "BERTTokenizer": "BertTokenizerFast of transformers",
    "CLIPTokenizer": "CLIPTokenizerFast of transformers",
    "GPT2BPETokenizer": "the 'gpt2' encoding of tiktoken",
    "RegexTokenizer": "re.sub for each pattern, then str.split",
    "SentencePieceTokenizer": _SENTENCEPIECE,
    "load_sp_model": _SENTENCEPIECE,
    "generate_sp_model": _SENTENCEPIECE,
    "TorchScript of a Vocab": "the Vocab outside of a scripted module that takes tensors",
}
Backend = Literal["native", "stand-in", "absent"]
backend: Backend
reason: str


def unsupported(what: str) -> NotImplementedError:
    """Return the error for ``what``, something of the compiled part that has no stand-in."""
    return NotImplementedError(
        f"torchtext: {what} is not supported here. It needs torchtext's compiled part, which is "
        f"built for torch {BUILT_FOR}, and this is torch {torch.__version__}. What to do: use "
        f"torch {BUILT_FOR}, or {ALTERNATIVES.get(what, 'a maintained tokenizer library')}."
    )


def _str(value: Any) -> str:  # looking up takes nothing but text
    if not isinstance(value, str):
        raise TypeError
    return value


def _text(value: Any) -> str:  # storing takes UTF-8 bytes too, but no half of a surrogate pair
    return (value if isinstance(value, bytes | bytearray) else str.encode(value)).decode()


def _int(value: Any) -> int:  # one-element tensors count as integers, float does not
    if isinstance(value, float | str | bytes) or not -(2**63) <= (number := int(value)) < 2**63:
        raise TypeError
    return number


def _index(value: Any) -> int | None:
    return None if value is None else _int(value)


def _items(value: Any, convert: Callable[[Any], Any]) -> list[Any]:  # no sets, no iterators
    if isinstance(value, str | bytes | Mapping | torch.Tensor):
        raise TypeError
    return [convert(value[place]) for place in range(len(value))]


_texts: Callable[[Any], Any] = functools.partial(_items, convert=_text)
_ints: Callable[[Any], Any] = functools.partial(_items, convert=_int)


def _takes(*kinds: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def checked(self: Vocab, *args: Any) -> Any:
            try:
                values = [kind(arg) for kind, arg in zip(kinds, args, strict=True)]
            except (TypeError, ValueError, RuntimeError):
                given = reprlib.repr(args)
                raise TypeError(f"{method.__name__}() doesn't take what is in {given}") from None
            return method(self, *values)

        return checked

    return decorate


class Vocab:
    """The table inside ``torchtext.vocab.Vocab``, with the compiled build's answers and pickles.

    Each method raises TypeError (from here) for an argument of a wrong type or RuntimeError (from
    here) for an index or token that won't do; the RuntimeErrors in the build's own words.
    """

    __module__ = "torchtext._torchtext"  # pickles made here load on torch 2.3 as well, and back

    @_takes(_texts, _index)
    def __init__(self, tokens: Sequence[str], default_index: int | None) -> None:
        """Take ``tokens``, which must differ, and number them from 0."""
        self.itos_ = list(tokens)
        self._stoi: dict[str, int] = {}
        self._default = default_index
        for index, token in enumerate(tokens):
            if self._stoi.setdefault(token, index) != index:
                raise RuntimeError(f"Duplicate token found in tokens list: {token}")

    @property
    def default_index_(self) -> NoReturn:
        """Read on the way to TorchScript only: NotImplementedError (from here)."""
        raise unsupported("TorchScript of a Vocab")

    def _check(self, index: int, end: int, place: str = "") -> None:
        if not 0 <= index < end:
            where = f"{index}{place} is out of bounds for vocab of size {len(self)}"
            raise RuntimeError(f"Specified index {where}")

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.itos_)

    @_takes(_str)
    def __contains__(self, token: str) -> bool:
        """Say whether ``token`` has an index of its own."""
        return token in self._stoi

    @_takes(_str)
    def __getitem__(self, token: str) -> int:
        """Return the index of ``token``, else the default index, else raise RuntimeError."""
        index = self._stoi.get(token, self._default)
        if index is None:
            raise RuntimeError(f"Token {token} not found and default index is not set")
        return index

    @_takes(list.copy)
    def lookup_indices(self, tokens: list[str]) -> list[int]:
        """Return the index of each token of a list; tuples and the like are a TypeError."""
        return [self[token] for token in tokens]

    @_takes(_int)
    def lookup_token(self, index: int) -> str:
        """Return the token at ``index``, which can't be negative."""
        self._check(index, len(self))
        return self.itos_[index]

    @_takes(_ints)
    def lookup_tokens(self, indices: Sequence[int]) -> list[str]:
        """Return the token at each index."""
        for place, index in enumerate(indices):
            self._check(index, len(self), f" at position {place}")
        return [self.itos_[index] for index in indices]

    @_takes(_text, _int)
    def insert_token(self, token: str, index: int) -> None:
        """Put a new token at ``index``, up to ``len()``; the default index doesn't follow."""
        self._check(index, len(self) + 1)
        if token in self._stoi:
            raise RuntimeError(f"Token {token} not found in Vocab")  # so says the build
        self.itos_.insert(index, token)
        self._stoi.update((self.itos_[i], i) for i in range(index, len(self)))

    @_takes(_text)
    def append_token(self, token: str) -> None:
        """Put a new token at the end."""
        if self._stoi.setdefault(token, len(self)) != len(self):
            at = f"with index: {self._stoi[token]}"
            raise RuntimeError(f"Token {token} already exists in the Vocab {at}")
        self.itos_.append(token)

    @_takes(_index)
    def set_default_index(self, index: int | None) -> None:
        """Set the answer for unknown tokens: None, or any integer, unchecked."""
        self._default = index

    def get_default_index(self) -> int | None:
        """Return the answer for unknown tokens."""
        return self._default

    def get_stoi(self) -> dict[str, int]:
        """Return a copy of the table from token to index."""
        return dict(self._stoi)

    def get_itos(self) -> list[str]:
        """Return a copy of the tokens in order."""
        return list(self.itos_)

    def __getstate__(self) -> tuple[str, list[int], list[str], list[torch.Tensor]]:
        """Return the state that the compiled build pickles."""
        return "0.0.2", [] if self._default is None else [self._default], self.get_itos(), []

    def __setstate__(self, state: tuple[str, list[int], list[str], list[torch.Tensor]]) -> None:
        """Take over a pickled state, unless from a build that wrote another kind."""
        version, integers, tokens, _ = state
        if version < "0.0.2":
            raise RuntimeError(f"Found unexpected version for serialized Vocab: {version}")
        Vocab.__init__(self, tokens, integers[0] if integers else None)


def _refusing(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)

    def refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
        raise unsupported(name)

    return type(name, (), {"__init__": refuse})


class _Transforms(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for name in ALTERNATIVES:  # refuse at once, not after downloading a tokenizer's files
            if name.endswith("Tokenizer"):
                getattr(module, name).__init__ = _refusing(name).__init__


class _TorchtextFinder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchtext._extension":  # the first thing torchtext imports
            switch = "disable_torchtext_deprecation_warning"  # older torchtext has none
            getattr(sys.modules["torchtext"], switch, lambda: None)()
        if backend == "stand-in" and fullname in ("torchtext._extension", "torchtext._torchtext"):
            return ModuleSpec(fullname, self)
        if backend == "stand-in" and fullname == "torchtext.transforms":
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None and spec.origin is not None:
                spec.loader = _Transforms(fullname, spec.origin)
            return spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "torchtext._extension":
            importlib.import_module("torchtext._torchtext")
        else:
            vars(module).update(Vocab=Vocab, __getattr__=_refusing)
            torch.classes.torchtext = torch.ops.torchtext = module


def _choose() -> tuple[Backend, str]:
    if "torchtext" in sys.modules:
        loader = getattr(sys.modules.get("torchtext._extension"), "__loader__", None)
        ours = type(loader).__name__ == _TorchtextFinder.__name__
        return "stand-in" if ours else "native", "torchtext is imported already and left alone."
    spec = find_spec("torchtext")
    if spec is None or not spec.submodule_search_locations:
        return "absent", "torchtext is not installed; `make data` does that."
    if torch.__version__.startswith(f"{BUILT_FOR}."):
        return "native", f"This is torch {BUILT_FOR}, which torchtext's compiled part is built for."
    name = "libtorchtext.pyd" if os.name == "nt" else "libtorchtext.so"
    try:
        ctypes.CDLL(str(Path(spec.submodule_search_locations[0], "lib", name)))
    except OSError as error:
        return "stand-in", f"torchtext's compiled part doesn't load on this torch: {error}"
    return "native", "torchtext's compiled part loads on this torch."


def install() -> Backend:
    """Choose what answers for torchtext's compiled part, and return the choice (``backend``).

    Importing this module has done it; doing it again changes nothing.
    """
    global backend, reason
    backend, reason = _choose()
    if not any(
        type(finder).__qualname__ == _TorchtextFinder.__qualname__ for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, _TorchtextFinder())
    return backend


install()
