// What the edge signer needs of CloudFront's JavaScript runtime 2.0, for the engine of `wafpass demo`:
// Buffer, console, the modules `crypto` and `cloudfront`, and the event's rawQueryString(). Less than
// CloudFront has, and nothing that it has not.

const host = globalThis.wafpassHost;
delete globalThis.wafpassHost;
const { kvs, now } = JSON.parse(host.settings);

class Buffer extends Uint8Array {
  static from(value, encoding) {
    return new Buffer(typeof value === 'string' ? decode(value, encoding) : value);
  }

  toString(encoding) {
    return encode(this, encoding);
  }
}

function decode(text, encoding) {
  switch (encoding) {
    case undefined:
    case 'utf8':
      return Uint8Array.fromBase64(host.utf8(text));
    case 'base64':
    case 'base64url':
      return Uint8Array.fromBase64(sextets(text));
    default:
      throw new TypeError(`the demo has no encoding ${encoding}`);
  }
}

// Node's leniency: either alphabet, foreign characters skipped, a last character without a byte dropped.
function sextets(text) {
  const plain = text.replace(/-/g, '+').replace(/_/g, '/').replace(/[^A-Za-z0-9+/]/g, '');
  return plain.length % 4 === 1 ? plain.slice(0, -1) : plain;
}

function encode(bytes, encoding) {
  switch (encoding) {
    case undefined:
    case 'utf8':
      return host.text(bytes.toBase64());
    case 'hex':
      return bytes.toHex();
    case 'base64':
      return bytes.toBase64();
    case 'base64url':
      return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
    default:
      throw new TypeError(`the demo has no encoding ${encoding}`);
  }
}

export const crypto = {
  createHmac(algorithm, key) {
    if (algorithm !== 'sha256') throw new TypeError(`the demo has no algorithm ${algorithm}`);
    const keyed = Buffer.from(key).toBase64();
    let message = [];
    const hmac = {
      update(data) {
        message = message.concat(Array.from(Buffer.from(data)));
        return hmac;
      },
      digest(encoding) {
        const mac = Buffer.from(host.hmac(keyed, Buffer.from(message).toBase64()), 'base64');
        return encoding === undefined ? mac : mac.toString(encoding);
      },
    };
    return hmac;
  },
};

export const cloudfront = {
  kvs() {
    return {
      async get(name) {
        if (!Object.hasOwn(kvs, name)) throw new Error('KeyNotFound');
        return kvs[name];
      },
    };
  },
};

// The event as JSON, in which the raw query is a text or null; the answer as JSON.
export async function invoke(handler, text) {
  const event = JSON.parse(text);
  const raw = event.request.rawQueryString;
  event.request.rawQueryString = () => (raw === null ? undefined : raw);
  return JSON.stringify(await handler(event));
}

globalThis.Buffer = Buffer;
globalThis.console = { log: line => host.log(String(line)) };

// A clock that was set stands still; without it, the function reads the system's.
if (now !== null) {
  const SystemDate = Date;
  globalThis.Date = function () { return new SystemDate(now * 1000); };
}
