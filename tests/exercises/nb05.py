"""Answers to the exercises of notebook 05."""

from functools import partial

from answers import changed

BACKWARD = """
def gru_backward(h_bar, x, h, W_ih, W_hh, b_ih, b_hh):
    r_x, z_x, n_x = (x @ W_ih.T + b_ih).chunk(3, 1)
    r_h, z_h, n_h = (h @ W_hh.T + b_hh).chunk(3, 1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    a_n = h_bar * (1 - z) * (1 - n**2)
    a_z = h_bar * (h - n) * z * (1 - z)
    a_r = a_n * n_h * r * (1 - r)
    u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)
    return [
        u @ W_ih,
        v @ W_hh + h_bar * z,
        u.T @ x,
        v.T @ h,
        u.sum(0),
        v.sum(0),
    ]
"""


but = partial(changed, BACKWARD)

RIGHT = {
    1: [
        "8476 * 64 + 3 * 2 * (64 * 64 + 64) + 64 * 2 + 2",
        'sum(p.numel() for p in TextRNN(8476, cell="gru").parameters())',
        """
import numpy as np
parameters = np.int64(567554)
""",
        "torch.tensor([8476 * 64, 3 * (64 * 128 + 128), 130]).sum()",
        "567_554",
        "5.67554e5",
        """
layers = nn.Embedding(8476, 64), nn.GRU(64, 64), nn.Linear(64, 2)
parameters = 0
for layer in layers:
    for p in layer.parameters():
        parameters += p.numel()
""",
    ],
    2: [
        """
def read_in_pieces(rnn, x, size):
    h, states = torch.zeros(1, len(x), rnn.hidden_size), []
    for start in range(0, x.shape[1], size):
        out, h = rnn(x[:, start : start + size], h.detach())
        states += [out]
    return torch.cat(states, 1)
""",
        """
def read_in_pieces(rnn, x, size):  # step by step
    h, states = None, []
    for t in range(x.shape[1]):
        if t % size == 0 and h is not None:
            h = h.detach()
        _, h = rnn(x[:, t : t + 1], h)
        states.append(h[0])
    return torch.stack(states, dim=1)
""",
        """
def read_in_pieces(rnn, x, size, h=None):
    if x.shape[1] == 0:
        return x.new_zeros(len(x), 0, rnn.hidden_size)
    states, h = rnn(x[:, :size], h)
    return torch.cat([states, read_in_pieces(rnn, x[:, size:], size, h.detach())], dim=1)
""",
        """
def read_in_pieces(rnn, x, size):
    states = torch.empty(len(x), x.shape[1], rnn.hidden_size)
    h = None
    for start in range(0, x.shape[1], size):
        states[:, start : start + size], last = rnn(x[:, start : start + size], h)
        h = last.clone().detach_()
    return states
""",
        """
def read_in_pieces(rnn, x, size):  # by the formula
    h, states = torch.zeros(len(x), rnn.hidden_size), []
    for t, word in enumerate(x.unbind(1)):
        h = h.data if t % size == 0 else h
        h = torch.tanh(
            word @ rnn.weight_ih_l0.T + rnn.bias_ih_l0 + h @ rnn.weight_hh_l0.T + rnn.bias_hh_l0
        )
        states.append(h)
    return torch.stack(states, 1)
""",
        """
def read_in_pieces(rnn, x, size):  # the borders first, without a graph
    with torch.no_grad():
        everything = rnn(x)[0]
    pieces = []
    for start in range(0, x.shape[1], size):
        h = None if start == 0 else everything[:, start - 1][None].contiguous()
        pieces.append(rnn(x[:, start : start + size], h)[0])
    return torch.cat(pieces, dim=1)
""",
    ],
    3: [
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
    4: [
        """
def gru_backward(h_bar, x, h, W_ih, W_hh, b_ih, b_hh):
    cell = nn.GRUCell(x.shape[1], h.shape[1]).double()
    with torch.no_grad():
        for p, value in zip(cell.parameters(), (W_ih, W_hh, b_ih, b_hh)):
            p.copy_(value)
    cell(x.requires_grad_(), h.requires_grad_()).backward(h_bar)
    return x.grad, h.grad, *(p.grad for p in cell.parameters())
""",
        """
def gru_backward(h_bar, x, h, W_ih, W_hh, b_ih, b_hh):
    H = h.shape[1]
    gx, gh = x @ W_ih.T + b_ih, h @ W_hh.T + b_hh
    r = 1 / (1 + torch.exp(-(gx[:, :H] + gh[:, :H])))
    z = 1 / (1 + torch.exp(-(gx[:, H : 2 * H] + gh[:, H : 2 * H])))
    n = torch.tanh(gx[:, 2 * H :] + r * gh[:, 2 * H :])
    dn = h_bar * (1 - z) * (1 - n * n)
    dz = h_bar * (h - n) * z * (1 - z)
    dr = dn * gh[:, 2 * H :] * r * (1 - r)
    out = {"x": torch.zeros_like(x), "h": h_bar * z}
    out |= {"W_ih": torch.zeros_like(W_ih), "W_hh": torch.zeros_like(W_hh)}
    out |= {"b_ih": torch.zeros_like(b_ih), "b_hh": torch.zeros_like(b_hh)}
    for k, (dx, dh) in enumerate([(dr, dr), (dz, dz), (dn, dn * r)]):
        rows = slice(k * H, (k + 1) * H)
        out["x"] += dx @ W_ih[rows]
        out["h"] += dh @ W_hh[rows]
        out["W_ih"][rows], out["b_ih"][rows] = dx.T @ x, dx.sum(0)
        out["W_hh"][rows], out["b_hh"][rows] = dh.T @ h, dh.sum(0)
    return list(out.values())
""",
        """
import numpy as np

def gru_backward(h_bar, x, h, W_ih, W_hh, b_ih, b_hh):
    h_bar, x, h, W_ih, W_hh, b_ih, b_hh = map(
        np.asarray, (h_bar, x, h, W_ih, W_hh, b_ih, b_hh)
    )
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    rx, zx, nx = np.split(x @ W_ih.T + b_ih, 3, axis=1)
    rh, zh, nh = np.split(h @ W_hh.T + b_hh, 3, axis=1)
    r, z = sigmoid(rx + rh), sigmoid(zx + zh)
    n = np.tanh(nx + r * nh)
    dn = h_bar * (1 - z) * (1 - n**2)
    dz, dr = h_bar * (h - n) * z * (1 - z), dn * nh * r * (1 - r)
    gx, gh = np.hstack([dr, dz, dn]), np.hstack([dr, dz, dn * r])
    return gx @ W_ih, gh @ W_hh + h_bar * z, gx.T @ x, gh.T @ h, gx.sum(0), gh.sum(0)
""",
        """
def gru_backward(h_bar, x, h, W_ih, W_hh, b_ih, b_hh):
    return torch.func.vjp(torch.gru_cell, x, h, W_ih, W_hh, b_ih, b_hh)[1](h_bar)
""",
    ],
}
WRONG = {
    1: [
        "567554.4",
        "(567, 554)",
        "8475 * 64 + 3 * 2 * (64 * 64 + 64) + 64 * 2 + 2",
        "8476 * 64 + 3 * (64 * 64 + 64) + 64 * 2 + 2",
        "8476 * 64",
        "'567,554'",
        "567555",
        "568000",
        "8476 + 64 + 64 + 2",
        "550914",
        "8476 * 64 + 2 * 2 * (64 * 64 + 64) + 64 * 2 + 2",
    ],
    2: [
        "lambda rnn, x, size: rnn(x.detach())[0]",
        "lambda rnn, x, size: rnn(x)[1]",
        "lambda rnn, x, size: rnn(x[:, :size])[0]",
        """
def read_in_pieces(rnn, x, size):  # the rest is dropped
    h, states = None, []
    for piece in range(x.shape[1] // size):
        out, h = rnn(x[:, piece * size : (piece + 1) * size], h)
        h = h.detach()
        states.append(out)
    return torch.cat(states, 1)
""",
        """
def read_in_pieces(rnn, x, size):  # a list of pieces
    h, states = None, []
    for piece in x.split(size, 1):
        out, h = rnn(piece, h)
        states.append(out)
        h = h.detach()
    return states
""",
        """
def read_in_pieces(rnn, x, size):  # one border too early
    h, states = None, []
    for t in range(x.shape[1]):
        h = h.detach() if t % size == size - 1 and h is not None else h
        out, h = rnn(x[:, t : t + 1], h)
        states.append(out)
    return torch.cat(states, 1)
""",
        """
def read_in_pieces(rnn, x, size):  # cut along the batch
    h, states = None, []
    for piece in x.split(size):
        out, h = rnn(piece, h)
        h = h.detach()
        states.append(out)
    return torch.cat(states)
""",
        """
def read_in_pieces(rnn, x, size):
    with torch.no_grad():
        return rnn(x)[0]
""",
        """
def read_in_pieces(rnn, x, size):  # `size` pieces instead of pieces of `size`
    h, states = None, []
    for piece in x.chunk(size, 1):
        out, h = rnn(piece, h)
        h = h.detach()
        states.append(out)
    return torch.cat(states, 1)
""",
        """
def read_in_pieces(rnn, x, size):  # detach() returns a tensor, it changes none
    h, states = None, []
    for piece in x.split(size, 1):
        out, h = rnn(piece, h)
        h.detach()
        states.append(out)
    return torch.cat(states, 1)
""",
    ],
    3: [
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
    4: [
        BACKWARD,
        but(
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
            ("v @ W_hh + h_bar * z,", "v @ W_hh,"),
        ),
        but(
            ("a_z = h_bar * (h - n) * z * (1 - z)", "a_z = h_bar * (n - h) * z * (1 - z)"),
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
        ),
        but(
            ("a_z = h_bar * (h - n) * z * (1 - z)", "a_z = h_bar * (h - n)"),
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
        ),
        but(
            ("a_n = h_bar * (1 - z) * (1 - n**2)", "a_n = h_bar * z * (1 - n**2)"),
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
        ),
        but(
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
            ("v.T @ h,", "u.T @ h,"),
        ),
        but(
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
            ("u.T @ x,", "x.T @ u,"),
        ),
        but(
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
            ("v.sum(0),", "v.mean(0),"),
        ),
        but(
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
            ("        v.sum(0),\n", ""),
        ),
        but(
            ("a_n = h_bar * (1 - z) * (1 - n**2)", "a_n = h_bar * (1 - z) * (1 - n)"),
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            ),
        ),
        but(
            ("a_r = a_n * n_h * r * (1 - r)", "a_r = a_n * n_x * r * (1 - r)"),
            ("torch.cat([a_r, a_z, a_n], 1)\n", "torch.cat([a_r, a_z, a_n * r], 1)\n"),
        ),
        but(
            (
                "u, v = torch.cat([a_r, a_z, a_n], 1), torch.cat([a_r, a_z, a_n], 1)",
                "u, v = torch.cat([a_z, a_r, a_n], 1), torch.cat([a_r, a_z, a_n * r], 1)",
            )
        ),
    ],
}
