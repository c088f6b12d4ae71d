"""A run that was stopped goes on as if it had not been, and its file is whole at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from llm_helpers.checkpoints import load_checkpoint, save_checkpoint
from llm_helpers.data import BucketBatches
from llm_helpers.models import TextRNN, predict
from llm_helpers.runs import History
from llm_helpers.training import fit, seed_everything

EPOCHS, STEPS = 4, 6  # of the toy problem
OPTIONS: dict[str, Any] = {"epochs": EPOCHS, "lr": 0.02, "device": "cpu", "decay": True}


def new_model() -> TextRNN:
    return TextRNN(20, 2, embed_dim=8, hidden_dim=8, pooling="max", dropout=0.3, word_dropout=0.1)


def losses(history: History) -> list[tuple]:
    """Give all that a run measured, except the time."""
    steps = [(record.step, record.loss, record.tokens) for record in history.steps]
    return steps + [(e.epoch, e.train_loss, e.validation_loss) for e in history.epochs]


def another_day() -> TextRNN:
    """Give a model with other weights; the random generators stand somewhere else, too."""
    seed_everything(99)
    return new_model()


class StopAt:
    """Press Ctrl-C once, after a step; for real, as the kernel's interrupt button does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, history: History) -> None:
        if len(history.steps) == self.step:
            self.step = -1
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def whole(toy: BucketBatches, toy_validation: BucketBatches) -> tuple[History, dict]:
    seed_everything(0)
    model = new_model()
    return fit(model, toy, toy_validation, keep_best=True, **OPTIONS), model.state_dict()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to oneself")
@pytest.mark.parametrize("stops", [[1], [5], [6], [7], [13], [23], [2, 3, 9, 20]])
def test_interrupted_and_resumed_is_the_same_run_number_for_number(
    toy: BucketBatches, toy_validation: BucketBatches, whole: tuple, tmp_path: Path, stops: list
) -> None:
    options = OPTIONS | {"keep_best": True, "checkpoint": tmp_path / "run.pt", "resume": True}
    seed_everything(0)
    model = new_model()
    for stop in stops:
        stopped = fit(model, toy, toy_validation, callbacks=[StopAt(stop)], **options)
        assert (stopped.stopped, len(stopped.steps)) == ("interrupted", stop)
        model = another_day()
    history = fit(model, toy, toy_validation, **options)
    assert history.stopped == "finished"
    assert losses(history) == losses(whole[0])
    assert all(torch.equal(model.state_dict()[name], value) for name, value in whole[1].items())
    seconds = [record.seconds for record in history.steps]
    assert seconds == sorted(seconds)


def test_the_best_weights_come_back_from_before_the_stop(
    toy: BucketBatches, toy_flipped: BucketBatches, tmp_path: Path
) -> None:
    options = OPTIONS | {"keep_best": True, "checkpoint": tmp_path / "run.pt", "resume": True}
    # judged by wrong labels it gets worse and worse: the first epoch is the best
    fit(new_model(), toy, toy_flipped, callbacks=[StopAt(9)], **options)
    model = another_day()
    history = fit(model, toy, toy_flipped, **options)
    assert history.best.epoch == 1
    logits, labels = predict(model, toy_flipped)
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    assert loss == pytest.approx(history.best.validation_loss, abs=1e-6)


def test_every_random_generator_goes_on(toy: BucketBatches, tmp_path: Path) -> None:
    drawn: dict[str, list] = {"whole": [], "parts": []}

    def draw_into(name: str) -> Any:
        return lambda history: drawn[name].append(
            (random.random(), float(np.random.rand()), float(torch.rand(())))
        )

    seed_everything(0)
    fit(new_model(), toy, callbacks=[draw_into("whole")], **OPTIONS)
    seed_everything(0)
    options = OPTIONS | {"checkpoint": tmp_path / "run.pt", "resume": True}
    fit(new_model(), toy, callbacks=[draw_into("parts"), StopAt(8)], **options)
    fit(another_day(), toy, callbacks=[draw_into("parts")], **options)
    assert drawn["parts"] == drawn["whole"]


def test_a_finished_run_is_given_back_without_a_step(
    toy: BucketBatches, toy_validation: BucketBatches, tmp_path: Path
) -> None:
    options = OPTIONS | {"checkpoint": tmp_path / "run.pt", "resume": True, "keep_best": True}
    model, again = new_model(), another_day()
    history = fit(model, toy, toy_validation, **options)
    called: list[int] = []
    assert fit(again, toy, toy_validation, callbacks=[lambda h: called.append(1)], **options) == (
        history
    )
    assert not called
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_a_finished_run_may_be_made_longer_unless_its_rate_had_fallen(
    toy: BucketBatches, tmp_path: Path
) -> None:
    path = tmp_path / "run.pt"
    options = OPTIONS | {"checkpoint": path, "resume": True, "decay": False}
    seed_everything(0)
    longer = fit(new_model(), toy, **options | {"epochs": 6, "checkpoint": tmp_path / "other.pt"})
    seed_everything(0)
    fit(new_model(), toy, **options)
    history = fit(another_day(), toy, **options | {"epochs": 6})
    assert losses(history) == losses(longer) and history.settings["epochs"] == 6
    path.unlink()
    fit(new_model(), toy, **options | {"decay": True})
    with pytest.raises(ValueError, match="epochs: 4 in the file, 6 here"):
        fit(new_model(), toy, **options | {"decay": True, "epochs": 6})


def test_another_run_is_refused_with_what_differs_and_the_model_left_alone(
    toy: BucketBatches, toy_flipped: BucketBatches, tmp_path: Path
) -> None:
    options = OPTIONS | {"checkpoint": tmp_path / "run.pt", "resume": True}
    fit(new_model(), toy, **options)
    model = another_day()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"^run\.pt is of another run: lr: 0\.02 in .* 0\.1 here$"):
        fit(model, toy, **options | {"lr": 0.1})
    with pytest.raises(ValueError, match=r"data: .*other sentences, or another vocab"):
        fit(model, toy_flipped, **options)
    with pytest.raises(ValueError, match=r"another model: .*\(20, 8\) in the file, \(21, 8\) here"):
        fit(TextRNN(21, 2, embed_dim=8, hidden_dim=8, pooling="max"), toy, **options)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())


def test_a_checkpoint_without_a_run_cannot_go_on(toy: BucketBatches, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "weights.pt", new_model())
    with pytest.raises(ValueError, match=r"^weights\.pt holds weights but no run"):
        fit(new_model(), toy, checkpoint=tmp_path / "weights.pt", resume=True, **OPTIONS)
    with pytest.raises(ValueError, match="resume needs the checkpoint"):
        fit(new_model(), toy, resume=True, **OPTIONS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to oneself")
def test_a_second_interrupt_does_not_wait_for_the_step(toy: BucketBatches) -> None:
    class Stuck(TextRNN):
        def forward(self, *batch: Any) -> torch.Tensor:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)
            raise AssertionError("the step went on")

    before = signal.getsignal(signal.SIGINT)
    assert fit(Stuck(20, 2), toy, **OPTIONS).stopped == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_training_in_another_thread_leaves_the_signals_alone(toy: BucketBatches) -> None:
    found: list[History] = []
    thread = threading.Thread(target=lambda: found.append(fit(new_model(), toy, **OPTIONS)))
    thread.start()
    thread.join()
    assert found[0].stopped == "finished"


def test_a_callbacks_finish_is_called_however_the_run_ends(toy: BucketBatches) -> None:
    class Watcher:
        def __init__(self, error: BaseException | None) -> None:
            self.error, self.ends = error, []

        def __call__(self, history: History) -> None:
            if self.error is not None and len(history.steps) == 3:
                raise self.error

        def finish(self, history: History) -> None:
            self.ends.append((history.stopped, len(history.steps)))

    for error, end in [
        (None, ("finished", EPOCHS * STEPS)),
        (KeyboardInterrupt(), ("interrupted", 3)),
    ]:
        watcher = Watcher(error)
        fit(new_model(), toy, callbacks=[watcher], **OPTIONS)
        assert watcher.ends == [end]
    watcher = Watcher(OSError("no space"))
    with pytest.raises(OSError, match="no space"):
        fit(new_model(), toy, callbacks=[watcher], **OPTIONS)
    assert watcher.ends == [("failed: OSError", 3)]


# ---------------------------------------------------------------- kill -9

TRAIN_FOR_EVER = """
import sys
from llm_helpers.data import BucketBatches
from llm_helpers.models import TextRNN
from llm_helpers.training import fit, seed_everything
seed_everything(0)
toy = BucketBatches([[2 + i % 9] * (1 + i % 5) for i in range(48)], [i % 2 for i in range(48)], 8)
# large enough that writing the file takes a good part of the time
model = TextRNN(60_000, 2, embed_dim=64)
told = []


def tell(history):
    if not told:
        told.append(print("ready", flush=True))


fit(model, toy, epochs=10**6, device="cpu", checkpoint=sys.argv[1], resume=True, callbacks=[tell])
"""


def kills(path: Path, number: int, seed: int = 0) -> int:
    """Kill a training process so many times; tell how many epochs were done in the end."""
    dice = random.Random(seed)
    done = 0
    for _ in range(number):
        with subprocess.Popen(
            [sys.executable, "-c", TRAIN_FOR_EVER, str(path)], stdout=subprocess.PIPE
        ) as process:
            process.stdout.readline()
            time.sleep(dice.uniform(0.1, 2.0))
            process.kill()
        if path.exists():  # else it was killed before its first epoch ended
            history = load_checkpoint(path, TextRNN(60_000, 2, embed_dim=64))
            assert len(history.epochs) >= done, "an older file has come back"
            done = len(history.epochs)
    return done


def test_kill_9_never_leaves_a_file_that_cannot_be_loaded(tmp_path: Path) -> None:
    assert kills(tmp_path / "run.pt", 6) >= 3
