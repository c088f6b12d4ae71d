"""Answers to the exercises of notebook 01."""

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
        """
from statistics import fmean
perplexity_of = lambda ps: math.e ** fmean(-math.log(p) for p in ps)
""",
        "lambda ps: 10 ** -(sum(math.log10(p) for p in ps) / len(ps))",
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
        """
def always_best(word, n):
    words = [word]
    try:
        for _ in range(n):
            (best, _), = after[words[-1]].most_common(1)
            words.append(best)
    except KeyError:
        pass
    return words[1:]
""",
        """
from functools import reduce

def always_best(word, n):
    def step(path, _):
        followers = after.get(path[-1])
        return [*path, max(followers, key=followers.get)] if followers else path
    return reduce(step, range(n), [word])[1:]
""",
    ],
    3: [
        "lambda a, b: (b[0] - a[0]) / math.sqrt(a[1] ** 2 + b[1] ** 2)",
        """
import numpy as np

def errors_apart(first, second):
    (a, e), (b, f) = first, second
    return (b - a) / np.linalg.norm([e, f])
""",
        """
def errors_apart(first, second):
    rates, errors = torch.tensor([first, second], dtype=torch.float64).T
    return rates.diff() / errors.norm()
""".replace("rates.diff() /", "rates.diff()[0] /"),
        """
def errors_apart(first, second):
    variance = sum(error**2 for _, error in (first, second))
    return (second[0] - first[0]) * variance**-0.5
""",
        "lambda a, b: round((b[0] - a[0]) / abs(complex(a[1], b[1])), 4)",
        """
from decimal import Decimal

def errors_apart(first, second):
    (a, e), (b, f) = [map(Decimal, pair) for pair in (first, second)]
    return (b - a) / (e * e + f * f).sqrt()
""",
        """
import numpy as np
errors_apart = lambda *pairs: np.diff(pairs, axis=0)[0, 0] / np.hypot(*np.array(pairs)[:, 1])
""",
    ],
    4: [
        """
import numpy as np
import re
from collections import deque

STEPS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])

def replay(situation, past):
    place, way, grid, ball = np.array([8, 8]), 0, np.zeros((17, 17), int), None
    for seen, action in [*past, (situation, None)]:
        grid[tuple(place)] = 1  # 1: been there, 2: blocked
        ahead = place + STEPS[way]
        if "blocked" in seen:
            grid[tuple(ahead)] = 2
        numbers = [int(n) for n in re.findall("[0-9]+", seen)]
        if numbers:
            aside = (numbers + [0])[1] * (-1 if "left" in seen else 1)
            ball = tuple(place + numbers[0] * STEPS[way] + aside * STEPS[(way + 1) % 4])
        if action == 2 and "free" in seen:
            place = ahead
        if action == 0:
            way = (way + 3) % 4
        if action == 1:
            way = (way + 1) % 4
    if ball:
        grid[ball] = 2
    return tuple(place), way, grid, ball

def my_agent(situation, past):
    place, way, grid, ball = replay(situation, past)
    if ball is None and len(past) < 4:
        return 1
    todo, met = deque([(place, way, -1)]), set()
    while todo:
        place, way, first = todo.popleft()
        ahead = tuple(place + STEPS[way])
        if first >= 0 and (ahead == ball if ball else grid[place] == 0):
            return first
        options = ((2, ahead, way), (1, place, (way + 1) % 4), (0, place, (way + 3) % 4))
        for action, spot, turn in options:
            if max(spot) < 16 and min(spot) > 0 and grid[spot] < 2 and (spot, turn) not in met:
                met.add((spot, turn))
                todo.append((spot, turn, action if first < 0 else first))
    return 1
""",
        """
import numpy as np
import re
from collections import deque

STEPS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])

def replay(situation, past):
    place, way, grid, ball = np.array([8, 8]), 0, np.zeros((17, 17), int), None
    for seen, action in [*past, (situation, None)]:
        grid[tuple(place)] = 1  # 1: been there, 2: blocked
        ahead = place + STEPS[way]
        if "blocked" in seen:
            grid[tuple(ahead)] = 2
        numbers = [int(n) for n in re.findall("[0-9]+", seen)]
        if numbers:
            aside = (numbers + [0])[1] * (-1 if "left" in seen else 1)
            ball = tuple(place + numbers[0] * STEPS[way] + aside * STEPS[(way + 1) % 4])
        if action == 2 and "free" in seen:
            place = ahead
        if action == 0:
            way = (way + 3) % 4
        if action == 1:
            way = (way + 1) % 4
    if ball:
        grid[ball] = 2
    return tuple(place), way, grid, ball

def my_agent(situation, past):
    place, way, grid, ball = replay(situation, past)
    if ball is None and "no red ball" in situation and len(past) < 3:
        return np.int64(0)
    todo, met = deque([(place, way, -1)]), set()
    while todo:
        place, way, first = todo.popleft()
        ahead = tuple(place + STEPS[way])
        if first >= 0 and (ahead == ball if ball else grid[place] == 0):
            return first
        options = ((2, ahead, way), (1, place, (way + 1) % 4), (0, place, (way + 3) % 4))
        for action, spot, turn in options:
            if max(spot) < 16 and min(spot) > 0 and grid[spot] < 2 and (spot, turn) not in met:
                met.add((spot, turn))
                todo.append((spot, turn, action if first < 0 else first))
    return 1
""",
        """
import numpy as np
import re
from collections import deque

STEPS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])

def replay(situation, past):
    place, way, grid, ball = np.array([8, 8]), 0, np.zeros((17, 17), int), None
    for seen, action in [*past, (situation, None)]:
        grid[tuple(place)] = 1  # 1: been there, 2: blocked
        ahead = place + STEPS[way]
        if "blocked" in seen:
            grid[tuple(ahead)] = 2
        numbers = [int(n) for n in re.findall("[0-9]+", seen)]
        if numbers:
            aside = (numbers + [0])[1] * (-1 if "left" in seen else 1)
            ball = tuple(place + numbers[0] * STEPS[way] + aside * STEPS[(way + 1) % 4])
        if action == 2 and "free" in seen:
            place = ahead
        if action == 0:
            way = (way + 3) % 4
        if action == 1:
            way = (way + 1) % 4
    if ball:
        grid[ball] = 2
    return tuple(place), way, grid, ball

class Agent:
    def __call__(self, situation, past):
        place, way, grid, ball = replay(situation, past)
        if not past and ball is None:
            return torch.tensor(1)
        return self.search(place, way, grid, ball)

    def search(self, place, way, grid, ball):
        todo, met = deque([(place, way, -1)]), set()
        while todo:
            place, way, first = todo.popleft()
            ahead = tuple(place + STEPS[way])
            if first >= 0 and (ahead == ball if ball else grid[place] == 0):
                return first
            options = ((2, ahead, way), (1, place, (way + 1) % 4), (0, place, (way + 3) % 4))
            for action, spot, turn in options:
                if max(spot) < 16 and min(spot) > 0 and grid[spot] < 2 and (spot, turn) not in met:
                    met.add((spot, turn))
                    todo.append((spot, turn, action if first < 0 else first))
        return 1

my_agent = Agent()
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
        "lambda ps: sum(1 / p for p in ps) / len(ps)",
        "lambda ps: math.exp(-sum(p * math.log(p) for p in ps))",
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
        """
def always_best(word, n):
    words = []
    while len(words) < n and word != "<end>":
        word = random.choices(list(after[word]), after[word].values())[0]
        words.append(word)
    return words
""",
        """
def always_best(word, n):
    words = []
    while len(words) < n and word != "<end>":
        word = min(after[word], key=after[word].get)
        words.append(word)
    return words
""",
    ],
    3: [
        "lambda a, b: (b[0] - a[0]) / (a[1] * b[1]) ** 0.5",
        "lambda a, b: (b[0] - a[0]) / b[1]",
        "lambda a, b: 100 * (b[0] - a[0]) / math.hypot(a[1], b[1])",
        "lambda a, b: math.hypot(a[1], b[1])",
        "lambda a, b: math.hypot(a[1], b[1]) / (b[0] - a[0])",
        "lambda a, b: abs(b[0] - a[0]) / math.hypot(a[1], b[1])",
        "lambda a, b: 4",
        "lambda a, b: 'about four'",
        "lambda a, b: (b - a) / math.hypot(a, b)",
        "(0.723333 - 0.58) / (0.028496**2 + 0.025828**2) ** 0.5",
        "lambda a, b: (b[0] - a[0]) / math.sqrt(a[1] + b[1])",
        "lambda a, b: (b[0] - a[0]) / math.sqrt((a[1] ** 2 + b[1] ** 2) / 2)",
    ],
    4: [
        "lambda situation, past: 2",
        "lambda situation, past: len(past) % 3",
        "lambda situation, past: 'forward'",
        "lambda situation, past: 3",
        "lambda situation: 2",
        """
def my_agent(situation, past):
    if "ball" in situation:
        return 2
    if "blocked" in situation:
        return random.randrange(2)
""",
        """
def my_agent(situation, past):
    return 1 if "blocked" in situation else rule(situation)
""",
        """
def my_agent(situation, past):  # steps aside, but draws no map
    if "blocked" in situation and rule(situation) == 2:
        return 1
    if past and "blocked" in past[-1][0] and "free" in situation:
        return 2
    return rule(situation)
""",
        """
dice = random.Random(1)

def my_agent(situation, past):  # chance instead of memory
    if "blocked" in situation and rule(situation) == 2:
        return dice.randrange(2)
    if "ball 0 ahead" in situation and "free" in situation and dice.random() < 0.5:
        return 2
    return rule(situation)
""",
        "lambda situation, past: rule(past[-1][0] if past else situation)",
        "lambda situation, past: max(expert_did.get(situation, {1: 1}), key=lambda a: a)",
    ],
}
