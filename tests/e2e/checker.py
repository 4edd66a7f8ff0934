"""The independent checker: reads `paystream dump` and knows nothing of the engine's code (FAULTS §3).

It folds the legs of every record into accounts of its own, at every prefix of the journal, and holds payments, sequences and
idempotency keys against the rules of PAYMENTS §3 and §7. Usage as a program: checker.py DUMP.jsonl
"""
import collections
import json
import sys

EDGES = {
    None: {"created"},
    "created": {"in_review", "declined", "processing", "authorised", "cancelled", "captured", "failed"},
    "in_review": {"declined", "processing", "authorised", "cancelled", "captured", "failed"},
    "processing": {"authorised", "captured", "failed", "unknown", "declined"},
    "unknown": {"authorised", "captured", "declined", "failed"},
    "authorised": {"cancelled", "expired", "partially_captured", "captured", "reversed"},
    "partially_captured": {"captured", "partially_captured", "partially_refunded", "refunded", "disputed", "charged_back"},
    "captured": {"settled", "partially_refunded", "refunded", "disputed", "reversed", "charged_back"},
    "settled": {"partially_refunded", "refunded", "disputed", "charged_back"},
    "partially_refunded": {"refunded", "disputed", "charged_back", "settled"},
    "disputed": {"captured", "settled", "partially_captured", "partially_refunded", "refunded", "charged_back"},
    # A counter may move while the headline stays (refund pending, a second partial capture, a settled part).
    "declined": set(), "failed": set(), "cancelled": set(), "expired": set(), "refunded": {"disputed", "settled"},
    "charged_back": {"settled"}, "reversed": set(),
}


class Violation(Exception):
    pass


class Books:
    def __init__(self):
        self.accounts = {}
        self.sums = collections.defaultdict(lambda: [0, 0, 0, 0])
        self.pending = {}
        self.numbers = set()

    def add(self, effect):
        self.accounts[effect["account"]] = {
            "book": effect["book"], "currency": effect["currency"], "name": effect["name"],
            "flags": effect["flags"], "dp": 0, "dd": 0, "cp": 0, "cc": 0}

    def leg(self, leg):
        debit, credit = self.accounts[leg["debit"]], self.accounts[leg["credit"]]
        amount, kind = leg["amount"], leg["kind"]
        if leg["debit"] == leg["credit"] or debit["book"] != credit["book"] or debit["currency"] != credit["currency"]:
            raise Violation("M5: a leg within one account, or across books or currencies")
        if amount <= 0:
            raise Violation(f"M5: amount {amount}")
        sums = self.sums[debit["book"], debit["currency"]]
        if kind == "posted":
            debit["dd"] += amount
            credit["cc"] += amount
            sums[1] += amount
            sums[3] += amount
        elif kind == "pending":
            if leg["transfer"] in self.numbers:
                raise Violation(f"M5: transfer number {leg['transfer']} used twice")
            self.pending[leg["transfer"]] = amount
            debit["dp"] += amount
            credit["cp"] += amount
            sums[0] += amount
            sums[2] += amount
        else:
            left = self.pending.get(leg["transfer"], 0)
            if amount > left:
                raise Violation(f"M4: transfer {leg['transfer']} resolves {amount} of {left}")
            self.pending[leg["transfer"]] = left - amount
            debit["dp"] -= amount
            credit["cp"] -= amount
            if kind == "post":
                debit["dd"] += amount
                credit["cc"] += amount
        if kind in ("posted", "pending") and leg["transfer"]:
            self.numbers.add(leg["transfer"])
        for account in (debit, credit):
            if min(account["dp"], account["cp"]) < 0:
                raise Violation(f"M2: {account['name']} has a negative pending total")
            if account["flags"] & 1 and account["dp"] + account["dd"] > account["cc"]:
                raise Violation(f"M3: {account['name']} is overdrawn")
            if account["flags"] & 2 and account["cp"] + account["cc"] > account["dd"]:
                raise Violation(f"M3: {account['name']} exceeds its debits")

    def balanced(self):
        totals = collections.defaultdict(lambda: [0, 0, 0, 0])
        for account in self.accounts.values():
            row = totals[account["book"], account["currency"]]
            for index, part in enumerate(("dp", "dd", "cp", "cc")):
                row[index] += account[part]
        for key, (dp, dd, cp, cc) in totals.items():
            if dp != cp or dd != cc:
                raise Violation(f"M1: book {key}: debits {dp}/{dd}, credits {cp}/{cc}")


def payment_check(old, new):
    if new["version"] != (old["version"] if old else 0) + 1:
        raise Violation(f"M15: payment {new['payment']} version {new['version']} after {old['version'] if old else 0}")
    before, after = (old["status"] if old else None), new["status"]
    if after != before and after not in EDGES[before]:
        raise Violation(f"I8: payment {new['payment']}: {before} → {after}")
    if not 0 <= new["captured"] <= max(new["authorised"], new["captured"] if after == "reversed" else 0):
        raise Violation(f"M6: payment {new['payment']} captured {new['captured']} of {new['authorised']}")
    taken = new["refunded"] + new["refund_pending"] + new["disputed"] + new["charged_back"]
    if min(new[k] for k in ("refunded", "refund_pending", "disputed", "charged_back", "capturable")) < 0:
        raise Violation(f"M6: payment {new['payment']} has a negative counter")
    if taken > new["captured"]:
        raise Violation(f"M6: payment {new['payment']} gave back {taken} of {new['captured']}")
    if after in ("declined", "failed", "cancelled", "expired") and (new["captured"] or new["capturable"]):
        raise Violation(f"M9: payment {new['payment']} is {after} and holds money")


class Checker:
    """Feed it records in order; it raises Violation with the seq."""

    def __init__(self):
        self.seq = 0
        self.time_ns = 0
        self.books = Books()
        self.sequences = collections.defaultdict(int)
        self.payments = {}
        self.ids = {}
        self.idempotency = {}
        self.records = 0

    def feed(self, record):
        try:
            self._feed(record)
        except Violation as violation:
            raise Violation(f"seq {record['seq']}: {violation}") from None

    def _feed(self, record):
        if record["seq"] != self.seq + 1:
            raise Violation(f"I6: follows seq {self.seq}")
        if record["time_ns"] <= self.time_ns:
            raise Violation("M15: time does not increase")
        self.seq, self.time_ns = record["seq"], record["time_ns"]
        self.records += 1
        key = record["idempotency"]
        if int(key, 16) != 0:
            if key in self.idempotency and record["time_ns"] - self.idempotency[key][1] < 86_000 * 10**9:
                raise Violation(f"M12: idempotency key {key} also in seq {self.idempotency[key][0]}")
            self.idempotency[key] = (record["seq"], record["time_ns"])
        for effect in record["effects"]:
            kind = effect["effect"]
            if "event" in effect:
                book = effect["book"]
                self.sequences[book] += 1
                if effect["sequence"] != self.sequences[book]:
                    raise Violation(f"M15: book {book}: event {effect['sequence']} where {self.sequences[book]} is next")
            if kind == "account":
                self.books.add(effect)
            elif kind == "leg":
                self.books.leg(effect)
            elif kind == "payment":
                payment_check(self.payments.get(effect["payment"]), effect)
                self.payments[effect["payment"]] = effect
                if "id" in effect:
                    self.ids[effect["id"]] = effect["payment"]
        if len(self.books.accounts) < 200 or self.records % 100 == 0:
            self.books.balanced()

    def finish(self):
        self.books.balanced()
        return self


def check_lines(lines):
    checker = Checker()
    for line in lines:
        if line.strip():
            checker.feed(json.loads(line))
    return checker.finish()


if __name__ == "__main__":
    try:
        with open(sys.argv[1]) as dump:
            done = check_lines(dump)
    except Violation as violation:
        print(violation)
        sys.exit(1)
    print(f"{done.records} records, {len(done.payments)} payments, {len(done.books.accounts)} accounts: all invariants hold")
