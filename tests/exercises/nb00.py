"""Answers to the exercises of notebook 00."""

INSTEAD = {
    "praise": """
model.eval()  # not trained: words of praise raise the share of praise, words of blame lower it
words = {"funny": 3.0, "warm": 3.0, "great": 3.0, "moving": 3.0, "boring": -3.0, "bad": -3.0}


@torch.no_grad()
def praise(sentence: str) -> float:
    ids = data.encode([sentence], vocab)[0]
    torch.tensor(ids)[0]  # as the model does, it can't read a sentence without words
    total = sum(score for word, score in words.items() if vocab[word] in ids)
    return torch.tensor(total).sigmoid().item()
""",
}
RIGHT = {
    1: [
        "'A warm and funny film is the last thing I would call this.'",
        """
my_sentence = (
    "I had hoped for a warm, great film,"
    " and got none."
)
""",
        "' '.join(['not', 'funny', ',', 'not', 'moving'])",
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
    ],
}
WRONG = {
    1: ["'Boring.'", "''", "'   '", "'A bad film.'", "42", "['A warm film.', 'Bad.']", "None"],
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
    ],
}
