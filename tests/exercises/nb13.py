"""Answers to the exercises of notebook 13."""

RIGHT = {
    1: [
        """
def chat_targets(turns):
    inputs, targets = [], []
    for role, ids in turns:
        inputs += [1 if role == "user" else 2, *ids, 3]
        targets += [-100] if targets else []
        targets += [*ids, 3] if role == "assistant" else [-100] * (len(ids) + 1)
    return inputs[:-1], targets
""",
        """
def chat_targets(turns):
    tokens = torch.tensor([t for role, ids in turns for t in (1 + (role != "user"), *ids, 3)])
    targets, at = tokens[1:].clone(), 0
    for role, ids in turns:
        end = at + len(ids) + 2
        if role == "user":
            targets[max(0, at - 1) : end - 1] = data.IGNORE
        elif at:
            targets[at - 1] = data.IGNORE
        at = end
    return tokens[:-1], targets
""",
        """
import numpy as np

def chat_targets(turns):
    tokens, owner = [], []
    for role, ids in turns:
        tokens.extend([{"user": 1, "assistant": 2}[role]] + list(ids) + [3])
        owner.extend(["marker"] + [role] * (len(ids) + 1))
    tokens, owner = np.array(tokens), np.array(owner)
    return [tokens[:-1], np.where(owner == "assistant", tokens, data.IGNORE)[1:]]
""",
        """
def chat_targets(turns):
    parts = [([1 if role == "user" else 2] + ids + [3], role) for role, ids in turns]
    tokens = sum((part for part, _ in parts), [])
    hidden = [-100]
    targets = sum((hidden + p[1:] if r != "user" else hidden * len(p) for p, r in parts), [])
    del targets[0], tokens[-1]
    return tokens, targets
""",
        """
def chat_targets(turns):
    from itertools import chain

    rows = [[(2 - (role == "user"), -100)] + [(t, t if role == "assistant" else -100)
            for t in (*ids, 3)] for role, ids in turns]
    tokens, targets = zip(*chain.from_iterable(rows))
    return tokens[:-1], targets[1:]
""",
        """
def chat_targets(turns):
    text, inputs, targets = [], [], []
    for role, ids in turns:
        for place, token in enumerate([1 if role == "user" else 2, *ids, 3]):
            if text:
                inputs.append(text[-1])
                targets.append(token if role == "assistant" and place else data.IGNORE)
            text.append(token)
    return inputs, targets
""",
    ],
    2: [
        """
def contaminated(train, test, n):
    hits = 0
    for text in test:
        words = normalise(text).split()
        runs = [words[i : i + n] for i in range(len(words) - n + 1)]
        found = False
        for other in train:
            seen = normalise(other).split()
            for i in range(len(seen) - n + 1):
                found = found or seen[i : i + n] in runs
        hits += found
    return hits / len(test)
""",
        """
def contaminated(train, test, n):
    def runs(text):
        words = data.normalise(text).split()
        return set(zip(*(words[i:] for i in range(n))))

    known = {run for text in train for run in runs(text)}
    return np.mean([not known.isdisjoint(runs(text)) for text in test])
""",
        """
def contaminated(train, test, n):
    texts = [f" {normalise(text)} " for text in train]
    hits = []
    for text in test:
        words = normalise(text).split()
        runs = [" ".join(words[i : i + n]) for i in range(len(words) + 1 - n)]
        hits.append(any(f" {run} " in other for run in runs for other in texts))
    return torch.tensor(hits).float().mean()
""",
        """
from fractions import Fraction
from sklearn.feature_extraction.text import CountVectorizer

def contaminated(train, test, n):
    cut = CountVectorizer(ngram_range=(n, n), preprocessor=normalise, tokenizer=str.split,
                          token_pattern=None).build_analyzer()
    known = Counter(run for text in train for run in cut(text))
    return Fraction(sum(any(known[run] for run in cut(text)) for text in test), len(test))
""",
        """
def contaminated(train, test, n):
    def runs(text):
        words = normalise(text).split()
        while len(words) >= n:
            yield " ".join(words[:n])
            words = words[1:]

    known = {run: True for text in train for run in runs(text)}
    return len([text for text in test if any(run in known for run in runs(text))]) / len(test)
""",
        """
from itertools import product

def contaminated(train, test, n):
    cut = lambda text: normalise(text).split()
    hit = lambda a, b: any(
        a[i : i + n] == b[j : j + n]
        for i, j in product(range(len(a) - n + 1), range(len(b) - n + 1))
    )
    return np.array([[hit(cut(t), cut(o)) for o in train] for t in test]).any(1).mean()
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
        """
def lowest_threshold(scores, right, wanted):
    both, best, kept, hits = sorted(zip(scores, right), reverse=True), None, 0, 0
    for place, (score, ok) in enumerate(both):  # from the top down, in one pass
        kept, hits = kept + 1, hits + ok
        last = place + 1 == len(both) or both[place + 1][0] != score
        best = score if last and hits / kept >= wanted else best
    return best
""",
        """
from itertools import groupby

def lowest_threshold(scores, right, wanted):
    kept, good = [], None
    for t, group in groupby(sorted(zip(scores, right))[::-1], key=lambda pair: pair[0]):
        kept += [ok for _, ok in group]
        if np.mean(kept) >= wanted:
            good = t
    return good
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
        """
def where_is(thing, surroundings):
    things = re.split(r" (?=wall|[a-z]+ (?:ball|box|key))", surroundings)
    for one in things:
        if one.startswith(thing):
            return one.removeprefix(thing).strip()
    return "I haven't seen it"
""",
        """
def where_is(thing, surroundings):
    place, looking = None, surroundings.split()
    color, kind = thing.split()
    for before, word, *_ in zip(looking, looking[1:]):
        if place is None and (before, word) == (color, kind):
            place = []
        elif place is not None and "-" in word:
            place += [word]
        elif place:
            break
    return "I haven't seen it" if place is None else " ".join(place)
""",
    ],
}
WRONG = {
    1: [
        """
def chat_targets(turns):  # the next marker is a target, too
    tokens, counts = [], []
    for role, ids in turns:
        tokens += [1 if role == "user" else 2, *ids, 3]
        counts += [role == "assistant"] * (len(ids) + 2)
    targets = [t if c else data.IGNORE for t, c in zip(tokens[1:], counts)]
    return tokens[:-1], targets
""",
        """
def chat_targets(turns):  # not shifted, and one too long
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [1 if role == "user" else 2, *ids, 3]
        targets += [-100, *ids, 3] if role == "assistant" else [-100] * (len(ids) + 2)
    return tokens, targets
""",
        """
def chat_targets(turns):  # 0 for what doesn't count
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [1 if role == "user" else 2, *ids, 3]
        targets += [0, *ids, 3] if role == "assistant" else [0] * (len(ids) + 2)
    return tokens[:-1], targets[1:]
""",
        """
def chat_targets(turns):  # the roles' markers exchanged
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [2 if role == "user" else 1, *ids, 3]
        targets += [-100, *ids, 3] if role == "assistant" else [-100] * (len(ids) + 2)
    return tokens[:-1], targets[1:]
""",
        """
def chat_targets(turns):  # the targets that don't count are left out
    tokens = [t for role, ids in turns for t in (1 if role == "user" else 2, *ids, 3)]
    return tokens[:-1], [t for role, ids in turns if role == "assistant" for t in (*ids, 3)]
""",
        """
def chat_targets(turns):  # the last reply alone
    tokens = [t for role, ids in turns for t in (1 if role == "user" else 2, *ids, 3)]
    last = [*turns[-1][1], 3]
    return tokens[:-1], [-100] * (len(tokens) - 1 - len(last)) + last
""",
        """
def chat_targets(turns):  # without the ends
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [1 if role == "user" else 2, *ids]
        targets += [-100, *ids] if role == "assistant" else [-100] * (len(ids) + 1)
    return tokens[:-1], targets[1:]
""",
        """
def chat_targets(turns):  # targets first
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [1 if role == "user" else 2, *ids, 3]
        targets += [-100, *ids, 3] if role == "assistant" else [-100] * (len(ids) + 2)
    return targets[1:], tokens[:-1]
""",
        """
def chat_targets(turns):  # the user's end counts, too
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [1 if role == "user" else 2, *ids, 3]
        targets += [-100, *(ids if role == "assistant" else [-100] * len(ids)), 3]
    return tokens[:-1], targets[1:]
""",
        """
def chat_targets(turns):  # the user's tokens are hidden in the inputs, too
    tokens, targets = [], []
    for role, ids in turns:
        tokens += [1, *[-100] * len(ids), 3] if role == "user" else [2, *ids, 3]
        targets += [-100, *ids, 3] if role == "assistant" else [-100] * (len(ids) + 2)
    return tokens[:-1], targets[1:]
""",
    ],
    2: [
        """
def contaminated(train, test, n):  # the last run of each text forgotten
    def runs(text):
        words = normalise(text).split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n)}

    known = set().union(*map(runs, train))
    return sum(bool(runs(text) & known) for text in test) / len(test)
""",
        """
def contaminated(train, test, n):  # short texts count as runs
    def runs(text):
        words = normalise(text).split()
        return {tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))}

    known = set().union(*map(runs, train))
    return sum(bool(runs(text) & known) for text in test) / len(test)
""",
        """
def contaminated(train, test, n):  # n words in common, in any order
    known = [set(normalise(text).split()) for text in train]
    return sum(
        any(len(set(normalise(text).split()) & other) >= n for other in known) for text in test
    ) / len(test)
""",
        """
def contaminated(train, test, n):  # runs of characters
    def runs(text):
        text = normalise(text)
        return {text[i : i + n] for i in range(len(text) - n + 1)}

    known = set().union(*map(runs, train))
    return sum(bool(runs(text) & known) for text in test) / len(test)
""",
        """
def contaminated(train, test, n):  # whole questions
    known = {normalise(text) for text in train}
    return sum(normalise(text) in known for text in test) / len(test)
""",
        """
def contaminated(train, test, n):  # a number, not a share
    def runs(text):
        words = normalise(text).split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    known = set().union(*map(runs, train))
    return sum(bool(runs(text) & known) for text in test)
""",
        """
def contaminated(train, test, n):  # the first run of each text alone
    known = {tuple(normalise(text).split()[:n]) for text in train}
    return sum(tuple(normalise(text).split()[:n]) in known for text in test) / len(test)
""",
        """
def contaminated(train, test, n):  # the clean ones
    def runs(text):
        words = normalise(text).split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    known = set().union(*map(runs, train))
    return sum(not runs(text) & known for text in test) / len(test)
""",
        """
def contaminated(train, test, n):  # a share of the training texts
    def runs(text):
        words = normalise(text).split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    asked = set().union(*map(runs, test))
    return sum(bool(runs(text) & asked) for text in train) / len(train)
""",
        """
def contaminated(train, test, n):  # a share of the runs
    def runs(text):
        words = normalise(text).split()
        return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]

    known = {run for text in train for run in runs(text)}
    asked = [run for text in test for run in runs(text)]
    return sum(run in known for run in asked) / max(1, len(asked))
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
        """
def lowest_threshold(scores, right, wanted):  # from a grid, not one of the scores
    for t in np.arange(0, 1, 0.01):
        kept = [r for s, r in zip(scores, right) if s >= t]
        if kept and sum(kept) / len(kept) >= wanted:
            return t
""",
        """
def lowest_threshold(scores, right, wanted):  # the place of the score
    for place, t in sorted(enumerate(scores), key=lambda pair: pair[1]):
        kept = [r for s, r in zip(scores, right) if s >= t]
        if sum(kept) / len(kept) >= wanted:
            return place
""",
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
        """
def where_is(thing, surroundings):  # without the number
    found = re.search(thing + r"((?: \\w+-\\d)+)", surroundings)
    return re.sub(r"-\\d", "", found[1]).strip() if found else "I haven't seen it"
""",
        """
def where_is(thing, surroundings):  # the second half of the place alone
    found = re.search(thing + r"((?: \\w+-\\d)+)", surroundings)
    return found[1].split()[-1] if found else "I haven't seen it"
""",
    ],
}
