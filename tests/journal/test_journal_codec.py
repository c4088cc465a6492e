"""The codec keeps every event as it is, and says what it can't read."""

from __future__ import annotations

import json
import subprocess
import sys
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekton.errors import StoreError
from tekton.types import Decision
from tekton.workflow.codec import EVENT_TYPES, decode, encode
from tekton.workflow.events import PauseRequested, SubtaskRouted

DECISIONS = st.builds(Decision, features=st.dictionaries(st.text(), st.floats()))


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_comes_back_as_it_was(kind: type[Any], data: st.DataObject) -> None:
    parts = {"decision": DECISIONS} if kind is SubtaskRouted else {}
    event = data.draw(st.builds(kind, **parts))
    back = decode(encode(event))
    assert type(back) is kind
    assert repr(back) == repr(event)  # unlike ==, repr tells -0.0 from 0.0 and knows NaN


def routed(**changes: Any) -> SubtaskRouted:
    values: dict[str, Any] = {
        "model": "m",
        "fallbacks": (),
        "reason": "cheapest",
        "candidates": (),
        "difficulty": 0.5,
        "features": {},
        "bound_nusd": 1,
        "max_tokens": 1,
        "timeout_s": 1.0,
        "predicted_cost_nusd": 1,
        "predicted_latency_s": 1.0,
        "policy": "p/1",
    }
    return SubtaskRouted(at=1.0, subtask_id="a", decision=Decision(**{**values, **changes}))


def test_infinity_is_not_lost() -> None:
    assert decode(encode(routed(timeout_s=float("inf")))) == routed(timeout_s=float("inf"))


def test_read_only_mappings_are_written() -> None:
    assert decode(encode(routed(features=MappingProxyType({"x": 1.0})))) == routed(
        features={"x": 1.0}
    )


def test_the_bytes_are_one_json_object_named_by_type() -> None:
    data = encode(PauseRequested(at=1.5, reason="silent: \x00 {}"))
    assert json.loads(data) == {"PauseRequested": {"at": 1.5, "reason": "silent: \x00 {}"}}


def test_an_unknown_type_is_said_to_be_newer() -> None:
    with pytest.raises(StoreError, match=r"unknown type 'RunTeleported'.*newer version"):
        decode(b'{"RunTeleported":{"at":1.0}}')


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"\xff\xfe", b'{"RetryDue":{"at":1.0}}', b'{"RetryDue":{"at":1.0,"subta'],
    ids=["empty", "no object", "no text", "a field missing", "cut off"],
)
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="journal holds"):
        decode(data)


@given(cut=st.integers(min_value=0))
def test_no_truncation_is_taken_for_an_event(cut: int) -> None:
    data = encode(PauseRequested(at=1.5, reason="a}b"))
    with pytest.raises(StoreError):
        decode(data[: cut % len(data)])


def test_text_that_is_not_unicode_is_refused_when_written() -> None:
    with pytest.raises(StoreError, match="valid Unicode"):
        encode(PauseRequested(at=1.0, reason="\udcff"))


def test_importing_the_codec_imports_no_pydantic() -> None:
    code = "import sys, tekton.workflow.codec; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
