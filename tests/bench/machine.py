"""What a process and all below it have used, from /proc."""

import os
import statistics
from collections.abc import Iterable
from pathlib import Path

from tests.server import LiveServer, children

TICKS = os.sysconf("SC_CLK_TCK")
PARTS = {"web": "config.up.web", "worker": "config.up.worker", "postgres": "postgres"}


def tree(pid: int) -> list[int]:
    found = [pid]
    for child in _children(pid):
        found += tree(child)
    return found


def _children(pid: int) -> list[int]:
    try:
        return children(pid)
    except OSError:  # it has just ended
        return []


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and all below it, ended and awaited ones included."""
    return sum(_ticks(each) for each in tree(pid)) / TICKS


def _ticks(pid: int) -> int:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(number) for number in after_name[11:15])  # utime, stime, cutime, cstime


class Cpu:
    """CPU-seconds of a running Threadline, by part, since the last `lap`."""

    def __init__(self, server: LiveServer) -> None:
        self.pids = {part: server.pids(needle)[0] for part, needle in PARTS.items()}
        self.before = self._now()

    def _now(self) -> dict[str, float]:
        return {part: cpu_seconds(pid) for part, pid in self.pids.items()}

    def lap(self) -> dict[str, float]:
        now = self._now()
        used = {part: now[part] - self.before[part] for part in now}
        self.before = now
        return used


def percentile(values: Iterable[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[0] if len(ordered) == 1 else statistics.quantiles(ordered, n=100, method="inclusive")[percent - 1]
