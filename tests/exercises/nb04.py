"""Answers to the exercises of notebook 04."""

RIGHT = {
    1: [
        """
def padding_share(lengths, batch_size):
    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]
    places = sum(len(b) * max(b) for b in batches)
    return (places - sum(lengths)) / places
""",
        """
import numpy as np

def padding_share(lengths, batch_size):
    wide = places = 0
    for chunk in np.split(np.array(lengths), range(batch_size, len(lengths), batch_size)):
        places += chunk.size * chunk.max()
        wide += (chunk.max() - chunk).sum()
    return wide / places
""",
        """
def padding_share(lengths, batch_size):
    lengths = torch.tensor(lengths)
    places = sum(len(rows) * rows.max() for rows in lengths.split(batch_size))
    return 1 - lengths.sum() / places
""",
        """
from fractions import Fraction

def padding_share(lengths, batch_size):
    real, places = sum(lengths), 0
    while lengths:
        batch, lengths = lengths[:batch_size], lengths[batch_size:]
        places += max(batch) * len(batch)
    return 1 - Fraction(real, places)
""",
        """
def padding_share(lengths, batch_size):
    rows = [torch.ones(n) for n in lengths]
    padded = [
        torch.nn.utils.rnn.pad_sequence(rows[i : i + batch_size], batch_first=True).flatten()
        for i in range(0, len(rows), batch_size)
    ]
    return (torch.cat(padded) == 0).double().mean().item()
""",
        """
from itertools import zip_longest

def padding_share(lengths, batch_size):
    real = places = 0
    for batch in zip_longest(*[iter(lengths)] * batch_size):
        batch = [n for n in batch if n is not None]
        real += sum(batch)
        places += max(batch) * len(batch)
    return 1 - real / places
""",
        """
def padding_share(lengths, batch_size):
    empty, places, batch = 0, 0, []
    for i, n in enumerate(lengths, 1):
        batch.append(n)
        if i % batch_size == 0 or i == len(lengths):
            empty += sum(max(batch) - m for m in batch)
            places += max(batch) * len(batch)
            batch = []
    return empty / places
""",
    ],
    2: [
        "lambda text: tokenize(text.replace(\"''\", ''))",
        "lambda text: data.tokenize(text.replace(\"''\", '\"'))",
        "lambda text: tokenize(text.replace(chr(39) * 2, ' '))",
        """
import re

def tokenize_clean(text):
    return tokenize(re.sub("'{2}", "", text))
""",
        """
def tokenize_clean(text):
    clean = ""
    while text:
        if text.startswith("''"):
            text = text[2:]
        else:
            clean, text = clean + text[0], text[1:]
    yield from tokenize(clean)
""",
        """
def tokenize_clean(text):
    tokens = []
    for part in text.split("''"):
        tokens += tokenize(part)
    return tuple(tokens)
""",
        """
def tokenize_clean(text):
    return " ".join(tokenize(text.replace("''", ""))).split(" ")
""",
        "lambda text: [t for part in text.split(\"''\") for t in tokenize(part)]",
        """
def tokenize_clean(text):
    while "''" in text:
        text = text.replace("''", "", 1)
    return tokenize(text)
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
        "lambda ids, bos, eos, max_tokens: [bos, *ids][: max_tokens - 1] + [eos]",
        """
from itertools import chain, islice

def with_ends(ids, bos, eos, max_tokens):
    return chain([bos], islice(ids, max_tokens - 2), [eos])
""",
    ],
    4: [
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
        """
def longest_first(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        end = next(e for e in range(len(word), start, -1) if word[start:e] in vocab)
        pieces.append(word[start:end])
        start = end
    return pieces
""",
        """
def longest_first(word, vocab):
    by_length = {}
    for piece in vocab:
        by_length.setdefault(len(piece), set()).add(piece)
    found = []
    while word:
        for n in sorted(by_length, reverse=True):
            if word[:n] in by_length[n]:
                found += [word[:n]]
                word = word[n:]
                break
    return found
""",
    ],
    5: [
        """
from functools import lru_cache

def most_probable(word, log_p):
    @lru_cache(None)
    def best(rest):
        if not rest:
            return 0.0, ()
        options = []
        for n in range(1, len(rest) + 1):
            if rest[:n] in log_p:
                total, pieces = best(rest[n:])
                options.append((total + log_p[rest[:n]], (rest[:n], *pieces)))
        return max(options)
    return best(word)[1]
""",
        """
def most_probable(word, log_p):
    score, back = [0.0] + [float("-inf")] * len(word), [0] * (len(word) + 1)
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = word[start:end]
            if piece in log_p and score[start] + log_p[piece] > score[end]:
                score[end], back[end] = score[start] + log_p[piece], start
    pieces, end = [], len(word)
    while end:
        pieces.insert(0, word[back[end] : end])
        end = back[end]
    return pieces
""",
        """
def most_probable(word, log_p):  # forward: push every beginning's best on
    best = {0: (0.0, [])}
    for start in range(len(word)):
        total, pieces = best[start]
        for piece, p in log_p.items():
            if word.startswith(piece, start):
                end = start + len(piece)
                if end not in best or best[end][0] < total + p:
                    best[end] = (total + p, pieces + [piece])
    return best[len(word)][1]
""",
        """
import heapq

def most_probable(word, log_p):  # Dijkstra: the costs are positive
    heap, done = [(0.0, 0, [])], set()
    while heap:
        cost, at, pieces = heapq.heappop(heap)
        if at == len(word):
            yield from pieces
            return
        if at not in done:
            done.add(at)
            for end in range(at + 1, len(word) + 1):
                if word[at:end] in log_p:
                    step = (cost - log_p[word[at:end]], end, [*pieces, word[at:end]])
                    heapq.heappush(heap, step)
""",
        """
from itertools import combinations

def most_probable(word, log_p):  # all splits
    best, found = -1e9, None
    for k in range(len(word)):
        for cuts in combinations(range(1, len(word)), k):
            ends = [0, *cuts, len(word)]
            parts = [word[a:b] for a, b in zip(ends, ends[1:])]
            if all(p in log_p for p in parts) and sum(log_p[p] for p in parts) > best:
                best, found = sum(log_p[p] for p in parts), parts
    return found
""",
        """
import math

def most_probable(word, log_p):  # from the right, with products of probabilities
    best = {len(word): (1.0, [])}
    for start in reversed(range(len(word))):
        ends = [end for end in range(start + 1, len(word) + 1) if word[start:end] in log_p]
        parts = [(word[start:end], *best[end]) for end in ends]
        best[start] = max((math.exp(log_p[p]) * after, [p, *rest]) for p, after, rest in parts)
    return best[0][1]
""",
    ],
}
WRONG = {
    1: [
        "lambda lengths, batch_size: 1 - sum(lengths) / (batch_size * max(lengths))",
        "lambda lengths, batch_size: batch_size / len(lengths)",
        "lambda lengths: 1 - sum(lengths) / (len(lengths) * max(lengths))",
        "lambda lengths, batch_size: padding_share(lengths)",
        """
def padding_share(lengths, batch_size):  # the last batch is taken for a full one
    places = 0
    for i in range(0, len(lengths), batch_size):
        places += batch_size * max(lengths[i : i + batch_size])
    return 1 - sum(lengths) / places
""",
        """
def padding_share(lengths, batch_size):  # drops the last batch
    places = real = 0
    for i in range(0, len(lengths) - batch_size + 1, batch_size):
        places += batch_size * max(lengths[i : i + batch_size])
        real += sum(lengths[i : i + batch_size])
    return 1 - real / places
""",
        """
def padding_share(lengths, batch_size):  # sorts, as a bucket would
    lengths = sorted(lengths)
    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]
    return 1 - sum(lengths) / sum(len(b) * max(b) for b in batches)
""",
        """
def padding_share(lengths, batch_size):
    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]
    return sum(len(b) * max(b) for b in batches) - sum(lengths)
""",
        """
def padding_share(lengths, batch_size):  # the first is taken for the longest
    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]
    return 1 - sum(lengths) / sum(len(b) * b[0] for b in batches)
""",
        """
def padding_share(lengths, batch_size):
    places = 0
    for i in range(0, len(lengths), batch_size):
        b = lengths[i : i + batch_size - 1]
        places += len(b) * max(b) if b else 0
    return 1 - sum(lengths) / places
""",
        """
def padding_share(lengths, batch_size):
    places = 0
    for i in range(batch_size):
        b = lengths[i::batch_size]
        places += len(b) * max(b)
    return 1 - sum(lengths) / places
""",
    ],
    2: [
        "lambda text: text.replace(\"''\", '').split()",
        "lambda text: text.replace(\"''\", '')",
        "lambda text: ' '.join(tokenize(text.replace(\"''\", '')))",
        "lambda text: tokenize(text.replace('\"', ''))",
        "lambda text: tokenize(text).replace(\"''\", '')",
        "lambda text: [token for token in tokenize(text) if token != \"''\"]",
        "lambda text: [token for token in tokenize(text) if len(token) > 1]",
        'lambda text: tokenize(text.replace("\'\'", "\'"))',
        "lambda text: tokenize(text.replace(\"' '\", ''))",
        "lambda text: tokenize(text.replace(\"''\", '', 1))",
        "lambda text: tokenize(text.strip(\"''\"))",
        """
def tokenize_clean(text):
    tokens = tokenize(text)
    return [t for t, after in pairwise([*tokens, ""]) if (t, after) != ("'", "'")]
""",
        """
import re
tokenize_clean = lambda text: tokenize(re.sub(r"''(\\w+)''", r'\\1', text))
""",
        """
import re
tokenize_clean = lambda text: tokenize(re.sub(r"''.*?''", '', text))
""",
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
        "lambda ids, bos, eos, max_tokens: [bos, *ids[:-2], eos]",
        """
def with_ends(ids, bos, eos, max_tokens):
    fits = len(ids) + 2 <= max_tokens
    return [bos, *ids, eos] if fits else [bos, *ids[: max_tokens - 1]]
""",
    ],
    4: [
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
        """
def longest_first(word, vocab):
    pieces, piece = [], ""
    for letter in word:
        if piece + letter in vocab:
            piece += letter
        else:
            pieces.append(piece)
            piece = letter
    return pieces + [piece]
""",
        """
def longest_first(word, vocab):
    n = max(n for n in range(1, len(word) + 1) if word[:n] in vocab)
    return [word[:n], word[n:]]
""",
    ],
    5: [
        "lambda word, log_p: list(word)",
        "lambda word, log_p: [word]",
        "lambda word, log_p: max((p for p in log_p if word.startswith(p)), key=log_p.get)",
        "lambda word, log_p: sorted(log_p, key=log_p.get)[-3:]",
        "lambda word, log_p: sum(log_p[letter] for letter in word)",
        """
def most_probable(word, log_p):  # one cut only
    cuts = [(log_p.get(word[:n], -99) + log_p.get(word[n:], -99), n) for n in range(1, len(word))]
    n = max(cuts)[1]
    return [word[:n], word[n:]]
""",
        """
def most_probable(word, log_p):  # forgets to add the beginning's sum
    best = [(0.0, [])]
    for n in range(1, len(word) + 1):
        starts = [s for s in range(n) if word[s:n] in log_p]
        options = [(log_p[word[s:n]], best[s][1] + [word[s:n]]) for s in starts]
        best.append(max(options))
    return best[-1][1]
""",
        """
def most_probable(word, log_p):  # the mean in place of the sum
    best = [(0.0, [])]
    for n in range(1, len(word) + 1):
        options = []
        for s in range(n):
            if word[s:n] in log_p:
                pieces = best[s][1] + [word[s:n]]
                options.append((sum(map(log_p.get, pieces)) / len(pieces), pieces))
        best.append(max(options))
    return best[-1][1]
""",
        """
def most_probable(word, log_p):  # from the end, greedily
    pieces = []
    while word:
        piece = max((p for p in log_p if word.endswith(p)), key=log_p.get)
        pieces.insert(0, piece)
        word = word[: -len(piece)]
    return pieces
""",
        """
def most_probable(word, log_p):
    best = [(0.0, [])]
    for n in range(1, len(word) + 1):
        options = [
            (best[s][0] + log_p[word[s:n]], best[s][1] + [word[s:n]])
            for s in range(n)
            if word[s:n] in log_p
        ]
        best.append(max(options))
    return best[-1]
""",
        """
def most_probable(word, log_p):  # the fewest pieces
    best = [(0, [])]
    for n in range(1, len(word) + 1):
        starts = [s for s in range(n) if word[s:n] in log_p]
        best.append(min((best[s][0] + 1, best[s][1] + [word[s:n]]) for s in starts))
    return best[-1][1]
""",
        """
def most_probable(word, log_p):  # the best pair of neighbors first
    pieces = list(word)
    while True:
        joins = [(log_p.get(a + b, -99), i) for i, (a, b) in enumerate(zip(pieces, pieces[1:]))]
        joins = [(p, i) for p, i in joins if p > log_p[pieces[i]] + log_p[pieces[i + 1]]]
        if not joins:
            return pieces
        i = max(joins)[1]
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
""",
    ],
}
