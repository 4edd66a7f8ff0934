"""Query shapes: one for each kind of state that a killed job must bring back. Tables p and q are payments.py's."""


class Shape:
    """A query with the columns of its sink; updates: the sink takes a changelog, by a key when there is one."""

    def __init__(self, name, columns, query, updates=False, key=None, partitions=None):
        self.name, self.columns, self.query, self.updates, self.key, self.partitions = name, columns, query, updates, key, partitions

    def script(self, sources, sink_path):
        columns = self.columns + (f", PRIMARY KEY ({self.key}) NOT ENFORCED" if self.key else "")
        file_format = "changelog-json" if self.updates else "json"
        partitioned = f"PARTITIONED BY ({self.partitions}) " if self.partitions else ""
        return (sources + f"CREATE TABLE sink_t ({columns}) {partitioned}WITH ('connector' = 'filesystem', 'path' = '{sink_path}', 'format' = '{file_format}');\n"
                f"INSERT INTO sink_t {self.query};\n")


SHAPES = [
    Shape("filter", "id BIGINT, acct STRING, doubled DECIMAL(25, 2), kind STRING",
          "SELECT id, acct, amount * 2, CASE WHEN qty > 3 THEN 'many' ELSE status END FROM p WHERE amount > 10.00 AND merchant <> 'k'"),
    Shape("partitions", "id BIGINT, hour_at STRING, status STRING, acct STRING",
          "SELECT id, DATE_FORMAT(ts, 'HH'), status, acct FROM p", partitions="hour_at, status"),
    Shape("tumble", "merchant STRING, window_start TIMESTAMP(3), n BIGINT, total DECIMAL(38, 2), low INT",
          "SELECT merchant, window_start, COUNT(*), SUM(amount), MIN(qty) FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
          "GROUP BY merchant, window_start, window_end"),
    Shape("hop", "acct STRING, window_end TIMESTAMP(3), n BIGINT, high DECIMAL(12, 2), kinds BIGINT",
          "SELECT acct, window_end, COUNT(*), MAX(amount), COUNT(DISTINCT status) "
          "FROM TABLE(HOP(TABLE p, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '60' SECOND)) GROUP BY acct, window_start, window_end"),
    Shape("session", "acct STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT, total DECIMAL(38, 2)",
          "SELECT acct, window_start, window_end, COUNT(*), SUM(amount) "
          "FROM TABLE(SESSION(TABLE p PARTITION BY acct, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY acct, window_start, window_end"),
    Shape("group", "acct STRING, n BIGINT, total DECIMAL(38, 2), top_qty INT, statuses BIGINT",
          "SELECT acct, COUNT(*), SUM(amount), MAX(qty), COUNT(DISTINCT status) FROM p WHERE acct IS NOT NULL GROUP BY acct", updates=True, key="acct"),
    Shape("over", "id BIGINT, acct STRING, n BIGINT, total DECIMAL(38, 2)",
          "SELECT id, acct, COUNT(*) OVER w, SUM(amount) OVER w FROM p "
          "WINDOW w AS (PARTITION BY acct ORDER BY ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW)"),
    Shape("dedup", "merchant STRING, id BIGINT, ts TIMESTAMP(3), amount DECIMAL(12, 2)",
          "SELECT merchant, id, ts, amount FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY merchant ORDER BY ts DESC) AS rn FROM p) WHERE rn = 1",
          updates=True),
    Shape("top-n", "merchant STRING, rn BIGINT, id BIGINT, amount DECIMAL(12, 2)",
          "SELECT merchant, rn, id, amount FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY merchant ORDER BY amount DESC) AS rn FROM p) WHERE rn <= 5",
          updates=True),
    Shape("join", "id BIGINT, other BIGINT, amount DECIMAL(12, 2)",
          "SELECT p.id, q.id, q.amount FROM p JOIN q ON p.id = q.id AND p.acct = q.acct"),
    Shape("interval-join", "id BIGINT, other BIGINT, acct STRING",
          "SELECT p.id, q.id, p.acct FROM p JOIN q ON p.acct = q.acct AND p.qty = q.qty "
          "AND q.ts BETWEEN p.ts - INTERVAL '1' SECOND AND p.ts + INTERVAL '2' SECOND"),
    Shape("pattern", "acct STRING, first_id BIGINT, last_id BIGINT, n BIGINT, total DECIMAL(38, 2), low INT",
          "SELECT * FROM p MATCH_RECOGNIZE (PARTITION BY acct ORDER BY ts, id MEASURES FIRST(A.id) AS first_id, C.id AS last_id, COUNT(*) AS n, "
          "SUM(amount) AS total, MIN(B.qty) AS low AFTER MATCH SKIP TO NEXT ROW PATTERN (A B* C) WITHIN INTERVAL '10' SECOND "
          "DEFINE A AS A.status = 'OK', B AS B.qty > LAST(B.qty, 1) OR LAST(B.qty, 1) IS NULL, C AS C.amount > 300 AND SUM(B.qty) < 20)"),
]
