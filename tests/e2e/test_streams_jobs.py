"""The jobs of jobs/: each against a plain calculation over the same events; and jobs that run inside the service."""
import collections
import datetime
import json
import os
import pathlib
import random
import re
import time

import pytest
import requests

from conftest import ROOT, Service, eventually, run

JOBS = ROOT / "jobs"
COLUMNS = """seq BIGINT, event_time TIMESTAMP_LTZ(3), type STRING, payment_id STRING, status STRING, merchant STRING, payer STRING,
  instrument_type STRING, token STRING, bin STRING, card_country STRING, ip STRING, device STRING, email STRING, country STRING, channel STRING,
  currency STRING, amount BIGINT, authorised BIGINT, captured BIGINT, refunded BIGINT, decline_code STRING, reference STRING"""
SEED = int(os.environ.get("PS_SEED", "1"))
START = datetime.datetime(2026, 3, 1, 10, 0, 0)


def time_text(seconds):
    return (START + datetime.timedelta(seconds=seconds)).isoformat(sep=" ", timespec="milliseconds") + "Z"


def event(seconds, kind, payment, **fields):
    base = {"merchant": "m", "payer": "p", "instrument_type": "card", "token": "t", "currency": "EUR", "amount": 100}
    return {**base, "event_time": time_text(seconds), "type": "payment." + kind, "payment_id": payment, **fields}


def answer(tmp_path, job, events):
    """Rows of a job of jobs/, by its name, over events in a file instead of the journal's."""
    return rows_of(tmp_path, (JOBS / job).read_text(), events)


def rows_of(tmp_path, sql, events):
    data = tmp_path / "events.json"
    data.write_text("".join(json.dumps({"seq": seq, **one}) + "\n" for seq, one in enumerate(events)))
    ddl = (f"CREATE TABLE payment_events ({COLUMNS}, WATERMARK FOR event_time AS event_time - INTERVAL '0.001' SECOND) "
           f"WITH ('connector' = 'filesystem', 'path' = '{data}', 'format' = 'json');\n")
    path = tmp_path / "job.sql"
    path.write_text(ddl + sql)
    done = run("run", path, "--format", "json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = [column["name"] for column in lines[0]["columns"]]
    assert all(line["op"] == "+I" for line in lines[1:])
    return [dict(zip(names, line["row"])) for line in lines[1:]]


def test_payments_amount_and_declines_per_minute_and_currency(tmp_path):
    events = []
    for i in range(300):
        currency = "EUR" if i % 3 else "JPY"
        events.append(event(i, "created", f"p{i}", currency=currency, amount=i))
        if i % 4 == 0:
            events.append(event(i + .2, "declined", f"p{i}", currency=currency, amount=i))
        else:
            events.append(event(i + .2, "authorised", f"p{i}", currency=currency, amount=i))
            events.append(event(i + .3, "captured", f"p{i}", currency=currency, amount=i))
        if i % 50 == 1:
            events.append(event(i + .4, "refunded", f"p{i}", currency=currency, amount=5))
    wanted = collections.defaultdict(lambda: [0, 0, 0, None, None])
    place = {"created": 0, "authorised": 1, "declined": 2, "captured": 3, "refunded": 4}
    for one in events:
        row = wanted[(one["event_time"][:16], one["currency"])]
        i = place[one["type"].split(".")[1]]
        row[i] = (row[i] or 0) + (one["amount"] if i >= 3 else 1)
    rows = answer(tmp_path, "payments_per_minute.sql", events)
    found = {(row["window_start"][:16], row["currency"]): [row["payments"], row["approved"], row["declined"], row["captured_amount"],
                                                          row["refunded_amount"]] for row in rows}
    assert len(rows) == len(found) == 10
    assert found == dict(wanted)


def test_velocity_alerts_come_at_the_third_payment_and_at_500(tmp_path):
    events = [event(0, "created", "a"), event(20, "created", "b"), event(50, "created", "c"),      # third within a minute
              event(70, "created", "d"),                                                        # b, c and d are within a minute
              event(140, "created", "e"), event(141, "created", "f", amount=49900),             # 100 + 49900 reach the limit
              event(142, "created", "g", token="other"), event(143, "created", "h", payer="q"),  # other cards
              event(144, "created", "i", instrument_type="wallet", token=None), event(145, "declined", "f")]
    rows = answer(tmp_path, "card_velocity.sql", events)
    assert [(row["payment_id"], row["payments_of_minute"], row["amount_of_minute"], row["alert"]) for row in rows] == [
        ("c", 3, 300, "too many payments"), ("d", 3, 300, "too many payments"), ("f", 2, 50000, "too much money")]


def test_payments_without_capture_after_15_minutes(tmp_path):
    minute = 60
    events = [event(0, "authorised", "captured"), event(1, "authorised", "forgotten"), event(2, "authorised", "too late"),
              event(3, "authorised", "cancelled"), event(4, "authorised", "partly"),
              event(14 * minute, "captured", "captured"), event(14 * minute + 1, "cancelled", "cancelled"),
              event(14 * minute + 2, "partially_captured", "partly"), event(15 * minute + 3, "captured", "too late"),
              event(40 * minute, "created", "later")]
    rows = answer(tmp_path, "uncaptured_payments.sql", events)
    assert sorted(row["payment_id"] for row in rows) == ["forgotten", "too late"]


def test_card_testing_is_three_declines_and_an_approval_within_a_minute(tmp_path):
    declines = [event(seconds, "declined", f"d{seconds}", amount=seconds) for seconds in (0, 10, 20, 30)]
    events = [*declines, event(59, "authorised", "hit", amount=5000),
              event(100, "declined", "e1"), event(101, "declined", "e2"), event(102, "authorised", "only two"),
              event(200, "declined", "f1"), event(201, "declined", "f2"), event(202, "declined", "f3"), event(260, "authorised", "too late"),
              *(event(300 + i, "declined", f"g{i}", token=f"other {i}") for i in range(3)), event(304, "authorised", "other cards")]
    rows = answer(tmp_path, "card_testing.sql", events)
    assert [(row["payment_id"], row["declined"], row["most_tried"], row["amount"]) for row in rows] == [("hit", 4, 30, 5000)]


def test_captures_that_are_reversed_within_a_minute(tmp_path):
    events = [event(0, "captured", "a", amount=700), event(1, "captured", "b"), event(2, "captured", "c"), event(59.9, "reversed", "a", amount=700),
              event(61, "reversed", "b"), event(62, "captured", "d"), event(63, "reversed", "e"), event(200, "created", "later")]
    rows = answer(tmp_path, "reversed_captures.sql", events)
    assert [(row["payment_id"], row["amount"], row["reversed_at"]) for row in rows] == [("a", 700, "2026-03-01 10:00:59.900Z")]


def test_account_takeover_is_new_details_then_a_new_payee_within_a_day(tmp_path):
    hour = 3600

    def pay(hours, payment, **fields):
        return event(hours * hour, "created", payment, **{"email": "p@x", "device": "d1", **fields})
    events = [pay(0, "p0"), pay(1, "p1", merchant="n1"),                               # a new payee, but old details
              pay(2, "p2", email="q@x"), pay(3, "p3", email="q@x"), pay(4, "p4", email="q@x", merchant="n2"),
              pay(5, "p5", email="q@x", merchant="n2"),                                # not new any more
              pay(100, "p100", email="q@x", device="d2"), pay(124, "p124", email="q@x", device="d2", merchant="n3"),  # exactly a day
              pay(200, "p200", email="q@x", device="d3", merchant="n4"),               # both in one payment
              pay(300, "p300", email=None, device="d3"), pay(301, "p301", email=None, device="d3", merchant="n5"),    # nothing is known to change
              pay(400, "p400", payer="other", device="d9"), pay(401, "p401", payer="other", device="d9", merchant="n1")]
    rows = answer(tmp_path, "account_takeover.sql", events)
    assert [(row["changed_by"], row["payment_id"], row["merchant"]) for row in rows] == [("p2", "p4", "n2"), ("p200", "p200", "n4")]
    assert rows[0]["changed_at"] == time_text(2 * hour) and rows[0]["paid_at"] == time_text(4 * hour)


def test_structuring_is_three_payments_that_reach_the_limit_within_a_day(tmp_path):
    hour = 3600

    def pay(hours, payment, amount, kind="captured", **fields):
        return event(hours * hour, kind, payment, amount=amount, **fields)
    events = [pay(0, "s0", 400_000), pay(1, "s1", 1_000_000), pay(2, "s2", 1_000), pay(3, "s3", 300_000), pay(4, "s4", 299_999),
              pay(5, "s5", 200_001, "partially_captured"),                             # s1 and s2 do not count
              pay(100, "t0", 999_999), pay(101, "t1", 999_999),                        # two are not split up
              pay(200, "u0", 400_000), pay(223, "u1", 400_000), pay(224, "u2", 400_000), pay(225, "u3", 400_000),  # a day from u0 to u2
              pay(300, "v0", 500_000), pay(301, "v1", 500_000, merchant="n"), pay(302, "v2", 500_000)]
    rows = answer(tmp_path, "structuring.sql", events)
    assert [(row["first_payment"], row["last_payment"], row["payments"], row["total"]) for row in rows] == [
        ("s0", "s5", 4, 1_200_000), ("u1", "u3", 3, 1_200_000)]


ABSENCE = """SET 'paystream.dialect' = 'extended';
SELECT * FROM payment_events MATCH_RECOGNIZE (PARTITION BY payment_id ORDER BY event_time MEASURES A.event_time AS authorised_at
  AFTER MATCH SKIP TO NEXT ROW PATTERN (A {- X*? -} [^C]) WITHIN INTERVAL '15' MINUTE
  DEFINE A AS A.type = 'payment.authorised', C AS C.type = 'payment.captured');"""


def test_absence_as_a_join_and_as_a_pattern_answer_the_same(tmp_path):
    numbers = random.Random(SEED)
    events, at = [], 0
    for number in range(400):
        at += numbers.randint(1, 20)
        events.append((at, "authorised", f"p{number}"))
        if numbers.random() < 0.7:
            # both ends of the quarter of an hour are left out: there the join still takes a capture, and WITHIN no more
            events.append((at + numbers.choice([numbers.randint(1, 899), numbers.randint(901, 2000)]), "captured", f"p{number}"))
    events = [event(*one) for one in sorted(events)]
    by_join = answer(tmp_path, "uncaptured_payments.sql", events)
    by_pattern = rows_of(tmp_path, ABSENCE, events)
    assert 100 < len(by_join) < 400
    assert sorted((row["payment_id"], row["authorised_at"]) for row in by_join) == sorted(
        (row["payment_id"], row["authorised_at"]) for row in by_pattern), f"SEED={SEED}"


def test_top_merchants_are_the_five_with_the_most_money(tmp_path):
    events = [event(i % 60, "captured", f"p{i}", merchant=f"m{i % 9}", amount=1 + (i % 9) * 10 + i % 2) for i in range(180)]
    events.sort(key=lambda one: one["event_time"])
    sums = collections.Counter()
    for one in events:
        sums[one["merchant"]] += one["amount"]
    rows = answer(tmp_path, "top_merchants.sql", events)
    assert [(row["place"], row["merchant"], row["captured_amount"]) for row in sorted(rows, key=lambda row: row["place"])] == [
        (i + 1, merchant, amount) for i, (merchant, amount) in enumerate(sums.most_common(5))]


def test_a_refund_rate_that_doubles_is_told(tmp_path):
    hour = 3600
    events = []
    for i, (steady, rising) in enumerate([(2, 1), (2, 4), (3, 4)]):
        events.append(event(i * hour, "captured", f"s{i}", merchant="steady", amount=100))
        events.append(event(i * hour + 1, "captured", f"r{i}", merchant="rising", amount=100))
        events.append(event(i * hour + 2, "refunded", f"s{i}", merchant="steady", amount=steady))
        events.append(event(i * hour + 3, "refunded", f"r{i}", merchant="rising", amount=rising))
    rows = answer(tmp_path, "refund_rate.sql", events)
    assert [(row["window_start"][:16], row["merchant"], row["rate"], row["rate_before"]) for row in rows] == [
        ("2026-03-01 11:00", "rising", 0.04, 0.01)]


# ── inside the service ──

def payment(i, token="tok_ok"):
    return {"amount": 100 + i, "currency": "EUR", "merchant": "m", "payer": "p", "instrument": {"type": "card", "token": token}}


def jobs_of(client):
    reply = client.get("/v1/jobs")
    assert reply.status_code == 200, reply.text
    return {job["name"]: job for job in reply.json()["data"]}


def test_jobs_follow_the_service_and_show_their_newest_rows(tmp_path):
    query = tmp_path / "captures.sql"
    query.write_text("SELECT payment_id, amount FROM payment_events WHERE type = 'payment.captured';")
    service = Service(tmp_path / "data").start("--job", str(query), "--job", str(JOBS / "card_velocity.sql"))
    try:
        client = service.client()
        made = [client.post("/v1/payments", payment(i)).json()["id"] for i in range(30)]
        job = eventually(lambda: (lambda one: one if one["rows_out"] == 30 and one["watermark"] else None)(jobs_of(client)["captures"]))
        assert job["status"] == "running" and job["error"] is None
        assert [column["name"] for column in job["columns"]] == ["payment_id", "amount"]
        assert [row["row"] for row in job["rows"]] == [[made[i], 100 + i] for i in range(29, 9, -1)]
        # An OVER row goes out when time is past it: the newest one waits for what comes next, at least a millisecond later.
        # Payments 3 to 30 are alerts; so are the first two if they share their millisecond with the third (RANGE counts peers).
        time.sleep(0.01)
        assert client.post("/v1/payments", payment(31, "tok_insufficient_funds")).status_code == 402
        eventually(lambda: 28 <= jobs_of(client)["card_velocity"]["rows_out"] <= 30)
        metrics = requests.get(service.url + "/metrics", timeout=60).text
        assert 'paystream_job_running{job="captures"} 1' in metrics
        assert re.search(r'paystream_job_rows_out_total\{job="captures"\} 30\n', metrics)
        assert re.search(r'paystream_job_watermark_seconds\{job="captures"\} \d+\.\d+\n', metrics)
    finally:
        assert service.stop() == 0
        service.remove()


def test_only_keys_with_read_see_jobs_and_other_tenants_see_none(tmp_path):
    service = Service(tmp_path / "data").start("--job", str(JOBS / "card_velocity.sql"))
    try:
        client = service.client()
        assert len(jobs_of(client)) == 1
        assert len(jobs_of(client.with_scopes("read"))) == 1
        assert client.with_scopes("refunds:write").get("/v1/jobs").status_code == 403
        assert jobs_of(client.with_scopes("read", tenant="another")) == {}
        assert requests.get(service.url + "/v1/jobs", timeout=60).status_code == 401
    finally:
        assert service.stop() == 0
        service.remove()


def parts(directory):
    return [json.loads(line) for path in sorted(pathlib.Path(directory).iterdir()) if not path.name.startswith((".", "_"))
            for line in path.read_text().splitlines()]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_job_that_writes_files_goes_on_where_it_was(tmp_path, how):
    job = tmp_path / "copy.sql"
    job.write_text("SET 'execution.checkpointing.interval' = '100 ms';\n"
                   f"CREATE TABLE copied (payment_id STRING, type STRING) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/out', 'format' = 'json');\n"
                   "INSERT INTO copied SELECT payment_id, type FROM payment_events;")
    service = Service(tmp_path / "data").start("--job", str(job))
    client = service.client()
    made = [client.post("/v1/payments", payment(i)).json()["id"] for i in range(10)]
    eventually(lambda: jobs_of(client)["copied"]["rows_out"] == 30)
    eventually(lambda: jobs_of(client)["copied"]["checkpoints"] >= 1)
    getattr(service, how)()
    service.start("--job", str(job))
    client = service.client()
    made += [client.post("/v1/payments", payment(i)).json()["id"] for i in range(10)]
    eventually(lambda: len(parts(tmp_path / "out")) >= 60)
    assert service.stop() == 0
    service.remove()
    rows = parts(tmp_path / "out")
    assert [row["payment_id"] for row in rows] == [one for one in made for _ in range(3)]


def test_a_job_with_bad_sql_stops_the_start_with_the_place(tmp_path):
    job = tmp_path / "bad.sql"
    job.write_text("SELECT amout FROM payment_events;")
    made = run("init", "--data", tmp_path / "data")
    assert made.returncode == 0
    done = run("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--job", job)
    assert done.returncode == 1 and done.stdout == ""
    assert re.search(r"bad\.sql:1:8: error: .*amout", done.stderr), done.stderr
    done = run("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--job", tmp_path / "none.sql")
    assert done.returncode == 3 and "none.sql" in done.stderr


def test_a_job_that_fails_is_told_and_the_service_goes_on(tmp_path):
    job = tmp_path / "divide.sql"
    job.write_text("SELECT amount / (amount - 105) AS x FROM payment_events WHERE type = 'payment.captured';")
    service = Service(tmp_path / "data").start("--job", str(job))
    try:
        client = service.client()
        for i in range(10):
            assert client.post("/v1/payments", payment(i)).status_code == 201
        failed = eventually(lambda: (lambda one: one if one["status"] != "running" else None)(jobs_of(client)["divide"]))
        assert failed["status"] == "failed" and failed["error"]
        assert client.post("/v1/payments", payment(11)).status_code == 201
        assert 'paystream_job_failed{job="divide"} 1' in requests.get(service.url + "/metrics", timeout=60).text
    finally:
        assert service.stop() == 0
        service.remove()
