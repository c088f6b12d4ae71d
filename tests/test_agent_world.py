"""The agent's worlds: what it is told is true, and what it may not know it isn't told."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from llm_helpers import agent_world
from llm_helpers.agent_world import ACTIONS, IDS, WORDS, World

ROOM, EASY = "BabyAI-GoToLocal-v0", "BabyAI-GoToLocalS8N2-v0"
MAZE = "BabyAI-GoToObjMazeS4-v0"


def truly_there(world: World) -> set[str]:
    """Say where everything is, from minigrid's own map: "red ball ahead-2 left-1"."""
    env, told = world.env, set()
    (x, y), forward, right = env.agent_pos, env.dir_vec, env.right_vec
    for i in range(env.grid.width):
        for j in range(env.grid.height):
            cell = env.grid.get(i, j)
            if cell is not None and cell.type in agent_world.THINGS:
                d = (i - x, j - y)
                ahead = int(d[0] * forward[0] + d[1] * forward[1])
                side = int(d[0] * right[0] + d[1] * right[1])
                told.add(f"{cell.color} {cell.type} {agent_world._where(ahead, side)}")
    return told


def told_of(world: World) -> set[str]:
    """Cut the surroundings into things; doors and walls left out."""
    parts: list[list[str]] = []
    for word in world.surroundings().split():
        if word in agent_world.COLOR_NAMES or word in (*agent_world.DOOR_STATES, "wall"):
            if parts and parts[-1][-1] in agent_world.DOOR_STATES:
                parts[-1].append(word)
            else:
                parts.append([word])
        else:
            parts[-1].append(word)
    return {" ".join(part) for part in parts if part[1] in agent_world.THINGS}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_told_is_where_it_says_however_the_agent_moves(seed: int) -> None:
    world, dice = World(ROOM), torch.Generator().manual_seed(seed)
    world.reset(seed)
    most = 0
    while not world.ended:
        assert told_of(world) <= truly_there(world)
        most = max(most, len(told_of(world)))
        world.act(int(torch.randint(3, (), generator=dice)))
    assert most >= 3


def test_a_walk_through_open_doors_keeps_the_map_true() -> None:
    for seed in range(5):
        world = World(MAZE)
        world.reset(seed)
        bot, action, told = agent_world.BabyAIBot(world.env), None, 0
        while not world.ended:
            action = int(bot.replan(action))
            world.act(action)
            assert told_of(world) <= truly_there(world)
            told += len(told_of(world))
        assert world.success and told


def test_memory_tells_what_is_out_of_view_and_the_last_actions() -> None:
    with_it, without = World(ROOM), World(ROOM, memory=False)
    for world in (with_it, without):
        world.reset(4)
        for action in (1, 1, 2, 1):
            world.act(action)
    assert told_of(without) < told_of(with_it)
    assert with_it.text().endswith("; right forward right")
    assert without.text().endswith("; ")


def test_a_thing_picked_up_is_held_and_forgotten_at_its_place() -> None:
    world = World(ROOM)
    for seed in range(50):
        world.reset(seed)
        while not world.ended and len(world.actions) < 6 and world.image[3, 5, 0] == 1:
            world.act(ACTIONS.index("forward"))
        if not world.ended and world.image[3, 5, 0] in (5, 6, 7):
            break
    before = len(told_of(world))
    world.act(ACTIONS.index("pickup"))
    assert " held" in world.surroundings() and len(told_of(world)) == before
    world.act(ACTIONS.index("left"))
    assert " held" in world.surroundings()


def test_the_simulators_own_prints_are_caught(capsys: pytest.CaptureFixture) -> None:
    world = World(ROOM)
    for seed in range(60):
        world.reset(seed)
    assert capsys.readouterr().out == ""


def test_worlds_made_in_several_threads_leave_stdout_where_it_was() -> None:
    def make(start: int) -> list[str]:
        world = World(ROOM)
        return [world.reset(seed) for seed in range(start, start + 8)]

    before, alone = sys.stdout, [make(start) for start in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(make, range(4))] == alone
    assert sys.stdout is before


@pytest.mark.parametrize("level", [ROOM, EASY, MAZE, "BabyAI-GoToRedBall-v0"])
def test_every_word_of_a_text_is_known(level: str) -> None:
    world = World(level)
    for seed in range(3):
        for text in agent_world.demonstrate(world, seed).texts:
            assert agent_world.encode(text) == [IDS[word] for word in text.split()]
    assert len(WORDS) == len(set(WORDS)) and WORDS[:2] == ["<pad>", "<unk>"]


def test_an_unknown_word_is_named_kindly() -> None:
    with pytest.raises(ValueError, match=r"don't know the word 'dragon'. I know: .*red.*ball"):
        agent_world.encode("go to the red dragon")


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("fetch the ball", "don't know the word 'fetch'"),
        ("", "sentences such as"),
        ("go to the ball red", "sentences such as"),
        ("go to the red wall", "no red wall here. There is: .*yellow key"),
        ("go to the green box", "no green box here. There is: blue box"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_and_nothing_changes(sentence: str, answer: str) -> None:
    world = World(ROOM)
    before = world.reset(20_000_003)
    with pytest.raises(ValueError, match=answer):
        world.ask(sentence)
    assert world.instruction == before


def test_the_world_judges_by_what_was_asked_last() -> None:
    world = World(ROOM)
    world.reset(20_000_003)
    for thing in ("yellow key", "blue box", "yellow key"):
        world.ask(f"Go to THE {thing}")
        assert not world.ended and world.text().startswith(f"go to the {thing} ;")
        bot, action = agent_world.BabyAIBot(world.env), None
        while not world.ended:
            action = int(bot.replan(action))
            world.act(action)
        assert world.success and f"{thing} ahead-1" in world.surroundings()


def test_held_out_things_are_held_out() -> None:
    held = ("red ball", "green box", "blue key")
    asked = agent_world.demonstrations(EASY, 30, never_asked=held)
    there = agent_world.demonstrations(EASY, 30, never_there=held)
    usual = agent_world.demonstrations(EASY, 30)
    mentioned = [any(h in t for t in e.texts for h in held) for e in asked]
    assert not any(e.instruction.endswith(held) for e in asked) and any(mentioned)
    assert not any(h in text for e in there for text in e.texts for h in held)
    assert any(e.instruction.endswith(held) for e in usual)
    assert [e.seed for e in usual] == sorted({e.seed for e in usual})
    assert all(e.success and len(e.texts) == len(e.actions) for e in usual)
