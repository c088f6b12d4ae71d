"""Answers to the exercises of notebook 08."""

RIGHT = {
    1: [
        "lambda high, low, times: 1 / (math.log(times) / (high - low))",
        """
import numpy as np

def temperature_for(high, low, times):
    return np.subtract(high, low) / np.log(times)
""",
        """
def temperature_for(high, low, times):
    z = torch.tensor([high, low], dtype=torch.float64)
    return (z[0] - z[1]) / torch.tensor(times).double().log()
""",
        "lambda z1, z2, k: math.log(math.exp(z1 - z2), k)",
        """
def temperature_for(high, low, times):
    cold, hot = 1e-3, 1e3
    for _ in range(100):
        middle = (cold + hot) / 2
        if (high - low) / middle > math.log(times):
            cold = middle
        else:
            hot = middle
    return middle
""",
    ],
    2: [
        "lambda z, share: z.where(z >= z.max() + math.log(share), -torch.inf)",
        """
def min_p(logits, share):
    p = nn.functional.softmax(logits, dim=-1)
    logits[p < share * p.amax()] = float("-inf")
    return logits
""",
        """
def min_p(logits, share):
    exps = [math.exp(z) for z in logits.tolist()]
    limit = share * max(exps)
    return [z if e >= limit else -math.inf for z, e in zip(logits.tolist(), exps)]
""",
        """
import numpy as np

def min_p(logits, share):
    z = logits.numpy()
    ratio = np.exp(z - z.max())
    return np.where(ratio < share, -np.inf, z)
""",
        """
def min_p(logits, share):
    new = torch.full_like(logits, -torch.inf)
    p = logits.double().exp() / logits.double().exp().sum()
    kept = (p / p.max() >= share).nonzero().flatten()
    new[kept] = logits[kept]
    return new
""",
    ],
    3: [
        """
def penalize(logits, written, penalty):
    new = logits + 0
    for token in {*written[-5:]}:
        new[token] = new[token] - penalty
    return new
""",
        "lambda z, w, p: [x - p if i in w[-5:] else x for i, x in enumerate(z.tolist())]",
        """
def penalize(logits, written, penalty):
    recent = torch.tensor(written[-5:]).unique()
    return logits.index_add(0, recent, torch.full((len(recent),), -penalty))
""",
        """
def penalize(logits, written, penalty):
    lowered = torch.zeros_like(logits, dtype=torch.bool)
    lowered[written[-5:]] = True
    return torch.where(lowered, logits - penalty, logits)
""",
        """
import numpy as np

def penalize(logits, written, penalty):
    z = np.array(logits.tolist())
    z[np.unique(written[-5:])] -= penalty
    return z
""",
        """
def penalize(logits, written, penalty):
    there = nn.functional.one_hot(torch.tensor(written[-5:]), len(logits)).amax(0)
    return logits - penalty * there
""",
        """
def penalize(logits, written, penalty):
    new, done = logits.detach().clone(), []
    for token in reversed(written):
        if len(done) < 5:
            if token not in done:
                new[token] -= penalty
            done.append(token)
    return new
""",
    ],
    4: [
        """
import numpy as np

def mixture_weights(losses):
    p = np.exp(-losses.numpy().astype(float))
    w = np.ones(len(p)) / len(p)
    for _ in range(500):
        w = (w[:, None] * p / (w @ p)).mean(axis=1)
    return w
""",
        """
def mixture_weights(losses):
    free = torch.zeros(len(losses), requires_grad=True)
    optimizer = torch.optim.LBFGS([free], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = -(free.log_softmax(0)[:, None] - losses).logsumexp(0).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return free.detach().softmax(0)
""",
        """
def mixture_weights(losses):
    log_weights = torch.full((len(losses), 1), -math.log(len(losses)))
    for _ in range(500):
        log_weights = (log_weights - losses).softmax(0).mean(1, keepdim=True).log()
    return log_weights.exp().flatten().tolist()
""",
        """
def mixture_weights(losses):
    p = [[math.exp(-x) for x in token] for token in losses.T.tolist()]
    weights = [1 / len(losses)] * len(losses)
    change = 1
    while change > 1e-5:
        totals = [0.0] * len(weights)
        for token in p:
            whole = sum(w * x for w, x in zip(weights, token))
            for k, (w, x) in enumerate(zip(weights, token)):
                totals[k] += w * x / whole
        new = [total / len(p) for total in totals]
        change = max(abs(a - b) for a, b in zip(new, weights))
        weights = new
    return tuple(weights)
""",
        """
def mixture_weights(losses):
    p = (-losses).exp()
    free = torch.zeros(len(p), requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        (-(free.softmax(0) @ p).log().mean()).backward()
        optimizer.step()
    return free.softmax(0).detach()
""",
        """
from scipy.optimize import minimize

def mixture_weights(losses):
    p = (-losses.double()).exp().numpy()
    whole = {"type": "eq", "fun": lambda w: w.sum() - 1}
    start, limits = [1 / len(p)] * len(p), [(1e-9, 1)] * len(p)
    loss = lambda w: -torch.tensor(w @ p).log().mean().item()
    return minimize(loss, start, bounds=limits, constraints=whole, tol=1e-10).x
""",
    ],
}
WRONG = {
    1: [
        "lambda high, low, times: (low - high) / math.log(times)",
        "lambda high, low, times: (high - low) / math.log10(times)",
        "lambda high, low, times: (high - low) / math.log2(times)",
        "lambda high, low, times: (high - low) * math.log(times)",
        "lambda high, low, times: (high - low) / math.exp(times)",
        "lambda high, low, times: high / math.log(times)",
        "lambda high, low, times: math.exp((high - low) / times)",
        "lambda high, low, times: math.log(high - low) / math.log(times)",
        "lambda high, low, times: 1.0",
    ],
    2: [
        "lambda z, share: z * (z.softmax(0) >= share * z.softmax(0).max())",
        "lambda z, share: z.masked_fill(z.softmax(0) > share * z.softmax(0).max(), -torch.inf)",
        "lambda z, share: z[z.softmax(0) >= share * z.softmax(0).max()]",
        "lambda z, share: z.masked_fill(z.softmax(0) < share * z.softmax(0).max(), -100.0)",
        "lambda z, share: z.masked_fill(z.softmax(0) < share * z.softmax(0).mean(), -torch.inf)",
        "lambda z, share: z.masked_fill(z.softmax(0) < share * z.max(), -torch.inf)",
        "lambda z, share: z.masked_fill(z.softmax(0) < z.softmax(0).max(), -torch.inf)",
        "lambda z, share: z.softmax(0) < share * z.softmax(0).max()",
        "lambda z, share: z.masked_fill_(z < z.max() * math.log(share), -torch.inf)",
        """
lambda z, share: (
    z.masked_fill(z.log_softmax(0) < share * z.log_softmax(0).max(), -torch.inf)
)
""",
        "lambda z, share: z.masked_fill(z.softmax(0) < share, 0)",
        "lambda z, s: z.log_softmax(0).where(z.softmax(0) >= s * z.softmax(0).max(), -torch.inf)",
    ],
    3: [
        "lambda z, w, p: z - p",
        "lambda z, w, p: z.index_fill(0, torch.tensor(w[-5:]), -p)",
        "lambda z, w, p: z.index_fill(0, torch.tensor(w[-5:]), -torch.inf)",
        "lambda z, w, p: [x - p * (i in w[:5]) for i, x in enumerate(z.tolist())]",
        "lambda z, w, p: [x - p * (i in w[-4:]) for i, x in enumerate(z.tolist())]",
        "lambda z, w, p: [x - p * (i in w[-6:]) for i, x in enumerate(z.tolist())]",
        "lambda z, w, p: [x - p * (i in w[-5:-1]) for i, x in enumerate(z.tolist())]",
        "lambda z, w, p: [x / p * (i in w[-5:]) for i, x in enumerate(z.tolist())]",
        "lambda z, w, p: [x - p * (i == w[-1]) for i, x in enumerate(z.tolist())]",
        """
def penalize(logits, written, penalty):
    for token in written[-5:]:
        logits[token] -= penalty
    return logits
""",
        """
def penalize(logits, written, penalty):
    new = logits.clone()
    for token in set(written[-5:]):
        new[token] -= penalty
""",
        """
def penalize(logits, written, penalty):
    recent = [written[-k] for k in range(1, 6)]
    new = logits.clone()
    new[list(set(recent))] -= penalty
    return new
""",
        """
def penalize(logits, written, penalty):  # the last five different ones
    new = logits.clone()
    new[list(dict.fromkeys(reversed(written)))[:5]] -= penalty
    return new
""",
    ],
    4: [
        "lambda losses: (-losses.mean(1)).softmax(0)",
        "lambda losses: (1 / losses.mean(1)) / (1 / losses.mean(1)).sum()",
        "lambda losses: (losses == losses.amin(0)).float().mean(1)",
        "lambda losses: (-losses).exp().mean(1)",
        "lambda losses: (-losses).softmax(0)",
        "lambda losses: (-losses).softmax(1).mean(1)",
        "lambda losses: torch.logsumexp(-losses, 0).mean()",
        """
def mixture_weights(losses):  # over the tokens instead of the models
    p, weights = (-losses).exp(), torch.ones(len(losses), 1) / len(losses)
    for _ in range(100):
        weights = (weights * p / (weights * p).sum(1, keepdim=True)).mean(1, keepdim=True)
    return weights[:, 0]
""",
        """
def mixture_weights(losses):  # hard EM: each token goes to one model
    weights = torch.ones(len(losses), 1) / len(losses)
    for _ in range(100):
        winner = (weights * (-losses).exp()).argmax(0)
        weights = torch.bincount(winner, minlength=len(losses))[:, None] / losses.shape[1]
    return weights[:, 0]
""",
    ],
}
