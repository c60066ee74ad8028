//! Blobs: opening and sealing against the bare calls of the `hpke` crate, the fast path against one
//! agreement of the library it is built on, and against the same under Node.
//!
//! `cargo bench -p wafpass-benches --bench envelope` takes ten seconds; `-- --gate` makes it fail when
//! a limit is missed. For the last one, `./test install` has to have run.

mod bare;
#[path = "../../../tests/interop/oracle.rs"]
mod oracle;

use std::hint::black_box;
use std::process::ExitCode;

use aws_lc_rs::agreement::{self, UnparsedPublicKey};
use base64ct::{Base64, Encoding};
use serde_json::json;
use wafpass::matched_data::{Binding, Engine, Opener, PrivateKey, Suite, seal_v3, seal_v4};
use wafpass_benches::{Comparison, Gate, is_measuring};

use crate::oracle::Oracle;

/// As long as what rules match usually is, with its context and in JSON.
const PLAINTEXT_BYTES: usize = 300;

fn main() -> ExitCode {
    let mut gate = Gate::new();
    for case in
        [Case::new(3, Suite::X25519), Case::new(4, Suite::X25519), Case::new(4, Suite::XWing)]
    {
        open(&case, &mut gate);
        seal(&case, &mut gate);
    }
    for version in [3, 4] {
        fast(&Case::new(version, Suite::X25519), &mut gate);
    }
    gate.finish()
}

struct Case {
    name: String,
    version: u8,
    key: PrivateKey,
    plaintext: Vec<u8>,
    blob: String,
}

impl Case {
    fn new(version: u8, suite: Suite) -> Self {
        let key = PrivateKey::generate(suite).expect("randomness");
        let plaintext = vec![b'x'; PLAINTEXT_BYTES];
        let mut case = Self {
            name: format!("version {version}, {suite}"),
            version,
            key,
            plaintext,
            blob: String::new(),
        };
        case.blob = case.seal();
        case
    }

    fn seal(&self) -> String {
        let (plaintext, key) = (black_box(self.plaintext.as_slice()), self.key.public_key());
        match self.version {
            3 => seal_v3(plaintext, key).expect("sealed"),
            _ => seal_v4(plaintext, key, &event()).expect("sealed"),
        }
    }

    fn opener(&self, engine: Engine) -> Opener {
        let key = PrivateKey::from_text(&self.key.to_text()).expect("a key");
        Opener::new([key]).expect("one key").engine(engine)
    }

    fn open(&self, opener: &Opener) {
        let opened = opener.open(black_box(&self.blob), Some(&event())).expect("opened");
        assert_eq!(*opened, self.plaintext);
    }
}

fn event() -> Binding<'static> {
    Binding::new("acme", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123).expect("in bounds")
}

/// Text in, plaintext out, against bytes in, plaintext out.
fn open(case: &Case, gate: &mut Gate) {
    let (bare, opener) = (bare::Receiver::new(case), case.opener(Engine::Portable));
    let report = Comparison::new(format!("open, {}, {PLAINTEXT_BYTES} bytes", case.name))
        .candidate("hpke", || bare.open())
        .candidate("open", || case.open(&opener))
        .run();
    gate.at_most(&format!("open / hpke, {}", case.name), report.ratio("open"), 1.1);
}

/// Plaintext in, text out, against plaintext in, bytes out. Both draw from the operating system.
fn seal(case: &Case, gate: &mut Gate) {
    let bare = bare::Sender::new(case);
    let report = Comparison::new(format!("seal, {}, {PLAINTEXT_BYTES} bytes", case.name))
        .candidate("hpke", || bare.seal())
        .candidate("seal", || case.seal())
        .run();
    gate.at_most(&format!("seal / hpke, {}", case.name), report.ratio("seal"), 1.1);
}

/// The whole of opening against the one multiplication that it cannot do without.
fn fast(case: &Case, gate: &mut Gate) {
    let secret = agreement::PrivateKey::generate(&agreement::X25519).expect("randomness");
    let peer = agreement::PrivateKey::generate(&agreement::X25519).expect("randomness");
    let peer = peer.compute_public_key().expect("a public key");
    let [portable, fast] = [Engine::Portable, Engine::AwsLc].map(|engine| case.opener(engine));
    let report = Comparison::new(format!("fast path, {}, {PLAINTEXT_BYTES} bytes", case.name))
        .candidate("agreement", || {
            let peer = UnparsedPublicKey::new(&agreement::X25519, black_box(peer.as_ref()));
            agreement::agree(&secret, peer, (), |shared| <[u8; 32]>::try_from(shared).map_err(drop))
        })
        .candidate("open, AwsLc", || case.open(&fast))
        .candidate("open, Portable", || case.open(&portable))
        .run();
    let name = &case.name;
    gate.at_most(&format!("open, AwsLc / agreement, {name}"), report.ratio("open, AwsLc"), 1.3);

    // In a process of its own, so its CPU time is told by itself; not interleaved with the others.
    match node_ns(case) {
        Ok(ns) => {
            println!("  @hpke packages under Node {ns:27.1}\n");
            let ratio = ns / report.ns("open, AwsLc");
            gate.at_least(&format!("@hpke under Node / open, AwsLc, {name}"), ratio, 60.0);
        }
        Err(error) => {
            println!("  @hpke packages under Node: error: {error}\n");
            gate.at_least(&format!("@hpke under Node / open, AwsLc, {name}"), f64::NAN, 60.0);
        }
    }
}

/// CPU time of opening the blob once under Node, in the middle of several.
fn node_ns(case: &Case) -> Result<f64, String> {
    let (rounds, times) = if is_measuring() { (9, 40) } else { (1, 1) };
    let job = json!({
        "job": "time", "rounds": rounds, "times": times, "suite": 1, "blob": case.blob,
        "private_key": *case.key.to_text(), "binding": event().to_json(),
        "plaintext": Base64::encode_string(&case.plaintext),
    });
    let answers = Oracle::javascript()?.ask(&[job])?;
    answers[0]["ns"].as_f64().ok_or_else(|| "another answer".into())
}
