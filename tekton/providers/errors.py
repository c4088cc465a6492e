"""What a provider's failure means: one table from status and exception to `types.Failure`.

Pure. A message is for a person: who failed, how, and in the provider's own words, without secrets.
`retryable` is about this model; that another model of the chain is tried is the state machine's.
Sources: both providers' pages on errors, RFC 9110 on Retry-After, and the SDKs' exceptions.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from tekton.types import Failure, FailureKind

MESSAGE_CHARS = 500
LEAST_KEY_CHARS = 4
"""Anything shorter is no secret, and stands in many words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    kind: FailureKind
    retryable: bool
    words: str


STATUS: Mapping[int, Row] = {
    400: Row("bad_request", False, "refused the request"),
    401: Row("unavailable", False, "does not accept the key"),
    402: Row("unavailable", False, "wants to be paid first"),
    403: Row("unavailable", False, "does not allow this key to use the model"),
    404: Row("unavailable", False, "does not know the model or the address"),
    408: Row("unavailable", True, "gave up waiting"),
    409: Row("unavailable", True, "reported a conflict"),
    413: Row("context_overflow", False, "can't take a request this large"),
    422: Row("bad_request", False, "refused the request"),
    429: Row("overloaded", True, "limits how much may be asked"),
    500: Row("unavailable", True, "failed inside"),
    501: Row("bad_request", False, "can't do what was asked"),
    502: Row("unavailable", True, "could not be reached behind its gateway"),
    503: Row("unavailable", True, "is not available"),
    504: Row("unavailable", True, "took too long behind its gateway"),
    529: Row("overloaded", True, "is overloaded"),
}
OVERFLOW = Row("context_overflow", False, "can't take a prompt this long")
NO_QUOTA = Row("unavailable", False, "says that the account has no credit left")
REDIRECTED = Row("unavailable", False, "answered with a redirect, which is not followed")
OTHER_4XX = Row("bad_request", False, "refused the request")
OTHER_5XX = Row("unavailable", True, "failed")

REFUSED = Row("unavailable", True, "can't be reached")
SLOW_CONNECT = Row("unavailable", True, "can't be reached: no connection in time")
HANGS = Row("unavailable", True, "did not begin to answer in time")
SILENT = Row("unavailable", True, "fell silent in the middle of its answer")
CUT = Row("unavailable", True, "broke off its answer")
MALFORMED = Row("engine_error", True, "answered with something that can't be read")
NOT_A_STREAM = Row("unavailable", True, "answered with another type of content")
ENDLESS = Row("engine_error", False, "went on beyond the limit of its answer")
DECLINED = Row("bad_request", False, "declined to answer")

ERROR_TYPES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What an error inside a stream, whose status was 200, would have had as its status."""

_OVERFLOW_CODES = {
    "context_length_exceeded",
    "exceed_context_size_error",
    "model_context_window_exceeded",
}
_OVERFLOW_WORDS = re.compile(
    r"prompt is too long|maximum context length|context (window|length|size)"
    r"|exceeds? the (available )?context|input length and .?max_tokens.? exceed"
    r"|too many (input )?tokens",
    re.IGNORECASE,
)
_NO_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_error"}
_KEYLIKE = re.compile(r"(?:\b(?:sk|pk|key)-|Bearer\s+)[\w*.\-]{4,}", re.IGNORECASE)


def failure(row: Row, label: str, detail: str = "", retry_after_s: float | None = None) -> Failure:
    """A row as a Failure of the provider called `label`. `detail` must be free of secrets."""
    message = f"{label} {row.words}" + (f": {detail}" if detail else "")
    return Failure(
        kind=row.kind,
        message=message,
        retryable=row.retryable,
        retry_after_s=retry_after_s if row.retryable else None,
    )


def status_failure(
    label: str, status: int, headers: Mapping[str, str], body: object, key: str
) -> Failure:
    """The failure behind an HTTP status and the body that came with it."""
    error = _error_of(body)
    row = _row(status, error)
    detail = f"{scrub(_words_of(error), key)} (HTTP {status})".strip()
    return failure(row, label, detail, retry_after(headers, time.time()))


def stream_failure(label: str, body: object, key: str) -> Failure:
    """The failure behind an error that came inside a stream."""
    error = _error_of(body)
    status = _number(error.get("code")) or ERROR_TYPES.get(str(error.get("type")), 500)
    return failure(_row(status, error), label, scrub(_words_of(error), key))


def transport_failure(
    label: str, error: BaseException | None, key: str, *, began: bool
) -> Failure | None:
    """The failure behind httpx2's exception, None where it is another; `began`: text had come."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return failure(SLOW_CONNECT, label)
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol):
        return failure(REFUSED, label, scrub(str(error), key))
    if isinstance(error, httpx2.TimeoutException):
        return failure(SILENT if began else HANGS, label)
    if isinstance(error, httpx2.RequestError | httpx2.StreamError):
        return failure(CUT, label, "after its first token" if began else "before its first token")
    return None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the headers `retry-after-ms` and `retry-after` (seconds or a date)."""
    milliseconds = _float(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    said = headers.get("retry-after")
    seconds = _float(said)
    if said is None or seconds is not None:
        return None if seconds is None else max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, TypeError):
        return None


def scrub(text: str, key: str) -> str:
    """The text without the key, or anything that looks like one; one line, cut to a length."""
    if len(key) >= LEAST_KEY_CHARS:
        text = text.replace(key, "[key]")
    text = " ".join(_KEYLIKE.sub("[key]", text).split())
    return text if len(text) <= MESSAGE_CHARS else text[: MESSAGE_CHARS - 1] + "…"


def _row(status: int, error: Mapping[str, Any]) -> Row:
    codes = {str(error.get("code")), str(error.get("type"))}
    if status in (400, 413, 422, 500) and _is_overflow(codes, error):
        return OVERFLOW
    if codes & _NO_QUOTA_CODES:
        return NO_QUOTA
    if status in STATUS:
        return STATUS[status]
    return {3: REDIRECTED, 4: OTHER_4XX}.get(status // 100, OTHER_5XX)


def _is_overflow(codes: set[str], error: Mapping[str, Any]) -> bool:
    return bool(codes & _OVERFLOW_CODES or _OVERFLOW_WORDS.search(str(error.get("message", ""))))


def _error_of(body: object) -> Mapping[str, Any]:
    """Both formats keep it under `error`; the OpenAI SDK has taken it out already."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return {"message": body}
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error", body)
    return inner if isinstance(inner, Mapping) else {"message": str(inner)}


def _words_of(error: Mapping[str, Any]) -> str:
    """What the provider says; llama.cpp has the two numbers of an overflow beside its message."""
    words = str(error.get("message") or error.get("type") or "")
    if "n_prompt_tokens" in error and "n_ctx" in error:
        words += f" ({error['n_prompt_tokens']} tokens, the window holds {error['n_ctx']})"
    return words


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value // 100 in (4, 5) else None


def _float(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
