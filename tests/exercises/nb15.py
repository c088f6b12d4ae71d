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
        """
def cache_bytes(blocks, kv_heads, head, tokens):
    options = {"width": kv_heads * head, "heads": kv_heads, "kv_heads": kv_heads}
    config = transformer.TransformerConfig(vocab_size=1, blocks=blocks, **options)
    like = torch.zeros(1, dtype=torch.float16, device="meta")
    cache = transformer.KeyValueCache(config, 1, tokens, like)
    return sum(t.nbytes for t in vars(cache).values() if isinstance(t, Tensor))
""",
        """
import numpy as np

def cache_bytes(blocks, kv_heads, head, tokens):
    pair = 2 * np.dtype("float16").itemsize
    return np.prod([pair, blocks, kv_heads, head, tokens], dtype=np.int64)
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
        """
def induce(tokens):
    backward = iter(tokens[::-1])
    last = after = next(backward)
    for token in backward:
        if token == last:
            return after
        after = token
""",
        """
def induce(tokens):
    found = torch.tensor(tokens[:-1]).eq(tokens[-1]).nonzero().flatten()
    return tokens[int(found.max()) + 1] if len(found) else None
""",
        """
def induce(tokens):
    followers = [b for a, b in zip(tokens, tokens[1:]) if a == tokens[-1]]
    return ([None] + followers)[-1]
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
        """
def complete(so_far):
    done, at = "", 0
    while at < len(so_far):
        first = so_far[at]
        size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        if at + size > len(so_far):
            break
        done += so_far[at : at + size].decode()
        at += size
    return done
""",
        """
def complete(so_far):
    try:
        return str(so_far, "utf-8")
    except UnicodeDecodeError as error:
        return str(so_far[: error.start], "utf-8")
""",
        """
import io

def complete(so_far):
    reader = io.TextIOWrapper(io.BytesIO(so_far), encoding="utf-8", errors="ignore", newline="")
    return reader.read()
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
        """
def decode_q8_0(rows):
    rows = rows.view(len(rows), -1, 34)
    low, high = rows[..., 0].int(), rows[..., 1].int()  # the bits of d, by hand
    bits = low + 256 * high
    sign, power, rest = bits >> 15, (bits >> 10) & 31, bits & 1023
    d = torch.where(power > 0, (1 + rest / 1024) * 2.0 ** (power - 15), rest * 2.0**-24)
    n = (rows[..., 2:].int() + 128) % 256 - 128
    return (d * (1 - 2 * sign))[..., None].mul(n).flatten(1)
""",
        """
import struct

def decode_q8_0(rows):
    found = []
    for row in rows:
        raw = bytes(row.tolist())
        weights = []
        for start in range(0, len(raw), 34):
            d, *n = struct.unpack("<e32b", raw[start : start + 34])
            weights += [d * number for number in n]
        found.append(weights)
    return torch.tensor(found)
""",
        """
def decode_q8_0(rows):
    return torch.from_numpy(gguf.quants.Q8_0.dequantize(rows.numpy()))
""",
    ],
}
WRONG = {
    1: [
        "lambda blocks, kv_heads, head, tokens: 2 * blocks * kv_heads * head * tokens",
        "lambda blocks, kv_heads, head, tokens: 8 * blocks * kv_heads * head * tokens",
        "lambda blocks, kv_heads, head, tokens: 4 * kv_heads * head * tokens",
        "lambda blocks, kv_heads, head, tokens: 4 * blocks * kv_heads * head * tokens**2",
        "lambda blocks, kv_heads, head, tokens: 2 * 2 * (blocks + kv_heads + head) * tokens",
        """
def cache_bytes(blocks, kv_heads, head, tokens):  # in bits
    return 8 * 2 * 2 * blocks * kv_heads * head * tokens
""",
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
        """
def induce(tokens):  # raises where the last token never came before
    places = [i for i, token in enumerate(tokens[:-1]) if token == tokens[-1]]
    return tokens[max(places) + 1]
""",
        """
def induce(tokens):  # -1 for none
    for place in range(len(tokens) - 2, -1, -1):
        if tokens[place] == tokens[-1]:
            return tokens[place + 1]
    return -1
""",
        """
def induce(tokens):  # the most frequent follower, not the latest
    from collections import Counter

    followers = Counter(b for a, b in zip(tokens, tokens[1:]) if a == tokens[-1])
    return followers.most_common(1)[0][0] if followers else None
""",
    ],
    3: [
        "lambda so_far: so_far.decode(errors='replace')",
        "lambda so_far: so_far.decode('latin-1')",
        "lambda so_far: so_far.decode()",
        "lambda so_far: so_far[:-1].decode(errors='ignore')",
        "lambda so_far: so_far",
        """
def complete(so_far):  # nothing until all of it is complete
    try:
        return so_far.decode()
    except UnicodeDecodeError:
        return ""
""",
        """
def complete(so_far):  # one byte is cut off at most
    try:
        return so_far.decode()
    except UnicodeDecodeError:
        return so_far[:-1].decode(errors="replace")
""",
        "lambda so_far: str(so_far)",
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
        """
def decode_q8_0(rows):  # d at the end of a block
    blocks = rows.unflatten(1, (-1, 34))
    d = blocks[..., 32:].contiguous().view(torch.float16).float()
    return (d * blocks[..., :32].contiguous().view(torch.int8)).flatten(1)
""",
        """
def decode_q8_0(rows):  # one d for each row
    blocks = rows.unflatten(1, (-1, 34))
    d = rows[:, :2].contiguous().view(torch.float16).float()[:, None]
    return (d * blocks[..., 2:].contiguous().view(torch.int8)).flatten(1)
""",
        """
def decode_q8_0(rows):  # 128 is zero
    blocks = rows.unflatten(1, (-1, 34))
    d = blocks[..., :2].contiguous().view(torch.float16).float()
    return (d * (blocks[..., 2:].float() - 128)).flatten(1)
""",
    ],
}
