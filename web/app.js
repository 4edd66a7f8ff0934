// The live page: draws what the event stream tells (tally.js), the metrics, and the trial balance. All of it is the public API.
import { amountText, clock, duration, money, percent, words } from './format.js';
import { Feed } from './feed.js';
import { jobsDraw } from './jobs.js';
import { Tally, SECONDS_SHOWN } from './tally.js';

const BAD = new Set(['declined', 'failed', 'charged_back', 'disputed']);
const WARN = new Set(['created', 'unknown', 'processing', 'in_review', 'expired', 'cancelled', 'reversed']);
const STATUS_COLOURS = {
  captured: '#2ea673', partially_captured: '#7cc9a5', settled: '#14734a', authorised: '#3f7fe0', partially_refunded: '#9a86e8', refunded: '#6f54c9',
  declined: '#df5a50', failed: '#a8443c', disputed: '#e07fb0', charged_back: '#b03a78', unknown: '#e0a030', in_review: '#f0c46a',
  processing: '#63b5c9', created: '#9fb3c8', cancelled: '#8a93a3', expired: '#6c7482', reversed: '#b0b6c0',
};

const byId = (id) => document.getElementById(id);
let tally = new Tally();
let isChanged = true;   // the list of payments is not what the tally says
let isPaused = false;
let isPointedAt = false;
let openId = null;      // the payment in the dialog
let openVersion = 0;
let behindUntil = 0;

const feed = new Feed({
  event(event) {
    tally.add(event);
    isChanged = true;
  },
  state: connection,
  denied(error) {
    forget();
    connection(error.message, 'lost');
  },
  skipped() {
    behindUntil = Date.now() + 60000;
  },
});

function connection(text, how) {
  byId('connection').textContent = text;
  byId('connection').dataset.state = how;
}

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text ?? '';
  if (className) td.className = className;
  return td;
}

// Milliseconds are dropped where there is no room for them.
function clockCell(row, time) {
  const [seconds, rest] = clock(time).split('.');
  cell(row, seconds).append(Object.assign(document.createElement('span'), { className: 'wide', textContent: `.${rest}` }));
}

function statusClass(status) {
  return BAD.has(status) ? 'bad' : WARN.has(status) ? 'warn' : 'good';
}

function set(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

// ── metrics and books ──

function metric(text, name, labels = '') {
  const start = `${name}${labels} `;
  const line = text.split('\n').find((candidate) => candidate.startsWith(start));
  return line ? Number(line.slice(start.length)) : NaN;
}

async function metricsRead() {
  const text = await (await feed.request('/metrics')).text();
  for (const [id, label] of [['p50', '{quantile="0.5"}'], ['p99', '{quantile="0.99"}']]) {
    set(`decision-${id}`, duration(metric(text, 'paystream_core_seconds', label)));
    set(`answer-${id}`, `answer ${duration(metric(text, 'paystream_request_seconds', label))}`);
  }
  const unknown = metric(text, 'paystream_unknown_payments');
  set('unknown-count', Number.isNaN(unknown) ? '–' : String(unknown));
  byId('unknown-count').className = unknown > 0 ? 'warn' : '';
}

async function balanceRead() {
  if (!feed.key) return;
  const { data } = await feed.get('/v1/ledger/trial-balance');
  const body = byId('trial').tBodies[0];
  body.replaceChildren();
  for (const row of data.sort((a, b) => (a.currency < b.currency ? -1 : 1))) {
    const tr = body.insertRow();
    cell(tr, row.currency);
    cell(tr, row.balanced ? '✓ balanced' : '✗ NOT balanced', row.balanced ? 'good' : 'bad');
    cell(tr, amountText(row.debits_posted, row.currency), 'right');
    cell(tr, amountText(row.credits_posted, row.currency), 'right');
    const pending = [row.debits_pending, row.credits_pending].map((amount) => amountText(amount, row.currency));
    cell(tr, pending[0] === pending[1] ? pending[0] : pending.join(' / '), 'right wide');
    cell(tr, row.accounts, 'right wide');
  }
  const isBalanced = data.every((row) => row.balanced);
  byId('balance-mark').dataset.balanced = isBalanced ? 'yes' : 'no';
  set('balance-mark', isBalanced ? '✓ balanced' : '✗ broken');
  set('balance-when', `${data.length} currencies, ${new Date(feed.now()).toLocaleTimeString([], { hour12: false })}`);
}

// A table under the pointer or the keyboard is left alone.
async function jobsRead() {
  if (!feed.key || byId('jobs').matches(':hover, :focus-within')) return;
  jobsDraw(byId('jobs'), (await feed.get('/v1/jobs')).data);
}

// ── charts ──

let rateChart;
let statusChart;

function chartsMake() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const common = { animation: false, responsive: true, maintainAspectRatio: false, events: [], plugins: { legend: { display: false }, tooltip: { enabled: false } } };
  const bars = (name) => ({ data: [], backgroundColor: colour(name), barPercentage: 1, categoryPercentage: 0.82 });
  const ticks = { color: colour('--soft') };
  rateChart?.destroy();
  statusChart?.destroy();
  rateChart = new Chart(byId('rate-chart'), {
    type: 'bar',
    data: { labels: [], datasets: [bars('--good-bar'), bars('--bad-bar'), bars('--other-bar')] },
    options: {
      ...common,
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { ...ticks, autoSkip: false, maxRotation: 0, callback: (_, place) => ((SECONDS_SHOWN - place) % 30 ? null : `−${SECONDS_SHOWN - place} s`) } },
        y: { stacked: true, beginAtZero: true, suggestedMax: 4, ticks: { ...ticks, precision: 0, maxTicksLimit: 5 }, grid: { color: colour('--line'), drawBorder: false } },
      },
    },
  });
  statusChart = new Chart(byId('status-chart'), {
    type: 'doughnut',
    data: { labels: [], datasets: [{ data: [], backgroundColor: [], borderColor: colour('--panel'), borderWidth: 1 }] },
    options: { ...common, cutout: '62%' },
  });
}

function drawRate(complete) {
  const missing = SECONDS_SHOWN - complete.length;
  const shown = [...Array(missing).fill(null), ...complete];
  rateChart.data.labels = shown.map((_, place) => place);
  for (const [i, name] of ['approved', 'declined', 'other'].entries()) {
    rateChart.data.datasets[i].data = shown.map((entry) => entry?.[name] ?? 0);
  }
  rateChart.update('none');
}

function drawMix() {
  const counts = [...tally.statuses].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  statusChart.data.labels = counts.map(([name]) => words(name));
  statusChart.data.datasets[0].data = counts.map(([, count]) => count);
  statusChart.data.datasets[0].backgroundColor = counts.map(([name]) => STATUS_COLOURS[name]);
  statusChart.update('none');
  set('mix-of', total ? `last ${total.toLocaleString('en')} payments` : '');
  byId('mix').replaceChildren(...counts.map(([name, count]) => {
    const item = document.createElement('li');
    const swatch = Object.assign(document.createElement('i'), { className: 'swatch' });
    swatch.style.background = STATUS_COLOURS[name];
    const share = Object.assign(document.createElement('b'), { textContent: percent(count, total) });
    item.append(swatch, words(name), share);
    item.title = `${count} payments`;
    return item;
  }));
}

// ── numbers and tables ──

function drawNumbers(complete) {
  const sum = (entries, name) => entries.reduce((total, entry) => total + entry[name], 0);
  const all = (entries) => sum(entries, 'approved') + sum(entries, 'declined') + sum(entries, 'other');
  const recent = complete.slice(-10);
  const minute = complete.slice(-60);
  const decided = sum(minute, 'approved') + sum(minute, 'declined');
  const part = behindUntil > Date.now() ? '≥ ' : '';
  set('payments-rate', feed.key && recent.length ? part + (all(recent) / recent.length).toFixed(1) : '–');
  set('payments-minute', `${all(minute).toLocaleString('en')} last minute`);
  set('approved-share', percent(sum(minute, 'approved'), decided));
  set('approved-of', `of ${decided.toLocaleString('en')} decisions`);
}

// Sums of three seconds each, as a line in a box of 120 × 20.
function spark(complete, currency) {
  const sums = [];
  for (let i = 0; i < complete.length; i++) {
    const place = Math.floor((SECONDS_SHOWN - complete.length + i) / 3);
    sums[place] = (sums[place] ?? 0) + Number(complete[i].captured.get(currency) ?? 0n);
  }
  const most = Math.max(1, ...sums.filter((value) => value !== undefined));
  const points = Array.from(sums, (value, place) => (value === undefined ? null : `${place * 3},${(19 - 18 * value / most).toFixed(1)}`)).filter(Boolean);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', `0 0 ${SECONDS_SHOWN} 20`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '');
  svg.append(path);
  return svg;
}

function drawAmounts(complete) {
  const currencies = [...new Set(complete.flatMap((entry) => [...entry.captured.keys()]))].sort();
  const body = byId('amounts').tBodies[0];
  body.replaceChildren();
  const captured = (entries, currency) => entries.reduce((total, entry) => total + (entry.captured.get(currency) ?? 0n), 0n);
  for (const currency of currencies) {
    const recent = complete.slice(-10);
    const tr = body.insertRow();
    cell(tr, currency);
    cell(tr, amountText(captured(recent, currency) / BigInt(Math.max(1, recent.length)), currency), 'right');
    cell(tr, amountText(captured(complete.slice(-60), currency), currency), 'right wide');
    cell(tr, '').append(spark(complete, currency));
  }
}

// The list stands still while someone works with it.
function isHeld() {
  return isPaused || isPointedAt || byId('detail').open || byId('payments').contains(document.activeElement);
}

function instrumentText(instrument) {
  return instrument.type === 'card' ? `card ·· ${instrument.last4 ?? instrument.token}` : instrument.type;
}

function drawPayments() {
  const body = byId('payments').tBodies[0];
  body.replaceChildren();
  for (const payment of tally.shown()) {
    const tr = body.insertRow();
    tr.tabIndex = body.rows.length === 1 ? 0 : -1;
    tr.dataset.payment = payment.id;
    clockCell(tr, payment.created);
    cell(tr, payment.id, 'mono wide');
    cell(tr, words(payment.status), `status ${statusClass(payment.status)}`);
    cell(tr, money(payment.amount, payment.currency), 'right');
    cell(tr, payment.merchant);
    cell(tr, payment.payer, 'wide');
    cell(tr, instrumentText(payment.instrument), 'wide');
    cell(tr, payment.decline ? words(payment.decline.code) : '', 'wide');
  }
  byId('empty').hidden = body.rows.length > 0;
}

function draw() {
  const complete = tally.complete(Math.floor(feed.now() / 1000));
  const isOn = byId('connection').dataset.state === 'on' || byId('connection').dataset.state === 'behind';
  if (isOn) connection(behindUntil > Date.now() ? 'Live, with gaps: more events than this browser can follow' : 'Live', behindUntil > Date.now() ? 'behind' : 'on');
  byId('mode').hidden = tally.livemode === null;
  byId('mode').dataset.live = tally.livemode ? 'yes' : 'no';
  set('mode', tally.livemode ? 'LIVE' : 'TEST');
  drawNumbers(complete);
  drawAmounts(complete);
  drawRate(complete);
  drawMix();
  set('held', isHeld() && byId('payments').tBodies[0].rows.length ? 'standing still' : '');
  if (isChanged && !isHeld()) {
    drawPayments();
    isChanged = false;
  }
  const version = tally.known.get(openId)?.version ?? 0;
  if (openId && version > openVersion) detailFill(openId).catch(() => {});
}

// ── one payment ──

function facts(payment) {
  const list = [];
  const add = (name, value) => {
    if (value !== null && value !== undefined && value !== '') list.push([name, value]);
  };
  for (const name of ['amount', 'authorised', 'capturable', 'captured', 'refunded', 'refundable', 'disputed', 'charged_back', 'settled', 'fee']) {
    if (name === 'amount' || payment[name]) add(words(name[0].toUpperCase() + name.slice(1)), money(payment[name], payment.currency));
  }
  add('Merchant', payment.merchant);
  add('Payer', payment.payer);
  add('Paid with', [instrumentText(payment.instrument), payment.instrument.country].filter(Boolean).join(', '));
  add('Decline', payment.decline && `${words(payment.decline.code)}: ${payment.decline.message}`);
  add('Reference', payment.reference);
  add('Description', payment.description);
  add('Rail', [payment.rail?.name, payment.rail?.reference].filter(Boolean).join(' '));
  return list;
}

// Drawn only when all three have come: the dialog is never half of one payment and half of another.
async function detailFill(id) {
  const [payment, events, postings] = await Promise.all([
    feed.get(`/v1/payments/${id}`), feed.get(`/v1/payments/${id}/events`), feed.get(`/v1/payments/${id}/postings`)]);
  openId = id;
  openVersion = payment.version;
  set('detail-title', payment.id);
  set('detail-status', words(payment.status));
  byId('detail-status').className = `status ${statusClass(payment.status)}`;
  byId('detail-facts').replaceChildren(...facts(payment).map(([name, value]) => {
    const pair = document.createElement('div');
    pair.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }));
    return pair;
  }));
  const eventRows = byId('detail-events').tBodies[0];
  eventRows.replaceChildren();
  for (const { created, type, sequence, data: { object } } of events.data) {
    const tr = eventRows.insertRow();
    cell(tr, clock(created));
    cell(tr, type);
    cell(tr, words(object.kind ?? object.object ?? ''));
    cell(tr, object.amount === undefined ? '' : money(object.amount, object.currency ?? payment.currency), 'right');
    cell(tr, sequence, 'right wide');
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
}

async function detailOpen(id) {
  await detailFill(id);
  if (!byId('detail').open) byId('detail').showModal();
}

function detailClosed() {
  const row = byId('payments').querySelector(`tr[data-payment="${CSS.escape(openId)}"]`);
  openId = null;
  row?.focus();
}

function rowFocus(row) {
  if (!row) return;
  for (const other of row.parentElement.rows) other.tabIndex = other === row ? 0 : -1;
  row.focus();
}

function rowKey(event) {
  const row = event.target.closest?.('tr[data-payment]');
  if (!row) return;
  const moves = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Home: row.parentElement.firstElementChild, End: row.parentElement.lastElementChild };
  if (event.key === 'Enter') rowChosen(event);
  else if (event.key === 'Escape') row.blur();
  else if (event.key in moves) rowFocus(moves[event.key]);
  else return;
  event.preventDefault();
}

function rowChosen(event) {
  const row = event.target.closest?.('tr[data-payment]');
  if (row) detailOpen(row.dataset.payment).catch((error) => connection(error.message, 'lost'));
}

// ── the key ──

function forget() {
  feed.stop();
  sessionStorage.removeItem('key');
  byId('key-form').hidden = false;
  byId('forget').hidden = true;
  jobsDraw(byId('jobs'), []);
  connection('Not connected', 'off');
}

function connect(key) {
  tally = new Tally();
  isChanged = true;
  sessionStorage.setItem('key', key);
  byId('key-form').hidden = true;
  byId('forget').hidden = false;
  connection('Connecting', 'off');
  feed.start(key);
  balanceRead().catch(() => {});
  jobsRead().catch(() => {});
}

function listen() {
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    connect(byId('key-input').value.trim());
    byId('key-input').value = '';
  });
  byId('forget').addEventListener('click', forget);
  byId('pause').addEventListener('click', () => {
    isPaused = !isPaused;
    byId('pause').setAttribute('aria-pressed', String(isPaused));
  });
  const payments = byId('payments');
  payments.addEventListener('click', rowChosen);
  payments.addEventListener('keydown', rowKey);
  payments.addEventListener('pointerenter', (event) => { isPointedAt = event.pointerType === 'mouse'; });
  payments.addEventListener('pointerleave', () => { isPointedAt = false; });
  byId('detail').addEventListener('close', detailClosed);
  byId('detail').addEventListener('click', (event) => { if (event.target === byId('detail')) byId('detail').close(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', chartsMake);
}

function start() {
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get('key');
  // The key leaves the address at once: it is not for the history or a screenshot.
  if (fromAddress) history.replaceState(null, '', location.pathname);
  const key = fromAddress ?? sessionStorage.getItem('key');
  listen();
  chartsMake();
  if (key) connect(key);
  else forget();
  setInterval(draw, 500);
  setInterval(() => metricsRead().catch(() => {}), 1000);
  setInterval(() => balanceRead().catch(() => {}), 3000);
  setInterval(() => jobsRead().catch(() => {}), 2000);
  metricsRead().catch(() => {});
}

start();
