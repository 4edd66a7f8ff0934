// The live page: follows the event stream of the key's book and shows what passes. Everything on it comes from the public API.
'use strict';

const RATE_SECONDS = 120;
const PAYMENTS_SHOWN = 50;
// ISO 4217 exponents other than 2, as the service has them.
const EXPONENTS = {};
for (const code of 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ')) EXPONENTS[code] = 0;
for (const code of 'BHD IQD JOD KWD LYD OMR TND'.split(' ')) EXPONENTS[code] = 3;
for (const code of 'CLF UYW'.split(' ')) EXPONENTS[code] = 4;
const BAD = new Set(['declined', 'failed', 'charged_back', 'disputed']);
const WARN = new Set(['unknown', 'processing', 'in_review', 'expired', 'cancelled', 'reversed']);

const byId = (id) => document.getElementById(id);
const state = {
  key: null,
  sequence: 0,
  payments: new Map(), // id → newest object, oldest first
  seconds: [],         // {at, created, approved, decided, captured: {currency: amount}}
  statuses: new Map(), // id → status, of payments seen
  dirty: true,
  controller: null,
};

// ── formats ──

// Exact text of minor units: no floating point. BigInt keeps sums of any size.
function money(amount, currency) {
  const exponent = EXPONENTS[currency] ?? 2;
  const negative = BigInt(amount) < 0n;
  const digits = String(negative ? -BigInt(amount) : BigInt(amount)).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ' ');
  const fraction = exponent ? '.' + digits.slice(-exponent) : '';
  return `${negative ? '−' : ''}${whole}${fraction} ${currency}`;
}

function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour12: false }) + '.' + time.slice(20, 23);
}

function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(seconds < 1e-5 ? 1 : 0)} µs`;
  return seconds < 1 ? `${(seconds * 1e3).toFixed(2)} ms` : `${seconds.toFixed(2)} s`;
}

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text ?? '';
  if (className) td.className = className;
  return td;
}

function statusClass(status) {
  return BAD.has(status) ? 'bad' : WARN.has(status) ? 'warn' : 'good';
}

// ── talking to the service ──

async function call(path) {
  const reply = await fetch(path, { headers: { Authorization: `Bearer ${state.key}` } });
  if (!reply.ok) {
    const body = await reply.json().catch(() => ({}));
    const error = new Error(body.error?.message ?? `HTTP ${reply.status}`);
    error.status = reply.status;
    throw error;
  }
  return reply.json();
}

function connection(text, how) {
  byId('connection').textContent = text;
  byId('connection').dataset.state = how;
}

function second(at) {
  const last = state.seconds[state.seconds.length - 1];
  if (last && last.at >= at) return last;
  for (let next = last ? last.at + 1 : at; next <= at; next++) {
    state.seconds.push({ at: next, created: 0, approved: 0, decided: 0, captured: {} });
  }
  state.seconds.splice(0, Math.max(0, state.seconds.length - RATE_SECONDS - 5));
  return state.seconds[state.seconds.length - 1];
}

function paymentSeen(payment) {
  state.payments.delete(payment.id);
  state.payments.set(payment.id, payment);
  state.statuses.set(payment.id, payment.status);
  if (state.payments.size > PAYMENTS_SHOWN) state.payments.delete(state.payments.keys().next().value);
  if (state.statuses.size > 20000) state.statuses.delete(state.statuses.keys().next().value);
}

function eventSeen(event) {
  state.sequence = event.sequence;
  state.dirty = true;
  const object = event.data.object;
  if (object.object !== 'payment') return;
  const known = state.payments.get(object.id);
  const now = second(Math.floor(Date.now() / 1000));
  if (event.type === 'payment.created') now.created++;
  if (event.type === 'payment.authorised') { now.approved++; now.decided++; }
  if (event.type === 'payment.declined') now.decided++;
  if (event.type === 'payment.captured' || event.type === 'payment.partially_captured') {
    const before = BigInt(known?.captured ?? 0);
    now.captured[object.currency] = (now.captured[object.currency] ?? 0n) + BigInt(object.captured) - before;
  }
  paymentSeen(object);
}

// Server-sent events over fetch, because EventSource cannot send a key.
async function follow() {
  const controller = new AbortController();
  state.controller = controller;
  const reply = await fetch(`/v1/stream?after=${state.sequence}`, {
    headers: { Authorization: `Bearer ${state.key}`, Accept: 'text/event-stream' }, signal: controller.signal,
  });
  if (!reply.ok) throw new Error(`the stream answered HTTP ${reply.status}`);
  connection('live', 'on');
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error('the stream ended');
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n');
      if (data) eventSeen(JSON.parse(data));
    }
  }
}

async function followForEver() {
  let wait = 500;
  while (state.key) {
    try {
      const list = await call(`/v1/payments?limit=${PAYMENTS_SHOWN}`);
      for (const payment of list.data.reverse()) {
        paymentSeen(payment);
        state.sequence = Math.max(state.sequence, payment.sequence);
      }
      state.dirty = true;
      wait = 500;
      await follow();
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        forget();
        connection(error.message, 'lost');
        return;
      }
      if (error.name !== 'AbortError') connection(`${error.message}; trying again`, 'lost');
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, 8000);
    }
  }
}

// ── metrics and books ──

function metric(text, name, labels = '') {
  const start = `${name}${labels} `;
  const line = text.split('\n').find((candidate) => candidate.startsWith(start));
  return line ? Number(line.slice(start.length)) : NaN;
}

async function metricsRead() {
  const text = await (await fetch('/metrics')).text();
  byId('decision-p50').textContent = duration(metric(text, 'paystream_decision_seconds', '{quantile="0.5"}'));
  byId('decision-p99').textContent = duration(metric(text, 'paystream_decision_seconds', '{quantile="0.99"}'));
  const unknown = metric(text, 'paystream_unknown_payments');
  byId('unknown-count').textContent = Number.isNaN(unknown) ? '–' : String(unknown);
  byId('unknown-count').className = unknown > 0 ? 'warn' : '';
}

async function balanceRead() {
  if (!state.key) return;
  const { data } = await call('/v1/ledger/trial-balance');
  const body = byId('trial').tBodies[0];
  body.replaceChildren();
  for (const row of data) {
    const tr = body.insertRow();
    cell(tr, row.currency);
    cell(tr, row.accounts, 'right');
    for (const name of ['debits_posted', 'credits_posted', 'debits_pending', 'credits_pending']) cell(tr, money(row[name], row.currency), 'right');
    cell(tr, row.balanced ? '✓ balanced' : '✗ NOT balanced', row.balanced ? 'good' : 'bad');
  }
  const balanced = data.every((row) => row.balanced);
  byId('balance-mark').dataset.balanced = balanced ? 'yes' : 'no';
  byId('balance-mark').textContent = balanced ? '✓ in balance' : '✗ out of balance';
}

// ── drawing ──

let rateChart;
let statusChart;

function chartsMake() {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue('--soft').trim();
  const accent = style.getPropertyValue('--accent').trim();
  const line = style.getPropertyValue('--line').trim();
  const common = { animation: false, responsive: true, maintainAspectRatio: false, plugins: { legend: { display: false } } };
  rateChart?.destroy();
  statusChart?.destroy();
  rateChart = new Chart(byId('rate-chart'), {
    type: 'line',
    data: { labels: [], datasets: [{ data: [], borderColor: accent, borderWidth: 1.5, pointRadius: 0, fill: false }] },
    options: { ...common, scales: { x: { display: false }, y: { beginAtZero: true, ticks: { color: ink }, grid: { color: line } } } },
  });
  statusChart = new Chart(byId('status-chart'), {
    type: 'bar',
    data: { labels: [], datasets: [{ data: [], backgroundColor: accent }] },
    options: { ...common, indexAxis: 'y', scales: { x: { ticks: { color: ink, precision: 0 }, grid: { color: line } }, y: { ticks: { color: ink }, grid: { display: false } } } },
  });
}

function drawNumbers(complete) {
  const recent = complete.slice(-10);
  const sum = (name) => recent.reduce((total, entry) => total + entry[name], 0);
  byId('payments-rate').textContent = recent.length ? (sum('created') / recent.length).toFixed(1) : '–';
  byId('approved-share').textContent = sum('decided') ? `${(100 * sum('approved') / sum('decided')).toFixed(1)} %` : '–';
}

function drawAmounts(complete) {
  const minute = complete.slice(-60);
  const currencies = [...new Set(minute.flatMap((entry) => Object.keys(entry.captured)))].sort();
  const body = byId('amounts').tBodies[0];
  body.replaceChildren();
  for (const currency of currencies) {
    const total = minute.reduce((so_far, entry) => so_far + (entry.captured[currency] ?? 0n), 0n);
    const tr = body.insertRow();
    cell(tr, currency);
    cell(tr, money(minute[minute.length - 1]?.captured[currency] ?? 0n, currency), 'right');
    cell(tr, money(total / BigInt(Math.max(1, minute.length)), currency), 'right');
  }
}

function drawPayments() {
  const body = byId('payments').tBodies[0];
  const focused = document.activeElement?.dataset?.payment;
  body.replaceChildren();
  for (const payment of [...state.payments.values()].reverse()) {
    const tr = body.insertRow();
    tr.tabIndex = 0;
    tr.dataset.payment = payment.id;
    cell(tr, clock(payment.created));
    cell(tr, payment.id);
    cell(tr, payment.status, statusClass(payment.status));
    cell(tr, money(payment.amount, payment.currency), 'right');
    cell(tr, payment.merchant);
    cell(tr, payment.payer);
    cell(tr, payment.decline?.code);
    if (payment.id === focused) tr.focus();
  }
}

function drawCharts(complete) {
  const shown = complete.slice(-RATE_SECONDS);
  rateChart.data.labels = shown.map((entry) => entry.at);
  rateChart.data.datasets[0].data = shown.map((entry) => entry.created);
  rateChart.update();
  const counts = {};
  for (const status of state.statuses.values()) counts[status] = (counts[status] ?? 0) + 1;
  const names = Object.keys(counts).sort((a, b) => counts[b] - counts[a]);
  statusChart.data.labels = names;
  statusChart.data.datasets[0].data = names.map((name) => counts[name]);
  statusChart.update();
}

function draw() {
  const now = Math.floor(Date.now() / 1000);
  second(now);
  const complete = state.seconds.filter((entry) => entry.at < now);
  drawNumbers(complete);
  drawAmounts(complete);
  drawCharts(complete);
  if (state.dirty) drawPayments();
  state.dirty = false;
}

// ── one payment ──

async function detailOpen(id) {
  const [payment, events, postings] = await Promise.all([
    call(`/v1/payments/${id}`), call(`/v1/payments/${id}/events`), call(`/v1/payments/${id}/postings`)]);
  byId('detail-title').textContent = payment.id;
  const facts = byId('detail-facts');
  facts.replaceChildren();
  const add = (name, value) => {
    if (value === null || value === undefined || value === '') return;
    facts.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }));
  };
  add('Status', payment.status);
  for (const name of ['amount', 'authorised', 'capturable', 'captured', 'refunded', 'refundable', 'disputed', 'charged_back', 'settled', 'fee']) {
    if (name === 'amount' || payment[name]) add(name[0].toUpperCase() + name.slice(1).replace('_', ' '), money(payment[name], payment.currency));
  }
  add('Merchant', payment.merchant);
  add('Payer', payment.payer);
  add('Instrument', [payment.instrument.type, payment.instrument.token, payment.instrument.last4].filter(Boolean).join(' '));
  add('Decline', payment.decline && `${payment.decline.code}: ${payment.decline.message}`);
  add('Reference', payment.reference);
  add('Description', payment.description);
  const eventRows = byId('detail-events').tBodies[0];
  eventRows.replaceChildren();
  for (const event of events.data) {
    const tr = eventRows.insertRow();
    cell(tr, event.sequence);
    cell(tr, clock(event.created));
    cell(tr, event.type);
  }
  const postingRows = byId('detail-postings').tBodies[0];
  postingRows.replaceChildren();
  for (const posting of postings.data) {
    const tr = postingRows.insertRow();
    cell(tr, clock(posting.created));
    cell(tr, posting.kind);
    cell(tr, posting.debit);
    cell(tr, posting.credit);
    cell(tr, money(posting.amount, posting.currency), 'right');
  }
  byId('detail').showModal();
}

function rowChosen(event) {
  const row = event.target.closest?.('tr[data-payment]');
  if (!row || (event.type === 'keydown' && event.key !== 'Enter')) return;
  event.preventDefault();
  detailOpen(row.dataset.payment).catch((error) => connection(error.message, 'lost'));
}

// ── the key ──

function forget() {
  state.key = null;
  sessionStorage.removeItem('key');
  state.controller?.abort();
  byId('key-form').hidden = false;
  byId('forget').hidden = true;
  connection('not connected', 'off');
}

function connect(key) {
  state.key = key;
  sessionStorage.setItem('key', key);
  byId('key-form').hidden = true;
  byId('forget').hidden = false;
  connection('connecting', 'off');
  followForEver();
  balanceRead().catch(() => {});
}

function start() {
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get('key');
  if (fromAddress) history.replaceState(null, '', location.pathname);
  const key = fromAddress ?? sessionStorage.getItem('key');
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    connect(byId('key-input').value.trim());
    byId('key-input').value = '';
  });
  byId('forget').addEventListener('click', forget);
  byId('payments').addEventListener('click', rowChosen);
  byId('payments').addEventListener('keydown', rowChosen);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', chartsMake);
  chartsMake();
  if (key) connect(key);
  else forget();
  setInterval(draw, 500);
  setInterval(() => metricsRead().catch(() => {}), 1000);
  setInterval(() => balanceRead().catch(() => {}), 3000);
  metricsRead().catch(() => {});
}

start();
