"""How fast training is, what it keeps in memory, and how it grows with the data: ``make bench``.

Three loops train the same small model, from the same initial weights, on the same real review
sentences, one epoch each, with one thread:

* ``naive``: what many articles write. Texts are cut into tokens and looked up batch by batch,
  padded to the longest text of all, trained with plain ``torch.optim.Adam``; the loss is read
  at every step; sentences are shuffled, not sorted by length.
* ``fit``: ``training.fit`` as the notebooks call it, on ``BucketBatches``, with all it does
  beside the step: making the batches, clipping, the schedule, the history.
* ``bare``: forward, backward and step on exactly the batches that ``fit`` gets, made before the
  clock starts, with fused AdamW and nothing else. No loop on these batches does less.

Why this is fair: all three read the same real tokens (padding never counts), and nothing is
prepared outside the clock but what a loop's description says and the model itself. They take
turns step by step: a callback stops the clock of ``fit``, lets the others do one step each, and
starts it again. So another program, or a processor that slows down, hits all three alike: timed
one after the other, equal epochs differed by 15 % and more on a shared machine. Which of the
other two comes first alternates, so that ``fit`` and ``bare`` find the cache in the same state.
The ratios are taken within a round (one epoch each); their median over the rounds is judged.

The clock judged by is the CPU time of this process: one thread that never waits uses as much of
it as a wall clock shows on a quiet machine, and the time that others took away is left out.
(Windows counts CPU time in ticks longer than a step, so there the wall clock judges.) Wall times
stand beside. A second thread can only be judged by the wall clock.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
from torch import nn

from llm_helpers import arithmetic, curves, data, files, pretrained, runs, training
from llm_helpers.data import Batch, BucketBatches, Example
from llm_helpers.models import TextRNN

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "results.json"
SETTINGS = {"cell": "gru", "embed_dim": 64, "hidden_dim": 64, "pooling": "max"}
BATCH_SIZE, LR = 64, 2e-3
JUDGE = "wall" if sys.platform == "win32" else "cpu"  # a field of Seconds
TARGETS = {"fit/naive": 1.8, "fit/bare": 0.95}
WRITING_TARGETS = {
    (1, "ours/transformers"): 1.0,
    (16, "ours/transformers"): 1.0,
    (1, "ours/limit"): 0.75,
}
MIB = 2**20


class Seconds(NamedTuple):
    """A moment, or the time something took, by two clocks."""

    wall: float
    cpu: float

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)


def now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


def clock(run: Callable[[], None]) -> Seconds:
    started = now()
    run()
    return now() - started


class Spread(NamedTuple):
    """The middle of some numbers, and how far they scatter."""

    median: float
    lower_quartile: float
    upper_quartile: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        lower, _, upper = quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
        return cls(median(values), lower, upper)

    def __str__(self) -> str:
        return f"{self.median:.3f}  ({self.lower_quartile:.3f} to {self.upper_quartile:.3f})"


@dataclass(frozen=True)
class Work:
    """The training sentences, in text and in batches, and the longest of them all."""

    examples: list[Example]
    vocab: Any
    batches: BucketBatches
    longest: int

    def new_model(self) -> TextRNN:
        """Make the same weights every time."""
        training.seed_everything(0)
        return TextRNN(len(self.vocab), **SETTINGS).train()

    def part(self, parts: int) -> Work:
        """Take one sentence of ``parts``; the hash order makes the first ones a fair sample."""
        examples = self.examples[: len(self.examples) // parts]
        batches = data.batches_of(examples, self.vocab, BATCH_SIZE, shuffle=True)
        return Work(examples, self.vocab, batches, self.longest)


def load_work() -> Work:
    examples = data.split(data.load()).train
    vocab = data.build_vocab(example.text for example in examples)
    batches = data.batches_of(examples, vocab, BATCH_SIZE, shuffle=True)
    return Work(examples, vocab, batches, int(batches.lengths.max()))


# ---------------------------------------------------------------- the loops


def naive_loop(model: TextRNN, work: Work) -> Iterator[None]:
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    loss_fn = nn.CrossEntropyLoss()
    order = torch.randperm(len(work.examples)).tolist()
    for first in range(0, len(order), BATCH_SIZE):
        chosen = [work.examples[row] for row in order[first : first + BATCH_SIZE]]
        ids = [work.vocab(data.tokenize(example.text)) for example in chosen]
        tokens = torch.tensor([s + [0] * (work.longest - len(s)) for s in ids])  # (batch, time)
        lengths = torch.tensor([len(s) for s in ids])
        labels = torch.tensor([example.label for example in chosen])
        optimizer.zero_grad()
        loss = loss_fn(model(tokens, lengths), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        yield


def bare_loop(model: TextRNN, batches: list[Batch]) -> Iterator[None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.0, fused=True)
    for batch in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch.tokens, batch.lengths), batch.labels).backward()
        optimizer.step()
        yield


def fit_epoch(model: TextRNN, work: Work, *callbacks: Callable[[runs.History], None]) -> None:
    work.batches.set_epoch(0)
    training.fit(model, work.batches, epochs=1, lr=LR, device="cpu", callbacks=callbacks)


# ---------------------------------------------------------------- 1. speed


def take_turns(work: Work, batches: list[Batch]) -> dict[str, Seconds]:
    """Run one epoch of each loop, a step of one, then of the next; the time each took."""
    loops = {
        "naive": naive_loop(work.new_model(), work),
        "bare": bare_loop(work.new_model(), batches),
    }
    model = work.new_model()
    spent = {name: Seconds(0.0, 0.0) for name in ("naive", "fit", "bare")}
    started = now()

    def stop_clock(name: str) -> None:
        nonlocal started
        spent[name] += now() - started
        started = now()

    def let_others_step(history: runs.History) -> None:
        if history.epochs:  # the call at the end of the epoch
            return
        stop_clock("fit")
        for name in list(loops)[:: 1 if len(history.steps) % 2 else -1]:
            next(loops[name])
            stop_clock(name)

    fit_epoch(model, work, let_others_step)
    stop_clock("fit")
    return spent


def measure_speed(work: Work, rounds: int) -> dict[str, Any]:
    """Let the three loops take turns; tokens a second and the ratios between them."""
    work.batches.set_epoch(0)
    batches = list(work.batches)  # those of fit's first epoch
    taken = [take_turns(work, batches) for _ in range(rounds)]
    tokens = int(work.batches.lengths.sum())
    return {
        "sentences": len(work.examples),
        "real_tokens": tokens,
        "share_of_padding": {
            "naive": 1 - tokens / (len(work.examples) * work.longest),
            "fit": 1 - tokens / sum(batch.tokens.numel() for batch in batches),
        },
        "rounds": rounds,
        "tokens_per_second": {name: _rates(tokens, taken, name) for name in taken[0]},
        "ratios": {name: _ratios(taken, *name.split("/")) for name in TARGETS},
    }


def _rates(tokens: int, taken: list[dict[str, Seconds]], name: str) -> dict[str, float]:
    passes = [spent[name] for spent in taken]
    return {key: tokens / median(getattr(s, key) for s in passes) for key in Seconds._fields}


def _ratios(taken: list[dict[str, Seconds]], fast: str, slow: str) -> dict[str, Spread]:
    """Tell how many times as fast the first loop is as the second, round by round."""
    return {
        key: Spread.of([getattr(t[slow], key) / getattr(t[fast], key) for t in taken])
        for key in Seconds._fields
    }


def measure_threads(work: Work, rounds: int) -> dict[str, Any] | None:
    """Wall time of ``fit`` with one thread over that with two; None on a single processor.

    Two threads wait for each other many times a step. Where another program holds a processor,
    each wait can last until it lets go: then two threads are far slower than one.
    """
    if (os.cpu_count() or 1) < 2:
        return None
    walls: dict[int, list[float]] = {1: [], 2: []}

    def with_threads(number: int) -> None:
        model = work.new_model()  # sets one thread
        torch.set_num_threads(number)
        fit_epoch(model, work)

    for _ in range(rounds):
        for number, seen in walls.items():
            seen.append(clock(lambda number=number: with_threads(number)).wall)
    torch.set_num_threads(1)
    ratio = Spread.of([one / two for one, two in zip(walls[1], walls[2], strict=True)])
    return {"sentences": len(work.examples), "rounds": rounds, "speedup_of_two_threads": ratio}


# ---------------------------------------------------------------- 2. memory


def measure_state(work: Work) -> dict[str, Any]:
    """Count the parameters, and the bytes that training keeps for them."""
    model = work.new_model()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LR, fused=True)
    batch = next(iter(work.batches))
    nn.functional.cross_entropy(model(batch.tokens, batch.lengths), batch.labels).backward()
    optimizer.step()
    weights = _bytes(parameters)
    state = [value for entry in optimizer.state.values() for value in entry.values()]
    measured = {
        "weights": weights,
        "gradients": _bytes([p.grad for p in parameters]),
        "optimizer_state": _bytes([value for value in state if torch.is_tensor(value)]),
    }
    return {
        "parameters": sum(p.numel() for p in parameters),
        "predicted_bytes": 4 * weights,
        "measured_bytes": sum(measured.values()),
        **measured,
    }


def _bytes(tensors: list[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def measure_process() -> dict[str, float]:
    """Resident memory of another process: idle with all it needs, and its peak in training.

    In between it takes a single step on one sentence: PyTorch then loads what its optimizers
    need, whatever the size of the model.
    """
    here, there = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_train_when_told, args=(there,))
    child.start()
    there.close()
    here.recv()
    memory = psutil.Process(child.pid)
    levels = {"idle_mib": memory.memory_info().rss / MIB}
    for name in ("after_one_step_mib", "peak_in_training_mib"):
        here.send(name)
        seen = [memory.memory_info().rss]
        while not here.poll(0.005):
            seen.append(memory.memory_info().rss)
        here.recv()
        levels[name] = max(seen) / MIB
    child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"the training process ended with exit status {child.exitcode}")
    return levels | {"peak_over_idle_mib": levels["peak_in_training_mib"] - levels["idle_mib"]}


def _train_when_told(pipe: Connection) -> None:
    training.seed_everything(0)
    work = load_work()
    one = BucketBatches([[2]], [0])
    model = work.new_model()
    pipe.send("idle")
    for batches in (one, work.batches):
        pipe.recv()
        training.fit(model, batches, epochs=1, lr=LR, device="cpu")
        pipe.send("done")


# ---------------------------------------------------------------- 3. size of the data


def measure_growth(work: Work, parts: tuple[int, ...], rounds: int) -> dict[str, Any]:
    """Time one epoch of ``fit`` on growing shares of the sentences; the straight line through."""
    works = [work.part(n) for n in parts]
    seconds: list[list[Seconds]] = [[] for _ in parts]
    for _ in range(rounds):
        for part, seen in zip(works, seconds, strict=True):
            seen.append(clock(lambda part=part: fit_epoch(part.new_model(), part)))
    sizes = [len(part.examples) for part in works]
    cpu = [median(s.cpu for s in seen) for seen in seconds]
    slope, start = np.polyfit(sizes, cpu, 1)
    line = [start + slope * n for n in sizes]
    return {
        "sentences": sizes,
        "wall_seconds": [median(s.wall for s in seen) for seen in seconds],
        "cpu_seconds": cpu,
        "rounds": rounds,
        "a_seconds": float(start),
        "b_milliseconds_per_sentence": 1000 * float(slope),
        "largest_distance_from_line": max(abs(c / y - 1) for c, y in zip(cpu, line, strict=True)),
    }


# ---------------------------------------------------------------- 4. live curves, kill -9


def measure_live_curves(work: Work, rounds: int) -> dict[str, Any]:
    """Train for at least six seconds with a curve; the share of the time that drawing took."""
    curves.display = lambda *_, **__: type("Handle", (), {"update": lambda *_: None})()
    shares, pictures, seconds = [], [], []
    epochs = 2 + int(6 / clock(lambda: fit_epoch(work.new_model(), work)).wall)
    for _ in range(rounds):
        live = curves.LiveCurves()
        live.in_notebook = True
        model, start = work.new_model(), time.perf_counter()
        options = {"epochs": epochs, "lr": LR, "device": "cpu"}
        training.fit(model, work.batches, callbacks=[live], **options)
        seconds.append(time.perf_counter() - start)
        shares.append(live.spent / seconds[-1])
        pictures.append(live.pictures)
    return {"seconds": median(seconds), "pictures": median(pictures), "share": max(shares)}


def measure_kills(number: int) -> dict[str, int]:
    """Kill -9 a training process at random moments; its file must load after every one."""
    from test_resume import kills

    with tempfile.TemporaryDirectory() as folder:
        return {"kills": number, "epochs_kept": kills(Path(folder) / "run.pt", number, seed=1)}


# ---------------------------------------------------------------- 5. writing with a real LLM


def measure_writing(rounds: int, tokens: int = 32) -> dict[str, Any]:
    """Let our `generate` and that of transformers write in turns, with the same weights.

    The limit is what one thread could write if it did nothing but read all weights from memory
    once a token: by a sum or by a dot product, whichever is faster.
    """
    import transformers

    path = data.fetch_model()
    model, tokenizer = pretrained.load(path)
    reference = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name)
    weights = [weight.flatten() for weight in model.parameters()]
    prompt = tokenizer.encode("Once").ids  # a single token: reading isn't measured here
    options = {"max_new_tokens": tokens, "do_sample": False, "eos_token_id": None}
    found: dict[str, Any] = {"bytes_of_weights": _bytes(weights), "tokens_written": tokens}
    for batch in (1, 16):
        prompts = torch.tensor([prompt] * batch)
        mask = torch.ones_like(prompts)
        rivals = {
            "ours": lambda rows=prompts: pretrained.generate(model, rows.tolist(), tokens, stop=-1),
            "transformers": lambda rows=prompts, mask=mask: reference.generate(
                rows, attention_mask=mask, pad_token_id=2, **options
            ),
            "sum": lambda: [weight.sum() for weight in weights],
            "dot": lambda: [weight.dot(weight) for weight in weights],
        }
        taken: dict[str, list[float]] = {name: [] for name in rivals}
        for number in range(rounds + 1):  # the first round only warms up
            for name in list(rivals)[:: 1 if number % 2 else -1]:
                seconds = getattr(clock(rivals[name]), JUDGE)
                if number:
                    taken[name].append(seconds)
        found[f"batch_{batch}"] = _compare_writing(taken, batch * tokens, tokens)
    return found


def _compare_writing(taken: dict[str, list[float]], written: int, steps: int) -> dict[str, Any]:
    ours, theirs = taken["ours"], taken["transformers"]
    limit = [steps * min(pair) for pair in zip(taken["sum"], taken["dot"], strict=True)]
    return {
        "tokens_per_second": {
            name: written / median(seconds)
            for name, seconds in (("ours", ours), ("transformers", theirs), ("limit", limit))
        },
        "ours/transformers": Spread.of([t / o for o, t in zip(ours, theirs, strict=True)]),
        "ours/limit": Spread.of([li / o for o, li in zip(ours, limit, strict=True)]),
    }


# ---------------------------------------------------------------- report


def environment() -> dict[str, Any]:
    names = ("OMP_NUM_THREADS", *arithmetic.SWITCHES)
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "variables": {name: os.environ.get(name) for name in names},
    }


def show_speed(speed: dict[str, Any], threads: dict[str, Any] | None) -> None:
    print(
        f"\nSpeed: {speed['sentences']:,} sentences, {speed['real_tokens']:,} real tokens an epoch,"
        f" {speed['rounds']} rounds (medians)"
    )
    print(f"{'loop':<8}{'tokens/s (CPU time)':>22}{'tokens/s (wall)':>18}{'padding':>10}")
    padding = speed["share_of_padding"] | {"bare": speed["share_of_padding"]["fit"]}
    for name, rate in speed["tokens_per_second"].items():
        print(f"{name:<8}{rate['cpu']:>22,.0f}{rate['wall']:>18,.0f}{padding[name]:>10.0%}")
    print(f"\n{'ratio':<12}{'CPU time (quartiles)':<28}{'wall (quartiles)':<28}target")
    for name, ratio in speed["ratios"].items():
        print(f"{name:<12}{ratio['cpu']!s:<28}{ratio['wall']!s:<28}>= {TARGETS[name]}")
    if threads:
        print(f"2 threads/1 {'':<28}{threads['speedup_of_two_threads']!s:<28}none")


def show_memory(state: dict[str, Any], process: dict[str, float]) -> None:
    print(f"\nMemory: {state['parameters']:,} parameters")
    for name in ("weights", "gradients", "optimizer_state"):
        print(f"{name.replace('_', ' '):<28}{state[name] / MIB:>8.2f} MiB")
    measured, predicted = state["measured_bytes"], state["predicted_bytes"]
    print(f"{'together':<28}{measured / MIB:>8.2f} MiB (predicted 4 x weights", end="")
    print(f" = {predicted / MIB:.2f} MiB; {measured - predicted:+,} bytes)")
    for name, level in process.items():
        print(f"{'process, ' + name.removesuffix('_mib').replace('_', ' '):<36}{level:>8.0f} MiB")


def show_growth(growth: dict[str, Any]) -> None:
    print(f"\nTime against data size: one epoch of fit, {growth['rounds']} rounds (medians)")
    print(f"{'sentences':>9}{'CPU s':>10}{'wall s':>10}{'line':>10}")
    slope = growth["b_milliseconds_per_sentence"] / 1000
    columns = (growth["sentences"], growth["cpu_seconds"], growth["wall_seconds"])
    for n, cpu, wall in zip(*columns, strict=True):
        print(f"{n:>9,}{cpu:>10.3f}{wall:>10.3f}{growth['a_seconds'] + slope * n:>10.3f}")
    print(f"CPU seconds = {growth['a_seconds']:.3f} + {1000 * slope:.3f}/1000 x sentences;", end="")
    print(f" no point is further than {growth['largest_distance_from_line']:.1%} from this line")


def show_writing(writing: dict[str, Any]) -> None:
    print(f"\nWriting {writing['tokens_written']} tokens with a real LLM, one thread", end="")
    print(f" ({writing['bytes_of_weights'] / 1e6:.0f} MB of weights)")
    for batch in (1, 16):
        found = writing[f"batch_{batch}"]
        rates = ", ".join(f"{n} {rate:.1f}" for n, rate in found["tokens_per_second"].items())
        print(f"batch {batch:>2}: tokens/s: {rates}")
        for name in ("ours/transformers", "ours/limit"):
            target = WRITING_TARGETS.get((batch, name))
            print(f"  {name:<20}{found[name]!s:<28}{f'>= {target}' if target else 'none'}")


def missed_writing(writing: dict[str, Any]) -> list[str]:
    found = {key: writing[f"batch_{key[0]}"][key[1]].median for key in WRITING_TARGETS}
    return [
        f"MISSED: writing, batch {key[0]}, {key[1]} is {found[key]:.3f}, the target {target}"
        for key, target in WRITING_TARGETS.items()
        if found[key] < target
    ]


def store(results: dict[str, Any]) -> None:
    """Write the results as JSON; a spread becomes an object with its three names."""

    def plain(value: Any) -> Any:
        if isinstance(value, Spread):
            return value._asdict()
        return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value

    RESULTS.parent.mkdir(exist_ok=True)
    files.write_atomically(RESULTS, json.dumps(plain(results), indent=2).encode() + b"\n")
    print(f"\nStored in {RESULTS.parent.name}/{RESULTS.name}.")


def missed_targets(speed: dict[str, Any]) -> list[str]:
    found = {name: speed["ratios"][name][JUDGE].median for name in TARGETS}
    return [
        f"MISSED: {name} is {found[name]:.3f}, the target is at least {target}"
        for name, target in TARGETS.items()
        if found[name] < target
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the speed and the memory of training.")
    parser.add_argument("--rounds", type=int, default=8, help="epochs of each loop (default 8)")
    parser.add_argument(
        "--quick", action="store_true", help="two rounds on an eighth of the sentences"
    )
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    rounds, parts = (2, (32, 16, 8)) if options.quick else (options.rounds, (8, 4, 2, 1))
    start = time.perf_counter()
    training.seed_everything(0)
    work = load_work()
    measure_speed(work.part(32), 1)  # what PyTorch loads at its first steps isn't timed

    speed = measure_speed(work.part(8 if options.quick else 2), rounds)
    threads = measure_threads(work.part(8), min(rounds, 3))
    show_speed(speed, threads)
    state, process = measure_state(work), measure_process()
    show_memory(state, process)
    growth = measure_growth(work, parts, min(rounds, 5))
    show_growth(growth)
    live = measure_live_curves(work.part(8) if options.quick else work, min(rounds, 3))
    print(f"\nLiveCurves: {live['pictures']} pictures in {live['seconds']:.1f} s", end="")
    print(f", at most {live['share']:.1%} of the time (target: 5 %)")
    killed = measure_kills(2 if options.quick else 50)
    print(f"kill -9: {killed['kills']} times, the checkpoint could be loaded every time")
    writing = None
    if (files.data_dir() / files.MODEL).is_file():
        writing = measure_writing(1, 8) if options.quick else measure_writing(min(rounds, 5))
        show_writing(writing)
    results = {
        "quick": options.quick,
        "environment": environment(),
        "targets": TARGETS,
        "judged_by": JUDGE,
    }
    results |= {"settings": SETTINGS | {"batch_size": BATCH_SIZE, "lr": LR}, "speed": speed}
    results |= {"threads": threads, "memory": {"state": state, "process": process}}
    results |= {"live_curves": live, "kill_9": killed, "writing": writing}
    store(results | {"growth": growth, "seconds_in_all": time.perf_counter() - start})

    if options.quick:
        print("Quick run: too short to judge the targets.")
        return 0
    missed = missed_targets(speed) + (missed_writing(writing) if writing else [])
    if live["share"] > 0.05:
        missed.append(f"MISSED: LiveCurves took {live['share']:.1%} of the time, more than 5 %")
    print("\n".join(missed) or "All targets are met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
