// Blobs by the @hpke packages. Reads a JSON array of jobs, writes a JSON array of what came of them.
//
//   node hpke.mjs FOLDER < jobs.json      FOLDER holds node_modules
//
// Nothing here is shared with the project: the framing is written from docs/matched-data.md.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
const { CipherSuite, HkdfSha256 } = require("@hpke/core");
const { DhkemX25519HkdfSha256 } = require("@hpke/dhkem-x25519");
const { Chacha20Poly1305 } = require("@hpke/chacha20poly1305");
const { XWing } = require("@hpke/hybridkem-x-wing");

const suiteOf = (Kem) =>
  new CipherSuite({ kem: new Kem(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
const suites = { 1: suiteOf(DhkemX25519HkdfSha256), 2: suiteOf(XWing) };
const encBytes = { 1: 32, 2: 1120 };

const utf8 = (text) => new TextEncoder().encode(text);
const bytes = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
const base64 = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part))).toString("base64");
const info = utf8("wafpass matched-data v4");

function aadOf(header, { tenant, event_id, rule_id, timestamp_ms }) {
  const texts = [tenant, event_id, rule_id].flatMap((text) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(utf8(text).length);
    return [length, utf8(text)];
  });
  const ms = Buffer.alloc(8);
  ms.writeBigUInt64BE(BigInt(timestamp_ms));
  return new Uint8Array(Buffer.concat([header, ...texts, ms]));
}

const jobs = {
  async generate({ suite }) {
    const { kem } = suites[suite];
    const pair = await kem.generateKeyPair();
    return {
      private_key: base64(await kem.serializePrivateKey(pair.privateKey)),
      public_key: base64(await kem.serializePublicKey(pair.publicKey)),
    };
  },

  async seal({ version, suite, public_key, plaintext, binding }) {
    const { kem } = suites[suite];
    const raw = bytes(public_key);
    const recipientPublicKey = await kem.importKey("raw", raw.buffer, true);
    let plain = Buffer.from(plaintext, "base64");
    if (version === 3) {
      const { enc, ct } = await suites[suite].seal({ recipientPublicKey }, new Uint8Array(plain));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(plain.length));
      return { blob: base64([3], new Uint8Array(enc), length, new Uint8Array(ct)) };
    }
    const id = createHash("sha256").update(raw).digest().subarray(0, 8);
    const header = Buffer.concat([Buffer.from([4, suite]), id]);
    plain = Buffer.concat([plain, Buffer.alloc((256 - (plain.length % 256)) % 256, " ")]);
    const params = { recipientPublicKey, info };
    const { enc, ct } = await suites[suite].seal(params, new Uint8Array(plain), aadOf(header, binding));
    return { blob: base64(header, new Uint8Array(enc), new Uint8Array(ct)) };
  },

  async open({ suite, private_key, blob, binding }) {
    const recipientKey = await suites[suite].kem.importKey("raw", bytes(private_key).buffer, false);
    const raw = bytes(blob);
    const [encAt, ctAt] = raw[0] === 3 ? [1, 41] : [10, 10 + encBytes[suite]];
    const params = { recipientKey, enc: raw.slice(encAt, encAt + encBytes[suite]).buffer };
    const aad = raw[0] === 4 ? aadOf(raw.slice(0, 10), binding) : undefined;
    if (raw[0] === 4) params.info = info;
    try {
      const plain = Buffer.from(await suites[suite].open(params, raw.slice(ctAt), aad));
      const trimmed = raw[0] === 4 ? plain.toString("latin1").replace(/ +$/, "") : null;
      return { plaintext: base64(trimmed === null ? plain : Buffer.from(trimmed, "latin1")) };
    } catch {
      return { plaintext: null };
    }
  },

  // CPU time of opening once, by the median of some rounds.
  async time({ rounds, times, plaintext, ...job }) {
    const samples = [];
    for (let round = 0; round <= rounds; round++) {
      const start = process.cpuUsage();
      for (let time = 0; time < times; time++) {
        if ((await jobs.open(job)).plaintext !== plaintext) throw new Error("another plaintext");
      }
      const { user, system } = process.cpuUsage(start);
      samples.push(((user + system) * 1000) / times);
    }
    // The first round is for the compiler to warm up.
    const measured = samples.slice(1).sort((one, two) => one - two);
    return { ns: measured[Math.floor(measured.length / 2)] };
  },
};

const answers = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) answers.push(await jobs[job.job](job));
process.stdout.write(JSON.stringify(answers));
