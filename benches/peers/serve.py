"""Serves one row of a table to `peers.py`: reads `run COUNT`, prints milliseconds a run and a value."""

import sys
import time


def serve(run):
    """Runs as often as the standard input asks for. A row that knows its own time has `seconds`."""
    print("ready", flush=True)
    for line in sys.stdin:
        count, seconds = int(line.removeprefix("run ")), 0.0
        for _ in range(count):
            started = time.perf_counter()
            value = float(run())
            seconds += getattr(run, "seconds", time.perf_counter() - started)
        print(seconds * 1e3 / count, value, flush=True)
