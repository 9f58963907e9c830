"""Writes tests/fixtures/*.parquet with pyarrow and polars, from formulas that the tests repeat.

    pip install pyarrow==26.0.1 polars==2.1.0
    python fixture_parquet.py
"""

import datetime
import decimal
from pathlib import Path

import polars
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300
folder = Path(__file__).parent.parent / "tests" / "fixtures"


def column(value, kind, missing=None):
    return pa.array([None if missing and i % missing == 3 else value(i) for i in range(ROWS)], kind)


day = datetime.date(1969, 12, 1)
moment = datetime.datetime(2024, 2, 28, 23, 0, 0, 250_000)
columns = {
    "x": column(lambda i: float("nan") if i == 8 else i * i / 8 - 100, pa.float64(), 7),
    "f": column(lambda i: i * 37 % 100 / 4, pa.float32()),
    "n": column(lambda i: (i * 7919 % 100) * 10**15 + i, pa.int64(), 11),
    "u": column(lambda i: 4_294_967_295 - i % 50, pa.uint32()),
    "s": column(lambda i: ["007", "ü, \"q\"", "NA", "12"][(i * i + i // 3) % 4], pa.string(), 5),
    "b": column(lambda i: i % 3 == 0, pa.bool_(), 13),
    "d": column(lambda i: day + datetime.timedelta(days=i * 31 % 400), pa.date32(), 17),
    "t": column(lambda i: moment + datetime.timedelta(minutes=i * i), pa.timestamp("us")),
    "m": column(lambda i: decimal.Decimal(i * 1001 % 5000 - 2500) / 100, pa.decimal128(10, 2)),
    "one": column(lambda i: 5, pa.int32()),
    "none": column(lambda i: None, pa.float64()),
    "id": column(lambda i: f"row {i}", pa.string()),
    "list": column(lambda i: [i, i + 1], pa.list_(pa.int32())),
    "label": column(lambda i: ["no", "yes"][i % 5 == 0], pa.string()).dictionary_encode(),
}
table = pa.table(columns)
small = {"row_group_size": 128, "data_page_size": 200, "write_batch_size": 32}
pq.write_table(table, folder / "snappy.parquet", **small)
pq.write_table(
    table,
    folder / "zstd_second_pages.parquet",
    compression="zstd",
    data_page_version="2.0",
    use_dictionary=False,
    use_deprecated_int96_timestamps=True,
    store_decimal_as_integer=True,
    **small,
)
pq.write_table(table, folder / "gzip.parquet", compression="gzip")
polars.from_arrow(table).write_parquet(folder / "polars.parquet", row_group_size=170)
few = pa.table({"x": list(range(20))})
pq.write_table(few, folder / "brotli.parquet", compression="brotli")
pq.write_table(
    few,
    folder / "delta.parquet",
    use_dictionary=False,
    column_encoding={"x": "DELTA_BINARY_PACKED"},
)
