// The edge function in nginx, with real requests to a Node origin that verifies each one:
//
//     node --test tests/edge/nginx/nginx.test.mjs
//
// Fails, rather than skips, where nginx or its njs module is missing.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { SIGNATURE, signatureOf } from '../independent.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const SECRET = Buffer.alloc(32, 0x5a);
const WAF = 'waf-value-0123456789abcdefghijklmnop';
const CONFIG = { kid: 'k1', key: SECRET.toString('base64url'), aud: 'shop', waf_secrets: [WAF] };

const dir = mkdtempSync(join(tmpdir(), 'wafpass-nginx-'));
let origin, nginx, port;

function settings(config, waf) {
  writeFileSync(join(dir, 'edge.new'), JSON.stringify({ kvs: config && { wafpass: JSON.stringify(config) }, waf }),
    { mode: 0o644 });
  renameSync(join(dir, 'edge.new'), join(dir, 'edge.json'));
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  await once(server, 'close');
  return free;
}

// Answers with what arrived and whether its signature holds.
function originHandler(request, response) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => response.end(JSON.stringify({
    verified: verify(request), method: request.method, target: request.url, headers: request.headers,
    raw: request.rawHeaders, body: Buffer.concat(chunks).toString(),
  })));
}

function verify({ method, url, headers }) {
  const given = SIGNATURE.exec(headers['x-cloud-signature']);
  if (!given) return false;
  const [, kid, nonce, aud, waf, names] = given;
  const cut = url.indexOf('?');
  const covered = names.split(':').map((name) => [name, headers[name]]);
  const expected = signatureOf({
    secret: SECRET, date: headers['x-cloud-date'], kid, nonce, aud, waf, method,
    path: cut < 0 ? url : url.slice(0, cut), query: cut < 0 ? '' : url.slice(cut + 1), covered,
  });
  return expected === given[0] && waf;
}

before(async () => {
  origin = createServer(originHandler).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  port = await freePort();
  chmodSync(dir, 0o755);
  writeFileSync(join(dir, 'function.js'),
    `${readFileSync(path('../../../edge/cloudfront-function/index.js'), 'utf8')}export default { handler };\n`);
  copyFileSync(path('adapter.js'), join(dir, 'adapter.js'));
  copyFileSync(path('../cloudfront.js'), join(dir, 'cloudfront'));
  settings(CONFIG, WAF);
  const values = { EDGE_PORT: port, ORIGIN_PORT: origin.address().port, DIR: dir, MODULES: '/usr/lib/nginx/modules' };
  const config = readFileSync(path('nginx.conf.template'), 'utf8').replace(/@([A-Z_]+)@/g, (_, name) => values[name]);
  writeFileSync(join(dir, 'nginx.conf'), config);
  nginx = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], { stdio: 'inherit' });
  await Promise.race([untilListening(), once(nginx, 'exit').then(() => assert.fail('nginx did not start'))]);
});

after(async () => {
  origin.close();
  if (nginx.exitCode === null) {
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
  }
  rmSync(dir, { recursive: true });
});

async function untilListening() {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket,
      'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  assert.fail('nginx does not listen');
}

// Bytes out, bytes in: no client in between that tidies up the target or the fields.
// Not end(): to nginx a half-closed connection is a viewer that went away.
async function exchange(lines, body = '') {
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('latin1');
  const [head, ...rest] = text.split('\r\n\r\n');
  const status = Number(head.split(' ')[1]);
  const reason = /^x-wafpass-refused: (.*)$/im.exec(head)?.[1];
  const chunked = /^transfer-encoding: chunked/im.test(head);
  const content = rest.join('\r\n\r\n');
  const json = status === 200 && JSON.parse(chunked ? content.split('\r\n').filter((_, i) => i % 2).join('') : content);
  return { status, reason, head, json };
}

const get = (target, ...fields) => exchange([`GET ${target} HTTP/1.1`, 'host: shop.example', 'connection: close',
  ...fields]);

for (const target of ['/', '/a?b=1', '/?', '//a//b?x=%20&x=+', '/a/%2e%2E/%41?%00', '/a/../b/./c',
  "/~!$&'()*+,;=:@?/?a?b", `/${'p'.repeat(3000)}?${'q'.repeat(3000)}`]) {
  test(`verified, to the byte: ${target.slice(0, 40)}`, async () => {
    const { status, json, head } = await get(target);
    assert.equal(status, 200, head);
    assert.equal(json.verified, 'pass');
    assert.equal(json.target, target);
    assert.equal(json.headers['x-cloud-host'], 'shop.example');
    assert.equal(json.headers['x-cloud-viewer-ip'], '127.0.0.1');
    assert.equal(json.headers['x-amzn-waf-wafpass'], undefined);
  });
}

test('each request has a nonce of its own', async () => {
  const nonces = new Set();
  for (let i = 0; i < 20; i += 1) nonces.add(SIGNATURE.exec((await get('/')).json.headers['x-cloud-signature'])[2]);
  assert.equal(nonces.size, 20);
});

test('method and body go through', async () => {
  const body = 'x'.repeat(100_000);
  const { json } = await exchange(['PUT /up?x HTTP/1.1', 'host: shop.example', 'connection: close',
    `content-length: ${body.length}`], body);
  assert.deepEqual([json.verified, json.method, json.body.length], ['pass', 'PUT', body.length]);
});

test('inbound copies and aliases do not reach the origin', async () => {
  const { json } = await get('/', 'x-cloud-date: 1', 'X-Cloud-Date: 2', 'x-cloud-signature: 3',
    'x-cloud-host: evil.example', 'x-cloud-viewer-ip: 1.1.1.1',
    'x_cloud_date: 4', 'x.cloud.signature: 5', 'x-amzn-waf-wafpass: 6');
  assert.equal(json.verified, 'pass');
  const names = json.raw.filter((_,
    i) => i % 2 === 0).map((name) => name.toLowerCase()).filter((name) => /cloud|waf/.test(name));
  assert.deepEqual(names.sort(), ['x-cloud-date', 'x-cloud-host', 'x-cloud-signature', 'x-cloud-viewer-ip']);
});

test('a detached WAF: refused, or signed as none, and a forged field helps nobody', async () => {
  try {
    settings(CONFIG, null);
    for (const field of ['x-a: b', `x-amzn-waf-wafpass: ${WAF}x`]) {
      const { status, reason } = await get('/', field);
      assert.deepEqual([status, reason], [403, 'no-waf-evidence']);
    }
    assert.equal((await get('/', `x-amzn-waf-wafpass: ${WAF}`, `x-amzn-waf-wafpass: ${WAF}`)).reason, 'no-waf-evidence');
    settings({ ...CONFIG, without_waf: 'sign-none' }, null);
    assert.equal((await get('/')).json.verified, 'none');
  } finally {
    settings(CONFIG, WAF);
  }
});

test('a fault of the set-up is a 503 with its reason, and nothing reaches the origin', async () => {
  try {
    settings(null, WAF);
    const { status, reason, head } = await get('/');
    assert.deepEqual([status, reason], [503, 'config-missing']);
    assert.match(head, /^cache-control: no-store$/im);
    settings({ ...CONFIG, key: 'short' }, WAF);
    assert.equal((await get('/')).reason, 'config-key');
  } finally {
    settings(CONFIG, WAF);
  }
});

test('a key is rotated while nginx runs', async () => {
  try {
    settings({ ...CONFIG, kid: 'k2' }, WAF);
    assert.match((await get('/')).json.headers['x-cloud-signature'], /^v1;kid=k2;/);
  } finally {
    settings(CONFIG, WAF);
  }
});

for (const [name, lines, reason] of [
  ['a fragment', ['GET /a#b HTTP/1.1', 'host: shop.example'], 'malformed-target'],
  ['a byte that is not ASCII in the path', ['GET /caf\xe9 HTTP/1.1', 'host: shop.example'], 'malformed-target'],
  ['UTF-8 in the query', ['GET /?\xc3\xa9 HTTP/1.1', 'host: shop.example'], 'malformed-target'],
  ['no Host', ['GET / HTTP/1.0'], 'malformed-request'],
  ['a Host that is not ASCII', ['GET / HTTP/1.1', 'host: caf\xc3\xa9.example'], 'malformed-request'],
  ['Connection naming the signature', ['GET / HTTP/1.1', 'host: shop.example',
    'connection: close, x-cloud-signature'], 'malformed-request'],
]) {
  test(`refused at the edge: ${name}`, async () => {
    const answer = await exchange([...lines,
      ...(lines.some((line) => line.startsWith('connection')) ? [] : ['connection: close'])]);
    assert.deepEqual([answer.status, answer.reason], [400, reason], answer.head);
  });
}

test('a request target in absolute form is signed as its path, which is what nginx sends on', async () => {
  const { json } = await get('http://shop.example/a?b');
  assert.deepEqual([json.verified, json.target], ['pass', '/a?b']);
});
