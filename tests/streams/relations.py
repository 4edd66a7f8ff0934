"""Random nested queries in what Flink SQL and SQLite have in common: filters, joins, grouping, DISTINCT, set operations, IN and EXISTS; nothing of time.
Grouping over grouping, and joins of grouped inputs, make every operator take updates and deletes."""
from expressions import Generator

TABLE = {"id": "BIGINT", "acct": "STRING", "merchant": "STRING", "status": "STRING", "qty": "INT"}


class Relation:
    """A SELECT statement and its columns (name → type)."""

    def __init__(self, sql, columns):
        self.sql, self.columns = sql, columns


def where(condition):
    return f" WHERE {condition.sql}" if condition else ""


class RelationGenerator:
    def __init__(self, random):
        self.random = random
        self.names = 0

    def relation(self, depth=3):
        if depth == 0:
            return self.table()
        return self.random.choice([self.selected, self.grouped, self.grouped, self.distinct, self.joined, self.joined, self.set_operation,
                                   self.semi_join])(depth)

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def condition(self, columns, probability=0.4, depth=1):
        return Generator(self.random, columns).condition(depth) if self.random.random() < probability else None

    def source(self, depth):
        """(FROM item, columns with its alias)."""
        if self.random.random() < 0.4:
            depth = 0
        inner = self.relation(depth)
        alias = self.name("t")
        return f"({inner.sql}) AS {alias}", {f"{alias}.{name}": kind for name, kind in inner.columns.items()}

    def some(self, columns, least=1, most=4):
        names = list(columns)
        return self.random.sample(names, min(len(names), self.random.randint(least, most)))

    def outputs(self, columns, names):
        """(SQL of a SELECT list, columns): plain ones keep their type, others are computed."""
        expressions = Generator(self.random, columns)
        items, out = [], {}
        for name in names:
            new = self.name("c")
            if self.random.random() < 0.3:
                made = (expressions.text if columns[name] == "STRING" else expressions.integer)(1)
                items.append(f"{made.sql} AS {new}")
                out[new] = made.kind
            else:
                items.append(f"{name} AS {new}")
                out[new] = columns[name]
        return ", ".join(items), out

    # ── kinds ──

    def table(self):
        return Relation(f"SELECT {', '.join(TABLE)} FROM {self.random.choice('plr')}" + where(self.condition(TABLE, 0.3)), dict(TABLE))

    def selected(self, depth):
        source, columns = self.source(depth - 1)
        items, out = self.outputs(columns, self.some(columns))
        return Relation(f"SELECT {items} FROM {source}{where(self.condition(columns, 0.6, 2))}", out)

    def distinct(self, depth):
        source, columns = self.source(depth - 1)
        items, out = self.outputs(columns, self.some(columns, 1, 2))
        return Relation(f"SELECT DISTINCT {items} FROM {source}{where(self.condition(columns))}", out)

    def aggregate(self, columns):
        """(SQL, type)."""
        numbers = [name for name, kind in columns.items() if kind in ("INT", "BIGINT")]
        name = self.random.choice(list(columns))
        choice = self.random.random()
        if choice < 0.25:
            made = "COUNT(*)", "BIGINT"
        elif choice < 0.4:
            made = f"COUNT({'DISTINCT ' if self.random.random() < 0.5 else ''}{name})", "BIGINT"
        elif choice < 0.7 or not numbers:
            made = f"{self.random.choice(['MIN', 'MAX'])}({name})", columns[name]
        else:
            number = self.random.choice(numbers)
            made = f"SUM({'DISTINCT ' if self.random.random() < 0.2 else ''}{number})", columns[number]
        condition = self.condition(columns, 0.15)
        return (f"{made[0]} FILTER (WHERE {condition.sql})" if condition else made[0]), made[1]

    def grouped(self, depth):
        source, columns = self.source(depth - 1)
        keys = self.some(columns, 1, 2)
        items, out = [], {}
        for key in keys:
            out[self.name("c")] = columns[key]
            items.append(f"{key} AS {list(out)[-1]}")
        for _ in range(self.random.choice([1, 2, 3])):
            sql, kind = self.aggregate(columns)
            out[self.name("c")] = kind
            items.append(f"{sql} AS {list(out)[-1]}")
        having = self.random.choice(["", "", f" HAVING COUNT(*) > {self.random.choice([1, 2, 4])}", f" HAVING MAX({keys[0]}) IS NOT NULL"])
        return Relation(f"SELECT {', '.join(items)} FROM {source}{where(self.condition(columns))} GROUP BY {', '.join(keys)}{having}", out)

    def equal_pair(self, left, right):
        pairs = [(a, b) for a, kind in left.items() for b, other in right.items() if (kind == "STRING") == (other == "STRING")]
        return self.random.choice(pairs) if pairs else None

    def joined(self, depth):
        left_source, left = self.source(depth - 1)
        right_source, right = self.source(depth - 2 if depth > 1 else 0)
        pair = self.equal_pair(left, right)
        if pair is None:
            return self.table()
        kind = self.random.choice(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        columns = {**left, **right}
        more = self.condition(columns, 0.3)
        items, out = self.outputs(columns, self.some(columns, 1, 5))
        on = f"{pair[0]} = {pair[1]}" + (f" AND {more.sql}" if more else "")
        # the work stays small: joins of joins over few keys grow fast
        return Relation(f"SELECT {items} FROM {left_source} {kind} {right_source} ON {on}", out)

    def set_operation(self, depth):
        left_source, left = self.source(depth - 1)
        right_source, right = self.source(depth - 1)
        items, others, out = [], [], {}
        for _ in range(self.random.choice([1, 2])):
            pair = self.equal_pair({n: k for n, k in left.items()}, {n: k for n, k in right.items() if k in left.values()})
            if pair is None or left[pair[0]] != right[pair[1]]:
                continue
            out[self.name("c")] = left[pair[0]]
            items.append(f"{pair[0]} AS {list(out)[-1]}")
            others.append(f"{pair[1]} AS {list(out)[-1]}")
        if not out:
            return self.selected(depth)
        operator = self.random.choice(["UNION ALL", "UNION", "INTERSECT", "EXCEPT"])
        return Relation(f"SELECT {', '.join(items)} FROM {left_source} {operator} SELECT {', '.join(others)} FROM {right_source}", out)

    def semi_join(self, depth):
        left_source, left = self.source(depth - 1)
        right_source, right = self.source(depth - 2 if depth > 1 else 0)
        pair = self.equal_pair(left, right)
        if pair is None:
            return self.table()
        items, out = self.outputs(left, self.some(left))
        condition = self.condition(right)
        test = self.random.choice(["IN", "IN", "EXISTS", "NOT EXISTS", "NOT IN"])
        if test.endswith("IN"):
            # NOT IN over NULLs is never true, and SQL engines differ in what they accept of it
            only = f"{pair[1]} IS NOT NULL" if test == "NOT IN" else None
            conditions = " AND ".join(text for text in (only, condition and condition.sql) if text)
            inner = f"SELECT {pair[1]} FROM {right_source}" + (f" WHERE {conditions}" if conditions else "")
            return Relation(f"SELECT {items} FROM {left_source} WHERE {pair[0]} {test} ({inner})", out)
        inner = f"SELECT 1 FROM {right_source} WHERE {pair[1]} = {pair[0]}" + (f" AND {condition.sql}" if condition else "")
        return Relation(f"SELECT {items} FROM {left_source} WHERE {test} ({inner})", out)
