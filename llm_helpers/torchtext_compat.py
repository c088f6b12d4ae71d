"""Let torchtext 0.18 work on a torch that its compiled part was not built for.

torchtext 0.18.0 is the last release; its compiled part loads on torch 2.3 only, the rest is
Python. Import this module before torchtext. ``backend`` then names what answers for that part:

* ``"native"``: itself, untouched (torch 2.3, or a build that loads, or one imported earlier);
* ``"stand-in"``: the Python below, as the real part doesn't load. Vocabularies, transforms on
  them, tokenizers, metrics and vectors give the compiled build's answers. What needs more
  compiled code raises ``NotImplementedError`` when it is called;
* ``"absent"``: nothing, as torchtext isn't installed.

Where it has no wheel, ``python -m llm_helpers.data`` installs its Python part without the rest.
``reason`` says why in a sentence. torchtext's notice that it is no longer developed is switched
off, with its own switch.
"""

from __future__ import annotations

import ctypes
import operator
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Literal, NoReturn

import torch

Backend = Literal["native", "stand-in", "absent"]
backend: Backend = "absent"
reason = "torchtext is not installed; `make data` does that."


def _refusing(name: str) -> Callable[..., NoReturn]:
    """Give what is in the place of ``name`` in the compiled part: calling it says what to do."""
    if name.startswith("__"):  # asked for by Python's import
        raise AttributeError(name)

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise NotImplementedError(
            f"torchtext: {name} is not supported here. It needs torchtext's compiled part, which "
            f"is built for torch 2.3, and this is torch {torch.__version__}. What to do: use "
            "a maintained library (tokenizers, transformers, sentencepiece), or torchtext on "
            "torch 2.3 without llm_helpers."
        )

    return refuse


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


class Vocab:
    """The table inside ``torchtext.vocab.Vocab``, with the compiled build's answers and pickles.

    Each method raises TypeError (from here) for an argument of a wrong type or RuntimeError (from
    here) for an index or token that won't do; the RuntimeErrors in the build's own words. Bytes,
    sets and iterators may be taken where the build refuses them.
    """

    __module__ = "torchtext._torchtext"  # pickles made here load on torch 2.3 as well, and back

    def __init__(self, tokens: Sequence[str], default_index: int | None) -> None:
        """Take ``tokens``, which must differ, and number them from 0."""
        self.itos_ = list(map(_text, tokens))
        self._stoi: dict[str, int] = {}
        self.set_default_index(default_index)
        for index, token in enumerate(self.itos_):
            if self._stoi.setdefault(token, index) != index:
                raise RuntimeError(f"Duplicate token found in tokens list: {token}")

    @property
    def default_index_(self) -> NoReturn:
        """Read on the way to TorchScript only: NotImplementedError (from here)."""
        _refusing("TorchScript of a Vocab")()

    def _check(self, index: int, end: int, place: str = "") -> None:
        if not 0 <= operator.index(index) < end:
            where = f"{index}{place} is out of bounds for vocab of size {len(self)}"
            raise RuntimeError(f"Specified index {where}")

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.itos_)

    def __contains__(self, token: str) -> bool:
        """Say whether ``token`` has an index of its own."""
        return _text(token) in self._stoi

    def __getitem__(self, token: str) -> int:
        """Return the index of ``token``, else the default index, else raise RuntimeError."""
        index = self._stoi.get(_text(token), self._default)
        if index is None:
            raise RuntimeError(f"Token {token} not found and default index is not set")
        return index

    def lookup_indices(self, tokens: list[str]) -> list[int]:
        """Return the index of each token of a list; tuples and the like are a TypeError."""
        if not isinstance(tokens, list):
            raise TypeError(f"{tokens!r} is no list")
        return [self[token] for token in tokens]

    def lookup_token(self, index: int) -> str:
        """Return the token at ``index``, which can't be negative."""
        self._check(index, len(self))
        return self.itos_[index]

    def lookup_tokens(self, indices: Sequence[int]) -> list[str]:
        """Return the token at each index."""
        for place, index in enumerate(indices):
            self._check(index, len(self), f" at position {place}")
        return [self.itos_[index] for index in indices]

    def insert_token(self, token: str, index: int) -> None:
        """Put a new token at ``index``, up to ``len()``; the default index doesn't follow."""
        self._check(index, len(self) + 1)
        if token in self:
            raise RuntimeError(f"Token {token} not found in Vocab")  # so says the build
        self.itos_.insert(index, token)
        self._stoi.update((self.itos_[i], i) for i in range(index, len(self)))

    def append_token(self, token: str) -> None:
        """Put a new token at the end."""
        if self._stoi.setdefault(_text(token), len(self)) != len(self):
            at = f"with index: {self._stoi[token]}"
            raise RuntimeError(f"Token {token} already exists in the Vocab {at}")
        self.itos_.append(token)

    def set_default_index(self, index: int | None) -> None:
        """Set the answer for unknown tokens: None, or any integer, unchecked."""
        self._default = None if index is None else operator.index(index)

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
        """Take over a pickled state."""
        _, integers, tokens, _ = state
        self.__init__(tokens, integers[0] if integers else None)


def install() -> Backend:
    """Choose what answers for torchtext's compiled part, and return the choice (``backend``).

    Importing this module has done it; doing it again changes nothing, unless torchtext was absent.
    """
    global backend, reason
    if backend != "absent":
        return backend
    if sys.platform == "win32":  # or a dialog about the part that doesn't load opens, and waits
        ctypes.windll.kernel32.SetErrorMode(1)  # SEM_FAILCRITICALERRORS
    try:
        import torchtext

        backend, reason = "native", "torchtext's compiled part loads on this torch."
    except ModuleNotFoundError:
        return backend
    except (ImportError, OSError) as error:
        backend = "stand-in"
        reason = f"torchtext's compiled part doesn't load on this torch: {error}"
        compiled = ModuleType("torchtext._torchtext")
        vars(compiled).update(Vocab=Vocab, __getattr__=_refusing)
        torch.classes.torchtext = torch.ops.torchtext = compiled
        sys.modules["torchtext._torchtext"] = compiled
        sys.modules["torchtext._extension"] = ModuleType("torchtext._extension")
        import torchtext
    switch = "disable_torchtext_deprecation_warning"  # older torchtext has none
    getattr(torchtext, switch, lambda: None)()
    return backend


install()
