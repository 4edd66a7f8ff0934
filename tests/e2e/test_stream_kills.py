"""kill -9 of running jobs at random moments: what stands in the sink's directory is at any time a part of the undisturbed run's rows, and in the end
exactly these rows. All shapes of shapes.py; PS_FULL=1: 200 kills instead of 20. SIGTERM: a savepoint, exit 0, and the same rows after going on."""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from conftest import ROOT, eventually

sys.path.insert(0, str(ROOT / "tests" / "streams"))
import payments
import program
import shapes

FULL = os.environ.get("PS_FULL") == "1"
SEED = int(os.environ.get("PS_SEED", "1"))
KILLS = 20 if FULL else 2  # of each shape
KILLS_PER_LIFE_MAX = 6
ROWS = 120_000
# one row a step, and checkpoints as fast as the disk takes them: a kill meets every state
SETTINGS = {"execution.checkpointing.interval": "20 ms", "paystream.batch.rows": "1"}
BY_NAME = {shape.name: shape for shape in shapes.SHAPES}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """DDL of p and q over generated files."""
    directory = tmp_path_factory.mktemp("payments")
    numbers = random.Random(SEED)
    (directory / "p.csv").write_text(payments.csv_text(payments.events(numbers, ROWS, step_ms=40, keys=40, late_ms=8000)))
    (directory / "q.json").write_text(payments.json_text(payments.events(numbers, ROWS, step_ms=40, keys=40, late_ms=8000)))
    yield payments.table_ddl("p", directory / "p.csv") + payments.table_ddl("q", directory / "q.json", file_format="json")
    shutil.rmtree(directory)


def rows_of(directory):
    """Lines of the visible part files as a multiset, with the folder that each stands in; a file may come, but none may go."""
    lines = Counter()
    for path in sorted(directory.rglob("part-*")):
        folder = os.fsencode(path.parent.relative_to(directory))
        lines.update((folder, line) for line in path.read_bytes().splitlines())
    return lines


class Job:
    """A shape in a directory of its own."""

    def __init__(self, shape, sources, directory):
        self.directory = directory
        directory.mkdir()
        self.script, self.sink = directory / "job.sql", directory / "sink"
        self.script.write_text(shape.script(sources, self.sink))

    def start(self, *options, **pairs):
        return subprocess.Popen(program.command(self.script, *options, **{**SETTINGS, **pairs}), stderr=subprocess.PIPE, text=True)

    def start_resuming(self, **pairs):
        return self.start("--state", self.directory / "state", **pairs)

    def rows(self):
        return rows_of(self.sink) if self.sink.exists() else Counter()


def catches_sigterm(process):
    """From then on it ends as it should; before, the signal is nothing but the end of a process that did nothing."""
    caught = re.search(r"SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())
    return caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1 or process.poll() is not None


def finish(process):
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


def undisturbed(shape, sources, directory):
    """(rows, seconds that a run with checkpoints takes)."""
    plain = Job(shape, sources, directory / "plain")
    finish(plain.start())
    kept = Job(shape, sources, directory / "kept")
    begin = time.monotonic()
    finish(kept.start_resuming())
    seconds = time.monotonic() - begin
    assert kept.rows() == plain.rows(), "checkpoints alone changed the rows"
    assert sum(plain.rows().values()) > 0
    return plain.rows(), seconds


def assert_equal(expected, found, context):
    missing, extra = expected - found, found - expected
    assert not missing and not extra, (f"{context}: {sum(missing.values())} rows missing, {sum(extra.values())} too many; "
                                       f"missing {list(missing)[:3]}, too many {list(extra)[:3]}")


@pytest.mark.parametrize("name", BY_NAME)
def test_a_job_killed_at_any_moment_gives_the_rows_of_the_undisturbed_run(name, sources, tmp_path):
    context = f"SEED={SEED} {name}"
    numbers = random.Random(f"{SEED}-{name}")
    expected, seconds = undisturbed(BY_NAME[name], sources, tmp_path)
    kills = lives = with_state = 0
    while kills < KILLS or with_state == 0:
        lives += 1
        assert lives <= 10 * KILLS, f"{context}: the job is never met while it runs"
        job = Job(BY_NAME[name], sources, tmp_path / f"life-{lives}")
        lanes = {"parallelism.default": lives % 3 + 1}
        for _ in range(KILLS_PER_LIFE_MAX):
            process = job.start_resuming(**{"paystream.batch.rows": numbers.choice([1, 1, 1, 7, 64])}, **lanes)
            time.sleep(numbers.uniform(0, 0.9 * seconds))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=120)
            if process.returncode != -signal.SIGKILL:
                break  # it was done before
            kills += 1
            with_state += any((job.directory / "state").rglob("checkpoint-*[0-9]"))
            extra = job.rows() - expected
            assert not extra, f"{context}: rows that the undisturbed run does not have: {list(extra)[:3]}"
        finish(job.start_resuming(**lanes))
        assert_equal(expected, job.rows(), context)
        shutil.rmtree(job.directory)


def test_a_finished_job_started_again_adds_nothing(sources, tmp_path):
    job = Job(BY_NAME["tumble"], sources, tmp_path / "job")
    finish(job.start_resuming())
    rows = job.rows()
    finish(job.start_resuming())
    assert job.rows() == rows


@pytest.mark.parametrize("name", ["tumble", "group", "over", "interval-join"])
def test_sigterm_ends_a_job_with_a_savepoint_from_which_it_goes_on(name, sources, tmp_path):
    numbers = random.Random(f"{SEED}-{name}")
    expected, seconds = undisturbed(BY_NAME[name], sources, tmp_path)
    job = Job(BY_NAME[name], sources, tmp_path / "job")
    for _ in range(3):
        process = job.start_resuming(**{"execution.checkpointing.interval": "1 h"})
        eventually(lambda: catches_sigterm(process))
        time.sleep(numbers.uniform(0.1, 0.4) * seconds)
        process.send_signal(signal.SIGTERM)
        finish(process)
        assert not job.rows() - expected
    finish(job.start_resuming())
    assert_equal(expected, job.rows(), f"SEED={SEED} {name}")


def test_state_of_two_lanes_is_refused_by_three(sources, tmp_path):
    job = Job(BY_NAME["tumble"], sources, tmp_path / "job")
    finish(job.start_resuming(**{"parallelism.default": 2, "paystream.end-of-input": "savepoint"}))
    before = job.rows()
    other = job.start_resuming(**{"parallelism.default": 3})
    _, err = other.communicate(timeout=60)
    assert other.returncode != 0 and "parallelism 2, this one has 3" in err, err
    assert job.rows() == before
    finish(job.start_resuming(**{"parallelism.default": 2}))
    assert_equal(undisturbed(BY_NAME["tumble"], sources, tmp_path)[0], job.rows(), "after the refusal")


def test_a_savepoint_alone_closes_no_window(sources, tmp_path):
    job = Job(BY_NAME["tumble"], sources, tmp_path / "job")
    finish(job.start_resuming(**{"paystream.end-of-input": "savepoint"}))
    before = job.rows()
    finish(job.start_resuming())
    plain = Job(BY_NAME["tumble"], sources, tmp_path / "plain")
    finish(plain.start())
    assert sum(before.values()) < sum(job.rows().values())
    assert_equal(plain.rows(), job.rows(), "after the savepoint")


def test_state_of_another_plan_is_refused_with_a_clear_message(sources, tmp_path):
    job = Job(BY_NAME["tumble"], sources, tmp_path / "job")
    finish(job.start_resuming(**{"paystream.end-of-input": "savepoint"}))
    rows = job.rows()
    job.script.write_text(job.script.read_text().replace("'10' SECOND", "'20' SECOND"))
    process = job.start_resuming()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "plan" in err and str(job.directory / "state") in err, err
    assert job.rows() == rows, "a refused job leaves the sink alone"


def test_damaged_state_is_refused_and_never_read(sources, tmp_path):
    """A flipped byte in every checkpoint; and the one before the newest serves when only the newest is damaged."""
    shape = BY_NAME["group"]
    job = Job(shape, sources, tmp_path / "job")
    process = job.start_resuming()
    while len(list((job.directory / "state").rglob("checkpoint-*[0-9]"))) < 2 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)  # or it has come to its end, and its checkpoints are there
    process.communicate(timeout=120)
    checkpoints = sorted((job.directory / "state").rglob("checkpoint-*[0-9]"))
    assert checkpoints
    for path in checkpoints:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    process = job.start_resuming()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and "damaged" in err, err


def test_two_processes_do_not_share_a_state_directory(sources, tmp_path):
    job = Job(BY_NAME["hop"], sources, tmp_path / "job")
    first = job.start_resuming()
    while not list((job.directory / "state").rglob("lock")):
        time.sleep(0.002)
    first.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    if first.poll() is None:  # it stands still with the lock in its hand, unless it was about to end
        second = job.start_resuming()
        _, err = second.communicate(timeout=120)
        assert second.returncode == 1 and "lock" in err, err
        first.send_signal(signal.SIGCONT)
    finish(first)
