"""How a policy learns to act in BabyAI's worlds: cloned in notebook 09, reinforced in 10."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from .agent_world import ACTIONS, WORDS, Episode, World, batch_of, batches_of, demonstrations
from .checkpoints import load_checkpoint, save_checkpoint
from .files import data_dir
from .models import TextRNN
from .runs import History
from .training import fit, seed_everything


def new_policy() -> TextRNN:
    """Make the policy of notebook 09: a text goes in, a logit for each action comes out."""
    policy = TextRNN(len(WORDS), len(ACTIONS), embed_dim=64, hidden_dim=96, cell="gru")
    # No word here is rare, and from small vectors the GRU is slow to learn to compare words.
    policy.embedding.reset_parameters()  # a spread of 1, PyTorch's own
    return policy


def clone(
    lessons: Sequence[tuple[dict[str, int], int]], lr: float = 5e-3, seed: int = 0, **options: Any
) -> tuple[TextRNN, list[History]]:
    """Train a policy to do what the bot did (behavior cloning), lesson after lesson.

    Args:
        lessons: each the number of demonstrations for some levels, and the epochs.
        lr: AdamW's step size; in the last lesson it falls to zero.
        seed: another one gives other first weights.
        options: those of :func:`demonstrations`.
    """
    seed_everything(seed)
    model, histories, seen = new_policy(), [], {}
    for number, (levels, epochs) in enumerate(lessons, start=1):
        for level, count in levels.items():
            if level not in seen:
                seen[level] = demonstrations(level, count, **options)
        batches = batches_of([episode for level in levels for episode in seen[level]])
        decay = number == len(lessons)
        histories.append(fit(model, batches, epochs=epochs, lr=lr, decay=decay, device="cpu"))
    return model, histories


def the_agent() -> TextRNN:
    """Give notebook 09's policy, from the file ``runs/agent.pt`` that it left, else trained here.

    The training takes about a minute and a half and gives the same weights.
    """
    file = data_dir().parent / "runs" / "agent.pt"
    if not file.is_file():
        easy, middle, full = (f"BabyAI-GoToLocal{size}-v0" for size in ("S8N2", "S8N4", ""))
        mixed = {easy: 3000, middle: 3000, full: 3000}
        save_checkpoint(file, clone([({easy: 3000}, 4), (mixed, 4)])[0])
    policy = new_policy()
    load_checkpoint(file, policy)
    return policy.eval()


def loop_breaking(choices: int = 3) -> Callable[[Tensor, Sequence[World]], list[int]]:
    """Choose the likeliest action that wasn't tried yet at this place, facing this way.

    Args:
        choices: among so many of the first ``ACTIONS``; 3 are the moves alone.

    Returns:
        A ``choose`` for :func:`rollout`, good for one call of it.
    """
    tried: dict[World, dict[tuple, list[int]]] = {}

    def choose(logits: Tensor, worlds: Sequence[World]) -> list[int]:
        actions = []
        for world, row in zip(worlds, logits[:, :choices].clone(), strict=True):
            if not world.actions or world not in tried:
                tried[world] = {}  # a new episode
            before = tried[world].setdefault((world.place, world.facing), [])
            if len(before) == choices:
                before.clear()
            row[before] = -torch.inf
            before.append(int(row.argmax()))
            actions.append(before[-1])
        return actions

    return choose


def play(
    model: nn.Module,
    worlds: Sequence[World],
    choose: Callable[[Tensor, Sequence[World]], list[int]],
    watch: Callable[[World, str], object],
) -> None:
    """Let a policy act until all worlds have ended; ``watch`` gets each and what it read."""
    device, awake = next(model.parameters()).device, list(worlds)
    while awake:
        texts = [world.text() for world in awake]
        tokens, lengths = batch_of(texts)
        with torch.inference_mode():
            logits = model(tokens.to(device), lengths.to(device)).float().cpu()
        for world, text, action in zip(awake, texts, choose(logits, awake), strict=True):
            world.act(action)
            watch(world, text)
        awake = [world for world in awake if not world.ended]


def rollout(
    model: nn.Module,
    level: str,
    seeds: Sequence[int],
    choose: Callable[[Tensor, Sequence[World]], list[int]] | None = None,
    instruct: Callable[[World], str] | None = None,
    memory: bool = True,
    together: int = 256,
) -> list[Episode]:
    """Let a policy play many worlds side by side: one forward pass moves all of them.

    Args:
        model: called as ``model(tokens, lengths)``, gives logits (worlds, actions).
        level: the worlds' name.
        seeds: one world each.
        choose: gives actions for logits (worlds, actions) and their worlds; by default argmax.
        instruct: gives what is read in place of the world's instruction, which still judges.
        memory: see :class:`World`; as it was in training.
        together: worlds played at the same time.

    Returns:
        An episode for each seed, in their order.
    """
    choose = choose or (lambda logits, worlds: logits.argmax(1).tolist())
    worlds = [World(level, memory=memory) for _ in range(min(together, len(seeds)))]
    episodes = []
    for start in range(0, len(seeds), together):
        playing = list(zip(worlds, seeds[start : start + together], strict=False))
        told: dict[World, list[str]] = {world: [] for world, _ in playing}
        for world, seed in playing:
            world.reset(seed)
            if instruct:
                world.instruction = instruct(world)
        play(model, [*told], choose, lambda world, text, told=told: told[world].append(text))
        for world, seed in playing:
            was = world.instruction, told[world], world.actions, world.success
            episodes.append(Episode(seed, *was))
    return episodes


class Update(NamedTuple):
    """What one update of :func:`reinforce` saw."""

    reward: float  # mean over the episodes
    success: float  # share of them
    steps: float  # mean length


def reward_of(episode: Episode, limit: int = 64) -> float:
    """Give BabyAI's reward: 0 for a failure, else 1 - 0.9 * steps / limit."""
    return float(episode.success) * (1 - 0.9 * len(episode.actions) / limit)


def sampling(logits: Tensor, worlds: Sequence[World], temperature: float = 1.0) -> list[int]:
    """Draw each action with the policy's own probability: a ``choose`` for :func:`rollout`.

    A lower ``temperature`` draws nearer to argmax.
    """
    return torch.multinomial((logits / temperature).softmax(1), 1)[:, 0].tolist()


def policy_loss(
    policy: nn.Module, episodes: Sequence[Episode], advantages: Tensor, temperature: float = 1.0
) -> float:
    """Add to the gradients those of the policy-gradient loss; return the loss.

    Args:
        policy: called as ``policy(tokens, lengths)``.
        episodes: played by this very policy, actions sampled.
        advantages: (episodes,) float32, one for all actions of an episode.
        temperature: at which they were sampled.
    """
    tokens, lengths = batch_of([text for episode in episodes for text in episode.texts])
    actions = torch.tensor([action for episode in episodes for action in episode.actions])
    weights = advantages.repeat_interleave(torch.tensor([len(e.actions) for e in episodes]))
    loss = 0.0
    for rows in lengths.argsort().split(256):  # similar lengths together: little padding
        logits = policy(tokens[rows, : int(lengths[rows].max())], lengths[rows]) / temperature
        log_p = logits.log_softmax(1)[torch.arange(len(rows)), actions[rows]]
        part = -(weights[rows] * log_p).sum() / len(actions)
        part.backward()
        loss += part.item()
    return loss


def reinforce(
    policy: nn.Module,
    level: str,
    rooms: Sequence[int],
    baseline: Literal["group", "batch"],
    *,
    updates: int,
    lr: float = 3e-3,
    temperature: float = 0.5,
    groups: int = 32,
    tries: int = 8,
    seed: int = 0,
) -> tuple[nn.Module, list[Update]]:
    """Train a policy by its own successes (REINFORCE, Williams 1992). Built in notebook 10.

    Args:
        policy: trained in place.
        level: the worlds' name.
        rooms: the seeds to draw worlds from.
        baseline: what an episode's reward is compared with, the mean of the whole ``batch`` or
            that of its ``group``, the tries in the same world (Shao et al. 2024, GRPO).
        updates: how many steps of Adam.
        lr: its step size at first; it falls to zero in a straight line.
        temperature: of the actions drawn; the policy is trained as it plays.
        groups: worlds for an update.
        tries: episodes for each of them.
        seed: another one draws other rooms and other actions.
    """
    optimizer = torch.optim.Adam(policy.parameters(), lr=lr)
    draw = functools.partial(sampling, temperature=temperature)
    seed_everything(seed)
    log = []
    for update in range(updates):
        optimizer.param_groups[0]["lr"] = lr * (1 - update / updates)
        seeds = [seed for seed in random.choices(rooms, k=groups) for _ in range(tries)]
        episodes = rollout(policy.eval(), level, seeds, draw)
        rewards = torch.tensor([reward_of(episode) for episode in episodes])  # (episodes,)
        if baseline == "group":
            expected = rewards.view(groups, tries).mean(1).repeat_interleave(tries)
        else:
            expected = rewards.mean()
        optimizer.zero_grad()
        policy_loss(policy, episodes, (rewards - expected) / 0.1, temperature)
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        steps = sum(len(e.actions) for e in episodes) / len(episodes)
        success = sum(e.success for e in episodes) / len(episodes)
        log.append(Update(float(rewards.mean()), success, steps))
    return policy, log
