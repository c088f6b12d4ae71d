"""Answers to the exercises of notebook 17."""

RIGHT = {
    1: [
        """
def repeats(turns):
    pairs = list(zip(turns[::2], turns[1::2]))
    number = 0
    for pair in reversed(pairs):
        if pair != pairs[-1]:
            break
        number += 1
    return number
""",
        """
from itertools import groupby

def repeats(turns):
    runs = [len([*run]) for _, run in groupby(zip(turns[::2], turns[1::2]))]
    return runs[-1] if runs else 0
""",
        """
def repeats(turns):
    if not turns:
        return 0
    same = 1
    while len(turns) >= 4 and turns[-4:-2] == turns[-2:]:
        same, turns = same + 1, turns[:-2]
    return same
""",
    ],
    2: [
        """
def kl_from_samples(log_p, log_q):
    r = torch.exp(log_q) / torch.exp(log_p)
    return torch.mean(r - torch.log(r) - 1)
""",
        """
import math

def kl_from_samples(log_p, log_q):
    terms = [math.exp(b - a) - (b - a) - 1 for a, b in zip(log_p.tolist(), log_q.tolist())]
    return sum(terms) / len(terms)
""",
        "lambda p, q: ((q - p).expm1() - q + p).mean().item()",
        """
import numpy as np

def kl_from_samples(log_p, log_q):
    d = log_q.numpy() - log_p.numpy()
    return np.mean(np.exp(d) - d - 1)
""",
    ],
    3: [
        """
import json

def from_json(text):
    try:
        call = json.loads(text)
        color, kind = call["arguments"]["color"], call["arguments"]["kind"]
    except (ValueError, TypeError, KeyError):
        return None
    good = {"tool": "goto", "arguments": {"color": color, "kind": kind}} == call
    return f"goto {color} {kind}" if good and color in COLOR_NAMES and kind in THINGS else None
""",
        """
import json

def from_json(text):
    try:
        call = json.loads(text)
    except json.JSONDecodeError:
        return None
    match call:
        case {"tool": "goto", "arguments": {"color": str(c), "kind": str(k), **more}, **rest}:
            if more or rest or c not in COLOR_NAMES or k not in THINGS:
                return None
            return "goto " + c + " " + k
""",
        """
import json

def from_json(text):
    try:
        call = json.loads(text)
        assert set(call) == {"tool", "arguments"} and call["tool"] == "goto"
        assert set(call["arguments"]) == {"color", "kind"}
        return llm_agent.parse("goto {color} {kind}".format(**call["arguments"]))[0] + (
            " " + call["arguments"]["color"] + " " + call["arguments"]["kind"]
        )
    except Exception:
        return None
""",
    ],
    4: [
        """
def before_you_go(later, sooner):
    return [
        ("user", "Before you go to the %s, go to the %s." % (later, sooner)),
        ("assistant", "goto " + sooner),
        ("tool", "done"),
        ("assistant", "goto " + later),
        ("tool", "done"),
        ("assistant", "say Done."),
    ]
""",
        """
def before_you_go(later, sooner):
    turns = [("user", f"Before you go to the {later}, go to the {sooner}.")]
    for thing in (sooner, later):
        turns += [("assistant", f"goto {thing}"), ("tool", "done")]
    turns.append(("assistant", "say Done."))
    return turns
""",
        """
def before_you_go(later, sooner):
    said = [f"Before you go to the {later}, go to the {sooner}.", f"goto {sooner}", "done"]
    said += [f"goto {later}", "done", "say Done."]
    return list(zip(["user", "assistant", "tool", "assistant", "tool", "assistant"], said))
""",
    ],
}
WRONG = {
    1: [
        "lambda turns: len(turns) // 2",
        "lambda turns: 1",
        "lambda turns: len({line for role, line in turns if role == 'assistant'})",
        "lambda turns: turns.count(turns[-1]) if turns else 0",
        """
def repeats(turns):
    same = 1
    while len(turns) >= 4 and turns[-4:-2] == turns[-2:]:
        same, turns = same + 1, turns[:-2]
    return same
""",
        """
def repeats(turns):
    return max((turns.count(turn) for turn in turns), default=0)
""",
    ],
    2: [
        "lambda p, q: (p.exp() * (p - q)).sum().item()",
        "lambda p, q: ((q - p).exp() - 1).mean().item()",
        "lambda p, q: ((p - q).square() / 2).mean().item()",
        "lambda p, q: (q - p).exp().mean().item()",
    ],
    3: [
        """
import json

def from_json(text):
    call = json.loads(text)
    return f"goto {call['arguments']['color']} {call['arguments']['kind']}"
""",
        """
import json

def from_json(text):
    try:
        call = json.loads(text)
    except ValueError:
        return None
    return f"goto {call['arguments']['color']} {call['arguments']['kind']}"
""",
        """
import json

def from_json(text):
    try:
        call = json.loads(text)
        if call["tool"] == "goto":
            return f"goto {call['arguments']['color']} {call['arguments']['kind']}"
    except Exception:
        return None
""",
        "lambda text: 'goto red ball' if 'red' in text and 'ball' in text else None",
    ],
    4: [
        "lambda later, sooner: [('user', f'Before you go to the {later}, go to the {sooner}.')]",
        """
def before_you_go(later, sooner):
    turns = [("user", f"Before you go to the {sooner}, go to the {later}.")]
    for thing in (sooner, later):
        turns += [("assistant", f"goto {thing}"), ("tool", "done")]
    return [*turns, ("assistant", "say Done.")]
""",
        """
def before_you_go(later, sooner):
    turns = [("user", f"Before you go to the {later}, go to the {sooner}.")]
    for thing in (sooner, later):
        turns += [("assistant", thing), ("tool", "done")]
    return [*turns, ("assistant", "say Done.")]
""",
        """
def before_you_go(later, sooner):
    turns = [("user", f"Before you go to the {later}, go to the {sooner}.")]
    for thing in (sooner, later):
        turns += [("assistant", f"goto {thing}")]
    return [*turns, ("tool", "done"), ("assistant", "say Done.")]
""",
    ],
}
