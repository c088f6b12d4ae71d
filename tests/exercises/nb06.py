"""Answers to the exercises of notebook 06."""

RIGHT = {
    1: [
        "-(-8049 // 100) * 6",
        "(8049 // 100 + 1) * 6",
        "sum(len(range(0, 8049, 100)) for _ in range(6))",
        "import numpy as np\nsteps = np.ceil(8049 / 100) * 6",
        "torch.tensor(8049 / 100).ceil() * 6",
        "torch.arange(8049).split(100).__len__() * 6",
        """
steps = 0
for epoch in range(6):
    for start in range(0, 8049, 100):
        steps += 1
""",
    ],
    2: [
        """
def stops_after(losses, patience):
    best, waited = float("inf"), 0
    for epoch, loss in enumerate(losses):
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == patience:
            return epoch + 1
    return epoch + 1
""",
        """
import numpy as np

def stops_after(losses, patience):
    for epoch in range(1, len(losses) + 1):
        best = np.argmin(losses[:epoch]) + 1
        if epoch - best >= patience:
            break
    return np.int64(epoch)
""",
        """
lambda losses, patience: next(
    (
        epoch
        for epoch in range(1, len(losses) + 1)
        if epoch - losses.index(min(losses[:epoch])) - 1 >= patience
    ),
    len(losses),
)
""",
        """
def stops_after(losses, patience):
    epoch = best_epoch = 0
    while epoch < len(losses):
        epoch += 1
        if best_epoch == 0 or losses[epoch - 1] < losses[best_epoch - 1]:
            best_epoch = epoch
        elif epoch - best_epoch == patience:
            break
    return torch.tensor(epoch)
""",
    ],
    3: [
        """
def clip(gradient, longest):
    length = gradient.norm()
    return gradient if length <= longest else gradient * longest / length
""",
        """
def clip(gradient, longest):
    length = math.sqrt(sum(g * g for g in gradient.tolist()))
    if length > longest:
        gradient *= longest / length
    return gradient
""",
        "lambda g, n: [x / max(1.0, math.hypot(*g.tolist()) / n) for x in g.tolist()]",
        "lambda g, n: g * min(1.0, n / g.norm())",
        "lambda g, n: torch.renorm(g[None], p=2, dim=0, maxnorm=n)[0]",
        """
import numpy as np

def clip(gradient, longest):
    g = gradient.numpy()
    return g * min(1.0, longest / max(np.linalg.norm(g), 1e-9))
""",
        """
def clip(gradient, longest):
    weight = nn.Parameter(torch.zeros_like(gradient))
    weight.grad = gradient
    nn.utils.clip_grad_norm_([weight], longest)
    return weight.grad
""",
    ],
    4: [
        "lambda step, warmup, total: min(step / warmup, (total - step) / (total - warmup))",
        """
import numpy as np

def warmup_factor(step, warmup, total):
    return np.interp(step, [0, warmup, total], [0, 1, 0])
""",
        """
def warmup_factor(step, warmup, total):
    if step <= warmup:
        return torch.tensor(step / warmup)
    return torch.tensor(1 - (step - warmup) / (total - warmup))
""",
        """
from fractions import Fraction

def warmup_factor(step, warmup, total):
    rise, fall = Fraction(step, warmup), Fraction(total - step, total - warmup)
    return rise if rise < fall else fall
""",
        """
def warmup_factor(step, warmup, total):
    if step >= warmup:
        return max(0, total - step) / (total - warmup)
    return sum(1 / warmup for _ in range(step))
""",
    ],
}
WRONG = {
    1: ["8049 * 6", "487", "8049 / 100 * 6", "'486'", "81 + 6", "-486", "8049 // 600", "[81] * 6"],
    2: [
        # an equal loss taken for an improvement
        """
def stops_after(losses, patience):
    best, best_epoch = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss <= best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch
    return len(losses)
""",
        # one epoch too late
        """
def stops_after(losses, patience):
    best, waited = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited > patience:
            return epoch
    return len(losses)
""",
        # the counter is never set back
        """
def stops_after(losses, patience):
    best, waited = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best = loss
        else:
            waited += 1
        if waited == patience:
            return epoch
    return len(losses)
""",
        # None where training never stops early
        """
def stops_after(losses, patience):
    for epoch in range(1, len(losses) + 1):
        if epoch - losses.index(min(losses[:epoch])) - 1 >= patience:
            return epoch
""",
        # patience is always two
        """
def stops_after(losses, patience):
    for epoch in range(1, len(losses) + 1):
        if epoch - losses.index(min(losses[:epoch])) - 1 >= 2:
            return epoch
    return len(losses)
""",
        "lambda losses, patience: losses.index(min(losses)) + patience + 1",
        "lambda losses, patience: min(losses)",
        "lambda losses, patience: len(losses)",
    ],
    3: [
        "lambda g, n: g / g.norm() * n",
        "lambda g, n: g.clamp(max=n)",
        "lambda g, n: g * min(1.0, n / (g @ g + 1e-12))",
        "lambda g, n: g * min(1.0, n / (g.abs().sum() + 1e-12))",
        "lambda g, n: g * min(1.0, n / (g.abs().max() + 1e-12))",
        "lambda g, n: g.norm().clamp(max=n)",
        "lambda g, n: g if g.norm() <= n else torch.zeros_like(g)",
        "lambda g, n: -g * min(1.0, n / (g.norm() + 1e-12))",
        "lambda g, n: nn.utils.clip_grad_norm_(g, n)",
    ],
    4: [
        "lambda step, warmup, total: min(1.0, step / warmup)",
        "lambda step, warmup, total: min((step + 1) / warmup, (total - step) / (total - warmup))",
        "lambda step, warmup, total: step // warmup if step < warmup else 1 - step // total",
        """
def warmup_factor(step, warmup, total):  # a cosine for the fall
    if step < warmup:
        return step / warmup
    return (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
""",
        "lambda step, warmup, total: step / warmup if step < warmup else (total - step) / total",
        "lambda step, warmup, total: warmup / step if step < warmup else 0.0",
        "lambda step, warmup, total: 100 * min(step / warmup, (total - step) / (total - warmup))",
        "lambda step, warmup, total: 1 - min(step / warmup, (total - step) / (total - warmup))",
        "lambda step, warmup, total: step / total",
    ],
}
