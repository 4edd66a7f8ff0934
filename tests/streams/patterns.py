"""Random MATCH_RECOGNIZE queries over payments.py's tables, each with its naive answer.

The matcher here is the text of SEMANTICS §14 for patterns without gaps, spelled out: a run is the list of what it has taken, nothing is shared or kept up
to date, and every condition looks at the list anew."""
import naive
from expressions import Expression, Generator
from queries import DELAY_MS, VALUES, Query, column, interval, ts_text

FINAL = None


class Variable:
    def __init__(self, name, least, most, is_greedy, condition_sql=None, condition=None):
        self.name, self.least, self.most, self.is_greedy = name, least, most, is_greedy  # most None: unbounded
        self.condition_sql, self.condition = condition_sql, condition

    @property
    def sql(self):
        if (self.least, self.most) == (1, 1):
            return self.name
        shorts = {(0, None): "*", (1, None): "+", (0, 1): "?"}
        quantifier = shorts.get((self.least, self.most)) or (f"{{{self.least}}}" if self.least == self.most else
                                                             f"{{{self.least},{'' if self.most is None else self.most}}}")
        can_be_greedy = self.most != self.least and (self.least, self.most) != (0, 1)
        return self.name + quantifier + ("" if self.is_greedy or not can_be_greedy else "?")

    def holds(self, taken, row):
        return self.condition is None or self.condition(taken, row) is True


class Choice:
    """One of the alternatives, each a list of variables (extended dialect)."""
    is_greedy = False

    def __init__(self, alternatives):
        self.alternatives = alternatives

    @property
    def sql(self):
        return "(" + " | ".join(" ".join(variable.sql for variable in variables) for variables in self.alternatives) + ")"


class Edge:
    def __init__(self, takes, target, guards):
        self.takes, self.target, self.guards = takes, target, guards  # guards: (variable, wanted)


class State:
    def __init__(self, variable):
        self.variable, self.edges = variable, []


def automaton(variables, sink=FINAL):
    """Entry state; back to front, as §14.1 and §14.2 say."""
    for variable in reversed(variables):
        if isinstance(variable, Choice):
            head = State(None)
            # what was pushed last is looked at first: the first alternative
            head.edges = [Edge(False, automaton(variables, sink), []) for variables in reversed(variable.alternatives)]
            sink = head
            continue
        loops, least = variable.most is None, max(variable.least, 1)
        is_optional, behind = variable.least == 0, sink
        if variable.is_greedy and sink is not FINAL:
            for edge in sink.edges:
                edge.guards = [*edge.guards, (variable, False)]
        if loops:
            loop = State(variable)
            loop.edges = [Edge(False, sink, []), Edge(True, loop, [(variable, True)])]
            behind, copies, beyond = loop, least, 0
        else:
            copies, beyond = variable.most, variable.most - least
        for number in range(copies):
            # the copies are made from the last one on; the first of the pattern's rows is the last made
            state = State(variable)
            state.edges = [Edge(True, behind, [(variable, True)])]
            is_first = number == copies - 1
            if (is_first and is_optional) or (not is_first and number < beyond):
                state.edges.append(Edge(False, sink, []))
            behind = state
        sink = behind
    return sink


class Run:
    def __init__(self, state, taken):
        self.state, self.taken = state, taken  # taken: ((variable name, row), …)

    @property
    def start(self):
        return self.taken[0][1]["$order"]


def guarded(edge, taken, row):
    return all(variable.holds(taken, row) is wanted for variable, wanted in edge.guards)


def takes_of(state, taken, row):
    """The TAKE edges that hold, in the order in which they are found: (variable, target)."""
    stack, found = [state], []
    while stack:
        state = stack.pop()
        if state is FINAL:
            continue
        for edge in state.edges:
            if guarded(edge, taken, row):
                if edge.takes:
                    found.append((state.variable, edge.target))
                else:
                    stack.append(edge.target)
    return found


def can_end(state, taken, row):
    stack = [state]
    while stack:
        state = stack.pop()
        if state is FINAL:
            return True
        stack += [edge.target for edge in state.edges if not edge.takes and guarded(edge, taken, row)]
    return False


class Matcher:
    """One partition."""

    def __init__(self, start, within_ms, skip):
        self.start, self.within_ms, self.skip = start, within_ms, skip
        self.runs, self.queue, self.matches = [], [], []
        self.has_waited = False  # a match went out behind its last row, because an earlier partial one was in the way

    def advance(self, ts):
        if self.within_ms is not None:
            self.runs = [run for run in self.runs if ts - run.taken[0][1]["ts"] < self.within_ms]
            self.emit(None)

    def feed(self, row):
        self.advance(row["ts"])
        kept = []
        for run in [*sorted(self.runs, key=lambda run: run.start), Run(self.start, ())]:
            for variable, target in takes_of(run.state, run.taken, row):
                taken = (*run.taken, (variable.name, row))
                if target is not FINAL:
                    kept.append(Run(target, taken))
                if can_end(target, run.taken, row):
                    self.queue.append(Run(FINAL, taken))
        self.runs = kept
        self.emit(row)

    def emit(self, row):
        self.queue.sort(key=lambda run: run.start)
        while self.queue and all(self.queue[0].start <= run.start for run in self.runs):
            match = self.queue.pop(0)
            self.matches.append(match.taken)
            self.has_waited = self.has_waited or match.taken[-1][1] is not row
            kind, name = self.skip
            if kind == "TO NEXT ROW":
                first = match.start + 1
            elif kind == "PAST LAST ROW":
                first = match.taken[-1][1]["$order"] + 1
            else:
                orders = [row["$order"] for taken, row in match.taken if taken == name]
                first = orders[0] if kind == "TO FIRST" else orders[-1]
            self.runs = [run for run in self.runs if run.start >= first]
            self.queue = [run for run in self.queue if run.start >= first]


def matches_of(rows, keys, order, variables, within_ms, skip):
    """(key values, ((variable, row), …)) of every match."""
    return [(key, taken) for key, matcher in matchers_of(rows, keys, order, variables, within_ms, skip) for taken in matcher.matches]


def matchers_of(rows, keys, order, variables, within_ms, skip):
    on_time = [row for row, watermark in zip(rows, naive.watermarks_before(rows, DELAY_MS)) if row["ts"] > watermark]
    found = []
    for key, group in naive.groups_of(on_time, keys).items():
        matcher = Matcher(automaton(variables), within_ms, skip)
        by_order = naive.sort_rows(group, order) if order else group
        for number, row in enumerate(sorted(by_order, key=lambda row: row["ts"])):
            matcher.feed({**row, "$order": number})
        matcher.advance(1 << 62)
        found.append((key, matcher))
    return found


# ── expressions ──

def rows_of(taken, name):
    return [row for variable, row in taken if name is None or variable == name]


def nth(rows, offset, from_end):
    index = len(rows) - 1 - offset if from_end else offset
    return rows[index] if 0 <= index < len(rows) else None


class Lookup:
    """FIRST, LAST or an aggregate of a variable (None: of all)."""

    def __init__(self, function, variable, value, offset=0):
        self.function, self.variable, self.value, self.offset = function, variable, value, offset

    @property
    def sql(self):
        if self.value is None:
            return "COUNT(*)"
        argument = (f"{self.variable}." if self.variable else "") + self.value.sql
        offset = f", {self.offset}" if self.offset else ""
        return f"{self.function}({argument}{offset})"

    def over(self, rows):
        if self.value is None:
            return len(rows)
        if self.function in ("FIRST", "LAST"):
            row = nth(rows, self.offset, self.function == "LAST")
            return None if row is None else self.value.value(row)
        return naive.aggregate(self.function, [self.value.value(row) for row in rows], self.value.kind)

    def of_match(self, taken):
        return self.over(rows_of(taken, self.variable))

    def in_define(self, own, taken, row):
        rows = rows_of(taken, self.variable)
        return self.over([*rows, row] if self.variable in (None, own) else rows)


def compared(operator, left, right):
    if left is None or right is None:
        return None
    return {"<": left < right, ">": left > right, "<=": left <= right, "=": left == right, "<>": left != right}[operator]


class PatternGenerator:
    def __init__(self, random):
        self.random = random
        self.expressions = Generator(random, VALUES)

    def chance(self, probability):
        return self.random.random() < probability

    def quantifier(self, is_last, behind_greedy, may_be_missing):
        choices = [(1, 1), (1, 1), (1, None), (2, None), (2, 2), (1, 3), (2, 3), (0, 2)]
        if may_be_missing and not behind_greedy:
            choices += [(0, 1), (0, None)]
        if not may_be_missing:
            choices.remove((0, 2))
        least, most = self.random.choice(choices)
        can_be_greedy = least != most and (least, most) != (0, 1)
        return least, most, can_be_greedy and not is_last and self.chance(0.6)

    def variables(self):
        names = "ABCD"[:self.random.choice([1, 2, 2, 3, 3, 4])]
        mandatory = self.random.randrange(len(names))
        made = []
        for place, name in enumerate(names):
            behind_greedy = bool(made) and made[-1].is_greedy
            least, most, is_greedy = self.quantifier(place == len(names) - 1, behind_greedy, place != mandatory)
            made.append(Variable(name, least, most, is_greedy))
        for variable in made:
            if self.chance(0.9):
                self.define(variable, names)
        if all(variable.condition is None for variable in made):
            self.define(made[0], names)
        return made

    def define(self, variable, names):
        parts = []
        if self.chance(0.75):
            plain = self.expressions.condition(1) if self.chance(0.15) else self.frequent()
            parts.append((plain.sql, lambda taken, row: plain.value(row)))
        if not parts or self.chance(0.4):
            parts.append(self.look_back(variable.name, names))
        variable.condition_sql = " AND ".join(f"({sql})" for sql, _ in parts)

        def condition(taken, row):
            values = [value(taken, row) for _, value in parts]
            return False if False in values else None if None in values else True
        variable.condition = condition

    def frequent(self):
        """A condition that about half of the rows meet, so that patterns do match."""
        name, least = self.random.choice([("qty", 1), ("qty", 3), ("qty", 5), ("amount", 20)])
        if self.chance(0.4):
            status = self.random.choice(["OK", "OK", "OK", "DECLINED"])
            return Expression(f"status = '{status}'", "BOOLEAN", lambda row: None if row["status"] is None else row["status"] == status)
        operator = self.random.choice(["<=", ">"])
        return Expression(f"{name} {operator} {least}", "BOOLEAN", lambda row: compared(operator, row[name], least))

    def look_back(self, own, names):
        name, operator = self.random.choice(["qty", "id", "qty", "amount"]), self.random.choice(["<", ">", "<=", "=", "<>"])
        other = self.random.choice([own, *names])
        kind = self.random.choice(["LAST", "FIRST", "aggregate", "column", "null"])
        if kind == "aggregate":
            function = self.random.choice(["COUNT", "SUM", "MIN", "MAX", "COUNT(*)", "AVG"])
            lookup = Lookup("COUNT", None, None) if function == "COUNT(*)" else Lookup(function, self.random.choice([other, None]), column("qty"))
            bound = self.random.choice([2, 3, 5, 12])
            return f"{lookup.sql} {operator} {bound}", lambda taken, row: compared(operator, lookup.in_define(own, taken, row), bound)
        if kind == "column":
            lookup = Lookup("LAST", other, column(name))
            sql = f"{other}.{name}"
        else:
            lookup = Lookup("LAST" if kind == "null" else kind, self.random.choice([other, other, None]), column(name), self.random.choice([0, 1, 1, 2]))
            sql = lookup.sql
        if kind == "null":
            return f"{sql} IS NULL OR {name} {operator} {sql}", (
                lambda taken, row: lookup.in_define(own, taken, row) is None or compared(operator, row[name], lookup.in_define(own, taken, row)))
        return f"{name} {operator} {sql}", lambda taken, row: compared(operator, row[name], lookup.in_define(own, taken, row))

    def measures(self, names):
        made = [Lookup("FIRST", None, column("id")), Lookup("LAST", None, column("id")), Lookup("COUNT", None, None)]
        for _ in range(self.random.choice([1, 2, 4])):
            function = self.random.choice(["FIRST", "LAST", "LAST", "COUNT", "SUM", "AVG", "MIN", "MAX"])
            name = self.random.choice(["id", "qty", "amount"]) if function != "AVG" else self.random.choice(["qty", "amount"])
            offset = self.random.choice([0, 0, 1, 3]) if function in ("FIRST", "LAST") else 0
            made.append(Lookup(function, self.random.choice([*names, None]), column(name), offset))
        return made

    def skip(self, variables):
        targets = [variable for variable in variables[1:] if variable.least > 0]
        choices = [("TO NEXT ROW", None), ("PAST LAST ROW", None), ("PAST LAST ROW", None)]
        # behind a first variable that may be missing a target can be the match's first row, which fails the job
        if targets and variables[0].least > 0:
            choices += [("TO FIRST", self.random.choice(targets).name), ("TO LAST", self.random.choice(targets).name)]
        return self.random.choice(choices)

    def plain_variable(self, name, choices=((1, 1), (1, 1), (2, 2), (1, None))):
        least, most = self.random.choice(choices)
        return Variable(name, least, most, False)

    def extended_query(self):
        """With an alternation."""
        names = iter("ABCDEFG")
        before = [self.plain_variable(next(names))] if self.chance(0.7) else []
        if before and before[0].most is None and self.chance(0.5):
            before[0].is_greedy = True
        choice = Choice([[self.plain_variable(next(names)) for _ in range(self.random.choice([1, 1, 2]))] for _ in range(self.random.choice([2, 2, 3]))])
        behind = [self.plain_variable("H")] if self.chance(0.6) else []
        variables = [*before, *(variable for part in choice.alternatives for variable in part), *behind]
        for variable in variables:
            self.define(variable, [variable.name for variable in variables])
        within_ms, measures = self.random.choice([1000, 3000, 10_000]), self.measures([variable.name for variable in variables])
        skip = self.random.choice([("TO NEXT ROW", None), ("PAST LAST ROW", None)])
        return self.made([column("acct")], [], [*before, choice, *behind], variables, within_ms, measures, skip)

    def query(self, key_names=None):
        """With key_names: by these keys and time alone."""
        names = self.random.choice([[], ["acct"], ["acct"], ["merchant"], ["acct", "status"]])
        order = [(column(name), self.chance(0.5)) for name in self.random.choice([[], [], ["qty"], ["amount", "id"]])]
        keys, order = [column(name) for name in (names if key_names is None else key_names)], order if key_names is None else []
        variables, within_ms = self.variables(), self.random.choice([None, 1000, 3000, 10_000])
        measures, skip = self.measures([variable.name for variable in variables]), self.skip(variables)
        return self.made(keys, order, variables, variables, within_ms, measures, skip)

    @staticmethod
    def made(keys, order, elements, variables, within_ms, measures, skip):
        clauses = [f"PARTITION BY {', '.join(key.sql for key in keys)}"] if keys else []
        clauses += [
            f"ORDER BY {', '.join(['ts', *(e.sql + (' DESC' if d else ' ASC') for e, d in order)])}",
            f"MEASURES {', '.join(f'{measure.sql} AS m{i}' for i, measure in enumerate(measures))}, MATCH_ROWTIME() AS mt",
            f"ONE ROW PER MATCH AFTER MATCH SKIP {skip[0]}{f' {skip[1]}' if skip[1] else ''}",
            f"PATTERN ({' '.join(element.sql for element in elements)})" + (f" WITHIN {interval(within_ms)}" if within_ms else ""),
            f"DEFINE {', '.join(f'{variable.name} AS {variable.condition_sql}' for variable in variables if variable.condition)}",
        ]

        def answer(tables):
            found = matches_of(tables["p"], keys, order, elements, within_ms, skip)
            return [[*key, *(measure.of_match(taken) for measure in measures), ts_text(taken[-1][1]["ts"])] for key, taken in found]
        query = Query("match", f"SELECT * FROM p MATCH_RECOGNIZE ({' '.join(clauses)})", answer)
        query.waits = lambda tables: any(matcher.has_waited for _, matcher in matchers_of(tables["p"], keys, order, elements, within_ms, skip))
        return query
