"""POST /v1/batch: NDJSON in and out, in order, each line on its own."""
import json

CARD = {"type": "card", "token": "tok_ok"}


def line(op, key, **fields):
    return {"op": op, "key": key, **fields}


def payment(key, amount=100, **fields):
    return line("payment.create", key, amount=amount, currency="EUR", merchant="shop", payer="bob", instrument=CARD, **fields)


def send(client, lines, **options):
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    return client.post("/v1/batch", data=text.encode(), headers={"Content-Type": "application/x-ndjson"}, **options)


def replies(client, lines, **options):
    reply = send(client, lines, **options)
    assert reply.status_code == 200, reply.text
    assert reply.text.endswith("\n")
    found = [json.loads(one) for one in reply.text.splitlines()]
    assert len(found) == len(lines)
    assert all(set(one) == {"status", "body"} for one in found)
    return found


def test_replies_come_in_the_order_of_the_lines(client):
    found = replies(client, [payment(f"order-{i}", 100 + i) for i in range(1000)])
    assert [one["status"] for one in found] == [201] * 1000
    assert [one["body"]["amount"] for one in found] == [100 + i for i in range(1000)]
    sequences = [one["body"]["sequence"] for one in found]
    assert sequences == sorted(sequences)


def test_every_operation(client):
    client.fund("batcher", 1000)
    held = [client.pay(capture_method="manual").json()["id"] for _ in range(3)]
    done = client.pay().json()["id"]
    holds = [client.post("/v1/transfers", {"debit": "payer:batcher", "credit": "world", "amount": 10, "currency": "EUR",
                                           "pending": True}).json()["id"] for _ in range(2)]
    found = replies(client, [
        payment("op-1"),
        line("payment.capture", "op-2", payment=held[0], amount=400),
        line("payment.cancel", "op-3", payment=held[1]),
        line("payment.reverse", "op-4", payment=held[2], reason="x"),
        line("refund.create", "op-5", payment=done, amount=1),
        line("transfer.create", "op-6", debit="world", credit="payer:batcher", amount=5, currency="EUR"),
        line("transfer.post", "op-7", transfer=holds[0]),
        line("transfer.void", "op-8", transfer=holds[1]),
    ])
    assert [one["status"] for one in found] == [201, 200, 200, 200, 201, 201, 200, 200], found
    assert [one["body"]["status"] for one in found] == [
        "captured", "captured", "cancelled", "reversed", "succeeded", "posted", "posted", "voided"]


def test_a_line_may_use_what_an_earlier_line_made(client):
    found = replies(client, [
        payment("dep-1", id="pay_batch-1", capture_method="manual"),
        line("payment.capture", "dep-2", payment="pay_batch-1"),
        line("refund.create", "dep-3", payment="pay_batch-1"),
    ])
    assert [one["status"] for one in found] == [201, 200, 201]
    assert client.payment("pay_batch-1")["status"] == "refunded"


def test_each_line_stands_alone(client):
    found = replies(client, [
        payment("alone-1"), payment("alone-2", 0), "{not json", line("payment.steal", "alone-3"),
        {**payment("alone-4"), "instrument": {"type": "card", "token": "tok_do_not_honour"}},
        line("payment.capture", "alone-5", payment="pay_unknown"), {k: v for k, v in payment("x").items() if k != "key"},
        payment("alone-6", colour="red"), "[]", payment("alone-7"),
    ])
    assert [one["status"] for one in found] == [201, 400, 400, 400, 402, 404, 400, 400, 400, 201], found
    for one in found[1:-1]:
        assert one["body"]["error"]["code"]
    assert found[1]["body"]["error"]["param"] == "amount"
    assert found[4]["body"]["error"]["payment"]["status"] == "declined"
    assert found[7]["body"]["error"]["param"] == "colour"


def test_a_key_of_a_line_is_that_of_the_single_route(client):
    first = replies(client, [payment("shared-1", 321)])[0]
    body = {k: v for k, v in payment("", 321).items() if k not in ("op", "key")}
    again = client.post("/v1/payments", body, idempotency="shared-1")
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (201, "true")
    assert again.json() == first["body"]

    single = client.post("/v1/payments", body, idempotency="shared-2")
    assert replies(client, [payment("shared-2", 321)])[0] == {"status": 201, "body": single.json()}
    assert replies(client, [payment("shared-2", 322)])[0]["status"] == 422

    held = client.pay(capture_method="manual").json()["id"]
    captured = client.post(f"/v1/payments/{held}/capture", {"amount": 7}, idempotency="shared-3")
    assert replies(client, [line("payment.capture", "shared-3", payment=held, amount=7)])[0]["body"] == captured.json()


def test_a_batch_sent_again_answers_the_same_and_does_nothing(client):
    lines = [payment(f"twice-{i}", 10 + i) for i in range(20)]
    first, second = send(client, lines), send(client, lines)
    assert first.text == second.text
    assert replies(client, [payment("same-1", 5), payment("same-1", 5), payment("same-1", 6)])[2]["status"] == 422


def test_scopes_hold_per_line(client):
    cashier = client.with_scopes("payments:write")
    done = client.pay().json()["id"]
    found = replies(cashier, [payment("scope-1"), line("refund.create", "scope-2", payment=done),
                              line("transfer.create", "scope-3", debit="world", credit="payer:q", amount=1, currency="EUR")])
    assert [one["status"] for one in found] == [201, 403, 403]
    assert client.with_scopes("read").post("/v1/batch", data="{}").status_code == 403


def test_the_header_is_optional(shared):
    client = shared.client()
    reply = client.send("POST", "/v1/batch", json.dumps(payment("plain-1")).encode(), {"Authorization": f"Bearer {shared.key}"})
    assert reply.status_code == 200


def test_ten_thousand_lines_and_no_more(client):
    lines = [payment(f"many-{i}", 1, confirm=False) for i in range(10_000)]
    assert all(one["status"] == 201 for one in replies(client, lines))
    reply = send(client, lines + [payment("many-more", 1)])
    assert reply.status_code in (400, 413)
    assert client.walk("/v1/payments", merchant="shop", limit=1, reference="none") == []


def test_eight_mebibytes_and_no_more(client):
    big = payment("size-1")
    reply = client.post("/v1/batch", data=(json.dumps(big) + "\n" + " " * (8 << 20)).encode())
    assert reply.status_code == 413


def test_blank_and_last_lines(client):
    one = json.dumps(payment("blank-1"))
    for text in (one, one + "\n", one + "\r\n"):
        reply = client.post("/v1/batch", data=text.encode())
        assert (reply.status_code, len(reply.text.splitlines())) == (200, 1), repr(text)
    empty = client.post("/v1/batch", data=b"")
    assert empty.status_code in (200, 400)
