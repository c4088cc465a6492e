"""Every kind of input file becomes the right artifact, and every bad one a line that helps."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tekton.artifacts.store import ArtifactStore
from tekton.config import Limits
from tekton.context import readers
from tekton.context.ingest import ingest
from tekton.context.resolved import resolve_from
from tekton.errors import StoreError, UsageError
from tekton.types import TABLE_MEDIA_TYPE, ArtifactRef

RECORDS = [{"city": "Rome", "people": 3}, {"city": "Bonn", "people": None, "river": "Rhine"}]


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table_of(store: ArtifactStore, path: Path) -> pa.Table:
    ref = ingest(path, store, Limits())
    assert (ref.media_type, ref.name) == (TABLE_MEDIA_TYPE, path.name)
    table = resolve_from(store, ref).table
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.txt", "text/plain"), ("a.md", "text/markdown"), ("a.log", "text/plain")],
)
def test_text_is_kept_as_it_is(
    store: ArtifactStore, tmp_path: Path, name: str, media_type: str
) -> None:
    ref = ingest(write(tmp_path, name, "Grüße\r\n"), store, Limits())
    assert ref.media_type == media_type
    assert resolve_from(store, ref).text == "Grüße\r\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "city,people\nRome,3\nBonn,4\n"),
        ("t.csv", "\ufeffcity,people\r\nRome,3\r\nBonn,4"),
        ("t.csv", "city;people\nRome;3\nBonn;4\n"),
        ("t.tsv", "city\tpeople\nRome\t3\nBonn\t4\n"),
        ("t.jsonl", '{"city": "Rome", "people": 3}\n{"city": "Bonn", "people": 4}\n'),
        ("t.json", '[{"city": "Rome", "people": 3}, {"city": "Bonn", "people": 4}]'),
    ],
)
def test_tables_of_every_kind_are_the_same_table(
    store: ArtifactStore, tmp_path: Path, name: str, content: str
) -> None:
    found = table_of(store, write(tmp_path, name, content))
    assert found.to_pydict() == {"city": ["Rome", "Bonn"], "people": [3, 4]}


def test_parquet_is_a_table_with_its_dictionaries_decoded(
    store: ArtifactStore, tmp_path: Path
) -> None:
    table = pa.table({"k": pa.array(["x", "y", "x"]).dictionary_encode(), "v": [1, 2, 3]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    found = table_of(store, tmp_path / "t.parquet")
    assert found.to_pydict() == {"k": ["x", "y", "x"], "v": [1, 2, 3]}
    assert found.schema.field("k").type == pa.string()


def test_records_with_missing_fields_have_empty_values(
    store: ArtifactStore, tmp_path: Path
) -> None:
    found = table_of(store, write(tmp_path, "t.json", json.dumps(RECORDS)))
    assert found.to_pydict() == {
        "city": ["Rome", "Bonn"],
        "people": [3, None],
        "river": [None, "Rhine"],
    }


@pytest.mark.parametrize("document", ['{"a": 1}', "[1, 2]", "[]", '[{"a": 1}, {"a": "x"}]', "3"])
def test_json_that_is_no_table_stays_json(
    store: ArtifactStore, tmp_path: Path, document: str
) -> None:
    ref = ingest(write(tmp_path, "d.json", document), store, Limits())
    assert ref.media_type == "application/json"
    assert resolve_from(store, ref).text == document


@pytest.mark.parametrize(
    ("late", "expected"), [("2.5", pa.float64()), ("n/a?", pa.string()), ("7", pa.int64())]
)
def test_a_value_late_in_a_csv_widens_its_column(
    store: ArtifactStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    late: str,
    expected: pa.DataType,
) -> None:
    monkeypatch.setattr(readers, "_BLOCK_BYTES", 64)
    rows = "".join(f"{i},\n" for i in range(100))
    found = table_of(store, write(tmp_path, "t.csv", f"n,later\n{rows}{late},end\n"))
    assert found.schema.field("n").type == expected
    assert found.column("later").to_pylist()[-1] == "end"
    assert found.num_rows == 101


def test_quoted_cells_may_hold_line_breaks(store: ArtifactStore, tmp_path: Path) -> None:
    found = table_of(store, write(tmp_path, "t.csv", 'a,b\n"x\ny",1\n'))
    assert found.to_pydict() == {"a": ["x\ny"], "b": [1]}


def test_columns_get_a_name_each(store: ArtifactStore, tmp_path: Path) -> None:
    found = table_of(store, write(tmp_path, "t.csv", "x,,x\n1,2,3\n"))
    assert found.to_pydict() == {"x": [1], "column_2": [2], "x_3": [3]}


def test_a_csv_without_rows_is_a_table_without_rows(store: ArtifactStore, tmp_path: Path) -> None:
    assert table_of(store, write(tmp_path, "t.csv", "a,b\n")).num_rows == 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("e.txt", b"", "is empty: leave it out"),
        ("e.md", b" \n\t\n", "is empty: leave it out"),
        ("p.png", b"\x89PNG\r\n\x1a\n\x00", "is binary or not UTF-8: give text"),
        ("n.txt", b"text\x00text", "is binary or not UTF-8"),
        ("l.txt", "Grüße".encode("latin-1"), "is binary or not UTF-8"),
        ("cut.txt", "Grü".encode()[:-1], "is binary or not UTF-8"),
        ("b.csv", b"a,b\n\xff\xfe,1\n", "is binary or not UTF-8"),
        ("m.csv", b"a,b\n1,2\n1,2,3\n", "is not valid CSV"),
        ("m.json", b'{"a": ', "is not valid JSON"),
        ("deep.json", b"[" * 100_000, "is not valid JSON"),
        ("m.jsonl", b'{"a": 1}\n{"a": \n', "is not valid JSON Lines"),
        ("t.jsonl", b'{"a": 1}\n{"a": "x"}\n', "is not valid JSON Lines"),
        ("m.parquet", b"PAR1 nonsense PAR1", "is not valid Parquet"),
    ],
)
def test_bad_files_get_one_line_and_leave_nothing_behind(
    store: ArtifactStore, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(UsageError) as raised:
        ingest(path, store, Limits())
    assert says in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [p for p in store.root.rglob("*") if p.is_file()] == []


def test_a_truncated_parquet_file_is_malformed(store: ArtifactStore, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"v": list(range(10_000))}), path)
    data = bytearray(path.read_bytes())
    data[50:5_000] = b"\xff" * 4_950
    path.write_bytes(bytes(data))
    with pytest.raises(UsageError, match="is not valid Parquet"):
        ingest(path, store, Limits())


def test_paths_that_are_no_files(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is missing: check the path"):
        ingest(tmp_path / "none.csv", store, Limits())
    with pytest.raises(UsageError, match="is a folder: name the files in it"):
        ingest(tmp_path, store, Limits())
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UsageError, match="is not a regular file"):
        ingest(tmp_path / "pipe.txt", store, Limits())


def test_a_file_of_10_gigabytes_is_refused_before_it_is_read(
    store: ArtifactStore, tmp_path: Path
) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(10 * 10**9)  # sparse: it takes no room
    with pytest.raises(UsageError, match=r"10,000,000,000 bytes, the limit is 2,000,000,000"):
        ingest(path, store, Limits())


def test_a_small_file_that_holds_a_huge_table_is_refused(
    store: ArtifactStore, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"v": pa.repeat(7, 2_000_000)}), path)
    limits = Limits(context_file_bytes=path.stat().st_size)
    with pytest.raises(UsageError, match="expands to more than"):
        ingest(path, store, limits)


def test_an_artifact_that_is_no_table_is_a_store_error(store: ArtifactStore) -> None:
    ref = store.put_bytes(b"not arrow", name="t.csv", media_type=TABLE_MEDIA_TYPE)
    with pytest.raises(StoreError, match="not a readable table"):
        resolve_from(store, ref)


def test_the_same_file_is_the_same_artifact(store: ArtifactStore, tmp_path: Path) -> None:
    def keep(name: str) -> ArtifactRef:
        return ingest(write(tmp_path, name, "a,b\n1,2\n"), store, Limits())

    assert keep("one.csv").id == keep("two.csv").id
