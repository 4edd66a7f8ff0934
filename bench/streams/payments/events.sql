CREATE TABLE events (
    id BIGINT,
    ts TIMESTAMP(3),
    type STRING,
    payment STRING,
    account STRING,
    card STRING,
    merchant STRING,
    amount BIGINT,
    currency STRING,
    country STRING,
    channel STRING,
    status STRING,
    device STRING,
    WATERMARK FOR ts AS ts - INTERVAL '4' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${INPUT}', 'format' = '${FORMAT}');
