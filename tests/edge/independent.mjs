// A second implementation of the edge signature, version 1, for the tests: it shares no line with the
// function under test and runs under Node only.

import { createHmac } from 'node:crypto';

export const SIGNATURE = /^v1;kid=([^;]+);nonce=([^;]+);aud=([^;]+);waf=(pass|none);h=([^;]*);sig=([0-9a-f]{64})$/;

export function signatureOf({ secret, date, kid, nonce, aud, waf, method, path, query, covered }) {
  const lines = ['WAFPASS1-HMAC-SHA256', date, kid, nonce, aud, waf, method, path, query];
  for (const [name, value] of covered) lines.push(`${name}:${value}`);
  const names = covered.map(([name]) => name).join(':');
  const sig = createHmac('sha256', secret).update(lines.join('\n'), 'latin1').digest('hex');
  return `v1;kid=${kid};nonce=${nonce};aud=${aud};waf=${waf};h=${names};sig=${sig}`;
}

// Unix seconds as YYYYMMDDTHHMMSSZ.
export function dateOf(seconds) {
  const t = new Date(seconds * 1000);
  const two = (n) => String(n).padStart(2, '0');
  return `${t.getUTCFullYear()}${two(t.getUTCMonth() + 1)}${two(t.getUTCDate())}`
    + `T${two(t.getUTCHours())}${two(t.getUTCMinutes())}${two(t.getUTCSeconds())}Z`;
}
