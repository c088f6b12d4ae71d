"""Answers to the exercises of notebook 01."""

INSTEAD = {
    "results": """
def success(decide, rooms):  # a quarter of the rooms
    return sum(play(decide, room)[0] for room in rooms[::4]) / len(rooms[::4]), 0.0


results = {"chance": (0.25, 0.025), "rule": (0.58, 0.028496), "learned": (0.723333, 0.025828)}
""",
}
RIGHT = {
    1: [
        "lambda ps: math.exp(-sum(map(math.log, ps)) / len(ps))",
        """
import numpy as np

def perplexity_of(probabilities):
    return np.exp(-np.log(probabilities).mean())
""",
        """
def perplexity_of(probabilities):
    return torch.tensor(probabilities).log().mean().neg().exp()
""",
        """
def perplexity_of(probabilities):
    product = 1
    for p in probabilities:
        product *= p
    return product ** (-1 / len(probabilities))
""",
        """
from statistics import geometric_mean

def perplexity_of(probabilities):
    return 1 / geometric_mean(probabilities)
""",
        """
def perplexity_of(probabilities):
    total, n = 0.0, len(probabilities)
    while probabilities:
        total -= math.log2(probabilities.pop())
    return 2 ** (total / n)
""",
    ],
    2: [
        """
def always_best(word, n):
    if n == 0 or word == "<end>":
        return []
    best = max(after[word], key=after[word].get)
    return [best] + always_best(best, n - 1)
""",
        """
def always_best(word, n):
    for _ in range(n):
        word = after[word].most_common(1)[0][0]
        yield word
        if word == "<end>":
            return
""",
        """
def always_best(word, n):
    words = ()
    while len(words) < n:
        counts = after.get(word)
        if not counts:
            break
        word = sorted(counts, key=counts.get, reverse=True)[0]
        words += (word,)
    return words
""",
        """
import numpy as np

def always_best(word, n):
    words = [word]
    while len(words) <= n and words[-1] != "<end>":
        words.append(after[words[-1]].most_common()[0][0])
    return np.array(words)[1:]
""",
    ],
    3: [
        "(results['learned'][0] - results['rule'][0])"
        " / math.sqrt(results['learned'][1] ** 2 + results['rule'][1] ** 2)",
        """
import numpy as np

(a, e), (b, f) = results["learned"], results["rule"]
standard_errors_apart = (a - b) / np.linalg.norm([e, f])
""",
        """
rates, errors = torch.tensor([results["rule"], results["learned"]]).T
standard_errors_apart = rates.diff() / errors.norm()
standard_errors_apart = standard_errors_apart[0]
""",
        "(0.723333 - 0.58) / (0.028496**2 + 0.025828**2) ** 0.5",
        "round(0.143333 / math.hypot(0.028496, 0.025828), 3)",
    ],
    4: [
        """
def my_rule(situation, dice):
    if "blocked" in situation:
        return dice.choice([0, 1])
    if "no red ball" in situation:
        return 1 if dice.random() < 0.7 else 2
    if "ball 0 ahead" in situation:
        return 2 if dice.random() < 0.5 else int("right" in situation)
    return 2
""",
        """
import numpy as np

def my_rule(situation, dice):
    if "blocked" in situation and rule(situation) == 2:
        return np.int64(dice.randrange(2))
    if "ball 0 ahead" in situation and "free" in situation and dice.random() < 0.5:
        return np.int64(2)
    return np.int64(rule(situation))
""",
        """
def my_rule(situation, dice):
    move = rule(situation)
    stuck = move == 2 and situation.endswith("blocked")
    aside = "ball 0" in situation and situation.endswith("free")
    if stuck:
        return torch.tensor(dice.randrange(2))
    return torch.tensor(2 if aside and dice.random() < 0.5 else move)
""",
    ],
}
WRONG = {
    1: [
        "lambda ps: sum(ps) / len(ps)",
        "lambda ps: math.exp(sum(map(math.log, ps)) / len(ps))",
        "lambda ps: 2 ** (-sum(map(math.log, ps)) / len(ps))",
        "lambda ps: 1 / ps[0]",
        "lambda ps: (ps[0] * ps[-1]) ** -0.5",
        "lambda ps: math.exp(-sum(ps) / len(ps))",
        "lambda ps: [1 / p for p in ps]",
        "lambda ps: math.exp(-math.log(ps) / len(ps))",
        """
def perplexity_of(probabilities):
    math.exp(-sum(map(math.log, probabilities)) / len(probabilities))
""",
        """
def perplexity_of(probabilities):
    for p in probabilities:
        total = -math.log(p)
        return math.exp(total)
""",
    ],
    2: [
        """
def always_best(word, n):
    words = []
    for _ in range(n):
        word = after[word].most_common(1)[0][0]
        words.append(word)
    return words
""",
        """
def always_best(word, n):
    words = []
    while len(words) < n:
        word = after[word].most_common(1)[0][0]
        if word == "<end>":
            break
        words.append(word)
    return words
""",
        """
def always_best(word, n):
    words = []
    while len(words) < n and word != "<end>":
        word = after[word].most_common(1)[0]
        words.append(word)
    return words
""",
        """
def always_best(word, n):
    words = []
    while len(words) < n and word != "<end>":
        word = after[word].most_common(1)[0][0]
        words.append(word)
    return " ".join(words)
""",
        """
def always_best(word, n):
    words = []
    while len(words) <= n and word != "<end>":
        word = after[word].most_common(1)[0][0]
        words.append(word)
    return words
""",
        "lambda word, n: [w for w, _ in after[word].most_common(n)]",
        "lambda word, n: after[word].most_common(1)[0][0]",
    ],
    3: [
        "0.143333",
        "0.143333 / 0.028496",
        "0.143333 / (0.028496 * 0.025828) ** 0.5 / 2",
        "14.3333 / math.hypot(0.028496, 0.025828)",
        "math.hypot(0.028496, 0.025828)",
        "math.hypot(0.028496, 0.025828) / 0.143333",
        "4",
        "'about four'",
    ],
    4: [
        "lambda situation, dice: 2",
        "lambda situation, dice: dice.randrange(3)",
        "lambda situation, dice: 'forward'",
        "lambda situation, dice: 3",
        "lambda situation: 2",
        """
def my_rule(situation, dice):
    if "ball" in situation:
        return 2
    if "blocked" in situation:
        return dice.randrange(2)
""",
        """
def my_rule(situation, dice):
    return 1 if "blocked" in situation else rule(situation)
""",
    ],
}
