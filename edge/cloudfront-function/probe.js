// wafpass probe: shows what your own CloudFront hands a viewer-request function. Associate it for a
// few minutes with a behavior of its own (README.md, "Probe"), read the JSON, and remove it again.
// It reads no key and tells whether the WAF's header arrived, never its value.

import crypto from 'crypto';

const WAF_HEADER = 'x-amzn-waf-wafpass';
const RFC_4231_CASE_1 = 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7';

function handler(event) {
  const request = event.request;
  const body = JSON.stringify({
    waf_header: arrival(request.headers[WAF_HEADER]), // "once": the WAF ran before this function
    method: request.method,
    uri: request.uri,
    raw_query: queryOf(request),
    hmac_with_buffer_key: attempt(hmacWorks),
    host_is_own_property: Object.prototype.hasOwnProperty.call(request.headers, 'host'),
    request_id: /^[A-Za-z0-9._=-]{16,128}$/.test(event.context.requestId),
    viewer_ip: /^[0-9A-Fa-f.:]{2,45}$/.test(event.viewer.ip),
    dollar_matches_before_line_feed: /^a$/.test('a\n'), // true in PCRE engines such as njs
  });
  return {
    statusCode: 200,
    statusDescription: 'OK',
    headers: {
      'content-type': { value: 'application/json' },
      'cache-control': { value: 'no-store' },
      'x-content-type-options': { value: 'nosniff' },
    },
    body: body,
  };
}

function arrival(field) {
  if (!field) return 'absent';
  return field.multiValue ? 'repeated' : 'once';
}

function queryOf(request) {
  if (typeof request.rawQueryString !== 'function') return { method: 'missing' };
  const query = request.rawQueryString();
  return query === undefined ? { method: 'present', value: 'undefined' } : { method: 'present', text: query };
}

function hmacWorks() {
  const key = Buffer.from('0b'.repeat(20), 'hex');
  return crypto.createHmac('sha256', key).update('Hi There').digest('hex') === RFC_4231_CASE_1;
}

function attempt(check) {
  try {
    return check();
  } catch (fault) {
    return String(fault);
  }
}
