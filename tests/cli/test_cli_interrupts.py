"""Real signals: the first Ctrl-C interrupts waiting only, the second ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tekton
from tekton.cli.interrupts import Interrupts


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_waiting_is_interrupted() -> None:
    with Interrupts(lambda: None) as interrupts, pytest.raises(KeyboardInterrupt):  # noqa: SIM117
        with interrupts.waiting():
            press()


def test_work_is_not_cut_through_but_the_next_wait_is() -> None:
    done = []
    with Interrupts(lambda: None) as interrupts:
        press()
        done.append("work")
        with pytest.raises(KeyboardInterrupt), interrupts.waiting():
            done.append("waited")
        with interrupts.waiting():
            done.append("waited after")
    assert done == ["work", "waited after"]


def test_the_handler_before_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(lambda: None):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


SECOND = """
import os, signal, sys
from tekton.cli.interrupts import Interrupts
with Interrupts(lambda: print("last words", flush=True)) as interrupts:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    print("still here")
"""


def test_the_second_leaves_at_once() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SECOND],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(tekton.__file__).parent.parent)},
    )
    assert (ended.returncode, ended.stdout) == (130, "last words\n")
