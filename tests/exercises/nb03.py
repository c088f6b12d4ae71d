"""Answers to the exercises of notebook 03."""

RIGHT = {
    1: [
        "lambda s, s_bar: s_bar * s * (1 - s)",
        "lambda s, s_bar: s_bar * (s - s**2)",
        "lambda s, s_bar: s_bar.mul(s).mul(1 - s)",
        """
def sigmoid_backward(s, s_bar):
    s_bar *= s
    s_bar *= 1 - s
    return s_bar
""",
        """
def sigmoid_backward(s, s_bar):
    a = torch.log(s / (1 - s)).requires_grad_()
    a.sigmoid().backward(s_bar)
    return a.grad
""",
        """
import numpy as np

def sigmoid_backward(s, s_bar):
    s, s_bar = np.array(s), np.array(s_bar)
    return s_bar * s * (1 - s)
""",
        """
def sigmoid_backward(s, s_bar):
    flat = [b * a * (1 - a) for a, b in zip(s.flatten(), s_bar.flatten())]
    return torch.stack(flat).view_as(s)
""",
    ],
    2: [
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, Z_bar.sum(0))",
        "lambda X, W, Z_bar: [Z_bar @ W, (X.T @ Z_bar).T, torch.ones(len(X)).double() @ Z_bar]",
        """
def linear_backward(X, W, Z_bar):
    X_bar = torch.einsum("bo,oi->bi", Z_bar, W)
    W_bar = torch.einsum("bo,bi->oi", Z_bar, X)
    return X_bar, W_bar, torch.einsum("bo->o", Z_bar)
""",
        """
def linear_backward(X, W, Z_bar):
    W_bar = torch.zeros_like(W)
    for x, z_bar in zip(X, Z_bar):
        W_bar += torch.outer(z_bar, x)
    yield Z_bar @ W
    yield W_bar
    yield sum(Z_bar)
""",
        """
import numpy as np

def linear_backward(X, W, Z_bar):
    X, W, Z_bar = X.numpy(), W.numpy(), Z_bar.numpy()
    return Z_bar @ W, Z_bar.T @ X, Z_bar.sum(axis=0)
""",
        """
from typing import NamedTuple

class Gradients(NamedTuple):
    X: Tensor
    W: Tensor
    b: Tensor

def linear_backward(X, W, Z_bar):
    return Gradients(Z_bar @ W, Z_bar.mT @ X, Z_bar.sum(dim=0))
""",
    ],
    3: [
        "lambda x, y_bar: y_bar * (2 - x.tanh() ** 2)",
        "lambda x, y_bar: y_bar + y_bar / x.cosh() ** 2",
        "lambda x, y_bar: y_bar.add(y_bar * (1 - torch.tanh(x).square()))",
        """
def skip_backward(x, y_bar):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(x + x.tanh(), x, y_bar)[0]
""",
        """
import numpy as np

def skip_backward(x, y_bar):
    return np.array(y_bar) * (1 + 1 - np.tanh(np.array(x)) ** 2)
""",
        """
def skip_backward(x, y_bar):
    x.tanh_().square_()
    return (2 - x).mul_(y_bar)
""",
    ],
    4: [
        """
def layernorm_backward(x, gamma, y_bar):
    D = x.shape[1]
    sigma = (((x - x.mean(1, keepdim=True)) ** 2).mean(1, keepdim=True) + 1e-5).sqrt()
    n = (x - x.mean(1, keepdim=True)) / sigma
    n_bar = y_bar * gamma
    x_bar = (D * n_bar - n_bar.sum(1, keepdim=True) - n * (n_bar * n).sum(1, keepdim=True)) / (
        D * sigma
    )
    return x_bar, (y_bar * n).sum(0), y_bar.sum(0)
""",
        """
def layernorm_backward(x, gamma, y_bar):
    leaves = [x.clone(), gamma.clone(), torch.zeros_like(gamma)]
    for leaf in leaves:
        leaf.requires_grad_()
    y = nn.functional.layer_norm(leaves[0], gamma.shape, leaves[1], leaves[2], 1e-5)
    return torch.autograd.grad(y, leaves, y_bar)
""",
        """
def layernorm_backward(x, gamma, y_bar):
    sigma = torch.sqrt(torch.var(x, dim=1, unbiased=False) + 1e-5)[:, None]
    n = (x - x.mean(1)[:, None]) / sigma
    n_bar = y_bar * gamma
    rows = []
    for i in range(len(x)):
        inner = n_bar[i] - n_bar[i].mean() - n[i] * torch.dot(n_bar[i], n[i]) / len(gamma)
        rows.append(inner / sigma[i])
    return [torch.stack(rows), torch.einsum("bd,bd->d", y_bar, n), y_bar.sum(dim=0)]
""",
        """
import numpy as np

def layernorm_backward(x, gamma, y_bar):
    x, gamma, y_bar = (t.numpy() for t in (x, gamma, y_bar))
    centered = x - x.mean(1, keepdims=True)
    sigma = np.sqrt((centered**2).mean(1, keepdims=True) + 1e-5)
    n, n_bar = centered / sigma, y_bar * gamma
    x_bar = n_bar - n_bar.mean(1, keepdims=True) - n * (n_bar * n).mean(1, keepdims=True)
    return x_bar / sigma, (y_bar * n).sum(0), y_bar.sum(0)
""",
    ],
}
WRONG = {
    1: [
        "lambda s, s_bar: s_bar * s",
        "lambda s, s_bar: s_bar * (1 - s)",
        "lambda s, s_bar: -s_bar * s * (1 - s)",
        "lambda s, s_bar: s_bar * s * (s - 1)",
        "lambda s, s_bar: (s_bar * s * (1 - s)).sum()",
        "lambda s, s_bar: s_bar + s * (1 - s)",
        "lambda s, s_bar: s_bar @ (s * (1 - s))",
        "lambda s, s_bar: s_bar * s * (1 - s) / len(s)",
        "lambda s: s * (1 - s)",
        "lambda s, s_bar: s_bar / (s * (1 - s))",
        "lambda s, s_bar: s_bar * s * 1 - s",
    ],
    2: [
        "lambda X, W, Z_bar: (Z_bar @ W.T, Z_bar.T @ X, Z_bar.sum(0))",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, Z_bar.sum(1))",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X)",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, Z_bar.sum())",
        "lambda X, W, Z_bar: (Z_bar.T @ X, Z_bar @ W, Z_bar.sum(0))",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, Z_bar.sum(0, keepdim=True))",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X / len(X), Z_bar.sum(0))",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, ...)",
        "lambda X, W, Z_bar: {'X': Z_bar @ W, 'W': Z_bar.T @ X, 'b': Z_bar.sum(0)}",
        "lambda X, W, Z_bar: (W, X, torch.ones(len(W)))",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, torch.ones(len(W)).double())",
        "lambda X, W, Z_bar: (Z_bar @ W, Z_bar.T @ X, None)",
    ],
    3: [
        "lambda x, y_bar: y_bar * (1 + x.tanh() ** 2)",
        "lambda x, y_bar: y_bar + 1 - x.tanh() ** 2",
        "lambda x, y_bar: y_bar * (x + x.tanh())",
        "lambda x, y_bar: y_bar * (1 + x.tanh())",
        "lambda x, y_bar: 2 - x.tanh() ** 2",
        "lambda x, y_bar: y_bar - y_bar * (1 - x.tanh() ** 2)",
        "lambda x, y_bar: y_bar * (2 - x.tanh())",
        "lambda x, y_bar: y_bar * x * (1 - x.tanh() ** 2)",
        "lambda x, y_bar: (y_bar, y_bar * (1 - x.tanh() ** 2))",
        "lambda x, y_bar: (y_bar * (2 - x.tanh() ** 2)).mean(0)",
    ],
    4: [
        """
def layernorm_backward(x, gamma, y_bar):
    sigma = (x.var(1, keepdim=True) + 1e-5).sqrt()
    n = (x - x.mean(1, keepdim=True)) / sigma
    n_bar = y_bar * gamma
    x_bar = n_bar - n_bar.mean(1, keepdim=True) - n * (n_bar * n).mean(1, keepdim=True)
    return x_bar / sigma, (y_bar * n).sum(0), y_bar.sum(0)
""",
        """
def layernorm_backward(x, gamma, y_bar):
    sigma = (x.var(0, keepdim=True, correction=0) + 1e-5).sqrt()
    n = (x - x.mean(0, keepdim=True)) / sigma
    n_bar = y_bar * gamma
    x_bar = n_bar - n_bar.mean(0, keepdim=True) - n * (n_bar * n).mean(0, keepdim=True)
    return x_bar / sigma, (y_bar * n).sum(0), y_bar.sum(0)
""",
        """
def layernorm_backward(x, gamma, y_bar):
    sigma = (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
    n = (x - x.mean(1, keepdim=True)) / sigma
    n_bar = y_bar
    x_bar = n_bar - n_bar.mean(1, keepdim=True) - n * (n_bar * n).mean(1, keepdim=True)
    return x_bar / sigma, (y_bar * n).sum(0), y_bar.sum(0)
""",
        """
def layernorm_backward(x, gamma, y_bar):
    sigma = (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
    n = (x - x.mean(1, keepdim=True)) / sigma
    n_bar = y_bar * gamma
    x_bar = n_bar - n_bar.mean(1, keepdim=True) - n * (n_bar * n).mean(1, keepdim=True)
    return x_bar / sigma, (y_bar * n).sum(1), y_bar.sum(1)
""",
        """
def layernorm_backward(x, gamma, y_bar):
    sigma = (x.var(1, correction=0) + 1e-5).sqrt()
    n = (x - x.mean(1)) / sigma
    return y_bar * gamma / sigma, (y_bar * n).sum(0), y_bar.sum(0)
""",
        "lambda x, gamma, y_bar: (y_bar * gamma, y_bar.sum(0), y_bar.sum(0))",
        "lambda x, gamma, y_bar: y_bar * gamma",
    ],
}
