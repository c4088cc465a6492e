"""LangGraph with its SQLite checkpointer, timed in a process of its own.

Reads one JSON request a line, answers one JSON object a line: seconds of one run, the graph
compiled before. `durability="sync"` writes a step's checkpoint before the next step starts, which
is what Tekton promises; "async" is LangGraph's default. Imports nothing of Tekton.
"""

from __future__ import annotations

import asyncio
import json
import operator
import os
import sqlite3
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph


class Chain(TypedDict):
    """The last node's output only: a state that grew would be written anew at every step."""

    text: str


class Fan(TypedDict):
    texts: Annotated[list[str], operator.add]


def chain(n: int, entered: list[float]) -> StateGraph[Any]:
    graph = StateGraph(Chain)
    for i in range(n):

        def node(state: Chain, i: int = i) -> Chain:
            entered.append(time.perf_counter())
            return {"text": f"[{i}]"}

        graph.add_node(f"s{i}", node)
        graph.add_edge(START if i == 0 else f"s{i - 1}", f"s{i}")
    graph.add_edge(f"s{n - 1}", END)
    return graph


def fan(n: int, entered: list[float]) -> StateGraph[Any]:
    graph = StateGraph(Fan)
    for i in range(n):

        def node(state: Fan, i: int = i) -> Fan:
            entered.append(time.perf_counter())
            return {"texts": [f"[{i}]"]}

        graph.add_node(f"s{i}", node)
        graph.add_edge(START, f"s{i}")
        graph.add_edge(f"s{i}", END)
    return graph


class Peer:
    """One database, one connection, `synchronous=FULL`; a new thread id for every run."""

    def __init__(self, folder: Path) -> None:
        connection = sqlite3.connect(folder / "langgraph.db", check_same_thread=False)
        self._saver = SqliteSaver(connection)
        self._saver.setup()
        connection.execute("PRAGMA synchronous = FULL")
        self.synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
        self._entered: list[float] = []
        self._graphs: dict[tuple[str, int], Any] = {}
        self._runs = 0

    def time(self, shape: str, n: int, durability: Any) -> dict[str, Any]:
        if (shape, n) not in self._graphs:
            build = chain if shape == "chain" else fan
            self._graphs[shape, n] = build(n, self._entered).compile(checkpointer=self._saver)
        graph = self._graphs[shape, n]
        self._runs += 1
        self._entered.clear()
        config = {"configurable": {"thread_id": str(self._runs)}, "recursion_limit": n + 10}
        begun = time.perf_counter()
        out = graph.invoke(
            {"text": ""} if shape == "chain" else {"texts": []}, config, durability=durability
        )
        seconds = time.perf_counter() - begun
        done = len(self._entered)
        assert done == n, f"{done} of {n} nodes ran"
        assert shape == "chain" or len(out["texts"]) == n
        gaps = [b - a for a, b in zip(self._entered, self._entered[1:], strict=False)]
        return {"seconds": seconds, "gaps": gaps}


async def superstep(dags: list[dict[str, Any]], slots: int) -> dict[str, Any]:
    """All DAGs at once on shared slots; a node holds a slot for its drawn seconds.

    No checkpointer: what is compared is the order of the steps, not the price of keeping them.
    """
    free = asyncio.Semaphore(slots)
    begun = time.perf_counter()

    async def run(dag: dict[str, Any]) -> float:
        await _graph_of(dag, free).ainvoke(
            {"texts": []}, {"recursion_limit": len(dag["subtasks"]) + 10}
        )
        return time.perf_counter() - begun

    return {"runs_s": await asyncio.gather(*(run(dag) for dag in dags))}


def _graph_of(dag: dict[str, Any], free: asyncio.Semaphore) -> Any:
    graph = StateGraph(Fan)
    for one in dag["subtasks"]:

        async def node(state: Fan, seconds: float = one["seconds"]) -> Fan:
            async with free:
                await asyncio.sleep(seconds)
            return {"texts": [""]}

        graph.add_node(one["id"], node)
    for one in dag["subtasks"]:
        if one["depends_on"]:
            graph.add_edge(one["depends_on"], one["id"])  # waits for all of them
        else:
            graph.add_edge(START, one["id"])
    return graph.compile()


def main() -> None:
    peer = Peer(Path(sys.argv[1]))
    hello = {"pid": os.getpid(), "version": version("langgraph"), "synchronous": peer.synchronous}
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["shape"] == "superstep":
            answer = asyncio.run(superstep(request["dags"], request["slots"]))
        else:
            answer = peer.time(request["shape"], request["n"], request["durability"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
