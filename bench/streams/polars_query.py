#!/usr/bin/env python3
"""A payment query of bench/streams/payments/ in Polars; prints the CPU seconds of the query as one JSON line.

usage: polars_query.py QUERY json|csv FILE     (POLARS_MAX_THREADS=1 for one thread)
Session windows are said as DuckDB's are: by the distance to the row before. The columns that a query does not use are not read where
Polars sees that by itself.
"""
import json
import resource
import sys

import polars as pl

COLUMNS = {"id": pl.Int64, "ts": pl.String, "type": pl.String, "payment": pl.String, "account": pl.String, "card": pl.String,
           "merchant": pl.String, "amount": pl.Int64, "currency": pl.String, "country": pl.String, "channel": pl.String, "status": pl.String,
           "device": pl.String}


def read(form, path):
    rows = pl.scan_ndjson(path, schema=COLUMNS) if form == "json" else pl.scan_csv(path, has_header=False, schema=COLUMNS)
    return rows.with_columns(pl.col("ts").str.to_datetime("%Y-%m-%d %H:%M:%S%.3f", time_unit="ms"))


def tumble(rows, *aggregates):
    return rows.group_by(pl.col("ts").dt.truncate("10s"), "merchant").agg(*aggregates)


def hop(rows):
    return rows.sort("ts").group_by_dynamic("ts", every="5s", period="60s", group_by="account").agg(pl.len(), pl.col("amount").sum())


def session(rows):
    gap = (pl.col("ts").diff().over("account") >= pl.duration(seconds=5)).fill_null(True)
    numbered = rows.sort("account", "ts").with_columns(gap.cast(pl.Int64).cum_sum().over("account").alias("number"))
    return numbered.group_by("account", "number").agg(pl.col("ts").min().alias("begin"), pl.col("ts").max().alias("end"), pl.len(),
                                                      pl.col("amount").sum())


def over(rows):
    return rows.sort("account", "ts").rolling("ts", period="1m", closed="both", group_by="account").agg(
        pl.col("id").last(), pl.len(), pl.col("amount").sum())


def interval_join(rows):
    asked = rows.filter(pl.col("type") == "request").select("payment", "ts", "amount")
    captured = rows.filter(pl.col("type") == "captured").select("payment", pl.col("ts").alias("captured"))
    pairs = asked.join(captured, on="payment")
    return pairs.filter(pl.col("captured").is_between(pl.col("ts"), pl.col("ts") + pl.duration(seconds=10)))


QUERIES = {
    "filter": lambda rows: rows.filter((pl.col("status") == "declined") & (pl.col("amount") > 10000)).select(
        "id", "ts", "account", "merchant", "amount"),
    "tumble": lambda rows: tumble(rows, pl.len(), pl.col("amount").sum()),
    "hop": hop,
    "session": session,
    "over": over,
    "interval_join": interval_join,
    "window_top3": lambda rows: tumble(rows, pl.col("amount").sum()).sort("amount", descending=True).group_by("ts").head(3),
    "count_distinct": lambda rows: tumble(rows, pl.col("card").n_unique()),
    "first_per_key": lambda rows: rows.sort("ts").group_by("account", maintain_order=True).first(),
}


def main():
    query, form, path = sys.argv[1:]
    before = resource.getrusage(resource.RUSAGE_SELF)
    QUERIES[query](read(form, path)).collect()
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}))


if __name__ == "__main__":
    main()
