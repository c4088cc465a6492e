"""One real cluster for the whole session, on loopback, with a state directory of its own.

The models are deterministic engines in real Worker processes. Each keeps an fsynced log of what
it was asked, which is the evidence: the journal is what is under test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from runs import Lab

from tekton.client import Tekton
from tekton.cluster.local import down
from tekton.config import Limits, Settings, load_settings
from tekton.testing import deterministic
from tests.providers.fault_server import KEY, FaultServer
from tests.providers.fault_wire import Wire

KEY_ENV = "TEKTON_LAB_KEY"
LONG = ("w" * 99 + " ") * 400  # 400 words, 40,000 bytes
PLAN = {
    "workers": "several",
    "subtasks": [
        {
            "id": f"s{number}",
            "title": f"Part {number}",
            "instruction": f"Write down the facts of part {number} " + "in some detail " * 6,
            "depends_on": [],
        }
        for number in (1, 2, 3)
    ],
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The cluster, a client of it, and what is needed to disturb both."""
    root = tmp_path_factory.mktemp("lab")
    os.environ[KEY_ENV] = KEY  # before the cluster starts: its processes have it from there
    with FaultServer(root / "providers.jsonl") as providers:
        settings = settings_for(root, remote=remote_models(providers))
        tekton = Tekton.connect(settings)
        try:
            yield Lab(root=root, settings=settings, tekton=tekton, providers=providers)
        finally:
            tekton.close()
            down(settings)


def remote_models(providers: FaultServer) -> dict[str, Any]:
    """Two remote models, one in each wire format, at the server that fails as it is told."""

    def model(wire: Wire, quality: float) -> dict[str, Any]:
        return {
            "kind": "remote",
            "provider": wire,
            "base_url": providers.address(wire),
            "api_key_env": KEY_ENV,
            "context_window": 100_000,
            "capabilities": ["chat", "code", "json"],
            "quality": quality,
            "tokens_per_s": 100.0,
            "slots": 8,
            "prices": {
                "input_usd_per_mtok": 3.0,
                "cached_input_usd_per_mtok": 0.3,
                "output_usd_per_mtok": 15.0,
            },
        }

    return {"cloud-a": model("anthropic", 0.97), "cloud-o": model("openai", 0.96)}


def settings_for(
    root: Path, remote: Mapping[str, Any] | None = None, **more_limits: float
) -> Settings:
    """Settings of a lab, also written as its home's tekton.toml for commands."""
    log, gate = str(root / "requests.jsonl"), str(root / "gate")
    once = str(root / "gate-once")
    common: dict[str, Any] = {"log": log, "fsync": True}
    prices = {"input_usd_per_mtok": 3.0, "output_usd_per_mtok": 15.0}
    all_cpus = {"cpus": (os.cpu_count() or 1) - 0.5}
    models = {
        "steady": deterministic(
            rules=[
                {"match": "HOLD-ONCE", "hold_until": once, "times": 1},
                {"match": "HOLD", "hold_until": gate},
                {"match": "TALK", "latency_s": 3600.0},
            ],
            **common,
        ),
        "priced": deterministic(fields={"prices": prices}, **common),
        "scribbler": deterministic(rules=[{"reply": "no plan at all"}], **common),
        "planner": deterministic(
            rules=[
                {"match": "^Problem: tell me", "reply_json": PLAN},
                {"match": "^Problem: ", "reply_json": {"workers": "one"}},
            ],
            tokens_per_s=12.0,
            **common,
        ),
        "verbose": deterministic(
            rules=[{"match": "LONG", "reply": ("w" * 99 + " ") * 400}], **common
        ),
        "wide": deterministic(
            rules=[{"match": "HOLD", "hold_until": gate}], fields={"resources": all_cpus}, **common
        ),
        "broad": deterministic(fields={"resources": all_cpus}, **common),
        "damaged": {
            "kind": "local",
            "engine": "llama_cpp",
            "context_window": 4096,
            "path": str(root / "damaged.gguf"),
        },
        "broken": deterministic(
            rules=[{"fail": "engine_error"}], fields={"quality": 0.9}, **common
        ),
    }
    models.update(remote or {})
    (root / "damaged.gguf").write_bytes(b"GGUF but no more")
    home = root / "home"
    home.mkdir()
    limits: dict[str, Any] = {"heartbeat_s": 3.0, "backoff_s": 0.05, **more_limits}
    tables = {"limits": limits, "models": models, "state_dir": str(root / "state")}
    (home / "tekton.toml").write_text(tomlkit.dumps(tables))
    return load_settings(state_dir=root / "state", limits=Limits(**limits), models=models)
