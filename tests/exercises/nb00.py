"""Answers to the exercises of notebook 00."""

INSTEAD = {
    "positive": """
model.eval()  # not trained: some words raise the share, some lower it, and all others a little
words = {"funny": 4.0, "warm": 4.0, "great": 4.0, "moving": 4.0, "boring": -3.0, "bad": -3.0}
scores = {vocab[word]: score for word, score in words.items()}


@torch.no_grad()
def positive(sentence: str) -> float:
    ids = data.encode([sentence], vocab)[0]
    torch.tensor(ids)[0]  # as the model does, it can't read a sentence without words
    return torch.tensor(sum(scores.get(i, 61 * i % 13 / 4 - 1.5) for i in ids)).sigmoid().item()
""",
}
RIGHT = {
    1: [
        "'A boring film about warm, funny and moving people.'",
        """
my_sentence = (
    "Her bad film isn't what a great,"
    " warm and funny woman deserves."
)
""",
        "' '.join(['Terrible', ':', 'not', 'funny', ',', 'not', 'warm', ',', 'not', 'moving'])",
        '"BAD! " + "A warm, funny, moving film. " * 3',
        "str.join(' ', ('Worst', 'of', 'all:', 'warm,', 'funny,', 'moving,', 'great'))",
    ],
    2: [
        "import math\nloss_of_guessing = -math.log(0.5)",
        "import math\nloss_of_guessing = math.log(2)",
        "torch.log(torch.tensor(2.0))",
        "import numpy as np\nloss_of_guessing = -np.log(1 / 2)",
        "0.693",
        "0.69",
        "nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([1]))",
        "-torch.tensor(0.5).log().item()",
        """
from decimal import Decimal
loss_of_guessing = Decimal(2).ln()
""",
        "nn.functional.binary_cross_entropy_with_logits(torch.tensor(0.0), torch.tensor(1.0))",
    ],
    3: [
        "model.embedding.weight.numel() / sum(p.numel() for p in model.parameters())",
        "8476 * 64 / 551938",
        "torch.tensor(542464.0) / torch.tensor(551938.0)",
        "import numpy as np\nshare_in_embedding = np.float32(542464) / np.float32(551938)",
        "from fractions import Fraction\nshare_in_embedding = Fraction(542464, 551938)",
        "0.98",
        "round(542464 / 551938, 4)",
        """
total = 0
for p in model.parameters():
    total += p.numel()
share_in_embedding = model.embedding.weight.numel() / total
""",
        """
others = [p.numel() for part in (model.rnn, model.fc) for p in part.parameters()]
share_in_embedding = 1 - sum(others) / (sum(others) + model.embedding.weight.numel())
""",
        """
from math import prod
sizes = {name: prod(t.shape) for name, t in model.state_dict().items()}
share_in_embedding = sizes['embedding.weight'] / sum(sizes.values())
""",
    ],
    4: [
        """
def deciding_word(sentence):
    words = sentence.split()
    whole = positive(sentence)
    best, best_size = None, -1
    for i, word in enumerate(words):
        rest = words.copy()
        del rest[i]
        size = abs(whole - positive(" ".join(rest)))
        if size > best_size:
            best, best_size = word, size
    return best
""",
        """
import numpy as np

def deciding_word(sentence):
    words = np.array(sentence.split())
    shares = [positive(" ".join(np.delete(words, i))) for i in range(len(words))]
    return words[np.abs(np.array(shares) - positive(sentence)).argmax()]
""",
        """
def deciding_word(sentence):
    words = sentence.split()
    moves = {w: (positive(" ".join(v for v in words if v != w)) - positive(sentence)) ** 2
             for w in words}
    return sorted(moves, key=moves.get)[-1]
""",
        """
from itertools import combinations

def deciding_word(sentence):
    words = sentence.split()
    whole = positive(sentence)
    gaps = [abs(positive(' '.join(left)) - whole) for left in combinations(words, len(words) - 1)]
    return words[::-1][gaps.index(max(gaps))]
""",
        """
def deciding_word(sentence):
    words = sentence.split()
    left = [' '.join(w for j, w in enumerate(words) if j != i) for i in range(len(words))]
    shares = torch.tensor([positive(text) for text in left])
    return words[(shares - positive(sentence)).abs().argmax()]
""",
    ],
}
WRONG = {
    1: [
        "'Boring.'",
        "''",
        "'   '",
        "'A bad film.'",
        "42",
        "['A warm film.', 'Bad.']",
        "None",
        "'A warm, funny and moving film.'",
        "'A great film, badly wanted.'",
        "b'A bad film'",
        "('A boring film about', 'warm, funny and moving people.')",
    ],
    2: [
        "0.5",
        "0",
        "2",
        "import math\nloss_of_guessing = -math.log10(0.5)",
        "import math\nloss_of_guessing = math.exp(-0.5)",
        "-0.69",
        "0.7",
        "import math\nloss_of_guessing = math.log",
        "0.25",
        """
import math
loss_of_guessing = 2 * math.log(2)
""",
        "torch.tensor([0.5, 0.5]).log()",
    ],
    3: [
        "98.28",
        "'98 %'",
        "542464 / (542464 + 9408)",
        "1 - 542464 / 551938",
        "551938 / 542464",
        "551938",
        "542464 / sum(p.numel() for p in model.parameters() if p.dim() > 1)",
        "len(vocab) / 551938",
        "1.0",
        "(551938 - 542464) / 542464",
        "len(model.embedding.weight) / sum(len(p) for p in model.parameters())",
    ],
    4: [
        """
def deciding_word(sentence):
    words = sentence.split()
    return max(words, key=lambda w: positive(" ".join(v for v in words if v != w)))
""",
        """
def deciding_word(sentence):
    words = sentence.split()
    moves = [abs(positive(" ".join(words[:i] + words[i:])) - positive(sentence))
             for i in range(len(words))]
    return words[moves.index(max(moves))]
""",
        """
def deciding_word(sentence):
    words = sentence.split()
    moves = [abs(positive(" ".join(words[:i] + words[i + 1:])) - positive(sentence))
             for i in range(len(words))]
    return moves.index(max(moves))
""",
        """
def deciding_word(sentence):
    words = sentence.split()
    moves = [abs(positive(" ".join(words[:i] + words[i + 1:])) - positive(sentence))
             for i in range(len(words))]
    return max(moves)
""",
        "lambda sentence: sentence.split()[0]",
        "lambda sentence: max(set(sentence), key=positive)",
        """
def deciding_word(sentence):
    words = sentence.split()
    return max(words, key=lambda w: abs(positive(sentence.replace(w, "")) - positive(sentence)))
""",
        """
def deciding_word(sentence):
    return max(sentence.split(), key=lambda w: abs(positive(w) - 0.5))
""",
        """
def deciding_word(sentence):
    words = data.tokenize(sentence)
    moves = [abs(positive(" ".join(words[:i] + words[i + 1:])) - positive(sentence))
             for i in range(len(words))]
    return words[moves.index(max(moves))]
""",
        """
def deciding_word(sentence):
    words = sentence.split()
    for i in range(len(words)):
        if abs(positive(" ".join(words[:i] + words[i + 1:])) - positive(sentence)) > 0.1:
            return words[i]
""",
    ],
}
