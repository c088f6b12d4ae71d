"""Answers to the exercises of notebook 05."""

RIGHT = {
    1: [
        "8476 * 64 + 2 * (64 * 64 + 64) + 64 * 2 + 2",
        "sum(p.numel() for p in SmallTextRNN(8476).parameters())",
        "import numpy as np\nparameters = np.int64(550914)",
        "torch.tensor([8476 * 64, 64 * 128 + 128, 130]).sum()",
        "550_914",
        "5.50914e5",
        """
layers = nn.Embedding(8476, 64), nn.RNN(64, 64), nn.Linear(64, 2)
parameters = 0
for layer in layers:
    for p in layer.parameters():
        parameters += p.numel()
""",
    ],
    2: [
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T + h @ W_hh.T + bias)",
        "lambda x, h, W_ih, W_hh, bias: (W_ih @ x.T + W_hh @ h.T + bias[:, None]).tanh().T",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh("
        "torch.cat([x, h], 1) @ torch.cat([W_ih, W_hh], 1).T + bias)",
        """
def elman_step(x, h, W_ih, W_hh, bias):
    a = torch.einsum("be,he->bh", x, W_ih) + torch.einsum("bk,hk->bh", h, W_hh) + bias
    return (a.exp() - (-a).exp()) / (a.exp() + (-a).exp())
""",
        """
def elman_step(x, h, W_ih, W_hh, bias):
    return [torch.tanh(W_ih @ x[i] + W_hh @ h[i] + bias) for i in range(len(x))]
""",
        """
def elman_step(x, h, W_ih, W_hh, bias):
    h[:] = torch.tanh(x @ W_ih.mT + h @ W_hh.mT + bias)
    return h
""",
        """
import numpy as np

def elman_step(x, h, W_ih, W_hh, bias):
    x, h, W_ih, W_hh, bias = (t.numpy() for t in (x, h, W_ih, W_hh, bias))
    return np.tanh(x @ W_ih.T + h @ W_hh.T + bias)
""",
        """
def elman_step(x, h, W_ih, W_hh, bias):
    cell = nn.RNNCell(x.shape[1], h.shape[1])
    with torch.no_grad():
        for parameter, value in zip(cell.parameters(), (W_ih, W_hh, bias, 0 * bias)):
            parameter.copy_(value)
    return cell(x, h)
""",
    ],
    3: [
        "lambda states, lengths: (states[:, 0] + states[range(len(states)), lengths - 1]) / 2",
        """
def both_ends(states, lengths):
    index = (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])
    last = states.gather(1, index).squeeze(1)
    return torch.stack([states[:, 0], last]).mean(0)
""",
        """
def both_ends(states, lengths):
    return torch.lerp(states[:, 0], pool(states, lengths, "last"), 0.5)
""",
        """
def both_ends(states, lengths):
    here = torch.arange(states.shape[1]) == lengths[:, None] - 1
    return 0.5 * states[:, 0] + 0.5 * (states * here[..., None]).sum(1)
""",
        """
import numpy as np

def both_ends(states, lengths):
    states = states.numpy()
    return (states[:, 0] + states[np.arange(len(states)), lengths.numpy() - 1]) / 2
""",
        """
def both_ends(states, lengths):
    ends = torch.vmap(lambda s, n: s.index_select(0, torch.stack([0 * n, n - 1])).mean(0))
    return ends(states, lengths)
""",
    ],
    4: [
        """
def mean_backward(m_bar, lengths, time):
    real = torch.arange(time)[None] < lengths[:, None]
    return torch.einsum("bh,bt->bth", m_bar / lengths[:, None], real.float())
""",
        """
def mean_backward(m_bar, lengths, time):
    h_bar = torch.zeros(len(m_bar), time, m_bar.shape[1])
    for row, n in enumerate(lengths):
        h_bar[row, :n] = m_bar[row] / n
    return h_bar
""",
        """
def mean_backward(m_bar, lengths, time):
    wide = (m_bar / lengths.unsqueeze(1)).unsqueeze(1).repeat(1, time, 1)
    return wide.masked_fill(torch.arange(time)[None, :, None] >= lengths[:, None, None], 0)
""",
        """
def mean_backward(m_bar, lengths, time):
    states = torch.randn(len(m_bar), time, m_bar.shape[1], requires_grad=True)
    real = (torch.arange(time) < lengths[:, None])[..., None]
    ((states * real).sum(1) / lengths[:, None]).backward(m_bar)
    return states.grad
""",
        """
import numpy as np

def mean_backward(m_bar, lengths, time):
    rows = [[m / n if t < n else 0 * m for t in range(time)] for m, n in zip(m_bar, lengths)]
    return np.stack([np.stack([np.array(step) for step in row]) for row in rows])
""",
    ],
}
WRONG = {
    1: [
        "550914.4",
        "(550, 914)",
        "8475 * 64 + 2 * (64 * 64 + 64) + 64 * 2 + 2",
        "8476 * 64 + 64 * 64 + 64 + 64 * 2 + 2",
        "8476 * 64",
        "'550,914'",
        "550915",
        "551000",
        "8476 + 64 + 64 + 2",
        "8476 * 64 + 2 * (64 * 64 + 64) + 64 * 2 + 64",
    ],
    2: [
        "lambda x, h, W_ih, W_hh, bias: torch.sigmoid(x @ W_ih.T + h @ W_hh.T + bias)",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T + h @ W_hh.T)",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T) + torch.tanh(h @ W_hh.T) + bias",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih + h @ W_hh + bias)",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T + h @ W_hh.T + 2 * bias)",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(W_ih @ x + W_hh @ h + bias)",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T + h + bias)",
        "lambda x, h, W_ih, W_hh, bias: (torch.tanh(x @ W_ih.T + h @ W_hh.T + bias), h)",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T + h @ W_hh.T + bias).T",
        "lambda x, h, W_ih, W_hh, bias: torch.tanh(x @ W_ih.T + h @ W_hh.T + bias)[0]",
        "lambda x, h, W_ih, W_hh, bias: -torch.tanh(x @ W_ih.T + h @ W_hh.T + bias)",
    ],
    3: [
        "lambda states, lengths: (states[:, 0] + states[range(len(states)), lengths]) / 2",
        "lambda states, lengths: (states[:, 0] + states[:, lengths - 1]) / 2",
        "lambda states, lengths: (states[0] + states[-1]) / 2",
        "lambda states, lengths: states[:, 0]",
        "lambda states, lengths: pool(states, lengths, 'mean')",
        "lambda states, lengths: (states[:, 1] + states[range(len(states)), lengths - 1]) / 2",
        "lambda states, lengths: (states[:, 0] - states[range(len(states)), lengths - 1]) / 2",
        "lambda states, lengths: (states[:, 0] + states[range(len(states)), lengths - 2]) / 2",
        "lambda states, lengths: ((states[:, 0] + pool(states, lengths, 'last')) / 2).mean(1)",
        "lambda states, lengths: ((states[:, 0] + pool(states, lengths, 'last')) / 2)[:, None]",
        "lambda states, lengths: (states[:, 0], pool(states, lengths, 'last'))",
    ],
    4: [
        "lambda m_bar, lengths, time: m_bar / lengths[:, None]",
        "lambda m_bar, lengths, time: m_bar[:, None].expand(-1, time, -1)",
        "lambda m_bar, lengths, time: (m_bar / time)[:, None].expand(-1, time, -1)",
        """
def mean_backward(m_bar, lengths, time):
    real = torch.arange(time) <= lengths[:, None]
    return (m_bar / lengths[:, None])[:, None] * real[:, :, None]
""",
        """
def mean_backward(m_bar, lengths, time):
    real = torch.arange(time) >= lengths[:, None]
    return (m_bar / lengths[:, None])[:, None] * real[:, :, None]
""",
        """
def mean_backward(m_bar, lengths, time):
    real = torch.arange(time) < lengths[:, None]
    return (m_bar * lengths[:, None])[:, None] * real[:, :, None]
""",
        """
def mean_backward(m_bar, lengths, time):
    real = torch.arange(time) < lengths[:, None]
    return ((m_bar / lengths[:, None])[:, None] * real[:, :, None]).transpose(1, 2)
""",
        """
def mean_backward(m_bar, lengths, time):
    real = torch.arange(time - 1) < lengths[:, None]
    return (m_bar / lengths[:, None])[:, None] * real[:, :, None]
""",
        """
def mean_backward(m_bar, lengths, time):
    h_bar = torch.zeros(len(m_bar), time, m_bar.shape[1])
    for row, n in enumerate(lengths):
        h_bar[row, n] = m_bar[row]
    return h_bar
""",
    ],
}
