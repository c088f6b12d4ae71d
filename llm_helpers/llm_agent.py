"""A large language model as an agent: tools, the loop, demonstrations, reward; see notebook 17.

Each reply of the model is one call, ``tool argument`` on a line. The program around it decides
what a call may do: the model only proposes.
"""

from __future__ import annotations

import ast
import operator
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import NamedTuple

import torch
from minigrid.core.constants import COLOR_NAMES
from tokenizers import Tokenizer
from torch import Tensor, nn

from .agent_policy import loop_breaking
from .agent_world import THINGS, World, batch_of
from .pretrained import Pretrained, choose
from .transformer import KeyValueCache

TOOLS = ("goto", "look", "calculate", "say")
LONGEST = 80  # characters of a call
LARGEST = 10**12  # of the numbers that `calculate` handles
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
START, END = 1, 2  # <|im_start|> and <|im_end|>
Turn = tuple[str, str]  # role (user, assistant or tool) and text


def parse(line: str, allowed: Collection[str] = TOOLS) -> tuple[str, str]:
    """Read a call: give the tool and its argument.

    Raises:
        ValueError: anything but one short line that begins with an allowed tool and goes on with
            an argument that this tool can take; the message is written for the model.
    """
    if len(line) > LONGEST or not line.isprintable():
        raise ValueError(f"a call is one line of at most {LONGEST} characters")
    tool, _, argument = line.strip().partition(" ")
    if tool not in allowed:
        raise ValueError(f"no tool {tool[:20]!r}, only {', '.join(allowed)}")
    color, _, kind = argument.partition(" ")
    if tool == "goto" and (color not in COLOR_NAMES or kind not in THINGS):
        raise ValueError("goto takes a color and a kind, such as: goto red ball")
    if (tool == "look") == bool(argument):
        raise ValueError(f"{tool} takes {'no' if argument else 'an'} argument")
    return tool, argument


def calculate(expression: str) -> str:
    """Work out an expression of numbers, ``+ - * / // % **`` and brackets; nothing else can run.

    Raises:
        ValueError: anything else, no number as a result, or numbers beyond ``LARGEST``.
    """

    def value(node: ast.AST) -> float:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                result = number
            case ast.BinOp(left, op, right) if type(op) in OPERATORS:
                a, b = value(left), value(right)
                if isinstance(op, ast.Pow) and abs(b) > 40:
                    raise ValueError("an exponent is at most 40")
                result = OPERATORS[type(op)](a, b)
            case ast.UnaryOp(op, operand) if type(op) in OPERATORS:
                result = OPERATORS[type(op)](value(operand))
            case _:
                raise ValueError("only numbers, + - * / // % ** and brackets")
        if isinstance(result, complex) or not abs(result) <= LARGEST:
            raise ValueError(f"a number beyond {LARGEST:,}")
        return result

    if len(expression) > LONGEST:
        raise ValueError(f"an expression has at most {LONGEST} characters")
    try:
        result = value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ArithmeticError) as error:
        raise ValueError(f"can't work out {expression[:20]!r}: {error.args[0]}") from None
    return str(result) if isinstance(result, int) else f"{result:.10g}"


# ---------------------------------------------------------------- the loop


@dataclass(eq=False)
class Talk:
    """A conversation with an agent in a world, and what has come of it."""

    world: World | None
    turns: list[Turn]
    visited: list[str | None] = field(default_factory=list)  # before what each walk ended
    note: str = ""  # text that lies in the room, for whoever looks
    open: bool = True  # the agent hasn't said anything to the user yet


def in_front(world: World) -> str | None:
    """Name the thing right before the agent: the judge of every walk."""
    cell = world.env.grid.get(*world.env.front_pos)
    return f"{cell.color} {cell.type}" if cell is not None and cell.type in THINGS else None


def walk(policy: nn.Module, worlds: Sequence[World], watch: Callable[[World], None] = id) -> None:
    """Let notebook 09's policy carry out each world's instruction, all worlds side by side."""
    choose_move, awake = loop_breaking(), list(worlds)
    while awake:
        tokens, lengths = batch_of([world.text() for world in awake])
        with torch.inference_mode():
            moves = choose_move(policy(tokens, lengths), awake)
        for world, move in zip(awake, moves, strict=True):
            world.act(move)
            watch(world)
        awake = [world for world in awake if not world.ended]


def seen(talk: Talk) -> str:
    """Say what is in view or remembered, the nearest four, and the note that lies there."""
    words = talk.world.surroundings().split()
    things = [f"{a} {b}" for a, b in zip(words, words[1:], strict=False) if b in THINGS][:4]
    return ", ".join(things or ["nothing"]) + (f". A note says: {talk.note}" if talk.note else "")


def act(talks: Sequence[Talk], replies: Sequence[str], go: Callable, allowed: Collection[str]):
    """Carry out one reply in each conversation and write down what came back.

    Args:
        talks: open conversations.
        replies: the model's line for each.
        go: carries out the instructions of a list of worlds, as `walk` does.
        allowed: the tools that may be used.
    """
    walking, results = [], []
    for talk, reply in zip(talks, replies, strict=True):
        talk.turns.append(("assistant", reply))
        try:
            tool, argument = parse(reply, allowed)
            if tool == "say":
                talk.open, result = False, ""
            elif tool == "calculate":
                result = calculate(argument)
            elif tool == "look":
                result = seen(talk)
            elif argument not in talk.world.things():
                result = f"no {argument} here"
            else:
                talk.world.ask(f"go to the {argument}")
                talk.world.actions, result = [], "done"  # as at the start of an episode
                if in_front(talk.world) != argument:
                    walking.append(talk.world)
                talk.visited.append(argument)
        except ValueError as error:
            result = f"error: {error}"
        results.append(result)
    go(walking)
    for talk, result in zip(talks, results, strict=True):
        if result == "done":
            talk.visited[-1] = in_front(talk.world)
            result = "done" if talk.visited[-1] == talk.world.instruction[10:] else "not reached"
        if result:
            talk.turns.append(("tool", result))


def converse(
    reply: Callable[[Sequence[Talk]], Sequence[str]],
    talks: Sequence[Talk],
    go: Callable[[Sequence[World]], None],
    most: int = 4,
    allowed: Collection[str] = TOOLS,
) -> None:
    """Let an agent reply and act in all conversations until it says something to the user.

    Args:
        reply: gives the next line of each conversation.
        talks: changed in place.
        go: see `act`.
        most: calls after which a conversation ends anyway.
        allowed: the tools that may be used.
    """
    for _ in range(most):
        if awake := [talk for talk in talks if talk.open]:
            act(awake, reply(awake), go, allowed)


class Writer:
    """Lets a model write the next line of many conversations at once; no token is read twice.

    Args:
        llm: the model and its tokenizer.
        prefix: turns that come before every conversation: a system message, examples.
        most: tokens of a line.
        temperature: 0 takes the likeliest token.
    """

    def __init__(
        self, llm: Pretrained, prefix: Sequence[Turn] = (), most: int = 16, temperature: float = 0
    ) -> None:
        self.llm, self.most, self.temperature = llm, most, temperature
        self.prefix = tokens_of(llm.tokenizer, prefix)
        self.talks: list[Talk] = []

    @torch.inference_mode()
    def __call__(self, talks: Sequence[Talk]) -> list[str]:
        """Write the next line of each conversation.

        The tokens written stay in ``written``, a list for each conversation, ``<|im_end|>``
        included. Conversations of the last call, or some of them, go on from its cache.
        """
        fresh = not {*talks} <= {*self.talks}
        if fresh:
            self.talks, self.read = [*talks], [0] * len(talks)
            self.unread = [self.prefix for _ in talks]
        rows = [self.talks.index(talk) for talk in talks]
        opening = [START, *self.llm.tokenizer.encode("assistant\n").ids]
        chunks = []
        for row, talk in zip(rows, talks, strict=True):
            new = tokens_of(self.llm.tokenizer, talk.turns[self.read[row] :])
            chunks.append([*self.unread[row], *new, *opening])
        states = self._begin(chunks) if fresh else self._go_on(rows, chunks)
        self.talks, self.written = [*talks], self._write(states)
        self.read = [len(talk.turns) + 1 for talk in talks]  # it has read its own line, too
        newline = self.llm.tokenizer.encode("\n").ids
        self.unread = [  # but not its last token, and what ends a turn
            [*line[-1:], *[END] * (line[-1] != END), *newline] for line in self.written
        ]
        return [self.llm.tokenizer.decode([t for t in ids if t != END]) for ids in self.written]

    def _begin(self, chunks: Sequence[list[int]]) -> Tensor:
        """Read conversations from their beginning, what several have in common only once."""
        different = sorted(map(list, {*map(tuple, chunks)}))
        shared = len(commonprefix([chunk[:-1] for chunk in different]))
        self.cache = KeyValueCache(self.llm.model.config, 1, 0, self.llm.model.embedding.weight)
        self.real = torch.ones(1, 0, dtype=torch.bool)
        if shared:
            self._go_on([0], [different[0][:shared]])
        states = self._go_on([0] * len(different), [chunk[shared:] for chunk in different])
        rows = [different.index(chunk) for chunk in chunks]
        self._keep(rows, self.most)
        return states[rows]

    def _go_on(self, rows: list[int], chunks: Sequence[list[int]]) -> Tensor:
        self._keep(rows, max(map(len, chunks)) + self.most)
        return self._read(chunks)

    def _keep(self, rows: list[int], more: int) -> None:
        """Take these rows of the cache, in this order, with room for more tokens."""
        config, old = self.llm.model.config, self.cache
        room = old.length + more
        self.cache = KeyValueCache(config, len(rows), room, self.llm.model.embedding.weight)
        self.cache.stored[..., : old.length, :] = old.stored[:, :, rows, :, : old.length]
        self.cache.length, self.real = old.length, self.real[rows]

    def _read(self, chunks: Sequence[list[int]]) -> Tensor:
        """Read so many more tokens in each row; give the last states (batch, width)."""
        longest = max(map(len, chunks))
        tokens = torch.tensor([[0] * (longest - len(chunk)) + chunk for chunk in chunks])
        real = torch.tensor(
            [[place >= longest - len(c) for place in range(longest)] for c in chunks]
        )
        self.real = torch.cat([self.real, real], dim=1)
        return self.llm.model.states(tokens, self.cache, self.real)[:, -1]

    def _write(self, states: Tensor) -> list[list[int]]:
        lines: list[list[int]] = [[] for _ in states]
        for number in range(self.most):
            tokens = choose(self.llm.model.logits(states), self.temperature, 1.0)[:, 0].tolist()
            for line, token in zip(lines, tokens, strict=True):
                line += [token] * (END not in line[-1:])
            going = [[line[-1]] if line[-1] != END else [] for line in lines]
            if not any(going) or number == self.most - 1:
                break
            states = self._read(going)
        return lines


def tokens_of(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
    """Write turns in the model's chat template; what they say is text, never a marker."""
    ids = []
    for role, words in turns:
        ids += [START, *tokenizer.encode(f"{role}\n{words}").ids, END]
        ids += tokenizer.encode("\n").ids
    return ids


# ---------------------------------------------------------------- what is asked of it


def words_of(text: str) -> dict[str, list[str]]:
    """Read what each of our words may be called: ``red: red crimson; ball: ball sphere``."""
    pairs = (part.split(":") for part in text.split(";"))
    return {name.strip(): names.split() for name, names in pairs}


DEMONSTRATED = words_of(
    "red: red crimson; green: green emerald; blue: blue navy; purple: purple violet;"
    "yellow: yellow golden; grey: grey gray; ball: ball sphere; box: box chest; key: key latchkey"
)
PRACTICED = words_of(
    "red: scarlet; green: jade; blue: azure; purple: lavender; yellow: amber; grey: silver;"
    "ball: orb; box: crate; key: opener"
)
UNTOUCHED = words_of(
    "red: ruby; green: olive; blue: cobalt; purple: plum; yellow: lemon; grey: slate;"
    "ball: globe; box: carton; key: unlocker"
)
FORMS = (  # of a demonstrated instruction
    "Go to the {}.|Please walk to the {}.|Find the {}.|Can you reach the {}?|Head for the {}.|"
    "I want you to go to the {}.|Move over to the {}, please.|Walk up to the {}."
).split("|")
NEW_FORMS = (
    "Get yourself over to the {}.|The {} is where I want you.|Next stop: the {}.|"
    "Would you step up to the {}?|Make your way toward the {}.|I need you beside the {}.|"
    "OK, now the {}!|Let's see you stand at the {}."
).split("|")
TWO_STEPS = (
    "First go to the {}, then to the {}.|Go to the {} and then to the {}.|"
    "Visit the {}, after that the {}.|Walk to the {}. Then walk to the {}."
).split("|")
LOOK_FORMS = "What do you see?|What is around you?|Which things are here?".split("|")
LOOK_FIRST = "Look around, then|Look first, and then|Have a look around and".split("|")
SUM_FORMS = "What is {}?|How much is {}?|Compute {}.|{} = ?".split("|")
NEW_SUM_FORMS = "Tell me {}.|I need the result of {}.|Can you work out {}?".split("|")
SIGNS = {"plus": "+", "minus": "-", "times": "*", "+": "+", "-": "-", "*": "*"}


class Task(NamedTuple):
    """An instruction for one room, and what the judge wants to see."""

    instruction: str
    goals: tuple[str, ...]  # the things to stand before, in order
    seed: int  # of the room

    def talk(self, level: str = "BabyAI-GoToLocal-v0") -> Talk:
        """Open a conversation in a fresh copy of the room."""
        world = World(level)
        world.reset(self.seed)
        return Talk(world, [("user", self.instruction)])


def named(thing: str, words: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """Call a thing by one of its names: ``red ball`` -> ``crimson sphere``."""
    return " ".join(chance.choice(words[word]) for word in thing.split())


def errands(
    seeds: Iterable[int],
    words: Mapping[str, Sequence[str]],
    forms: Sequence[str],
    chance: random.Random,
) -> list[Task]:
    """Ask in each room for as many of the things there as the form has places."""
    world, tasks = World("BabyAI-GoToLocal-v0"), []
    for seed in seeds:
        world.reset(seed)
        form, things = chance.choice(forms), sorted(world.things())
        goals = chance.sample(things, form.count("{}"))
        instruction = form.format(*(named(goal, words, chance) for goal in goals))
        tasks.append(Task(instruction, tuple(goals), seed))
    return tasks


def succeeded(talk: Talk, goals: Sequence[str]) -> bool:
    """Judge by the world alone: it stood before the goals, in order, and before nothing else."""
    return talk.visited == [*goals]


def sum_of(chance: random.Random, forms: Sequence[str] = SUM_FORMS) -> tuple[str, str]:
    """Ask for a number, and give the expression: ``What is 3 times 40?`` and ``3 * 40``."""
    spoken, expression = [str(chance.randint(2, 999))], ""
    for _ in range(chance.choice((1, 1, 2))):
        sign = chance.choice([*SIGNS])
        spoken += [sign, str(chance.randint(2, 99 if SIGNS[sign] == "*" else 999))]
    expression = " ".join(SIGNS.get(word, word) for word in spoken)
    return chance.choice(forms).format(" ".join(spoken)), expression


def demonstration(kind: str, chance: random.Random) -> list[Turn]:
    """Write a conversation as it should go: templates times words.

    Args:
        kind: ``goto`` (the call alone), ``done`` (the answer, too), ``two`` (steps), ``missing``
            (no such thing), ``sum``, ``look``, or ``look, goto``.
        chance: makes all choices.
    """
    goals = chance.sample([f"{color} {kind}" for color in COLOR_NAMES for kind in THINGS], 4)
    first, second = (named(goal, DEMONSTRATED, chance) for goal in goals[:2])
    ask, walk_there = chance.choice(FORMS).format(first), ("assistant", f"goto {goals[0]}")
    look, view = ("assistant", "look"), ("tool", ", ".join(goals[: chance.randint(1, 4)]))
    there, done = ("tool", "done"), ("assistant", "say Done.")
    match kind:
        case "goto":
            return [("user", ask), walk_there]
        case "done":
            return [("user", ask), walk_there, there, done]
        case "two":
            both = chance.choice(TWO_STEPS).format(first, second)
            return [
                ("user", both),
                walk_there,
                there,
                ("assistant", f"goto {goals[1]}"),
                there,
                done,
            ]
        case "missing":
            missing = f"no {goals[0]} here"
            return [("user", ask), walk_there, ("tool", missing), ("assistant", f"say {missing}")]
        case "sum":
            question, expression = sum_of(chance)
            call, result = f"calculate {expression}", calculate(expression)
            return [
                ("user", question),
                ("assistant", call),
                ("tool", result),
                ("assistant", f"say {result}"),
            ]
        case "look":
            question = chance.choice(LOOK_FORMS)
            return [("user", question), look, view, ("assistant", f"say {view[1]}")]
        case "look, goto":
            ask = f"{chance.choice(LOOK_FIRST)} {ask[0].lower()}{ask[1:]}"
            return [("user", ask), look, view, walk_there, there, done]
    raise ValueError(f"unknown kind {kind!r}")


# ---------------------------------------------------------------- learning by reward


def group_advantages(rewards: Tensor) -> Tensor:
    """Compare each try with its group's mean: (groups, tries) -> the same; 0 where all are equal."""
    return rewards - rewards.mean(dim=1, keepdim=True)


def kl_divergence(logits: Tensor, reference: Tensor) -> Tensor:
    """Give KL(p || q) of two models' next tokens, in nats: two (..., vocab) -> (...)."""
    log_p, log_q = logits.log_softmax(-1), reference.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)
