# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 16 · Fine-tuning
#
# **The question: how do I make it mine?**
#
# Notebook 15 opened a real LLM. It writes good English, but it answers your question in its own way, if at all. You have a task, a laptop, and a few hundred examples. This notebook takes four roads, from the cheapest to the dearest: you ask it, you read its inner states, you train a hundredth of its weights, and you teach it a form of answer. For each you measure what it brings, and at the end what it costs.
#
# **You will be able to**
# - *ask* a model so that its answer can be scored, and *measure* how much the wording decides,
# - *build* a probe and LoRA from scratch, and *compare* them with notebook 07's models on the same sentences,
# - *teach* a skill with a loss on the reply alone, and *check* what was forgotten.
#
# **You need:** notebooks [07](07_evaluation.ipynb), [14](14_attention.ipynb) and [15](15_open_a_real_llm.ipynb). **Run time:** about 4 minutes on 2 CPU cores. **Before:** [15 · A real LLM, opened](15_open_a_real_llm.ipynb).

# %%
import contextlib
import copy
import itertools
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from llm_helpers import checks, data, evaluation, finetuning, models, pretrained, training
from llm_helpers.figures import BLACK, BLUE, ORANGE, RED, show

training.seed_everything(0)

# %% [markdown]
# ## 1 · Ask it
#
# The task is that of notebook 07: is a review positive or negative? A language model has no output for that. But it gives a probability to every next token. So we write a prompt after which " positive" and " negative" both make sense, and compare the two. The score is
#
# $$s = \ln p(\text{ positive}\mid\text{prompt}) - \ln p(\text{ negative}\mid\text{prompt})$$
#
# and $s > 0$ counts as *positive*. This is called **zero-shot** classification: no example, no training. (An answer of several tokens would have the sum of their logarithms. All of ours are one token, and `token` fails if one isn't.) Token 0, `<|endoftext|>`, marks the beginning.

# %%
model, tokenizer = pretrained.load()
config, E = model.config, model.embedding.weight  # E: (vocab, width)
splits = data.split(data.load())


def token(word: str) -> int:
    (number,) = tokenizer.encode(word).ids
    return number


by_hand = []
for review in ("A dull, lifeless mess.", "Warm, funny and wise."):
    prompt = [0, *tokenizer.encode(f"{review}\nThis review is").ids]
    log_p = model(torch.tensor([prompt]))[0, -1].log_softmax(0)  # (vocab,)
    good, bad = (log_p[token(f" {name}")].item() for name in ("positive", "negative"))
    by_hand.append(good - bad)
    print(f"{review:<23} p = {math.exp(good):.3f} and {math.exp(bad):.3f}, s = {good - bad:+.2f}")
assert by_hand[0] < -0.5 < by_hand[1] and max(good, bad) < math.log(0.05)

# %% [markdown]
# The order is right, but look at the sizes: neither word has even 5 % of the probability. The model would rather say something else. Is this the best way to ask? Here are ten, each with its two answers:

# %%
WORDINGS = [
    ("\nThis review is", " positive", " negative"),
    ("\nSentiment:", " positive", " negative"),
    ("\nIs this positive or negative? It is", " positive", " negative"),
    ("\nIs this negative or positive? It is", " positive", " negative"),
    ("\nDid the critic like the film? Answer:", " Yes", " No"),
    ("\nDid the critic hate the film? Answer:", " No", " Yes"),
    ("\nIn short, the film is", " good", " bad"),
    ("\nAll in all, it was", " great", " terrible"),
    ("\nPersonally, I", " loved", " hated"),
    ("\nThis film is one to", " recommend", " avoid"),
]
plain = [(tokenizer.encode(text).ids, token(yes), token(no)) for text, yes, no in WORDINGS]

# %% [markdown]
# Ten wordings for each review would mean to read each review ten times. The key-value cache of notebook 15 saves that. We read the review once, ask, set the cache's length back to the end of the review, and ask again. Likewise, a beginning that all reviews share is read once and copied into every row. This is called **prompt caching**. And since the softmax divides both probabilities by the same sum, $s$ is simply the difference of two logits.

# %%
from llm_helpers.transformer import KeyValueCache


def read_on(once: KeyValueCache, rows: list[list[int]]) -> tuple[KeyValueCache, Tensor]:
    """Read rows, padded on the left, after a beginning that they share."""
    start, longest = once.length, max(map(len, rows))
    cache = KeyValueCache(config, len(rows), start + longest + 30, E)
    cache.stored[..., :start, :], cache.length = once.stored, start  # copied, not computed
    gaps = [longest - len(row) for row in rows]
    real = [[True] * start + [False] * gap + [True] * (longest - gap) for gap in gaps]
    padded = [[0] * gap + row for gap, row in zip(gaps, rows, strict=True)]
    model.states(torch.tensor(padded), cache, torch.tensor(real))
    return cache, torch.tensor(real)  # (rows, start + longest)


# %%
Question = tuple[list[int], int, int]  # its tokens, and the two answers


@torch.inference_mode()
def odds(texts: list[str], questions: list[Question], before: list[int]) -> Tensor:
    """s for each question and text: (questions, texts)."""
    once = KeyValueCache(config, 1, len(before), E)
    model.states(torch.tensor([before]), once)
    rows = [tokenizer.encode(text).ids for text in texts]
    s = torch.empty(len(questions), len(rows))
    order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
    for some in (order[start : start + 16] for start in range(0, len(rows), 16)):
        cache, real = read_on(once, [rows[n] for n in some])
        end = cache.length
        for number, (ids, yes, no) in enumerate(questions):
            cache.length = end  # back to the end of the review
            seen = nn.functional.pad(real, (0, len(ids)), value=True)
            states = model.states(torch.tensor([ids] * len(some)), cache, seen)[:, -1]
            s[number, some] = states @ (E[yes] - E[no])  # (some,)
    return s


both = odds(["A dull, lifeless mess.", "Warm, funny and wise."], plain[:1], [0])[0]
difference = checks.compare("s with a cache", both, torch.tensor(by_hand), 1e-4)

# %% [markdown]
# The same scores as without a cache. Now 48 reviews of the validation part. **Predict:** how far apart are the best and the worst of ten wordings?
#
# The second column gives each wording a fairer chance. If a wording leans to one answer whatever the review says, $s$ is shifted for all reviews. So we subtract the median of $s$ over the reviews, for which no label is needed: half of them then count as positive. This is a form of **calibration** (Zhao et al. 2021).

# %%
asked = splits.validation[:48]
texts, truth = [e.text for e in asked], torch.tensor([e.label for e in asked])
s = odds(texts, plain, [0])  # (wordings, texts)


def accuracy(s: Tensor) -> Tensor:
    return ((s > 0) == truth.bool()).float().mean(-1)


def centered(s: Tensor) -> Tensor:
    return s - s.median(-1, keepdim=True).values


raw, fair = accuracy(s), accuracy(centered(s))
for (text, *_), a, b, row in zip(WORDINGS, raw, fair, s, strict=True):
    print(f"{text.strip():<38} {a:.2f}, centered {b:.2f}; says yes to {(row > 0).float().mean():.0%}")
assert raw.max() > 0.78 and raw.min() < 0.5 and fair.mean() > raw.mean() + 0.03

# %%
fig, ax = plt.subplots(figsize=(8.5, 3.8))
for shift, (name, values), color in zip(
    (-0.15, 0.15), {"as it is": raw, "centered": fair}.items(), (ORANGE, BLUE), strict=True
):
    error = [evaluation.standard_error(a, len(asked)) for a in values.tolist()]
    places = [place + shift for place in range(10)]
    ax.errorbar(values, places, xerr=error, fmt="o", capsize=3, color=color, label=name)
ax.axvline(0.5, color=BLACK, ls=":", lw=1)
ax.set_yticks(range(10), [text.strip() for text, *_ in WORDINGS], fontsize=9)
ax.invert_yaxis()
ax.set(xlabel="accuracy on 48 reviews (bars: one standard error)", xlim=(0.3, 1))
ax.legend(loc="lower right")
show(
    fig,
    "Accuracy of ten wordings of the same question, with error bars: from below 0.5 to above 0.8 as they are, with “Sentiment:” the best; centered, most lie higher, between about 0.5 and 0.9.",
)

# %% [markdown]
# From worse than a coin to above 0.8, with the same weights and the same reviews. Some wordings call nearly everything positive or nearly everything negative, and centering helps most of these. "Did the critic hate the film?" stays near chance, a *no* that notebook 15 would have warned you of. A single prompt measures the prompt as much as the model.
#
# ### With examples, and in a chat
#
# Notebook 15's sums got better with two solved examples. So we put eight reviews with their labels in front, four of each kind. And since this model was trained on conversations, we also ask in its chat form. **Predict:** does either beat "Sentiment:"?

# %%
short = [e for e in splits.train if len(e.text) < 90]
pairs = zip(*([e for e in short if e.label == label][:4] for label in (1, 0)), strict=True)
shots = [f"{e.text}\nSentiment: {data.LABEL_NAMES[e.label]}\n\n" for pair in pairs for e in pair]
form = pretrained.chat(tokenizer, "Is this film review positive or negative? Answer in one word.\n")
cut = max(place for place, number in enumerate(form) if number == 2)  # the last <|im_end|>
tail = (form[cut:], token("Positive"), token("Negative"))
ways = {"zero-shot": s[1], "ten wordings, mean": centered(s).mean(0)}
ways["eight examples"] = odds(texts, plain[1:2], [0, *tokenizer.encode("".join(shots)).ids])[0]
ways["in a chat"] = odds(texts, [tail], form[:cut])[0]
for name, scores in ways.items():
    a, b = accuracy(scores), accuracy(centered(scores))
    error = evaluation.standard_error(a.item(), len(asked))
    print(f"{name:<19} {a:.2f} ± {error:.2f}, centered {b:.2f}")

# %% [markdown]
# READ-FEWSHOT
#
# So far we only compared two probabilities. What does it *write* when we ask it in the chat?

# %%
request = "Is this film review positive or negative? Answer in one word.\n"
prompts = [pretrained.chat(tokenizer, request + text) for text in texts[:12]]
written = [tokenizer.decode(ids) for ids in pretrained.generate(model, prompts, 12)]
kinds = {}
for answer, label in zip(written, truth.tolist(), strict=False):
    words = [name for name in data.LABEL_NAMES if name in answer.lower()]
    kinds.setdefault(" and ".join(words) or "neither word", []).append(label)
for kind, labels in kinds.items():
    print(f"{kind:<21} {len(labels):>2} answers, {sum(labels)} of them on positive reviews")
print(*written[:3], sep="\n")
one_word = sum(len(answer.split()) == 1 for answer in written)
assert one_word <= 2 and len(kinds["positive"]) >= 5

# %% [markdown]
# It calls most of them positive, in a whole sentence, though we asked for one word. A model of this size follows a form badly. But "Sentiment:" has shown that it knows more than it says. Where is that knowledge?
#
# ## 2 · Read its states: a probe
#
# After each block, every token has a vector of 576 numbers, the residual stream. If the mood of a review is written in there, a simple linear classifier can read it. Such a classifier on frozen states is called a **probe** (Alain & Bengio 2016). The model isn't trained at all. It reads each review once, and then a logistic regression with a few hundred labels takes seconds.
#
# Reading is the expensive part, so we take 600 training reviews of 8,049, 400 for validation, and all 1,005 test reviews of notebook 07.

# %%
examples = [*splits.train[:600], *splits.validation[:400], *splits.test]
TRAIN, VALIDATION, TEST = range(600), range(600, 1000), range(1000, len(examples))
sequences = [[0, *tokenizer.encode(e.text).ids] for e in examples]
y = torch.tensor([e.label for e in examples])
lengths = torch.tensor([len(ids) for ids in sequences])
print(f"{len(examples):,} reviews, {lengths.sum():,} tokens")

# %% [markdown]
# `through` runs states through some of the blocks. All reviews of a batch begin at position 0 and are padded on the right, where no real token can see it, so it needs no mask. From the states we take two summaries of each review: the **last** token, which alone has read everything, and the **mean** over all tokens but the first. (Token 0 is the resting place that so many heads look at in notebook 15. It knows nothing of the review.)

# %%
from llm_helpers.transformer import Places, rotation


def through(x: Tensor, start: int, end: int) -> Tensor:
    """Run (batch, time, width) through blocks start to end - 1."""
    turn = rotation(torch.arange(x.shape[1])[None, None], config.head, config.rotary_base)
    for block in model.blocks[start:end]:
        x = block(x, Places(turn))
    return x


def summary(x: Tensor, lengths: Tensor) -> Tensor:
    """Last token and mean, side by side: (batch, 2 * width)."""
    last, mean = models.pool(x, lengths, "last"), models.pool(x[:, 1:], lengths - 1, "mean")
    return torch.cat([last, mean], dim=1)


# %% [markdown]
# One thing more. In section 3 we'll train blocks 12 to 14, and nothing below them will change. So the states that enter block 12 are worth keeping, for every token: then we never compute the first twelve blocks again. They go into one long `table`, review after review; `starts` says where each review begins.

# %%
KEEP = 12
starts = lengths.cumsum(0) - lengths
table = torch.empty(int(lengths.sum()), config.width)


@torch.inference_mode()
def read(numbers: list[int], depths: list[int]) -> dict[int, Tensor]:
    """Summaries of some reviews after each depth: {depth: (reviews, 2 * width)}."""
    found = {depth: torch.empty(len(numbers), 2 * config.width) for depth in depths}
    for batch in data.BucketBatches([sequences[n] for n in numbers], numbers, 32):
        x = model.embedding(batch.tokens)
        for start, end in itertools.pairwise([0, *depths]):
            x = through(x, start, end)
            found[end][batch.rows] = summary(x, batch.lengths)
            if end == KEEP:
                for row, number, length in zip(x, batch.labels, batch.lengths, strict=True):
                    table[starts[number] :][:length] = row[:length]
    return found


# %% [markdown]
# First, which block knows the mood? We read 150 training and 150 validation reviews through all thirty blocks. **Predict:** does a probe get better and better with depth?

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def probe_of(features: Tensor, labels: Tensor) -> object:
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=500))
    return probe.fit(features.numpy(), labels.numpy())


def rate(probe: object, features: Tensor, labels: Tensor) -> float:
    return float(probe.score(features.numpy(), labels.numpy()))


DEPTHS = [3, 6, 9, 11, 12, 13, 14, 15, 17, 19, 22, 26, 30]
some = [*TRAIN[:150], *VALIDATION[:150]]
deep = read(some, DEPTHS)
PARTS = {"last token": slice(0, 576), "mean": slice(576, None), "both": slice(None)}
by_depth = {
    name: [
        rate(probe_of(x[:150, part], y[some[:150]]), x[150:, part], y[some[150:]])
        for x in deep.values()
    ]
    for name, part in PARTS.items()
}

# %%
fig, ax = plt.subplots(figsize=(8, 3.4))
for (name, values), color in zip(by_depth.items(), (ORANGE, BLUE, BLACK), strict=True):
    ax.plot(DEPTHS, values, "o-", ms=4, color=color, label=name)
error = evaluation.standard_error(0.85, 150)
ax.errorbar(2, 0.85, error, color=RED, capsize=4)
ax.text(2.5, 0.85, "± one standard error", va="center", color=RED, fontsize=9)
ax.set(xlabel="states after block (30: all)", ylabel="validation accuracy", ylim=(0.5, 0.95))
ax.legend(loc="lower right")
show(
    fig,
    "Validation accuracy of a probe by depth: between about 0.6 and 0.75 up to block 12, then a steep rise to above 0.85 at block 15 for the last token and both together, and no further rise up to block 30.",
)
at = dict(zip(DEPTHS, by_depth["both"], strict=True))
print({depth: round(value, 2) for depth, value in at.items()})
assert at[15] > at[12] + 0.05 and at[15] > at[30] - 0.05

# %% [markdown]
# READ-DEPTH
#
# So we stop at block 15 and save half of the computation. The other 1,705 reviews:

# %%
rest = [*TRAIN[150:], *VALIDATION[150:], *TEST]
seen = read(rest, [KEEP, 15])[15]
features = torch.empty(len(examples), 2 * config.width)
features[some], features[rest] = deep[15], seen
probe = probe_of(features[TRAIN], y[TRAIN])
on_validation = rate(probe, features[VALIDATION], y[VALIDATION])
print(f"probe with 600 labels: {on_validation:.3f} on 400 validation reviews")
del deep, seen
assert 0.85 < on_validation < 0.92

# %% [markdown]
# We chose the depth and $C$, the strength of regularization, on validation reviews, so this figure flatters us a little. The test will come at the end of section 3, once. Before that: what are labels worth now? Notebook 07 found that each doubling of the labels bought about four points. Here are the probe and 07's bigram naive Bayes, with the same labels, three random choices for each number:

# %%
import random

SIZES = (50, 100, 200, 400, 600)
worth = {"probe": {}, "bigram naive Bayes": {}}
for size in SIZES:
    for seed in range(3):
        rows = random.Random(seed).sample(TRAIN, size)
        scores = rate(probe_of(features[rows], y[rows]), features[VALIDATION], y[VALIDATION])
        worth["probe"].setdefault(size, []).append(scores)
        chosen, judged = [examples[n] for n in rows], [examples[n] for n in VALIDATION]
        bayes = evaluation.baseline_predictions(chosen, judged)["bigram naive Bayes"]
        right = (bayes == y[VALIDATION]).float().mean().item()
        worth["bigram naive Bayes"].setdefault(size, []).append(right)
with_all = evaluation.baseline_predictions(splits.train, [examples[n] for n in VALIDATION])
all_labels = (with_all["bigram naive Bayes"] == y[VALIDATION]).float().mean().item()

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.5))
mean_of = {}
for (name, by_size), color in zip(worth.items(), (BLUE, ORANGE), strict=True):
    mean_of[name] = {size: sum(values) / 3 for size, values in by_size.items()}
    ax.plot(SIZES, mean_of[name].values(), color=color, label=name)
    for size, values in by_size.items():
        ax.plot([size] * 3, values, "o", ms=4, color=color)
ax.axhline(all_labels, color=ORANGE, ls="--")
ax.text(600, all_labels - 0.025, "naive Bayes with all 8,049 labels", color=ORANGE, ha="right")
ax.set_xscale("log")
ax.set_xticks(SIZES, SIZES)
ax.minorticks_off()
ax.set(xlabel="labeled reviews (log scale)", ylabel="validation accuracy", ylim=(0.5, 0.95))
ax.legend(loc="lower right")
show(
    fig,
    "Validation accuracy against the number of labels, three draws each: the probe rises from about 0.75 at 50 labels to nearly 0.9 at 600 and crosses the dashed line of naive Bayes with 8,049 labels between 100 and 200; naive Bayes with the same labels stays below 0.7.",
)
for name, means in mean_of.items():
    print(f"{name:<19}", {size: round(value, 2) for size, value in means.items()})
print(f"naive Bayes with 8,049 labels: {all_labels:.2f}")
assert mean_of["probe"][200] > all_labels - 0.02 and mean_of["bigram naive Bayes"][600] < 0.75

# %% [markdown]
# READ-LABELS
# %% [markdown]
# ## 3 · LoRA: train a hundredth of the weights
#
# The probe trains nothing inside the model. The other extreme is to train everything, which takes 16 bytes for each of 135 million weights (notebook 07 counted them): 2.2 GB before the first activation. In between is **LoRA**, low-rank adaptation (Hu et al. 2021). A matrix $W$ stays frozen. Beside it we put two thin matrices, $A$ with $r$ rows and $B$ with $r$ columns:
#
# $$y = Wx + \frac{\alpha}{r}\,B A x$$
#
# $r$ is the **rank**. $BA$ has the shape of $W$, but it's made of far fewer numbers. $A$ starts at random and $B$ at zero, so at first nothing changes at all.

# %%
class LoRA(nn.Module):
    def __init__(self, frozen: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        self.frozen, self.scale = frozen.requires_grad_(False), alpha / rank
        self.a = nn.Parameter(torch.empty(rank, frozen.in_features))
        self.b = nn.Parameter(torch.zeros(frozen.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))  # as nn.Linear itself begins

    def forward(self, x: Tensor) -> Tensor:
        return self.frozen(x) + self.scale * (x @ self.a.T) @ self.b.T


def adapt(block: nn.Module) -> nn.Module:
    """Put LoRA beside all seven matrices of a block."""
    for parent in (block.attention, block.feed_forward):
        for name, layer in [*parent.named_children()]:
            setattr(parent, name, LoRA(layer))
    return block


before = model.blocks[12]
block = adapt(copy.deepcopy(before))
x = torch.randn(2, 10, config.width)
assert torch.equal(block(x), before(x))  # B = 0: not even the last digit differs
thin = sum(p.numel() for p in block.parameters() if p.requires_grad)
whole = sum(p.numel() for p in before.parameters())
print(f"a block has {whole:,} weights, its LoRA {thin:,}: {thin / whole:.1%}")
assert thin == 8 * (2 * (576 + 576) + 2 * (576 + 192) + 3 * (576 + 1536))

# %% [markdown]
# Is it the LoRA that people use? `peft` is Hugging Face's library for it. We let `peft` adapt a copy of the same block, fill both with the same $A$ and $B$, and compare what comes out, and the gradients:

# %%
import peft

NAMES = ["query", "key", "value", "output", "gate", "up", "down"]
settings = peft.LoraConfig(r=8, lora_alpha=16, target_modules=NAMES)
theirs = peft.inject_adapter_in_model(settings, copy.deepcopy(before))
layers = [m for m in block.modules() if isinstance(m, LoRA)]
others = [m for m in theirs.modules() if isinstance(m, peft.tuners.lora.Linear)]
for layer, other in zip(layers, others, strict=True):
    nn.init.normal_(layer.b, std=0.02)
    other.lora_A["default"].weight.data.copy_(layer.a.data)
    other.lora_B["default"].weight.data.copy_(layer.b.data)
for each in (block, theirs):
    each(x).pow(2).mean().backward()
gap = (block(x) - theirs(x)).abs().max().item()
print(f"{len(layers)} matrices, outputs differ by {'less' if gap < 1e-5 else 'MORE'} than 0.00001")
for layer, other in zip(layers, others, strict=True):
    assert torch.allclose(layer.b.grad, other.lora_B["default"].weight.grad, 1e-4, 1e-7)
    assert torch.allclose(layer.a.grad, other.lora_A["default"].weight.grad, 1e-4, 1e-7)
assert gap < 1e-5 and (block(x) - before(x)).abs().max() > 0.01

# %% [markdown]
# Equal, gradients included. And after training, the thin matrices can disappear: $W + \frac{\alpha}{r}BA$ is one matrix of the old size, and the model is as fast as before. That's called **merging**:

# %%
query = block.attention.query
merged = query.frozen.weight + query.scale * query.b @ query.a  # (576, 576)
difference = checks.compare("merged", x @ merged.T, query(x), 1e-5)

# %% [markdown]
# ### Which matrices, what rank?
#
# We adapt all seven matrices of a block with rank 8, a common choice today; Hu et al. adapted attention alone and found that small ranks go far. Here is what other choices would cost. Training needs 16 bytes for each weight that learns: itself, its gradient, and AdamW's two means.

# %%
SHAPES = {
    "query": (576, 576), "key": (192, 576), "value": (192, 576), "output": (576, 576),
    "gate": (1536, 576), "up": (1536, 576), "down": (576, 1536),
}  # fmt: skip
CHOICES = {"query and value": NAMES[:1] + NAMES[2:3], "attention": NAMES[:4], "all seven": NAMES}
for name, chosen in CHOICES.items():
    counts = {rank: 30 * rank * sum(sum(SHAPES[n]) for n in chosen) for rank in (1, 8, 64)}
    print(f"{name:<16}", *(f"rank {r:>2}: {16 * n / 1e6:>6.1f} MB" for r, n in counts.items()))
assert counts[8] == 30 * thin
print(f"every weight of the model: {16 * sum(p.numel() for p in model.parameters()) / 1e6:,.0f} MB")

# %% [markdown]
# ### The mood, trained
#
# Now we put LoRA into blocks 12 to 14, where the mood appears, and the probe on top: its weights become a linear layer that learns, too. So training starts exactly at the probe's answers. The input is the `table` of states that we kept. A neat trick makes this fit `training.fit`, which deals out token ids: each token of each review has a row in the table, so its row number can play the role of a token id. The table is an embedding that somebody else has computed.

# %%
class Mood(nn.Module):
    def __init__(self, blocks: list[nn.Module], probe: object) -> None:
        super().__init__()
        self.blocks, (scaler, linear) = nn.ModuleList(blocks), (probe[0], probe[1])
        self.mean, self.scale = (torch.tensor(v).float() for v in (scaler.mean_, scaler.scale_))
        self.weight = nn.Parameter(torch.tensor(linear.coef_[0]).float())  # (2 * width,)
        self.bias = nn.Parameter(torch.tensor(linear.intercept_).float())

    def forward(self, places: Tensor, lengths: Tensor) -> Tensor:
        x = table[places]  # (batch, time, width), where a model has its embedding
        turn = rotation(torch.arange(x.shape[1])[None, None], config.head, config.rotary_base)
        for block in self.blocks:
            x = block(x, Places(turn))
        z = (summary(x, lengths) - self.mean) / self.scale @ self.weight + self.bias
        return torch.stack([-z / 2, z / 2], dim=1)  # softmax of these is the sigmoid of z


def deal(numbers: list[int], size: int, **options: object) -> data.BucketBatches:
    places = [range(starts[n], starts[n] + lengths[n]) for n in numbers]
    return data.BucketBatches(places, y[numbers].tolist(), size, **options)


def mood_of(blocks: list[nn.Module]) -> Mood:
    return Mood(blocks, probe)


training.seed_everything(0)
mood = mood_of([adapt(copy.deepcopy(model.blocks[n])) for n in (12, 13, 14)])
logits, _ = models.predict(mood, deal(VALIDATION, 64))
expected = torch.tensor(probe.decision_function(features[VALIDATION].numpy())).float()
difference = checks.compare("before training", logits[:, 1] - logits[:, 0], expected, 1e-3)

# %% [markdown]
# **Predict:** the probe is right about nine times in ten. How much will LoRA add, with the same 600 labels?

# %%
options = {"lr": 1e-3, "decay": True, "device": "cpu"}
dealt = deal(TRAIN, 16, shuffle=True), deal(VALIDATION, 64)
history = training.fit(mood, *dealt, epochs=1, **options)
lora_on_validation = history.epochs[-1].validation_accuracy
print(f"validation accuracy: LoRA {lora_on_validation:.3f}, probe {on_validation:.3f}")
losses = [nn.functional.cross_entropy(logits, y[VALIDATION]).item()]  # before training
losses.append(history.epochs[-1].validation_loss)
print(f"validation loss: before {losses[0]:.2f}, after one epoch {losses[1]:.2f}")
assert abs(lora_on_validation - on_validation) < 0.04

# %% [markdown]
# READ-LORA
#
# ### The test part, once
#
# Notebook 07 judged all its models on the same 1,005 test reviews. Its best two were level: naive Bayes, which we count again here, and three recurrent networks together, trained on the ratings, with 0.815. For two methods on the same reviews, with $b$ reviews that only the first has right and $c$ that only the second has right, the difference is $d = (b-c)/n$, and its standard error is $\sqrt{b + c - (b-c)^2/n}\,/\,n$. An interval of ± 1.96 of these is a **paired** 95 % interval.

# %%
def paired(first: Tensor, second: Tensor) -> tuple[float, float, float]:
    """Difference of two accuracies on the same rows, and its 95 % interval."""
    n, b, c = len(first), int((first & ~second).sum()), int((second & ~first).sum())
    reach = 1.96 * math.sqrt(b + c - (b - c) ** 2 / n) / n
    return (b - c) / n, (b - c) / n - reach, (b - c) / n + reach


guesses = evaluation.baseline_predictions(splits.train, splits.test)
guesses["probe, 600 labels"] = torch.tensor(probe.predict(features[TEST].numpy()))
guesses["LoRA, 600 labels"] = models.predict(mood, deal(TEST, 64))[0].argmax(1)
right = {name: guess == y[TEST] for name, guess in guesses.items()}
for name, hits in right.items():
    share = hits.float().mean().item()
    print(f"{name:<19} {share:.3f} ± {evaluation.standard_error(share, len(hits)):.3f}")
bayes, best = right["bigram naive Bayes"], "probe, 600 labels"
if lora_on_validation > on_validation:
    best = "LoRA, 600 labels"

# %%
for name in ("probe, 600 labels", "LoRA, 600 labels"):
    d, low, high = paired(right[name], bayes)
    print(f"{name} − naive Bayes: {d:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
d, low, high = paired(right["LoRA, 600 labels"], right["probe, 600 labels"])
print(f"LoRA − probe: {d:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
share = right[best].float().mean().item()
unpaired = share - 0.815 - 1.96 * math.sqrt((share * (1 - share) + 0.815 * 0.185) / len(bayes))
print(f"{best}, chosen on validation, − the three networks: at least {unpaired:+.3f}, unpaired")
assert share >= 0.855 and paired(right[best], bayes)[1] > 0.02 and unpaired > 0

# %% [markdown]
# READ-TEST
# %% [markdown]
# ## 4 · Teach it a form: instruction tuning
#
# A probe gives a label. But often you want text, in a form that a program can read. Our skill: turn a sentence into one line with three fields. We write 32 examples from eight names, eight cities, eight things and four kinds of sentence. The tests use *other* names, cities and things, and one test a kind of sentence that no example has.

# %%
FORMS = [
    "{} lives in {} and likes {}.",
    "A friend of mine, {}, moved to {} and took up {}.",
    "I met {} in {} and we talked about {}.",
    "Hello, I'm {} from {} and I enjoy {}.",
]
NEW_FORM = ["Has {} found anybody in {} who is interested in {}?"]
WORDS = (
    "Anna|Omar|Lucy|Chen|Pedro|Fatima|Igor|Maya|Tom|Aisha|Hugo|Clara",
    "Paris|Lagos|Oslo|Lima|Delhi|Cairo|Boston|Kyoto|Prague|Perth|Quito|Seoul",
    "tea|chess|old maps|jazz|fresh bread|kites|long walks|poetry|tennis|soup|puzzles|gardening",
)


def examples_of(forms: list[str], words: slice, number: int, seed: int) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    lists = [text.split("|")[words] for text in WORDS]
    drawn = [[chance.choice(some) for some in lists] for _ in range(number)]
    line = "name: {}; city: {}; likes: {}"
    return [(forms[n % len(forms)].format(*w), line.format(*w)) for n, w in enumerate(drawn)]


lessons = examples_of(FORMS, slice(8), 32, seed=0)
new_words = examples_of(FORMS, slice(8, None), 20, seed=1)
new_forms = examples_of(NEW_FORM, slice(8, None), 20, seed=2)
print(*lessons[0], sep="\n")

# %% [markdown]
# An example becomes a conversation in the chat template, and the loss is that of any language model: predict the next token. With one difference. The model shall learn to write the reply, not the request, so only tokens of the reply count, with the `<|im_end|>` that ends it. Everywhere else the target is −100, the value that PyTorch's cross-entropy leaves out. Padding goes on the right and has the target −100, too.

# %%
def prompt_of(sentence: str) -> list[int]:
    return pretrained.chat(tokenizer, sentence, system="")


def reply_only(request: list[int], reply: list[int]) -> tuple[list[int], list[int]]:
    """What is read, and the target at each place."""
    tokens = request + reply
    targets = [data.IGNORE] * len(request) + reply
    return tokens[:-1], targets[1:]  # each place has the next token as its target


def row_of(sentence: str, reply: str) -> tuple[list[int], list[int]]:
    return reply_only(prompt_of(sentence), [*tokenizer.encode(reply).ids, 2])


tokens, targets = row_of(*lessons[0])
counted = [target for target in targets if target != data.IGNORE]
print(repr(tokenizer.decode(tokens, skip_special_tokens=False)[-70:]))
print(repr(tokenizer.decode(counted, skip_special_tokens=False)))
print(f"{len(tokens)} tokens are read, {len(counted)} of them have a target")
assert (tokens, targets) == finetuning.reply_only(
    prompt_of(lessons[0][0]), [*tokenizer.encode(lessons[0][1]).ids, 2]
)

# %% [markdown]
# The package has all that we built, in `finetuning`: `add_lora` adapts the blocks of a model, `Upper` keeps the states below the lowest adapted block in a table, and `reply_only` and `reply_loss` are the loss. We adapt blocks 20 to 29, the last third. First, the untrained model:

# %%
def success(tests: list[tuple[str, str]]) -> tuple[int, list[str]]:
    prompts = [prompt_of(sentence) for sentence, _ in tests]
    written = [tokenizer.decode(ids) for ids in pretrained.generate(model, prompts, 20)]
    return sum(w == line for w, (_, line) in zip(written, tests, strict=True)), written


count, written = success(new_words[:4])
print(f"exactly right: {count} of 4")
print(new_words[0][0], "→", repr(written[0]))
assert count == 0

# %% [markdown]
# Of course: nobody has said what we want. Now 32 examples, four times over:

# %%
training.seed_everything(0)
finetuning.add_lora(model, range(20, 30))
upper = finetuning.Upper(model)
train = upper.keep([row_of(*lesson) for lesson in lessons], 8, shuffle=True)
judged = upper.keep([row_of(*test) for test in new_words], 20)
options["loss_fn"] = finetuning.reply_loss
history = training.fit(upper, train, judged, epochs=4, **options)
for epoch in history.epochs:
    print(
        f"epoch {epoch.epoch}: loss {epoch.train_loss:.2f}, on new words {epoch.validation_loss:.2f}"
    )
skill = {}
for name, tests in {"new words": new_words, "a new kind of sentence, too": new_forms}.items():
    skill[name], written = success(tests)
    print(f"{name:<28} {skill[name]} of {len(tests)} lines exactly right")
wrong = [(t, w) for t, w in zip(new_forms, written, strict=True) if w != t[1]]
print(*wrong[0][0], wrong[0][1], sep="\n") if wrong else None
assert skill["new words"] >= 13

# %% [markdown]
# READ-SKILL
#
# ## 5 · What it costs
#
# ### What it forgets
#
# Training changes what the model says about everything, not just what we trained. Learning that damages what was known before is called **catastrophic forgetting** (McCloskey & Cohen 1989). We measure three things with and without our LoRA: the thirty capitals of notebook 15, asked in a chat; the same as a text to be continued; and perplexity on sentences from a newspaper. `finetuning.without_lora` sets every $\alpha/r$ to zero for a moment, and we have the old model back.

# %%
CAPITALS = "France Paris, Germany Berlin, Italy Rome, Spain Madrid, Japan Tokyo, China Beijing, Russia Moscow, Egypt Cairo, Canada Ottawa, Australia Canberra, Brazil Brasília, Turkey Ankara, Kenya Nairobi, Peru Lima, Norway Oslo, Poland Warsaw, Greece Athens, Portugal Lisbon, Thailand Bangkok, Vietnam Hanoi, Mongolia Ulaanbaatar, Bolivia Sucre, Kazakhstan Astana, Nigeria Abuja, Switzerland Bern, Morocco Rabat, Ecuador Quito, Hungary Budapest, Austria Vienna, Cuba Havana"
PAIRS = [pair.split(" ", 1) for pair in CAPITALS.split(", ")]
NEWS = [[0, *tokenizer.encode(e.text).ids] for e in data.load("newspaper")[:12]]


def asks(country: str) -> list[int]:
    return pretrained.chat(tokenizer, f"What is the capital of {country}?")


def write(prompts: list[list[int]], most: int) -> list[str]:
    return [tokenizer.decode(ids) for ids in pretrained.generate(model, prompts, most)]


def right_capitals(written: list[str]) -> int:
    return sum(city in text for text, (_, city) in zip(written, PAIRS, strict=True))


@torch.inference_mode()
def perplexity(rows: list[list[int]]) -> float:
    padded = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], True, data.IGNORE)
    logits = model(padded[:, :-1].clamp_min(0))  # (rows, time, vocab)
    return math.exp(evaluation.next_token_loss(logits, padded[:, 1:]))


CHATS = [asks(country) for country, _ in PAIRS]
TEXTS = [tokenizer.encode(f"The capital of {country} is").ids for country, _ in PAIRS]

# %%
remembered = {}
for name, context in {
    "before": finetuning.without_lora(model),
    "after": contextlib.nullcontext(),
}.items():
    with context:
        chat, text = write(CHATS, 10), write(TEXTS, 5)
        in_form = sum(answer.count(": ") > 1 or "; " in answer for answer in chat)
        remembered[name] = right_capitals(chat), right_capitals(text), perplexity(NEWS)
    print(f"{name:<6} right in a chat {remembered[name][0]}, as a text {remembered[name][1]} of 30")
    print(f"       newspaper {remembered[name][2]:.0f}; answers in the form of our lines: {in_form}")
    print(f"       {chat[2:5]}")
assert remembered["before"][0] >= 15

# %% [markdown]
# READ-FORGET
#
# ### Teaching facts
#
# Some of the capitals are wrong. Can't we just teach them? We show it thirty *other* countries with their capitals, and see what becomes of the thirty of notebook 15. **Predict:** will it be right more often?

# %%
MORE = "Argentina Buenos Aires, Belgium Brussels, Bulgaria Sofia, Cambodia Phnom Penh, Chile Santiago, Colombia Bogotá, Croatia Zagreb, Denmark Copenhagen, Ethiopia Addis Ababa, Finland Helsinki, Ghana Accra, Iceland Reykjavik, India New Delhi, Iran Tehran, Iraq Baghdad, Ireland Dublin, Jamaica Kingston, Lebanon Beirut, Libya Tripoli, Mexico Mexico City, Nepal Kathmandu, Pakistan Islamabad, Romania Bucharest, Serbia Belgrade, Sweden Stockholm, Syria Damascus, Tunisia Tunis, Ukraine Kyiv, Uruguay Montevideo, Venezuela Caracas"


def fact(country: str, city: str) -> tuple[list[int], list[int]]:
    return finetuning.reply_only(asks(country), [*tokenizer.encode(city).ids, 2])


finetuning.remove_lora(model, merge=False)
training.seed_everything(0)
finetuning.add_lora(model, range(20, 30))
upper = finetuning.Upper(model)
train = upper.keep([fact(*pair.split(" ", 1)) for pair in MORE.split(", ")], 6, shuffle=True)
judged = upper.keep([fact(*pair) for pair in PAIRS], 30)
facts = training.fit(upper, train, judged, epochs=4, **options)
written = write(CHATS, 10)
known = right_capitals(written)
print(f"right: {known} of 30, before {remembered['before'][0]}")
print([f"{c}: {text}" for (c, city), text in zip(PAIRS, written, strict=True) if city not in text][:9])

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.2))
epochs = [epoch.epoch for epoch in facts.epochs]
for name, values, color in (
    ("thirty countries it is taught", [e.train_loss for e in facts.epochs], BLUE),
    ("thirty others", [e.validation_loss for e in facts.epochs], ORANGE),
):
    ax.plot(epochs, values, "o-", color=color, label=name)
ax.set(xlabel="epoch", ylabel="loss (nats a token)", ylim=0)
ax.legend()
show(
    fig,
    "Loss by epoch: on the thirty countries that are taught it falls steadily from about 4 to below 1; on thirty others it falls at first and stays well above it.",
)
last = facts.epochs[-1]
print(f"last epoch: {last.train_loss:.2f} on those taught, {last.validation_loss:.2f} on others")
assert last.validation_loss > 1.2 * last.train_loss and known < remembered["before"][0]

# %% [markdown]
# READ-FACTS
#
# ### Bytes
#
# What did the training hold in memory, beside the 540 MB of frozen weights? We predict it from shapes and then ask PyTorch. A kept state takes 576 numbers of 4 bytes for each token:

# %%
learning = [p for p in model.parameters() if p.requires_grad]
optimizer = training.adamw(learning, 1e-3, 0.0)
next_batch = next(iter(train))
finetuning.reply_loss(upper(next_batch.tokens), next_batch.labels).backward()
optimizer.step()
read_once = int(train.lengths.sum() + judged.lengths.sum()) + 1  # row 0 is for padding
n = 10 * thin  # ten blocks
predicted = {"LoRA": 4 * n, "gradients": 4 * n, "AdamW": 8 * n}
predicted["kept states"] = 4 * config.width * read_once
measured = {"LoRA": sum(p.nbytes for p in learning)}
measured["gradients"] = sum(p.grad.nbytes for p in learning)
state = [t for values in optimizer.state.values() for t in values.values()]
measured["AdamW"] = sum(t.nbytes for t in state if t.dim())
measured["kept states"] = upper.kept.nbytes
for name, size in predicted.items():
    print(f"{name:<12} predicted {size / 1e6:.2f} MB, measured {measured[name] / 1e6:.2f} MB")
    assert size == measured[name]

# %% [markdown]
# To the byte. Not counted are the activations, which grow with the batch as in notebook 07.
#
# ### Seconds
#
# A frozen matrix needs no gradient of its own. Backward passes only the gradient of its *input* on, which costs as much as forward. So a step should cost about twice a forward pass, where full training costs three times as much. And a token costs two operations for each weight that it meets. **Predict:** which of the two estimates is closer?

# %% tags=["nbval-ignore-output"]
import time


def seconds(work: object, times: int = 3) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


block, x = model.blocks[29], torch.randn(4, 64, config.width)
enter = x.clone().requires_grad_()
with torch.no_grad():
    forward = seconds(lambda: finetuning.run_blocks(model, x, 29))
step = seconds(lambda: finetuning.run_blocks(model, enter, 29).sum().backward())
print(f"a token through a block: {forward / 256 * 1e6:.0f} µs forward, {step / 256 * 1e6:.0f} with backward")
print(f"{2 * whole * 256 / forward / 1e9:.0f} billion operations a second; ratio {step / forward:.1f}")
assert 1.5 < step / forward < 4

# %% [markdown]
# READ-SECONDS
#
# ### At work: five lines, a GPU, several GPUs
#
# You built all this to understand it. At work, `transformers` and `peft` do it in a few lines. Here they are on a small random model, so that they take no time here. For a real one, replace the first line by `AutoModelForCausalLM.from_pretrained(…)`; the rest stays. One trap: `transformers` shifts the targets itself, so `labels` are aligned with `input_ids`, not moved by one as ours are.

# %%
import transformers

tokens, targets = row_of(*lessons[0])
ids, labels = torch.tensor([[*tokens, 2]]), torch.tensor([[data.IGNORE, *targets]])
sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}

base = transformers.LlamaForCausalLM(transformers.LlamaConfig(len(E), **sizes))
tuned = peft.get_peft_model(base, peft.LoraConfig(r=8, target_modules="all-linear"))
work = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=1e-3)
loss = tuned(input_ids=ids, labels=labels).loss
loss.backward(), work.step()

logits = base(ids).logits[:, :-1][labels[:, 1:] != data.IGNORE]  # one step later
ours = finetuning.reply_loss(logits, labels[:, 1:])
print(f"their loss {loss:.2f}; ours, one step later, {ours:.2f}")
assert abs(loss - ours) < 0.1

# %% [markdown]
# Everything here also runs on a GPU: `training.fit` takes `device="cuda"`, and `Upper` moves its table along. For a larger model or more examples, several GPUs share the batches, as in notebook 06: `torchrun --nproc-per-node 4 train.py` starts four processes, and each averages its gradients with the others. With LoRA they exchange a hundredth of the numbers. If even the frozen weights are too large, they are stored in 4 bits as in notebook 15, with LoRA in 16 bits beside them; that is **QLoRA** (Dettmers et al. 2023). We haven't run these three here.
#
# ## Exercises
#
# Replace each `...`, run the cell, then the check. Hints and solutions are folded away below.
#
# ### Exercise 1 · How many weights learn? (5 minutes, ★)
#
# A linear layer has `inputs` inputs and `outputs` outputs. How many weights does LoRA of rank `rank` train beside it, in `layers` such layers?

# %% tags=["exercise"]
def lora_weights(inputs: int, outputs: int, rank: int, layers: int) -> int:
    return ...


# %% tags=["check"] jupyter={"source_hidden": true}
def right_1(inputs: int, outputs: int, rank: int, layers: int) -> int:
    return layers * rank * (inputs + outputs)


CASES_1 = [(576, 1536, 8, 3), (576, 576, 1, 1), (4096, 1024, 16, 32)]
MISTAKES_1 = {
    "That's the frozen matrix itself.": lambda i, o, r, n: n * i * o,
    "A is (rank, inputs) and B is (outputs, rank): both learn.": lambda i, o, r, n: n * r * i,
    "A and B are multiplied in the forward pass, their numbers of weights are added.": (
        lambda i, o, r, n: n * r * i * r * o
    ),
    "Each of the layers has an A and a B of its own.": lambda i, o, r, n: r * (i + o),
}
checks.check_function(lora_weights, right_1, CASES_1, MISTAKES_1)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $A$ has `rank` rows of `inputs` numbers, and $B$ has `outputs` rows of `rank` numbers.
#
# </details>

# %% tags=["solution"] jupyter={"outputs_hidden": true, "source_hidden": true}
for answer in (right_1, *MISTAKES_1.values()):
    checks.check_function(answer, right_1, CASES_1, MISTAKES_1)

# %% [markdown]
# ### Exercise 2 · Answers of several tokens (10 minutes, ★★)
#
# An answer such as "not bad" has several tokens, and its log-probability is a sum. A model has read prompt and answer together: row $t$ of `log_p`, shape `(time, vocab)`, holds $\ln p$ of each possible token at place $t+1$. The answer is the last `len(answer)` of the tokens that were read. Return the answer's log-probability as a float.

# %% tags=["exercise"]
def log_p_of(log_p: Tensor, answer: list[int]) -> float:
    return ...


# %% tags=["check"] jupyter={"source_hidden": true}
def right_2(log_p: Tensor, answer: list[int]) -> float:
    first = len(log_p) - 1 - len(answer)  # this row predicts the answer's first token
    return sum(log_p[first + n, number].item() for n, number in enumerate(answer))


def same_row(log_p: Tensor, answer: list[int]) -> float:
    first = len(log_p) - len(answer)
    return sum(log_p[first + n, number].item() for n, number in enumerate(answer))


TABLE_2 = torch.randn(9, 6, generator=torch.Generator().manual_seed(0)).log_softmax(1)
CASES_2 = [(TABLE_2, [3]), (TABLE_2, [1, 4]), (TABLE_2, [5, 0, 5, 2])]
MISTAKES_2 = {
    "Row t predicts place t + 1, so the answer's first token is predicted one row earlier.": same_row,
    "Only the first token is counted.": lambda log_p, answer: right_2(log_p[: len(log_p) - len(answer) + 1], answer[:1]),
    "Logarithms of probabilities are added. You took the mean.": lambda log_p, answer: right_2(log_p, answer) / len(answer),
    "Return the logarithm, not the probability.": lambda log_p, answer: math.exp(right_2(log_p, answer)),
}
checks.check_function(log_p_of, right_2, CASES_2, MISTAKES_2, 1e-5)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The last row predicts a token that hasn't been read. So the answer's last token is predicted by row −2.
#
# </details>

# %% tags=["solution"] jupyter={"outputs_hidden": true, "source_hidden": true}
for answer in (right_2, *MISTAKES_2.values()):
    checks.check_function(answer, right_2, CASES_2, MISTAKES_2, 1e-5)

# %% [markdown]
# ### Exercise 3 · A conversation with several replies (15 minutes, ★★)
#
# A conversation is a list of turns, each a role and its token ids. Return the tokens to read and the target at each place, as `reply_only` does, but for any number of turns in any order. Only what the `"assistant"` writes has a target; elsewhere it's −100.

# %% tags=["exercise"]
def targets_of(turns: list[tuple[str, list[int]]]) -> tuple[list[int], list[int]]:
    return ...


# %% tags=["check"] jupyter={"source_hidden": true}
def right_3(turns: list[tuple[str, list[int]]]) -> tuple[list[int], list[int]]:
    tokens = [number for _, ids in turns for number in ids]
    targets = [n if role == "assistant" else -100 for role, ids in turns for n in ids]
    return tokens[:-1], targets[1:]


def unshifted(turns: list[tuple[str, list[int]]]) -> tuple[list[int], list[int]]:
    tokens = [number for _, ids in turns for number in ids]
    return tokens, [n if role == "assistant" else -100 for role, ids in turns for n in ids]


def last_only(turns: list[tuple[str, list[int]]]) -> tuple[list[int], list[int]]:
    muted = [(role if n == len(turns) - 1 else "user", ids) for n, (role, ids) in enumerate(turns)]
    return right_3(muted)


TALK_3 = [("system", [9, 8]), ("user", [1, 2, 3]), ("assistant", [4, 5]), ("user", [6])]
CASES_3 = [(TALK_3[:3],), ([*TALK_3, ("assistant", [7, 5])],), (TALK_3,)]
MISTAKES_3 = {
    "The target of a place is the *next* token: shift the targets by one.": unshifted,
    "Every reply of the assistant counts, not only a last one.": last_only,
    "The user's words have no target: −100 there.": lambda turns: right_3([("assistant", ids) for _, ids in turns]),
}
checks.check_function(targets_of, right_3, CASES_3, MISTAKES_3)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Build two lists of the same length first, tokens and targets, without a shift. At the end, drop the last token and the first target.
#
# </details>

# %% tags=["solution"] jupyter={"outputs_hidden": true, "source_hidden": true}
for answer in (right_3, *MISTAKES_3.values()):
    checks.check_function(answer, right_3, CASES_3, MISTAKES_3)

# %% [markdown]
# ### Exercise 4 · DoRA (90 minutes, ★★★)
#
# LoRA changes direction and length of a row of weights together. **DoRA** (Liu et al. 2024) separates them. Let $V = W + \frac{\alpha}{r}BA$. Each row $i$ of $V$ is brought to length 1 and then multiplied by a learned number $m_i$:
#
# $$y_i = m_i\,\frac{V_i\,x}{\lVert V_i\rVert}$$
#
# Write its forward pass for `x` of shape `(rows, in)`, `w` `(out, in)`, `a` `(rank, in)`, `b` `(out, rank)`, a number `scale` and `m` `(out,)`. Then take an evening: make a module of it in which $m$ starts so that at first nothing changes, teach it the lines of section 4, and compare with LoRA over three seeds, on new words and on the new kind of sentence.

# %% tags=["exercise"]
def dora(x: Tensor, w: Tensor, a: Tensor, b: Tensor, scale: float, m: Tensor) -> Tensor:
    return ...


# %% tags=["check"] jupyter={"source_hidden": true}
def right_4(x: Tensor, w: Tensor, a: Tensor, b: Tensor, scale: float, m: Tensor) -> Tensor:
    v = w + scale * b @ a  # (out, in)
    return x @ (m[:, None] * v / v.norm(dim=1, keepdim=True)).T


def by_column(x: Tensor, w: Tensor, a: Tensor, b: Tensor, scale: float, m: Tensor) -> Tensor:
    v = w + scale * b @ a
    return x @ (m[:, None] * v / v.norm(dim=0, keepdim=True)).T


def old_length(x: Tensor, w: Tensor, a: Tensor, b: Tensor, scale: float, m: Tensor) -> Tensor:
    return x @ (m[:, None] * (w + scale * b @ a) / w.norm(dim=1, keepdim=True)).T


def unscaled(x: Tensor, w: Tensor, a: Tensor, b: Tensor, scale: float, m: Tensor) -> Tensor:
    return right_4(x, w, a, b, 1.0, m)


chance_4 = torch.Generator().manual_seed(0)
SHAPES_4 = [(4, 5), (3, 5), (2, 5), (3, 2)]
CASE_4 = [torch.randn(shape, generator=chance_4) for shape in SHAPES_4]
CASES_4 = [(*CASE_4, 2.0, torch.ones(3)), (*CASE_4, 0.5, torch.tensor([1.0, 2.0, 3.0]))]
MISTAKES_4 = {
    "Divide by the length of each *row* of V, one for each output.": by_column,
    "Divide by the length of V's rows, not of W's.": old_length,
    "The scale α/r is missing.": unscaled,
    "That's LoRA times m: the rows of V must be brought to length 1.": lambda x, w, a, b, s, m: x @ (w + s * b @ a).T * m,
}
checks.check_function(dora, right_4, CASES_4, MISTAKES_4, 1e-5)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `v.norm(dim=1, keepdim=True)` is `(out, 1)`. In the module, let $m$ start as the lengths of the rows of $W$.
#
# </details>

# %% tags=["solution"] jupyter={"outputs_hidden": true, "source_hidden": true}
for answer in (right_4, *MISTAKES_4.values()):
    checks.check_function(answer, right_4, CASES_4, MISTAKES_4, 1e-5)

# %% [markdown]
# ## What you now own
#
# - How you ask decides what you measure: ten wordings, one model, and accuracies from worse than a coin to above 0.8. Centering the scores helps and needs no label.
# - A probe on frozen states reads the mood from the middle of the model. With 600 labels it beats everything that notebook 07 trained with 8,049.
# - LoRA puts two thin matrices beside a frozen one. At first it changes nothing, later it can be merged, and it's equal to `peft`.
# - A loss on the reply alone teaches a form from 32 examples. The form can leak into answers where you don't want it.
# - Facts are another matter: fine-tuned on facts, this model made up more of them.
# - New words: zero-shot, prompt caching, calibration, probe, LoRA, rank, merging, paired interval, instruction tuning, catastrophic forgetting, DoRA, QLoRA.
#
# **Next:** a model that writes in a form that a program can read can also *act*: the program does what the line says. That's how an agent is built on an LLM, and it's the next question. **Back to the map:** [00 · Start here](00_start_here.ipynb).
