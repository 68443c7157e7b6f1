"""A standalone Spark cluster on this machine: a master and two workers, each a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_MASTER, _WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
_PATIENCE = 60  # seconds


@contextmanager
def standalone(folder: Path, workers: int = 2) -> Iterator[str]:
    """The URL of the master; each worker has one core, and works in `folder/worker-N`."""
    with ExitStack() as processes:
        options = ["--host", "127.0.0.1", "--webui-port", "0"]
        log = processes.enter_context(_running([_MASTER, *options, "--port", "0"], folder / "master.log"))
        url = _said(log, r"Starting Spark master at (spark://\S+)")
        for at in range(workers):
            place = folder / f"worker-{at}"
            limits = ["--cores", "1", "--memory", "1g", "--work-dir", str(place)]
            processes.enter_context(_running([_WORKER, *options, *limits, url], folder / f"worker-{at}.log"))
        for at in range(workers):
            _said(folder / f"worker-{at}.log", r"(Successfully registered)")
        yield url


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[Path]:
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    environment["SPARK_DAEMON_JAVA_OPTS"] = environment.get("SPARK_SUBMIT_OPTS", "")
    with log.open("w", encoding="utf-8") as out:
        start = [str(home / "bin" / "spark-class"), *command]
        process = subprocess.Popen(start, stdout=out, stderr=subprocess.STDOUT, env=environment)
        try:
            yield log
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE)


def _said(log: Path, pattern: str) -> str:
    """What a process writes once it is ready."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if found := re.search(pattern, log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(log.read_text(encoding="utf-8"))
