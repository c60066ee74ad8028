// wafpass edge signer: a viewer-request function for CloudFront Functions, JavaScript runtime 2.0.
//
// A request leaves here signed for its origin, or it does not leave: what cannot be signed gets a
// short answer with a reason code (README.md lists them), and so does any fault nobody foresaw.
// "§" cites the edge signature specification, version 1. Only what AWS documents for this runtime is
// used, so no class, for-of, spread, destructuring or default parameter, and no async closure.

import crypto from 'crypto';
import cf from 'cloudfront';

const CONFIG_KEY = 'wafpass'; // the one key read from the key-value store
const WAF_HEADER = 'x-amzn-waf-wafpass'; // AWS WAF puts "x-amzn-waf-" before the rule's "wafpass"
const REASON_HEADER = 'x-wafpass-refused';

const SCHEME = 'WAFPASS1-HMAC-SHA256'; // §2, first line of the signature base
const EVIDENCE = 'WAFPASS1-WAF-EVIDENCE\n'; // keeps the MACs compared below apart from signatures
const COVERED = ['x-cloud-host', 'x-cloud-viewer-ip']; // §1: ascending; both written by this function
const RESERVED = ['x-cloud-date', 'x-cloud-signature'].concat(COVERED); // §1
const REMOVED = RESERVED.concat(WAF_HEADER); // §4: the evidence goes no further either

const KEY_MIN_BYTES = 32; // §2
const KEY_MIN_CHARS = 43; // those bytes in unpadded base64url, §4
const WAF_SECRET_MIN_CHARS = 32; // §4
const WAF_SECRETS_MAX = 2; // §4: two while rotating

// What a text must not hold. Looking for foreign characters is safer than matching /^...$/: in PCRE
// engines, njs among them, `$` also matches before a final line feed.
const NOT_TOKEN = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/; // §2, method
const NOT_LABEL = /[^A-Za-z0-9._-]/; // §1, kid and aud
const NOT_NONCE = /[^A-Za-z0-9._=-]/; // §1
const NOT_BASE64URL = /[^A-Za-z0-9_-]/; // §4
const NOT_VISIBLE = /[^!-~]/; // %x21-7E
const NOT_PATH = /[^!-~]|[#?]/; // §2
const NOT_QUERY = /[^!-~]|#/; // §2
const NOT_IP = /[^0-9A-Fa-f.:]/;

// Every field the stored JSON may have, and what makes its value good.
const CONFIG = {
  kid: isLabel,
  key: isKey,
  aud: isLabel,
  waf_secrets: isWafSecrets,
  without_waf: value => value === undefined || value === 'refuse' || value === 'sign-none',
  query: value => value === undefined || value === 'all' || value === 'none',
};

const STATUS = { 'malformed-request': 400, 'malformed-target': 400, 'no-waf-evidence': 403 };
const FAULT_STATUS = 503; // every other reason is a fault of the set-up, not of the viewer
const DESCRIPTION = { 400: 'Bad Request', 403: 'Forbidden', 503: 'Service Unavailable' };

async function handler(event) {
  try {
    const parts = readRequest(event);
    const config = await readConfig();
    signRequest(event.request, parts, config);
    return event.request;
  } catch (fault) {
    return refusal(fault);
  }
}

// The parts of the request that get signed, all checked (§4: refuse what the origin would refuse).
function readRequest(event) {
  const request = event.request;
  const host = single(request.headers, 'host');
  if (!isText(request.method, NOT_TOKEN, 1, Infinity)) refuse('malformed-request'); // §3 row 0
  if (!isText(host, NOT_VISIBLE, 1, Infinity)) refuse('malformed-request'); // §3 rows 0 and 5
  if (connectionOptions(request.headers).some(isReserved)) refuse('malformed-request'); // §3 row 0
  return {
    method: request.method,
    path: readPath(request),
    query: readQuery(request),
    nonce: checked(event.context.requestId, NOT_NONCE, 16, 128, 'no-request-id'), // §1
    covered: [host, checked(event.viewer.ip, NOT_IP, 2, 45, 'no-viewer-ip')], // as COVERED
  };
}

// §3 row 4. An absolute-form target is refused too: CloudFront hands on a path.
function readPath(request) {
  const path = checked(request.uri, NOT_PATH, 1, Infinity, 'malformed-target');
  const asterisk = path === '*' && request.method === 'OPTIONS'; // §2
  if (path[0] !== '/' && !asterisk) refuse('malformed-target');
  return path;
}

// §4: the raw query or none at all; it is never rebuilt from request.querystring.
function readQuery(request) {
  if (typeof request.rawQueryString !== 'function') refuse('no-raw-query');
  const query = request.rawQueryString();
  if (query === undefined) return ''; // §2: absent and empty are the same
  if (typeof query !== 'string') refuse('no-raw-query');
  return checked(query, NOT_QUERY, 0, Infinity, 'malformed-target'); // §3 row 4
}

// Read as a string and parsed here, not with {format: 'json'}, so that a key that is not there and a
// value that is no JSON get reasons of their own.
async function readConfig() {
  let text;
  try {
    text = await cf.kvs().get(CONFIG_KEY);
  } catch (fault) {
    refuse('config-missing');
  }
  return parseConfig(text);
}

function parseConfig(text) {
  let config;
  try {
    config = JSON.parse(text);
  } catch (fault) {
    refuse('config-json'); // the fault itself may quote the key: it goes nowhere
  }
  if (typeof config !== 'object' || config === null) refuse('config-json');
  if (Object.keys(config).some(name => !own(CONFIG, name))) refuse('config-unknown-field');
  Object.keys(CONFIG).forEach(name => {
    if (!CONFIG[name](own(config, name))) refuse('config-' + name.replace(/_/g, '-'));
  });
  return config;
}

// Changes the request, the signature last (§4). The query string stays untouched, or CloudFront
// would write it anew.
function signRequest(request, parts, config) {
  const headers = request.headers;
  const key = Buffer.from(config.key, 'base64url');
  const waf = hasWafEvidence(headers, config, key) ? 'pass' : 'none'; // §1
  if (waf === 'none' && config.without_waf !== 'sign-none') refuse('no-waf-evidence');

  Object.keys(headers).filter(isRemoved).forEach(name => { delete headers[name]; }); // §1, aliases too
  COVERED.forEach((name, i) => { headers[name] = { value: parts.covered[i] }; });

  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, ''); // §1, YYYYMMDDTHHMMSSZ
  const query = config.query === 'none' ? '' : parts.query; // §2
  const base = [SCHEME, date, config.kid, parts.nonce, config.aud, waf, parts.method, parts.path, query]
    .concat(COVERED.map((name, i) => `${name}:${parts.covered[i]}`)).join('\n'); // §2
  headers['x-cloud-date'] = { value: date };
  headers['x-cloud-signature'] = {
    value: `v1;kid=${config.kid};nonce=${parts.nonce};aud=${config.aud};waf=${waf}`
      + `;h=${COVERED.join(':')};sig=${mac(key, base)}`,
  };
}

// §4: what is compared is a MAC under the signing key, and every configured value is looked at, so
// the time taken tells nothing about a value, nor which one it was.
function hasWafEvidence(headers, config, key) {
  const value = single(headers, WAF_HEADER);
  if (value === undefined) return false;
  const seen = mac(key, EVIDENCE + value);
  return config.waf_secrets.filter(secret => mac(key, EVIDENCE + secret) === seen).length > 0;
}

function mac(key, text) {
  return crypto.createHmac('sha256', key).update(text).digest('hex');
}

function isLabel(text) {
  return isText(text, NOT_LABEL, 1, 64);
}

// §4: re-encoding must give the same text, since engines differ on bad base64url.
function isKey(text) {
  if (!isText(text, NOT_BASE64URL, KEY_MIN_CHARS, Infinity)) return false;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length >= KEY_MIN_BYTES && bytes.toString('base64url') === text;
}

function isWafSecrets(list) {
  return Array.isArray(list) && list.length <= WAF_SECRETS_MAX
    && list.every(text => isText(text, NOT_VISIBLE, WAF_SECRET_MIN_CHARS, Infinity));
}

function isText(text, foreign, min, max) {
  return typeof text === 'string' && text.length >= min && text.length <= max && !foreign.test(text);
}

function checked(text, foreign, min, max, reason) {
  if (!isText(text, foreign, min, max)) refuse(reason);
  return text;
}

// §1: "_" and "." read as "-", as many servers do.
function plainName(name) {
  return name.toLowerCase().replace(/[_.]/g, '-');
}

function isReserved(name) {
  return RESERVED.indexOf(plainName(name)) >= 0;
}

function isRemoved(name) {
  return REMOVED.indexOf(plainName(name)) >= 0;
}

// The value of a field that is there exactly once; undefined where it is absent, repeated or odd.
function single(headers, name) {
  const field = own(headers, name);
  const once = field && typeof field.value === 'string' && field.multiValue === undefined;
  return once ? field.value : undefined;
}

// CloudFront keeps Connection to itself; other hosts of this function may show it.
function connectionOptions(headers) {
  const field = own(headers, 'connection');
  const lines = field ? [field].concat(field.multiValue || []) : [];
  return lines.map(line => line.value).join().split(',').map(option => option.trim());
}

function own(object, name) {
  return Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined;
}

function Refusal(reason) {
  this.reason = reason;
}

function refuse(reason) {
  throw new Refusal(reason);
}

// The answer to a request that must not pass. Only our own codes are told, never a fault's text.
function refusal(fault) {
  const reason = fault instanceof Refusal ? fault.reason : 'unexpected';
  const status = own(STATUS, reason) || FAULT_STATUS;
  console.log(`wafpass refused: ${reason}`);
  const headers = { 'cache-control': { value: 'no-store' } };
  headers[REASON_HEADER] = { value: reason };
  return { statusCode: status, statusDescription: DESCRIPTION[status], headers: headers };
}
