"""Table files as a stream of Arrow batches. Whatever is wrong with one is a UsageError line.

Types are inferred from the beginning of a CSV file; where a later value breaks them, `Retype`
tells the caller to begin again with a wider type of that column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.json as pjson
import pyarrow.parquet as pq

from tekton.errors import UsageError

WHOLE_JSON_BYTES = 256_000_000
"""JSON up to this size is read in one piece (types from all of it, about ten times its size in
memory); larger JSON Lines are streamed, larger documents refused."""
_BLOCK_BYTES = 4 * 1024 * 1024
_MESSAGE_CHARS = 200
_COLUMN = re.compile(r"In CSV column #(\d+):.*conversion error", re.DOTALL)

Parts = tuple[pa.Schema, Iterator[pa.RecordBatch]]


class Retype(Exception):
    """The column `name` needs the wider type `type`."""

    def __init__(self, name: str, wider: pa.DataType) -> None:
        super().__init__(name)
        self.name = name
        self.type = wider


def csv_parts(path: Path, types: Mapping[str, pa.DataType]) -> Parts:
    """A CSV or TSV file; `.csv` may be separated by semicolons. Raises UsageError, Retype."""
    try:
        reader = pcsv.open_csv(
            path,
            read_options=pcsv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pcsv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True),
            convert_options=pcsv.ConvertOptions(column_types=types),
        )
    except (pa.ArrowException, OSError) as error:
        raise malformed(path, "CSV", error) from None
    return reader.schema, _csv_batches(path, reader)


def _csv_batches(path: Path, reader: pcsv.CSVStreamingReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:
        column = _COLUMN.search(str(error))
        if column is not None:
            field = reader.schema.field(int(column[1]))
            raise Retype(field.name, _wider(field.type)) from None
        raise malformed(path, "CSV", error) from None


def _wider(kind: pa.DataType) -> pa.DataType:
    number = pa.types.is_null(kind) or pa.types.is_integer(kind)
    return pa.float64() if number else pa.string()


def _delimiter(path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding="utf-8") as file:
        first = file.readline(_BLOCK_BYTES)
    return ";" if ";" in first and "," not in first else ","


def parquet_parts(path: Path) -> Parts:
    """A Parquet file, row group by row group, dictionaries decoded."""
    try:
        file = pq.ParquetFile(path)
        schema = pa.schema([_decoded(field) for field in file.schema_arrow])
    except (pa.ArrowException, OSError) as error:
        raise malformed(path, "Parquet", error) from None
    return schema, _parquet_batches(path, file, schema)


def _parquet_batches(
    path: Path, file: pq.ParquetFile, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    try:
        with file:
            for batch in file.iter_batches():
                yield batch.cast(schema)
    except (pa.ArrowException, OSError) as error:
        raise malformed(path, "Parquet", error) from None


def _decoded(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def jsonl_parts(path: Path) -> Parts:
    """JSON Lines: one object a line."""
    options = pjson.ReadOptions(block_size=_BLOCK_BYTES)
    try:
        if path.stat().st_size <= WHOLE_JSON_BYTES:
            table = pjson.read_json(path, read_options=options)
            return table.schema, iter(table.to_batches())
        reader = pjson.open_json(path, read_options=options)
    except (pa.ArrowException, OSError) as error:
        raise malformed(path, "JSON Lines", error) from None
    return reader.schema, _jsonl_batches(path, reader)


def _jsonl_batches(path: Path, reader: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:
        raise malformed(path, "JSON Lines", error) from None


def json_parts(path: Path) -> Parts | None:
    """A JSON document that is a list of records whose types agree; None for any other."""
    if path.stat().st_size > WHOLE_JSON_BYTES:
        raise UsageError(
            f"JSON document {path} is larger than {WHOLE_JSON_BYTES:,} bytes: save it as JSON "
            "Lines (one record a line, .jsonl), which are streamed"
        )
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise malformed(path, "JSON", error) from None
    records = document if isinstance(document, list) else []
    if not records or not all(isinstance(record, dict) and record for record in records):
        return None
    names = dict.fromkeys(name for record in records for name in record)
    try:
        table = pa.table({name: [record.get(name) for record in records] for name in names})
    except (pa.ArrowException, OverflowError):  # a column of mixed types: no table
        return None
    return table.schema, iter(table.to_batches())


def malformed(path: Path, what: str, error: Exception) -> UsageError:
    """One line that says where the file is wrong and what to do."""
    cause = " ".join(str(error).split()) or type(error).__name__
    hint = "mend it, or save it as .txt to hand it over as text"
    hint = "write it anew" if what == "Parquet" else hint
    return UsageError(f"{path} is not valid {what}: {cause[:_MESSAGE_CHARS]} ({hint})")
