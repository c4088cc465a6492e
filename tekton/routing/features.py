"""How hard a subtask looks: counted features of its text, and one logistic formula over them.

difficulty = 1 / (1 + exp(-(BIAS + sum of WEIGHTS[f] * f))), every feature f in [0, 1].

The weights were set by hand so that a one-line question lands near 0.15, a request with several
steps and conditions near 0.5 and a long analysis near 0.8; they are a prior that learning replaces,
not a measurement. Words are English: a text in another language is judged by length and shape only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from tekton.types import Subtask

BIAS = -2.2
WEIGHTS: Mapping[str, float] = {
    "length": 1.4,  # characters of the instruction, 1 at 1,200
    "constraints": 1.5,  # words that bind the answer, 1 at 5
    "reasoning": 2.0,  # words that ask for judgement, 1 at 3
    "maths": 0.9,  # words and signs of calculation, 1 at 4
    "code": 0.8,  # words and signs of programming, 1 at 4
    "steps": 1.2,  # further sentences, list items and "then", 1 at 6
    "dependencies": 0.6,  # outputs to combine, 1 at 4
    "context": 0.6,  # prompt tokens, t / (t + 4,000)
    "plan": 2.0,  # the role
    "synthesis": 1.2,  # the role: a 0.5B model mixed up the figures of three results
}
FULL_AT: Mapping[str, int] = {"constraints": 5, "reasoning": 3, "maths": 4, "code": 4, "steps": 6}
FULL_LENGTH_CHARS = 1_200
FULL_DEPENDENCIES = 4
HALF_CONTEXT_TOKENS = 4_000
SCANNED_CHARS = 2_000
"""Only the beginning of an instruction is scanned: this is on the path of every subtask."""

MARKERS: Mapping[str, str] = {
    "constraints": "must should exactly least most only without avoid never always ensure unless"
    " except within between maximum minimum required format schema valid not",
    "reasoning": "why explain prove proof compare contrast analyse analyze analysis evaluate assess"
    " design recommend decide justify argue trade tradeoff tradeoffs strategy implications infer"
    " deduce derive diagnose critique optimal best hypothesis consequences architecture",
    "maths": "calculate compute sum total average mean median percent percentage ratio equation"
    " solve integral derivative probability variance rate growth multiply divide theorem",
    "code": "code function class implement python javascript typescript rust java sql regex script"
    " program bug refactor algorithm api unit tests compile debug async thread def return",
    "steps": "then after next finally first second third also additionally",
}
_FEATURE_OF = {word: name for name, words in MARKERS.items() for word in words.split()}
_WORDS = re.compile(r"[a-z]+")
_SHAPES: Mapping[str, re.Pattern[str]] = {
    "maths": re.compile(r"\d\s*[-+*/^=%]|[=≤≥√∑∫]"),
    "code": re.compile(r"`|\w\(\)|::|=>|;\n"),
    "steps": re.compile(r"[.?!;]\s+\S|\n\s*(?:[-*]|\d+[.)])\s"),
}


def features_of(subtask: Subtask, input_tokens: int) -> dict[str, float]:
    """The features named in WEIGHTS, each in [0, 1]; `input_tokens` is the expected prompt."""
    text = subtask.instruction[:SCANNED_CHARS].lower()
    counts = dict.fromkeys(FULL_AT, 0)
    for word in _WORDS.findall(text):
        name = _FEATURE_OF.get(word)
        if name is not None:
            counts[name] += 1
    for name, shape in _SHAPES.items():
        counts[name] += len(shape.findall(text))
    found = {name: min(1.0, count / FULL_AT[name]) for name, count in counts.items()}
    found["length"] = min(1.0, len(subtask.instruction) / FULL_LENGTH_CHARS)
    found["dependencies"] = min(1.0, len(subtask.depends_on) / FULL_DEPENDENCIES)
    found["context"] = input_tokens / (input_tokens + HALF_CONTEXT_TOKENS)
    found["plan"] = float(subtask.role == "plan")
    found["synthesis"] = float(subtask.role == "synthesis")
    return found


def difficulty_of(features: Mapping[str, float]) -> float:
    """The formula of this module's docstring; a probability-like number in (0, 1)."""
    return 1.0 / (1.0 + math.exp(-BIAS - sum(WEIGHTS[f] * value for f, value in features.items())))
