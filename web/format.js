// Text of amounts, times and durations. No floating point touches money.

// ISO 4217 exponents other than 2, as the service has them.
const EXPONENTS = new Map();
for (const code of 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ')) EXPONENTS.set(code, 0);
for (const code of 'BHD IQD JOD KWD LYD OMR TND'.split(' ')) EXPONENTS.set(code, 3);
for (const code of 'CLF UYW'.split(' ')) EXPONENTS.set(code, 4);

// Minor units (number or BigInt) as exact text: 123456 EUR → "1 234.56".
export function amountText(amount, currency) {
  const exponent = EXPONENTS.get(currency) ?? 2;
  const value = BigInt(amount);
  const digits = String(value < 0n ? -value : value).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  const fraction = exponent ? '.' + digits.slice(-exponent) : '';
  return (value < 0n ? '−' : '') + whole + fraction;
}

export function money(amount, currency) {
  return `${amountText(amount, currency)}\u00a0${currency}`;
}

// Local time of day with milliseconds.
export function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour12: false }) + '.' + time.slice(20, 23);
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(seconds < 1e-5 ? 1 : 0)} µs`;
  return seconds < 1 ? `${(seconds * 1e3).toFixed(seconds < 1e-2 ? 2 : 1)} ms` : `${seconds.toFixed(2)} s`;
}

export function percent(part, whole) {
  return whole ? `${(100 * part / whole).toFixed(1)} %` : '–';
}

// "partially_captured" → "partially captured"
export function words(name) {
  return name.replaceAll('_', ' ');
}
