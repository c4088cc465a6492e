"""`tekton models`: what there is, fetch it, add one's own, take it away, try it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from tekton.cli import errors
from tekton.cli.options import Debug, Json, settings
from tekton.cli.terminal import is_tty, say
from tekton.errors import ModelUnavailable, UsageError

if TYPE_CHECKING:
    from tekton.catalog import ModelSpec
    from tekton.config import Settings

MIB = 1024 * 1024
app = typer.Typer(help="List, fetch, add, remove and try models.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model of the catalog.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


@app.command("list")
def list_models(json: Json = False, debug: Debug = False) -> int:
    """Show the catalog: every model, whether its file is here, what it can do."""
    from tekton.cli import jsonout, terminal

    effective = settings()
    rows = [_row(spec, effective.models_dir) for spec in effective.catalog()]
    if json:
        jsonout.emit({"models": rows})
    else:
        terminal.console(sys.stdout).print(_table(rows))
        if keys := sorted({row["key_env"] for row in rows if row["state"] == "no key"}):
            say(f"Without a key a remote model is not used: set {' or '.join(keys)}")
    return 0


@app.command("check")
def check(json: Json = False, debug: Debug = False) -> int:
    """Say which prices are older than 90 days or have no source; 1 if any are."""
    from datetime import datetime, timezone

    from tekton.cli import jsonout
    from tekton.cli.prices import stale

    found = stale(settings().catalog(), datetime.now(timezone.utc).date())
    if json:
        jsonout.emit({"stale": [one.as_json() for one in found]})
    else:
        for one in found:
            print(one.sentence())
        say("Correct them in tekton.toml" if found else "Every price is at most 90 days old")
    return errors.RUN_FAILED if found else errors.OK


@app.command("pull")
def pull(
    names: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[NAME]...", help="Models to fetch; the starter models if none."),
    ] = None,
    debug: Debug = False,
) -> int:
    """Fetch models' files; what was cut off goes on where it stopped."""
    from tekton.weights import fetch
    from tekton.weights.progress import on_stderr

    effective = settings()
    catalog = effective.catalog()
    wanted = [catalog[name] for name in names or ()] or [m for m in catalog if m.starter]
    with on_stderr() as report:
        for spec in wanted:
            path = fetch(spec, effective.models_dir, settings=effective, progress=report)
            report.say(f"{spec.name} is ready at {path}")
    return 0


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    source: Annotated[str, typer.Argument(help="A GGUF file, or hub:owner/repo/file.gguf.")],
    *,
    context_window: Annotated[
        int, typer.Option("--context-window", min=256, help="Tokens one request may hold.")
    ] = 4096,
    quality: Annotated[
        float, typer.Option("--quality", min=0, max=1, help="How good it is, from 0 to 1.")
    ] = 0.5,
    capability: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--capability", help="chat, code, json, plan, …; may be repeated."),
    ] = None,
    debug: Debug = False,
) -> int:
    """Add a model of your own to $TEKTON_HOME/tekton.toml."""
    from tekton.weights.entries import add_entry, describe_source, entries_file
    from tekton.weights.sources import is_offline
    from tekton.weights.storage import check_name

    check_name(name)
    effective = settings()
    if name in effective.catalog():
        raise UsageError(f"model {name!r} is in the catalog already: choose another name")
    fields = {
        "kind": "local",
        "engine": "llama_cpp",
        "context_window": context_window,
        "quality": quality,
        "capabilities": capability or ["chat", "json"],
        **describe_source(source, offline=is_offline(effective)),
    }
    add_entry(name, fields)
    say(f"Added {name} to {entries_file()}.")
    if "weights" in fields:
        say(f"Fetch it with: tekton models pull {name}")
    return 0


@app.command("remove")
def remove(name: Name, yes: Yes = False, debug: Debug = False) -> int:
    """Remove a model's downloaded file, and its entry if you added it; never a file of yours."""
    from tekton.weights.entries import entries_file, has_entry, remove_entry
    from tekton.weights.storage import downloaded, remove_files

    effective = settings()
    spec = effective.catalog()[name]
    things = [str(path) for path in downloaded(spec, effective.models_dir)]
    if entry := has_entry(name):
        things.append(f"its entry in {entries_file()}")
    if not things:
        raise UsageError(f"model {name!r} has nothing to remove: no download, no entry of yours")
    _confirm(f"Remove {', '.join(things)}?", yes)
    remove_files(spec, effective.models_dir)
    if entry:
        remove_entry(name)
    say(f"Removed {', '.join(things)}.")
    return 0


@app.command("test")
def try_model(
    name: Name,
    *,
    prompt: Annotated[
        str, typer.Option("--prompt", help="What to ask it.")
    ] = "Write one sentence about bridges.",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, max=4096)] = 32,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Load a model here, without Ray, and let it write a few tokens."""
    import asyncio

    from tekton.cli import jsonout
    from tekton.cli.terminal import plain
    from tekton.cli.trial import try_out

    effective = settings()
    spec = effective.catalog()[name]
    _check_here(spec, effective)
    say(f"Loading {name} …")
    found = asyncio.run(try_out(spec, effective.models_dir, prompt=prompt, max_tokens=max_tokens))
    if json:
        jsonout.emit(found)
        return 0
    print(plain(found["text"]))
    say(
        f"{name}: loaded in {found['load_s']:.1f} s, {found['output_tokens']} tokens in "
        f"{found['seconds']:.1f} s, {found['tokens_per_s']:.1f} tokens/s"
    )
    return 0


def _check_here(spec: ModelSpec, effective: Settings) -> None:
    if spec.kind == "remote":
        raise UsageError(f"model {spec.name!r} is remote: there is nothing to load here")
    if _state(spec, effective.models_dir) == "missing":
        raise ModelUnavailable(
            f"model {spec.name!r} is not here: fetch it with tekton models pull {spec.name}"
        )


def _state(spec: ModelSpec, models_dir: Path) -> str:
    from tekton.engines.load import model_file

    if spec.kind == "remote":
        return "no key" if spec.missing_key() else "ready"
    if spec.engine == "deterministic" or model_file(spec, models_dir).is_file():
        return "ready"
    return "missing"


def _row(spec: ModelSpec, models_dir: Path) -> dict[str, Any]:
    from tekton.engines.load import model_file

    has_file = spec.kind == "local" and spec.engine != "deterministic"
    path = model_file(spec, models_dir) if has_file else None
    size = path.stat().st_size if path is not None and path.is_file() else None
    if size is None and spec.weights is not None:
        size = spec.weights.size_bytes
    return {
        "name": spec.name,
        "kind": spec.kind,
        "engine": spec.engine,
        "provider": spec.provider,
        "key_env": spec.key_env or None,
        "state": _state(spec, models_dir),
        "starter": spec.starter,
        "context_window": spec.context_window,
        "max_output_tokens": spec.max_output_tokens,
        "capabilities": sorted(spec.capabilities),
        "quality": spec.quality,
        "license": spec.license,
        "size_bytes": size,
        "path": str(path) if path else None,
        "prices": spec.prices.model_dump(),
    }


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    heads = ("model", "state", "size", "context", "can", "license")
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        size = f"{row['size_bytes'] / MIB:,.0f} MiB" if row["size_bytes"] else "–"
        cells = (row["name"], row["state"], size, f"{row['context_window']:,}")
        can = ", ".join(row["capabilities"])
        table.add_row(*(Text(cell) for cell in (*cells, can, row["license"] or "–")))
    return table


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not is_tty(sys.stdin):
        raise UsageError(f"{question} Say so with --yes")
    if not typer.confirm(question, err=True):
        raise UsageError("nothing was removed")
