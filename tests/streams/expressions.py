"""Random expressions that know their SQL, their type and their value on a row: the values are computed here, by the rules of Flink SQL.

Types: INT, BIGINT, STRING, BOOLEAN, TIMESTAMP and (precision, scale) for DECIMAL. A row is a dict; times are ms."""
import decimal
import re
from decimal import Decimal

EXACT = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_UP)
DIVISION = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_UP)
BITS = {"INT": 32, "BIGINT": 64}
AS_DECIMAL = {"INT": (10, 0), "BIGINT": (19, 0)}


class Expression:
    """sql is safe inside of any other expression; value(row) is None for NULL."""

    def __init__(self, sql, kind, value):
        self.sql, self.kind, self.value = sql, kind, value


def is_decimal(kind):
    return isinstance(kind, tuple)


def is_numeric(kind):
    return is_decimal(kind) or kind in BITS


def kind_sql(kind):
    return f"DECIMAL({kind[0]}, {kind[1]})" if is_decimal(kind) else kind


def wrap(value, kind):
    """Integers wrap silently."""
    bits = BITS[kind]
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def to_scale(value, scale, context=EXACT):
    rounded = context.create_decimal(value).quantize(Decimal(1).scaleb(-scale), context=EXACT)
    return rounded if rounded else abs(rounded)  # there is no -0


def decimal_kind(kind):
    return kind if is_decimal(kind) else AS_DECIMAL[kind]


def bounded(precision, scale):
    """At most 38 digits: the digits before the point stay."""
    if precision <= 38:
        return precision, scale
    return 38, max(38 - (precision - scale), min(scale, 6))


def common_kind(a, b):
    if a == b or not is_numeric(a):
        return a
    if not is_decimal(a) and not is_decimal(b):
        return "BIGINT"
    (p1, s1), (p2, s2) = decimal_kind(a), decimal_kind(b)
    scale = max(s1, s2)
    return min(38, max(p1 - s1, p2 - s2) + scale), scale


def cast_number(value, kind):
    if value is None:
        return None
    return to_scale(value, kind[1]) if is_decimal(kind) else int(value)


def arithmetic(operator, a, b):
    """a operator b; b of / and % is a literal that is not zero."""
    if is_decimal(a.kind) or is_decimal(b.kind):
        (p1, s1), (p2, s2) = decimal_kind(a.kind), decimal_kind(b.kind)
        scale = max(s1, s2)
        if operator in "+-":
            kind = bounded(max(p1 - s1, p2 - s2) + scale + 1, scale)
        elif operator == "*":
            kind = bounded(p1 + p2 + 1, s1 + s2)
        elif operator == "/":
            scale = max(6, s1 + p2 + 1)
            kind = bounded(p1 - s1 + s2 + scale, scale)
        else:
            kind = min(p1 - s1, p2 - s2) + scale, scale
    else:
        kind = "BIGINT" if "BIGINT" in (a.kind, b.kind) else "INT"
    if operator == "%" and not is_decimal(kind):
        kind = b.kind

    def value(row):
        left, right = a.value(row), b.value(row)
        if left is None or right is None:
            return None
        if is_decimal(kind):
            return to_scale(decimal_result(operator, Decimal(left), Decimal(right)), kind[1])
        return wrap(integer_result(operator, left, right), kind)
    return Expression(f"({a.sql} {operator} {b.sql})", kind, value)


def decimal_result(operator, left, right):
    if operator == "/":
        return DIVISION.divide(left, right)
    if operator == "%":
        return EXACT.remainder(left, right)
    return {"+": EXACT.add, "-": EXACT.subtract, "*": EXACT.multiply}[operator](left, right)


def integer_result(operator, left, right):
    if operator == "/":
        return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    if operator == "%":
        return abs(left) % abs(right) * (-1 if left < 0 else 1)
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


COMPARISONS = {"=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
               ">=": lambda a, b: a >= b}


def as_bytes(value):
    """Texts compare by their UTF-8."""
    return value.encode() if isinstance(value, str) else value


def compare(operator, a, b):
    def value(row):
        left, right = a.value(row), b.value(row)
        return None if left is None or right is None else COMPARISONS[operator](as_bytes(left), as_bytes(right))
    return Expression(f"({a.sql} {operator} {b.sql})", "BOOLEAN", value)


def both(a, b):
    return False if a is False or b is False else None if a is None or b is None else True


def either(a, b):
    return True if a is True or b is True else None if a is None or b is None else False


def negated(a):
    return None if a is None else not a


def like_pattern(pattern):
    return re.compile("".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern), re.S)


def literal(value, kind):
    if value is None:
        return Expression(f"CAST(NULL AS {kind_sql(kind)})", kind, lambda row: None)
    if kind == "BIGINT":
        sql = f"CAST({value} AS BIGINT)"
    elif isinstance(value, str):
        sql = "'" + value.replace("'", "''") + "'"
    else:
        sql = f"({value})" if value < 0 else str(value)
    return Expression(sql, kind, lambda row: value)


class Generator:
    """Random expressions over columns (name → type)."""

    def __init__(self, random, columns):
        self.random, self.columns = random, columns

    def column(self, *kinds):
        names = [name for name, kind in self.columns.items() if kind in kinds or (is_decimal(kind) and "DECIMAL" in kinds)]
        if not names:
            return None
        name = self.random.choice(names)
        return Expression(name, self.columns[name], lambda row: row[name])

    # ── numbers ──

    def small_number(self):
        return literal(self.random.choice([0, 1, 2, 3, 5, 7, -1, 10]), "INT")

    def divisor(self):
        return literal(self.random.choice([2, 3, 7, -3, 10]), "INT")

    def integer(self, depth):
        base = self.column("INT", "BIGINT") or self.small_number()
        if depth == 0:
            return base
        choice = self.random.random()
        if choice < 0.35:
            return arithmetic(self.random.choice("+-*"), self.integer(depth - 1), self.small_number() if self.random.random() < 0.6 else base)
        if choice < 0.55:
            return arithmetic(self.random.choice("/%"), self.integer(depth - 1), self.divisor())
        if choice < 0.65:
            return self.length(depth)
        if choice < 0.75:
            return self.absolute(self.integer(depth - 1))
        return self.conditional(self.integer, depth)

    def length(self, depth):
        text = self.text(depth - 1)
        return Expression(f"CHAR_LENGTH({text.sql})", "INT", lambda row: None if text.value(row) is None else len(text.value(row)))

    def absolute(self, number):
        return Expression(f"ABS({number.sql})", number.kind, lambda row: None if number.value(row) is None else abs(number.value(row)))

    def money(self, depth):
        base = self.column("DECIMAL")
        if base is None:
            return self.integer(depth)
        if depth == 0:
            return base
        choice = self.random.random()
        if choice < 0.4:
            other = self.random.choice([literal(Decimal("1.5"), (2, 1)), literal(Decimal("0.029"), (3, 3)), self.small_number(), base])
            return arithmetic(self.random.choice("+-*"), self.money(0), other)
        if choice < 0.5:
            return arithmetic(self.random.choice("/%"), self.money(0), self.divisor())
        if choice < 0.6:
            return self.absolute(self.money(depth - 1))
        if choice < 0.7:
            return self.rounded(base)
        return self.conditional(self.money, 1)

    def rounded(self, number):
        digits = self.random.choice([0, 1])
        precision, scale = number.kind
        return Expression(f"ROUND({number.sql}, {digits})", (1 + precision - scale + digits, digits),
                          lambda row: None if number.value(row) is None else to_scale(number.value(row), digits))

    def number(self, depth):
        return self.money(depth) if self.random.random() < 0.5 else self.integer(depth)

    # ── texts ──

    def text(self, depth):
        base = self.column("STRING") or literal("x", "STRING")
        if depth == 0:
            return base
        choice = self.random.random()
        if choice < 0.2:
            return self.applied("UPPER", str.upper, depth) if self.random.random() < 0.5 else self.applied("LOWER", str.lower, depth)
        if choice < 0.45:
            return self.joined(self.text(depth - 1), self.random.choice([base, literal("-", "STRING"), literal("it's", "STRING")]))
        if choice < 0.6:
            return self.part(self.text(depth - 1))
        if choice < 0.7:
            number = self.integer(0)
            return Expression(f"CAST({number.sql} AS STRING)", "STRING",
                              lambda row: None if number.value(row) is None else str(number.value(row)))
        return self.conditional(self.text, depth)

    def applied(self, name, function, depth):
        text = self.text(depth - 1)
        return Expression(f"{name}({text.sql})", "STRING", lambda row: None if text.value(row) is None else function(text.value(row)))

    def joined(self, a, b):
        return Expression(f"({a.sql} || {b.sql})", "STRING",
                          lambda row: None if a.value(row) is None or b.value(row) is None else a.value(row) + b.value(row))

    def part(self, text):
        start, size = self.random.choice([1, 2, 3]), self.random.choice([1, 2, 5])
        return Expression(f"SUBSTRING({text.sql}, {start}, {size})", "STRING",
                          lambda row: None if text.value(row) is None else text.value(row)[start - 1:start - 1 + size])

    # ── conditions ──

    def conditional(self, make, depth):
        """CASE, COALESCE and NULLIF over what `make` gives."""
        a, b, condition = make(depth - 1), make(depth - 1), self.condition(depth - 1)
        kind = common_kind(a.kind, b.kind)

        def cast(value):
            return cast_number(value, kind) if is_numeric(kind) else value
        if self.random.random() < 0.4:
            return Expression(f"COALESCE({a.sql}, {b.sql})", kind,
                              lambda row: cast(b.value(row) if a.value(row) is None else a.value(row)))
        if self.random.random() < 0.3:
            return Expression(f"CASE WHEN {condition.sql} THEN {a.sql} END", a.kind, lambda row: a.value(row) if condition.value(row) is True else None)
        return Expression(f"CASE WHEN {condition.sql} THEN {a.sql} ELSE {b.sql} END", kind,
                          lambda row: cast(a.value(row) if condition.value(row) is True else b.value(row)))

    def condition(self, depth):
        choice = self.random.random()
        if depth > 0 and choice < 0.35:
            a, b = self.condition(depth - 1), self.condition(depth - 1)
            if self.random.random() < 0.5:
                return Expression(f"({a.sql} AND {b.sql})", "BOOLEAN", lambda row: both(a.value(row), b.value(row)))
            return Expression(f"({a.sql} OR {b.sql})", "BOOLEAN", lambda row: either(a.value(row), b.value(row)))
        if depth > 0 and choice < 0.45:
            inner = self.condition(depth - 1)
            return Expression(f"(NOT {inner.sql})", "BOOLEAN", lambda row: negated(inner.value(row)))
        return self.random.choice([self.compared, self.listed, self.between, self.null_test, self.like])(max(depth - 1, 0))

    def compared(self, depth):
        operator = self.random.choice(list(COMPARISONS))
        if self.random.random() < 0.6:
            a = self.number(depth)
            return compare(operator, a, self.number(0) if self.random.random() < 0.4 else literal(self.random.choice([0, 3, 100, -1]), "INT"))
        return compare(operator, self.text(depth), literal(self.random.choice(["A3", "k", "OK", "m", ""]), "STRING"))

    def listed(self, depth):
        item = self.integer(depth) if self.random.random() < 0.4 else self.text(0)
        if item.kind == "STRING":
            values = self.random.sample(["OK", "DECLINED", "A1", "A2", "k", "l"], 3)
        else:
            values = self.random.sample([0, 1, 2, 3, 5, 8], 3)
        is_not = self.random.random() < 0.3

        def value(row):
            found = item.value(row)
            return None if found is None else (found in values) != is_not
        texts = ", ".join(literal(v, "STRING" if isinstance(v, str) else "INT").sql for v in values)
        return Expression(f"({item.sql} {'NOT ' if is_not else ''}IN ({texts}))", "BOOLEAN", value)

    def between(self, depth):
        item, low = self.number(depth), self.random.choice([0, 1, -2])
        high = low + self.random.choice([0, 4, 500])
        return Expression(f"({item.sql} BETWEEN {low} AND {high})", "BOOLEAN",
                          lambda row: None if item.value(row) is None else low <= item.value(row) <= high)

    def null_test(self, depth):
        item = self.text(depth) if self.random.random() < 0.5 else self.number(depth)
        if self.random.random() < 0.5:
            return Expression(f"({item.sql} IS NULL)", "BOOLEAN", lambda row: item.value(row) is None)
        return Expression(f"({item.sql} IS NOT NULL)", "BOOLEAN", lambda row: item.value(row) is not None)

    def like(self, _depth):
        item, pattern = self.text(0), self.random.choice(["%K", "A_", "%E%", "_", "D%D"])
        regex = like_pattern(pattern)
        return Expression(f"({item.sql} LIKE '{pattern}')", "BOOLEAN",
                          lambda row: None if item.value(row) is None else regex.fullmatch(item.value(row)) is not None)
