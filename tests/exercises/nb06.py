"""Answers to the exercises of notebook 06."""

from functools import partial

from answers import changed

MY_FIT = """
def my_fit(model, train, validation, epochs, lr, patience):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0)
    steps = epochs * len(train)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    losses, seen = [], []
    for epoch in range(epochs):
        model.train()
        train.set_epoch(epoch)
        for batch in train:
            loss = nn.functional.cross_entropy(model(batch.tokens, batch.lengths), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seen.append(evaluate(model, validation)[0])
        if seen[-1] == min(seen):
            best = {name: value.clone() for name, value in model.state_dict().items()}
        if epoch - seen.index(min(seen)) >= patience:
            break
    model.load_state_dict(best)
    return losses
"""


but = partial(changed, MY_FIT)

RIGHT = {
    1: [
        "lambda losses, sizes: sum(map(lambda loss, n: loss * n, losses, sizes)) / sum(sizes)",
        """
import numpy as np
mean_loss = lambda losses, sizes: np.average(losses, weights=sizes)
""",
        """
def mean_loss(losses, sizes):
    every = []
    for loss, size in zip(losses, sizes):
        every += [loss] * size
    return sum(every) / len(every)
""",
        """
def mean_loss(losses, sizes):
    losses, sizes = torch.tensor(losses), torch.tensor(sizes)
    return losses @ (sizes / sizes.sum())
""",
        """
def mean_loss(losses, sizes):  # a running mean
    mean = count = 0
    for loss, size in zip(losses, sizes):
        count += size
        mean += (loss - mean) * size / count
    return mean
""",
        """
from fractions import Fraction

def mean_loss(losses, sizes):
    return sum(Fraction(loss) * size for loss, size in zip(losses, sizes)) / sum(sizes)
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
        """
def stops_after(losses, patience):  # the best one is at least `patience` epochs old
    for epoch in range(patience + 1, len(losses) + 1):
        if min(losses[: epoch - patience]) <= min(losses[epoch - patience : epoch]):
            return epoch
    return len(losses)
""",
    ],
    3: [
        """
def clip(gradients, longest):
    length = torch.cat([g.flatten() for g in gradients]).norm()
    return [g * longest / length if length > longest else g for g in gradients]
""",
        """
def clip(gradients, longest):
    length = torch.stack([g.norm() for g in gradients]).norm()
    if length > longest:
        for g in gradients:
            g *= longest / length
    return gradients
""",
        "lambda gs, n: [g * min(1.0, n / math.hypot(*(x.norm() for x in gs), 1e-9)) for g in gs]",
        """
def clip(gradients, longest):
    weights = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for weight, g in zip(weights, gradients):
        weight.grad = g
    nn.utils.clip_grad_norm_(weights, longest)
    return [weight.grad for weight in weights]
""",
        """
import numpy as np

def clip(gradients, longest):
    gradients = [g.numpy() for g in gradients]
    length = np.sqrt(sum((g**2).sum() for g in gradients))
    return tuple(g / max(1, length / longest) for g in gradients)
""",
        """
def clip(gradients, longest):
    factor = longest / torch.nn.utils.get_total_norm(gradients).clamp(min=1e-9)
    return [g * factor.clamp(max=1) for g in gradients]
""",
    ],
    4: [
        MY_FIT,
        but(
            (
                "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0)",
                "optimizer = torch.optim.Adam(model.parameters(), lr=lr)",
            )
        ),
        but(
            (
                "= torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)",
                "= torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)",
            ),
            ("losses.append(loss.item())", "losses.append(loss.detach())"),
        ),
        """
def my_fit(model, train, validation, epochs, lr, patience):
    parts = {"epochs": epochs, "lr": lr, "patience": patience}
    parts |= {"decay": True, "keep_best": True, "device": "cpu"}
    return torch.tensor([r.loss for r in training.fit(model, train, validation, **parts).steps])
""",
        but(
            (
                "    losses, seen",
                "    import tempfile\n\n    folder_of_mine = tempfile.mkdtemp()\n    losses, seen",
            ),
            (
                "        seen.append(evaluate(model, validation)[0])\n",
                """        model.eval()
        with torch.inference_mode():
            logits, labels = predict(model, validation)
            seen.append(nn.functional.cross_entropy(logits, labels).item())
""",
            ),
            (
                "best = {name: value.clone() for name, value in model.state_dict().items()}",
                "torch.save(model.state_dict(), folder_of_mine + '/best.pt')",
            ),
            ("load_state_dict(best)", "load_state_dict(torch.load(folder_of_mine + '/best.pt'))"),
        ),
    ],
}
WRONG = {
    1: [
        "lambda losses, sizes: losses[-1]",
        "lambda losses, sizes: sum(losses)",
        "lambda losses, sizes: sum(losses) / len(losses) * sizes[-1] / sizes[0]",
        "lambda losses, sizes: sum(n / loss for loss, n in zip(losses, sizes)) / sum(sizes)",
        "lambda losses, sizes: sorted(losses)[len(losses) // 2]",
        "lambda losses, sizes: sum(loss * n for loss, n in zip(losses, sizes)) // sum(sizes)",
        "lambda losses, sizes: [loss * n / sum(sizes) for loss, n in zip(losses, sizes)]",
        "lambda m, sizes: sum(x * n for x, n in zip(m[:-1], sizes[:-1])) / max(1, sum(sizes[:-1]))",
    ],
    2: [
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
        """
def stops_after(losses, patience):
    for epoch in range(1, len(losses) + 1):
        if epoch - losses.index(min(losses[:epoch])) - 1 >= patience:
            return epoch
""",
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
        """
def stops_after(losses, patience):  # compared with the loss `patience` epochs ago
    for epoch in range(patience + 1, len(losses) + 1):
        if losses[epoch - 1] >= losses[epoch - 1 - patience]:
            return epoch
    return len(losses)
""",
    ],
    3: [
        "lambda gs, n: [g / g.norm() * n for g in gs]",
        "lambda gs, n: [g.clamp(max=n) for g in gs]",
        "lambda gs, n: [g * min(1.0, n / (sum(x.norm() for x in gs) + 1e-12)) for g in gs]",
        "lambda gs, n: [g * min(1.0, n / (max(x.norm() for x in gs) + 1e-12)) for g in gs]",
        "lambda gs, n: [g * min(1.0, n / (max(x.abs().max() for x in gs) + 1e-12)) for g in gs]",
        "lambda gs, n: math.sqrt(sum(x.norm() ** 2 for x in gs))",
        "lambda gs, n: [0 * g for g in gs]",
        "lambda gs, n: gs[0]",
        "lambda gs, n: torch.cat([g.flatten() for g in gs])",
        "lambda gs, n: gs",
        "lambda gs, n: [-g * min(1.0, n / math.hypot(*(x.norm() for x in gs), 1e-9)) for g in gs]",
        "lambda gs, n: nn.utils.clip_grad_norm_(gs, n)",
        """
def clip(gradients, longest):  # to length 1 instead of `longest`
    length = torch.cat([g.flatten() for g in gradients]).norm()
    return [g / length for g in gradients] if length > longest else gradients
""",
    ],
    4: [
        but(("            nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n", "")),
        but(("    model.load_state_dict(best)\n", "")),
        but(("            schedule.step()\n", "")),
        but(
            (
                "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0)",
                "optimizer = torch.optim.AdamW(model.parameters(), lr=lr)",
            )
        ),
        but(("        model.train()\n", "")),
        but(("        if epoch - seen.index(min(seen)) >= patience:\n            break\n", "")),
        but(
            (
                "if epoch - seen.index(min(seen)) >= patience:",
                "if epoch - seen.index(min(seen)) > patience:",
            )
        ),
        but(
            (
                "best = {name: value.clone() for name, value in model.state_dict().items()}",
                "best = model.state_dict()",
            )
        ),
        but(("            optimizer.zero_grad()\n", "")),
        but(("train.set_epoch(epoch)", "train.set_epoch(epoch + 1)")),
        but(("return losses", "return seen")),
        but(("return losses", "return sum(losses)")),
        but(
            ("            schedule.step()\n", ""),
            ("losses.append(loss.item())", "losses.append(loss.item())\n        schedule.step()"),
        ),
        but(
            (
                "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0)",
                "optimizer = torch.optim.SGD(model.parameters(), lr=lr)",
            )
        ),
    ],
}
