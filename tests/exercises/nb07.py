"""Answers to the exercises of notebook 07."""

INSTEAD = {
    "runs": """
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


runs = [(WordCounts().eval(), None)]
""",
}
RIGHT = {
    1: [
        "0.16 / 0.000025",
        "(0.4 / 0.005) ** 2",
        "80**2",
        "import numpy as np\nsentences_needed = np.int64(np.round(0.8 * 0.2 / 0.005**2))",
        "torch.tensor(0.16, dtype=torch.float64) / 0.005**2",
        """
from fractions import Fraction

sentences_needed = Fraction("0.16") / Fraction("0.005") ** 2
""",
        """
sentences_needed = 100
while evaluation.standard_error(0.8, sentences_needed) > 0.005 + 1e-12:
    sentences_needed += 100
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
    elsewhere[name] = evaluation.evaluate(runs[0][0], batches).accuracy
""",
        """
model = runs[0][0]
names = "product_reviews", "tweets", "newspaper"
parts = [data.batches_of(data.load(name), vocab, 1000) for name in names]
accuracies = [round(evaluation.evaluate(model, part).accuracy, 3) for part in parts]
elsewhere = dict(zip(names, accuracies))
""",
        """
def share_right(name):
    logits, labels = predict(runs[0][0], data.batches_of(data.load(name), vocab, 256))
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
            logits = runs[0][0](ids, torch.tensor([ids.shape[1]]))
        right.append(int(logits.argmax()) == example.label)
    elsewhere[name] = np.mean(right)
""",
    ],
    4: [
        """
def mcnemar(first_right, second_right):
    b = c = 0
    for first, second in zip(first_right.tolist(), second_right.tolist()):
        if first and not second:
            b += 1
        elif second and not first:
            c += 1
    if b + c == 0:
        return 0.0
    return (b - c) / (b + c) ** 0.5
""",
        """
import numpy as np

def mcnemar(first_right, second_right):
    gap = first_right.numpy().astype(int) - second_right.numpy().astype(int)
    return gap.sum() / np.sqrt(max(1, np.abs(gap).sum()))
""",
        """
def mcnemar(first_right, second_right):
    differ = (first_right != second_right).sum()
    z = (first_right.sum() - second_right.sum()) / differ.sqrt()
    return torch.nan_to_num(z)
""",
        """
def mcnemar(first_right, second_right):
    gap = first_right.float().sub_(second_right.float())
    return (gap.sum() / gap.norm()).item() if gap.any() else 0
""",
        """
from collections import Counter

def mcnemar(first_right, second_right):
    count = Counter(zip(first_right.tolist(), second_right.tolist()))
    b, c = count[True, False], count[False, True]
    return (b - c) * (b + c) ** -0.5 if b or c else 0.0
""",
    ],
}
WRONG = {
    1: [
        "0.8 / 0.005**2",
        "(0.8 / 0.005) ** 2",
        "1 / 0.005**2",
        "6401",
        "160",
        "64",
        "'6400'",
        "(0.8 * 0.2) ** 0.5 / 0.005",
        "6400 * 100",
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
    name: evaluation.evaluate(runs[0][0], data.batches_of(data.load(name), vocab, 256))
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: 100 * evaluation.evaluate(runs[0][0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: 1 - evaluation.evaluate(runs[0][0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {
    name: evaluation.evaluate(runs[0][0], data.batches_of(data.load(name), vocab)).accuracy
    for name in ("product_reviews", "tweets")
}
""",
        """
elsewhere = [
    evaluation.evaluate(runs[0][0], data.batches_of(data.load(name), vocab)).accuracy
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
    name: evaluation.evaluate(runs[0][0], validation).accuracy
    for name in ("product_reviews", "tweets", "newspaper")
}
""",
        """
elsewhere = {}
for name in ("product_reviews", "tweets", "newspaper"):  # the films' vocab was asked for
    own = data.build_vocab(e.text for e in data.load(name)[:150])
    batches = data.batches_of(data.load(name), own, 256)
    elsewhere[name] = evaluation.evaluate(runs[0][0], batches).accuracy
""",
    ],
    4: [
        "lambda a, b: abs(int(a.sum()) - int(b.sum())) / max(1, int((a != b).sum())) ** 0.5",
        "lambda a, b: (int(a.sum()) - int(b.sum())) / int((a != b).sum()) ** 0.5",
        "lambda a, b: (a.sum() - b.sum()) / (a != b).sum().sqrt()",
        "lambda a, b: (int(a.sum()) - int(b.sum())) / len(a) ** 0.5",
        "lambda a, b: (int(a.sum()) - int(b.sum())) ** 2 / max(1, int((a != b).sum()))",
        "lambda a, b: (a.float().mean() - b.float().mean()).item()",
        "lambda a, b: a.sum() - b.sum()",
        "lambda a, b: (a.sum() - b.sum()) / max(1, int((a | b).sum())) ** 0.5",
        "lambda a, b: (a - b).sum()",
    ],
}
