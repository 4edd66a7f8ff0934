// The way to the service: calls with the key, and the event stream, which is followed for ever.

import { signatureOfGet } from './signature.js';

// So much of the past is read when the page opens: numbers and charts do not start empty.
const EVENTS_BEFORE = 4000;
// A browser cannot take every event of a busy service: this far behind, it goes on with the newest.
const LAG_MAX_MS = 10000;
const CATCH_UP_MS = 15000;

export class Feed {
  // `on`: {event(event), state(text, how), denied(error), skipped()}
  constructor(on) {
    this.on = on;
    this.key = null;
    this.signs = false;  // the service has asked for signed requests
    this.after = null;   // sequence to go on from; null: near the end
    this.clockSkew = 0;  // the service's clock minus ours, in milliseconds
    this.controller = null;
  }

  now() {
    return Date.now() + this.clockSkew;
  }

  // `options` of fetch, but for the headers of the key: those are made here, anew for each request.
  async request(path, { headers, ...options } = {}) {
    const ofKey = this.key ? { Authorization: `Bearer ${this.key}` } : {};
    if (this.key && this.signs) Object.assign(ofKey, await this.#signature(path));
    const reply = await fetch(path, { headers: { ...headers, ...ofKey }, ...options });
    if (!reply.ok) {
      const body = await reply.json().catch(() => ({}));
      if (body.error?.code === 'signature_missing' && !this.signs) {
        this.signs = true;
        return this.request(path, { headers, ...options });
      }
      const error = new Error(body.error?.message ?? `The service answered HTTP ${reply.status}.`);
      error.status = reply.status;
      throw error;
    }
    const date = Date.parse(reply.headers.get('Date'));
    // The header has whole seconds: half a second is what it hides on average.
    if (Number.isFinite(date)) this.clockSkew = Math.abs(date + 500 - Date.now()) < 2000 ? 0 : date + 500 - Date.now();
    return reply;
  }

  async #signature(path) {
    try {
      return await signatureOfGet(this.key, path, this.now() / 1000);
    } catch (error) {
      error.status = 401; // to be told and asked about, not tried again
      throw error;
    }
  }

  async get(path) {
    return (await this.request(path)).json();
  }

  start(key) {
    this.key = key;
    this.after = null;
    this.#followForEver(key);
  }

  stop() {
    this.key = null;
    this.controller?.abort();
  }

  async #followForEver(key) {
    let wait = 500;
    while (this.key === key) {
      try {
        if (this.after === null) {
          const newest = (await this.get('/v1/payments?limit=1')).data[0]?.sequence ?? 0;
          this.after = Math.max(0, newest - EVENTS_BEFORE);
        }
        await this.#follow();
        wait = 500;
      } catch (error) {
        if (this.key !== key) return;
        if (error.status === 401 || error.status === 403) {
          this.on.denied(error);
          return;
        }
        const what = error instanceof TypeError ? 'The service cannot be reached' : error.message.replace(/\.$/, '');
        this.on.state(`${what}; trying again`, 'lost');
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(wait * 2, 8000);
      }
    }
  }

  // Server-sent events over fetch, because EventSource cannot send a key. Returns to begin again with the newest.
  async #follow() {
    this.controller = new AbortController();
    const headers = { Accept: 'text/event-stream' };
    const reply = await this.request(`/v1/stream?after=${this.after}`, { headers, signal: this.controller.signal });
    this.on.state('Live', 'on');
    const since = Date.now();
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) throw new Error('The stream ended');
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      const newest = this.#take(blocks);
      if (newest && Date.now() - since > CATCH_UP_MS && this.now() - newest > LAG_MAX_MS) {
        this.controller.abort();
        this.after = null;
        this.on.skipped();
        return;
      }
    }
  }

  // The time of the newest event in the blocks; 0 when there is none.
  #take(blocks) {
    let newest = 0;
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n');
      if (!data) continue;
      const event = JSON.parse(data);
      this.after = event.sequence;
      newest = Date.parse(event.created);
      this.on.event(event);
    }
    return newest;
  }
}
