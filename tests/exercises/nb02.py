"""Answers to the exercises of notebook 02."""

RIGHT = {
    1: [
        "lambda inputs, outputs: outputs * (inputs + 1)",
        "lambda inputs, outputs: sum(p.numel() for p in nn.Linear(inputs, outputs).parameters())",
        """
import numpy as np

def numbers_to_learn(inputs, outputs):
    return np.prod([inputs + 1, outputs])
""",
        "lambda inputs, outputs: torch.tensor((inputs, outputs)).prod() + outputs",
        "lambda inputs, outputs: inputs * outputs + 1.0 * outputs",
        """
def numbers_to_learn(inputs, outputs):
    total = 0
    for _ in range(outputs):
        total += inputs
        total += 1
    return total
""",
        "lambda i, o: torch.empty(o, i + 1).numel()",
        """
from fractions import Fraction
numbers_to_learn = lambda i, o: Fraction(i * o * o + o * o, o)
""",
    ],
    2: [
        "lambda X, W, b: 1 / (1 + torch.exp(-(X @ W.T + b)))",
        "lambda X, W, b: torch.sigmoid(torch.einsum('bi,oi->bo', X, W) + b)",
        "lambda X, W, b: nn.functional.linear(X, W, b).sigmoid()",
        "lambda X, W, b: torch.stack([torch.sigmoid(W @ x + b) for x in X])",
        "lambda X, W, b: [torch.sigmoid(W @ x + b) for x in X]",
        "lambda X, W, b: torch.addmm(b, X, W.mT).sigmoid_()",
        """
import numpy as np

def linear_layer(X, W, b):
    z = X.numpy() @ W.numpy().T + b.numpy()
    return 1 / (1 + np.exp(-z))
""",
        """
def linear_layer(X, W, b):
    X = X.double() @ W.double().t()
    X += b
    return X.sigmoid()
""",
        "lambda X, W, b: 0.5 * (1 + torch.tanh((X @ W.T + b) / 2))",
        """
import math

def linear_layer(X, W, b):
    answer = []
    for x in X.tolist():
        row = []
        for w, bias in zip(W.tolist(), b.tolist()):
            z = bias + sum(p * q for p, q in zip(w, x))
            row.append(1 / (1 + math.exp(-z)))
        answer.append(row)
    return answer
""",
    ],
    3: [
        "(0.6, -0.4, -0.85)",
        "[6, -4, -9]",
        "torch.tensor([1.0, -0.7, -1.6])",
        "import numpy as np\nmy_line = np.array([10, -7, -16])",
        "(torch.tensor(3), torch.tensor(-2.0), -4.5)",
        "map(float, '0.6 -0.4 -0.85'.split())",
        """
w = torch.tensor([0.6, -0.4])
b = -(X[label == 0] @ w).quantile(0.92).item()
my_line = (*w.tolist(), b)
""",
        """
from fractions import Fraction
my_line = (Fraction(3, 5), Fraction(-2, 5), Fraction(-17, 20))
""",
        "torch.tensor([0.6, -0.4, -0.85], requires_grad=True)",
    ],
    4: [
        "AND, OR = (1, 1, -1.5), (1, 1, -0.5)",
        "AND = [10, 10, -15]\nOR = [10, 10, -5]",
        "AND = torch.tensor([1.0, 1.0, -1.5])\nOR = torch.tensor([1.0, 1.0, -0.5])",
        "import numpy as np\nAND = np.array([2, 2, -3])\nOR = np.array([2, 2, -1])",
        "AND = (0.6, 0.6, -1)\nOR = (3, 5, -2)",
        "AND = (1.0, 1.0, -1.0)\nOR = (1.0, 1.0, torch.tensor(-0.1))",
        "AND, OR = torch.tensor([[1, 1, -1.5], [1, 1, -0.5]])",
        "AND, OR = ((1, 1, b) for b in (-1.5, -0.5))",
    ],
    5: [
        """
def through_points(xs, ys):  # two hidden numbers more than needed, that do nothing
    slope = torch.diff(ys) / torch.diff(xs)
    change = torch.cat([slope[:1], slope[1:] - slope[:-1], torch.zeros(2)])
    return torch.ones(len(change), 1), torch.cat([-xs[:-1], torch.zeros(2)]), change, ys[0]
""",
        """
import numpy as np

def through_points(xs, ys):
    xs, ys = xs.numpy(), ys.numpy()
    slopes = np.diff(ys) / np.diff(xs)
    return np.ones((len(slopes), 1)), -xs[:-1], np.diff(slopes, prepend=0), float(ys[0])
""",
        """
def through_points(xs, ys):
    weights, bias, before = [], [], 0.0
    for i in range(len(xs) - 1):
        slope = (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i])
        weights.append(slope.item() - before)
        bias.append(-xs[i].item())
        before = slope.item()
    return [[1.0]] * len(bias), bias, weights, ys[0].item()
""",
        """
def through_points(xs, ys):  # from the right to the left
    slopes = (ys.diff() / xs.diff()).flip(0)
    change = torch.cat([-slopes[:1], -slopes.diff()])
    return -torch.ones(len(change), 1), xs[1:].flip(0), change, ys[-1]
""",
        """
def through_points(xs, ys):  # solve a linear system for the outgoing weights
    hidden = torch.relu(xs[1:, None] - xs[None, :-1])
    w2 = torch.linalg.solve(hidden, ys[1:] - ys[0])
    return torch.full((len(w2), 1), 1), -xs[:-1], w2, ys[0]
""",
        """
def through_points(xs, ys):  # a unit too many: it begins at the last point
    s = torch.cat([torch.zeros(1), ys.diff() / xs.diff(), torch.zeros(1)])
    return torch.ones(len(xs), 1), -xs, s.diff(), ys[0]
""",
        """
def through_points(xs, ys):  # larger weights, smaller answers
    slopes = ys.diff() / xs.diff()
    change = torch.cat([slopes[:1], slopes.diff()])
    return 3 * torch.ones(len(change), 1), -3 * xs[:-1], change / 3, ys[0]
""",
    ],
}
WRONG = {
    1: [
        "lambda inputs, outputs: (inputs + 1) * (outputs + 1)",
        "lambda inputs, outputs: inputs + outputs",
        "lambda inputs, outputs: inputs * (outputs + 1) + 1",
        "lambda inputs, outputs: (inputs, outputs)",
        "lambda inputs, outputs: 2 * inputs * outputs",
        "lambda inputs, outputs: print(inputs * outputs + outputs)",
        "lambda inputs, outputs: f'{inputs * outputs + outputs}'",
        "lambda inputs, outputs: inputs * outputs + outputs + 1",
        "lambda size: size[0] * size[1] + size[1]",
        "lambda i, o: (i + o) * o",
        "lambda i, o: i * o + o * o",
    ],
    2: [
        "lambda X, W, b: torch.tanh(X @ W.T + b)",
        "lambda X, W, b: torch.sigmoid(W @ X + b)",
        "lambda X, W, b: torch.sigmoid(W @ X.T + b[:, None])",
        "lambda X, W, b: torch.sigmoid(X @ W.T - b)",
        "lambda X, W, b: torch.sigmoid(X * W + b)",
        "lambda X, W, b: torch.softmax(X @ W.T + b, 1)",
        "lambda X, W, b: torch.sigmoid((X @ W.T + b).sum(1))",
        "lambda X, W, b: torch.relu(X @ W.T + b)",
        "lambda X, W, b: torch.sigmoid(X[0] @ W.T + b)",
        "lambda X, W, b: 1 / (1 + torch.exp(X @ W.T + b))",
        "lambda X, W, b: X @ W.T.sigmoid() + b",
        "lambda X, W, b: torch.sigmoid(X @ W.reshape(W.shape[1], W.shape[0]) + b)",
        "lambda X, W, b: torch.sigmoid(X) @ W.T + b",
    ],
    3: [
        "(0, 0, 0)",
        "(1, 1, 0)",
        "(0.6, -0.4, -0.1)",
        "(0.6, -0.4)",
        "'0.6, -0.4, -0.8'",
        "(0.6, -0.4, 0.8)",
        "(0.6, -0.4, -3.0)",
        "0.1",
        "(torch.tensor([0.6, -0.4]), -0.8, 0)",
        "((0.6, -0.4), -0.8)",
        "(-0.6, 0.4, -0.8)",
        "(0.6, -0.4, None)",
        "(1, 0, -2.5)",
        "lambda x: 0.6 * x[0] - 0.4 * x[1] - 0.85",
    ],
    4: [
        "AND = (1, 1, -2)\nOR = (1, 1, -0.5)",
        "AND = (1, 1, -1.5)\nOR = (1, 1, 0.5)",
        "AND = (1, 1, -1.5)\nOR = ...",
        "AND = (1, 1, -1.5)\nOR = (1, 1)",
        "AND = lambda a, b: a and b\nOR = lambda a, b: a or b",
        "AND = 1.5\nOR = 0.5",
        "AND = 'a and b'\nOR = 'a or b'",
        "AND = (1, 1, -1.5)\nOR = ((1, 1), -0.5, 0)",
        "AND = (1, 1, 0)\nOR = (1, 1, 0)",
        "AND = (True, True, -1.5)\nOR = (True, True, -0.5)",
        """
AND = (-1, -1, 1.5)
OR = (1, 1, -0.5)
""",
        """
AND = (1, 1, -1.5)
OR = (0, 0, 1)
""",
    ],
    5: [
        """
def through_points(xs, ys):  # the slopes themselves, not their changes
    slopes = ys.diff() / xs.diff()
    return torch.ones(len(slopes), 1), -xs[:-1], slopes, ys[0]
""",
        """
def through_points(xs, ys):  # the sign of the bias
    slopes = ys.diff() / xs.diff()
    return torch.ones(len(slopes), 1), xs[:-1], torch.cat([slopes[:1], slopes.diff()]), ys[0]
""",
        """
def through_points(xs, ys):  # y0 forgotten
    slopes = ys.diff() / xs.diff()
    return torch.ones(len(slopes), 1), -xs[:-1], torch.cat([slopes[:1], slopes.diff()]), 0.0
""",
        """
def through_points(xs, ys):  # the transpose
    slopes = ys.diff() / xs.diff()
    return torch.ones(1, len(slopes)), -xs[:-1], torch.cat([slopes[:1], slopes.diff()]), ys[0]
""",
        """
def through_points(xs, ys):  # the fold alone
    return torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.ones(2), 0.0
""",
        """
def through_points(xs, ys):  # three parts
    slopes = ys.diff() / xs.diff()
    return torch.ones(len(slopes), 1), -xs[:-1], torch.cat([slopes[:1], slopes.diff()])
""",
        """
def through_points(xs, ys):  # jumps instead of bends: right at the points alone
    knots = xs.repeat_interleave(2) + torch.tensor([-1e-3, 0.0]).repeat(len(xs))
    rise = (ys - torch.cat([ys[:1], ys[:-1]])).repeat_interleave(2)
    sign = torch.tensor([1e3, -1e3]).repeat(len(xs))
    return torch.ones(len(knots), 1), -knots, rise * sign, ys[0]
""",
        """
def through_points(xs, ys):
    W1, b1, w2, b2 = ...
    return W1, b1, w2, b2
""",
        "lambda xs, ys: (xs, ys)",
        "([[1], [-1]], [0, 0], [1, 1], 0)",
        "torch.abs",
        """
def through_points(xs, ys):  # begins at the wrong points
    s = ys.diff() / xs.diff()
    return torch.ones(len(s), 1), -xs[1:], torch.cat([s[:1], s.diff()]), ys[0]
""",
        """
def through_points(xs, ys):  # steps of 1 taken for granted
    s = ys.diff()
    return torch.ones(len(s), 1), -xs[:-1], torch.cat([s[:1], s.diff()]), ys[0]
""",
    ],
}
