// What the page knows, made from events alone: the last payments, their statuses, and sums per second of event time.

export const SECONDS_SHOWN = 120;
export const PAYMENTS_SHOWN = 50;
const SECONDS_KEPT = SECONDS_SHOWN + 5;
const PAYMENTS_KNOWN = 20000; // statuses counted in the mix
const UNDECIDED = new Set(['created', 'in_review', 'processing', 'unknown', 'failed']);

// How a second of the chart counts a payment of this status.
function outcome(status) {
  if (status === 'declined') return 'declined';
  return UNDECIDED.has(status) ? 'other' : 'approved';
}

export class Tally {
  constructor() {
    this.sequence = 0;        // of the newest event
    this.newest = 0;          // its time, in milliseconds
    this.payments = new Map(); // id → object: the PAYMENTS_SHOWN that were created last
    this.known = new Map();    // id → {at, status, version, captured}
    this.statuses = new Map(); // status → number of known payments
    this.seconds = [];         // without gaps: {at, approved, declined, other, captured: Map currency → BigInt}
    this.livemode = null;
  }

  // The second `at`; null when it is too old to be kept.
  second(at) {
    const first = this.seconds[0]?.at;
    if (first === undefined || at >= first + this.seconds.length + SECONDS_KEPT) this.seconds = [this.#empty(at)];
    if (at < this.seconds[0].at) return null;
    while (at >= this.seconds[0].at + this.seconds.length) {
      this.seconds.push(this.#empty(this.seconds[0].at + this.seconds.length));
    }
    this.seconds.splice(0, Math.max(0, this.seconds.length - SECONDS_KEPT));
    return this.seconds[at - this.seconds[0].at] ?? null;
  }

  #empty(at) {
    return { at, approved: 0, declined: 0, other: 0, captured: new Map() };
  }

  add(event) {
    this.sequence = event.sequence;
    this.newest = Date.parse(event.created);
    if (event.data.object.object === 'payment') this.#payment(event, event.data.object);
  }

  #payment(event, payment) {
    const before = this.known.get(payment.id);
    if (before && before.version >= payment.version) return; // the stream began again
    const captured = BigInt(payment.captured);
    const gained = captured - (before?.captured ?? 0n);
    // Of a payment that was made before the page looked, only what changes from here on is known.
    if (gained > 0n && (before || payment.version <= 2)) {
      const sums = this.second(Math.floor(Date.parse(event.created) / 1000))?.captured;
      sums?.set(payment.currency, (sums.get(payment.currency) ?? 0n) + gained);
    }
    this.#statusChanged(payment, before);
    this.known.set(payment.id, {
      at: Math.floor(Date.parse(payment.created) / 1000), status: payment.status, version: payment.version, captured,
    });
    if (this.known.size > PAYMENTS_KNOWN) this.#forgetOldest();
    this.livemode = payment.livemode;
    this.payments.set(payment.id, payment);
    if (this.payments.size > PAYMENTS_SHOWN) this.payments.delete(this.#oldestShown());
  }

  #statusChanged(payment, before) {
    const bucket = this.second(Math.floor(Date.parse(payment.created) / 1000));
    if (before) this.statuses.set(before.status, this.statuses.get(before.status) - 1);
    if (before && bucket) bucket[outcome(before.status)]--;
    if (bucket) bucket[outcome(payment.status)]++;
    this.statuses.set(payment.status, (this.statuses.get(payment.status) ?? 0) + 1);
  }

  #forgetOldest() {
    const [id, { status }] = this.known.entries().next().value;
    this.statuses.set(status, this.statuses.get(status) - 1);
    this.known.delete(id);
  }

  #oldestShown() {
    let oldest = null;
    for (const payment of this.payments.values()) {
      if (!oldest || payment.created < oldest.created) oldest = payment;
    }
    return oldest.id;
  }

  // Seconds that are over at `now` (in seconds), oldest first.
  complete(now) {
    this.second(now);
    return this.seconds.filter((entry) => entry.at < now).slice(-SECONDS_SHOWN);
  }

  shown() {
    return [...this.payments.values()].sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : a.id < b.id ? 1 : -1));
  }
}
