"""Planning, measured: `python -m benchmarks.planning --model qwen2.5-coder-1.5b`.

Asks a local model for a plan of each problem of planning_problems.yaml, the way a run does
(messages, schema, retries), and judges it. Prints a table in Markdown; `--json FILE` keeps
everything, raw outputs included. About 5 s a problem on an idle laptop, 3 minutes in all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.planning_scoring import Problem, Verdict, judge, problems
from tekton.chat.types import ChatRequest, Finished, TextDelta
from tekton.config import Settings, load_settings
from tekton.engines.base import Engine
from tekton.engines.load import build_engine
from tekton.errors import PlanInvalid, TektonError
from tekton.planning.parse import parse_plan
from tekton.planning.prompt import plan_messages
from tekton.planning.schema import plan_schema
from tekton.types import Plan

MAX_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One problem's outcome. `attempts` counts invalid outputs too; no `plan`: all were."""

    problem: Problem
    plan: Plan | None
    verdict: Verdict
    attempts: int
    seconds: float
    input_tokens: int
    output_tokens: int
    raw: str


async def measure(engine: Engine, problem: Problem, settings: Settings) -> Measured:
    """Plan one problem as a run would: at temperature 0, errors fed back."""
    began = time.monotonic()
    feedback: list[tuple[str, str]] = []
    tokens = [0, 0]
    plan, verdict = None, Verdict(False, False, ("no valid plan",))
    while plan is None and len(feedback) <= settings.limits.plan_retries:
        raw = await _ask(engine, problem, feedback, settings.limits.plan_subtasks, tokens)
        try:
            plan = parse_plan(raw, problem=problem.problem, context_names=_names(problem))
            verdict = judge(problem, plan)
        except PlanInvalid as error:
            feedback.append((str(error), raw))
    return Measured(
        problem=problem,
        plan=plan,
        verdict=verdict,
        attempts=len(feedback) + (plan is not None),
        seconds=time.monotonic() - began,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        raw=raw,
    )


async def _ask(
    engine: Engine,
    problem: Problem,
    feedback: Sequence[tuple[str, str]],
    max_subtasks: int,
    tokens: list[int],
) -> str:
    request = ChatRequest(
        messages=plan_messages(problem.problem, problem.context, feedback),
        max_tokens=MAX_TOKENS,
        schema=plan_schema(max_subtasks),
    )
    text = []
    async for event in engine.stream(request):
        if isinstance(event, TextDelta):
            text.append(event.text)
        elif isinstance(event, Finished):
            tokens[0] += event.usage.input_tokens
            tokens[1] += event.usage.output_tokens
    return "".join(text)


def _names(problem: Problem) -> tuple[str, ...]:
    return tuple(brief.split(":")[0] for brief in problem.context)


def summary(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """One row for each group and size: counts and shares of what is right."""
    rows = []
    for group in dict.fromkeys(one.problem.group for one in found):
        for large in (False, True):
            some = [m for m in found if m.problem.group == group and bool(m.problem.cuts) == large]
            if some:
                rows.append(_row(group, large, some))
    return rows


def _row(group: str, large: bool, some: Sequence[Measured]) -> dict[str, Any]:
    return {
        "group": group,
        "size": "large" if large else "trivial",
        "problems": len(some),
        "named": sum(one.verdict.named for one in some),
        "right": sum(one.verdict.sound for one in some),
        "valid_at_once": sum(one.attempts == 1 and one.plan is not None for one in some),
        "median_s": round(statistics.median(one.seconds for one in some), 1),
        "median_output_tokens": statistics.median(one.output_tokens for one in some),
    }


def markdown(found: Sequence[Measured]) -> str:
    """The summary, then each problem with what is wrong about its plan."""
    lines = [
        "| group | size | problems | every part named | right in all | valid at once "
        "| median s | median tokens written |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in summary(found):
        count = row["problems"]
        shares = [f"{row[k]} of {count}" for k in ("named", "right", "valid_at_once")]
        cells = [row["group"], row["size"], count, *shares]
        cells += [row["median_s"], row["median_output_tokens"]]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    lines += ["", "| problem | subtasks | edges added by rule | verdict |", "|---|---|---|---|"]
    for one in found:
        subtasks = one.plan.subtasks if one.plan else ()
        added = sum(len(subtask.added_depends_on) for subtask in subtasks)
        verdict = "right" if one.verdict.sound else "; ".join(one.verdict.misses)
        lines.append(f"| {one.problem.id} | {len(subtasks)} | {added} | {verdict} |")
    return "\n".join(lines)


async def run(arguments: argparse.Namespace) -> list[Measured]:
    """Measure what the arguments choose, one after the other on one engine."""
    settings = load_settings()
    if arguments.max_subtasks:
        limits = settings.limits.model_copy(update={"plan_subtasks": arguments.max_subtasks})
        settings = settings.model_copy(update={"limits": limits})
    spec = settings.catalog()[arguments.model]
    threads = arguments.threads or max(1, (os.cpu_count() or 2) // 2)
    engine = build_engine(spec, threads=threads, gpus=0, models_dir=settings.models_dir)
    await engine.start()
    found = []
    try:
        for problem in _chosen(arguments):
            found.append(await measure(engine, problem, settings))
            if arguments.verbose:
                print(_shown(found[-1]), file=sys.stderr, flush=True)
    finally:
        await engine.close()
    return found


def _chosen(arguments: argparse.Namespace) -> list[Problem]:
    every = problems(arguments.problems) if arguments.problems else problems()
    chosen = [
        problem
        for problem in every
        if (not arguments.group or problem.group == arguments.group)
        and (not arguments.only or problem.id in arguments.only.split(","))
    ]
    return chosen[: arguments.limit]


def _shown(one: Measured) -> str:
    lines = [
        f"== {one.problem.id}: {'right' if one.verdict.sound else '; '.join(one.verdict.misses)} "
        f"({one.seconds:.1f} s, {one.attempts} attempts, {one.output_tokens} tokens)"
    ]
    for s in one.plan.subtasks if one.plan else ():
        added = f" added {list(s.added_depends_on)}" if s.added_depends_on else ""
        edges = f"{list(s.depends_on)}{added}"
        lines.append(f"   {s.id} [{s.role}] {s.title} | {s.instruction} | {edges}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--group", help="only one group of the problems: tuned or held_out")
    parser.add_argument("--only", help="ids of problems, separated by commas")
    parser.add_argument("--problems", type=Path, help="another file of problems")
    parser.add_argument("--max-subtasks", type=int, help="instead of the setting plan_subtasks")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--verbose", action="store_true", help="each plan, as it comes")
    arguments = parser.parse_args()
    try:
        found = asyncio.run(run(arguments))
    except TektonError as error:
        sys.exit(str(error))
    print(f"Model {arguments.model}, {time.strftime('%Y-%m-%d')}\n\n{markdown(found)}")
    if arguments.json:
        rows = [asdict(one) for one in found]
        kept = {"model": arguments.model, "summary": summary(found), "problems": rows}
        arguments.json.write_text(json.dumps(kept, indent=1, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
