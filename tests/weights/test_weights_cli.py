"""`tekton models`, one command line at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tekton.catalog import HubFile
from tekton.cli.main import main
from tekton.config import load_settings
from tests.weights.conftest import CONTENT, in_wheels, on_hub
from tests.weights.mirror import Mirror


@pytest.fixture
def home(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEKTON_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TEKTON_MODELS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _own(home: Path) -> Path:
    path = home.parent / "own.gguf"
    path.write_bytes(CONTENT)
    return path


def _listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}


def _configure(home: Path, mirror: Mirror) -> None:
    """Put the mirror's model into the user's file."""
    spec = in_wheels(mirror)
    assert spec.weights is not None
    fields = spec.weights.model_dump_json(exclude_none=True)
    table = json.loads(fields)
    wheels = ", ".join(f"{key} = {json.dumps(value)}" for key, value in table["wheels"].items())
    (home / "tekton.toml").write_text(
        "# mine\n[models.tiny]\nkind = 'local'\nengine = 'llama_cpp'\ncontext_window = 256\n"
        f"[models.tiny.weights]\nsha256 = '{table['sha256']}'\n"
        f"size_bytes = {table['size_bytes']}\nwheels = {{ {wheels} }}\n"
    )


def test_the_list_shows_what_is_here_and_what_is_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "models").mkdir()
    (home / "models" / "smollm2-135m.gguf").write_bytes(b"GGUF")
    rows = _listed(capsys)
    assert rows["smollm2-135m"]["state"] == "ready"
    assert rows["smollm2-135m"]["size_bytes"] == 4
    assert rows["qwen2.5-coder-1.5b"]["state"] == "missing"
    assert rows["qwen2.5-coder-1.5b"]["size_bytes"] == 1_117_320_768
    assert {name for name, row in rows.items() if row["starter"]} == {
        "qwen2.5-coder-0.5b",
        "qwen2.5-coder-1.5b",
    }
    assert main(["models", "list"]) == 0
    assert "smollm2-135m" in capsys.readouterr().out


def test_pull_fetches_and_remove_takes_away(
    home: Path, mirror: Mirror, capsys: pytest.CaptureFixture[str]
) -> None:
    _configure(home, mirror)
    assert _listed(capsys)["tiny"]["state"] == "missing"
    assert main(["models", "pull", "tiny"]) == 0
    assert "tiny is ready at" in capsys.readouterr().err
    assert _listed(capsys)["tiny"]["state"] == "ready"
    assert main(["models", "remove", "tiny", "--yes"]) == 0
    assert "tiny" not in _listed(capsys)
    assert [path.name for path in (home / "models").iterdir()] == [".partial"]
    assert (home / "tekton.toml").read_text().startswith("# mine\n")


def test_ones_own_file_is_added_and_never_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "tekton.toml").write_text('# kept\nprefer = "cost"  # this too\n')
    own = _own(home)
    args = ["--context-window", "512", "--capability", "chat", "--capability", "plan"]
    assert main(["models", "add", "mine", str(own), *args]) == 0
    row = _listed(capsys)["mine"]
    assert (row["state"], row["path"], row["context_window"]) == ("ready", str(own), 512)
    assert row["capabilities"] == ["chat", "plan"]
    text = (home / "tekton.toml").read_text()
    assert text.startswith('# kept\nprefer = "cost"  # this too\n')
    assert main(["models", "remove", "mine", "--yes"]) == 0
    assert own.exists()
    assert "mine" not in _listed(capsys)
    assert load_settings().prefer == "cost"


def test_a_hub_file_is_added_with_its_digest(
    home: Path, mirror: Mirror, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = on_hub(mirror).weights
    assert weights is not None
    assert main(["models", "add", "hubbed", "hub:org/tiny/tiny.gguf"]) == 0
    added = load_settings().catalog()["hubbed"].weights
    assert added is not None
    assert (added.sha256, added.size_bytes) == (weights.sha256, len(CONTENT))
    assert added.hub == HubFile(repo="org/tiny", file="tiny.gguf")
    assert main(["models", "pull", "hubbed"]) == 0
    assert _listed(capsys)["hubbed"]["state"] == "ready"


def test_offline_adds_no_hub_file(
    home: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_hub(mirror)
    monkeypatch.setenv("TEKTON_OFFLINE", "1")
    assert main(["models", "add", "hubbed", "hub:org/tiny/tiny.gguf"]) == 3
    assert "offline" in capsys.readouterr().err
    assert mirror.asked == []


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["pull", "nope"], 2, "unknown model 'nope': the catalog has"),
        (["add", "x", "missing.gguf"], 2, "no file at"),
        (["add", "x", "text.txt"], 2, "is not a GGUF file"),
        (["add", "smollm2-135m", "text.txt"], 2, "in the catalog already"),
        (["add", "a/b", "text.txt"], 2, "use letters, digits"),
        (["add", "x", "hub:nonsense"], 2, "give hub:owner/repo/file.gguf"),
        (["add", "x", "hub:org/tiny/gone.gguf"], 3, "404"),
        (["add", "x", "hub:org/tiny/readme.md"], 2, "is not a GGUF file"),
        (["add", "x", "own.gguf", "--capability", "telepathy"], 2, "capabilities"),
        (["remove", "smollm2-135m", "--yes"], 2, "nothing to remove"),
        (["test", "smollm2-135m"], 3, "tekton models pull smollm2-135m"),
        (["test", "nope"], 2, "unknown model"),
    ],
)
def test_what_can_not_be_done_is_one_line(
    home: Path,
    mirror: Mirror,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    code: int,
    words: str,
) -> None:
    _own(home)
    (home.parent / "text.txt").write_text("hello")
    mirror.add_hub_file("org/tiny", "readme.md", b"# hello")
    assert main(["models", *args]) == code
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert words in said[0]
    assert not (home / "tekton.toml").exists()


def test_remove_asks_and_without_a_terminal_wants_yes(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = _own(home)
    assert main(["models", "add", "mine", str(own)]) == 0
    with (home.parent / "text.txt").open("w+") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert main(["models", "remove", "mine"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert "mine" in _listed(capsys)


@pytest.mark.model
def test_a_real_model_writes_a_few_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "test", "smollm2-135m", "--max-tokens", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 1 <= found["output_tokens"] <= 5
    assert found["text"]
    assert found["tokens_per_s"] > 0
