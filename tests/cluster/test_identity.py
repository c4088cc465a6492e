"""Client and actors compare who they are before they talk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tekton.cluster.identity import check_same, code_digest, identity
from tekton.errors import ClusterError


def test_the_same_code_and_state_directory_may_talk(tmp_path: Path) -> None:
    check_same(identity(tmp_path), identity(tmp_path))
    assert len(code_digest()) == 64


@pytest.mark.parametrize("field", ["version", "code", "ray", "python"])
def test_another_version_is_refused_with_the_way_out(tmp_path: Path, field: str) -> None:
    ours = identity(tmp_path)
    theirs = replace(ours, **{field: "0.0.0-other"})
    with pytest.raises(ClusterError, match=rf"{field} 0\.0\.0-other.*tekton down"):
        check_same(ours, theirs)


def test_another_state_directory_is_named(tmp_path: Path) -> None:
    ours = identity(tmp_path)
    with pytest.raises(ClusterError, match=r"keeps its runs in /elsewhere, not in .*--state-dir"):
        check_same(ours, replace(ours, state_dir="/elsewhere"))
