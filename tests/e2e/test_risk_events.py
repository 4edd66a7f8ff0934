"""Outside risk events."""
import pytest


@pytest.mark.parametrize("kind", ["fraud", "attack", "violation"])
@pytest.mark.parametrize("severity", ["low", "medium", "high", "critical"])
def test_a_risk_event_is_recorded(client, kind, severity):
    payment = client.pay().json()
    reply = client.post("/v1/risk_events", {"type": kind, "kind": "card_testing", "severity": severity,
                                            "payment": payment["id"], "entity": "ip:192.0.2.1", "data": {"n": [1, 2.5, None]}})
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert (made["type"], made["kind"], made["severity"], made["payment"]) == (kind, "card_testing", severity, payment["id"])
    events = [e for e in client.events(payment["sequence"]) if e["data"]["object"].get("kind") == "card_testing"]
    assert len(events) == 1
    assert events[0]["type"].split(".")[0] in ("risk", "attack", "limit")


@pytest.mark.parametrize("change,param", [
    ({"type": "war"}, "type"), ({"kind": None}, "kind"), ({"kind": "a b"}, "kind"), ({"severity": "awful"}, "severity"),
    ({"payment": "x"}, "payment"), ({"more": 1}, "more"), ({"entity": 7}, "entity"),
])
def test_a_risk_event_that_is_not_understood_is_400(client, change, param):
    reply = client.post("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low", **change})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_a_risk_event_of_an_unknown_payment_is_refused(client):
    reply = client.post("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low", "payment": "pay_unknown"})
    assert reply.status_code == 404
