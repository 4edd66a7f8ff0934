// The streaming jobs of the service, each with its newest rows.
import { amountText, clock, words } from './format.js';

const ROWS_SHOWN = 8;
const TIME = /^\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d)(?:\.\d+)?(Z?)$/;

// Amounts in the currency of their row, times without the day, the rest as it is.
function cellText(value, column, currency) {
  if (value === null) return '';
  if (Number.isSafeInteger(value) && /amount$/.test(column.name) && currency) return amountText(value, currency);
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toPrecision(4);
  const time = typeof value === 'string' ? TIME.exec(value) : null;
  if (time) return time[2] ? clock(value.replace(' ', 'T')) : time[1];
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function element(name, text, className) {
  return Object.assign(document.createElement(name), { textContent: text ?? '', className: className ?? '' });
}

function stateText(job) {
  const counted = `${job.rows_in.toLocaleString('en')} rows in, ${job.rows_out.toLocaleString('en')} out`;
  const late = job.rows_late ? `, ${job.rows_late.toLocaleString('en')} late` : '';
  return job.error ? `failed: ${job.error}` : job.status === 'running' ? counted + late : `${job.status}; ${counted}${late}`;
}

function isNumeric(column) {
  return /^(TINYINT|SMALLINT|INT|BIGINT|DECIMAL|FLOAT|DOUBLE)\b/.test(column.type);
}

function jobTable(job) {
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const column of job.columns) {
    const th = element('th', words(column.name), isNumeric(column) ? 'right' : '');
    th.scope = 'col';
    head.append(th);
  }
  const body = table.createTBody();
  const place = job.columns.findIndex((column) => column.name === 'currency');
  for (const { op, row } of job.rows.slice(0, ROWS_SHOWN)) {
    const tr = body.insertRow();
    if (op === '-D') tr.className = 'gone';
    row.forEach((value, i) => tr.append(element('td', cellText(value, job.columns[i], row[place]), isNumeric(job.columns[i]) ? 'right' : '')));
  }
  return table;
}

// Puts the jobs into `section`, which is hidden when there are none.
export function jobsDraw(section, jobs) {
  section.hidden = jobs.length === 0;
  const shown = [...jobs].sort((a, b) => (b.rows.length > 0) - (a.rows.length > 0));   // those without rows come last
  section.querySelector('.jobs').replaceChildren(...shown.map((job) => {
    const part = element('div', '', 'job');
    part.dataset.job = job.name;
    part.append(element('h3', words(job.name)), element('p', stateText(job), job.error ? 'hint bad' : 'hint'));
    const scroll = element('div', '', 'scroll');
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', `Newest rows of ${words(job.name)}`);
    if (job.rows.length) scroll.append(jobTable(job));
    else scroll.append(element('p', 'No rows yet.', 'empty'));
    part.append(scroll);
    return part;
  }));
}
