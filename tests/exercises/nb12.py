"""Answers to the exercises of notebook 12."""

RIGHT = {
    1: [
        "0.696",
        "round(6 / 8.625, 3)",
        "1 / (1 + 1.5 * 1.75 / 6)",
        "from fractions import Fraction\nshare_counted = Fraction(16, 23)",
        "torch.tensor(6.0) / (6 + 1.5 * (1 - 0.75 + 0.75 * 2))",
        "import numpy as np\nshare_counted = np.float32(6 / (6 + 2.625))",
        """
k1, b, count, ratio = 1.5, 0.75, 6, 2
norm = k1 * (1 - b + b * ratio)
share_counted = count / (count + norm)
""",
    ],
    2: [
        """
def recall_and_mrr(ranks, k):
    r = torch.tensor(ranks, dtype=torch.float64)
    found = r <= k
    return found.double().mean(), (found / r).mean()
""",
        """
import numpy as np

def recall_and_mrr(ranks, k):
    r = np.array(ranks)
    return np.mean(r <= k), np.mean(np.where(r <= k, 1 / r, 0))
""",
        """
def recall_and_mrr(ranks, k):
    hits, reciprocals = 0, 0
    for rank in ranks:
        if not rank > k:
            hits += 1
            reciprocals += 1 / rank
    return [hits / len(ranks), reciprocals / len(ranks)]
""",
        """
from fractions import Fraction

def recall_and_mrr(ranks, k):
    hits = [Fraction(1, rank) for rank in ranks if rank in range(k + 1)]
    return Fraction(len(hits), len(ranks)), sum(hits) / len(ranks)
""",
        """
def recall_and_mrr(ranks, k):
    n = len(ranks)
    ranks.sort()
    while ranks and ranks[-1] > k:
        ranks.pop()
    return len(ranks) / n, sum(map(lambda rank: 1 / rank, ranks)) / n
""",
    ],
    3: [
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
    ],
    4: [
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
    ],
}
WRONG = {
    1: [
        "69.6",
        "0.7",
        "1 - 6 / 8.625",
        "6 * 2.5 / 8.625",
        "6 / (6 + 1.5 * (1 - 0.75 + 0.75 / 2))",
        "6 / (6 + 1.5 * (1 - 0.75 * 2))",
        "3 / (3 + 1.5 * 1.75)",
        "'16/23'",
        "8.625 / 6",
        "6 / 6 + 1.5 * 1.75",
    ],
    2: [
        "lambda ranks, k: (sum(r <= k for r in ranks), sum(1 / r for r in ranks if r <= k))",
        """
def recall_and_mrr(ranks, k):
    n = len(ranks)
    return sum(1 / r for r in ranks if r <= k) / n, sum(r <= k for r in ranks) / n
""",
        "lambda ranks, k: sum(1 / r for r in ranks if r <= k) / len(ranks)",
        """
def recall_and_mrr(ranks, k):
    hits = [r for r in ranks if r <= k]
    return len(hits) / len(ranks), sum(1 / r for r in hits) / len(hits)
""",
        """
def recall_and_mrr(ranks, k):
    hits = [r for r in ranks if r <= k]
    return len(hits) / k, sum(1 / r for r in hits) / k
""",
        """
def recall_and_mrr(ranks, k):
    hits = [r for r in ranks if r <= k]
    return len(hits) / len(ranks), len(ranks) / max(1, sum(hits))
""",
        """
def recall_and_mrr(ranks, k):
    return sum(r <= k for r in ranks) / len(ranks), sum(1 / min(r, k) for r in ranks) / len(ranks)
""",
        """
def recall_and_mrr(ranks, k):
    top = ranks[:k]
    return len(top) / len(ranks), sum(1 / r for r in top) / len(ranks)
""",
        """
def recall_and_mrr(ranks, k):
    hits = [r for r in ranks if r <= k]
    return len(hits) / len(ranks), sum(1 / (r + 1) for r in hits) / len(ranks)
""",
    ],
    3: [
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
    ],
    4: [
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
    ],
}
