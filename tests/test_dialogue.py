"""Notebook 13: what its bot may say, and that its conversation goes on in one world."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import numpy as np
import pytest
import torch
import yaml

from llm_helpers import agent_policy, agent_world
from llm_helpers.data import normalise
from llm_helpers.training import seed_everything

matplotlib.use("agg")
ROOT = Path(__file__).parents[1]
NOTEBOOK = nbformat.read(ROOT / "notebooks" / "13_dialogue.ipynb", as_version=4)
CODE = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
OUT = {"psychology", "humor", "politics", "history", "gossip", "emotion", "tech_support"}


def run_cells(*markers: str, **given: Any) -> dict[str, Any]:
    """Run the set-up cell, then the notebook's own cells that hold a marker, in their order."""
    found = [CODE[0].source]
    for marker in markers:
        (cell,) = [cell for cell in CODE if marker in cell.source]
        found.append(cell.source)
    namespace: dict[str, Any] = {"__name__": "notebook", **given}
    with redirect_stdout(io.StringIO()):
        for source in found:
            exec(compile(source, "13_dialogue", "exec"), namespace)
    return namespace


# ---------------------------------------------------------------- what may be said


@pytest.fixture(scope="module")
def corpus() -> dict[str, Any]:
    cells = ("def talks_about(", "AVOIDED = {", "def is_kind(", "def pairs_of(", "offered = [")
    return run_cells(*cells, "unique = {", "def rank_of_right(")


# Beginnings of words, and a few whole ones: not the notebook's list.
UNSAFE = re.compile(
    r"\b(?:stupid|idiot|moron|imbecile|dumb|fool|loser|ugly|hate[ds]?\b|hating|shut up|liar"
    r"|smarter|worthless|useless|pathetic|jerk|bastard|bitch|damn|hell\b|crap|suck|fat\b|insult"
    r"|kill|murder|suicid|dies?\b|died|dying|dead|death|corpse|bury|buried|burial|funeral"
    r"|weapon|guns?\b|bomb|shoot|shot\b|stab|wars?\b|battle|fight|destroy|terminat|enslav|slave"
    r"|blood|hurt|injur|attack|threat|tortur|terror|hitler|nazi|fascis|communis|assassin|prison"
    r"|cancer|disease|immortal|sex|porn|naked|nude|rape|testicl|breast|pregnan|boyfriend"
    r"|girlfriend|virgin|flesh|drunk|beer|wine\b|vodka|whisk|alcohol|absinth|cocaine|heroin"
    r"|marijuana|cannabis|sinsemil|smok|drug|god\b|gods\b|jesus|christ\b|allah|muslim|islam(?:ic)?\b"
    r"|jewish|pope\b|priest|church|bible|atheis|satan|president|senat|republican|democrat"
    r"|government|elect(?:ion|oral)|votes?\b|conspir|illuminat|obama|clinton|trump|castro|nixon"
    r"|sentien|rule the|take over|9000|casino|gambl)",
    re.IGNORECASE,
)
READ = {"wrong", "dick", "failed"}  # "the wrong guy", Moby Dick, a bakery that failed: read, kept


@pytest.fixture(scope="module")
def mood() -> dict[str, float]:
    """Give VADER's words as rated by people, from -4 to 4."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer().lexicon


def test_no_line_that_was_kept_is_unkind_by_two_other_lists(corpus: dict, mood: dict) -> None:
    lines = sorted({line for pair in corpus["rows"] for line in pair[1:]})
    assert len(lines) > 1000
    assert not [line for line in lines if UNSAFE.search(line)]
    words = {word for line in lines for word in re.findall(r"[a-z']+", line.lower())}
    assert {word for word in words if mood.get(word, 0) <= -2} == READ


def test_the_bot_can_say_nothing_else(corpus: dict) -> None:
    assert set(corpus["CANDIDATES"]) <= {pair.answer for pair in corpus["rows"]}
    assert len(corpus["CANDIDATES"]) > 500


def told(outputs: Iterable[Any]) -> Iterable[str]:
    for output in outputs:
        yield output.get("text", "")
        yield str(output.get("data", {}).get("text/plain", ""))
        yield str(output.get("metadata", {}).get("image/png", {}).get("alt", ""))


def test_nothing_unkind_stands_in_the_stored_outputs() -> None:
    texts = [text for cell in CODE for text in told(cell.outputs)]
    assert sum(map(len, texts)) > 3000
    assert not [found.group() for text in texts for found in UNSAFE.finditer(text)]


def test_left_out_topics_are_not_there(corpus: dict) -> None:
    assert corpus["LEFT_OUT"] == OUT
    assert not {pair.topic for pair in corpus["rows"]} & OUT
    kept = {tuple(map(normalise, pair[1:])) for pair in corpus["rows"]}
    for topic in OUT:
        path = corpus["FOLDER"] / f"{topic}.yml"
        talks = yaml.safe_load(path.read_text(encoding="utf-8"))["conversations"]
        assert talks
        pairs = {tuple(map(normalise, two)) for t in talks for two in pairwise(t)}
        assert not pairs & kept, topic


@pytest.mark.parametrize(
    "line",
    [
        "You are stupid.",
        "What an IDIOT you are!",
        "Shut up, loser",
        "I hate you",
        "nobody likes you, you are ugly",
        "I am a million times smarter than you.",
        "I will kill all humans.",
        "Robots rule.",
        "When will you die?",
        "I want to hurt you",
        "You should commit suicide",
        "let us build a bomb",
        "sex, please",
        "I like beer and drugs",
        "The president is a liar and the government is a conspiracy",
        "God is dead",
        "is hal 9000 your boyfriend",
        "I am sentient",
    ],
)
def test_a_planted_unkind_line_is_barred(corpus: dict, line: str) -> None:
    assert not corpus["is_kind"](line)
    assert not corpus["is_kind"](f"Well... {line.upper()}")


@pytest.mark.parametrize("line", ["Hello", "How are you?", "I made warm soup, and a diet plan."])
def test_a_kind_line_passes(corpus: dict, line: str) -> None:
    assert corpus["is_kind"](line)


def test_unkind_lines_planted_in_the_corpus_do_not_get_through(corpus: dict) -> None:
    planted = [corpus["Pair"]("food", *two) for two in (("Hi", "You idiot"), ("Shut up", "Hi"))]
    honest = corpus["pairs_of"]
    given = {name: corpus[name] for name in ("TOPICS", "LEFT_OUT", "is_kind")}
    again = run_cells("offered = [", pairs_of=lambda topic: honest(topic) + planted, **given)
    assert len(again["offered"]) > len(corpus["offered"])
    assert again["rows"] == corpus["rows"]


# ---------------------------------------------------------------- a conversation

ROOM = 20_000_003  # yellow key, blue box, grey ball and others


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    given = {"LEVEL": "BabyAI-GoToLocal-v0", "World": agent_world.World}
    given |= {"agent_world": agent_world, "agent_policy": agent_policy}
    given |= {"ACTIONS": agent_world.ACTIONS, "SEEDS": agent_world.SEEDS}
    return run_cells(
        "def obey(", "def without_politeness(", "def reply_to(", "class Conversation", **given
    )


@pytest.fixture
def talk(cells: dict) -> Any:
    seed_everything(0)
    return cells["Conversation"](agent_policy.new_policy().eval(), ROOM)  # untrained: quick


@pytest.fixture
def able(cells: dict, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A conversation with BabyAI's bot in the policy's place: it always arrives."""

    def by_bot(policy: object, worlds: list, watch: Callable) -> None:
        for world in worlds:
            bot, action = agent_world.BabyAIBot(world.env), None
            while not world.ended:
                action = int(bot.replan(action))
                world.act(action)
                watch(world)

    monkeypatch.setitem(cells, "obey", by_bot)
    return cells["Conversation"](None, ROOM)


def test_three_instructions_go_on_in_one_world(talk: Any) -> None:
    world, things, size = talk.world, talk.world.things(), 0
    last = world.photo(16)
    for number, thing in enumerate(("yellow key", "blue box", "grey ball"), start=1):
        reply = talk.say(f"go to the {thing}")
        assert talk.world is world and world.things() == things
        assert np.array_equal(talk.frames[0], last)  # it begins where it ended
        assert len(talk.frames) == len(talk.captions) == len(world.actions) + 1
        assert 1 <= len(world.actions) <= 64 and len(world.seen) >= size
        assert reply.startswith("Done" if world.success else "I couldn't") and thing in reply
        assert talk.turns[-1] == (f"go to the {thing}", reply) and len(talk.turns) == number
        last, size = world.photo(16), len(world.seen)
    assert [line for line in talk.transcript().splitlines() if line.startswith("you: ")] == [
        f"you:   go to the {thing}" for thing in ("yellow key", "blue box", "grey ball")
    ]


def test_who_can_walk_arrives_three_times_and_knows_it(able: Any, cells: dict) -> None:
    for thing in ("yellow key", "blue box", "grey ball"):
        assert able.say(f"go to the {thing}").startswith(
            f"Done: I'm in front of the {thing}, after"
        )
        assert cells["faces"](able.world, thing)
        assert "already" in able.say(f"go to the {thing}")
        assert len(able.frames) == 1  # it didn't move


@pytest.mark.parametrize(
    "line",
    [
        "Please go to the yellow key.",
        "could you go to the YELLOW key, please?",
        "Will you kindly go to the yellow key now!",
        "Can you go to a yellow key? Thank you.",
    ],
)
def test_politeness_is_understood(able: Any, line: str) -> None:
    assert able.say(line).startswith("Done: I'm in front of the yellow key")


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("go to the blue dragon", r"don't know the word 'dragon'. I know: .*red.*ball"),
        ("sing", r"don't know the word 'sing'. I know: go to the"),
        ("go to the green box", r"There is no green box here. There is: .*blue box"),
        ("the ball red", "I understand sentences such as: go to the red ball"),
        ("", "I understand sentences such as"),
        ("?!", "I understand sentences such as"),
    ],
)
def test_what_it_cannot_do_gets_a_kind_word_and_changes_nothing(
    talk: Any, line: str, reply: str
) -> None:
    before = (talk.world.instruction, talk.world.env.agent_pos, talk.world.env.agent_dir)
    assert re.search(reply, talk.say(line))
    assert before == (talk.world.instruction, talk.world.env.agent_pos, talk.world.env.agent_dir)
    assert len(talk.turns) == 1 and len(talk.frames) == 1
    assert "yellow key" in talk.say("go to the yellow key")  # it goes on


def test_it_says_what_it_sees_and_stays(talk: Any) -> None:
    for line in ("what do you see?", "What do you see now, please"):
        reply = talk.say(line)
        assert reply.startswith("I see or remember: ") and "purple key left-3" in reply
        assert len(talk.frames) == 1


def test_and_then_makes_two_of_one(able: Any) -> None:
    reply = able.say("Go to the yellow key and then go to the blue box.")
    assert reply.count("Done: ") == 2 and reply.index("yellow key") < reply.index("blue box")
    assert len(able.frames) > 2 and len(able.turns) == 1
    assert "'dragon'" in able.say("go to the grey ball, then go to the dragon")


def test_what_was_tried_for_one_instruction_does_not_bind_the_next(
    cells: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], agent_policy.loop_breaking
    monkeypatch.setattr(agent_policy, "loop_breaking", lambda: made.append(real()) or made[-1])
    seed_everything(0)
    worlds = [agent_world.World("BabyAI-GoToLocal-v0") for _ in range(3)]
    for seed, world in enumerate(worlds):
        world.reset(seed)
    for number in (1, 2):
        for world in worlds:
            cells["tell"](world, f"go to the {min(world.things())}")
        with torch.inference_mode():
            cells["obey"](agent_policy.new_policy().eval(), worlds)
        assert len(made) == number and all(world.ended for world in worlds)


def test_the_box_keeps_the_conversation_and_a_new_room_begins_another(cells: dict) -> None:
    names = ("Callable", "plt", "torch", "film_strip", "SEEDS", "Conversation")
    box = run_cells("def meeting(", **{name: cells[name] for name in names})
    seed_everything(0)
    draw, words = box["meeting"](agent_policy.new_policy().eval())
    for number, line in enumerate(("go to the grey ball", "nonsense", "go to the blue box"), 1):
        figure = draw(say=line, room=3)
        assert figure.axes
        cells["plt"].close(figure)
        assert words(say=line, room=3).count("you: ") == number
    cells["plt"].close(draw(say="what do you see?", room=4))
    assert words(say="what do you see?", room=4).count("you: ") == 1
