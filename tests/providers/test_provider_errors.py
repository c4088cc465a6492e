"""The pure parts of the failure table: waits, words, secrets."""

from __future__ import annotations

import pytest

from tekton.providers import errors

NOW = 1_792_000_000.0


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "Wed, 14 Oct 2026 17:48:20 GMT"}, 1_792_000_100.0 - NOW),
        ({"retry-after": "Wed, 14 Oct 2020 10:55:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    assert errors.retry_after(headers, NOW) == wait_s


@pytest.mark.parametrize(
    "text",
    [
        "the key sk-ant-api03-abcDEF is wrong",
        "Incorrect API key provided: sk-proj-****9f2b.",
        "Authorization: Bearer abcdefgh123",
        "mysecretvalue was sent",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    scrubbed = errors.scrub(text, "mysecretvalue")
    assert "[key]" in scrubbed
    for secret in ("abc", "9f2b", "mysecret"):
        assert secret not in scrubbed


def test_a_message_is_one_line_of_bounded_length() -> None:
    text = errors.scrub("a\nb" + "x" * 5_000, "")
    assert text.startswith("a b")
    assert len(text) == errors.MESSAGE_CHARS


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (302, "unavailable", False),
        (402, "unavailable", False),
        (409, "unavailable", True),
        (418, "bad_request", False),
        (422, "bad_request", False),
        (504, "unavailable", True),
        (599, "unavailable", True),
    ],
)
def test_statuses_beside_the_table_have_a_meaning(status: int, kind: str, retryable: bool) -> None:
    failure = errors.status_failure("X", status, {}, None, "")
    assert (failure.kind, failure.retryable) == (kind, retryable)
    assert f"HTTP {status}" in failure.message


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "This model's maximum context length is 128000 tokens.",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "request (1231 tokens) exceeds the available context size (1024 tokens)",
    ],
)
def test_a_prompt_that_is_too_long_is_recognised_by_what_is_said(message: str) -> None:
    body = {"error": {"type": "invalid_request_error", "message": message}}
    assert errors.status_failure("X", 400, {}, body, "").kind == "context_overflow"


@pytest.mark.parametrize("body", [None, "", "<html>", b"x", [], {"error": "words"}, {"error": 7}])
def test_a_body_of_any_form_has_a_meaning(body: object) -> None:
    assert errors.status_failure("X", 500, {}, body, "").kind == "unavailable"
