"""Answers to the exercises of notebook 14, as students might write them."""

RIGHT = {
    1: [
        "lambda width, hidden: 4 * width**2 + 2 * width * hidden + 9 * width + hidden",
        """
from torch import nn

def weights_of_a_block(width, hidden):
    layers = [nn.Linear(width, width) for _ in range(4)]
    layers += [nn.Linear(width, hidden), nn.Linear(hidden, width)]
    layers += [nn.LayerNorm(width), nn.LayerNorm(width)]
    return torch.tensor(sum(p.numel() for layer in layers for p in layer.parameters()))
""",
        """
def weights_of_a_block(width, hidden):
    total = 0
    for m, n in [(width, width)] * 4 + [(width, hidden), (hidden, width)]:
        total += m * n + n
    return float(total + 2 * 2 * width)
""",
        """
def weights_of_a_block(width, hidden):
    options = {"vocab_size": 1, "width": width, "hidden": hidden, "heads": 1}
    with torch.device("meta"):
        block = transformer.Block(transformer.TransformerConfig(**options))
    return sum(p.numel() for p in block.parameters())
""",
        """
def weights_of_a_block(width, hidden):
    attention = 4 * (width + 1) * width
    return attention + (width + 1) * hidden + (hidden + 1) * width + 2 * width + 2 * width
""",
    ],
    2: [
        """
def mask_with_a_question(time, given):
    mask = torch.zeros(time, time, dtype=torch.bool)
    for row in range(time):
        for column in range(time):
            mask[row, column] = column <= row or (row < given and column < given)
    return mask
""",
        """
def mask_with_a_question(time, given):
    mask = torch.ones(time, time).tril()
    mask[:given, :given] = 1
    return mask.bool()
""",
        """
def mask_with_a_question(time, given):
    return [[c <= r or c < given for c in range(time)] for r in range(time)]
""",
        """
import numpy as np

def mask_with_a_question(time, given):
    mask = np.tri(time, dtype=bool)
    mask[:, :given] = True
    return mask
""",
        """
def mask_with_a_question(time, given):
    hidden = torch.full((time, time), -torch.inf).triu(1)
    hidden[:, :given] = 0
    return hidden == 0
""",
        """
def mask_with_a_question(time, given):
    last_seen = torch.arange(time).clamp_min(given - 1)  # (time,): for each row
    return torch.arange(time).expand(time, time) <= last_seen[:, None]
""",
    ],
    3: [
        """
def one_more_word(q, k, v, keys, values):
    keys, values = torch.vstack([keys, k]), torch.vstack([values, v])
    weights = torch.softmax(q @ keys.T / len(q) ** 0.5, dim=-1)
    return weights @ values
""",
        """
def one_more_word(q, k, v, keys, values):
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    return nn.functional.scaled_dot_product_attention(q[None], keys, values)[0]
""",
        """
def one_more_word(q, k, v, keys, values):
    scores = [float(q @ key) / math.sqrt(len(q)) for key in (*keys, k)]
    top = [math.exp(score) for score in scores]
    return sum(w / sum(top) * value for w, value in zip(top, (*values, v), strict=True))
""",
        """
def one_more_word(q, k, v, keys, values):
    e_old, e_new = (keys @ q / len(q) ** 0.5).exp(), (k @ q / len(q) ** 0.5).exp()
    return (e_old @ values + e_new * v) / (e_old.sum() + e_new)
""",
        """
def one_more_word(q, k, v, keys, values):  # the last row of all places
    asked = torch.zeros(len(keys) + 1, len(q))
    asked[-1] = q
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    return causal_attention(asked, keys, values)[0][-1]
""",
        """
import numpy as np
from scipy.special import softmax

def one_more_word(q, k, v, keys, values):
    q, k, v, keys, values = (x.numpy() for x in (q, k, v, keys, values))
    weights = softmax(np.r_[keys, k[None]].dot(q) / np.sqrt(q.size))
    return np.r_[values, v[None]].T.dot(weights)
""",
    ],
    4: [
        """
def attention_with_alibi(q, k, v):
    heads, time, d = q.shape
    slopes = torch.tensor([2 ** (-8 * h / heads) for h in range(1, heads + 1)])
    out = torch.zeros_like(q)
    for h in range(heads):
        for t in range(time):
            scores = k[h, : t + 1] @ q[h, t] / d**0.5
            scores = scores - slopes[h] * torch.arange(t, -1, -1)
            out[h, t] = scores.softmax(0) @ v[h, : t + 1]
    return out
""",
        """
def attention_with_alibi(q, k, v):
    H, T, d = q.shape
    place = torch.arange(T)
    bias = (place - place[:, None]) * (0.5 ** (8 * torch.arange(1, H + 1) / H)).view(H, 1, 1)
    bias = bias + torch.full((T, T), float("-inf")).triu(1)
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
""",
        """
def attention_with_alibi(q, k, v):
    H, T, d = q.shape
    distance = (torch.arange(T)[:, None] - torch.arange(T)).clamp_min(0)
    slopes = torch.logspace(-8 / H, -8, H, base=2)
    scores = torch.einsum("htd,hsd->hts", q, k) / math.sqrt(d) - slopes[:, None, None] * distance
    scores[:, torch.ones(T, T).triu(1) == 1] = -1e30
    return torch.einsum("hts,hsd->htd", scores.softmax(-1), v)
""",
        """
def attention_with_alibi(q, k, v):
    H, T, d = q.shape
    rows = []
    for t in range(T):
        back = torch.arange(t, -1, -1.0)  # (t + 1,)
        slopes = torch.tensor([0.5 ** (8 * h / H) for h in range(1, H + 1)])
        scores = (k[:, : t + 1] * q[:, t, None]).sum(2) / d**0.5 - torch.outer(slopes, back)
        rows.append((scores.softmax(1)[:, :, None] * v[:, : t + 1]).sum(1))
    return torch.stack(rows, dim=1)
""",
        """
def attention_with_alibi(q, k, v):  # the bias of a key alone: a row's own shift cancels
    H, T, d = q.shape
    slopes = (-8 / H * torch.arange(1, H + 1)).exp2()
    scores = torch.baddbmm(slopes[:, None, None] * torch.arange(T).expand(H, 1, T), q, k.mT,
                           alpha=1 / d**0.5)
    scores += torch.full((T, T), -torch.inf).triu(1)
    return scores.softmax(-1).bmm(v)
""",
    ],
}
WRONG = {
    1: [
        "lambda width, hidden: 4 * width**2 + 2 * width * hidden",
        "lambda width, hidden: 12 * width**2 + 13 * width",
        "lambda width, hidden: 3 * (width**2 + width) + 2 * width * hidden + hidden + 5 * width",
        "lambda width, hidden: None",
        """
def weights_of_a_block(width, hidden):  # a bias for each input, not for each output
    linear = lambda m, n: m * n + m
    return 4 * linear(width, width) + linear(width, hidden) + linear(width, hidden) + 4 * width
""",
        """
def weights_of_a_block(width, hidden):  # one norm more, the last one
    return 4 * width**2 + 2 * width * hidden + 9 * width + hidden + 2 * width
""",
        "lambda width, hidden: 2 * width**2 + 2 * width * hidden + 7 * width + hidden",
    ],
    2: [
        """
def mask_with_a_question(time, given):
    mask = torch.ones(time, time).triu()
    mask[:given, :given] = 1
    return mask.bool()
""",
        "lambda time, given: torch.ones(time, time, dtype=torch.bool)",
        "lambda time, given: torch.ones(time, time).tril(-1).bool()",
        """
def mask_with_a_question(time, given):  # the question is hidden from what comes after it
    mask = torch.ones(time, time).tril()
    mask[:given, :given] = 1
    mask[given:, :given] = 0
    return mask.bool()
""",
        """
def mask_with_a_question(time, given):  # the question sees everything
    mask = torch.ones(time, time).tril()
    mask[:given] = 1
    return mask.bool()
""",
        """
def mask_with_a_question(time, given):  # minus infinity where looking isn't allowed
    mask = torch.full((time, time), -torch.inf).triu(1)
    mask[:given, :given] = 0
    return mask
""",
    ],
    3: [
        """
def one_more_word(q, k, v, keys, values):
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    return (keys @ q / math.sqrt(len(q))).sigmoid() @ values
""",
        """
def one_more_word(q, k, v, keys, values):
    keys, values = torch.cat([k[None], keys]), torch.cat([values, v[None]])
    return (keys @ q / math.sqrt(len(q))).softmax(0) @ values
""",
        """
def one_more_word(q, k, v, keys, values):
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    return (keys @ q / len(q)).softmax(0) @ values
""",
        """
def one_more_word(q, k, v, keys, values):  # a row too many
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    return causal_attention(q.expand(len(keys), -1), keys, values)[0]
""",
        """
def one_more_word(q, k, v, keys, values):  # the scores after the softmax
    keys, values = torch.cat([keys, k[None]]), torch.cat([values, v[None]])
    return (keys @ q).softmax(0) / math.sqrt(len(q)) @ values
""",
        """
def one_more_word(q, k, v, keys, values):  # the weights alone
    return (torch.cat([keys, k[None]]) @ q / math.sqrt(len(q))).softmax(0)
""",
    ],
    4: [
        """
def attention_with_alibi(q, k, v):
    return (q @ k.transpose(1, 2) / math.sqrt(q.shape[2])).softmax(2) @ v
""",
        """
def attention_with_alibi(q, k, v):
    H, T, d = q.shape
    place = torch.arange(T)
    bias = (place - place[:, None]) * (2.0 ** (-torch.arange(1, H + 1).float())).view(H, 1, 1)
    bias = bias + torch.full((T, T), float("-inf")).triu(1)
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
""",
        "lambda q, k, v: v",
        """
def attention_with_alibi(q, k, v):  # distances squared
    H, T, d = q.shape
    far = (torch.arange(T)[:, None] - torch.arange(T)) ** 2
    slopes = 2.0 ** (-8 * torch.arange(1, H + 1) / H)
    scores = q @ k.mT / d**0.5 - slopes[:, None, None] * far
    return scores.masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf).softmax(2) @ v
""",
        """
def attention_with_alibi(q, k, v):  # after the softmax
    H, T, d = q.shape
    far = torch.arange(T)[:, None] - torch.arange(T)
    slopes = 2.0 ** (-8 * torch.arange(1, H + 1) / H)
    scores = (q @ k.mT / d**0.5).masked_fill(far < 0, -torch.inf).softmax(2)
    return (scores - slopes[:, None, None] * far.clamp_min(0)) @ v
""",
        """
def attention_with_alibi(q, k, v):  # no √d
    H, T, d = q.shape
    far = torch.arange(T)[:, None] - torch.arange(T)
    slopes = 2.0 ** (-8 * torch.arange(1, H + 1) / H)
    scores = q @ k.mT - slopes[:, None, None] * far
    return scores.masked_fill(far < 0, -torch.inf).softmax(2) @ v
""",
    ],
}
