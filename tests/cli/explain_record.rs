//! `wafpass explain --record`: the signer's request beside what the origin saw.

use snapbox::cmd::OutputAssert;
use snapbox::str;

use crate::common::{Place, stdout};

/// Made by `tests/vectors/explain_record.py`, which shares no code with this project.
const LOG: &str = include_str!("../vectors/explain-records.log");

const VIEWER_IP: [&str; 2] = ["-H", "x-cloud-viewer-ip:203.0.113.7"];

struct Signer(Place);

impl Signer {
    /// With the request that it signed, and the origin's log.
    fn new(nonce: &str) -> Self {
        let place = Place::new();
        let sign = ["sign", "--waf", "pass", "--date", "20261122T003000Z", "--nonce", nonce];
        let options = ["--kid", "2026-11-a", "--key-file", "keys.json", "--format", "headers"];
        let url = "http://shop.example/a%20b?x=%20";
        let args = sign.into_iter().chain(options).chain(VIEWER_IP).chain([url]);
        let headers = stdout(place.wafpass(args).assert().code(0));
        let text = format!("GET /a%20b?x=%20 HTTP/1.1\nHost: shop.example\n{headers}");
        place.file("request.http", text);
        place.file("origin.log", LOG);
        Self(place)
    }

    fn compare(&self, record: &str) -> OutputAssert {
        let args = ["explain", "--key-file", "keys.json", "--record", record, "request.http"];
        self.0.wafpass(args).assert()
    }
}

#[test]
fn names_what_differs_and_what_the_origin_saw() {
    let signer = Signer::new("0123456789abcdef");
    let expected = str![[r#"
path and query differ
refused by the origin at 20261122T003010Z as signature-mismatch
the signature in this request, over its own parts: right

Parts
  same     kid                  2026-11-a
  same     key                  the secret of 2026-11-a
  same     date                 20261122T003000Z
  same     nonce                0123456789abcdef
  same     aud                  shop
  same     waf                  pass
  same     h                    x-cloud-viewer-ip
  same     method               GET
  DIFFERS  path                 /a%20b (6 bytes; the origin saw 11)
  DIFFERS  query                x=%20 (5 bytes; the origin saw 3)
  same     h.x-cloud-viewer-ip  203.0.113.7

Hints
  prefix: path: `/a%20b` was signed, `/prod/a%20b` arrived: the CDN puts `/prod` in front; the origin has to set that as the origin path prefix
  query-percent-20: query: `x=%20` was signed, `x=+` arrived: something writes spaces as + behind the signer

"#]];
    // A log of several requests, one of its lines, and one that a mail wrapped.
    signer.compare("origin.log").code(1).stdout_eq(expected.clone()).stderr_eq("");
    let line = LOG.lines().next().unwrap();
    signer.compare(line).code(1).stdout_eq(expected.clone()).stderr_eq("");
    signer.compare(&line.replace(' ', "\n ")).code(1).stdout_eq(expected).stderr_eq("");
}

#[test]
fn says_so_when_nothing_differs() {
    let signer = Signer::new("same-all-the-way");
    signer.compare("origin.log").code(0).stderr_eq("").stdout_eq(str![[r#"
nothing differs
refused by the origin at 20261122T003010Z as signature-mismatch
the signature in this request, over its own parts: right

Parts
  same  kid                  2026-11-a
  same  key                  the secret of 2026-11-a
  same  date                 20261122T003000Z
  same  nonce                same-all-the-way
  same  aud                  shop
  same  waf                  pass
  same  h                    x-cloud-viewer-ip
  same  method               GET
  same  path                 /a%20b
  same  query                x=%20
  same  h.x-cloud-viewer-ip  203.0.113.7

Hints
  nothing-differs: all that is signed arrived as it stands here, and the signature here is right: what arrived is another sig= than the one here

"#]]);
    // A signer that signs something else than it sends.
    let text = std::fs::read_to_string(signer.0.path().join("request.http")).unwrap();
    let (start, mac) = text.trim_end().split_once("sig=").unwrap();
    signer.0.file("request.http", format!("{start}sig={}\n", "0".repeat(mac.len())));
    let told = stdout(signer.compare("origin.log").code(1));
    assert!(
        told.starts_with("nothing differs, and the signature is wrong at both ends\n"),
        "{told}"
    );
    assert!(told.contains("\n  signature: the signature in this request is not of its own parts"));
}

#[test]
fn tells_another_secret_from_other_parts() {
    let signer = Signer::new("with-other-secret");
    signer.compare("origin.log").code(1).stderr_eq("").stdout_eq(str![[r#"
key differs
refused by the origin at 20261122T003010Z as signature-mismatch
the signature in this request, over its own parts: right

Parts
  same            kid                  2026-11-a
  DIFFERS         key                  the secret of 2026-11-a is another one
  same            date                 20261122T003000Z
  same            nonce                with-other-secret
  same            aud                  shop
  same            waf                  pass
  same            h                    x-cloud-viewer-ip
  not comparable  method               GET
  not comparable  path                 /a%20b
  not comparable  query                x=%20
  not comparable  h.x-cloud-viewer-ip  203.0.113.7

Hints
  key: the origin holds another secret under the name 2026-11-a, so nothing else can be compared: hand the secret over anew, and look for white space or a decoding at either end

"#]]);
}

/// The request as a signer sees it before it signs.
#[test]
fn a_request_without_its_signature_compares_too() {
    let signer = Signer::new("0123456789abcdef");
    let bare = "GET /prod/a%20b?x=+ HTTP/1.1\nHost: shop.example\nx-cloud-viewer-ip: 203.0.113.8\n";
    signer.0.file("request.http", bare);
    let line = LOG.lines().next().unwrap();
    signer.compare(line).code(1).stderr_eq("").stdout_eq(str![[r#"
h.x-cloud-viewer-ip differs
refused by the origin at 20261122T003010Z as signature-mismatch
the signature in this request, over its own parts: not there, or not all that it covers

Parts
  not in the request  kid                  2026-11-a
  same                key                  the secret of 2026-11-a
  not in the request  date                 20261122T003000Z
  not in the request  nonce                0123456789abcdef
  not in the request  aud                  shop
  not in the request  waf                  pass
  not in the request  h                    x-cloud-viewer-ip
  same                method               GET
  same                path                 /prod/a%20b
  same                query                x=+
  DIFFERS             h.x-cloud-viewer-ip  203.0.113.8 (11 bytes; the origin saw 11)

Hints
  nothing-matched: h.x-cloud-viewer-ip: 11 bytes were signed, 11 arrived, and no change that was tried makes one of the other; to test a guess, write it into the request and compare again

"#]]);
    // Which of several it is of, nobody can tell.
    signer.compare("origin.log").code(2).stdout_eq("").stderr_eq(str![[r#"
error: 4 records are here, and none has the nonce of the request
try:   give the request the x-cloud-signature that it was sent with, or one record only

"#]]);
}

#[test]
fn a_record_of_another_request_is_called_one() {
    let signer = Signer::new("0123456789abcdef");
    let told = stdout(signer.compare(LOG.lines().nth(1).unwrap()).code(1));
    let hints = told.split_once("Hints\n").unwrap().1;
    assert_eq!(hints.lines().count(), 1);
    assert!(hints.starts_with("  other-request: nonce and date tell requests apart"), "{told}");
}

#[test]
fn what_cannot_be_read_or_compared_is_said_in_two_lines() {
    let signer = Signer::new("0123456789abcdef");
    let line = LOG.lines().next().unwrap();
    let start = line.find("wafpass-explain").unwrap();
    signer.compare(&line[..start + 200]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the record departs from its grammar at byte 200: key=<32 hex> is expected
try:   copy the whole line that the origin logged under wafpass::explain

"#]]);
    signer.compare("request.http").code(2).stdout_eq("").stderr_eq(str![[r#"
error: no record is there: nothing begins with wafpass-explain-1
try:   copy the whole line that the origin logged under wafpass::explain

"#]]);
    let later = line.replace("wafpass-explain-1", "wafpass-explain-2");
    signer.compare(&later).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the record is of another version than 1
try:   take the wafpass that the origin runs

"#]]);
    let other = line.replace("kid=2026-11-a", "kid=2026-11-x");
    signer.compare(&other).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the record is of the key 2026-11-x, which is not here
try:   give the key that the signer signed with, under this id

"#]]);
    signer.compare("nowhere.log").code(2).stdout_eq("").stderr_eq(str![[r#"
error: nowhere.log cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input

"#]]);
    let both = ["explain", "--key-file", "keys.json", "--record", "-", "-"];
    signer.0.wafpass(both).stdin(LOG).assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: two things cannot both come from standard input, the request and the record
try:   name a file for one of them

"#]]);
    let piped = ["explain", "--key-file", "keys.json", "--record", "-", "request.http"];
    signer.0.wafpass(piped).stdin(LOG).assert().code(1).stderr_eq("");
}
