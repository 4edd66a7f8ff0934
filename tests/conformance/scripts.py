"""Scripts: how a conformance case becomes files and SQL for `paystream run`, and its output rows again."""
import json
import re
import subprocess
from decimal import Decimal


class Failed(Exception):
    """The program did not do what the case needs before anything could be compared."""


class Refused(Exception):
    """The program said that it does not support something yet."""


class Runner:
    """Runs scripts in a directory of the case's own."""

    def __init__(self, program, directory, parallelism=1):
        self.program, self.directory, self.parallelism = program, directory, parallelism
        self.count = 0

    def run(self, script, *options, expects_error=False):
        """(rows by query, lines printed by print sinks); rows are (op, [values])."""
        self.count += 1
        path = self.directory / f"script-{self.count}.sql"
        path.write_text(script)
        done = subprocess.run([self.program, "run", str(path), "--format", "json", "--quiet", "--parallelism", str(self.parallelism), *options],
                              capture_output=True, text=True, timeout=60, cwd=self.directory)
        if done.returncode < 0 or "Sanitizer" in done.stderr or "assertion" in done.stderr:
            raise Failed(f"the program crashed ({done.returncode}): {done.stderr[-600:]}")
        if done.returncode != 0:
            text = first_error(done.stderr)
            if "supported yet" in text:
                raise Refused(text)
            if expects_error:
                return None
            raise Failed(text)
        return parse_output(done.stdout)


def first_error(stderr):
    lines = [line for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if "error:" in line:
            return line[line.index("error:"):][:300]
    return lines[0][:300] if lines else "no message"


def parse_output(text):
    results, printed = [], []
    for line in text.splitlines():
        if line.startswith('{"columns"'):
            results.append({"columns": json.loads(line)["columns"], "rows": []})
        elif line.startswith('{"op"'):
            row = json.loads(line, parse_float=Decimal)
            results[-1]["rows"].append((row["op"], row["row"]))
        else:
            printed.append(line)
    return results, printed


# ── tables of the sql/1 and sql-text/1 schemas ──

def column_of(fragment):
    """(name, type) of a physical column of a DDL fragment; None for computed columns, watermarks, keys."""
    match = re.match(r"\s*(`[^`]+`|[A-Za-z_][A-Za-z_0-9]*)\s+(.*)", fragment, re.S)
    if match is None or re.match(r"(WATERMARK|PRIMARY|CONSTRAINT)\b", fragment.strip(), re.I):
        return None
    name, rest = match.group(1).strip("`"), match.group(2).strip()
    if re.match(r"AS\b", rest, re.I) or re.search(r"\bMETADATA\b", rest, re.I):
        return None
    return name, rest


def split_fragments(schema):
    """At the commas outside of brackets."""
    parts, depth, part = [], 0, ""
    for c in schema:
        depth += c in "(<"
        depth -= c in ")>"
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    return [*parts, part]


def json_value(value, column_type):
    """A value of a case as the JSON formats take it."""
    if isinstance(value, dict) and set(value) == {"decimal"}:
        return value["decimal"]
    if isinstance(value, dict) and set(value) == {"kind", "values"}:
        return row_object(value["values"], column_type)
    if isinstance(value, str) and column_type.upper().startswith("TIMESTAMP"):
        return sql_timestamp(value, column_type)
    return value


def row_object(values, column_type):
    """ROW<a INT, b STRING> as an object; a row without a kind is a list of values in the file."""
    inner = column_type[column_type.index("<") + 1:column_type.rindex(">")]
    fields = [fragment.strip().split(None, 1) for fragment in split_fragments(inner)]
    return {name.strip("`"): json_value(value, field_type) for value, (name, field_type) in zip(values, fields)}


def sql_timestamp(text, column_type):
    is_instant = "LTZ" in column_type.upper() or "LOCAL" in column_type.upper()
    text = text.rstrip("Z").replace("T", " ")
    if len(text) == len("2020-10-10 00:00"):
        text += ":00"
    return text + ("Z" if is_instant else "")


def rows_text(columns, rows, is_changelog):
    """Lines of json (append) or changelog-json; a row is (kind, values)."""
    lines = []
    for kind, values in rows:
        converted = [json_value(value, column_type) for value, (_, column_type) in zip(values, columns)]
        if is_changelog:
            lines.append(json.dumps({"op": kind, "row": converted}))
        else:
            lines.append(json.dumps(dict(zip((name for name, _ in columns), converted))))
    return "".join(line + "\n" for line in lines)


def source_ddl(name, fragments, path, changelog_mode):
    options = {"connector": "filesystem", "path": str(path), "format": "json"}
    if changelog_mode is not None:
        options["format"] = "changelog-json"
        if "UB" not in changelog_mode:
            options["changelog-json.upsert"] = "true"
    return table_ddl(name, fragments, options)


def table_ddl(name, fragments, options):
    pairs = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"CREATE TABLE {name} (\n  " + ",\n  ".join(fragments) + f"\n) WITH ({pairs});\n"


# ── values as text, as the upstream tests print them ──

def flink_text(value, column_type=""):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and set(value) == {"decimal"}:
        return value["decimal"]
    if isinstance(value, dict) and set(value) == {"kind", "values"}:
        return value["kind"] + "[" + ", ".join(flink_text(inner) for inner in value["values"]) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={flink_text(inner)}" for key, inner in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flink_text(inner) for inner in value) + "]"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00", value):
        return value[:-3]
    if re.match(r"(FLOAT|DOUBLE)", column_type, re.I) and not isinstance(value, str):
        return repr(float(value))
    return str(value)


def net_rows(lines, key=()):
    """What remains of +I[…] lines: a sorted list of the rows' text; with a key (field numbers) a row replaces the one before."""
    rows = []
    for line in lines:
        kind, row = line[:2], line[2:]
        fields = row[1:-1].split(", ")

        def is_same(other):
            return [other[1:-1].split(", ")[i] for i in key] == [fields[i] for i in key] if key else other == row
        if kind in ("-U", "-D") or key:
            for index in range(len(rows) - 1, -1, -1):
                if is_same(rows[index]):
                    del rows[index]
                    break
        if kind in ("+I", "+U"):
            rows.append(row)
    return sorted(rows)


def key_of(schema):
    """Field numbers of the primary key of DDL fragments."""
    names = [column[0] for column in map(column_of, schema) if column is not None]
    for fragment in schema:
        match = re.search(r"PRIMARY KEY\s*\(([^)]*)\)", fragment, re.I)
        if match:
            return [names.index(name.strip(" `")) for name in match[1].split(",")]
        if re.search(r"\bPRIMARY KEY\b", fragment, re.I):
            return [names.index(column_of(fragment)[0])]
    return []
