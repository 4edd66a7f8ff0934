"""Random queries of the supported grammar over payments.py's tables, each with its naive answer.

Tables: `p` has late rows; `l` and `r` have none (what an interval join keeps of them does not depend on how the two inputs are interleaved)."""
import naive
import payments
from expressions import Expression, Generator, is_decimal
from naive import Aggregate

COLUMNS = {name: "TIMESTAMP" if kind.startswith("TIMESTAMP") else (12, 2) if kind.startswith("DECIMAL") else kind for name, kind in payments.COLUMNS}
VALUES = {name: kind for name, kind in COLUMNS.items() if name != "ts"}
DELAY_MS = 4000


class Query:
    """kind names the generator; answer(tables) gives the rows that remain, as lists of output values."""

    def __init__(self, kind, sql, answer):
        self.kind, self.sql, self.answer = kind, sql, answer


def ts_text(ms):
    return None if ms is None else payments.time_text(ms)


def column(name):
    return Expression(name, COLUMNS[name], lambda row: row[name])


def interval(ms):
    return f"INTERVAL '{ms // 1000}' SECOND({len(str(ms // 1000))})" if ms >= 100_000 else f"INTERVAL '{ms // 1000}' SECOND"


class QueryGenerator:
    def __init__(self, random, uses_offsets=True):
        self.random, self.uses_offsets = random, uses_offsets
        self.expressions = Generator(random, VALUES)

    def query(self):
        makers = [self.calc, self.window, self.window, self.session, self.group, self.group, self.over, self.over, self.interval_join, self.dedup,
                  self.top, self.window_top]
        return self.random.choice(makers)()

    # ── parts ──

    def chance(self, probability):
        return self.random.random() < probability

    def filter(self, probability=0.4, depth=2):
        return self.expressions.condition(depth) if self.chance(probability) else None

    def keys(self, least=0):
        names = self.random.sample(["acct", "merchant", "status", "qty"], self.random.choice([n for n in (0, 1, 1, 2) if n >= least]))
        return [column(name) for name in names]

    def value(self):
        """A number or text that an aggregate takes."""
        name = self.random.choice(["qty", "id", "amount", "amount", "status"])
        if self.chance(0.3) and name != "status":
            made = self.expressions.number(1)
            # sums of few digits: the overflow of a sum is another test
            return made if not is_decimal(made.kind) or made.kind[0] < 30 else column("amount")
        return column(name)

    def aggregate(self, may_be_distinct=True, may_be_filtered=True):
        function = self.random.choice(["COUNT(*)", "COUNT", "SUM", "SUM", "AVG", "MIN", "MAX"])
        argument = None if function == "COUNT(*)" else self.value()
        if argument is not None and argument.kind == "STRING" and function in ("SUM", "AVG"):
            argument = column("amount")
        is_distinct = argument is not None and may_be_distinct and function in ("COUNT", "SUM") and self.chance(0.3)
        return Aggregate(function, argument, is_distinct, self.filter(0.2, 1) if may_be_filtered else None)

    def aggregates(self, **options):
        return [self.aggregate(**options) for _ in range(self.random.choice([1, 2, 3]))]

    # ── kinds ──

    def calc(self):
        outputs = [column("id")] + [self.random.choice([self.expressions.integer, self.expressions.money, self.expressions.text,
                                                        self.expressions.condition])(2) for _ in range(self.random.choice([1, 2, 4]))]
        condition = self.filter(0.7, 3)
        sql = f"SELECT {', '.join(f'{e.sql} AS c{i}' for i, e in enumerate(outputs))} FROM p" + (f" WHERE {condition.sql}" if condition else "")
        return Query("calc", sql, lambda tables: [[e.value(row) for e in outputs] for row in naive.kept(tables["p"], condition)])

    def window_choice(self):
        """(SQL of the call, the window as the naive evaluator takes it)."""
        kind = self.random.choice(["TUMBLE", "HOP", "CUMULATE"])
        step = self.random.choice([1000, 2000, 5000])
        size = self.random.choice([2000, 10_000, 13_000]) if kind == "TUMBLE" else step * self.random.choice([2, 3, 6])
        offset = self.random.choice([0, 0, 0, 500, 3000] if self.uses_offsets else [0]) % (size if kind == "TUMBLE" else step)
        steps = "" if kind == "TUMBLE" else interval(step) + ", "
        offset_sql = f", INTERVAL '{offset // 1000}.{offset % 1000:03d}' SECOND(2, 3)" if offset else ""
        return f"TABLE({kind}(TABLE p, DESCRIPTOR(ts), {steps}{interval(size)}{offset_sql}))", (kind, size, step, offset)

    def having(self, probability=0.25):
        """(SQL, function of the rows of a group)."""
        if not self.chance(probability):
            return "", lambda rows: True
        least = self.random.choice([2, 3])
        return f" HAVING COUNT(*) >= {least}", lambda rows: len(rows) >= least

    def window(self):
        table, window = self.window_choice()
        keys, calls, condition = self.keys(), self.aggregates(), self.filter()
        having_sql, having = self.having()
        columns = ["window_start", "window_end", *(k.sql for k in keys), *(f"{c.sql} AS a{i}" for i, c in enumerate(calls))]
        grouping = self.random.sample(["window_start", "window_end", *(k.sql for k in keys)], 2 + len(keys))
        sql = (f"SELECT {', '.join(columns)} FROM {table}" + (f" WHERE {condition.sql}" if condition else "") +
               f" GROUP BY {', '.join(grouping)}{having_sql}")

        def answer(tables):
            rows = []
            for (start, end), content in naive.window_contents(tables["p"], DELAY_MS, window, condition).items():
                for key, group in naive.groups_of(content, keys).items():
                    if having(group):
                        rows.append([ts_text(start), ts_text(end), *key, *(call.over(group) for call in calls)])
            return rows
        return Query("window", sql, answer)

    def session(self):
        gap = self.random.choice([500, 1000, 3000, 8000]) // 1000 * 1000 or 1000
        keys, calls, condition = self.keys(), self.aggregates(), self.filter()
        by = f" PARTITION BY ({', '.join(k.sql for k in keys)})" if keys else ""
        columns = ["window_start", "window_end", *(k.sql for k in keys), *(f"{c.sql} AS a{i}" for i, c in enumerate(calls))]
        grouping = ["window_start", "window_end", *(k.sql for k in keys)]
        sql = (f"SELECT {', '.join(columns)} FROM TABLE(SESSION(TABLE p{by}, DESCRIPTOR(ts), {interval(gap)}))" +
               (f" WHERE {condition.sql}" if condition else "") + f" GROUP BY {', '.join(grouping)}")

        def answer(tables):
            return [[ts_text(start), ts_text(end), *key, *(call.over(rows) for call in calls)]
                    for key, start, end, rows in naive.session_contents(tables["p"], DELAY_MS, gap, keys, condition)]
        return Query("session", sql, answer)

    def group(self):
        keys, calls, condition = self.keys(), self.aggregates(), self.filter()
        having_sql, having = self.having()
        sets, grouping = self.grouping(keys)
        columns = [*(k.sql for k in keys), *(f"{c.sql} AS a{i}" for i, c in enumerate(calls))]
        sql = (f"SELECT {', '.join(columns)} FROM p" + (f" WHERE {condition.sql}" if condition else "") +
               (f" GROUP BY {grouping}" if keys else "") + having_sql)

        def answer(tables):
            rows = naive.kept(tables["p"], condition)
            answers = []
            for chosen in sets:
                groups = naive.groups_of(rows, [key for key in keys if key in chosen])
                if not groups and not keys:
                    # Flink gives no row for an empty input until a row comes
                    continue
                for values, group in groups.items():
                    by_key = dict(zip([key.sql for key in keys if key in chosen], values))
                    if having(group):
                        answers.append([*(by_key.get(key.sql) for key in keys), *(call.over(group) for call in calls)])
            return answers
        return Query("group", sql, answer)

    def grouping(self, keys):
        """(grouping sets, SQL)."""
        names = ", ".join(key.sql for key in keys)
        if len(keys) < 2 or self.chance(0.6):
            return [keys], names
        kind = self.random.choice(["ROLLUP", "CUBE", "SETS"])
        if kind == "ROLLUP":
            return [keys, keys[:1], []], f"ROLLUP ({names})"
        if kind == "CUBE":
            return [keys, keys[:1], keys[1:], []], f"CUBE ({names})"
        return [keys[:1], keys[1:]], f"GROUPING SETS (({keys[0].sql}), ({keys[1].sql}))"

    def over(self):
        partition, condition = self.keys(least=1)[:1], self.filter(0.3)
        frame, frame_sql = self.frame()
        calls, texts = [], []
        for number in range(self.random.choice([1, 2, 3])):
            call, text = self.over_call(frame)
            calls.append(call)
            texts.append(f"{text} OVER w AS a{number}")
        source = "p" if condition is None else f"(SELECT * FROM p WHERE {condition.sql})"
        sql = (f"SELECT id, {', '.join(texts)} FROM {source} WINDOW w AS (PARTITION BY {partition[0].sql} ORDER BY ts{frame_sql})")

        def answer(tables):
            return [[row["id"], *values] for row, values in naive.over(tables["p"], DELAY_MS, partition, frame, calls, condition)]
        return Query("over", sql, answer)

    def frame(self):
        unit = self.random.choice(["ROWS", "RANGE"])
        if self.chance(0.4):
            return naive.Frame(unit, None), f" {unit} BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        if unit == "ROWS":
            count = self.random.choice([1, 2, 5])
            return naive.Frame(unit, count), f" ROWS BETWEEN {count} PRECEDING AND CURRENT ROW"
        span = self.random.choice([1000, 5000, 20_000])
        return naive.Frame(unit, span), f" RANGE BETWEEN {interval(span)} PRECEDING AND CURRENT ROW"

    def over_call(self, _frame):
        call = self.aggregate(may_be_filtered=False)
        return (lambda visible, row: call.over(visible)), call.sql

    def interval_join(self):
        kind = self.random.choice(["INNER", "INNER", "LEFT", "RIGHT", "FULL"])
        before, after = self.random.choice([(0, 0), (1000, 2000), (5000, 0), (0, 7000), (3000, -1000)])
        key = self.random.choice(["acct", "merchant", "qty"])
        low = f"l.ts - {interval(before)}"
        high = f"l.ts + {interval(after)}" if after >= 0 else f"l.ts - {interval(-after)}"
        residual = self.chance(0.3)
        # outer rows of an interval of negative size are another story (SEMANTICS 10.1)
        sql = (f"SELECT l.id AS lid, r.id AS rid, r.amount AS amount FROM l {kind} JOIN r ON l.{key} = r.{key} AND r.ts BETWEEN {low} AND {high}"
               + (" AND l.id <> r.id" if residual else ""))

        def is_match(l, r):
            return (l[key] is not None and l[key] == r[key] and l["ts"] - before <= r["ts"] <= l["ts"] + after and
                    (not residual or l["id"] != r["id"]))

        def answer(tables):
            return [[l and l["id"], r and r["id"], r and r["amount"]] for l, r in naive.interval_join(tables["l"], tables["r"], is_match, kind)]
        return Query("interval join", sql, answer)

    def dedup(self):
        partition, keeps_last, condition = self.keys(least=1), self.chance(0.5), self.filter(0.3)
        by = ", ".join(key.sql for key in partition)
        sql = (f"SELECT id, ts, amount FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY ts {'DESC' if keeps_last else 'ASC'}) AS rn "
               f"FROM p{f' WHERE {condition.sql}' if condition else ''}) WHERE rn = 1")

        def answer(tables):
            rows = naive.deduplicated(naive.kept(tables["p"], condition), partition, keeps_last)
            return [[row["id"], ts_text(row["ts"]), row["amount"]] for row in rows]
        return Query("dedup", sql, answer)

    def order(self):
        names = self.random.choice([["amount"], ["qty", "id"], ["qty"], ["amount", "status"]])
        return [(column(name), self.chance(0.5)) for name in names]

    def top(self):
        partition, order, condition = self.keys(), self.order(), self.filter(0.3)
        first, last = self.random.choice([(1, 1), (1, 3), (1, 5), (2, 4)])
        with_number = self.chance(0.5)
        by = f"PARTITION BY {', '.join(key.sql for key in partition)} " if partition else ""
        order_sql = ", ".join(f"{e.sql} {'DESC' if d else 'ASC'}" for e, d in order)
        bound = f"rn <= {last}" if first == 1 else f"rn BETWEEN {first} AND {last}"
        sql = (f"SELECT id, amount{', rn' if with_number else ''} FROM (SELECT *, ROW_NUMBER() OVER ({by}ORDER BY {order_sql}) AS rn "
               f"FROM p{f' WHERE {condition.sql}' if condition else ''}) WHERE {bound}")

        def answer(tables):
            rows = []
            for group in naive.groups_of(naive.kept(tables["p"], condition), partition).values():
                for number, row in list(enumerate(naive.sort_rows(group, order), 1))[first - 1:last]:
                    rows.append([row["id"], row["amount"], *([number] if with_number else [])])
            return rows
        return Query("top", sql, answer)

    def window_top(self):
        table, window = self.window_choice()
        partition, order, last = self.keys()[:1], self.order(), self.random.choice([1, 2, 3])
        by = ", ".join(["window_start", "window_end", *(key.sql for key in partition)])
        order_sql = ", ".join(f"{e.sql} {'DESC' if d else 'ASC'}" for e, d in order)
        sql = (f"SELECT window_start, id, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY {order_sql}) AS rn FROM {table}) "
               f"WHERE rn <= {last}")

        def answer(tables):
            rows = []
            for (start, _), content in naive.window_contents(tables["p"], DELAY_MS, window).items():
                for group in naive.groups_of(content, partition).values():
                    for number, row in enumerate(naive.sort_rows(group, order)[:last], 1):
                        rows.append([ts_text(start), row["id"], number])
            return rows
        return Query("window top", sql, answer)
