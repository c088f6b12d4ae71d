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
def relative_cut(logits, share):
    p = nn.functional.softmax(logits, dim=-1)
    logits[p < share * p.amax()] = float("-inf")
    return logits
""",
        """
def relative_cut(logits, share):
    exps = [math.exp(z) for z in logits.tolist()]
    limit = share * max(exps)
    return [z if e >= limit else -math.inf for z, e in zip(logits.tolist(), exps)]
""",
        """
import numpy as np

def relative_cut(logits, share):
    z = logits.numpy()
    ratio = np.exp(z - z.max())
    return np.where(ratio < share, -np.inf, z)
""",
        """
def relative_cut(logits, share):
    new = torch.full_like(logits, -torch.inf)
    p = logits.double().exp() / logits.double().exp().sum()
    kept = (p / p.max() >= share).nonzero().flatten()
    new[kept] = logits[kept]
    return new
""",
    ],
    3: [
        """
def penalise(logits, written, penalty):
    new = logits + 0
    for token in {*written[-5:]}:
        new[token] = new[token] - penalty
    return new
""",
        "lambda z, w, p: [x - p if i in w[-5:] else x for i, x in enumerate(z.tolist())]",
        """
def penalise(logits, written, penalty):
    recent = torch.tensor(written[-5:]).unique()
    return logits.index_add(0, recent, torch.full((len(recent),), -penalty))
""",
        """
def penalise(logits, written, penalty):
    lowered = torch.zeros_like(logits, dtype=torch.bool)
    lowered[written[-5:]] = True
    return torch.where(lowered, logits - penalty, logits)
""",
        """
import numpy as np

def penalise(logits, written, penalty):
    z = np.array(logits.tolist())
    z[np.unique(written[-5:])] -= penalty
    return z
""",
        """
def penalise(logits, written, penalty):
    there = nn.functional.one_hot(torch.tensor(written[-5:]), len(logits)).amax(0)
    return logits - penalty * there
""",
        """
def penalise(logits, written, penalty):
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
        "lambda z, t: z.log_softmax(1).gather(1, t[:, None]).argmin()",
        "lambda z, t: z.softmax(dim=-1)[range(len(t)), t].argmin().item()",
        """
def most_surprising(logits, targets):
    worst, where = -1.0, None
    for place, (row, target) in enumerate(zip(logits.tolist(), targets.tolist())):
        loss = math.log(sum(math.exp(z) for z in row)) - row[target]
        if loss > worst:
            worst, where = loss, place
    return where
""",
        """
import numpy as np

def most_surprising(logits, targets):
    z = np.exp(logits.double().numpy())
    p = z / z.sum(axis=1, keepdims=True)
    return np.argmax(-np.log(p[np.arange(len(p)), targets.numpy()]))
""",
        """
def most_surprising(logits, targets):
    losses = [nn.functional.cross_entropy(z, t).item() for z, t in zip(logits, targets)]
    return losses.index(max(losses))
""",
        "lambda z, t: int((z.logsumexp(1) - z[torch.arange(len(t)), t]).sort().indices[-1])",
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
def penalise(logits, written, penalty):
    for token in written[-5:]:
        logits[token] -= penalty
    return logits
""",
        """
def penalise(logits, written, penalty):
    new = logits.clone()
    for token in set(written[-5:]):
        new[token] -= penalty
""",
        """
def penalise(logits, written, penalty):
    recent = [written[-k] for k in range(1, 6)]
    new = logits.clone()
    new[list(set(recent))] -= penalty
    return new
""",
    ],
    4: [
        "lambda z, t: 1 + int(nn.functional.cross_entropy(z, t, reduction='none').argmax())",
        "lambda z, t: nn.functional.cross_entropy(z, t, reduction='none').max().item()",
        "lambda z, t: nn.functional.cross_entropy(z, t, reduction='none')",
        "lambda z, t: nn.functional.cross_entropy(z, t).item()",
        "lambda z, t: int(t[nn.functional.cross_entropy(z, t, reduction='none').argmax()])",
        "lambda z, t: int((-z.softmax(1) * z.log_softmax(1)).sum(1).argmax())",
        "lambda z, t: int(z.argmax())",
        "lambda z, t: int(z.softmax(1).amax(1).argmin())",
        "lambda z, t: int(z.log_softmax(1)[:, t].argmin())",
    ],
}
