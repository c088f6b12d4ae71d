"""Notebook 11: what its own cells can't show, checked on its definitions without training."""

from __future__ import annotations

import ast
import itertools
import random
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
import sacrebleu
import torch

from llm_helpers import torchtext_compat  # noqa: F401  (before torchtext)

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "11_machine_translation.ipynb"
VALUES = ("UNK", "END", "french", "kept", "leader", "parts", "keyed", "train")
HIDDEN = {"exercise", "check", "solution"}


@pytest.fixture(scope="module")
def nb() -> dict:
    """Run the imports, the definitions and the cells that deal the messages; nothing else."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    space = {"__name__": "notebook_11"}
    for cell in cells:
        if cell.cell_type != "code" or HIDDEN & set(cell.metadata.get("tags", [])):
            continue
        tree = ast.parse(cell.source)
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        deals = names & {"kept", "leader", "keyed", "french", "UNK"} and not names & {"vocabs_of"}
        defines = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
        if not deals or "chinese" in names or "history" in names:
            tree.body = [node for node in tree.body if isinstance(node, defines)]
        exec(compile(tree, "notebook", "exec"), space)
    return space


def test_bleu_is_that_of_sacrebleu_and_torchtext(nb: dict) -> None:
    from torchtext.data.metrics import bleu_score

    dice = random.Random(0)
    for _ in range(30):
        ours, theirs = [], []
        for _ in range(40):
            text = [dice.choice("abcd") for _ in range(dice.randint(1, 9))]
            other = [dice.choice("abcd") if dice.random() < 0.2 else w for w in text]
            ours.append(" ".join(text[: dice.randint(1, 9)]))
            theirs.append(" ".join(other))
        if dice.random() < 0.5:  # longer than the reference
            ours, theirs = theirs, ours
        found = float(nb["bleu"](nb["counts_of"](ours, theirs).sum(0)))
        judge = sacrebleu.corpus_bleu(ours, [theirs], tokenize="none", force=True).score
        assert abs(found - judge) < 1e-6
        third = bleu_score([c.split() for c in ours], [[r.split()] for r in theirs])
        assert abs(found - 100 * third) < 1e-3


def test_no_near_duplicate_crosses_the_split(nb: dict) -> None:
    """An independent search (breadth first) for what hangs together."""
    pairs = [(part, pair) for part, rows in enumerate(nb["parts"]) for pair in rows]
    assert len(pairs) == len({pair for _, pair in pairs}) == len(nb["kept"])
    of = defaultdict(list)
    for number, (_, pair) in enumerate(pairs):
        for side in (0, 1):
            of[side, nb["bare"](pair[side])].append(number)
    seen: set[int] = set()
    for start in range(len(pairs)):
        group, queue = {start}, [start]
        while queue and start not in seen:
            pair = pairs[queue.pop()][1]
            for side in (0, 1):
                new = set(of[side, nb["bare"](pair[side])]) - group
                group |= new
                queue += new
        seen |= group
        assert len({pairs[number][0] for number in group}) == 1


def test_both_sides_hold_the_same_placeholders(nb: dict) -> None:
    for part in nb["parts"]:
        for en, fr in part:
            assert len(en.split()) <= 12 and en != fr
            assert nb["placeholders"](en) == nb["placeholders"](fr)


@pytest.fixture
def small(nb: dict) -> tuple:
    torch.manual_seed(0)
    pairs = [("a b c", "x y"), ("c d", "y z x"), ("a d b c a", "z")]
    words = nb["vocabs_of"](pairs)
    model = nb["Translator"](words, nb["AttendingDecoder"], width=8, dropout=0.0).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=1.5)  # untrained, but with opinions
    return pairs, words, model


def test_step_by_step_is_what_teacher_forcing_computed(nb: dict, small: tuple) -> None:
    pairs, words, model = small
    batch = next(iter(nb["batches"](pairs, words, 3)))
    whole = model(batch.tokens, batch.lengths)  # (batch, time, vocab)
    source = batch.tokens[..., 0]
    state, memory, real = model.encode(source[:, : int((source != 0).sum(1).max())])
    for t in range(batch.tokens.shape[1]):
        logits, state, weights = model.decoder(batch.tokens[:, t : t + 1, 1], state, memory, real)
        assert torch.allclose(logits[:, 0], whole[:, t], atol=1e-5)
        assert (
            torch.allclose(weights.sum(2), torch.ones(3, 1)) and (weights[:, 0][~real] == 0).all()
        )


def test_a_sentence_alone_and_in_a_batch_gives_the_same(nb: dict, small: tuple) -> None:
    pairs, words, model = small
    sources = [source for source, _ in pairs]
    for search in (nb["greedy"], nb["beam_search"]):
        alone = [search(model, [source], words)[0] for source in sources]
        assert search(model, sources, words) == alone


def test_one_beam_is_greedy_and_a_wide_beam_finds_the_best(nb: dict, small: tuple) -> None:
    pairs, words, model = small
    sources = [source for source, _ in pairs]
    assert nb["beam_search"](model, sources, words, K=1) == nb["greedy"](model, sources, words)

    def log_p(source: str, ids: tuple[int, ...]) -> float:
        state, memory, real = model.encode(nb["padded"]([source], words.source))
        logits = model.decoder(torch.tensor([[nb["END"], *ids]]), state, memory, real)[0][0]
        logits[:, : nb["UNK"] + 1] = -torch.inf
        asked = torch.tensor([*ids, nb["END"]])
        return float(logits.log_softmax(1).gather(1, asked[:, None]).sum())

    letters = range(nb["END"] + 1, len(words.target))
    with torch.inference_mode():
        for source in sources:
            found = nb["beam_search"](model, [source], words, K=200, by_length=False)[0]
            tries = [ids for n in range(5) for ids in itertools.product(letters, repeat=n)]
            best = max(log_p(source, ids) for ids in tries)
            ours = log_p(source, tuple(words.target.lookup_indices(found.split())))
            assert ours >= best - 1e-4


@pytest.mark.parametrize("by_length", [False, True])
def test_beam_search_is_that_of_a_slow_one(nb: dict, small: tuple, by_length: bool) -> None:
    """Without batches and without keeping states: every beginning is read anew."""
    pairs, words, model = small
    end, unk, differ = nb["END"], nb["UNK"], 0
    with torch.inference_mode():
        for number in range(12):
            for parameter in model.parameters():
                torch.nn.init.normal_(parameter, std=0.6)
            source = pairs[number % 3][0]
            state, memory, real = model.encode(nb["padded"]([source], words.source))
            beams = [(0.0, [end])]
            for _ in range(25):
                longer = []
                for total, ids in beams:
                    if len(ids) > 1 and ids[-1] == end:
                        longer.append((total, ids))
                        continue
                    logits = model.decoder(torch.tensor([ids]), state, memory, real)[0][0, -1]
                    logits[: unk + 1] = -torch.inf
                    log_p = logits.log_softmax(0).tolist()
                    longer += [(total + log_p[i], [*ids, i]) for i in range(end, len(log_p))]
                beams = sorted(longer, reverse=True)[:3]
            _, best = max((t / (len(ids) - 1) if by_length else t, ids) for t, ids in beams)
            slow = nb["as_text"](best[1:], words.target)
            assert nb["beam_search"](model, [source], words, 3, by_length) == [slow]
            differ += slow != nb["greedy"](model, [source], words)[0]
    assert differ  # else nothing was searched


def test_an_ended_beginning_stays_as_it_is(nb: dict) -> None:
    log_p = torch.randn(2, 3, 6).log_softmax(2)
    total = torch.tensor([[-1.0, -2.0, -9.0], [-1.0, -9.0, -9.0]])
    ended = torch.tensor([[True, False, False], [False, True, True]])
    new, parent, token = nb["extend"](log_p, total, ended)
    assert (parent[0, 0], token[0, 0], new[0, 0]) == (0, nb["END"], -1.0)
    assert (new[:, :-1] >= new[:, 1:]).all()
