// Runs jobs through the edge function; the same file under Node and under njs. Started by run.sh,
// which says what goes in and what comes out. Written for njs 0.7.9: no for-of, no spread.

import fs from 'fs';
import edge from './function.js';

const RealDate = Date;
let now = 0;
let lines = [];

globalThis.Date = function () { return new RealDate(now * 1000); };
console.log = function (line) { lines.push(String(line)); };

// The event as CloudFront would give it: rawQueryString is a method that returns the job's string, or
// undefined for null. A job without it, or with another type, has no such method; {"returns": any}
// makes one that answers with that value.
function eventOf(job) {
  const event = JSON.parse(JSON.stringify(job.event));
  const request = event && event.request;
  const raw = request && request.rawQueryString;
  if (raw === undefined || !request) return event;
  if (raw === null) request.rawQueryString = function () { return undefined; };
  if (typeof raw === 'string') request.rawQueryString = function () { return raw; };
  if (raw && raw.returns !== undefined) request.rawQueryString = function () { return raw.returns; };
  return event;
}

async function run(job) {
  now = job.now;
  lines = [];
  globalThis.edge = { kvs: job.kvs, reads: 0 };
  const result = { name: job.name };
  try {
    const answer = await edge.handler(eventOf(job));
    result[answer.statusCode === undefined ? 'request' : 'response'] = answer;
  } catch (fault) {
    result.error = String(fault); // the function promises never to throw
  }
  result.kvs_reads = globalThis.edge.reads;
  result.logs = lines;
  return result;
}

async function main() {
  const jobs = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const results = [];
  for (let i = 0; i < jobs.length; i += 1) {
    const result = await run(jobs[i]);
    results.push(result);
  }
  fs.writeFileSync(process.argv[3], JSON.stringify(results, null, 1) + '\n');
}

main();
