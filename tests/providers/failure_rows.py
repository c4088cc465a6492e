"""The failure table: what a provider does, and what is made of it.

The tests go through it row by row and provider by provider; the table of the docs is generated
from it. Pure.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from tekton.types import FailureKind
from tests.providers.fault_wire import Behaviour

Charge = Literal["nothing", "the bound", "what was reported"]
"""`the bound`: the most that the attempt could have cost, which was reserved before it began."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    `says` follows the provider's name in the message. `left`: the request may have been worked on
    and billed; `begun`: the provider had begun to answer.
    """

    name: str
    does: Behaviour
    kind: FailureKind
    retryable: bool
    says: str
    retry_after_s: float | None = None
    left: bool = False
    begun: bool = False
    declined: bool = False

    @property
    def charged(self) -> Charge:
        """What nobody reported in full, but may have been billed, costs its bound."""
        if self.declined:
            return "what was reported"
        return "the bound" if self.left or self.begun else "nothing"


def _status(status: int, kind: FailureKind, retryable: bool, says: str, name: str = "") -> Row:
    return Row(name or str(status), Behaviour(status=status), kind, retryable, says)


IN_TEN_HOURS = formatdate(time.time() + 36_000, usegmt=True)
OVERFLOW = "prompt is too long: 210000 tokens > 200000 maximum"
ROWS = (
    _status(400, "bad_request", False, "refused the request"),
    Row(
        "400 the prompt is too long",
        Behaviour(status=400, message=OVERFLOW, code="context_length_exceeded"),
        "context_overflow",
        False,
        f"can't take a prompt this long: {OVERFLOW}",
    ),
    _status(401, "unavailable", False, "does not accept the key"),
    _status(403, "unavailable", False, "does not allow this key to use the model"),
    _status(404, "unavailable", False, "does not know the model or the address"),
    _status(408, "unavailable", True, "gave up waiting"),
    _status(413, "context_overflow", False, "can't take a request this large"),
    _status(429, "overloaded", True, "limits how much may be asked", "429 without retry-after"),
    Row(
        "429 with retry-after in seconds",
        Behaviour(status=429, headers={"retry-after": "7"}),
        "overloaded",
        True,
        "limits how much may be asked",
        retry_after_s=7.0,
    ),
    Row(
        "429 with retry-after as a date",
        Behaviour(status=429, headers={"retry-after": IN_TEN_HOURS}),
        "overloaded",
        True,
        "limits how much may be asked",
        retry_after_s=36_000.0,  # less what has passed since the import: tests allow a tenth
    ),
    Row(
        "429 without credit",
        Behaviour(status=429, code="insufficient_quota", headers={"retry-after": "7"}),
        "unavailable",
        False,
        "says that the account has no credit left",
    ),
    _status(500, "unavailable", True, "failed inside"),
    _status(502, "unavailable", True, "could not be reached behind its gateway"),
    Row(
        "503 with retry-after",
        Behaviour(status=503, headers={"retry-after": "2.5"}),
        "unavailable",
        True,
        "is not available",
        retry_after_s=2.5,
    ),
    _status(529, "overloaded", True, "is overloaded"),
    Row(
        "a redirect",
        Behaviour(status=307, headers={"location": "http://127.0.0.1:9/v1/messages"}),
        "unavailable",
        False,
        "answered with a redirect, which is not followed",
    ),
    Row(
        "a hang before headers",
        Behaviour(fault="hang"),
        "unavailable",
        True,
        "did not begin to answer in time",
        left=True,
    ),
    Row(
        "a stream cut before the first token",
        Behaviour(fault="cut_before"),
        "unavailable",
        True,
        "broke off its answer: before its first token",
        begun=True,
    ),
    Row(
        "a stream cut after the first token",
        Behaviour(fault="cut_after"),
        "unavailable",
        True,
        "broke off its answer: after its first token",
        begun=True,
    ),
    Row(
        "a stream without its end",
        Behaviour(fault="no_end"),
        "unavailable",
        True,
        "broke off its answer: after its first token",
        begun=True,
    ),
    Row(
        "silence in the middle",
        Behaviour(fault="silent"),
        "unavailable",
        True,
        "fell silent in the middle of its answer",
        begun=True,
    ),
    Row(
        "malformed JSON",
        Behaviour(fault="malformed"),
        "engine_error",
        True,
        "answered with something that can't be read",
        begun=True,
    ),
    Row(
        "an event of another form",
        Behaviour(fault="misshaped"),
        "engine_error",
        True,
        "answered with something that can't be read",
        begun=True,
    ),
    Row(
        "an error inside the stream",
        Behaviour(fault="error_event"),
        "overloaded",
        True,
        "is overloaded: as the test asked",
        begun=True,
    ),
    Row(
        "a wrong content type",
        Behaviour(fault="content_type"),
        "unavailable",
        True,
        "answered with another type of content: text/html",
    ),
    Row(
        "a stream that never ends",
        Behaviour(fault="endless"),
        "engine_error",
        False,
        "went on beyond the limit of its answer",
        begun=True,
    ),
)
REFUSED = Row("nobody listens there", Behaviour(), "unavailable", True, "can't be reached")
DECLINED = Row(
    "the provider declines to answer",
    Behaviour(stop="refused"),
    "bad_request",
    False,
    "declined to answer",
    begun=True,
    declined=True,
)
