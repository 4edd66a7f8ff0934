// Signed requests, for a service with http.require_signature: how they are made is in docs/api.md.

const encoder = new TextEncoder();
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function hmac(key, text) {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
  return crypto.subtle.sign('HMAC', imported, encoder.encode(text));
}

// The three headers of a GET. `seconds` is the time of the service's clock.
export async function signatureOfGet(apiKey, path, seconds) {
  if (!globalThis.crypto?.subtle) {
    throw new Error('This service wants signed requests, and a browser can sign over HTTPS or on the same machine only.');
  }
  const timestamp = String(Math.floor(seconds));
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  const [name, query = ''] = path.split('?', 2);
  const nothing = hex(await crypto.subtle.digest('SHA-256', new Uint8Array()));
  const signingKey = await hmac(encoder.encode(apiKey), 'paystream request signature 1');
  const signature = await hmac(signingKey, ['GET', name, query, '', nothing, timestamp, nonce].join('\n'));
  return { 'Paystream-Timestamp': timestamp, 'Paystream-Nonce': nonce, 'Paystream-Signature': hex(signature) };
}
