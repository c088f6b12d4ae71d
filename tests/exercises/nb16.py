"""Answers to the exercises of notebook 16."""

RIGHT = {
    1: [
        "lambda inputs, outputs, rank, layers: layers * (rank * inputs + outputs * rank)",
        """
def lora_weights(inputs, outputs, rank, layers):
    a, b = torch.empty(rank, inputs, device="meta"), torch.empty(outputs, rank, device="meta")
    return sum(a.numel() + b.numel() for _ in range(layers))
""",
        """
def lora_weights(inputs, outputs, rank, layers):
    return torch.tensor([inputs, outputs]).sum() * rank * layers
""",
    ],
    2: [
        """
def log_p_of(log_p, answer):
    rows = log_p[-1 - len(answer) : -1]
    return rows.gather(1, torch.tensor(answer)[:, None]).sum()
""",
        """
def log_p_of(log_p, answer):
    total = 0.0
    for back, number in enumerate(reversed(answer), start=2):
        total += float(log_p[-back][number])
    return total
""",
        """
def log_p_of(log_p, answer):
    predicted = log_p.numpy()[:-1][-len(answer):]
    return predicted[range(len(answer)), answer].sum()
""",
        "lambda log_p, answer: -nn.functional.nll_loss(log_p[-1 - len(answer) : -1], "
        "torch.tensor(answer), reduction='sum')",
    ],
    3: [
        """
def targets_of(turns):
    tokens, targets = [], []
    for role, ids in turns:
        tokens += ids
        targets += ids if role == "assistant" else [-100] * len(ids)
    return tokens[:-1], targets[1:]
""",
        """
def targets_of(turns):
    flat = [(number, role) for role, ids in turns for number in ids]
    read = [number for number, _ in flat[:-1]]
    return read, [n if role == "assistant" else -100 for n, role in flat[1:]]
""",
        """
def targets_of(turns):
    tokens = torch.tensor(sum((ids for _, ids in turns), []))
    mine = torch.tensor(sum(([role == "assistant"] * len(ids) for role, ids in turns), []))
    return tokens[:-1], tokens.where(mine, torch.tensor(-100))[1:]
""",
    ],
    4: [
        """
def dora(x, w, a, b, scale, m):
    v = nn.functional.normalize(w + scale * (b @ a), dim=1)
    return (x @ v.T) * m
""",
        """
def dora(x, w, a, b, scale, m):
    v = w + scale * torch.einsum("or,ri->oi", b, a)
    lengths = v.pow(2).sum(1).sqrt()
    return m * (v @ x.T).T / lengths
""",
        """
def dora(x, w, a, b, scale, m):
    base = x @ w.T + scale * (x @ a.T) @ b.T
    return base * m / torch.linalg.vector_norm(w + scale * b @ a, dim=1)
""",
        """
def dora(x, w, a, b, scale, m):
    v = w + scale * b @ a
    return torch.stack([m[i] * (x @ v[i]) / v[i].norm() for i in range(len(v))], dim=1)
""",
    ],
}
WRONG = {
    1: [
        "lambda inputs, outputs, rank, layers: inputs * outputs * layers",
        "lambda inputs, outputs, rank, layers: rank * (inputs + outputs)",
        "lambda inputs, outputs, rank, layers: layers * rank * outputs",
        "lambda inputs, outputs, rank, layers: 2 * layers * rank * (inputs + outputs)",
    ],
    2: [
        "lambda log_p, answer: sum(log_p[n, number].item() for n, number in enumerate(answer))",
        "lambda log_p, answer: log_p[-len(answer):, answer].diagonal().sum().item()",
        "lambda log_p, answer: log_p[-1 - len(answer) : -1, answer].sum().item()",
        "lambda log_p, answer: -log_p[range(-1 - len(answer), -1), answer].sum().item()",
    ],
    3: [
        """
def targets_of(turns):
    tokens = [number for _, ids in turns for number in ids]
    return tokens[:-1], tokens[1:]
""",
        """
def targets_of(turns):
    tokens = [number for _, ids in turns for number in ids]
    return tokens, [n if role == "assistant" else -100 for role, ids in turns for n in ids]
""",
        """
def targets_of(turns):
    tokens = [number for _, ids in turns for number in ids]
    targets = [n if role == "assistant" else 0 for role, ids in turns for n in ids]
    return tokens[:-1], targets[1:]
""",
        """
def targets_of(turns):
    tokens = [number for _, ids in turns for number in ids]
    targets = [n if role == "assistant" else -100 for role, ids in turns for n in ids]
    return tokens[1:], targets[:-1]
""",
    ],
    4: [
        "lambda x, w, a, b, scale, m: x @ (w + scale * b @ a).T",
        "lambda x, w, a, b, scale, m: x @ (m[:, None] * nn.functional.normalize(w, dim=1)).T",
        "lambda x, w, a, b, scale, m: "
        "(m[:, None] * nn.functional.normalize(w + scale * b @ a, dim=1)) @ x.T",
        "lambda x, w, a, b, scale, m: x @ nn.functional.normalize(w + scale * b @ a, dim=1).T",
    ],
}
