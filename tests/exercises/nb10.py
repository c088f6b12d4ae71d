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
        """
def exact_gradient(logits, rewards):
    p = logits.softmax(0)
    return p * ((rewards[:, None] - rewards[None, :]) @ p)
""",
        # central differences
        """
def exact_gradient(logits, rewards):
    h, slopes = 1e-5, []
    for e in h * torch.eye(len(logits)).double():
        up, down = (logits + e).softmax(0), (logits - e).softmax(0)
        slopes.append((up - down) @ rewards / (2 * h))
    return slopes
""",
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
    4: [
        """
import itertools, math

def expected_gradient(logits, rewards, tries):
    p, R = logits.softmax(0).tolist(), rewards.tolist()
    g = [0.0] * len(p)
    for way in itertools.product(range(len(p)), repeat=tries):
        weight = math.prod(p[a] for a in way)
        mean = sum(R[a] for a in way) / tries
        for a in way:
            for k in range(len(p)):
                g[k] += weight * (R[a] - mean) * ((a == k) - p[k]) / tries
    return g
""",
        "lambda z, R, k: z.softmax(0) * (R - z.softmax(0) @ R) * (k - 1) / k",
        """
def expected_gradient(logits, rewards, tries):
    z = logits.clone().requires_grad_()
    ways = torch.cartesian_prod(*[torch.arange(len(z))] * tries)
    log_p = z.log_softmax(0)[ways]  # (ways, tries)
    advantages = rewards[ways] - rewards[ways].mean(1, keepdim=True)
    chance = log_p.sum(1).exp().detach()
    (chance * (advantages * log_p).mean(1)).sum().backward()
    return z.grad
""",
        """
import numpy as np

def expected_gradient(logits, rewards, tries):
    p, R = logits.softmax(0).numpy(), rewards.numpy()
    ways = np.indices((len(p),) * tries).reshape(tries, -1)  # (tries, ways)
    advantages = R[ways] - R[ways].mean(0)
    scores = np.eye(len(p))[ways] - p  # (tries, ways, actions)
    return np.einsum("w,kw,kwa->a", p[ways].prod(0), advantages, scores) / tries
""",
        # a row's advantages sum to zero, so that the - p makes no difference
        """
from itertools import product

def expected_gradient(logits, rewards, tries):
    p, total = logits.softmax(0), torch.zeros_like(logits)
    for way in map(torch.tensor, product(range(len(logits)), repeat=tries)):
        advantages = rewards[way] - rewards[way].mean()
        total += p[way].prod() * (advantages[:, None] * torch.eye(len(p))[way]).mean(0)
    return total
""",
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
        # leave one out
        """
def grpo_advantages(rewards):
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return (rewards - others) / (rewards.std(1, keepdim=True, correction=0) + 1e-6)
""",
    ],
    2: [
        "lambda z, R: torch.autograd.functional.jacobian(lambda v: v.softmax(0), z).T @ R",
        """
def exact_gradient(logits, rewards):
    z = logits.detach().requires_grad_()
    (z.softmax(0) @ rewards).backward()
    return z.grad
""",
        "lambda z, R: torch.func.grad(lambda v: v.softmax(0) @ R)(z)",
        """
def exact_gradient(logits, rewards):
    with torch.inference_mode(False), torch.enable_grad():
        z = logits.clone().requires_grad_()
        return torch.autograd.grad(z.softmax(0) @ rewards, z)[0]
""",
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
        "lambda r, p, q, b: max(0.0, r - b * (p - q).sum().item())",
        "lambda r, p, q, b: r - b * ((q - p).exp() - (q - p) - 1).sum().item()",
    ],
    4: [
        "lambda z, R, k: z.softmax(0) * (R - z.softmax(0) @ R)",
        "lambda z, R, k: -z.softmax(0) * (R - z.softmax(0) @ R) * (k - 1) / k",
        "lambda z, R, k: z.softmax(0) * (R - R.mean()) * (k - 1) / k",
        "lambda z, R, k: z.softmax(0) * (R - z.softmax(0) @ R) * 7 / 8",
        "lambda z, R, k: z.softmax(0) * R",
        "lambda z, R, k: z.softmax(0) * (R - z.softmax(0) @ R) / k",
        # leave one out
        """
def expected_gradient(logits, rewards, tries):
    p = logits.softmax(0)
    total = torch.zeros_like(p)
    for way in torch.cartesian_prod(*[torch.arange(len(p))] * tries):
        R = rewards[way]
        advantages = R - (R.sum() - R) / (tries - 1)
        scores = torch.nn.functional.one_hot(way, len(p)) - p
        total += p[way].prod() * (advantages[:, None] * scores).mean(0)
    return total
""",
        # each set of draws once, though it can come out in several orders
        """
def expected_gradient(logits, rewards, tries):
    p = logits.softmax(0)
    total = torch.zeros_like(p)
    for way in torch.combinations(torch.arange(len(p)), tries, with_replacement=True):
        advantages = rewards[way] - rewards[way].mean()
        scores = torch.nn.functional.one_hot(way, len(p)) - p
        total += p[way].prod() * (advantages[:, None] * scores).mean(0)
    return total
""",
        # drawn, not gone through
        """
def expected_gradient(logits, rewards, tries):
    p = logits.softmax(0)
    way = torch.multinomial(p.expand(1000, -1), tries, replacement=True)
    advantages = rewards[way] - rewards[way].mean(1, keepdim=True)
    scores = torch.nn.functional.one_hot(way, len(p)) - p
    return (advantages[..., None] * scores).mean((0, 1))
""",
        # no probabilities
        """
def expected_gradient(logits, rewards, tries):
    p = logits.softmax(0)
    way = torch.cartesian_prod(*[torch.arange(len(p))] * tries)
    advantages = rewards[way] - rewards[way].mean(1, keepdim=True)
    scores = torch.nn.functional.one_hot(way, len(p)) - p
    return (advantages[..., None] * scores).mean((0, 1))
""",
    ],
}
