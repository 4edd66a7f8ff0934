CREATE TABLE results (card STRING, declines BIGINT, amount BIGINT) WITH (${SINK});
