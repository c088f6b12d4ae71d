"""Answers to the exercises of notebook 09."""

RIGHT = {
    1: [
        "lambda ahead, right: [right, -ahead]",
        "lambda a, r: torch.tensor([[0, 1], [-1, 0]]) @ torch.tensor([a, r])",
        "lambda a, r: np.array([r, -a])",
        """
def after_a_right_turn(ahead, right):
    turned = complex(ahead, right) * -1j
    return turned.real, turned.imag
""",
        """
def after_a_right_turn(ahead, right):
    cell = on_the_map((0, 0), 0, ahead, right)
    return from_here((0, 0), 1, cell)
""",
        """
def after_a_right_turn(ahead, right):
    for _ in range(3):  # three turns to the left
        ahead, right = -right, ahead
    return ahead, right
""",
    ],
    2: [
        """
def paired_difference(first, second):
    gaps = np.array(first, dtype=float) - np.array(second, dtype=float)
    return gaps.mean(), gaps.std(ddof=1) / np.sqrt(len(gaps))
""",
        """
import statistics

def paired_difference(first, second):
    gaps = [int(a) - int(b) for a, b in zip(first, second)]
    return statistics.mean(gaps), statistics.stdev(gaps) / len(gaps) ** 0.5
""",
        "lambda a, b: evaluation.mean_and_error([x - y for x, y in zip(a, b)])",
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).float() - torch.tensor(second).float()
    return gaps.mean(), gaps.std() / torch.tensor(len(gaps)).sqrt()
""",
        """
def paired_difference(first, second):
    n = len(first)
    mean = (sum(first) - sum(second)) / n
    squares = 0
    for a, b in zip(first, second):
        squares += (a - b - mean) ** 2
    return [mean, (squares / (n - 1) / n) ** 0.5]
""",
        """
def paired_difference(first, second):
    spread, mean = torch.std_mean(torch.tensor(first) * 1.0 - torch.tensor(second) * 1.0)
    return torch.stack([mean, spread / len(first) ** 0.5])
""",
        """
from collections import Counter

def paired_difference(first, second):
    n, rooms = len(first), Counter(zip(first, second))
    won, lost = rooms[True, False], rooms[False, True]
    mean = (won - lost) / n
    return mean, ((won + lost - n * mean**2) / (n - 1) / n) ** 0.5
""",
    ],
    3: [
        """
def careful(logits, temperature, least):
    e = torch.exp(logits / temperature)
    p = e / e.sum(dim=1, keepdim=True)
    p[p < least] = 0
    p /= p.sum(dim=1, keepdim=True)
    return p
""",
        """
def careful(logits, temperature, least):
    p = nn_softmax(logits / temperature, dim=-1)
    p = torch.where(p >= least, p, 0.0)
    return torch.nn.functional.normalize(p, p=1, dim=1)

nn_softmax = torch.nn.functional.softmax
""",
        """
def careful(logits, temperature, least):
    z = logits / temperature
    z = z.masked_fill(z.softmax(1) < least, -torch.inf)
    return z.softmax(1)
""",
        """
def careful(logits, temperature, least):
    e = np.exp(logits.numpy() / temperature)
    p = e / e.sum(1, keepdims=True)
    p = np.where(p >= least, p, 0)
    return p / p.sum(1, keepdims=True)
""",
        """
def careful(logits, temperature, least):
    rows = []
    for row in logits:
        p = (row / temperature).softmax(0).tolist()
        p = [x if x >= least else 0.0 for x in p]
        rows.append([x / sum(p) for x in p])
    return rows
""",
        """
def careful(logits, temperature, least):
    p = logits.double().div(temperature).softmax(1)
    p *= p >= least
    return (p.T / p.sum(1)).T
""",
        """
def careful(logits, temperature, least):
    p = torch.softmax(logits / temperature, -1)
    return torch.distributions.Categorical(probs=p * (p >= least)).probs
""",
    ],
    4: [
        """
def start_in_words(place, facing):
    words = ["start", place_in_words(*from_here(place, facing, (0, 0)))]
    words += ["facing", ("ahead", "right", "behind", "left")[-facing]]
    return " ".join(word for word in words if word)
""",
        """
def start_in_words(place, facing):
    ahead, right = from_here(place, facing, (0, 0))
    text = "start"
    if ahead > 0:
        text += f" ahead-{ahead}"
    elif ahead < 0:
        text += f" behind-{abs(ahead)}"
    if right > 0:
        text += f" right-{right}"
    elif right < 0:
        text += f" left-{abs(right)}"
    return text + " facing " + {0: "ahead", 1: "left", 2: "behind", 3: "right"}[facing]
""",
        """
def start_in_words(place, facing):
    ahead, right = -place[1], -place[0]
    then = ["ahead", "right", "behind", "left"]
    for _ in range(facing):
        ahead, right = right, -ahead
        then = then[-1:] + then[:-1]
    return f"start {place_in_words(ahead, right)} facing {then[0]}".replace("  ", " ")
""",
        """
def start_in_words(place, facing):
    z = complex(-place[1], -place[0]) * (-1j) ** facing
    where = place_in_words(round(z.real), round(z.imag))
    north = place_in_words(*from_here((0, 0), facing, (0, 1)))
    return " ".join(["start", *where.split(), "facing", north.split("-")[0]])
""",
    ],
}
WRONG = {
    1: [
        "lambda ahead, right: (ahead, right)",
        "lambda ahead, right: (-right, -ahead)",
        "lambda ahead, right: (-ahead, right)",
        "lambda ahead, right: (right, -abs(ahead))",
        "lambda ahead, right: (abs(right), -ahead)",
        "lambda ahead, right: right",
        "lambda ahead, right: f'({right}, {-ahead})'",
        "lambda ahead, right: (right, -ahead, 0)",
        "lambda ahead, right: (right - 1, -ahead)",
    ],
    2: [
        """
lambda a, b: (
    (np.subtract(a, b, dtype=float).mean(), np.subtract(a, b, dtype=float).std() / len(a) ** 0.5)
)
""",
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).double() - torch.tensor(second).double()
    return gaps.mean().item(), (gaps.std() / len(first)).item()
""",
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).double() - torch.tensor(second).double()
    return gaps.mean().item(), (gaps.var() / len(first) ** 0.5).item()
""",
        """
def paired_difference(first, second):
    gaps = (torch.tensor(first).double() - torch.tensor(second).double()).abs()
    return gaps.mean().item(), (gaps.std() / len(first) ** 0.5).item()
""",
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).double() - torch.tensor(second).double()
    return (gaps.std() / len(first) ** 0.5).item(), gaps.mean().item()
""",
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).double() - torch.tensor(second).double()
    return gaps.sum().item(), (gaps.std() / len(first) ** 0.5).item()
""",
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).double() - torch.tensor(second).double()
    return 100 * gaps.mean().item(), 100 * (gaps.std() / len(first) ** 0.5).item()
""",
        "lambda first, second: sum(first) / len(first) - sum(second) / len(second)",
        # half the interval, not the error
        """
def paired_difference(first, second):
    gaps = torch.tensor(first).double() - torch.tensor(second).double()
    return gaps.mean().item(), (1.96 * gaps.std() / len(first) ** 0.5).item()
""",
        "lambda first, second: (torch.tensor(first) - torch.tensor(second)).mean()",
    ],
    3: [
        """
def careful(logits, temperature, least):  # over the worlds
    p = (logits / temperature).softmax(0)
    p = p.where(p >= least, 0.0)
    return p / p.sum(0, keepdim=True)
""",
        """
def careful(logits, temperature, least):  # one sum for all rows
    p = (logits / temperature).softmax(1)
    p = p.where(p >= least, 0.0)
    return p / p.sum()
""",
        """
def careful(logits, temperature, least):
    p = (logits / temperature).softmax(1).clamp(min=least)
    return p / p.sum(1, keepdim=True)
""",
        """
def careful(logits, temperature, least):
    p = (logits / temperature).softmax(1)
    p = p.where(p < least, 0.0)
    return p / p.sum(1, keepdim=True)
""",
        """
def careful(logits, temperature, least):
    p = (logits / temperature).softmax(1)
    return p.where(p >= least, 0.0).softmax(1)
""",
        """
def careful(logits, temperature, least):
    p = logits.softmax(1) / temperature
    p = p.where(p >= least, 0.0)
    return p / p.sum(1, keepdim=True)
""",
        """
def careful(logits, temperature, least):
    z = (logits / temperature).where(logits >= least, -torch.inf)
    return z.softmax(1)
""",
        "lambda logits, temperature, least: (logits / temperature).softmax(1)",
        """
def careful(logits, temperature, least):
    p = (logits / temperature).softmax(1)
    return p.where(p >= least, 0.0) / p.sum(1)
""",
        "lambda logits, temperature, least: (logits / temperature).argmax(1)",
        # cut before the temperature
        """
def careful(logits, temperature, least):
    p = logits.softmax(1)
    p = p.where(p >= least, 0.0)
    return (p.log() / temperature).softmax(1)
""",
        # a share of the likeliest: that's min-p
        """
def careful(logits, temperature, least):
    p = (logits / temperature).softmax(1)
    p = p.where(p >= least * p.max(1, keepdim=True).values, 0.0)
    return p / p.sum(1, keepdim=True)
""",
    ],
    4: [
        # two spaces at the start itself
        """
def start_in_words(place, facing):
    where = place_in_words(*from_here(place, facing, (0, 0)))
    return f"start {where} facing {['ahead', 'left', 'behind', 'right'][facing]}"
""",
        # the directions of the compass
        """
def start_in_words(place, facing):
    where = place_in_words(*from_here(place, facing, (0, 0)))
    return " ".join(f"start {where} facing {['north', 'east', 'south', 'west'][facing]}".split())
""",
        # the turn is forgotten
        """
def start_in_words(place, facing):
    where = place_in_words(*from_here(place, 0, (0, 0)))
    return " ".join(f"start {where} facing {['ahead', 'left', 'behind', 'right'][facing]}".split())
""",
        # nothing about the facing
        "lambda place, facing: 'start ' + place_in_words(*from_here(place, facing, (0, 0)))",
        # x is taken for ahead
        """
def start_in_words(place, facing):
    where = place_in_words(*from_here(place[::-1], facing, (0, 0)))
    return " ".join(f"start {where} facing {['ahead', 'left', 'behind', 'right'][facing]}".split())
""",
        "lambda place, facing: (from_here(place, facing, (0, 0)), facing)",
        # ahead and right changed places
        """
def start_in_words(place, facing):
    right, ahead = from_here(place, facing, (0, 0))
    way = ["ahead", "left", "behind", "right"][facing]
    return " ".join(["start", *place_in_words(ahead, right).split(), "facing", way])
""",
        # always ahead
        """
def start_in_words(place, facing):
    where = place_in_words(*from_here(place, facing, (0, 0)))
    return " ".join(f"start {where} facing ahead".split())
""",
    ],
}
