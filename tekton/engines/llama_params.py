"""How llama.cpp is set up: what follows from the resources a Worker was given."""

from __future__ import annotations

from pathlib import Path

import xllamacpp
from pydantic import BaseModel, ConfigDict, Field

ALL_LAYERS = 999


class LlamaOptions(BaseModel):
    """What `options` of a catalog entry may set.

    `batch_tokens`: how much of a prompt is computed between two chances to cancel. On CPUs small
    costs nothing and frees the slot within a second; a GPU needs large ones to be busy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_tokens: int | None = Field(default=None, gt=0)


def llama_params(
    path: Path,
    options: LlamaOptions,
    *,
    key: str,
    slots: int,
    context_window: int,
    threads: int,
    gpus: float,
) -> xllamacpp.CommonParams:
    """Parameters of a server that answers in this process and on a closed loopback port."""
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = slots
    params.n_ctx = slots * context_window  # shared out evenly, because of:
    params.kv_unified = False
    params.n_batch = params.n_ubatch = options.batch_tokens or (512 if gpus > 0 else 64)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_gpu_layers = ALL_LAYERS if gpus > 0 else 0
    params.no_op_offload = gpus <= 0
    params.fit_params = False  # halves the time to load: the resources are already decided
    params.cache_ram_mib = 0  # up to 8 GiB of old prompts otherwise, beside what was reserved
    params.cache_idle_slots = False
    params.verbosity = 0
    _close_port(params, key)
    return params


def _close_port(params: xllamacpp.CommonParams, key: str) -> None:
    """The port can't be switched off; it is bound to loopback, and useless without the key."""
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_threads_http = 2
    params.ui = False
    params.endpoint_slots = False
