-- Who sells in three states.
CREATE TABLE results (name VARCHAR, city VARCHAR, state VARCHAR, id BIGINT) WITH (${SINK});
INSERT INTO results
SELECT p.name, p.city, p.state, a.id
FROM auctions AS a JOIN people AS p ON a.seller = p.id
WHERE a.category = 10 AND (p.state = 'OR' OR p.state = 'ID' OR p.state = 'CA');
