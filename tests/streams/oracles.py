"""Oracles: each takes a seed and a number of queries, makes data and queries from them, and yields comparisons with the program."""
import os
import random
import shutil
import sqlite3
import subprocess
from collections import Counter
from decimal import Decimal

import payments
import program
from patterns import PatternGenerator
from queries import DELAY_MS, QueryGenerator
from relations import RelationGenerator

QUERIES_PER_TABLE = 20


class Comparison:
    def __init__(self, kind, seed, sql, outcome, detail=""):
        self.kind, self.seed, self.sql, self.outcome, self.detail = kind, seed, sql, outcome, detail

    def text(self):
        return f"{self.outcome}: {self.kind}, SEED={self.seed}\n{self.sql};\n{self.detail}\n"


def plain(value):
    """DECIMAL without digits behind the point prints as a whole number."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else Decimal(format(value, "f"))
    return value


def texts(rows):
    return sorted(program.row_text([fixed(plain(value)) for value in row]) for row in rows)


def fixed(value):
    return f"decimal {value:f}" if isinstance(value, Decimal) else value


def answered(rows):
    """What remains of the program's changelog, as texts() gives it."""
    counts = Counter()
    for op, row in rows:
        counts[program.row_text([fixed(value) for value in row])] += 1 if op in ("+I", "+U") else -1
    negative = [f"{count} × {text}" for text, count in counts.items() if count < 0]
    return sorted(counts.elements()) + negative


def without_befores(rows):
    """The changes but for -U, as texts: what an upsert changelog holds."""
    return sorted(f"{op} {program.row_text([fixed(value) for value in row])}" for op, row in rows if op != "-U")


def is_upsert(rows):
    ops = {op for op, _ in rows}
    return "+U" in ops and "-U" not in ops


def difference(expected, found):
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    if not missing and not extra:
        return None
    return f"missing {list(missing.elements())[:4]} ({sum(missing.values())})\ntoo many {list(extra.elements())[:4]} ({sum(extra.values())})"


class Data:
    """Tables p (late rows), l and r (none) in files, and as the naive evaluator takes them."""

    def __init__(self, numbers, directory, count=150):
        names = [name for name, _ in payments.COLUMNS]
        late_ms = numbers.choice([0, 12_000, 40_000])
        step_ms = numbers.choice([20, 400, 1500])
        self.tables = {"p": payments.events(numbers, numbers.choice([5, count, count, 2 * count]), step_ms=step_ms, late_ms=late_ms)}
        for name in "lr":
            self.tables[name] = payments.events(numbers, count // 2, step_ms=step_ms, disorder_ms=DELAY_MS - 1000)
        self.ddl = ""
        for name, rows in self.tables.items():
            file_format = numbers.choice(["csv", "json"])
            path = directory / f"{name}.{file_format}"
            path.write_text(payments.csv_text(rows) if file_format == "csv" else payments.json_text(rows))
            self.ddl += payments.table_ddl(name, path, DELAY_MS, file_format)
        self.rows = {name: [dict(zip(names, row)) for row in rows] for name, rows in self.tables.items()}


def answer_of(ddl, sql, directory, **settings):
    """(outcome, rows or message)."""
    try:
        return "answered", program.run_script(f"{ddl}{sql};\n", directory, **settings)[-1]
    except program.Refused as refused:
        return "refused", str(refused)
    except program.Crashed as crashed:
        return "crashed", str(crashed)


def by_naive_evaluator(seed, count, directory):
    for number in range(count):
        if number % QUERIES_PER_TABLE == 0:
            data = Data(random.Random(f"{seed}-data-{number}"), directory)
        numbers = random.Random(f"{seed}-{number}")
        query = QueryGenerator(numbers).query()
        outcome, found = answer_of(data.ddl, query.sql, directory, **{"paystream.batch.rows": numbers.choice([1, 3, 1024])})
        if outcome == "answered":
            found = difference(texts(query.answer(data.rows)), answered(found))
            outcome = "same" if found is None else "differs"
        yield Comparison(query.kind, f"{seed} (query {number})", query.sql, outcome, found or "")


def by_naive_matcher(seed, count, directory):
    for number in range(count):
        if number % QUERIES_PER_TABLE == 0:
            data = Data(random.Random(f"{seed}-data-{number}"), directory, count=100)
        numbers = random.Random(f"{seed}-match-{number}")
        is_extended = number % 4 == 3
        query = PatternGenerator(numbers).extended_query() if is_extended else PatternGenerator(numbers).query()
        dialect = {"paystream.dialect": "extended"} if is_extended else {}
        outcome, found = answer_of(data.ddl, query.sql, directory, **{"paystream.batch.rows": numbers.choice([1, 3, 1024])}, **dialect)
        if outcome == "answered":
            found = difference(texts(query.answer(data.rows)), answered(found))
            outcome = "same" if found is None else "differs"
        yield Comparison(query.kind, f"{seed} (query {number})", query.sql, outcome, found or "")


# ── SQLite ──

ROWS_MAX = 20_000  # of a result: joins of joins over few keys grow fast


def sqlite_database(data):
    database = sqlite3.connect(":memory:")
    database.execute("PRAGMA case_sensitive_like = ON")
    database.create_function("CHAR_LENGTH", 1, lambda text: None if text is None else len(text), deterministic=True)
    names = [name for name, _ in payments.COLUMNS]
    kinds = {"id": "INTEGER", "qty": "INTEGER"}
    columns = ", ".join(f"{name} {kinds.get(name, 'TEXT')}" for name in names)
    for table, rows in data.tables.items():
        database.execute(f"CREATE TABLE {table} ({columns})")
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})",
                             [[str(value) if isinstance(value, Decimal) else value for value in row] for row in rows])
    return database


def by_sqlite(seed, count, directory):
    for number in range(count):
        if number % QUERIES_PER_TABLE == 0:
            data = Data(random.Random(f"{seed}-data-{number}"), directory, count=40)
            database = sqlite_database(data)
        numbers = random.Random(f"{seed}-sqlite-{number}")
        relation = RelationGenerator(numbers).relation()
        expected = database.execute(relation.sql.replace(" AS STRING)", " AS TEXT)")).fetchmany(ROWS_MAX)
        if len(expected) == ROWS_MAX:
            yield Comparison("relation", f"{seed} (query {number})", relation.sql, "skipped")
            continue
        outcome, found = answer_of(data.ddl, relation.sql, directory, **{"paystream.batch.rows": numbers.choice([1, 3, 1024])})
        if outcome == "answered":
            found = difference(texts(expected), answered(found))
            outcome = "same" if found is None else "differs"
        yield Comparison("relation", f"{seed} (query {number})", relation.sql, outcome, found or "")


# ── Flink ──

FLINK_SQL = os.environ.get("FLINK_SQL", str(program.ROOT.parent / "shared" / "tools" / "flink-sql"))
# what fails before a query prints its columns
PLANNING = ("ValidationException", "SqlParserException", "TableException", "UnsupportedOperationException", "CalciteContextException", "PlannerException")


def flink_is_missing():
    """Why not, or None."""
    if not os.path.exists(FLINK_SQL):
        return f"there is no {FLINK_SQL}"
    return next((f"there is no {tool}" for tool in ("java", "javac", "mvn") if shutil.which(tool) is None), None)


def flink_answers(queries, directory):
    """Rows of each (data, sql), or the message where Flink refuses it. Many queries share a process: its start takes longer than a query."""
    answers, begin = [], 0
    while begin < len(queries):
        script, last = "", None
        for data, sql in queries[begin:]:
            if data is not last:
                script += ("DROP TABLE p;\nDROP TABLE l;\nDROP TABLE r;\n" if last else "") + data.ddl
                last = data
            script += f"{sql};\n"
        path = directory / "flink.sql"
        path.write_text(script)
        done = subprocess.run([FLINK_SQL, str(path)], capture_output=True, text=True, timeout=3600)
        results = program.parse_results(done.stdout)
        if done.returncode != 0:
            if done.returncode != 1:
                raise RuntimeError(f"flink-sql: {done.stderr[-1000:]}")
            if not any(name in done.stderr for name in PLANNING):
                results = results[:-1]
        answers += results
        begin = len(answers)
        if done.returncode != 0:
            answers.append(done.stderr.strip())
            begin += 1
    return answers


def by_flink(seed, count, directory):
    # a window with an offset loses rows in Flink 2.2 when the watermark passes its end before the next multiple of its size
    def query_of(number):
        numbers = random.Random(f"{seed}-flink-{number}")
        return QueryGenerator(numbers, uses_offsets=False).query() if number % 3 else RelationGenerator(numbers).relation(2)
    return compared_with_flink(seed, count, directory, query_of)


def patterns_by_flink(seed, count, directory):
    return compared_with_flink(seed, count, directory, lambda number: PatternGenerator(random.Random(f"{seed}-flink-match-{number}")).query())


def compared_with_flink(seed, count, directory, query_of):
    queries, waiting = [], []
    for number in range(count):
        if number % QUERIES_PER_TABLE == 0:
            place = directory / f"data-{number}"
            place.mkdir()
            data = Data(random.Random(f"{seed}-data-{number}"), place, count=60)
        query = query_of(number)
        queries.append((data, query.sql))
        waiting.append(getattr(query, "waits", lambda tables: False)(data.rows))
    for number, ((data, sql), expected) in enumerate(zip(queries, flink_answers(queries, directory))):
        outcome, found = answer_of(data.ddl, sql, directory)
        if isinstance(expected, str):
            outcome = "both refused" if outcome == "refused" else "refused by Flink alone" if outcome == "answered" else outcome
            found = expected
        elif outcome == "answered":
            # Flink leaves -U out where a key says which row goes
            compared = without_befores if is_upsert(expected) else answered
            found = difference(compared(expected), compared(found))
            # of matches that wait for an earlier partial one Flink gives the time at which they go out, and may swap equal starts (SEMANTICS 14.7)
            outcome = "same" if found is None else "skipped" if waiting[number] else "differs"
        yield Comparison("against Flink", f"{seed} (query {number})", sql, outcome, found or "")


BY_NAME = {"naive": by_naive_evaluator, "match": by_naive_matcher, "sqlite": by_sqlite, "flink": by_flink, "flink-match": patterns_by_flink}
