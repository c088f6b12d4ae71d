"""Answers to the exercises of notebook 03."""

from answers import changed

UNTURNED = """
def backward(loss):
    order, visited = [], set()
    def visit(value):
        if value not in visited:
            visited.add(value)
            for parent in value.parents:
                visit(parent)
            order.append(value)
    visit(loss)
    loss.grad = 1.0
    for value in order:
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad += slope * value.grad
"""

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
        "lambda s, s_bar: s_bar / (1 / s + 1 / (1 - s))",
        """
import numpy as np
sigmoid_backward = np.vectorize(lambda s, s_bar: s_bar * s * (1 - s))
""",
    ],
    2: [
        "lambda ids, E_bar, V: torch.zeros(V, E_bar.shape[1]).double().index_add_(0, ids, E_bar)",
        "lambda ids, E_bar, V: nn.functional.one_hot(ids, V).double().T @ E_bar",
        """
def embedding_backward(ids, E_bar, V):
    return torch.stack([E_bar[ids == word].sum(0) for word in range(V)])
""",
        """
import numpy as np

def embedding_backward(ids, E_bar, V):
    W_bar = np.zeros((V, E_bar.shape[1]))
    np.add.at(W_bar, ids.numpy(), E_bar.numpy())
    return W_bar
""",
        """
def embedding_backward(ids, E_bar, V):
    W = torch.zeros(V, E_bar.shape[1], dtype=torch.float64, requires_grad=True)
    nn.functional.embedding(ids, W).backward(E_bar)
    return W.grad
""",
        """
def embedding_backward(ids, E_bar, V):
    rows = [[0.0] * E_bar.shape[1] for _ in range(V)]
    for word, message in zip(ids.tolist(), E_bar.tolist()):
        rows[word] = [old + new for old, new in zip(rows[word], message)]
    return rows
""",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(V, E_bar.shape[1]).double()
    return W_bar.index_put((ids,), E_bar, accumulate=True)
""",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(V, E_bar.shape[1]).double()
    return W_bar.scatter_add(0, ids[:, None].expand_as(E_bar), E_bar)
""",
        """
def embedding_backward(ids, E_bar, V):
    hit = (ids[:, None] == torch.arange(V)).double()
    return torch.einsum("bv,bd->vd", hit, E_bar)
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
        """
def skip_backward(x, y_bar):  # by nudging
    up, down = x + 1e-5, x - 1e-5
    return y_bar * ((up + up.tanh()) - (down + down.tanh())) / 2e-5
""",
        """
def skip_backward(x, y_bar):
    t = x.exp()
    return y_bar + y_bar * 4 / (t + 1 / t) ** 2
""",
    ],
    4: [
        """
def backward(loss):
    order, seen = [], set()
    def visit(value):
        if id(value) not in seen:
            seen.add(id(value))
            for parent in value.parents:
                visit(parent)
            order.append(value)
    visit(loss)
    loss.grad = 1
    while order:
        value = order.pop()
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad = parent.grad + value.grad * slope
""",
        """
def backward(loss):  # Kahn: count the messages that are still to come
    waiting, stack, found = Counter(), [loss], {loss}
    while stack:
        for parent in stack.pop().parents:
            waiting[parent] += 1
            if parent not in found:
                found.add(parent)
                stack.append(parent)
    loss.grad, ready = 1.0, [loss]
    while ready:
        value = ready.pop()
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad += slope * value.grad
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
""",
        """
def backward(loss, arrived=1.0):  # one walk along every path: right, though slow
    loss.grad += arrived
    for parent, slope in zip(loss.parents, loss.slopes):
        backward(parent, arrived * slope)
""",
        """
def backward(loss):
    from graphlib import TopologicalSorter
    graph, todo = {}, [loss]
    while todo:
        value = todo.pop()
        graph[value] = value.parents
        todo += [parent for parent in value.parents if parent not in graph]
    loss.grad = 1.0
    for value in [*TopologicalSorter(graph).static_order()][::-1]:
        for i in range(len(value.parents)):
            value.parents[i].grad += value.slopes[i] * value.grad
    return loss
""",
        """
def backward(loss):  # by depth: the longest way from the loss
    depth = {}
    def go(value, d):
        if d > depth.get(value, -1):
            depth[value] = d
            for parent in value.parents:
                go(parent, d + 1)
    go(loss, 0)
    loss.grad = 1.0
    for value in sorted(depth, key=depth.get):
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad += slope * value.grad
""",
        """
def backward(loss):  # asks each value who used it
    values = {loss}
    todo = [loss]
    while todo:
        for p in todo.pop().parents:
            if p not in values:
                values.add(p)
                todo.append(p)
    users = {v: [] for v in values}
    for v in values:
        for p, s in zip(v.parents, v.slopes):
            users[p].append((v, s))
    known = {loss: 1.0}
    def grad(v):
        if v not in known:
            known[v] = sum(s * grad(u) for u, s in users[v])
        return known[v]
    for v in values:
        v.grad = grad(v)
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
        "lambda s, s_bar: s_bar * s.sigmoid()",
        "lambda s_bar, s: s_bar * s * (1 - s)",
    ],
    2: [
        "lambda ids, E_bar, V: torch.zeros(len(ids), V).double()",
        "lambda ids, E_bar, V: torch.zeros(V, E_bar.shape[1]).index_copy(0, ids, E_bar.float())",
        "lambda ids, E_bar, V: E_bar[ids % len(E_bar)]",
        "lambda ids, E_bar, V: E_bar.sum(0).expand(V, E_bar.shape[1])",
        "lambda ids, E_bar, V: (nn.functional.one_hot(ids, V).double().T @ E_bar).T",
        "lambda ids, E_bar, V: nn.functional.one_hot(ids, V).double().T @ E_bar / len(ids)",
        "lambda ids, E_bar, V: torch.zeros(V, E_bar.shape[1]).double() - 1",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(V, E_bar.shape[1]).double()
    for i, word in enumerate(ids):
        W_bar[word] = E_bar[i]
    return W_bar
""",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(V, E_bar.shape[1]).double()
    for word in ids.unique():
        W_bar[word] = E_bar[word]
    return W_bar
""",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(int(ids.max()) + 1, E_bar.shape[1]).double()
    return W_bar.index_add(0, ids, E_bar)
""",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(V, E_bar.shape[1]).double()
    return W_bar.scatter(0, ids[:, None].expand_as(E_bar), E_bar)
""",
        """
def embedding_backward(ids, E_bar, V):
    W_bar = torch.zeros(V, E_bar.shape[1]).double()
    for i, word in enumerate(ids):
        W_bar[word] += E_bar[i].sum()
    return W_bar
""",
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
        "lambda x, y_bar: y_bar * (1 - (x + x.tanh()) ** 2)",
        "lambda x, y_bar: 2 * y_bar",
    ],
    4: [
        """
def backward(loss):  # never seeds the walk
    for parent, slope in zip(loss.parents, loss.slopes):
        parent.grad += slope * loss.grad
        backward(parent)
""",
        """
def backward(loss):
    loss.grad = 1.0
    for parent, slope in zip(loss.parents, loss.slopes):
        parent.grad += slope * loss.grad
""",
        """
def backward(loss, arrived=1.0):
    loss.grad = arrived
    for parent, slope in zip(loss.parents, loss.slopes):
        backward(parent, arrived * slope)
""",
        """
def backward(loss, arrived=1.0):
    loss.grad += arrived
    for parent, slope in zip(loss.parents, loss.slopes):
        backward(parent, arrived + slope)
""",
        """
def backward(loss):
    loss.grad, queue = 1.0, [loss]
    while queue:  # breadth first, again for every use
        value = queue.pop(0)
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad += slope * value.grad
            queue.append(parent)
""",
        """
def backward(loss):
    loss.grad, queue, seen = 1.0, [loss], set()
    while queue:  # each value once, but too early
        value = queue.pop()
        if value not in seen:
            seen.add(value)
            for parent, slope in zip(value.parents, value.slopes):
                parent.grad += slope * value.grad
                queue.append(parent)
""",
        """
def backward(loss, arrived=1.0):
    loss.grad += arrived
    for parent in loss.parents:
        backward(parent, arrived)
""",
        "lambda loss: loss.backward()",
        "lambda loss: [parent.grad for parent in loss.parents]",
        UNTURNED,
        changed(UNTURNED, ("in order", "in reversed(order)"), (".grad += ", ".grad = ")),
    ],
}
