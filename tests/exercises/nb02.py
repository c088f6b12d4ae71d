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
    ],
    3: [
        "(1.0, -0.8, -0.1)",
        "[2, -1.6, -0.2]",
        "torch.tensor([1.0, -0.8, -0.1])",
        "import numpy as np\nmy_line = np.array([10, -8, -1])",
        "(np.float64(5), torch.tensor(-4.0), -0.5)".replace("np.float64(5)", "torch.tensor(5)"),
        "map(float, '1 -0.8 -0.1'.split())",
    ],
    4: [
        "AND, OR = (1, 1, -1.5), (1, 1, -0.5)",
        "AND = [10, 10, -15]\nOR = [10, 10, -5]",
        "AND = torch.tensor([1.0, 1.0, -1.5])\nOR = torch.tensor([1.0, 1.0, -0.5])",
        "import numpy as np\nAND = np.array([2, 2, -3])\nOR = np.array([2, 2, -1])",
        "AND = (0.6, 0.6, -1)\nOR = (3, 5, -2)",
        "AND = (1.0, 1.0, -1.0)\nOR = (1.0, 1.0, torch.tensor(-0.1))",
    ],
    5: [
        """
fold = (
    torch.tensor([[1.0], [-1.0]]),
    torch.zeros(2),
    torch.ones(2),
    torch.tensor(0.0),
)
""",
        "([[1], [-1]], [0, 0], [1, 1], 0)",
        "(torch.tensor([[-1.0], [1.0]]), torch.zeros(2), torch.tensor([1.0, 1.0]), 0.0)",
        "[torch.tensor([[2.0], [-0.5]]), torch.zeros(2), torch.tensor([0.5, 2.0]), 0]",
        """
import numpy as np

fold = (np.array([[1.0], [-1.0]]), np.zeros(2), np.ones(2), np.float64(0))
""",
        "(torch.tensor([[-1], [2]]), torch.zeros(2), torch.tensor([1, 0.5]), torch.tensor(0))",
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
    ],
    3: [
        "(0, 0, 0)",
        "(1, 1, 0)",
        "(1.0, -0.8)",
        "'1, -0.8, -0.1'",
        "(1.2, -0.8, -0.2)",
        "0.74",
        "(torch.tensor([1.0, -0.8]), -0.1, 0)",
        "((1, -0.8), -0.1)",
        "(-1.0, 1.0, 0.0)",
        "(1.0, -0.8, None)",
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
    ],
    5: [
        "(torch.tensor([[1.0, -1.0]]), torch.zeros(2), torch.ones(2), torch.tensor(0.0))",
        "(torch.tensor([[1.0], [-1.0]]), torch.ones(2), torch.ones(2), torch.tensor(0.0))",
        "(torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.ones(2), torch.tensor(1.0))",
        "(torch.tensor([1.0, -1.0]), torch.zeros(2), torch.ones(2), torch.tensor(0.0))",
        "(torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.ones(2))",
        "(torch.tensor([[1.0], [-1.0]]), torch.tensor(0.0), torch.ones(2), torch.tensor(0.0))",
        "(torch.tensor([[1.0], [-1.0], [0.0]]), torch.zeros(3), torch.ones(3), torch.tensor(0.0))",
        "(torch.tensor([[1.0], [-1.0]]), torch.zeros(2), -torch.ones(2), torch.tensor(0.0))",
        "(torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.ones(2), ...)",
        "lambda x: abs(x)",
        "torch.abs",
    ],
}
