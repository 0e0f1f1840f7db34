"""`uv run python -m tests.bench.storage` measures the ways in which PostgreSQL can keep a run's inputs, outputs and extra.

Each way gets a table of its own on a fresh embedded PostgreSQL, is written by COPY in batches and read back by key, up to the JSON text
that the API answers with. CPU is that of this process and of its one session, so a busy machine disturbs it little; the best round counts.
"""

import argparse
import random
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import batched, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
import zstandard
from psycopg import pq

from apps.runs import payload
from config.embedded import Embedded
from tests.bench.content import Conversations, prose
from tests.server import new_home

BATCH = 100
FIELDS = ("inputs", "outputs", "extra")
type Payload = tuple[bytes, ...]
type Convert = Callable[[bytes], bytes]


class Form(NamedTuple):
    """pack and unpack stand between the JSON text and what goes over the wire in binary."""

    name: str
    column: str
    pack: Convert
    unpack: Convert


def _same(text: bytes) -> bytes:
    return text


def _zstd(level: int, dictionary: zstandard.ZstdCompressionDict | None) -> tuple[Convert, Convert]:
    compressor = zstandard.ZstdCompressor(level=level, dict_data=dictionary, write_checksum=False)
    return compressor.compress, zstandard.ZstdDecompressor(dict_data=dictionary).decompress


LZ4 = "text, lz4 TOAST"
FRAME = "bytea STORAGE EXTERNAL"
# That of the payloads is made ready for one level.
DICTIONARY = zstandard.ZstdCompressionDict(payload._COMMON, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
FORMS = [
    Form("jsonb", "jsonb", lambda text: b"\x01" + text, lambda value: value[1:]),
    Form("json", "json", _same, _same),
    Form("text", "text", _same, _same),
    Form(LZ4, "text COMPRESSION lz4", _same, _same),
    Form("zstd 1", FRAME, *_zstd(1, None)),
    Form("zstd 3", FRAME, *_zstd(3, None)),
    Form("zstd 1, dictionary", FRAME, *_zstd(1, DICTIONARY)),
    Form("zstd 3, dictionary", FRAME, *_zstd(3, DICTIONARY)),
    Form("as Threadline keeps it", FRAME, payload.pack, payload.unpack),
]


class Spent(NamedTuple):
    """CPU-seconds."""

    client: float
    server: float


class Round(NamedTuple):
    written: Spent
    read: Spent
    disk: int
    wal: int


def small(runs: int) -> list[Payload]:
    stream = Conversations(7, start=datetime(2026, 1, 1, tzinfo=UTC)).runs()
    return [_payload(run.fields) for run in islice(stream, runs)]


def large(runs: int) -> list[Payload]:
    """The same runs, with a history of messages that brings each to about 50 kB."""
    rng = random.Random(7)
    stream = Conversations(7, start=datetime(2026, 1, 1, tzinfo=UTC)).runs()
    found = []
    for run in islice(stream, runs):
        history = [{"role": ("user", "assistant")[turn % 2], "content": prose(rng, 220)} for turn in range(36)]
        found.append(_payload(run.fields | {"inputs": run.fields["inputs"] | {"messages": history}}))
    return found


def _payload(fields: dict[str, Any]) -> Payload:
    extra = {key: value for key, value in fields["extra"].items() if key != "metadata"}
    return tuple(msgspec.json.encode(value) for value in (fields["inputs"], fields["outputs"], extra))


class Bench:
    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def forms(self) -> list[Form]:
        """Without lz4 where the server was built without it."""
        known = self.connection.execute("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'")
        (methods,) = known.fetchone() or ([],)
        return [form for form in FORMS if form.name != LZ4 or "lz4" in methods]

    def play(self, form: Form, payloads: list[Payload]) -> Round:
        execute = self.connection.execute
        columns = ", ".join(f"{field} {form.column}" for field in FIELDS)
        execute("DROP TABLE IF EXISTS bench")
        execute(f"CREATE TABLE bench (id uuid PRIMARY KEY, {columns}) WITH (autovacuum_enabled = off)")
        execute("CHECKPOINT")
        ids = [uuid.UUID(int=number << 64) for number in range(len(payloads))]
        begin = self._value("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        written = self._spent(lambda: self._write(form, ids, payloads))
        wal = self._value("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - begin
        execute("VACUUM bench")
        disk = self._value("SELECT pg_table_size('bench')")
        read = self._spent(lambda: self._read(form, ids))
        return Round(written, read, disk, wal)

    def _write(self, form: Form, ids: list[uuid.UUID], payloads: list[Payload]) -> None:
        for rows in batched(zip(ids, payloads, strict=True), BATCH):
            with self.connection.cursor().copy("COPY bench FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["uuid", *["bytea"] * len(FIELDS)])
                for run, texts in rows:
                    copy.write_row([run, *map(form.pack, texts)])

    def _read(self, form: Form, ids: list[uuid.UUID]) -> None:
        server = self.connection.pgconn
        query = f"SELECT {', '.join(FIELDS)} FROM bench WHERE id = ANY($1)".encode()
        for some in batched(ids, BATCH):
            keys = "{" + ",".join(map(str, some)) + "}"
            found = server.exec_params(query, [keys.encode()], result_format=pq.Format.BINARY)
            assert found.ntuples == len(some)
            for value in self._values(found):
                form.unpack(value)

    @staticmethod
    def _values(found: "pq.abc.PGresult") -> Iterator[bytes]:
        for row in range(found.ntuples):
            for column in range(found.nfields):
                value = found.get_value(row, column)
                assert value is not None
                yield value

    def _spent(self, work: Callable[[], None]) -> Spent:
        server, client = self._server_seconds(), time.process_time()
        work()
        return Spent(time.process_time() - client, self._server_seconds() - server)

    def _server_seconds(self) -> float:
        """Finer than the ticks of /proc/<pid>/stat."""
        path = Path(f"/proc/{self.connection.info.backend_pid}/schedstat")
        return int(path.read_text().split()[0]) / 1e9

    def _value(self, query: str) -> int:
        (value,) = self.connection.execute(query).fetchone() or (0,)
        return int(value)


def show(title: str, payloads: list[Payload], rounds: dict[str, list[Round]]) -> None:
    count = len(payloads)
    text = sum(len(part) for parts in payloads for part in parts) / count
    print(f"\n{title}: {count:,} runs, {text:,.0f} bytes of JSON a run; CPU-ms for 1,000 runs (client + server)\n")
    print("| kept as | bytes a run | log bytes a run | CPU-ms to write | CPU-ms to read |\n|---|---|---|---|---|")
    for name, played in rounds.items():
        written = min((each.written for each in played), key=sum)
        read = min((each.read for each in played), key=sum)
        cpu = " | ".join(
            f"{sum(spent) / count * 1e6:,.0f} ({spent.client / count * 1e6:,.0f} + {spent.server / count * 1e6:,.0f})"
            for spent in (written, read)
        )
        print(f"| {name} | {played[0].disk / count:,.0f} | {min(each.wal for each in played) / count:,.0f} | {cpu} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=6_000, help="ordinary ones; a tenth as many large ones")
    options = parser.parse_args()
    home = new_home()
    server = Embedded(home)
    server.start()
    try:
        bench = Bench(server.url)
        forms = bench.forms()
        sets = {"ordinary runs": small(options.runs), "large runs": large(options.runs // 10)}
        for title, payloads in sets.items():
            rounds: dict[str, list[Round]] = {form.name: [] for form in forms}
            for _ in range(options.rounds):
                for form in forms:
                    rounds[form.name].append(bench.play(form, payloads))
            show(title, payloads, rounds)
    finally:
        server.stop()
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
