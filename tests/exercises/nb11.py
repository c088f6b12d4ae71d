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
def look_back(x):
    scores = torch.einsum("btd,bsd->bts", x, x)
    for t in range(x.shape[1]):
        scores[:, t, t + 1 :] = float("-inf")
    weights = torch.softmax(scores, dim=-1)
    return torch.einsum("bts,bsd->btd", weights, x), weights
""",
        """
def look_back(x):
    mixed, weights = torch.zeros_like(x), torch.zeros(*x.shape[:2], x.shape[1])
    for row in range(len(x)):
        for t in range(x.shape[1]):
            seen = x[row, : t + 1]
            weights[row, t, : t + 1] = (seen @ x[row, t]).softmax(0)
            mixed[row, t] = weights[row, t, : t + 1] @ seen
    return mixed, weights
""",
        """
def look_back(x):
    T = x.size(1)
    mixed = nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True, scale=1.0)
    eye = torch.eye(T).expand(len(x), T, T)
    weights = nn.functional.scaled_dot_product_attention(x, x, eye, is_causal=True, scale=1.0)
    return [mixed, weights]
""",
        """
def look_back(x):
    e = torch.bmm(x, x.transpose(1, 2)).double().exp().tril()
    weights = e / e.sum(2, keepdim=True)
    return weights @ x.double(), weights
""",
        """
import numpy as np

def look_back(x):
    x = x.numpy()
    scores = x @ x.transpose(0, 2, 1)
    scores = np.where(np.tri(x.shape[1], dtype=bool), scores, -np.inf)
    e = np.exp(scores - scores.max(axis=2, keepdims=True))
    weights = e / e.sum(axis=2, keepdims=True)
    return weights @ x, weights
""",
        """
def look_back(x):
    places = torch.arange(x.shape[1])
    penalty = 1e9 * (places[None, :] > places[:, None])
    weights = (x @ x.mT - penalty).softmax(dim=2)
    return weights.matmul(x), weights
""",
        """
def look_back(x):
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
    weights = torch.softmax(x @ x.transpose(-2, -1) + mask, -1)
    return weights @ x, weights
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
        "lambda c, r: min(1.0, 1 - r / c)",
        "lambda c, r: 100 * min(1.0, math.exp(1 - r / c))",
    ],
    2: [
        """
def look_back(x):  # looks forward only
    earlier = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(-1)
    weights = (x @ x.mT).masked_fill(earlier, -torch.inf).softmax(2)
    return weights @ x, weights
""",
        """
def look_back(x):  # a score of 0 is a weight
    weights = (x @ x.mT).tril().softmax(2)
    return weights @ x, weights
""",
        """
def look_back(x):  # the mixed vectors alone
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    return (x @ x.mT).masked_fill(later, -torch.inf).softmax(2) @ x
""",
        """
def look_back(x):  # the weights first
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    weights = (x @ x.mT).masked_fill(later, -torch.inf).softmax(2)
    return weights, weights @ x
""",
        """
def look_back(x):  # the scores for the weights
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    scores = (x @ x.mT).masked_fill(later, -torch.inf)
    return scores.softmax(2) @ x, scores
""",
        """
def look_back(x):  # without a softmax
    scores = (x @ x.mT).tril()
    return scores @ x, scores
""",
        """
def look_back(x):  # every earlier word alike
    weights = torch.ones(len(x), x.shape[1], x.shape[1]).tril()
    weights = weights / weights.sum(2, keepdim=True)
    return weights @ x, weights
""",
        """
def look_back(x):  # its own vector added, too
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    weights = (x @ x.mT).masked_fill(later, -torch.inf).softmax(2)
    return x + weights @ x, weights
""",
        """
def look_back(x):  # between the texts of the batch
    weights = (x.transpose(0, 1) @ x.permute(1, 2, 0)).softmax(2)
    return (weights @ x.transpose(0, 1)).transpose(0, 1), weights
""",
        """
def look_back(x):  # without the transpose
    weights = (x @ x).softmax(2)
    return weights @ x, weights
""",
        """
def look_back(x):  # a tiny score instead of a very negative one
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    weights = (x @ x.mT).masked_fill(later, -1e-9).softmax(2)
    return weights @ x, weights
""",
        """
def look_back(x):  # who is asked gets the mean
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    weights = (x @ x.mT).masked_fill(later, -torch.inf).softmax(2)
    return weights.mT @ x, weights
""",
        """
def look_back(x):  # the wrong letter in the scale: the time
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    weights = (x @ x.mT / x.shape[1] ** 0.5).masked_fill(later, -torch.inf).softmax(2)
    return weights @ x, weights
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
def copy_unknown(written, source, weights):  # the list isn't changed by its loop's variable
    for word, place in zip(written, weights.argmax(1)):
        if word == "<unk>":
            word = source[place]
    return written
""",
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
        "lambda text: re.findall('[\\u4e00-\\u9fff]|[!-~]+', text)",
        "lambda text: [c for c in text if not c.isspace()]",
    ],
}
