"""Answers to the exercises of notebook 12."""

RIGHT = {
    1: [
        """
def with_all_words(lists, words):
    found = set(lists.get(words[0], ()))
    for word in words:
        found = found.intersection(lists.get(word, ()))
    return sorted(found)
""",
        """
def with_all_words(lists, words):
    everything = sorted({n for numbers in lists.values() for n in numbers})
    return [n for n in everything if all(n in lists.get(word, []) for word in words)]
""",
        """
def with_all_words(lists, words):  # walks along two sorted lists at once
    def both(one, other):
        i = j = 0
        while i < len(one) and j < len(other):
            if one[i] == other[j]:
                yield one[i]
            i, j = i + (one[i] <= other[j]), j + (other[j] <= one[i])

    found = lists.get(words[0], [])
    for word in words[1:]:
        found = list(both(found, lists.get(word, [])))
    return found
""",
        """
def with_all_words(lists, words):
    counts = Counter(n for word in set(words) for n in lists.get(word, []))
    return sorted(n for n, count in counts.items() if count == len(set(words)))
""",
        """
import numpy as np
from functools import reduce

def with_all_words(lists, words):
    return reduce(np.intersect1d, [np.array(lists.get(w, []), dtype=int) for w in words])
""",
        """
def with_all_words(lists, words):
    if any(word not in lists for word in words):
        return ()
    first, *others = map(lists.get, words)
    return tuple(n for n in first if all(n in other for other in others))
""",
        """
def with_all_words(lists, words):
    bits = -1
    for word in words:  # a document is a bit
        bits &= sum(1 << number for number in lists.get(word, []))
    return [number for number in range(bits.bit_length()) if bits >> number & 1]
""",
        """
from bisect import bisect_left

def with_all_words(lists, words):
    def has(word, number):
        found = lists.get(word, [])
        at = bisect_left(found, number)
        return at < len(found) and found[at] == number

    shortest = min((lists.get(word, []) for word in words), key=len)
    return list(filter(lambda n: all(has(word, n) for word in words), shortest))
""",
    ],
    2: [
        """
def loss_by_hand(asked, found, temperature):
    cosines = nn.functional.cosine_similarity(asked[:, None], found[None], dim=2)
    p = (cosines / temperature).softmax(1)
    return -p.diagonal().log().mean()
""",
        """
def loss_by_hand(asked, found, temperature):
    total = 0.0
    for i in range(len(asked)):
        scores = []
        for j in range(len(found)):
            cosine = (asked[i] @ found[j] / asked[i].norm() / found[j].norm()).item()
            scores.append(math.exp(cosine / temperature))
        total -= math.log(scores[i] / sum(scores))
    return total / len(asked)
""",
        """
def loss_by_hand(asked, found, temperature):
    asked /= asked.norm(dim=1, keepdim=True)
    found /= found.norm(dim=1, keepdim=True)
    z = torch.einsum("ie,je->ij", asked, found) / temperature
    return -z.log_softmax(1).trace() / len(z)
""",
        """
import numpy as np

def loss_by_hand(asked, found, temperature):
    a, f = asked.double().numpy(), found.double().numpy()
    a = a / np.sqrt((a**2).sum(1, keepdims=True))
    f = f / np.linalg.norm(f, axis=1)[:, None]
    z = a @ f.T / temperature
    return np.mean(np.log(np.exp(z).sum(1)) - np.diag(z))
""",
        """
def loss_by_hand(asked, found, temperature):
    a, f = (nn.functional.normalize(x.double(), dim=-1) for x in (asked, found))
    z = (a @ f.mT).div_(temperature)
    own = (a * f).sum(1) / temperature
    return torch.mean(torch.logsumexp(z, dim=1) - own).item()
""",
        """
def loss_by_hand(asked, found, temperature):
    lengths = asked.norm(dim=1)[:, None] * found.norm(dim=1)  # (batch, batch)
    similar = asked @ found.T / lengths / temperature
    ratio = (similar - similar.diagonal()[:, None]).exp().sum(1)  # 1 / p of the right one
    return ratio.log().mean()
""",
        """
def loss_by_hand(asked, found, temperature):
    unit = [x / (x * x).sum(1, keepdim=True).sqrt() for x in (asked, found)]
    p = (torch.tensordot(*unit, dims=([1], [1])) / temperature).softmax(dim=-1)
    return -torch.stack([p[i, i] for i in range(len(p))]).log2().mean() * math.log(2)
""",
    ],
    3: [
        """
def fused(first, second):
    total = 0
    for scores in (first, second):
        rank = (scores[:, None, :] >= scores[:, :, None]).sum(2)  # (queries, documents)
        total = total + 1 / (60 + rank)
    return total
""",
        """
def fused(first, second):
    ranks = [s.argsort(1, descending=True).argsort(1) + 1 for s in (first, second)]
    return (60 + ranks[0]).reciprocal() + (60 + ranks[1]).reciprocal()
""",
        """
import numpy as np

def fused(first, second):
    def ranks(s):
        return (-s.numpy()).argsort(axis=1).argsort(axis=1) + 1

    return 1 / (60 + ranks(first)) + 1 / (60 + ranks(second))
""",
        """
from scipy.stats import rankdata

def fused(first, second):
    return sum(1 / (60 + rankdata(-s.numpy(), axis=1)) for s in (first, second))
""",
        """
def fused(first, second):
    out = torch.zeros_like(first)
    for scores in (first, second):
        order = scores.argsort(dim=1, descending=True)
        worth = 1 / torch.arange(61.0, 61.0 + scores.shape[1])
        out.scatter_add_(1, order, worth.expand_as(scores))
    return out
""",
        """
def fused(first, second):
    rows = []
    for a, b in zip(first.tolist(), second.tolist()):
        by_a, by_b = sorted(a, reverse=True), sorted(b, reverse=True)
        rows.append(
            [1 / (61 + by_a.index(x)) + 1 / (61 + by_b.index(y)) for x, y in zip(a, b)]
        )
    return rows
""",
        """
def fused(first, second):  # a rank is one more than the number of better documents
    def worth(s):
        return 1 / (61 + torch.stack([(row > row[:, None]).sum(1) for row in s]))

    return torch.add(worth(first), worth(second))
""",
        """
def fused(first, second):
    out = torch.zeros(first.shape, dtype=torch.float64)
    for scores in (first, second):
        for query, row in enumerate(scores):
            for place, document in enumerate(row.sort(descending=True).indices, start=1):
                out[query, document] += 1 / (60 + place)
    return out
""",
    ],
    4: [
        """
def hard_negatives(scores, right, k):
    rows = []
    for row, own in zip(scores.tolist(), right):
        order = sorted(range(len(row)), key=lambda number: -row[number])
        rows.append([number for number in order if number != own][:k])
    return rows
""",
        """
def hard_negatives(scores, right, k):
    order = scores.argsort(dim=1, descending=True)
    wrong = order[order != torch.tensor(right)[:, None]]
    return wrong.view(len(right), -1)[:, :k]
""",
        """
def hard_negatives(scores, right, k):
    own = nn.functional.one_hot(torch.tensor(right), scores.shape[1]).bool()
    return scores.masked_fill(own, -1e9).topk(k, dim=1)[1]
""",
        """
import numpy as np

def hard_negatives(scores, right, k):
    s = scores.numpy().astype(float)
    s[np.arange(len(right)), right] = -np.inf
    return np.argsort(-s, axis=1)[:, :k]
""",
        """
def hard_negatives(scores, right, k):
    for row, own in enumerate(right):
        scores[row, own] = float("-inf")
    return torch.sort(scores, dim=1, descending=True).indices[:, :k]
""",
        """
def hard_negatives(scores, right, k):
    best = scores.topk(k + 1).indices.tolist()
    return [[n for n in row if n != own][:k] for row, own in zip(best, right)]
""",
        """
from heapq import nlargest

def hard_negatives(scores, right, k):
    found = torch.empty(len(right), k, dtype=torch.int64)
    for row, own in enumerate(right):
        others = [n for n in range(scores.shape[1]) if n != own]
        found[row] = torch.tensor(nlargest(k, others, key=lambda n: scores[row, n].item()))
    return found
""",
        """
def hard_negatives(scores, right, k):
    place = torch.tensor(right)[:, None]
    return scores.scatter(1, place, scores.min().item() - 1).sort(dim=1, descending=True)[1][:, :k]
""",
    ],
}
WRONG = {
    1: [
        "lambda lists, words: [n for n in lists[words[0]] if n in lists.get(words[-1], [])]",
        "lambda lists, words: sorted(n for word in words for n in lists.get(word, []))",
        """
def with_all_words(lists, words):  # as often as there are words, a word asked twice included
    counts = Counter(n for word in set(words) for n in lists.get(word, []))
    return sorted(n for n, count in counts.items() if count == len(words))
""",
        """
def with_all_words(lists, words):  # words that no document contains are passed over
    found = [set(lists[word]) for word in words if word in lists]
    return sorted(set.intersection(*found)) if found else []
""",
        "lambda lists, words: len(set.intersection(*(set(lists.get(w, [])) for w in words)))",
        "lambda lists, words: [n for n in lists[words[0]] if n in lists.get(words[-1], [])][:2]",
        "lambda lists, words: [word for word in words if word in lists]",
        """
def with_all_words(lists, words):  # the best first
    found = set.intersection(*(set(lists.get(w, [])) for w in words))
    return sorted(found, reverse=True)
""",
        """
def with_all_words(lists, words):  # None where nothing is found
    found = set.intersection(*(set(lists.get(w, [])) for w in words))
    return sorted(found) or None
""",
        "lambda lists, words: min((lists.get(w, []) for w in words), key=len)",
        """
def with_all_words(lists, words):  # the first word's list, cut down by each pair of neighbors
    found = set(lists.get(words[0], []))
    for one, other in zip(words, words[2:]):
        found &= set(lists.get(one, [])) & set(lists.get(other, []))
    return sorted(found)
""",
        """
def with_all_words(lists, words):  # what all the lists have, the words asked or not
    return sorted(set.intersection(*map(set, lists.values())))
""",
    ],
    2: [
        """
def loss_by_hand(asked, found, temperature):  # the sign
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return (a @ f.T / temperature).log_softmax(1).diagonal().mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # no logarithm
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return -(a @ f.T / temperature).softmax(1).diagonal().mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # both ways, as CLIP does
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    z = a @ f.T / temperature
    return -(z.log_softmax(1).diagonal().mean() + z.log_softmax(0).diagonal().mean()) / 2
""",
        """
def loss_by_hand(asked, found, temperature):  # no temperature
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return -(a @ f.T).log_softmax(1).diagonal().mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # scaled along the batch
    a, f = (nn.functional.normalize(x, dim=0) for x in (asked, found))
    return -(a @ f.T / temperature).log_softmax(1).diagonal().mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # one side not scaled
    a = nn.functional.normalize(asked, dim=1)
    return -(a @ found.T / temperature).log_softmax(1).diagonal().mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # one loss a row
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return -(a @ f.T / temperature).log_softmax(1).diagonal()
""",
        """
def loss_by_hand(asked, found, temperature):  # the mean of all, not of the diagonal
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return -(a @ f.T / temperature).log_softmax(1).mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # the diagonal forgotten
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return (a @ f.T / temperature).logsumexp(1).mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # the temperature taken off the diagonal alone
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    z = a @ f.T
    return (z.logsumexp(1) - z.diagonal() / temperature).mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # in bits
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    return -(a @ f.T / temperature).softmax(1).diagonal().log2().mean()
""",
        """
def loss_by_hand(asked, found, temperature):  # the right one isn't in the sum
    a, f = (nn.functional.normalize(x, dim=1) for x in (asked, found))
    z = a @ f.T / temperature
    others = z.masked_fill(torch.eye(len(z)).bool(), -torch.inf)
    return (others.logsumexp(1) - z.diagonal()).mean()
""",
    ],
    3: [
        """
def fused(first, second):  # the ranks in a column
    return sum(1 / (61 + (-s).argsort(0).argsort(0)) for s in (first, second))
""",
        "lambda first, second: 1 / (60 + first) + 1 / (60 + second)",
        "lambda first, second: first + second",
        """
def fused(first, second):
    return 1 / (60 + sum((-s).argsort(1).argsort(1) + 1 for s in (first, second)))
""",
        """
def fused(first, second):
    return sum((-s).argsort(1).argsort(1) + 1 for s in (first, second))
""",
        """
def fused(first, second):
    return sum(1 / 60 + 1 / ((-s).argsort(1).argsort(1) + 1) for s in (first, second))
""",
        """
def fused(first, second):
    a, b = (1 / (61 + (-s).argsort(1).argsort(1)) for s in (first, second))
    return a * b
""",
        """
def fused(first, second):
    return sum(1 / (61 + (-s).argsort(1).argsort(1)) for s in (first, second)) / 2
""",
        """
def fused(first, second):
    return 1 / (61 + (-first).argsort(1).argsort(1))
""",
        """
def fused(first, second):
    return sum(1 / (61 + (-s).argsort(1)) for s in (first, second))
""",
        """
def fused(first, second):  # the ranks of the sum
    return 1 / (61 + (-first - second).argsort(1).argsort(1))
""",
        """
def fused(first, second):
    return sum(1 / ((-s).argsort(1).argsort(1) + 1) for s in (first, second))
""",
        """
def fused(first, second):  # one list of all queries
    def ranks(s):
        return s.flatten().argsort(descending=True).argsort().view(s.shape) + 1

    return 1 / (60 + ranks(first)) + 1 / (60 + ranks(second))
""",
        """
def fused(first, second):  # whole numbers
    return sum(1 // (61 + (-s).argsort(1).argsort(1)) for s in (first, second))
""",
    ],
    4: [
        """
def hard_negatives(scores, right, k):  # one fewer where the right one was among them
    best = scores.topk(k).indices.tolist()
    return [[n for n in row if n != own] for row, own in zip(best, right)]
""",
        """
def hard_negatives(scores, right, k):  # the right one's place, not the right one, is left out
    return scores.topk(k + 1).indices[:, 1:]
""",
        """
def hard_negatives(scores, right, k):  # in another order
    best = scores.topk(k + 1).indices.tolist()
    return [sorted([n for n in row if n != own][:k]) for row, own in zip(best, right)]
""",
        """
def hard_negatives(scores, right, k):  # every right document is barred, for all queries
    scores[:, right] = -torch.inf
    return scores.topk(k).indices
""",
        """
def hard_negatives(scores, right, k):  # places instead of documents
    scores[torch.arange(len(right)), right] = -torch.inf
    return scores.argsort(1, descending=True).argsort(1)[:, :k]
""",
        """
def hard_negatives(scores, right, k):  # queries instead of documents
    scores[torch.arange(len(right)), right] = -torch.inf
    return scores.T.topk(min(k, len(scores))).indices
""",
        """
def hard_negatives(scores, right, k):  # scores and numbers
    scores[torch.arange(len(right)), right] = -torch.inf
    return scores.topk(k)
""",
        """
def hard_negatives(scores, right, k):  # numbered without the right one
    kept = torch.ones_like(scores, dtype=torch.bool)
    kept[torch.arange(len(right)), right] = False
    return scores[kept].view(len(right), -1).topk(k).indices
""",
        """
def hard_negatives(scores, right, k):  # one row of them all
    scores[torch.arange(len(right)), right] = -torch.inf
    return scores.flatten().topk(k).indices
""",
        """
def hard_negatives(scores, right, k):  # those that score above the right one
    own = scores[torch.arange(len(right)), right][:, None]
    return [row.nonzero().flatten()[:k] for row in scores > own]
""",
        """
def hard_negatives(scores, right, k):  # the right document of the row is the row's number
    scores.fill_diagonal_(-torch.inf)
    return scores.topk(k).indices
""",
    ],
}
