-- Functions in C (functions.c says how to build the library).
SET 'paystream.dialect' = 'extended';

CREATE FUNCTION fee AS 'payment_fee' LANGUAGE C USING LIBRARY 'functions.so';
CREATE FUNCTION masked AS 'mask_text' LANGUAGE C USING LIBRARY 'functions.so';
CREATE FUNCTION weighted_average AS 'weighted_average' LANGUAGE C USING LIBRARY 'functions.so';

SELECT masked(card) AS card, fee(amount) AS fee
FROM (VALUES ('411111', 1250), ('550000', 99900)) AS t (card, amount);

SELECT currency, weighted_average(amount, quantity) AS average
FROM (VALUES ('EUR', 10, 3), ('EUR', 20, 1), ('USD', 5, CAST(NULL AS INT))) AS t (currency, amount, quantity)
GROUP BY currency;
