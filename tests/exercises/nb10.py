"""Answers to the exercises of notebook 10."""

RIGHT = {
    1: [
        """
def grpo_advantages(rewards):
    spread, mean = torch.std_mean(rewards, dim=1, correction=0, keepdim=True)
    return (rewards - mean) / (spread + 1e-6)
""",
        """
def grpo_advantages(rewards):
    rows = []
    for row in rewards.tolist():
        mean = sum(row) / len(row)
        std = (sum((r - mean) ** 2 for r in row) / len(row)) ** 0.5
        rows.append([(r - mean) / (std + 1e-6) for r in row])
    return rows
""",
        """
import numpy as np

def grpo_advantages(rewards):
    r = rewards.numpy()
    return (r - r.mean(1, keepdims=True)) / (r.std(1, keepdims=True) + 1e-6)
""",
        "lambda r: ((r.T - r.mean(1)) / (r.std(1, unbiased=False) + 1e-6)).T",
        """
def grpo_advantages(rewards):
    rewards -= rewards.mean(-1)[:, None]
    rewards /= rewards.square().mean(-1).sqrt()[:, None] + 1e-6
    return rewards
""",
        "lambda r: torch.stack([(x - x.mean()) / (x.std(correction=0) + 1e-6) for x in r])",
    ],
    2: [
        """
def exact_gradient(logits, rewards):
    p = logits.softmax(0)
    return (torch.diag(p) - torch.outer(p, p)) @ rewards
""",
        """
def exact_gradient(logits, rewards):
    p = torch.exp(logits) / torch.exp(logits).sum()
    J = torch.dot(p, rewards)
    return p * rewards - p * J
""",
        """
def exact_gradient(logits, rewards):
    p, R = logits.softmax(0).tolist(), rewards.tolist()
    gradient = []
    for k in range(len(p)):
        gradient.append(sum(p[a] * R[a] * ((a == k) - p[k]) for a in range(len(p))))
    return gradient
""",
        """
import numpy as np

def exact_gradient(logits, rewards):
    z, R = np.array(logits.tolist()), np.array(rewards.tolist())
    p = np.exp(z - z.max())
    p /= p.sum()
    return p * (R - p @ R)
""",
        "lambda z, R: torch.autograd.functional.jacobian(lambda v: v.softmax(0), z).T @ R",
    ],
    3: [
        """
def leashed(reward, log_p, log_p_start, beta):
    for new, old in zip(log_p, log_p_start):
        reward -= beta * (new - old).item()
    return reward
""",
        "lambda r, p, q, b: r - b * torch.sum(p - q)",
        "lambda r, p, q, b: r + b * (q.sum() - p.sum()).item()",
        "lambda r, p, q, b: r - b * (p.exp() / q.exp()).log().sum().item()",
        """
import numpy as np

def leashed(reward, log_p, log_p_start, beta):
    return np.float64(reward) - beta * np.subtract(log_p.numpy(), log_p_start.numpy()).sum()
""",
        """
def leashed(reward, log_p, log_p_start, beta):
    log_p -= log_p_start
    log_p *= beta
    return float(reward - log_p.double().sum())
""",
        "lambda r, p, q, b: r - torch.dot(torch.full_like(p, b), p - q)",
    ],
}
WRONG = {
    1: [
        "lambda r: (r - r.mean(0)) / (r.std(0, correction=0) + 1e-6)",
        "lambda r: (r - r.mean(1, keepdim=True)) / r.std(1, keepdim=True, correction=0)",
        "lambda r: (r - r.mean(1, keepdim=True)) / (r.var(1, keepdim=True, correction=0) + 1e-6)",
        "lambda r: r / (r.std(1, keepdim=True, correction=0) + 1e-6)",
        "lambda r: (r.mean(1, keepdim=True) - r) / (r.std(1, keepdim=True, correction=0) + 1e-6)",
        "lambda r: (r - r.mean(1, keepdim=True)) * (r.std(1, keepdim=True, correction=0) + 1e-6)",
        "lambda r: r - r.mean(1, keepdim=True) / (r.std(1, keepdim=True, correction=0) + 1e-6)",
        "lambda r: (r - r.mean(1, keepdim=True)) / 0.1",
        "lambda r: (r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True, correction=0) + 1e-1)",
        "lambda r: (r - r.mean(1)) / (r.std(1, correction=0) + 1e-6)",
        "lambda r: ((r.T - r.mean(1)) / (r.std(1, correction=0) + 1e-6))",
    ],
    2: [
        "lambda z, R: z.softmax(0) * (1 - z.softmax(0)) * R",
        "lambda z, R: z.softmax(0) * R - z.softmax(0) * R.sum()",
        "lambda z, R: (z.softmax(0) * R).sum()",
        "lambda z, R: (1 - z.softmax(0)) * R",
        "lambda z, R: z * (R - (z * R).sum())",
        "lambda z, R: z.softmax(0) * (R + (z.softmax(0) * R).sum())",
        "lambda z, R: (torch.diag(z.softmax(0)) - z.softmax(0).outer(z.softmax(0))) * R",
        "lambda z, R: z.softmax(0) * (1 - (z.softmax(0) * R).sum())",
        "lambda z, R: z.log_softmax(0) * (R - (z.softmax(0) * R).sum())",
        "lambda z, R: z.sigmoid() * (R - (z.sigmoid() * R).sum())",
    ],
    3: [
        "lambda r, p, q, b: r - (p - q).sum().item()",
        "lambda r, p, q, b: r - b * (p - q)",
        "lambda r, p, q, b: r - b * (p - q)[-1].item()",
        "lambda r, p, q, b: r - b * (p - q).abs().sum().item()",
        "lambda r, p, q, b: r - b * (p.exp() * (p - q)).sum().item()",
        "lambda r, p, q, b: r - b * (p - q).exp().sum().item()",
        "lambda r, p, q, b: r * (1 - b * (p - q).sum().item())",
        "lambda r, p, q, b: -b * (p - q).sum().item()",
        "lambda r, p, q, b: r - b * (p.log() - q.log()).sum().item()",
        "lambda r, p, q, b: r - b * (p - q).square().sum().item()",
    ],
}
