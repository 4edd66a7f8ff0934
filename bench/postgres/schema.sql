-- The yardstick's books: what the service keeps for a wallet payment, as tables, and one function call per payment. Written as a good PostgreSQL
-- user would: narrow rows, only the indexes that the API needs, no triggers, one round trip.
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL, currency char(3) NOT NULL,
    debits_pending bigint NOT NULL DEFAULT 0, debits_posted bigint NOT NULL DEFAULT 0,
    credits_pending bigint NOT NULL DEFAULT 0, credits_posted bigint NOT NULL DEFAULT 0,
    no_overdraft boolean NOT NULL DEFAULT false,
    UNIQUE (name, currency),
    CHECK (NOT no_overdraft OR debits_pending + debits_posted <= credits_posted)
) WITH (fillfactor = 50);
CREATE TABLE payments (
    id text PRIMARY KEY, status text NOT NULL, amount bigint NOT NULL, currency char(3) NOT NULL, merchant text NOT NULL, payer text NOT NULL,
    reference text, authorised bigint NOT NULL DEFAULT 0, captured bigint NOT NULL DEFAULT 0, refunded bigint NOT NULL DEFAULT 0,
    created timestamptz NOT NULL DEFAULT now(), version int NOT NULL DEFAULT 1, instrument jsonb,
    UNIQUE (merchant, reference)
);
CREATE TABLE transfers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payment text NOT NULL, debit bigint NOT NULL, credit bigint NOT NULL, amount bigint NOT NULL,
    kind text NOT NULL, created timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE events (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text NOT NULL, payment text NOT NULL, data jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE idempotency (key text PRIMARY KEY, fingerprint bigint NOT NULL, payment text NOT NULL, created timestamptz NOT NULL DEFAULT now());

-- Decides, books and answers one payment: authorise and capture from a wallet.
CREATE FUNCTION payment_create(p_key text, p_fingerprint bigint, p_id text, p_amount bigint, p_currency text, p_merchant text, p_payer text,
                               p_reference text, p_instrument jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_debit bigint; v_credit bigint; v_seen record;
BEGIN
    INSERT INTO idempotency (key, fingerprint, payment) VALUES (p_key, p_fingerprint, p_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO v_seen FROM idempotency WHERE key = p_key;
        IF v_seen.fingerprint <> p_fingerprint THEN RETURN 'mismatch'; END IF;
        RETURN v_seen.payment;
    END IF;
    UPDATE accounts SET debits_posted = debits_posted + p_amount
        WHERE name = 'payer:' || p_payer AND currency = p_currency AND debits_pending + debits_posted + p_amount <= credits_posted
        RETURNING id INTO v_debit;
    IF v_debit IS NULL THEN
        INSERT INTO payments (id, status, amount, currency, merchant, payer, reference, instrument)
            VALUES (p_id, 'declined', p_amount, p_currency, p_merchant, p_payer, p_reference, p_instrument);
        INSERT INTO events (type, payment, data) VALUES ('payment.declined', p_id, jsonb_build_object('amount', p_amount));
        RETURN 'declined';
    END IF;
    UPDATE accounts SET credits_posted = credits_posted + p_amount
        WHERE name = 'merchant:' || p_merchant || ':pending' AND currency = p_currency RETURNING id INTO v_credit;
    IF v_credit IS NULL THEN
        INSERT INTO accounts (name, currency, credits_posted) VALUES ('merchant:' || p_merchant || ':pending', p_currency, p_amount)
            ON CONFLICT (name, currency) DO UPDATE SET credits_posted = accounts.credits_posted + p_amount RETURNING id INTO v_credit;
    END IF;
    INSERT INTO payments (id, status, amount, currency, merchant, payer, reference, authorised, captured, version, instrument)
        VALUES (p_id, 'captured', p_amount, p_currency, p_merchant, p_payer, p_reference, p_amount, p_amount, 3, p_instrument);
    INSERT INTO transfers (payment, debit, credit, amount, kind) VALUES (p_id, v_debit, v_credit, p_amount, 'posted');
    INSERT INTO events (type, payment, data) VALUES
        ('payment.created', p_id, jsonb_build_object('amount', p_amount)),
        ('payment.authorised', p_id, jsonb_build_object('amount', p_amount)),
        ('payment.captured', p_id, jsonb_build_object('amount', p_amount));
    RETURN 'captured';
END $$;

-- The same for many payments at once, set-based: one statement per table.
CREATE FUNCTION payments_create(p_keys text[], p_ids text[], p_amounts bigint[], p_merchants text[], p_payers text[], p_references text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_count bigint;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS batch (key text, id text, amount bigint, merchant text, payer text, reference text) ON COMMIT DELETE ROWS;
    INSERT INTO batch SELECT * FROM unnest(p_keys, p_ids, p_amounts, p_merchants, p_payers, p_references);
    WITH fresh AS (INSERT INTO idempotency (key, fingerprint, payment) SELECT key, 1, id FROM batch ON CONFLICT DO NOTHING RETURNING key)
        DELETE FROM batch WHERE NOT EXISTS (SELECT 1 FROM fresh WHERE fresh.key = batch.key);
    -- One order of locks for both connections.
    PERFORM 1 FROM accounts WHERE currency = 'EUR' AND name IN (SELECT 'payer:' || payer FROM batch UNION SELECT 'merchant:' || merchant || ':pending' FROM batch)
        ORDER BY id FOR UPDATE;
    INSERT INTO accounts (name, currency) SELECT DISTINCT 'merchant:' || merchant || ':pending', 'EUR' FROM batch ON CONFLICT DO NOTHING;
    UPDATE accounts a SET debits_posted = debits_posted + s.amount
        FROM (SELECT 'payer:' || payer AS name, sum(amount) AS amount FROM batch GROUP BY payer) s WHERE a.name = s.name AND a.currency = 'EUR';
    UPDATE accounts a SET credits_posted = credits_posted + s.amount
        FROM (SELECT 'merchant:' || merchant || ':pending' AS name, sum(amount) AS amount FROM batch GROUP BY merchant) s
        WHERE a.name = s.name AND a.currency = 'EUR';
    INSERT INTO payments (id, status, amount, currency, merchant, payer, reference, authorised, captured, version)
        SELECT id, 'captured', amount, 'EUR', merchant, payer, reference, amount, amount, 3 FROM batch;
    INSERT INTO transfers (payment, debit, credit, amount, kind)
        SELECT b.id, d.id, c.id, b.amount, 'posted' FROM batch b
        JOIN accounts d ON d.name = 'payer:' || b.payer AND d.currency = 'EUR'
        JOIN accounts c ON c.name = 'merchant:' || b.merchant || ':pending' AND c.currency = 'EUR';
    INSERT INTO events (type, payment, data)
        SELECT t.type, b.id, jsonb_build_object('amount', b.amount) FROM batch b,
            (VALUES ('payment.created'), ('payment.authorised'), ('payment.captured')) t (type);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count / 3;
END $$;

INSERT INTO accounts (name, currency, credits_posted, no_overdraft)
    SELECT 'payer:p' || n, 'EUR', 1000000000000, true FROM generate_series(0, 999) n;
