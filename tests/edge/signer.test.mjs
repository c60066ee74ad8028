// The edge function's behaviour, each case under Node and under njs:
//
//     node --test tests/edge/signer.test.mjs
//
// An engine that is not installed fails the tests; none is skipped.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { SIGNATURE, dateOf, signatureOf } from './independent.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const FUNCTION = path('../../edge/cloudfront-function/index.js');
const PROBE = path('../../edge/cloudfront-function/probe.js');
const REMOVE = path('../../edge/cloudfront-function/remove.js');
const VECTORS = path('../vectors/edge-signature-1.json');
const ENGINES = ['node', 'njs'];

const NOW = 1795307400; // 2026-11-22T00:30:00Z
const NONCE = 'U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==';
const SECRET = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const KEY = SECRET.toString('base64url');
const WAF_A = 'waf-value-a-0123456789abcdefghijklmn';
const WAF_B = 'waf-value-b-0123456789abcdefghijklmn';
const CONFIG = { kid: '2026-11-a', key: KEY, aud: 'shop', waf_secrets: [WAF_A] };
const OURS = ['x-cloud-date', 'x-cloud-host', 'x-cloud-signature', 'x-cloud-viewer-ip'];

const cases = [];

// One case: what a request, event or configuration differs in, and what must come of it.
function add(name, { request, headers, event, config, kvs, now, raw }, expect) {
  const full = {
    version: '1.0',
    context: { distributionDomainName: 'd111.cloudfront.net', eventType: 'viewer-request', requestId: NONCE },
    viewer: { ip: '203.0.113.9' },
    request: {
      method: 'GET', uri: '/', rawQueryString: null, querystring: { a: { value: '1' } }, cookies: { c: { value: '2' } },
      headers: { host: { value: 'shop.example' }, 'x-amzn-waf-wafpass': { value: WAF_A }, ...headers },
      ...request,
    },
    ...event,
  };
  for (const [field, value] of Object.entries(full.request.headers)) {
    if (value === undefined) delete full.request.headers[field];
  }
  const text = raw === undefined ? JSON.stringify({ ...CONFIG, ...config }) : raw;
  const job = { name, now: now ?? NOW, kvs: kvs === undefined ? { wafpass: text } : kvs, event: full };
  assert.ok(!cases.some((other) => other.job.name === name), `two cases are named ${name}`);
  cases.push({ job, expect, secrets: secretsOf(text) });
}

function secretsOf(text) {
  try {
    const { key, waf_secrets: waf } = JSON.parse(text);
    return [key, ...waf].filter((secret) => typeof secret === 'string' && secret.length >= 8);
  } catch {
    return [KEY, WAF_A];
  }
}

const signed = (expect = {}) => ({ signed: expect });
const refused = (status, reason) => ({ refused: [status, reason] });
const badRequest = refused(400, 'malformed-request');
const badTarget = refused(400, 'malformed-target');
const noEvidence = refused(403, 'no-waf-evidence');

// ---- What gets signed. `sig` was computed with another implementation, in Python.

add('root', {}, signed({ sig: '0f1c041d19550c9cec6c548db4d828adc482071fb59faea2bd30b61e196c3b10' }));
add('path and query', { request: { uri: '/a', rawQueryString: 'b=1' } },
  signed({ sig: 'b4781776b0d1e99b485e2e09cb04dcff1fb26bcfff2f1c176111cf4f671a8e40' }));
add('raw bytes are kept', {
  request: { method: 'POST', uri: '//a/%2e%2E/', rawQueryString: 'x=%20&x=+&y' }, config: { without_waf: 'sign-none' },
  headers: { 'x-amzn-waf-wafpass': undefined },
}, signed({ waf: 'none', sig: 'f7f6628d7cea2604d3a5a13cee692829615078a671e2371642f894d748064631' }));
add('options asterisk', { request: { method: 'OPTIONS', uri: '*' } },
  signed({ sig: 'abc582ac231ade7ddca34ad10ba67267c41382c1333fe043e01436d6fa739b01' }));
add('query mode none', { request: { uri: '/a', rawQueryString: 'b=1' }, config: { query: 'none' } },
  signed({ query: '', sig: 'd7354241b8de515003b3733044c5c3ba6d457584e6649f9ae1fe4cbcd820b9fc' }));
add('IPv6, host with port, leap day', {
  headers: { host: { value: '[2001:db8::1]:8443' } }, event: { viewer: { ip: '2001:db8::7' } }, now: 951782399,
}, signed({ date: '20000228T235959Z', sig: '3d0ad256d6721ce5860097fbd33c9e2366924bb75fb2260da680e4e36f669489' }));
add('a bare ? is no query', { request: { rawQueryString: '' } }, signed());
add('a ? inside the query', { request: { rawQueryString: '?a?b' } }, signed());
add('query mode all, spelt out', { request: { rawQueryString: 'b=1' }, config: { query: 'all' } }, signed());
add('querystring is never looked at', { request: { rawQueryString: 'z=9', querystring: { a: { value: '%' } } } }, signed());
add('a path that looks like a name of Object', { request: { uri: '/__proto__' } }, signed());
add('method case is kept', { request: { method: 'get' } }, signed());
add('method with every token character', { request: { method: "!#$%&'*+-.^_`|~09azAZ" } }, signed());
add('every visible byte in path and query', {
  request: { uri: `/${visible('#?')}`, rawQueryString: visible('#') },
}, signed());
add('nonce of 16', { event: { context: { requestId: 'aA0._=-aA0._=-16' } } }, signed());
add('nonce of 128', { event: { context: { requestId: 'n'.repeat(128) } } }, signed());
add('kid and aud of 64', { config: { kid: 'k'.repeat(64), aud: 'a._-0'.padEnd(64, 'Z') } }, signed());
add('key longer than a block', { config: { key: Buffer.alloc(100, 7).toString('base64url') } }, signed());
add('shortest and longest address', { event: { viewer: { ip: '0000:0000:0000:0000:0000:ffff:255.255.255.255' } } },
  signed());
add('other headers are left alone', {
  headers: { 'x-amzn-waf-other': { value: 'o' }, accept: { value: 'a', multiValue: [{ value: 'a' }, { value: 'b' }] },
  'x-cloud-hosts': { value: 'p' }, 'x-cloud': { value: 'q' }, 'x-clouddate': { value: 'r' },
      'x--cloud-date': { value: 's' } },
}, signed());
add('headers named like parts of Object', {
  headers: { ...JSON.parse('{"__proto__": {"value": "shop.example"}}'), constructor: { value: 'c' },
  tostring: { value: 't' },
  hasownproperty: { value: 'h' } },
}, signed());
add('a harmless Connection', { headers: { connection: { value: 'keep-alive, x-other' } } }, signed());
add('an odd field nobody reads', { headers: { 'x-odd': 5, 'x-none': null } }, signed());

function visible(except) {
  return Array.from({ length: 0x7e - 0x20 }, (_,
    i) => String.fromCharCode(0x21 + i)).filter((c) => !except.includes(c)).join('');
}

// ---- Inbound copies and aliases go, repeated or not.

for (const name of [...OURS, 'x-amzn-waf-wafpass']) {
  for (const alias of [name, name.replaceAll('-', '_'), name.replaceAll('-', '.'), name.replace('-', '_'),
    name.toUpperCase()]) {
    if (alias === 'x-amzn-waf-wafpass') continue;
    add(`inbound ${alias}`, { headers: { [alias]: { value: 'forged' } } }, signed());
    add(`inbound ${alias}, twice`, { headers: { [alias]: { value: 'f', multiValue: [{ value: 'f' },
      { value: 'g' }] } } }, signed());
    add(`inbound ${alias}, odd`, { headers: { [alias]: { multiValue: [{ value: 'f' }] } } }, signed());
  }
}

// ---- Row 0: method, Host, Connection.

for (const [what, method] of Object.entries({
  space: 'GE T', empty: '', 'non-ASCII': 'GÉT', 'line feed': 'GET\n', null: null, number: 5, list: ['GET'],
  nul: 'GET\0', 'full width': 'ＧＥＴ',
})) {
  add(`method ${what}`, { request: { method } }, badRequest);
}
for (const [what, host] of Object.entries({
  absent: undefined, empty: { value: '' }, 'without value': {}, null: null, number: { value: 5 },
  list: { value: ['shop.example'] }, text: 'shop.example',
  'non-ASCII': { value: 'shöp.example' }, 'line feed': { value: 'shop.example\n' },
  'CR LF': { value: 'shop.example\r\nx-cloud-host: a' },
  space: { value: 'shop example' }, tab: { value: 'shop.example\t' }, nul: { value: 'shop\0' }, DEL: { value: 'shop\x7f' },
  twice: { value: 'shop.example', multiValue: [{ value: 'shop.example' }, { value: 'shop.example' }] },
  'multiValue of one': { value: 'shop.example', multiValue: [{ value: 'shop.example' }] },
  'multiValue of none': { value: 'shop.example', multiValue: [] }, 'multiValue null': { value: 'shop.example',
  multiValue: null },
  'only multiValue': { multiValue: [{ value: 'shop.example' }] },
})) {
  add(`host ${what}`, { headers: { host } }, badRequest);
}
add('host is only inherited', { headers: { host: undefined,
  ...JSON.parse('{"__proto__": {"host": {"value": "evil.example"}}}') } }, badRequest);
for (const value of ['x-cloud-date', 'close, X-Cloud-Signature', 'x_cloud.host', ' x-cloud-viewer-ip\t',
  'a,,x-cloud-host']) {
  add(`connection ${JSON.stringify(value)}`, { headers: { connection: { value } } }, badRequest);
}
add('connection twice', {
  headers: { connection: { value: 'close', multiValue: [{ value: 'close' }, { value: 'x-cloud-date' }] } },
}, badRequest);

// ---- Row 4: the target.

for (const [what, uri] of Object.entries({
  empty: '', relative: 'a', asterisk: '*', 'absolute-form': 'http://shop.example/', space: '/a b',
  'non-ASCII': '/café', fragment: '/#x',
  'with ?': '/a?b', 'line feed': '/a\n', 'CR LF': '/a\r\nx: y', nul: '/\0', DEL: '/\x7f', null: null, number: 5,
  list: ['/a'], asterisks: '**',
})) {
  add(`path ${what}`, { request: { uri } }, badTarget);
}
add('path asterisk, options in lower case', { request: { method: 'options', uri: '*' } }, badTarget);
add('path asterisk and more, options', { request: { method: 'OPTIONS', uri: '*/a' } }, badTarget);
for (const [what, query] of Object.entries({ space: 'a b', 'non-ASCII': 'é', fragment: 'a#b', 'line feed': 'a=1\n',
  nul: '\0', 'a lone LF': '\n' })) {
  add(`query ${what}`, { request: { rawQueryString: query } }, badTarget);
  add(`query ${what}, query mode none`, { request: { rawQueryString: query }, config: { query: 'none' } }, badTarget);
}

// ---- What is missing or odd at the edge.

for (const [what, rawQueryString] of Object.entries({ 'is missing': undefined, 'is a number': 5,
  'returns null': { returns: null },
  'returns a list': { returns: ['a'] }, 'returns an object': { returns: {} }, 'returns false': { returns: false } })) {
  add(`rawQueryString ${what}`, { request: { rawQueryString } }, refused(503, 'no-raw-query'));
}
for (const [what, requestId] of Object.entries({ missing: undefined, empty: '', 'of 15': 'n'.repeat(15),
  'of 129': 'n'.repeat(129), null: null, number: 1234567890123456,
  list: [NONCE], 'with ;': `${NONCE};aud=x`, 'with a line feed': `${NONCE}\n`, 'non-ASCII digits': '٠'.repeat(20),
  'with +': 'a+b+c+d+e+f+g+h+i+j' })) {
  add(`request id ${what}`, { event: { context: { requestId } } }, refused(503, 'no-request-id'));
}
for (const [what, ip] of Object.entries({ missing: undefined, empty: '', null: null, number: 5, list: ['203.0.113.9'],
  'a name': 'localhost', 'with a line feed': '203.0.113.9\n',
  'with a zone': 'fe80::1%eth0', 'with a space': '203.0.113.9 ', 'non-ASCII digits': '٢٠٣.0.113.9',
  'too long': '1'.repeat(46) })) {
  add(`viewer ip ${what}`, { event: { viewer: { ip } } }, refused(503, 'no-viewer-ip'));
}
add('no context', { event: { context: undefined } }, refused(503, 'unexpected'));
add('no viewer', { event: { viewer: undefined } }, refused(503, 'unexpected'));
add('no headers', { request: { headers: {} } }, badRequest);
add('no request', { event: { request: { headers: {} } } }, badRequest);
add('a clock that is none', { now: 'x' }, refused(503, 'unexpected'));
cases.push({ job: { name: 'no event', now: NOW, kvs: {}, event: null }, expect: refused(503, 'unexpected'), secrets: [] });
cases.push({ job: { name: 'empty event', now: NOW, kvs: {}, event: {} }, expect: refused(503, 'unexpected'), secrets: [] });

// ---- The stored value.

add('no store', { kvs: null }, refused(503, 'config-missing'));
add('no such key in the store', { kvs: { other: JSON.stringify(CONFIG) } }, refused(503, 'config-missing'));
for (const [what, raw] of Object.entries({ empty: '', 'no JSON': '{"key":"' + KEY, null: 'null', number: '5',
  text: '"x"', true: 'true', 'two values': '{}{}' })) {
  add(`config ${what}`, { raw }, refused(503, 'config-json'));
}
add('config a list', { raw: JSON.stringify([CONFIG]) }, refused(503, 'config-unknown-field'));
add('config an empty list', { raw: '[]' }, refused(503, 'config-kid'));
for (const field of ['extra', 'KID', 'toString', 'constructor', 'kid ']) {
  add(`config field ${field}`, { config: { [field]: 'x' } }, refused(503, 'config-unknown-field'));
}
add('config field __proto__', { raw: JSON.stringify(CONFIG).replace('{',
  '{"__proto__":{"without_waf":"sign-none"},') }, refused(503, 'config-unknown-field'));
add('config from a prototype', { raw: JSON.stringify({ __proto__: null, toString: 1 }).replace('"toString":1',
  `"__proto__":${JSON.stringify(CONFIG)}`) }, refused(503, 'config-unknown-field'));

const oddLabels = { missing: undefined, empty: '', 'of 65': 'k'.repeat(65), null: null, number: 5, list: ['shop'],
  object: {}, 'with ;': 'a;b', 'with a line feed': 'shop\n',
  'with =': 'a=b', 'non-ASCII': 'é', 'full-width digits': '１２', space: 'a b' };
for (const field of ['kid', 'aud']) {
  for (const [what, value] of Object.entries(oddLabels)) {
    add(`config ${field} ${what}`, { config: { [field]: value } }, refused(503, `config-${field}`));
  }
}
for (const [what, key] of Object.entries({
  missing: undefined, empty: '', null: null, number: 5, list: [KEY], 'of 31 bytes': Buffer.alloc(31,
    1).toString('base64url'), padded: `${KEY}=`,
  'in base64': Buffer.alloc(48, 0xfb).toString('base64'), 'with a line feed': `${KEY}\n`, 'with a space': ` ${KEY}`,
  'with stray bits': `${KEY.slice(0, -1)}9`,
  'of an impossible length': 'A'.repeat(45), 'non-ASCII': `${KEY}é`, 'in hex, 42 digits': 'a'.repeat(42),
})) {
  add(`config key ${what}`, { config: { key } }, refused(503, 'config-key'));
}
for (const [what, value] of Object.entries({
  missing: undefined, null: null, text: WAF_A, object: { 0: WAF_A, length: 1 }, three: [WAF_A, WAF_B, WAF_A],
  'of 31': ['s'.repeat(31)], 'second of 31': [WAF_A, 's'.repeat(31)],
  'with empty': [''], number: [12345678901234567890], nested: [[WAF_A]], 'with null': [WAF_A, null],
  'with a line feed': [`${WAF_A}\n`], 'with a space': [`${WAF_A} `],
  'non-ASCII': [`${WAF_A}é`],
})) {
  add(`config waf_secrets ${what}`, { config: { waf_secrets: value } }, refused(503, 'config-waf-secrets'));
}
for (const value of ['', 'sign', 'Sign-none', null, true, false, ['sign-none'], 'sign-none\n']) {
  add(`config without_waf ${JSON.stringify(value)}`, { config: { without_waf: value } }, refused(503, 'config-without-waf'));
}
for (const value of ['', 'ALL', null, true, ['none'], 'none\n']) {
  add(`config query ${JSON.stringify(value)}`, { config: { query: value } }, refused(503, 'config-query'));
}

// ---- WAF evidence: every state of the header, against one value, two and none, in both settings.

const evidence = {
  right: [{ value: WAF_A }, [[WAF_A], [WAF_A, WAF_B], [WAF_B, WAF_A], [WAF_A, WAF_A]]],
  second: [{ value: WAF_B }, [[WAF_B], [WAF_A, WAF_B], [WAF_B, WAF_A]]],
  absent: [undefined, []],
  empty: [{ value: '' }, []],
  prefix: [{ value: WAF_A.slice(0, -1) }, []],
  longer: [{ value: `${WAF_A}x` }, []],
  'other case': [{ value: WAF_A.toUpperCase() }, []],
  'with a space': [{ value: `${WAF_A} ` }, []],
  'in a list': [{ value: `${WAF_A}, ${WAF_A}` }, []],
  twice: [{ value: WAF_A, multiValue: [{ value: WAF_A }, { value: WAF_A }] }, []],
  'twice, wrong first': [{ value: 'x', multiValue: [{ value: 'x' }, { value: WAF_A }] }, []],
  'multiValue of one': [{ value: WAF_A, multiValue: [{ value: WAF_A }] }, []],
  'only multiValue': [{ multiValue: [{ value: WAF_A }] }, []],
  'a list as value': [{ value: [WAF_A] }, []],
  'an object as value': [{ value: { value: WAF_A } }, []],
  'no value': [{}, []],
  null: [null, []],
  'plain text': [WAF_A, []],
  'the word undefined': [{ value: 'undefined' }, []],
  'very long': [{ value: WAF_A.repeat(400) }, []],
};
const lists = [[], [WAF_A], [WAF_B], [WAF_A, WAF_B], [WAF_B, WAF_A], [WAF_A, WAF_A]];
for (const [what, [header, matching]] of Object.entries(evidence)) {
  for (const list of lists) {
    const pass = matching.some((other) => other.join() === list.join());
    const title = `evidence ${what}, values ${list.map((v) => (v === WAF_A ? 'A' : 'B')).join('') || 'none'}`;
    const headers = { 'x-amzn-waf-wafpass': header };
    add(`${title}, sign-none`, { headers, config: { waf_secrets: list, without_waf: 'sign-none' } },
      signed({ waf: pass ? 'pass' : 'none' }));
    add(`${title}, refuse`, { headers, config: { waf_secrets: list, without_waf: 'refuse' } }, pass ? signed() : noEvidence);
    add(`${title}, default`, { headers, config: { waf_secrets: list } }, pass ? signed() : noEvidence);
  }
}
for (const alias of ['x_amzn_waf_wafpass', 'x-amzn-waf_wafpass', 'X-AMZN-WAF-WAFPASS', 'x-amzn-waf-wafpass ']) {
  add(`evidence under ${JSON.stringify(alias)}`, { headers: { 'x-amzn-waf-wafpass': undefined,
    [alias]: { value: WAF_A } } }, noEvidence);
}

// ---- The shared vectors: what row 0 or 4 refuses is refused, everything else comes out signed.

// Where the edge rightly differs from the origin's verdict in the file.
const EDGE_DIFFERS = {
  'absolute form': 'CloudFront hands on a path: an absolute-form target is refused',
  'absolute form, no path': 'as above',
  'absolute form in upper case': 'as above',
  'absolute form, host in other case': 'as above',
  'absolute form for another host': 'refused as a target, whatever the host',
  'absolute form with userinfo': 'as above',
  'absolute form without authority': 'as above',
  'origin path absent': 'CloudFront adds the origin path behind the function',
  'origin path glued': 'as above',
  'connection names a listed field': 'a field that this function does not cover',
};

function vectorExpectation({ name, request: { target }, expect, config }) {
  if (EDGE_DIFFERS[name]) return /^https?:/i.test(target) ? badTarget : signed({ secret: secretOf(config) });
  if (expect === 'malformed-request') return badRequest;
  if (expect === 'malformed-target') return badTarget;
  return signed({ secret: secretOf(config) });
}

const secretOf = (config) => Buffer.from(config.keys[0].secret, 'base64');

function eventHeaders(pairs) {
  const headers = { host: undefined };
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    const field = headers[lower];
    if (field) field.multiValue = [...(field.multiValue ?? [{ value: field.value }]), { value }];
    else headers[lower] = { value };
  }
  return headers;
}

const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')).cases;
const vectorNames = new Set(vectors.map((vector) => vector.name));
for (const vector of vectors) {
  const { method, target, headers } = vector.request;
  const cut = target.indexOf('?');
  const request = { method, uri: cut < 0 ? target : target.slice(0, cut),
    rawQueryString: cut < 0 ? null : target.slice(cut + 1) };
  const config = { kid: vector.config.keys[0].kid, key: secretOf(vector.config).toString('base64url'),
    aud: vector.config.audience };
  if (vector.config.query) config.query = vector.config.query;
  add(`vector: ${vector.name}`, { request, headers: eventHeaders(headers), config, now: vector.now },
    vectorExpectation(vector));
}

// ---- Running and judging.

const results = Object.fromEntries(ENGINES.map((engine) => [engine, runAll(engine, cases.map((one) => one.job))]));

function runAll(engine, jobs, env = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'wafpass-edge-'));
  try {
    writeFileSync(join(dir, 'jobs.json'), JSON.stringify(jobs));
    execFileSync(path('run.sh'), [engine, join(dir, 'jobs.json'), join(dir, 'results.json')], {
      stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env },
    });
    return JSON.parse(readFileSync(join(dir, 'results.json'), 'utf8'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function checkRefused(result, [status, reason]) {
  assert.equal(result.request, undefined, 'the request went through');
  assert.equal(result.response.headers['x-wafpass-refused'].value, reason);
  assert.equal(result.response.statusCode, status);
  assert.deepEqual(Object.keys(result.response).sort(), ['headers', 'statusCode', 'statusDescription']);
  assert.deepEqual(Object.keys(result.response.headers).sort(), ['cache-control', 'x-wafpass-refused']);
  assert.equal(result.response.headers['cache-control'].value, 'no-store');
  assert.deepEqual(result.logs, [`wafpass refused: ${reason}`]);
}

// What the function must have made of the job, computed here.
function expectedHeaders(job, expect) {
  const { request, context, viewer } = job.event;
  const config = JSON.parse(job.kvs.wafpass);
  const date = dateOf(job.now);
  const host = request.headers.host.value;
  const value = signatureOf({
    secret: expect.secret ?? Buffer.from(config.key, 'base64url'),
    date, kid: config.kid, nonce: context.requestId, aud: config.aud, waf: expect.waf ?? 'pass', method: request.method,
    path: request.uri, query: config.query === 'none' ? '' : request.rawQueryString ?? '',
    covered: [['x-cloud-host', host], ['x-cloud-viewer-ip', viewer.ip]],
  });
  const ours = { 'x-cloud-date': date, 'x-cloud-host': host, 'x-cloud-signature': value, 'x-cloud-viewer-ip': viewer.ip };
  const removed = [...OURS, 'x-amzn-waf-wafpass'];
  const kept = Object.entries(request.headers).filter(([name]) => !removed.includes(name.toLowerCase().replaceAll(/[_.]/g, '-')));
  return Object.fromEntries([...kept, ...Object.entries(ours).map(([name, text]) => [name, { value: text }])]);
}

function checkSigned(result, job, expect) {
  assert.equal(result.response, undefined, JSON.stringify(result.response));
  const { headers, ...rest } = result.request;
  const { headers: _, rawQueryString: __, ...sent } = job.event.request;
  assert.deepEqual(rest, sent, 'method, uri, querystring and cookies are not touched');
  assert.deepEqual(headers, expectedHeaders(job, expect));
  assert.equal(result.kvs_reads, 1);
  assert.deepEqual(result.logs, []);
  const value = headers['x-cloud-signature'].value;
  assert.match(value, SIGNATURE);
  if (expect.sig) assert.ok(value.endsWith(`;sig=${expect.sig}`), value);
  if (expect.date) assert.equal(headers['x-cloud-date'].value, expect.date);
}

for (const engine of ENGINES) {
  test(`every case ran under ${engine}`, () => {
    assert.deepEqual(results[engine].map((result) => result.name), cases.map((one) => one.job.name));
  });
  cases.forEach(({ job, expect, secrets }, i) => {
    test(`${engine}: ${job.name}`, () => {
      const result = results[engine][i];
      assert.equal(result.error, undefined);
      assert.ok(result.kvs_reads <= 1);
      for (const secret of secrets) assert.ok(!JSON.stringify(result).includes(secret), 'a secret got out');
      if (expect.refused) checkRefused(result, expect.refused);
      else checkSigned(result, job, expect.signed);
    });
  });
}

test('every exception from the vector file is still in it', () => {
  for (const name of Object.keys(EDGE_DIFFERS)) assert.ok(vectorNames.has(name), name);
});

// ---- The files themselves.

for (const [name, file] of [['index.js', FUNCTION], ['probe.js', PROBE], ['remove.js', REMOVE]]) {
  const source = readFileSync(file, 'utf8');
  test(`${name} fits CloudFront's limit of 10,240 bytes`, () => {
    assert.ok(Buffer.byteLength(source) < 10_240, `${Buffer.byteLength(source)} bytes`);
  });
  test(`${name} is ASCII but for the section sign, imports what the runtime has and exports nothing`, () => {
    assert.match(source, /^[\n -~§]*$/);
    const imports = source.match(/^import .*$/gm) ?? [];
    for (const line of imports) assert.ok(["import crypto from 'crypto';",
      "import cf from 'cloudfront';"].includes(line), line);
    assert.ok(!/^export/m.test(source));
    assert.match(source, /^(async )?function handler\(event\) \{$/m);
  });
  test(`${name} uses nothing that makes code or chance`, () => {
    assert.ok(!/\beval\b|\bFunction\(|Math\.random|setTimeout/.test(source));
  });
}

// The first case through a changed copy of the function, under both engines.
function withChange(file, change, job, judge) {
  const dir = mkdtempSync(join(tmpdir(), 'wafpass-edge-'));
  try {
    const source = readFileSync(file, 'utf8');
    const changed = change(source);
    writeFileSync(join(dir, 'index.js'), changed);
    for (const engine of ENGINES) judge(runAll(engine, [job], { EDGE_FUNCTION: join(dir, 'index.js') })[0],
      changed !== source);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('a fault nobody foresaw is refused and its text goes nowhere', () => {
  const change = (source) => source.replace(".digest('hex')", `.digest('hex').then('${KEY}')`);
  withChange(FUNCTION, change, cases[0].job, (result, changed) => {
    assert.ok(changed);
    checkRefused(result, [503, 'unexpected']);
    assert.ok(!JSON.stringify(result).includes(KEY));
  });
});

test('the probe tells whether the WAF header came, not what it holds', () => {
  const job = structuredClone(cases[0].job);
  const ask = (headers, expected) => {
    Object.assign(job.event.request, { uri: '//a/%2e%2e/b', rawQueryString: '',
      headers: { host: { value: 'shop.example' }, ...headers } });
    withChange(PROBE, (source) => source, job, (result) => {
      assert.equal(result.response.statusCode, 200);
      assert.ok(!JSON.stringify(result).includes(WAF_A));
      const told = JSON.parse(result.response.body);
      assert.equal(told.waf_header, expected);
      assert.deepEqual([told.uri, told.raw_query], ['//a/%2e%2e/b', { method: 'present', text: '' }]);
      for (const good of ['hmac_with_buffer_key', 'host_is_own_property', 'request_id',
        'viewer_ip']) assert.equal(told[good], true, good);
    });
  };
  ask({}, 'absent');
  ask({ 'x-amzn-waf-wafpass': { value: WAF_A } }, 'once');
  ask({ 'x-amzn-waf-wafpass': { value: WAF_A, multiValue: [{ value: WAF_A }, { value: WAF_A }] } }, 'repeated');
});

test('remove.js removes the fields and their aliases, and nothing else', () => {
  const job = structuredClone(cases[0].job);
  const kept = { host: { value: 'shop.example' }, 'x-cloud': { value: 'a' }, 'x-amzn-waf-other': { value: 'b' } };
  const removed = [...OURS, 'x-amzn-waf-wafpass', 'x_cloud_date', 'x.cloud-signature', 'x_amzn.waf-wafpass', 'X-Cloud-Host'];
  job.event.request.headers = { ...kept, ...Object.fromEntries(removed.map((name) => [name, { value: WAF_A }])) };
  withChange(REMOVE, (source) => source, job, (result) => assert.deepEqual(result.request.headers, kept));
});
