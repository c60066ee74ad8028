// wafpass, the behaviors that are not protected: removes the fields of the edge signature and the
// WAF's evidence, which AWS WAF inserts for the whole distribution, before a request goes to an origin
// that has no business with them. Viewer-request, JavaScript runtime 2.0.

const REMOVED = [
  'x-cloud-date', 'x-cloud-signature', 'x-cloud-viewer-ip', 'x-cloud-host', // edge signature, section 1
  'x-amzn-waf-wafpass',
];

function handler(event) {
  const headers = event.request.headers;
  Object.keys(headers).forEach(name => {
    if (REMOVED.indexOf(name.toLowerCase().replace(/[_.]/g, '-')) >= 0) delete headers[name];
  });
  return event.request;
}
