"""Train the review classifier from a terminal, on one processor or, by torchrun, on several.

``python -m llm_helpers.train --epochs 3`` trains in one process,
``torchrun --standalone --nproc-per-node=2 -m llm_helpers.train --epochs 3`` in two: each has a
copy of the model and takes its share of every batch, and PyTorch's ``DistributedDataParallel``
averages the gradients, so that all copies take the same step (Li et al. 2020).

With ``--checkpoint run.pt`` the first process writes the file after every epoch and all go on from
it. So ``torchrun --max-restarts=3`` survives a process that dies: all start again, from the last
epoch in the file, and measure what they would have measured without it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from . import data, runs, training
from .curves import LiveCurves
from .models import TextRNN


class Shard:
    """One process's share of every batch: the rows ``rank``, ``rank + world``, ...

    Raises:
        ValueError: the last batch has fewer rows than there are processes.
    """

    def __init__(self, batches: data.BucketBatches, rank: int, world: int) -> None:
        self.batches, self.rank, self.world, self.weight = batches, rank, world, 1.0
        self.batch_size, self.set_epoch = batches.batch_size, batches.set_epoch
        self.fingerprint = batches.fingerprint
        if (len(batches.lengths) % batches.batch_size or batches.batch_size) < world:
            raise ValueError(f"the last batch is too small for {world} processes: change its size")

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[data.Batch]:
        for batch in self.batches:
            share = data.Batch(*(tensor[self.rank :: self.world] for tensor in batch))
            self.weight = self.world * len(share.labels) / len(batch.labels)
            yield share

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the share, weighted so that the mean over processes is the batch's."""
        weight = self.weight if logits.requires_grad else 1.0  # validation is not shared out
        return weight * nn.functional.cross_entropy(logits, labels)


def join_the_others(backend: str) -> None:
    """Start the process group that torchrun describes in the environment.

    After a restart, torchrun's store still holds the addresses of the processes that died. Those
    of this start therefore get names of their own. (They can't with several machines, whose
    counts of restarts may differ: there, set ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1``, and
    torchrun makes a new store.) A process that waits five minutes for the others gives up.
    """
    limit = timedelta(minutes=5)
    store, rank, world = next(distributed.rendezvous("env://", timeout=limit))
    if os.environ.get("LOCAL_WORLD_SIZE") == str(world):
        store = distributed.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
    distributed.init_process_group(backend, timeout=limit, store=store, rank=rank, world_size=world)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, train, and keep the run where :func:`runs.load_runs` finds it."""
    parser = argparse.ArgumentParser(prog="llm_helpers.train", description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=64, help="of all processes together")
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--float64", action="store_true", help="compute with 16 digits")
    parser.add_argument("--sentences", type=int, help="train on the first so many alone")
    parser.add_argument("--checkpoint", help="file to save to and to go on from")
    parser.add_argument("--name", default="terminal", help="name of the run (default: terminal)")
    parser.add_argument("--folder", default="runs", help="where runs are kept (default: runs)")
    parser.add_argument("--device", help="cpu, cuda or mps (default: the best one here)")
    options = parser.parse_args(arguments)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    device = training.best_device(options.device)
    if device.type == "mps" and (world > 1 or options.float64):
        device = torch.device("cpu")  # Apple's GPU has no float64, and can't average gradients
    if world > 1:
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        nccl = device.type == "cuda" and distributed.is_nccl_available()  # Windows has none
        join_the_others("nccl" if nccl else "gloo")

    training.seed_everything(0)  # the copies start equal
    splits = data.split(data.load())
    vocab = data.build_vocab(example.text for example in splits.train)
    examples = splits.train[: options.sentences]
    train = data.batches_of(examples, vocab, options.batch_size, shuffle=True)
    validation = data.batches_of(splits.validation, vocab, 256)
    model = TextRNN(len(vocab), cell="gru", pooling="max", dropout=options.dropout).to(device)
    if options.float64:
        model = model.double()
    shard = Shard(train, rank, world)
    if world > 1:
        training.seed_everything(rank)  # but each drops out units of its own
        ids = [device.index] if device.type == "cuda" else None
        model = nn.parallel.DistributedDataParallel(model, device_ids=ids)
    history = training.fit(
        model,
        shard,
        validation,
        epochs=options.epochs,
        lr=options.lr,
        device=str(device),
        loss_fn=shard.loss,
        checkpoint=options.checkpoint,
        resume=options.checkpoint is not None,
        callbacks=[LiveCurves()] if rank == 0 else [],
    )
    if world > 1:
        history.settings["processes"] = world
        distributed.destroy_process_group()
    if rank == 0:
        path = runs.save_run(history, options.name, options.folder)
        loss = f"{history.best.validation_loss:.4f}" if history.epochs else "not measured"
        print(f"validation loss {loss}; kept as {path.as_posix()}")


if __name__ == "__main__":
    main()
