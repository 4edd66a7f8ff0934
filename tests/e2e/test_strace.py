"""System calls of the real program that fail, and kills at system calls (FAULTS P1, E1–E3, E7), by strace.

strace counts the calls of each thread by itself: when=N hits the first thread that comes to its N-th call.
PS_FULL=1: every point instead of a spread.
"""
import collections
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import PROGRAM, eventually, run
from faulty import FULL, SEGMENTS, Answers, Small, books_hold, connect, needs_strace, on_a_quiet_machine, refused, strace

pytestmark = needs_strace
REQUESTS = 30
DISK = "pwrite64,fdatasync,fsync,rename,openat,ftruncate,unlink,mkdir"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    it = Small(tmp_path_factory.mktemp("strace") / "template")
    yield it
    it.remove()


@pytest.fixture
def copy(template, directory):
    it = Small(directory, template=template)
    yield it
    if it.is_running:
        it.kill()
    it.remove()


def calls_of(trace):
    """(call, times) as the busiest thread makes them: what when=N can reach."""
    counts = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(), re.MULTILINE))
    most = collections.defaultdict(int)
    for (_, call), count in counts.items():
        most[call] = max(most[call], count)
    return most


def spread(most, points):
    """Points over all calls: the first, the last, and as many between as the share of the call."""
    total = sum(most.values())
    for call, count in sorted(most.items()):
        wanted = count if FULL else min(count, max(2, points * count // total))
        for i in range(wanted):
            yield call, 1 + i * (count - 1) // max(1, wanted - 1)


def workload(service, answers, under):
    """Serve, 30 payments, SIGTERM; the exit code."""
    if service.launch(under=under):
        answers.send_many(service, "w", REQUESTS)
        service.process.send_signal(signal.SIGTERM)
    return service.wait()


def test_a_kill_at_a_system_call_of_serving_loses_nothing(template, tmp_path):
    """P1: sampled over start, 30 payments and the stop."""
    trace = tmp_path / "trace"
    whole = Small(tmp_path / "whole", template=template)
    answers = Answers()
    assert workload(whole, answers, strace(DISK, output=trace)) == 0
    assert len(answers.acked) == REQUESTS
    whole.remove()
    points = list(spread(calls_of(trace), 24))
    assert len(points) >= 15
    killed = 0
    for call, number in points:
        service = Small(tmp_path / f"{call}-{number}", template=template)
        answers = Answers()
        code = workload(service, answers, strace(DISK, f"{call}:signal=KILL:when={number}"))
        assert code in (0, -signal.SIGKILL), (call, number, service.log.read_text())
        killed += code != 0
        service.start()
        answers.hold(service)
        books_hold(service)
        service.remove()
    assert killed >= len(points) * 0.8, f"only {killed} of {len(points)} points were reached"


def test_a_kill_at_a_system_call_of_init_leaves_nothing_or_all(tmp_path):
    """P1, W3: the next start makes the directory, or finds it made."""
    trace = tmp_path / "trace"

    def service(name):
        it = Small.__new__(Small)
        it.directory, it.arguments, it.log = tmp_path / name, tuple(SEGMENTS), tmp_path / f"{name}.log"
        it.process = it.url = None
        return it

    def make(it, under):
        if it.launch("--dev", under=under):
            it.process.send_signal(signal.SIGTERM)
        return it.wait()

    assert make(service("whole"), strace(DISK, output=trace)) == 0
    killed = 0
    for call, number in spread(calls_of(trace), 10):
        it = service(f"{call}-{number}")
        code = make(it, strace(DISK, f"{call}:signal=KILL:when={number}"))
        assert code in (0, -signal.SIGKILL), (call, number, it.log.read_text())
        killed += code != 0
        assert it.start("--dev").stop() == 0
        verified = run("verify", "--data", it.directory)
        assert verified.returncode == 0, (call, number, verified.stderr)
        it.remove()
    assert killed >= 8


def pages_drop(trace):
    """After a failed sync the kernel may drop what it could not write: zeros over what the last write of that file had."""
    text = trace.read_text()
    path = re.search(r"fdatasync\(\d+<([^>]*seg-\w+)>.*\(INJECTED\)", text)[1]
    writes = re.findall(rf"pwrite64\(\d+<{re.escape(path)}>, .*, (\d+), (\d+)(?:\) += | <unfinished)", text)
    size, offset = map(int, writes[-1])
    with open(path, "r+b") as segment:
        segment.seek(offset)
        assert any(segment.read(size))
        segment.seek(offset)
        segment.write(bytes(size))


def failed_once(trace):
    """The file of the injected failure, on which there is no write and no sync any more."""
    lines = trace.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if "(INJECTED)" in line)
    assert not [line for line in lines[at + 1:] if re.search(r"(fdatasync|pwrite64)\(\d+<[^>]*seg-", line)], "it went on"
    return lines[at]


# When: by the N-th call of the journal's thread, under traffic; the start makes fewer.
WRITE_FAULTS = [("fdatasync", "kept", 12), ("fdatasync", "dropped", 25), ("pwrite64", "absent", 40), ("pwrite64", "absent", 70)]


@pytest.mark.parametrize("call,pages,number", WRITE_FAULTS)
def test_one_failed_write_or_sync_stops_the_service(copy, tmp_path, call, pages, number):
    """E1, E2: exit 4, no second try, and nothing of the batch is answered, whatever the kernel keeps of it."""
    trace = tmp_path / "trace"
    answers = Answers()
    mark = copy.mark()
    copy.start(under=strace("fdatasync,pwrite64", f"{call}:error=EIO:when={number}", output=trace))
    threads = answers.send_from(copy, "e", 6)
    assert copy.wait() == 4, copy.new_log(mark)
    for thread in threads:
        thread.join()
    assert re.search(r"stopped: cannot (sync|write) \S+", copy.new_log(mark)), copy.new_log(mark)
    assert answers.acked and not answers.statuses
    assert len(answers.amounts) > len(answers.acked), "something was in flight"
    failed_once(trace)
    if pages == "dropped":
        pages_drop(trace)
    copy.start()
    answers.hold(copy)
    books_hold(copy)


@pytest.mark.parametrize("call,number", [("rename", 1), ("fsync", 3), ("fdatasync", 4)])
def test_a_failed_segment_change_stops_the_service(copy, call, number):
    """E1 on the way to a new segment: rename, sync of the directory, and sync of what was filled."""
    answers = Answers()
    mark = copy.mark()
    # A path makes the injection hold for the directory and the segment to come alone.
    only = {"fdatasync": ["-P", f"{copy.directory}/journal/next.tmp"]}.get(call, [])
    under = strace(call, f"{call}:error=EIO:when={1 if only else number}")
    copy.start(under=[*under, *only])
    answers.send_batches(copy, "s", 60)
    assert copy.wait() == 4, copy.new_log(mark)
    assert answers.acked
    copy.start()
    answers.hold(copy)
    books_hold(copy)


def test_a_failed_sync_at_the_end_is_told(copy, tmp_path):
    """E1: the last sync, of the sealed journal, fails: not exit 0."""
    trace = tmp_path / "trace"
    whole = Small(tmp_path / "whole", template=copy)
    assert workload(whole, Answers(), strace(DISK, output=trace)) == 0
    syncs = re.findall(r"^(\d+) +fdatasync\(\d+<([^>]*)>", trace.read_text(), re.MULTILINE)
    thread, path = syncs[-1]
    assert path.endswith("watermark")
    number = sum(1 for other, _ in syncs if other == thread)
    mark = copy.mark()
    answers = Answers()
    assert workload(copy, answers, strace("fdatasync", f"fdatasync:error=EIO:when={number}")) == 4
    assert "stopped: cannot sync" in copy.new_log(mark)
    copy.start()
    answers.hold(copy)


def test_a_failed_snapshot_at_the_end_loses_nothing(copy):
    """The journal has everything: exit 0, a note, and the next start replays."""
    answers = Answers()
    mark = copy.mark()
    copy.start(under=[*strace("rename", "rename:error=EIO:when=1")])
    answers.send_many(copy, "n", 10)
    copy.process.send_signal(signal.SIGTERM)
    assert copy.wait() == 0
    assert "no snapshot at the end" in copy.new_log(mark)
    copy.start()
    answers.hold(copy)
    books_hold(copy)


def test_a_read_error_of_recovery_refuses_to_start(copy):
    """E3: at every read of the start: never "end of the journal". The loader's own reads come first."""
    answers = Answers()
    copy.start()
    answers.send_many(copy, "r", 20)
    assert len(answers.acked) == 20
    copy.kill()
    refusals = number = 0
    for number in range(3, 1000) if FULL else [*range(3, 12), *range(12, 60, 6)]:
        mark = copy.mark()
        line = copy.launch(under=strace("pread64", f"pread64:error=EIO:when={number}"))
        if line:
            assert copy.stop() == 0
            break
        code = copy.wait()
        said = copy.new_log(mark)
        if code == 127:
            continue
        assert code == 3, said
        assert re.search(r"cannot read \S+ at offset \d+", said), said
        refusals += 1
    assert refusals >= 5
    copy.start()
    answers.hold(copy)
    books_hold(copy)


def test_a_read_error_while_serving_is_a_500_and_no_more(copy, tmp_path):
    """E3: what the journal has to be asked for fails; payments go on."""
    trace = tmp_path / "trace"
    copy.start(under=strace("pread64", output=trace))
    starts = calls_of(trace)["pread64"]
    copy.kill()
    answers = Answers()
    copy.start(under=strace("pread64", f"pread64:error=EIO:when={starts + 5}+"))
    answers.send_many(copy, "a", 20)
    assert len(answers.acked) == 20
    client = copy.client()
    replies = [client.get("/v1/events", params={"limit": 1000}) for _ in range(starts + 10)]
    reply = next(reply for reply in replies if reply.status_code != 200)
    assert reply.status_code == 500
    assert reply.json()["error"]["type"] == "api_error"
    answers.send_many(copy, "b", 20)
    assert len(answers.acked) == 40
    copy.kill()
    copy.start()
    answers.hold(copy)
    books_hold(copy)


def latencies(service, seconds):
    """Of payments one after the other, sorted; every one is taken."""
    client, found = service.client(), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        assert client.pay().status_code == 201
        found.append(time.monotonic() - start)
    return sorted(found)


# As strace counts: "12" is one sync, "12..21" ten in a row, of the journal's thread.
STALLS = [("one sync of 3 s", 10_000_000 if FULL else 3_000_000, "12"), ("every sync 200 ms", 200_000, "12..50" if FULL else "12..18")]


@pytest.mark.parametrize("name,delay_us,when", STALLS, ids=[row[0] for row in STALLS])
def test_slow_syncs_delay_answers_and_nothing_else(copy, name, delay_us, when):
    """E7: no timeout fires, nothing is lost, and the latency comes back at once."""
    answers = Answers()
    copy.start(under=strace("fdatasync", f"fdatasync:delay_enter={delay_us}:when={when}"))
    threads = answers.send_from(copy, "x", 8)
    slow = []
    client = copy.client()
    end = time.monotonic() + delay_us / 1e6 * (1 if ".." not in when else 39 if FULL else 7) + 0.5
    while time.monotonic() < end:
        start = time.monotonic()
        reply = client.pay()
        slow.append(time.monotonic() - start)
        assert reply.status_code == 201, reply.text
    assert max(slow) >= delay_us / 1e6 * 0.5, "the stall was there"
    assert not answers.statuses and all(thread.is_alive() for thread in threads)
    found = latencies(copy, 0.5)
    on_a_quiet_machine(found[int(len(found) * 0.99)] < 0.1, "E7: p99 back to normal")
    assert copy.metric("paystream_jobs_in_flight") <= 10
    copy.kill()
    for thread in threads:
        thread.join()
    copy.start()
    answers.hold(copy)
