// Stand-in for the module `cloudfront`: a key-value store held in globalThis.edge, set by run.js and
// by nginx/adapter.js. As documented, get() rejects where the key is missing; no associated store
// (null) makes kvs() throw.

async function get(key) {
  globalThis.edge.reads += 1;
  const store = globalThis.edge.kvs;
  if (!Object.prototype.hasOwnProperty.call(store, key)) throw new Error('KeyNotFound');
  return store[key];
}

function kvs() {
  if (globalThis.edge.kvs === null) throw new Error('KvsNotAssociated');
  return { get: get };
}

export default { kvs: kvs };
