"""BabyAI worlds as text: what an agent perceives is a sentence. Built in notebook 09.

The worlds are those of BabyAI (Chevalier-Boisvert et al., ICLR 2019) in ``minigrid``. The agent
sees the 7 x 7 cells before it and hears an instruction such as "go to the red ball".
"""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .data import PAD, UNK, BucketBatches

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # pygame greets otherwise

import gymnasium
import minigrid  # noqa: F401  (registers its worlds)
from minigrid.core.constants import COLOR_NAMES, IDX_TO_COLOR, IDX_TO_OBJECT, OBJECT_TO_IDX
from minigrid.envs.babyai.core.verifier import GoToInstr, ObjDesc
from minigrid.utils.baby_ai_bot import BabyAIBot

ACTIONS = ("left", "right", "forward", "pickup", "drop", "toggle", "done")
LEFT, RIGHT, FORWARD = range(3)
SEEDS = {"train": 0, "validation": 10_000_000, "test": 20_000_000}  # the first seed of each part
THINGS = ("ball", "box", "key")
DOOR_STATES = ("open", "closed", "locked")
COMPASS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # steps ahead, when facing each way; right is next
FARTHEST = 7  # what is farther away is said to be so far
QUIET = Lock()  # only one thread at a time may put something in the place of stdout


# every word that can stand in a text
WORDS = [PAD, UNK, "go", "to", "the", "a", ";", "wall", "held", "door", *COLOR_NAMES, *THINGS]
WORDS += [f"{way}-{n}" for way in ("ahead", "behind", "left", "right") for n in range(1, 8)]
WORDS += [*DOOR_STATES, *ACTIONS]
IDS = {word: number for number, word in enumerate(WORDS)}


def encode(text: str) -> list[int]:
    """Turn a text of known words into ids.

    Raises:
        ValueError: an unknown word; the message names it and the words that would do.
    """
    unknown = [word for word in text.split() if word not in IDS]
    if unknown:
        known = f"{', '.join(COLOR_NAMES)}; {', '.join(THINGS)}"
        raise ValueError(f"I don't know the word {unknown[0]!r}. I know: go to the; {known}")
    return [IDS[word] for word in text.split()]


def batch_of(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Give token ids (texts, time) int64, padded, and lengths (texts,) int64."""
    ids = [torch.tensor(encode(text)) for text in texts]
    lengths = torch.tensor([len(sequence) for sequence in ids])
    return pad_sequence(ids, batch_first=True), lengths


class World:
    """A BabyAI world that says in words what the agent sees and remembers.

    Args:
        level: the name of a ``minigrid`` world, ``BabyAI-GoToLocal-v0`` for instance.
        memory: also tell what was seen before, at the place where it must be now, and the
            last three actions.
    """

    def __init__(self, level: str, *, memory: bool = True) -> None:
        self.env = gymnasium.make(level, disable_env_checker=True).unwrapped
        self.memory = memory
        # The bot and the camera look again at what has just been seen: once is enough.
        self.env.gen_obs_grid = functools.cache(self.env.gen_obs_grid)

    def reset(self, seed: int) -> str:
        """Make the world number ``seed``; return its instruction."""
        self.env.gen_obs_grid.cache_clear()
        with QUIET, redirect_stdout(io.StringIO()):  # minigrid says when it rejects a world
            self.image = self.env.reset(seed=seed)[0]["image"]  # (7, 7, 3): column, row, what
        self.instruction = self.env.mission
        self.success = self.ended = False
        self.place, self.facing = (0, 0), 0  # by dead reckoning: where the agent thinks it is
        self.actions, self.seen = [], {}  # int; what was seen by place, (int, int) -> str
        self._look()
        return self.instruction

    def ask(self, instruction: str) -> None:
        """Give the agent another instruction, here and now; the world judges by it from now on.

        Raises:
            ValueError: a word the agent doesn't know, no "go to the <color> <thing>", or a
                thing that doesn't stand in this world. The message says what would do.
        """
        encode(instruction.lower())
        match instruction.lower().split():
            case "go", "to", "the" | "a", color, thing if color in COLOR_NAMES:
                pass
            case _:
                raise ValueError("I understand sentences such as: go to the red ball")
        if f"{color} {thing}" not in self.things():
            here = ", ".join(sorted(self.things()))
            raise ValueError(f"There is no {color} {thing} here. There is: {here}")
        self.instruction = f"go to the {color} {thing}"
        self.env.instrs = GoToInstr(ObjDesc(thing, color))
        self.env.instrs.reset_verifier(self.env)
        self.env.step_count, self.success, self.ended = 0, False, False

    def act(self, action: int) -> None:
        """Do one of ``ACTIONS``; then ``success`` and ``ended`` tell how it went."""
        kind, _, state = self.image[3, 5].tolist()
        ahead = IDX_TO_OBJECT[kind]
        free = ahead in ("empty", "goal") or (ahead == "door" and state == 0)
        if action in (LEFT, RIGHT):
            self.facing = (self.facing + (1 if action == RIGHT else -1)) % 4
        elif action == FORWARD and free:
            self.place = self._cell(1, 0)
        self.env.gen_obs_grid.cache_clear()
        observation, reward, terminated, truncated, _ = self.env.step(action)
        self.image, self.success = observation["image"], reward > 0
        self.ended = terminated or truncated
        self.actions.append(action)
        self._look()

    def things(self) -> set[str]:
        """Name what stands in the world, seen or not: for experiments, not for the agent."""
        cells = [cell for cell in self.env.grid.grid if cell is not None]
        return {f"{cell.color} {cell.type}" for cell in cells if cell.type in THINGS}

    def photo(self, tile: int = 24) -> np.ndarray:
        """Draw the world from above, what is in view lighter: (height, width, 3) uint8."""
        return self.env.get_frame(highlight=True, tile_size=tile)

    def _cell(self, ahead: int, right: int) -> tuple[int, int]:
        """Find the cell so many steps ahead and to the right on the agent's own map."""
        (fx, fy), (rx, ry) = COMPASS[self.facing], COMPASS[(self.facing + 1) % 4]
        x, y = self.place
        return x + ahead * fx + right * rx, y + ahead * fy + right * ry

    def _look(self) -> None:
        """Write what is in view on the map, and wipe out what is no longer there."""
        if not self.memory:
            self.seen = {}
        kinds = self.image[:, :, 0]
        for column, row in np.argwhere(kinds != OBJECT_TO_IDX["unseen"]).tolist():
            cell = self._cell(6 - row, column - 3)
            kind, color, state = self.image[column, row].tolist()
            name = IDX_TO_OBJECT[kind]
            if name == "door":
                self.seen[cell] = f"{DOOR_STATES[state]} {IDX_TO_COLOR[color]} door"
            elif name in THINGS:
                self.seen[cell] = f"{IDX_TO_COLOR[color]} {name}"
            else:
                self.seen.pop(cell, None)

    def surroundings(self) -> str:
        """Tell what the agent sees and remembers, the nearest first."""
        (fx, fy), (rx, ry) = COMPASS[self.facing], COMPASS[(self.facing + 1) % 4]
        told = []
        for (x, y), name in self.seen.items():
            dx, dy = x - self.place[0], y - self.place[1]
            ahead, right = dx * fx + dy * fy, dx * rx + dy * ry
            told.append((abs(ahead) + abs(right), -ahead, right, name))
        parts = ["wall ahead-1"] if self.image[3, 5, 0] == OBJECT_TO_IDX["wall"] else []
        parts += [f"{name} {_where(-back, right)}" for _, back, right, name in sorted(told)]
        return " ".join(parts)

    def text(self) -> str:
        """Instruction ; surroundings ; latest actions."""
        done = " ".join(ACTIONS[action] for action in self.actions[-3:] if self.memory)
        return f"{self.instruction} ; {self.surroundings()} ; {done}"


def _where(ahead: int, right: int) -> str:
    ways = (("behind", "ahead"), ahead), (("left", "right"), right)
    words = [f"{names[n > 0]}-{min(abs(n), FARTHEST)}" for names, n in ways if n]
    return " ".join(words) or "held"


class Episode(NamedTuple):
    """One attempt in one world."""

    seed: int
    instruction: str
    texts: list[str]  # what was perceived before each action
    actions: list[int]
    success: bool


def demonstrate(world: World, seed: int) -> Episode:
    """Let BabyAI's bot, which remembers all it has seen and plans its way, play world ``seed``."""
    world.reset(seed)
    bot, texts, action = BabyAIBot(world.env), [], None
    while not world.ended:
        action = int(bot.replan(action))
        texts.append(world.text())
        world.act(action)
    return Episode(seed, world.instruction, texts, world.actions, world.success)


def demonstrations(
    level: str,
    number: int,
    *,
    memory: bool = True,
    never_asked: Sequence[str] = (),
    never_there: Sequence[str] = (),
) -> list[Episode]:
    """Collect successful demonstrations in the first training worlds that qualify.

    Args:
        level: the worlds' name.
        number: how many.
        memory: see :class:`World`.
        never_asked: things ("red ball") that no instruction may name.
        never_there: things that may not stand in the world at all.
    """
    world, episodes, seed = World(level, memory=memory), [], SEEDS["train"] - 1
    while len(episodes) < number:
        seed += 1
        instruction = world.reset(seed)
        if instruction.endswith(tuple(never_asked)) or world.things() & set(never_there):
            continue
        episode = demonstrate(world, seed)
        if episode.success:
            episodes.append(episode)
    return episodes


def batches_of(episodes: Sequence[Episode], batch_size: int = 64, seed: int = 0) -> BucketBatches:
    """Deal all steps of all episodes into batches: the text is read, the action is the label."""
    texts = [encode(text) for episode in episodes for text in episode.texts]
    actions = [action for episode in episodes for action in episode.actions]
    return BucketBatches(texts, actions, batch_size, shuffle=True, seed=seed)
