"""The naive evaluator: what a query answers, computed row by row over everything, by the rules and not by the ways of the engine.

A table is a list of rows (dicts) in arrival order with `ts` in ms and a watermark delay; results are lists of tuples."""
from decimal import Decimal

from expressions import DIVISION, EXACT, as_bytes, is_decimal, to_scale, wrap

END = 1 << 62


def watermarks_before(rows, delay_ms):
    """The watermark that each row meets: it follows every row, filtered or not, and is never below zero."""
    highest, before = 0, []
    for row in rows:
        before.append(highest)
        if row["ts"] is not None:
            highest = max(highest, row["ts"] - delay_ms)
    return before


# ── aggregates ──

def sum_of(values, kind):
    if not values:
        return None
    if is_decimal(kind):
        total = Decimal(0)
        for value in values:
            total = EXACT.add(total, value)
        return to_scale(total, kind[1])
    return wrap(sum(values), kind)


def average_of(values, kind):
    if not values:
        return None
    if is_decimal(kind):
        return to_scale(DIVISION.divide(sum_of(values, kind), Decimal(len(values))), max(6, kind[1]))
    total = sum(values)
    return abs(total) // len(values) * (-1 if total < 0 else 1)


def aggregate(function, values, kind):
    """values: of the rows in order, NULLs among them."""
    present = [value for value in values if value is not None]
    if function == "COUNT(*)":
        return len(values)
    if function == "COUNT":
        return len(present)
    if function == "SUM":
        return sum_of(present, kind)
    if function == "AVG":
        return average_of(present, kind)
    if function in ("MIN", "MAX"):
        return (min if function == "MIN" else max)(present, key=as_bytes) if present else None
    if function == "FIRST_VALUE":
        return present[0] if present else None
    if function == "LAST_VALUE":
        return present[-1] if present else None
    raise ValueError(function)


class Aggregate:
    """One aggregate call: function, argument (None: *), DISTINCT, FILTER condition."""

    def __init__(self, function, argument=None, is_distinct=False, condition=None):
        self.function, self.argument, self.is_distinct, self.condition = function, argument, is_distinct, condition

    @property
    def sql(self):
        name = self.function.removesuffix("(*)")
        inner = "*" if self.argument is None else ("DISTINCT " if self.is_distinct else "") + self.argument.sql
        return f"{name}({inner})" + (f" FILTER (WHERE {self.condition.sql})" if self.condition else "")

    def over(self, rows):
        if self.condition is not None:
            rows = [row for row in rows if self.condition.value(row) is True]
        if self.argument is None:
            return len(rows)
        values = [self.argument.value(row) for row in rows]
        if self.is_distinct:
            values = list(dict.fromkeys(values))
        return aggregate(self.function, values, self.argument.kind)


def kept(rows, condition):
    return [row for row in rows if condition is None or condition.value(row) is True]


def groups_of(rows, keys):
    groups = {}
    for row in rows:
        groups.setdefault(tuple(key.value(row) for key in keys), []).append(row)
    return groups


# ── windows ──

def aligned(ts, size, offset):
    return ts - (ts - offset) % size


def windows_of(window, ts):
    """The windows [start, end) that a time falls into."""
    kind, size, step, offset = window
    if kind == "TUMBLE":
        start = aligned(ts, size, offset)
        return [(start, start + size)]
    if kind == "HOP":
        last = aligned(ts, step, offset)
        return [(start, start + size) for start in range(last, ts - size, -step)]
    start = aligned(ts, size, offset)
    return [(start, end) for end in range(start + step, start + size + 1, step) if end > ts]


def window_contents(rows, delay_ms, window, condition=None, drops_late=True):
    """(start, end) → the rows in it: a row that comes when the window has fired is not among them."""
    contents = {}
    for row, watermark in zip(rows, watermarks_before(rows, delay_ms)):
        if condition is not None and condition.value(row) is not True:
            continue
        for start, end in windows_of(window, row["ts"]):
            if not drops_late or end - 1 > watermark:
                contents.setdefault((start, end), []).append(row)
    return contents


def session_contents(rows, delay_ms, gap, keys, condition=None):
    """[(key, start, end, rows)]: sessions that touch merge; a row is late when what it merges into has ended."""
    live, closed = {}, []
    for row, watermark in zip(rows, watermarks_before(rows, delay_ms)):
        if condition is not None and condition.value(row) is not True:
            continue
        key = tuple(item.value(row) for item in keys)
        sessions = live.setdefault(key, [])
        for session in [session for session in sessions if session[1] - 1 <= watermark]:
            sessions.remove(session)
            closed.append((key, *session))
        start, end = row["ts"], row["ts"] + gap
        touching = [session for session in sessions if session[0] <= end and start <= session[1]]
        merged = [min([start, *(s[0] for s in touching)]), max([end, *(s[1] for s in touching)]), []]
        if merged[1] - 1 <= watermark:
            continue
        # the order of arrival among merged sessions does not matter to the aggregates used
        merged[2] = [r for s in touching for r in s[2]] + [row]
        live[key] = [session for session in sessions if session not in touching] + [merged]
    return closed + [(key, *session) for key, sessions in live.items() for session in sessions]


# ── OVER ──

class Frame:
    """ROWS or RANGE; preceding: rows or ms, None unbounded."""

    def __init__(self, unit, preceding):
        self.unit, self.preceding = unit, preceding


def over(rows, delay_ms, partition, frame, calls, condition=None):
    """[(row, results)] of each accepted row; calls: functions of (rows of the frame)."""
    state, results = {}, []
    befores = watermarks_before(rows, delay_ms) + [END]
    for number, row in enumerate(rows):
        watermark, after = befores[number], befores[number + 1]
        if condition is None or condition.value(row) is True:
            key = tuple(item.value(row) for item in partition)
            of_key = state.setdefault(key, KeyRows())
            of_key.add(row, watermark, frame)
        if after > watermark:
            for of_key in state.values():
                results += of_key.advance(after, frame, calls)
    return results


class KeyRows:
    """Rows of one key: waiting for the watermark, and those whose turn has been."""

    def __init__(self):
        self.waiting, self.done, self.last_time, self.cleanup = [], [], 0, None

    def add(self, row, watermark, frame):
        ts = row["ts"]
        if ts <= (watermark if frame.preceding is None else self.last_time):
            return
        self.waiting.append(row)
        if frame.unit == "RANGE" and frame.preceding is not None:
            # state of a key that is quiet for so long is dropped, with the memory of what was late
            if self.cleanup is None or self.cleanup < ts + frame.preceding + 1:
                self.cleanup = ts + frame.preceding * 3 // 2 + 1

    def advance(self, watermark, frame, calls):
        results = []
        while True:
            times = sorted({row["ts"] for row in self.waiting if row["ts"] <= watermark})
            next_time = times[0] if times else None
            if self.cleanup is not None and self.cleanup <= watermark and (next_time is None or self.cleanup <= next_time):
                self.waiting, self.done, self.last_time, self.cleanup = [], [], 0, None
                continue
            if next_time is None:
                return results
            now = [row for row in self.waiting if row["ts"] == next_time]
            self.waiting = [row for row in self.waiting if row["ts"] != next_time]
            self.last_time = next_time
            results += self.turn(now, frame, calls)

    def turn(self, now, frame, calls):
        results = []
        for index, row in enumerate(now):
            visible = self.done + (now if frame.unit == "RANGE" else now[:index + 1])
            if frame.preceding is not None and frame.unit == "ROWS":
                visible = visible[-frame.preceding - 1:]
            elif frame.preceding is not None:
                visible = [other for other in visible if row["ts"] - other["ts"] <= frame.preceding]
            results.append((row, [call(visible, row) for call in calls]))
        self.done += now
        return results


# ── ranks ──

def low_null(value):
    return (value is not None, as_bytes(value) if value is not None else 0)


def sort_rows(rows, order):
    """order: [(expression, is_descending)]; equal rows stay in order of arrival."""
    for expression, is_descending in reversed(order):
        rows = sorted(rows, key=lambda row: low_null(expression.value(row)), reverse=is_descending)
    return rows


def deduplicated(rows, partition, keeps_last):
    """By row time: the first of equal times, or the last."""
    chosen = {}
    for row in rows:
        key = tuple(item.value(row) for item in partition)
        if key not in chosen or (row["ts"] >= chosen[key]["ts"] if keeps_last else row["ts"] < chosen[key]["ts"]):
            chosen[key] = row
    return list(chosen.values())


# ── joins ──

def interval_join(left, right, is_match, kind):
    """Pairs (l, r), None where a side is padded; for inputs without late rows."""
    pairs, matched_right = [], set()
    for l in left:
        found = [r for r in right if is_match(l, r)]
        pairs += [(l, r) for r in found]
        matched_right.update(id(r) for r in found)
        if not found and kind in ("LEFT", "FULL"):
            pairs.append((l, None))
    if kind in ("RIGHT", "FULL"):
        pairs += [(None, r) for r in right if id(r) not in matched_right]
    return pairs
