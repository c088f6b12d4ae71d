"""Answers to the exercises of notebook 07."""

INSTEAD = {
    "networks": """
import functools
import types

data = types.SimpleNamespace(**vars(data))  # a tenth of the texts
load_all = functools.cache(data.load)
data.load = lambda name="movie_reviews": load_all(name)[::10]


class WordCounts(nn.Module):
    # Not trained by steps: each word votes by how often it was in positive training sentences.
    def __init__(self) -> None:
        super().__init__()
        counts = torch.ones(2, len(vocab))
        for example in splits.train:
            counts[example.label, vocab(data.tokenize(example.text))] += 1
        self.log_share = nn.Parameter((counts / counts.sum(1, keepdim=True)).log())

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        real = tokens != 0
        return (self.log_share[:, tokens] * real).sum(2).T  # (batch, classes)


networks = [WordCounts().eval()]
""",
}
RIGHT = {
    1: [
        "lambda lead, disagreement: disagreement * (2 / lead) ** 2",
        """
import numpy as np

def sentences_for(lead, disagreement):
    return np.square(2 * np.sqrt(disagreement) / lead)
""",
        """
from fractions import Fraction

def sentences_for(lead, disagreement):
    return 4 * Fraction(disagreement) / Fraction(lead) ** 2
""",
        """
def sentences_for(lead, disagreement):
    few, many = 1.0, 1e9
    for _ in range(200):
        n = (few * many) ** 0.5
        z = lead * n / (disagreement * n) ** 0.5
        few, many = (n, many) if z < 2 else (few, n)
    return n
""",
        """
def sentences_for(lead, disagreement):
    lead, disagreement = torch.tensor([lead, disagreement]).double()
    return disagreement / (lead / 2).pow(2)
""",
    ],
    2: [
        """
def precision_and_recall(matrix):
    (_, false_alarms), (missed, hits) = matrix.tolist()
    return hits / (hits + false_alarms), hits / (hits + missed)
""",
        "lambda matrix: [matrix[1, 1] / matrix.sum(0)[1], matrix[1, 1] / matrix.sum(1)[1]]",
        """
def precision_and_recall(matrix):
    right = matrix.diagonal()
    return (right / matrix.sum(0))[1].item(), (right / matrix.sum(1))[1].item()
""",
        "lambda m: m[1, 1] / torch.stack([m[:, 1].sum(), m[1].sum()])",
        """
import numpy as np

def precision_and_recall(matrix):
    matrix = matrix.numpy()
    called, real = matrix[:, 1].sum(), matrix[1, :].sum()
    return np.float32(matrix[1, 1] / called), np.float32(matrix[1, 1] / real)
""",
        """
from fractions import Fraction

def precision_and_recall(matrix):
    hits = int(matrix[1][1])
    called = real = 0
    for k in range(2):
        called += int(matrix[k][1])
        real += int(matrix[1][k])
    return Fraction(hits, called), Fraction(hits, real)
""",
    ],
    3: [
        """
elsewhere = {}
for name in ["newspaper", "tweets", "product_reviews"]:
    batches = data.batches_of(data.load(name), vocab, 64)
    elsewhere[name] = evaluation.evaluate(networks[0], batches).accuracy
""",
        """
model = networks[0]
names = "product_reviews", "tweets", "newspaper"
parts = [data.batches_of(data.load(name), vocab, 1000) for name in names]
accuracies = [round(evaluation.evaluate(model, part).accuracy, 3) for part in parts]
elsewhere = dict(zip(names, accuracies))
""",
        """
def share_right(name):
    logits, labels = predict(networks[0], data.batches_of(data.load(name), vocab, 256))
    return (logits.argmax(1) == labels).float().mean()

elsewhere = {name: share_right(name) for name in ("product_reviews", "tweets", "newspaper")}
""",
        """
import numpy as np

elsewhere = dict.fromkeys(("product_reviews", "tweets", "newspaper"))
for name in elsewhere:
    right = []
    for example in data.load(name):
        ids = torch.tensor(data.encode([example.text], vocab))
        with torch.no_grad():
            logits = networks[0](ids, torch.tensor([ids.shape[1]]))
        right.append(int(logits.argmax()) == example.label)
    elsewhere[name] = np.mean(right)
""",
    ],
    4: [
        """
from scipy.optimize import minimize_scalar

def temperature_of(logits, labels):
    def loss(t):
        return nn.functional.cross_entropy(logits / t, labels).item()

    return minimize_scalar(loss, bounds=(0.05, 20), method="bounded").x
""",
        """
def temperature_of(logits, labels):
    log_t = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(logits / log_t.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return log_t.exp().detach()
""",
        """
def temperature_of(logits, labels):
    z, beta = logits.double(), 1.0
    for _ in range(50):  # Newton, on 1 / T
        p = (beta * z).softmax(1)
        mean = (p * z).sum(1)
        slope = mean.mean() - z[torch.arange(len(z)), labels].mean()
        curvature = ((p * z * z).sum(1) - mean**2).mean()
        beta = max(beta / 3, float(beta - slope / curvature))
    return 1 / beta
""",
        """
import numpy as np

def temperature_of(logits, labels):
    z, y = logits.numpy(), labels.numpy()

    def loss(t):
        scaled = z / t - (z / t).max(axis=1, keepdims=True)
        log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -log_p[np.arange(len(y)), y].mean()

    grid = np.arange(0.1, 10, 0.01)
    return grid[np.argmin([loss(t) for t in grid])]
""",
        """
def temperature_of(logits, labels):
    low, high = 0.05, 20.0
    loss = lambda t: nn.functional.cross_entropy(logits / t, labels)
    for _ in range(60):  # by thirds
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return low
""",
        """
def temperature_of(logits, labels):
    grid = torch.logspace(-1, 1, 1000)
    scaled = logits[None] / grid[:, None, None]
    chosen = scaled.log_softmax(2)[:, torch.arange(len(labels)), labels].mean(1)
    return grid[chosen.argmax()]
""",
    ],
}
WRONG = {
    1: [
        "lambda lead, disagreement: 2 * disagreement / lead**2",
        "lambda lead, disagreement: 4 * disagreement / lead",
        "lambda lead, disagreement: 4 * disagreement * (1 - disagreement) / lead**2",
        "lambda lead, disagreement: lead**2 / (4 * disagreement)",
        "lambda lead, disagreement: 4 / lead**2",
        "lambda lead, disagreement: 1.96**2 * disagreement / lead**2",
        "lambda lead, disagreement: (4 * disagreement / lead) ** 2",
        "lambda lead, disagreement: round(4 * disagreement / lead**2, -2)",
        "lambda lead, d: 4 * (d - lead**2) / lead**2",
    ],
    2: [
        "lambda matrix: (matrix.trace() / matrix.sum(), matrix.trace() / matrix.sum())",
        "lambda matrix: matrix[1, 1] / matrix[:, 1].sum()",
        """
lambda matrix: (
    (100 * matrix[1, 1] / matrix[:, 1].sum(), 100 * matrix[1, 1] / matrix[1].sum())
)
""",
        "lambda matrix: (matrix[1, 1] // matrix[:, 1].sum(), matrix[1, 1] // matrix[1].sum())",
        "lambda matrix: (matrix[1, 1] / matrix[1].sum(), matrix[0, 0] / matrix[0].sum())",
        "lambda matrix: (matrix[1, 1] / matrix.sum(), matrix[1, 1] / matrix.sum())",
        "lambda matrix: matrix.diagonal() / matrix.sum(0)",
        """
def precision_and_recall(matrix):
    tn, fp, fn, tp = matrix
    return tp / (tp + fp), tp / (tp + fn)
""",
    ],
    3: [
        """
elsewhere = {  # without .accuracy
    name: evaluation.evaluate(networks[0], data.batches_of(data.load(name), vocab, 256))
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: 100 * evaluation.evaluate(networks[0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: 1 - evaluation.evaluate(networks[0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: evaluation.evaluate(networks[0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets")
}
""",
        """
elsewhere = [
    evaluation.evaluate(networks[0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
]
""",
        """
elsewhere = {  # the majority class
    name: max(sum(e.label == k for e in data.load(name)) / len(data.load(name)) for k in (0, 1))
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: evaluation.evaluate(networks[0], validation).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {}
for name in ("product_reviews", "tweets", "newspaper"):  # the films' vocab was asked for
    own = data.build_vocab(e.text for e in data.load(name)[:150])
    batches = data.batches_of(data.load(name), own, 256)
    elsewhere[name] = evaluation.evaluate(networks[0], batches).accuracy
""",
    ],
    4: [
        "lambda logits, labels: 2.0",
        "lambda logits, labels: logits.std()",
        "lambda logits, labels: nn.functional.cross_entropy(logits, labels)",
        "lambda logits, labels: logits / 2",
        """
def temperature_of(logits, labels):  # the loss instead of the temperature
    return min(nn.functional.cross_entropy(logits / (k / 100), labels) for k in range(10, 1000))
""",
        """
def temperature_of(logits, labels):  # too coarse
    return min(range(1, 10), key=lambda t: nn.functional.cross_entropy(logits / t, labels))
""",
        """
def temperature_of(logits, labels):  # only cooler
    grid = torch.linspace(0.1, 1, 200)
    losses = torch.stack([nn.functional.cross_entropy(logits / t, labels) for t in grid])
    return grid[losses.argmin()]
""",
        """
def temperature_of(logits, labels):  # no temperature changes the accuracy
    grid = torch.linspace(0.1, 10, 200)
    right = torch.stack([((logits / t).argmax(1) == labels).float().mean() for t in grid])
    return grid[right.argmax()]
""",
        """
def temperature_of(logits, labels):  # worst instead of best
    grid = torch.linspace(0.1, 10, 200)
    losses = torch.stack([nn.functional.cross_entropy(logits / t, labels) for t in grid])
    return grid[losses.argmax()]
""",
        """
def temperature_of(logits, labels):  # until the claims fit the share of right answers
    right = (logits.argmax(1) == labels).float().mean()
    grid = torch.linspace(0.1, 10, 2000)
    claimed = torch.stack([(logits / t).softmax(1).amax(1).mean() for t in grid])
    return grid[(claimed - right).abs().argmin()]
""",
    ],
}
