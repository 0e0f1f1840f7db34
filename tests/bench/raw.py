"""The raw limits of the same server: the same rows by COPY, and by INSERTs of 100 rows, into a plain table.

The server's limit is measured with rows that are already the bytes PostgreSQL itself sends, so the client costs next to nothing;
psycopg's is the same INSERT with Python values, which is what a program has.
"""

import threading
import time

import psycopg
from psycopg import pq
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from apps.runs.ingest.sql import COLUMNS

TABLE = SQL("""
DROP TABLE IF EXISTS bench_plain;
CREATE TABLE bench_plain AS SELECT {columns} FROM runs_run WITH NO DATA;
ALTER TABLE bench_plain ALTER inputs SET STORAGE EXTERNAL, ALTER outputs SET STORAGE EXTERNAL, ALTER extra SET STORAGE EXTERNAL;
ALTER TABLE bench_plain ADD PRIMARY KEY (trace_id, id);
CREATE INDEX ON bench_plain (id);
CREATE INDEX ON bench_plain (project_id, start_time);
""")
NAMES = SQL(", ").join(map(Identifier, COLUMNS))


def copy_rate(url: str, runs: int) -> float:
    """Rows a second, all in one COPY."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor().copy(
            SQL("COPY (SELECT {} FROM runs_run LIMIT {}) TO STDOUT (FORMAT BINARY)").format(NAMES, runs)
        ) as out:
            blocks = [bytes(block) for block in out]
        connection.execute(TABLE.format(columns=NAMES))
        began = time.perf_counter()
        with connection.cursor().copy(SQL("COPY bench_plain ({}) FROM STDIN (FORMAT BINARY)").format(NAMES)) as copy:
            for block in blocks:
                copy.write(block)
        return runs / (time.perf_counter() - began)


def insert_rate(url: str, runs: int, *, size: int, connections: int) -> float:
    """Rows a second, `size` in a statement, each statement a transaction of its own."""
    batches, types = _rows(url, runs, size)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE.format(columns=NAMES))
    start = threading.Barrier(connections + 1)
    shares = [batches[number::connections] for number in range(connections)]
    threads = [threading.Thread(target=_insert, args=(url, share, types, size, start)) for share in shares]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return len(batches) * size / (time.perf_counter() - began)


def psycopg_rate(url: str, runs: int, *, size: int) -> float:
    """Rows a second of the same INSERTs, given Python values; one connection."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.cursor(binary=True)
        rows = cursor.execute(SQL("SELECT {} FROM runs_run LIMIT {}").format(NAMES, runs)).fetchall()
        rows = [tuple(Jsonb(value) if isinstance(value, dict) else value for value in row) for row in rows]
        connection.execute(TABLE.format(columns=NAMES))
        marks = ", ".join([f"({', '.join(['%b'] * len(COLUMNS))})"] * size)
        statement = SQL("INSERT INTO bench_plain ({}) VALUES {}").format(NAMES, SQL(marks))  # type: ignore[arg-type]
        batches = [
            [value for row in rows[at : at + size] for value in row]
            for at in range(0, len(rows) - len(rows) % size, size)
        ]
        began = time.perf_counter()
        for values in batches:
            cursor.execute(statement, values, prepare=True)
        return len(batches) * size / (time.perf_counter() - began)


def _rows(url: str, runs: int, size: int) -> tuple[list[list[bytes | None]], list[int]]:
    """Batches of values in binary, row after row; and the types of the columns."""
    with psycopg.connect(url) as connection:
        query = SQL("SELECT {} FROM runs_run LIMIT {}").format(NAMES, runs).as_bytes(connection)
        found = connection.pgconn.exec_params(query, None, result_format=pq.Format.BINARY)
        rows = [[found.get_value(row, column) for column in range(found.nfields)] for row in range(found.ntuples)]
        types = [found.ftype(column) for column in range(found.nfields)]
    full = len(rows) - len(rows) % size
    return [[value for row in rows[at : at + size] for value in row] for at in range(0, full, size)], types


def _insert(url: str, batches: list[list[bytes | None]], types: list[int], size: int, start: threading.Barrier) -> None:
    width = len(types)
    marks = ", ".join(
        f"({', '.join(f'${row * width + column + 1}' for column in range(width))})" for row in range(size)
    )
    with psycopg.connect(url, autocommit=True) as connection:
        server = connection.pgconn
        statement = SQL("INSERT INTO bench_plain ({}) VALUES ").format(NAMES).as_bytes(connection) + marks.encode()
        server.prepare(b"bench", statement, types * size)
        formats = [pq.Format.BINARY] * (width * size)
        start.wait()
        for values in batches:
            result = server.exec_prepared(b"bench", values, formats)
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise RuntimeError(result.error_message)
