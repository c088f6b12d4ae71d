"""One place for the processor's switches: the same arithmetic on every x86-64 with AVX2.

A trained number depends on how its processor adds: in which order, and how many numbers at a
time. Three libraries inside PyTorch choose that by themselves, each by a variable of its own
that it reads at its first operation. So importing ``llm_helpers`` before the first tensor is
computed is enough, whatever started Python: make, JupyterLab, conda or VS Code. A variable that
is set already wins.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import threadpoolctl
import torch

SWITCHES = {
    "MKL_CBWR": "AVX2",  # matrix products: linear layers, attention, RNN, GRU
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # the LSTM
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels: softmax, sums, optimizers
}

if platform.machine().lower() in ("x86_64", "amd64") and torch.cpu._is_avx2_supported():
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)

# The order in which threads add numbers changes the last digits, too, and models this small gain
# nothing from a second thread (`make bench` measures it).
THREADS = int((os.environ.get("OMP_NUM_THREADS") or "1").split(",")[0])  # a list is legal there
os.environ["OMP_NUM_THREADS"] = str(THREADS)
torch.set_num_threads(THREADS)
threadpoolctl.threadpool_limits(THREADS, user_api="blas")  # NumPy's, loaded before this line


def side_by_side(job: Callable[[Any], Any], cases: Iterable[Any]) -> list[Any]:
    """Do independent jobs two at a time, each on a core of its own; give the results in order.

    Built in the open in notebook 16. No result depends on how many cores there are, as long as no
    job draws from PyTorch's own random generator. What a job raises is raised here, and an
    interrupt waits for the jobs at hand.
    """
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return [*pool.map(job, cases)]
