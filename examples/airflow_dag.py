"""The nightly job in Airflow: import the list with the command line, screen with five lines of the library.

A held run fails its task at once and is not tried again: a person must look at it, with `cardscreen runs show`, and
then say `cardscreen runs approve` or `cardscreen runs discard`.
"""

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

PROJECT = Path(os.environ.get("CARDSCREEN_PROJECT", "/srv/cardscreen"))  # job.toml, feed.toml and the lists


@dag(schedule="0 2 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def cardscreen_nightly():
    """Import the list, then screen the accounts."""

    @task(retries=2, retry_delay=timedelta(minutes=10))
    def import_list():
        command = ["cardscreen", "list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists"]
        subprocess.run(command, cwd=PROJECT, check=True)

    # A list that is refused cancels no night: the accounts are screened against the last good one.
    @task(retries=2, retry_delay=timedelta(minutes=10), trigger_rule="all_done")
    def screen():
        import cardscreen as cs

        done = cs.run_job(cs.Job.read(PROJECT / "job.toml"))
        if done.held:
            raise AirflowFailException(f"{done.folder} waits for approval: {'; '.join(done.held)}")
        return str(done.folder)

    import_list() >> screen()


cardscreen_nightly()
