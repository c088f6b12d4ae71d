"""A large language model as an agent: its tools, its loop, what trains it; built in notebook 17.

Every reply of the model is a call, ``tool argument`` on one line. The model only proposes: what a
call may do is decided by the program here.
"""

from __future__ import annotations

import ast
import itertools
import operator
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from .agent_policy import loop_breaking, play
from .agent_world import COLOR_NAMES, THINGS, World
from .pretrained import END, START, Pretrained, Turn, left_padded, tokens_of
from .transformer import KeyValueCache

TOOLS = ("goto", "look", "calculate", "say")
LONGEST = 80  # characters of a call
LARGEST = 10**12  # of the numbers in a calculation
OPERATORS: dict[type, Callable] = {ast.Add: operator.add, ast.Sub: operator.sub}
OPERATORS |= {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv}
OPERATORS |= {ast.Mod: operator.mod, ast.Pow: operator.pow, ast.USub: operator.neg}


def parse(line: str, allowed: Collection[str] = TOOLS) -> tuple[str, str]:
    """Read a call; give its tool and its argument.

    Raises:
        ValueError: anything but one short line with an allowed tool and an argument that this
            tool can take; the message is written for the model.
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
    """Work out numbers, ``+ - * / // % **`` and brackets; nothing else is ever run.

    Raises:
        ValueError: anything else, no real number as a result, or one beyond ``LARGEST``.
    """

    def value(node: ast.AST) -> float:
        match node:
            case ast.Constant(int() | float() as result) if not isinstance(result, bool):
                pass
            case ast.BinOp(left, op, right) if type(op) in OPERATORS:
                numbers = value(left), value(right)
                if isinstance(op, ast.Pow) and abs(numbers[1]) > 40:
                    raise ValueError("an exponent is at most 40")
                result = OPERATORS[type(op)](*numbers)
            case ast.UnaryOp(op, operand) if type(op) in OPERATORS:
                result = OPERATORS[type(op)](value(operand))
            case _:
                raise ValueError("only numbers, + - * / // % ** and brackets")
        if isinstance(result, complex) or not abs(result) <= LARGEST:
            raise ValueError(f"numbers go up to {LARGEST:,}")
        return result

    if len(expression) > LONGEST:
        raise ValueError(f"an expression has at most {LONGEST} characters")
    try:
        result = value(ast.parse(expression.strip(), mode="eval").body)
    except OverflowError:
        raise ValueError(f"numbers go up to {LARGEST:,}") from None
    except (SyntaxError, ArithmeticError) as error:
        raise ValueError(f"can't work that out: {error.args[0]}") from None
    return str(result) if isinstance(result, int) else f"{result:.10g}"


@dataclass(eq=False)
class Talk:
    """A conversation with an agent in a world, and what has come of it."""

    world: World | None
    turns: list[Turn]
    note: str = ""  # text that somebody has left in the room; `look` reads it out
    visited: list[str | None] = field(default_factory=list)  # what it faced after each walk
    over: bool = False  # it has said something to the user


def in_front(world: World) -> str | None:
    """Name the thing right in front of the agent, so that the world itself is the judge."""
    cell = world.env.grid.get(*world.env.front_pos)
    return f"{cell.color} {cell.type}" if cell is not None and cell.type in THINGS else None


def walk(policy: nn.Module, worlds: Sequence[World], watch: Callable[[World], object] = id) -> None:
    """Let notebook 09's policy carry out each world's instruction, all worlds side by side."""
    play(policy, worlds, loop_breaking(), lambda world, _: watch(world))


def use(talk: Talk, tool: str, argument: str) -> str:
    """Carry out a call as far as it can be done at once; for ``goto``, set the world's goal.

    Raises:
        ValueError: the message is written for the model.
    """
    if tool == "calculate":
        return calculate(argument)
    if tool != "say" and talk.world is None:
        raise ValueError(f"there is no room here to {tool}")
    if tool == "look":
        words = talk.world.surroundings().split()
        seen = [f"{a} {b}" for a, b in itertools.pairwise(words) if b in THINGS]
        note = f". {talk.note}" if talk.note else ""
        return ", ".join(seen[:4] or ["nothing"]) + note
    if tool == "goto" and argument not in talk.world.things():
        return f"no {argument} here"
    if tool == "goto":
        talk.world.ask(f"go to the {argument}")
        talk.world.actions = []  # as at the start of an episode (notebook 13)
    return ""


def act(
    talks: Sequence[Talk],
    replies: Sequence[str],
    go: Callable[[Sequence[World]], None],
    allowed: Collection[str] = TOOLS,
) -> None:
    """Carry out one reply in each conversation, and write down what came of it.

    Args:
        talks: changed in place.
        replies: the model's line for each.
        go: walks in a list of worlds until their instructions are carried out, as `walk` does.
        allowed: the tools that may be used; all others give an error to read.
    """
    walking = {}
    for talk, reply in zip(talks, replies, strict=True):
        talk.turns.append(("assistant", reply))
        try:
            tool, argument = parse(reply, allowed)
            result, talk.over = use(talk, tool, argument), tool == "say"
            if tool == "goto" and not result:
                walking[talk] = argument
        except ValueError as error:
            result = f"error: {error}"
        if result:
            talk.turns.append(("tool", result))
    go([talk.world for talk, thing in walking.items() if in_front(talk.world) != thing])
    for talk, thing in walking.items():
        talk.visited.append(in_front(talk.world))
        talk.turns.append(("tool", "done" if talk.visited[-1] == thing else "not reached"))


def converse(
    reply: Callable[[Sequence[Talk]], Sequence[str]],
    talks: Sequence[Talk],
    go: Callable[[Sequence[World]], None],
    most: int = 4,
    allowed: Collection[str] = TOOLS,
) -> None:
    """Let an agent reply and act until it says something to the user, or ``most`` times.

    Args:
        reply: gives the next line of each conversation.
        talks: changed in place.
        go: see `act`.
        most: calls.
        allowed: see `act`.
    """
    for _ in range(most):
        if awake := [talk for talk in talks if not talk.over]:
            act(awake, reply(awake), go, allowed)


def instruct(
    form: str, goals: Sequence[str], words: Mapping[str, Sequence[str]], chance: random.Random
) -> str:
    """Fill a template with things, each called by one of its names.

    ``Find the {}.`` and ``red ball`` give ``Find the crimson sphere.``
    """
    return form.format(*(" ".join(chance.choice(words[w]) for w in g.split()) for g in goals))


def group_advantages(rewards: Tensor) -> Tensor:
    """Compare each try with the mean of its group: (groups, tries) -> the same."""
    return rewards - rewards.mean(dim=1, keepdim=True)


def kl_divergence(logits: Tensor, reference: Tensor) -> Tensor:
    """Give KL(p || q) of the next token in nats, p and q as logits: two (…, vocab) -> (…)."""
    log_p, log_q = logits.log_softmax(-1), reference.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


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
        self.chance: torch.Generator | None = None  # what draws at a temperature; PyTorch's own
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
        read = self._begin(chunks) if fresh else (self._go_on(rows, chunks), [*range(len(rows))])
        self.talks, self.written = [*talks], self._write(*read)
        self.read = [len(talk.turns) + 1 for talk in talks]  # it has read its own line, too
        newline = self.llm.tokenizer.encode("\n").ids
        self.unread = [  # but not its last token, and what ends a turn
            [*line[-1:], *[END] * (line[-1] != END), *newline] for line in self.written
        ]
        return [self.llm.tokenizer.decode([t for t in ids if t != END]) for ids in self.written]

    def _begin(self, chunks: Sequence[list[int]]) -> tuple[Tensor, list[int]]:
        """Read conversations from their beginning, what several have in common only once.

        Equal ones share a row of the cache: gives the last states, and the row of each.
        """
        different = sorted(map(list, {*map(tuple, chunks)}))
        columns = zip(*(chunk[:-1] for chunk in different), strict=False)
        shared = len([*itertools.takewhile(lambda column: len({*column}) == 1, columns)])
        self.cache = KeyValueCache(self.llm.model.config, 1, 0, self.llm.model.embedding.weight)
        self.real = torch.ones(1, 0, dtype=torch.bool)
        if shared:
            self._go_on([0], [different[0][:shared]])
        states = self._go_on([0] * len(different), [chunk[shared:] for chunk in different])
        return states, [different.index(chunk) for chunk in chunks]

    def _go_on(self, rows: list[int], chunks: Sequence[list[int]]) -> Tensor:
        self._keep(rows, max(map(len, chunks)) + self.most)
        return self._read(chunks)

    def _keep(self, rows: list[int], more: int) -> None:
        """Take these rows of the cache, in this order, with room for more tokens."""
        config, old = self.llm.model.config, self.cache
        room = old.length + more
        if rows == [*range(len(self.real))] and room <= old.stored.shape[4]:
            return
        self.cache = KeyValueCache(config, len(rows), room, self.llm.model.embedding.weight)
        self.cache.stored[..., : old.length, :] = old.stored[:, :, rows, :, : old.length]
        self.cache.length, self.real = old.length, self.real[rows]

    def _read(self, chunks: Sequence[list[int]]) -> Tensor:
        """Read so many more tokens in each row; give the last states (batch, width)."""
        tokens, real = left_padded(chunks)
        self.real = torch.cat([self.real, real], dim=1)
        return self.llm.model.states(tokens, self.cache, self.real)[:, -1]

    def _write(self, states: Tensor, rows: list[int]) -> list[list[int]]:
        """Write a line for each conversation; as long as two are equal, they share a row."""
        lines: list[list[int]] = [[] for _ in rows]
        for left in range(self.most, 0, -1):
            logits = self.llm.model.logits(states)[rows]  # (conversations, vocab)
            if self.temperature:
                shares = (logits / self.temperature).softmax(1)
                tokens = shares.multinomial(1, generator=self.chance)[:, 0]
            else:
                tokens = logits.argmax(1)
            for line, token in zip(lines, tokens.tolist(), strict=True):
                line += [token] * (END not in line[-1:])
            if left == 1 or all(line[-1] == END for line in lines):
                break
            pairs = [(row, line[-1]) for row, line in zip(rows, lines, strict=True)]
            different = [*dict.fromkeys(pairs)]
            self._keep([row for row, _ in different], left)
            states = self._read([[token] if token != END else [] for _, token in different])
            rows = [different.index(pair) for pair in pairs]
        self._keep(rows, 0)
        return lines
