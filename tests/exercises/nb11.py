"""Answers to the exercises of notebook 11."""

RIGHT = {
    1: [
        "lambda c, r: 1.0 if c >= r else math.exp(1 - r / c)",
        """
import numpy as np

def brevity_penalty(c, r):
    return np.minimum(1, np.exp(1 - r / c))
""",
        "lambda c, r: torch.tensor(1 - r / c).exp().clamp(max=1)",
        "lambda c, r: math.exp(min(0, 1 - r / c))",
        "lambda c, r: math.e ** -max(0, (r - c) / c)",
        """
def brevity_penalty(c, r):
    if c > r:
        return 1
    return torch.exp(torch.tensor(1 - r / c, dtype=torch.float64))
""",
    ],
    2: [
        """
def attend(states, memory, lengths):
    scores = torch.einsum("bwd,brd->bwr", states, memory)
    for row, n in enumerate(lengths.tolist()):
        scores[row, :, n:] = float("-inf")
    return torch.einsum("bwr,brd->bwd", scores.softmax(-1), memory)
""",
        """
def attend(states, memory, lengths):
    contexts = []
    for s, m, n in zip(states, memory, lengths):
        m = m[:n]
        contexts.append(torch.softmax(s @ m.T, dim=1) @ m)
    return torch.stack(contexts)
""",
        """
def attend(states, memory, lengths):
    real = torch.arange(memory.shape[1]) < lengths[:, None, None]
    return nn.functional.scaled_dot_product_attention(
        states, memory, memory, attn_mask=real, scale=1.0
    )
""",
        """
def attend(states, memory, lengths):
    real = models.length_mask(lengths, memory.size(1)).unsqueeze(1)
    e = torch.bmm(states, memory.mT).exp() * real
    return torch.bmm(e / e.sum(2, keepdim=True), memory)
""",
        """
import numpy as np

def attend(states, memory, lengths):
    s, m, n = states.numpy(), memory.numpy(), lengths.numpy()
    scores = s @ m.transpose(0, 2, 1)
    real = np.arange(m.shape[1]) < n[:, None, None]
    e = np.where(real, np.exp(scores), 0.0)
    return (e / e.sum(axis=2, keepdims=True)) @ m
""",
        """
def attend(states, memory, lengths):
    scores = states.double() @ memory.double().mT
    padding = ~models.length_mask(lengths, memory.shape[1])[:, None]
    return (scores - 1e9 * padding).softmax(dim=2) @ memory.double()
""",
    ],
    3: [
        """
def copy_unknown(written, source, weights):
    for place, word in enumerate(written):
        if word == "<unk>":
            written[place] = source[int(weights[place].argmax())]
    return written
""",
        """
def copy_unknown(written, source, weights):
    words = []
    for word, row in zip(written, weights.tolist()):
        words.append(source[row.index(max(row))] if word == "<unk>" else word)
    return tuple(words)
""",
        """
import numpy as np

def copy_unknown(written, source, weights):
    best = np.array(source)[weights.numpy().argmax(axis=1)]
    return np.where(np.array(written) == "<unk>", best, np.array(written))
""",
        """
def copy_unknown(written, source, weights):
    meant = [max(zip(row, source))[1] for row in weights.tolist()]
    return [m if w == "<unk>" else w for w, m in zip(written, meant)]
""",
        """
def copy_unknown(written, source, weights):
    _, places = weights.max(dim=-1)
    return (source[p] if w == "<unk>" else w for w, p in zip(written, places))
""",
    ],
    4: [
        r"""
def cut(text):
    return re.sub("([\u4e00-\u9fff])", r" \1 ", text).split()
""",
        """
def cut(text):
    tokens, run = [], ""
    for c in text + " ":
        if c.isspace() or "\\u4e00" <= c <= "\\u9fff":
            if run:
                tokens.append(run)
            run = ""
            if not c.isspace():
                tokens.append(c)
        else:
            run += c
    return tokens
""",
        """
def cut(text):
    return [m.group() for m in re.finditer("[\\u4e00-\\u9fff]|[^\\u4e00-\\u9fff\\\\s]+", text)]
""",
        """
def cut(text):
    parts = re.split("([\\u4e00-\\u9fff])|\\\\s+", text)
    return tuple(part for part in parts if part)
""",
        """
from itertools import groupby

def cut(text):
    tokens = []
    for piece in text.split():
        for chinese, group in groupby(piece, lambda c: 0x4E00 <= ord(c) <= 0x9FFF):
            tokens += list(group) if chinese else ["".join(group)]
    return tokens
""",
    ],
}
WRONG = {
    1: [
        "lambda c, r: min(0, 1 - r / c)",
        "lambda c, r: max(1, math.exp(1 - r / c))",
        "lambda c, r: min(1, math.exp(1 - r // c))",
        "lambda c, r: min(1, math.exp(r / c - 1))",
        "lambda c, r: min(1, math.exp(-r / c))",
        "lambda c, r: math.exp(1 - r / c) if c > r else 1",
        "lambda c, r: 1 if c > r else 0",
        "lambda c, r: min(1, math.exp(c - r))",
        "lambda c, r: math.exp(1 - r / c) if c < r else None",
        "lambda c, r: min(1, 2 ** (1 - r / c))",
    ],
    2: [
        """
def attend(states, memory, lengths):  # <= for <
    real = torch.arange(memory.shape[1]) <= lengths[:, None, None]
    return (states @ memory.mT).masked_fill(~real, -torch.inf).softmax(2) @ memory
""",
        """
def attend(states, memory, lengths):  # the mask the other way round
    real = models.length_mask(lengths, memory.shape[1])[:, None]
    return (states @ memory.mT).masked_fill(real, -1e9).softmax(2) @ memory
""",
        """
def attend(states, memory, lengths):  # a score of 0 is a weight
    real = models.length_mask(lengths, memory.shape[1])[:, None]
    return ((states @ memory.mT) * real).softmax(2) @ memory
""",
        """
def attend(states, memory, lengths):  # the weights, not the context
    real = models.length_mask(lengths, memory.shape[1])[:, None]
    return (states @ memory.mT).masked_fill(~real, -torch.inf).softmax(2)
""",
        """
def attend(states, memory, lengths):  # padding to zeros, which get weight, too
    memory = memory * models.length_mask(lengths, memory.shape[1])[:, :, None]
    return (states @ memory.mT).softmax(2) @ memory
""",
        """
def attend(states, memory, lengths):  # without a softmax
    real = models.length_mask(lengths, memory.shape[1])[:, None]
    scores = (states @ memory.mT) * real
    return scores / scores.sum(2, keepdim=True) @ memory
""",
        """
def attend(states, memory, lengths):  # the mean of the real rows
    real = models.length_mask(lengths, memory.shape[1])[:, :, None]
    return (memory * real).sum(1, keepdim=True) / lengths[:, None, None]
""",
        """
def attend(states, memory, lengths):  # without the transpose
    real = models.length_mask(lengths, memory.shape[1])[:, None]
    return (states @ memory).masked_fill(~real, -torch.inf).softmax(2) @ memory
""",
        """
def attend(states, memory, lengths):  # the mask lacks an axis
    real = models.length_mask(lengths, memory.shape[1])
    return (states @ memory.mT).masked_fill(~real, -torch.inf).softmax(2) @ memory
""",
        """
def attend(states, memory, lengths):  # cut at the longest only
    memory = memory[:, : lengths.max()]
    return (states @ memory.mT).softmax(2) @ memory
""",
    ],
    3: [
        """
lambda w, s, a: (
    [s[i] if word == '<unk>' else word for word, i in zip(w, a.argmax(0).tolist())]
)
""",
        """
lambda w, s, a: (
    [s[i] if word == '<unk>' else word for word, i in zip(w, a.argmin(1).tolist())]
)
""",
        "lambda w, s, a: [s[i] for word, i in zip(w, a.argmax(1).tolist()) if word == '<unk>']",
        "lambda w, s, a: [word for word in w if word != '<unk>']",
        "lambda w, s, a: [s[0] if word == '<unk>' else word for word in w]",
        """
lambda w, s, a: (
    [i if word == '<unk>' else word for word, i in zip(w, a.argmax(1).tolist())]
)
""",
        """
lambda w, s, a: (
    ' '.join(s[i] if x == '<unk>' else x for x, i in zip(w, a.argmax(1).tolist()))
)
""",
        """
lambda w, s, a: (
    [s[i] if word == 'unk' else word for word, i in zip(w, a.argmax(1).tolist())]
)
""",
        "lambda w, s, a: [s[a.argmax()] if word == '<unk>' else word for word in w]",
        """
def copy_unknown(written, source, weights):  # the k-th unknown is the k-th source word
    unknown = iter(source)
    return [next(unknown) if word == "<unk>" else word for word in written]
""",
        """
def copy_unknown(written, source, weights):  # nothing is given back
    for place, word in enumerate(written):
        if word == "<unk>":
            written[place] = source[int(weights[place].argmax())]
""",
        """
def copy_unknown(written, source, weights):  # the first alone
    place = written.index("<unk>")
    written[place] = source[int(weights[place].argmax())]
    return written
""",
    ],
    4: [
        "lambda text: re.findall('[\\u4e00-\\u9fff]+|[^\\\\s\\u4e00-\\u9fff]+', text)",
        "lambda text: re.findall('[\\u4e00-\\u9fff]|[^\\u4e00-\\u9fff]+', text)",
        "lambda text: re.findall('[\\u4e00-\\u9fff]|[A-Za-z]+', text)",
        "lambda text: re.findall('[\\u4e00-\\u9fff]|[A-Za-z0-9%]+', text)",
        "lambda text: re.findall('[\\u4e00-\\u9fff]|\\\\w+', text)",
        "lambda text: re.findall('[\\u4e00-\\u9fff]|[^\\\\s\\u4e00-\\u9fff]', text)",
        "lambda text: ' '.join(re.findall('[\\u4e00-\\u9fff]|[^\\\\s\\u4e00-\\u9fff]+', text))",
        "lambda text: {*re.findall('[\\u4e00-\\u9fff]|[^\\\\s\\u4e00-\\u9fff]+', text)}",
        "lambda text: re.sub('([^ -~])', ' \\\\1 ', text).split()",
        "lambda text: list(text) if text > '\\u4e00' else text.split()",
        "lambda text: re.split('[\\u4e00-\\u9fff]', text)",
        "lambda text: data.tokenize(text)",
    ],
}
