SELECT account, arg_min(id, ts), MIN(ts), arg_min(amount, ts) FROM events GROUP BY account
