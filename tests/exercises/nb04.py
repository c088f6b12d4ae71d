"""Answers to the exercises of notebook 04."""

INSTEAD = {  # a few of the pieces, without learning all merges
    "subwords": "subwords = {*' guitar', ' g', ' gu', 'ui', 'it', 'ita', 'ta'}",
    "split_word": "def split_word(word: str) -> list[str]:\n    return [' gu', 'it', 'ar']",
}
RIGHT = {
    1: [
        "lambda lengths: 1 - sum(lengths) / (len(lengths) * max(lengths))",
        "lambda lengths: sum(max(lengths) - n for n in lengths) / (len(lengths) * max(lengths))",
        """
import numpy as np

def padding_share(lengths):
    return 1 - np.mean(lengths) / np.max(lengths)
""",
        """
def padding_share(lengths):
    lengths = torch.tensor(lengths)
    mask = torch.arange(lengths.max()) >= lengths[:, None]
    return mask.double().mean()
""",
        """
from fractions import Fraction

def padding_share(lengths):
    lengths.sort()
    return 1 - Fraction(sum(lengths), len(lengths) * lengths[-1])
""",
        """
def padding_share(lengths):
    padded = torch.nn.utils.rnn.pad_sequence([torch.ones(n) for n in lengths])
    return (padded == 0).double().mean().item()
""",
    ],
    2: [
        "1 - lengths.clamp(max=30).sum().item() / lengths.sum().item()",
        "(lengths - 30).clamp(min=0).sum() / lengths.sum()",
        "sum(max(0, int(n) - 30) for n in lengths) / int(lengths.sum())",
        """
import numpy as np

sizes = lengths.numpy()
lost = (sizes - np.minimum(sizes, 30)).sum() / sizes.sum()
""",
        "0.066",
        "torch.relu(lengths.double() - 30).sum() / real",
        """
over = lengths[lengths > 30]
lost = (over.sum() - 30 * len(over)) / lengths.sum()
""",
    ],
    3: [
        "lambda ids, bos, eos, max_tokens: [bos] + ids[: max_tokens - 2] + [eos]",
        "lambda ids, bos, eos, max_tokens: (bos, *ids[: max_tokens - 2], eos)",
        """
def with_ends(ids, bos, eos, max_tokens):
    while len(ids) > max_tokens - 2:
        ids.pop()
    ids.insert(0, bos)
    ids.append(eos)
    return ids
""",
        """
import numpy as np

def with_ends(ids, bos, eos, max_tokens):
    return np.concatenate([[bos], ids[: max_tokens - 2], [eos]])
""",
        """
def with_ends(ids, bos, eos, max_tokens):
    room = max_tokens - 2
    return torch.tensor([bos, *ids[:room], eos])
""",
        """
def with_ends(ids, bos, eos, max_tokens):
    yield bos
    for i, token in enumerate(ids):
        if i < max_tokens - 2:
            yield token
    yield eos
""",
    ],
    4: [
        """
seen = set(letter for e in splits.train for letter in e.text.lower())
sizes = sorted(len(list(e.text.lower())) for e in splits.train)
unseen = [letter not in seen for e in splits.validation for letter in e.text.lower()]
characters = (len(seen), sizes[len(sizes) // 2], sum(unseen) / len(unseen))
""",
        """
import numpy as np

train = [list(e.text.lower()) for e in splits.train]
seen = np.unique(np.concatenate([np.array(text) for text in train]))
judged = np.concatenate([np.array(list(e.text.lower())) for e in splits.validation])
characters = [len(seen), np.median([len(text) for text in train]), np.mean(~np.isin(judged, seen))]
""",
        """
from statistics import median as middle

seen = Counter("".join(e.text.lower() for e in splits.train))
judged = Counter("".join(e.text.lower() for e in splits.validation))
unknown = sum(count for letter, count in judged.items() if letter not in seen)
characters = len(seen), middle(len(e.text) for e in splits.train), unknown / judged.total()
""",
        "torch.tensor([70, 109, 0.0])",
    ],
    5: [
        """
def longest_first(word, vocab):
    if not word:
        return []
    length = len(word)
    while word[:length] not in vocab:
        length -= 1
    return [word[:length], *longest_first(word[length:], vocab)]
""",
        """
def longest_first(word, vocab):
    start = 0
    while start < len(word):
        fits = [piece for piece in vocab if word.startswith(piece, start)]
        yield max(fits, key=len)
        start += len(max(fits, key=len))
""",
        """
import re

def longest_first(word, vocab):
    longest = sorted(vocab, key=len, reverse=True)
    return re.findall("|".join(map(re.escape, longest)), word)
""",
        """
def longest_first(word, vocab):
    pieces = ()
    for end in range(len(word), 0, -1):
        if word[:end] in vocab:
            pieces = (word[:end],) + tuple(longest_first(word[end:], vocab))
            break
    return pieces
""",
    ],
}
WRONG = {
    1: [
        "lambda lengths: sum(max(lengths) - n for n in lengths)",
        "lambda lengths: sum(max(lengths) - n for n in lengths) / max(lengths)",
        "lambda lengths: sum(lengths[0] - n for n in lengths) / (len(lengths) * lengths[0])",
        "lambda lengths: 100 * (1 - sum(lengths) / (len(lengths) * max(lengths)))",
        "lambda lengths: 1 - min(lengths) / max(lengths)",
        "lambda lengths: 1 - sum(lengths) / len(lengths)",
        "lambda lengths: len(lengths) * max(lengths) / sum(lengths)",
        "lambda lengths: 1 - sum(lengths) // (len(lengths) * max(lengths))",
        "lambda lengths: lengths.count(0) / len(lengths)",
        "lambda lengths: [1 - n / max(lengths) for n in lengths]",
        "lambda lengths: print(1 - sum(lengths) / (len(lengths) * max(lengths)))",
        "lambda lengths: 1 - lengths.sum() / (len(lengths) * lengths.max())",
    ],
    2: [
        "(lengths - 30).clamp(min=0).sum().item()",
        "lengths[lengths > 30].sum() / lengths.sum()",
        "(lengths - 30).clamp(min=0).float().mean()",
        "(lengths - 30).sum() / lengths.sum()",
        "(lengths - 31).clamp(min=0).sum() / lengths.sum()",
        "6.6",
        "'6.6 %'",
        "lengths > 30",
        "0.07",
    ],
    3: [
        "lambda ids, bos, eos, max_tokens: [bos, *ids, eos]",
        "lambda ids, bos, eos, max_tokens: [bos, *ids[: max_tokens - 1], eos]",
        "lambda ids, bos, eos, max_tokens: [bos, *ids[-(max_tokens - 2) :], eos]",
        "lambda ids, bos, eos, max_tokens: [2, *ids[: max_tokens - 2], 3]",
        "lambda ids, bos, eos, max_tokens: [eos, *ids[: max_tokens - 2], bos]",
        "lambda ids, bos, eos, max_tokens: [bos, ids[: max_tokens - 2], eos]",
        "lambda ids, bos, eos, max_tokens: ids[: max_tokens - 2].insert(0, bos)",
        "lambda ids, bos, eos, max_tokens: [bos, ids[0], *ids[1 : max_tokens - 2], eos]",
        "lambda ids, bos, eos, max_tokens: ([bos, *ids] + [eos])[: max_tokens - 1]",
        "lambda ids, bos, eos, max_tokens: [bos, *ids[: max_tokens - 2]]",
        "lambda ids, bos, eos, max_tokens: f'{bos} {ids} {eos}'",
        "lambda ids, bos, eos, max_tokens: [bos, *ids[: max_tokens - 3], eos]",
    ],
    4: [
        "(72, 109.0, 0.0)",
        "(70, 109.0)",
        "(109.0, 70, 0.0)",
        "70",
        "(26, 109.0, 0.0)",
        "{'vocab': 70, 'median': 109, 'unknown': 0.0}",
        "('70', '109', '0')",
        "(70, ..., 0.0)",
        "(70, 109.0, 1.0)",
        """
seen = {letter for e in splits.train for letter in e.text}
sizes = torch.tensor([len(e.text) for e in splits.train]).float()
characters = (len(seen), sizes.median(), 0.0)
""",
    ],
    5: [
        """
def longest_first(word, vocab):
    pieces = []
    for piece in sorted(vocab, key=len, reverse=True):
        if piece in word:
            pieces.append(piece)
            word = word.replace(piece, "", 1)
    return pieces
""",
        """
def longest_first(word, vocab):
    pieces = []
    while word:
        n = max(n for n in range(1, len(word)) if word[:n] in vocab)
        pieces.append(word[:n])
        word = word[n:]
    return pieces
""",
        """
def longest_first(word, vocab):
    pieces = []
    while word:
        n = max(n for n in range(1, len(word) + 1) if word[-n:] in vocab)
        pieces.insert(0, word[-n:])
        word = word[:-n]
    return pieces
""",
        """
def longest_first(word, vocab):
    pieces = []
    while word:
        n = max(n for n in range(1, len(word) + 1) if word[:n] in vocab)
        pieces.append(word[:n])
        word = word[1:]
    return pieces
""",
        "lambda word, vocab: max((p for p in vocab if word.startswith(p)), key=len)",
        "lambda word, vocab: word.split()",
        "lambda word, vocab: ' '.join(word)",
        "lambda word, vocab: [word]",
    ],
}
