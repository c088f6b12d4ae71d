"""Answers to the exercises of notebook 15."""

RIGHT = {
    1: [
        "lambda blocks, kv_heads, head, tokens: 4 * blocks * kv_heads * head * tokens",
        """
def cache_bytes(blocks, kv_heads, head, tokens):
    keys = torch.zeros(blocks, kv_heads, tokens, head, dtype=torch.float16, device="meta")
    return 2 * keys.numel() * keys.element_size()
""",
        """
def cache_bytes(blocks, kv_heads, head, tokens):
    numbers = math.prod([blocks, kv_heads, head, tokens])
    return float(numbers * 2 + numbers * 2)
""",
    ],
    2: [
        """
def induce(tokens):
    *before, last = tokens
    if last not in before:
        return None
    return tokens[len(before) - before[::-1].index(last)]
""",
        """
def induce(tokens):
    after = {}
    for token, following in zip(tokens, tokens[1:]):
        after[token] = following
    return after.get(tokens[-1])
""",
        """
def induce(tokens):
    places = [i for i in range(len(tokens) - 1) if tokens[i] == tokens[-1]]
    return tokens[places[-1] + 1] if places else None
""",
    ],
    3: [
        "lambda so_far: so_far.decode('utf-8', 'ignore')",
        """
def complete(so_far):
    for end in range(len(so_far), -1, -1):
        try:
            return so_far[:end].decode()
        except UnicodeDecodeError:
            pass
""",
        """
import codecs

def complete(so_far):
    return codecs.getincrementaldecoder("utf-8")().decode(so_far)
""",
        """
def complete(so_far):
    return so_far.decode(errors="replace").rstrip("\\N{REPLACEMENT CHARACTER}")
""",
    ],
    4: [
        """
def decode_q8_0(rows):
    blocks = rows.reshape(len(rows), -1, 34)
    d = blocks[:, :, :2].clone().view(torch.half)
    n = blocks[:, :, 2:].clone().view(torch.int8)
    return (d.float() * n.float()).reshape(len(rows), -1)
""",
        """
import numpy as np

def decode_q8_0(rows):
    kind = np.dtype([("d", "<f2"), ("n", "i1", 32)])
    blocks = np.ascontiguousarray(rows.numpy()).view(kind)
    weights = blocks["d"].astype(np.float32)[..., None] * blocks["n"]
    return torch.tensor(weights.reshape(len(rows), -1))
""",
        """
def decode_q8_0(rows):
    n = rows.unflatten(1, (-1, 34))[..., 2:].int()
    n = torch.where(n > 127, n - 256, n)
    d = rows.unflatten(1, (-1, 34))[..., :2].contiguous().view(torch.float16).float()
    return (n * d).flatten(1)
""",
    ],
}
WRONG = {
    1: [
        "lambda blocks, kv_heads, head, tokens: 2 * blocks * kv_heads * head * tokens",
        "lambda blocks, kv_heads, head, tokens: 8 * blocks * kv_heads * head * tokens",
        "lambda blocks, kv_heads, head, tokens: 4 * kv_heads * head * tokens",
        "lambda blocks, kv_heads, head, tokens: 4 * blocks * kv_heads * head * tokens**2",
    ],
    2: [
        "lambda tokens: tokens[-1]",
        "lambda tokens: tokens[tokens.index(tokens[-1]) + 1]",
        """
def induce(tokens):
    for place in range(len(tokens) - 2, -1, -1):
        if tokens[place] == tokens[-1]:
            return place + 1
""",
        """
def induce(tokens):
    for place in range(len(tokens) - 1):
        if tokens[place] == tokens[-1]:
            return tokens[place + 1]
""",
    ],
    3: [
        "lambda so_far: so_far.decode(errors='replace')",
        "lambda so_far: so_far.decode('latin-1')",
        "lambda so_far: so_far.decode()",
        "lambda so_far: so_far[:-1].decode(errors='ignore')",
        "lambda so_far: so_far",
    ],
    4: [
        "lambda rows: rows.float()",
        "lambda rows: gguf.dequantize(rows.numpy(), gguf.GGMLQuantizationType.Q4_1)",
        "lambda rows: decode_q4_1(rows)",
        """
def decode_q8_0(rows):
    blocks = rows.unflatten(1, (-1, 34))
    d = blocks[..., :2].contiguous().view(torch.float16).float()
    return (d * blocks[..., 2:]).flatten(1)
""",
    ],
}
