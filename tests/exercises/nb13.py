"""Answers to the exercises of notebook 13."""

RIGHT = {
    1: [
        """
def reciprocal_rank(scores, right):
    rank = 1
    for number, score in enumerate(scores.tolist()):
        if number != right and score >= scores[right].item():
            rank += 1
    return 1 / rank
""",
        "lambda scores, right: 1 / (scores >= scores[right]).sum()",
        "lambda scores, right: 1 / np.count_nonzero(scores.numpy() >= scores[right].item())",
        """
from scipy.stats import rankdata

def reciprocal_rank(scores, right):
    return 1 / rankdata(-scores.numpy(), method="max")[right]
""",
        """
def reciprocal_rank(scores, right):
    own = float(scores[right])
    scores[right] = -torch.inf  # it isn't an other one
    return torch.tensor(1.0) / (1 + torch.sum(scores >= own))
""",
        """
from fractions import Fraction

def reciprocal_rank(scores, right):
    ordered = sorted(scores.tolist())
    return Fraction(1, len(ordered) - ordered.index(scores[right].item()))
""",
    ],
    2: [
        """
def leaked(train, test):
    train = [data.normalise(question) for question in train]
    hits = 0
    for question in test:
        if data.normalise(question) in train:
            hits += 1
    return hits / len(test)
""",
        "lambda train, test: np.mean(np.isin([*map(normalise, test)], [*map(normalise, train)]))",
        """
import statistics

def leaked(train, test):
    known = {*map(data.normalise, train)}
    return statistics.mean(data.normalise(question) in known for question in test)
""",
        """
def leaked(train, test):
    known = Counter(map(data.normalise, train))
    return torch.tensor([known[data.normalise(q)] > 0 for q in test]).float().mean()
""",
        """
def leaked(train, test):
    new = [q for q in test if normalise(q) not in map(normalise, train)]
    return 1 - len(new) / len(test)
""",
        """
from fractions import Fraction

def leaked(train, test):
    asked, known = Counter(map(normalise, test)), set(map(normalise, train))
    return Fraction(sum(asked[q] for q in asked.keys() & known), len(test))
""",
    ],
    3: [
        """
def lowest_threshold(scores, right, wanted):
    found = None
    for t in scores:
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) >= wanted and (found is None or t < found):
            found = t
    return found
""",
        """
def lowest_threshold(scores, right, wanted):
    s, r = np.array(scores), np.array(right)
    good = [t for t in s if r[s >= t].mean() >= wanted]
    return min(good) if good else None
""",
        """
def lowest_threshold(scores, right, wanted):
    s, r = torch.tensor(scores, dtype=torch.float64), torch.tensor(right).double()
    kept = (s >= s[:, None]).double()  # (thresholds, scores)
    precision = kept @ r / kept.sum(1)
    return s[precision >= wanted].min() if (precision >= wanted).any() else None
""",
        """
def lowest_threshold(scores, right, wanted):
    both = sorted(zip(scores, right))
    while both:
        lowest = both[0][0]
        if sum(r for _, r in both) >= wanted * len(both):
            return lowest
        both = [pair for pair in both if pair[0] > lowest]
""",
        """
from statistics import mean

def lowest_threshold(scores, right, wanted):
    def precision(t):
        return mean(float(r) for s, r in zip(scores, right) if s >= t)

    return min(filter(lambda t: precision(t) >= wanted, scores), default=None)
""",
    ],
    4: [
        """
def where_is(thing, surroundings):
    before, found, behind = surroundings.partition(thing)
    if not found:
        return "I haven't seen it"
    place = []
    for word in behind.split():
        if word.split("-")[0] not in ("ahead", "behind", "left", "right"):
            break
        place.append(word)
    return " ".join(place)
""",
        """
def where_is(thing, surroundings):
    match = re.search(thing + r"((?: \\w+-\\d+)+)", surroundings)
    return match[1].strip() if match else "I haven't seen it"
""",
        """
def where_is(thing, surroundings):
    words = surroundings.split()
    for i in range(len(words)):
        if words[i : i + 2] == thing.split():
            end = i + 2
            while end < len(words) and "-" in words[end]:
                end += 1
            return " ".join(words[i + 2 : end])
    return "I haven't seen it"
""",
        """
def where_is(thing, surroundings):
    if thing not in surroundings:
        return "I haven't seen it"
    rest = surroundings[surroundings.index(thing) + len(thing) :].split()
    return " ".join(rest[: 2 if len(rest) > 1 and "-" in rest[1] else 1])
""",
        """
from itertools import takewhile

def where_is(thing, surroundings):
    try:
        rest = surroundings.split(thing, maxsplit=1)[1]
    except IndexError:
        return "I haven't seen it"
    return " ".join(takewhile(lambda word: word[-1].isdigit(), rest.split()))
""",
    ],
}
WRONG = {
    1: [
        "lambda scores, right: 1 / (scores <= scores[right]).sum().item()",
        "lambda scores, right: 1 / (scores.argsort(descending=True).tolist().index(right) + 1)",
        "lambda scores, right: 1 / scores.argsort(descending=True).tolist().index(right)",
        "lambda scores, right: 1 / (scores.argsort(descending=True)[right].item() + 1)",
        "lambda scores, right: 1 - (scores >= scores[right]).sum().item() / len(scores)",
        "lambda scores, right: scores[right].item()",
        "lambda scores, right: 1 / len(scores)",
        "lambda scores, right: float(scores.argmax() == right)",
        "lambda scores, right: 1 / (scores >= right).sum().item()",
        "lambda scores, right: 1 // (scores >= scores[right]).sum().item()",
        "lambda scores, right: 1 / (scores >= scores[right])",
    ],
    2: [
        """
lambda train, test: (
    sum(q.lower() in [t.lower() for t in train] for q in test) / len(test)
)
""",
        "lambda train, test: sum(normalise(q) in [*map(normalise, train)] for q in test)",
        """
lambda train, test: (
    100 * sum(normalise(q) in [*map(normalise, train)] for q in test) / len(test)
)
""",
        """
lambda train, test: (
    sum(normalise(q) not in [*map(normalise, train)] for q in test) / len(test)
)
""",
        "lambda train, test: sum(normalise(q) in train for q in test) / len(test)",
        """
lambda train, test: (
    sum(normalise(q) in ' '.join(map(normalise, train)) for q in test) / len(test)
)
""",
        "lambda train, test: len({*map(normalise, train)} & {*map(normalise, test)}) / len(test)",
        """
lambda train, test: (
    sum(normalise(q) in [*map(normalise, train)] for q in test) / len(train)
)
""",
        "lambda train, test: any(normalise(q) in [*map(normalise, train)] for q in test)",
        "lambda train, test: [q for q in test if normalise(q) in [*map(normalise, train)]]",
        """
lambda train, test: (
    sum(q.strip('?!. ').lower() in [t.strip('?!. ').lower() for t in train]
    for q in test) / len(test)
)
""",
    ],
    3: [
        # more than the threshold, not at least
        """
def lowest_threshold(scores, right, wanted):
    for t in sorted(scores):
        kept = [r for s, r in zip(scores, right) if s > t]
        if kept and sum(kept) / len(kept) >= wanted:
            return t
""",
        # from the top down, until it fails for the first time
        """
def lowest_threshold(scores, right, wanted):
    best = None
    for t in sorted(scores, reverse=True):
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) < wanted:
            return best
        best = t
    return best
""",
        # more than wanted, not at least
        """
def lowest_threshold(scores, right, wanted):
    for t in sorted(scores):
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) > wanted:
            return t
""",
        # zero for none
        """
def lowest_threshold(scores, right, wanted):
    for t in sorted(scores):
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) >= wanted:
            return t
    return 0.0
""",
        # an exception for none
        """
def lowest_threshold(scores, right, wanted):
    def precision(t):
        kept = [r for s, r in zip(scores, right) if s >= t]
        return sum(kept) / len(kept)

    return min(t for t in scores if precision(t) >= wanted)
""",
        # the precision, not the threshold
        """
def lowest_threshold(scores, right, wanted):
    for t in sorted(scores):
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) >= wanted:
            return sum(kept) / len(kept)
""",
        # the scores in their order
        """
def lowest_threshold(scores, right, wanted):
    for t in scores:
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) >= wanted:
            return t
""",
        # equal scores one by one
        """
def lowest_threshold(scores, right, wanted):
    both = sorted(zip(scores, right))
    for start, (t, _) in enumerate(both):
        kept = [r for _, r in both[start:]]
        if sum(kept) / len(kept) >= wanted:
            return t
""",
        # the lowest score of a right answer
        "lambda scores, right, wanted: min([s for s, r in zip(scores, right) if r], default=None)",
        "lambda scores, right, wanted: wanted",
        "lambda scores, right, wanted: min(scores)",
    ],
    4: [
        'lambda thing, view: view.partition(thing)[2].strip() or "I haven\'t seen it"',
        """
lambda thing, view: (
    \" \".join(view.partition(thing)[2].split()[:2]) or \"I haven't seen it\"
)
""",
        """
lambda thing, view: (
    (re.findall(thing + '((?: [a-z]+-[0-9])+)', view) or ['not seen'])[0].strip()
)
""",
        "lambda thing, view: (re.findall(thing + '((?: [a-z]+-[0-9])+)', view) or [None])[0]",
        """
lambda thing, view: (
    (re.findall(thing + '((?: [a-z]+-[0-9])+)', view) or [\"I haven't seen it\"])[0]
)
""",
        "lambda thing, view: re.search(thing + '((?: [a-z]+-[0-9])+)', view)[1].strip()",
        "lambda thing, view: [m.strip() for m in re.findall(thing + '((?: [a-z]+-[0-9])+)', view)]",
        """
def where_is(thing, surroundings):  # the color alone
    found = re.findall(thing.split()[0] + r" \\w+((?: \\w+-\\d)+)", surroundings)
    return found[-1].strip() if found else "I haven't seen it"
""",
        """
def where_is(thing, surroundings):  # the kind alone
    found = re.findall(thing.split()[1] + r"((?: \\w+-\\d)+)", surroundings)
    return found[0].strip() if found else "I have not seen it"
""",
        """
def where_is(thing, surroundings):  # with its name
    found = re.search(thing + r"(?: \\w+-\\d)+", surroundings)
    return found[0] if found else "I haven't seen it"
""",
        """
def where_is(thing, surroundings):  # what comes before it
    words = surroundings.partition(thing)
    return words[0].split()[-1] if words[1] and words[0] else "I haven't seen it"
""",
    ],
}
