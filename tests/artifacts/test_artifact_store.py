"""The artifact store: one file per content, whole or not at all, checked when read."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tekton.artifacts import store as store_module
from tekton.artifacts.store import ArtifactStore
from tekton.errors import StoreError, UsageError
from tekton.types import ArtifactRef

TEXT = "text/plain"
MISSING = "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def files(store: ArtifactStore) -> list[Path]:
    return [path for path in store.root.glob("**/*") if path.is_file()]


def damage(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def test_bytes_come_back(store: ArtifactStore) -> None:
    ref = store.put_bytes("zwölf".encode(), "n.txt", TEXT)
    digest = hashlib.sha256("zwölf".encode()).hexdigest()
    assert ref == ArtifactRef(id=digest, name="n.txt", media_type=TEXT, size_bytes=6)
    assert store.path(ref.id) == store.root / digest[:2] / digest
    assert store.read_text(ref) == "zwölf"
    with store.open(ref.id) as file:
        assert file.read() == "zwölf".encode()


def test_a_file_is_copied_in_pieces(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "big.bin"
    source.write_bytes(os.urandom(3 * 1024 * 1024 + 7))
    ref = store.put_file(source, "application/vnd.apache.arrow.file")
    assert (ref.name, ref.size_bytes) == ("big.bin", 3 * 1024 * 1024 + 7)
    assert ref.id == hashlib.sha256(source.read_bytes()).hexdigest()
    assert store.read_bytes(ref.id) == source.read_bytes()
    assert store.put_file(source, TEXT, name="other").name == "other"


def test_empty_content_is_content(store: ArtifactStore) -> None:
    assert store.read_bytes(store.put_bytes(b"", "n", TEXT).id) == b""


def test_the_same_content_is_one_file(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"same")
    first = store.put_bytes(b"same", "a", TEXT)
    inode = store.path(first.id).stat().st_ino
    assert store.put_file(tmp_path / "f", TEXT).id == first.id
    assert [path.stat().st_ino for path in files(store)] == [inode]


def test_many_writers_of_the_same_content(store: ArtifactStore) -> None:
    data = os.urandom(100_000)
    with ThreadPoolExecutor(8) as pool:
        refs = set(pool.map(lambda _: store.put_bytes(data, "n", TEXT), range(40)))
    assert len(refs) == 1
    assert [path.read_bytes() for path in files(store)] == [data]


def test_artifacts_are_read_only(store: ArtifactStore) -> None:
    ref = store.put_bytes(b"x", "n", TEXT)
    assert store.path(ref.id).stat().st_mode & 0o777 == 0o400


def test_a_damaged_artifact_is_refused_and_mended_by_its_source(store: ArtifactStore) -> None:
    ref = store.put_bytes(b"right", "n", TEXT)
    for wrong in (b"wrong", b"righ", b""):
        damage(store.path(ref.id), wrong)
        with pytest.raises(StoreError, match="damaged"):
            store.read_text(ref)
        with pytest.raises(StoreError, match="damaged"):
            store.open(ref.id)
        assert store.put_bytes(b"right", "n", TEXT) == ref
        assert store.read_text(ref) == "right"


def test_large_ones_are_opened_without_reading_them(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = store.put_bytes(b"right", "n", TEXT)
    damage(store.path(ref.id), b"wrong")
    monkeypatch.setattr(store_module, "VERIFY_BYTES", 4)
    with store.open(ref.id) as file:
        assert file.read() == b"wrong"
    with pytest.raises(StoreError, match="damaged"):
        store.read_bytes(ref.id)


def test_what_is_missing_or_no_id(store: ArtifactStore, tmp_path: Path) -> None:
    assert not store.exists(MISSING)
    for call in (store.open, store.path, store.read_bytes):
        with pytest.raises(StoreError, match="is not in"):
            call(MISSING)
    for wrong in ("", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"):
        with pytest.raises(StoreError, match="no artifact id"):
            store.open(wrong)
    with pytest.raises(UsageError, match="nowhere"):
        store.put_file(tmp_path / "nowhere", TEXT)
    with pytest.raises(UsageError, match="directory"):
        store.put_file(tmp_path, TEXT)
    assert files(store) == []


def test_what_is_not_text(store: ArtifactStore) -> None:
    with pytest.raises(StoreError, match=r"'n\.bin'.*not text"):
        store.read_text(store.put_bytes(b"\xff\xfe", "n.bin", TEXT))


def test_delete_forgets(store: ArtifactStore) -> None:
    ref = store.put_bytes(b"x", "n", TEXT)
    assert store.exists(ref.id)
    store.delete(ref.id)
    store.delete(ref.id)
    assert not store.exists(ref.id)


def test_prune_spares_what_is_kept_and_what_is_young(store: ArtifactStore) -> None:
    kept, old, again, young = (
        store.put_bytes(data, "n", TEXT).id for data in (b"k", b"old", b"a", b"y")
    )
    for artifact_id in (kept, old, again):
        os.utime(store.path(artifact_id), (1.0, 1.0))
    store.put_bytes(b"a", "n", TEXT)  # put again: young again
    assert store.prune({kept}) == len(b"old")
    assert [store.exists(i) for i in (kept, old, again, young)] == [True, False, True, True]
    assert store.prune({kept}, grace_s=-1.0) == 2
    assert files(store) == [store.path(kept)]


def test_prune_takes_leftovers_of_crashed_writers_only(store: ArtifactStore) -> None:
    store.put_bytes(b"x", "n", TEXT)
    crashed, writing = store.root / ".incoming-1", store.root / ".incoming-2"
    foreign = store.root / "notes.txt"
    for path in (crashed, writing, foreign):
        path.write_bytes(b"half")
    two_hours_ago = time.time() - 7_200
    for path in (crashed, foreign):
        os.utime(path, (two_hours_ago, two_hours_ago))
    assert store.prune(set(), grace_s=1e9) == 4
    assert (crashed.exists(), writing.exists(), foreign.exists()) == (False, True, True)


def test_prune_of_nothing(store: ArtifactStore) -> None:
    assert store.prune(set()) == 0


LIMITED = """
import resource, sys
from pathlib import Path
from tekton.artifacts.store import ArtifactStore
from tekton.errors import StoreError
store = ArtifactStore(Path(sys.argv[1]))
kept = store.put_bytes(b"kept", "n", "text/plain")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    store.put_bytes(b"x" * 500_000, "n", "text/plain")
except StoreError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.put_bytes(b"x" * 500_000, "n", "text/plain")
"""


def test_no_room_leaves_nothing_behind_and_ends(store: ArtifactStore) -> None:
    command = [sys.executable, "-c", LIMITED, str(store.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"disk full under the artifact store {store.root}: free space")
    assert sorted(path.stat().st_size for path in files(store)) == [4, 500_000]


@pytest.mark.parametrize("failing", ["fsync", "replace", "fchmod"])
def test_a_failure_at_any_step_leaves_nothing_behind(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    store.put_bytes(b"kept", "n", TEXT)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, failing, full)
        with pytest.raises(StoreError, match="disk full"):
            store.put_bytes(b"lost", "n", TEXT)
    assert [path.read_bytes() for path in files(store)] == [b"kept"]


def test_a_root_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="artifact store"):
        ArtifactStore(tmp_path / "file").put_bytes(b"x", "n", TEXT)


KILLED = """
import os, sys
from pathlib import Path
from tekton.artifacts.store import ArtifactStore
store = ArtifactStore(Path(sys.argv[1]))
while True:
    print(store.put_bytes(os.urandom(200_000), "n", "text/plain").id, flush=True)
"""


def test_a_killed_writer_leaves_only_whole_artifacts(store: ArtifactStore) -> None:
    command = [sys.executable, "-c", KILLED, str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline().strip() for _ in range(20)]
        process.kill()
    for path in store.root.glob("??/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert all(store.exists(artifact_id) for artifact_id in reported)
