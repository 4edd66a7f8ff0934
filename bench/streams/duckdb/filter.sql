SELECT id, ts, account, merchant, amount FROM events WHERE status = 'declined' AND amount > 10000
