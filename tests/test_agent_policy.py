"""How a policy plays and learns: by copying the bot, and by trying."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from llm_helpers import agent_policy, agent_world
from llm_helpers.agent_world import World
from llm_helpers.training import fit, seed_everything

ROOT = Path(__file__).parents[1]
ROOM, EASY = "BabyAI-GoToLocal-v0", "BabyAI-GoToLocalS8N2-v0"


class Always(nn.Module):
    """A policy that likes one action best, then the next, and so on."""

    def __init__(self, action: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(-torch.arange(7.0).roll(action))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return self.logits.expand(len(tokens), -1)


def test_playing_side_by_side_changes_nothing() -> None:
    seed_everything(0)
    model = agent_policy.new_policy().eval()
    seeds = list(range(7))
    together = agent_policy.rollout(model, EASY, seeds)
    assert together == agent_policy.rollout(model, EASY, seeds, together=3)
    assert [e.seed for e in together] == seeds
    for episode in together:
        world = World(EASY)
        assert world.reset(episode.seed) == episode.instruction
        for text, action in zip(episode.texts, episode.actions, strict=True):
            assert world.text() == text
            world.act(action)
        assert (world.ended, world.success) == (True, episode.success)


def test_another_instruction_is_read_but_the_world_judges_by_its_own() -> None:
    def misled(world: World) -> str:
        return "go to the red ball"

    own, read = (
        agent_policy.rollout(Always(2), ROOM, range(40), instruct=instruct)
        for instruct in (None, misled)
    )
    assert all(e.texts[0].startswith("go to the red ball ;") for e in read)
    assert [e.success for e in own] == [e.success for e in read]  # Always doesn't read
    assert 0 < sum(e.success for e in own) < 40


def test_loop_breaking_tries_everything_before_it_repeats() -> None:
    for choices in (3, 7):
        choose = agent_policy.loop_breaking(choices)
        world = World(EASY)
        world.reset(0)
        world.act(0)
        world.actions.clear()  # as if new; from now on the world stays as it is
        logits = torch.arange(7.0)[None].flip(1)
        first = [choose(logits, [world])[0]]
        world.actions.append(0)
        first += [choose(logits, [world])[0] for _ in range(2 * choices - 1)]
        assert first == list(range(choices)) * 2


def test_clone_is_fit_lesson_after_lesson() -> None:
    lessons = [({EASY: 20}, 1), ({EASY: 20, ROOM: 10}, 2)]
    model, histories = agent_policy.clone(lessons)
    seed_everything(0)
    by_hand = agent_policy.new_policy()
    shown = {level: agent_world.demonstrations(level, n) for level, n in lessons[1][0].items()}
    easy = agent_world.batches_of(shown[EASY])
    first = fit(by_hand, easy, epochs=1, lr=5e-3, device="cpu")
    both = agent_world.batches_of(shown[EASY] + shown[ROOM])
    second = fit(by_hand, both, epochs=2, lr=5e-3, decay=True, device="cpu")
    assert [h.epochs[-1].train_loss for h in histories] == [
        h.epochs[-1].train_loss for h in (first, second)
    ]
    for a, b in zip(model.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(a, b)


# ---------------------------------------------------------------- learning by trying


@pytest.fixture
def policy() -> nn.Module:
    seed_everything(1)
    return agent_policy.new_policy().eval()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_policy_loss_is_the_weighted_log_probability(
    policy: nn.Module, temperature: float
) -> None:
    episodes = agent_policy.rollout(policy, EASY, range(6), agent_policy.sampling)
    advantages = torch.randn(6)
    loss = agent_policy.policy_loss(policy, episodes, advantages, temperature)
    found = policy.fc.weight.grad.clone()
    policy.zero_grad()
    total, steps = torch.zeros(()), 0
    for episode, advantage in zip(episodes, advantages, strict=True):
        for text, action in zip(episode.texts, episode.actions, strict=True):
            logits = policy(*agent_world.batch_of([text])) / temperature
            log_p = logits.log_softmax(1)[0, action]
            total, steps = total - advantage * log_p, steps + 1
    (total / steps).backward()
    assert loss == pytest.approx((total / steps).item(), abs=1e-5)
    assert torch.allclose(found, policy.fc.weight.grad, atol=1e-5)


def test_a_low_temperature_draws_the_likeliest_action() -> None:
    seed_everything(0)
    logits = torch.tensor([[0.0, 1.0, 0.0]]).repeat(200, 1)
    draws = {t: agent_policy.sampling(logits, [], t) for t in (0.01, 1.0)}
    assert set(draws[0.01]) == {1}
    assert draws[1.0].count(1) == pytest.approx(200 * logits[0].softmax(0)[1].item(), abs=30)


def test_the_reward_is_babyais() -> None:
    world = World(EASY)
    for seed in range(3):
        episode = agent_world.demonstrate(world, seed)
        assert agent_policy.reward_of(episode) == pytest.approx(world.env._reward())
    assert agent_policy.reward_of(episode._replace(success=False)) == 0


@pytest.mark.parametrize("baseline", ["group", "batch"])
def test_trying_reports_what_happened_and_changes_the_policy(
    policy: nn.Module, baseline: str
) -> None:
    before = policy.fc.weight.detach().clone()
    after, log = agent_policy.reinforce(
        policy, EASY, range(20), baseline, updates=2, groups=3, tries=2
    )
    assert after is policy and not torch.equal(before, policy.fc.weight)
    assert len(log) == 2
    assert all(0 <= u.reward <= u.success <= 1 and 1 <= u.steps <= 64 for u in log)


def test_the_group_baseline_forgets_what_the_room_contributes(
    policy: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Tensor] = {}
    monkeypatch.setattr(agent_policy, "reward_of", lambda episode: float(episode.seed))
    for baseline in ("group", "batch"):
        monkeypatch.setattr(
            agent_policy,
            "policy_loss",
            lambda policy, episodes, advantages, temperature, b=baseline: seen.__setitem__(
                b, advantages
            ),
        )
        agent_policy.reinforce(policy, EASY, range(9), baseline, updates=1, groups=4, tries=2)
    assert (seen["group"] == 0).all()  # the reward is the room's number, so no try is better
    assert seen["batch"].abs().max() > 5 and abs(seen["batch"].mean()) < 1e-4


def test_the_agent_is_read_from_its_file_or_trained_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessons: list[object] = []

    def clone(given: object) -> tuple[nn.Module, list]:
        lessons.append(given)
        seed_everything(len(lessons))
        return agent_policy.new_policy(), []

    monkeypatch.setenv("LLM_HELPERS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(agent_policy, "clone", clone)
    trained, read = agent_policy.the_agent(), agent_policy.the_agent()
    assert len(lessons) == 1 and (tmp_path / "runs" / "agent.pt").is_file()
    assert not trained.training and not read.training
    for a, b in zip(trained.parameters(), read.parameters(), strict=True):
        assert torch.equal(a, b)
    stored = (ROOT / "notebooks" / "09_language_agent.ipynb").read_text(encoding="utf-8")
    assert "4), ({EASY: 3000, MIDDLE: 3000, LEVEL: 3000}, 4)]" in stored
    (easy, (mixed, epochs)) = lessons[0]
    assert easy == ({"BabyAI-GoToLocalS8N2-v0": 3000}, 4) and epochs == 4
    assert list(mixed.values()) == [3000] * 3


def test_loop_breaking_begins_anew_for_a_world_that_it_meets_in_the_middle() -> None:
    world = World(EASY)
    world.reset(0)
    world.act(agent_world.LEFT)
    choose = agent_policy.loop_breaking()
    logits = torch.arange(7.0).flip(0)[None]  # left, then right, then forward
    assert [choose(logits, [world])[0] for _ in range(4)] == [0, 1, 2, 0]
