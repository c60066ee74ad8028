// Runs the CloudFront function inside nginx (js_content, njs 0.7.9) on an event made from the request.
//
// @DIR@/edge.json is read on each request, so a test can switch the WAF off or rotate a key while
// nginx runs:
//
//     {"kvs": {"wafpass": "<JSON text>"}, "waf": "<value of x-amzn-waf-wafpass>" or null}
//
// "waf" set: a web ACL is attached; like AWS WAF it overwrites the viewer's field of that name.
// "waf" null: no web ACL; whatever the viewer sent under that name reaches the function.

import fs from 'fs';
import signer from './function.js';

async function sign(r) {
  const settings = JSON.parse(fs.readFileSync(`${r.variables.edge_dir}/edge.json`, 'utf8'));
  globalThis.edge = { kvs: settings.kvs, reads: 0 };
  globalThis.console = { log: function (line) { r.warn(line); } }; // nginx has none in njs 0.7.9
  const event = eventOf(r, settings.waf);
  const answer = await signer.handler(event);
  if (answer.statusCode === undefined) {
    forward(r, answer);
  } else {
    respond(r, answer);
  }
}

function eventOf(r, waf) {
  const target = r.variables.request_uri;
  const cut = target.indexOf('?');
  const headers = headersOf(r.rawHeadersIn);
  if (waf !== null) headers['x-amzn-waf-wafpass'] = { value: waf };
  return {
    version: '1.0',
    context: { eventType: 'viewer-request', requestId: r.variables.request_id },
    viewer: { ip: r.remoteAddress },
    request: {
      method: r.method,
      uri: cut < 0 ? target : target.slice(0, cut),
      rawQueryString: function () { return cut < 0 ? undefined : target.slice(cut + 1); },
      querystring: {},
      headers: headers,
      cookies: {},
    },
  };
}

// CloudFront's shape: lower-case names; a repeated field has each value in multiValue and the first in
// value too.
function headersOf(pairs) {
  const headers = {};
  pairs.forEach(function (pair) {
    const name = pair[0].toLowerCase();
    const field = headers[name];
    if (!Object.prototype.hasOwnProperty.call(headers, name)) {
      headers[name] = { value: pair[1] };
    } else {
      field.multiValue = (field.multiValue || [{ value: field.value }]).concat([{ value: pair[1] }]);
    }
  });
  return headers;
}

function forward(r, request) {
  r.variables.signed_date = request.headers['x-cloud-date'].value;
  r.variables.signed_signature = request.headers['x-cloud-signature'].value;
  r.variables.signed_host = request.headers['x-cloud-host'].value;
  r.variables.signed_viewer_ip = request.headers['x-cloud-viewer-ip'].value;
  r.internalRedirect('@origin');
}

function respond(r, response) {
  Object.keys(response.headers).forEach(function (name) { r.headersOut[name] = response.headers[name].value; });
  r.return(response.statusCode, '');
}

export default { sign };
