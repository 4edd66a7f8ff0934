"""Random payment events as tables of the tests: out of order, late, with NULLs, equal times and few keys, so that things meet."""
import datetime
from decimal import Decimal

COLUMNS = [("id", "BIGINT"), ("ts", "TIMESTAMP(3)"), ("acct", "STRING"), ("merchant", "STRING"), ("amount", "DECIMAL(12, 2)"), ("status", "STRING"),
           ("qty", "INT")]
BASE = datetime.datetime(2026, 3, 1, 10)
EPOCH = datetime.datetime(1970, 1, 1)


def ms_of(time):
    return (time - EPOCH) // datetime.timedelta(milliseconds=1)


BASE_MS = ms_of(BASE)


def time_text(ms, separator=" "):
    moment = EPOCH + datetime.timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def events(random, count, step_ms=400, disorder_ms=4000, late_ms=0, keys=6, nulls=0.05):
    """Rows (id, ts in ms, acct, merchant, amount, status, qty); `late_ms` > 0: one row in twenty is so far behind."""
    rows, now = [], BASE_MS
    for number in range(count):
        now += random.choice([0, 0, step_ms // 2, step_ms, step_ms, 3 * step_ms])
        ts = now - random.randint(0, disorder_ms) if disorder_ms else now
        if late_ms and random.random() < 0.05:
            ts -= random.randint(0, late_ms)
        if random.random() < 0.3:
            ts -= ts % 1000  # windows end at whole seconds: rows at the very edge
        amount = Decimal(random.choice([0, 1, random.randint(-500, 99999), random.randint(1, 9999999)])).scaleb(-2)

        def nullable(value):
            return None if random.random() < nulls else value
        rows.append((number, ts, nullable(f"A{random.randint(1, keys)}"), nullable(random.choice("klmnopq"[:max(keys // 2, 1)])), nullable(amount),
                     nullable(random.choice(["OK", "OK", "OK", "DECLINED", "REFUND"])), nullable(random.randint(-2, 9))))
    return rows


def csv_text(rows):
    def field(column, value):
        if value is None:
            return "NULL"
        return time_text(value) if column == "ts" else str(value)
    names = [name for name, _ in COLUMNS]
    return "".join(",".join(map(field, names, row)) + "\n" for row in rows)


def json_text(rows):
    def field(column, value):
        if value is None:
            return "null"
        if column == "ts":
            return f'"{time_text(value)}"'
        return f'"{value}"' if isinstance(value, str) else str(value)
    names = [name for name, _ in COLUMNS]
    return "".join("{" + ", ".join(f'"{name}": {field(name, value)}' for name, value in zip(names, row)) + "}\n" for row in rows)


def table_ddl(name, path, delay_ms=4000, file_format="csv"):
    """CREATE TABLE over a file of events; delay_ms None: without a watermark."""
    columns = [f"{column} {kind}" for column, kind in COLUMNS]
    if delay_ms is not None:
        columns.append(f"WATERMARK FOR ts AS ts - INTERVAL '{delay_ms // 1000}.{delay_ms % 1000:03d}' SECOND(3)" if delay_ms else "WATERMARK FOR ts AS ts")
    options = {"connector": "filesystem", "path": str(path), "format": file_format}
    if file_format == "csv":
        options["csv.null-literal"] = "NULL"
    pairs = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"CREATE TABLE {name} ({', '.join(columns)}) WITH ({pairs});\n"
