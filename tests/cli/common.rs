//! A directory with a key file, and the binary at hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use tempfile::TempDir;

pub(crate) const KEYS: &str = r#"{
  "aud": "shop",
  "freshness": "cloudfront",
  "keys": [
    {"kid": "2026-11-a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
    {"kid": "2026-11-b", "key": "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM", "not_before": "20261122T010000Z"},
    {"kid": "2026-10-a", "key": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8", "revoked": true}
  ]
}
"#;
pub(crate) const NOW: [&str; 4] = ["--key-file", "keys.json", "--now", "20261122T003010Z"];
pub(crate) const SIGN: [&str; 7] =
    ["sign", "--waf", "pass", "--date", "20261122T003000Z", "--nonce", "0123456789abcdef"];

/// An empty directory but for a key file, with the binary at hand.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        place.secret("keys.json", KEYS);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn secret(&self, name: &str, text: &str) {
        self.file(name, text);
        self.set_mode(name, 0o600);
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path().join(name)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn wafpass<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        self.clean(Command::new(cargo_bin!("wafpass"))).args(args)
    }

    /// `script` in bash, with `$WAFPASS` for the binary.
    pub(crate) fn bash(&self, script: &str) -> Command {
        let bash = self.clean(Command::new("bash")).args(["-euo", "pipefail", "-c", script]);
        bash.env("WAFPASS", cargo_bin!("wafpass"))
    }

    pub(crate) fn clean(&self, command: Command) -> Command {
        let variables = [
            "WAFPASS_KEYS",
            "WAFPASS_KEY_DIR",
            "WAFPASS_PASSPHRASE",
            "WAFPASS_PRIVATE_KEY",
            "WAFPASS_WAF_SECRET",
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
        ];
        variables.into_iter().fold(command.current_dir(self.path()), Command::env_remove)
    }

    /// A signed request, saved as `name`, with `args` for its signing.
    pub(crate) fn request(&self, name: &str, line: &str, args: &[&str], body: &str) -> String {
        let (method, target) = line.split_once(' ').unwrap();
        let url = format!("http://shop.example{target}");
        let options = ["--key-file", "keys.json", "--format", "headers", "-X", method];
        let signed = self
            .wafpass(SIGN.into_iter().chain(options).chain(args.iter().copied()).chain([&*url]));
        let headers = stdout(signed.assert().code(0));
        let text = format!("{line} HTTP/1.1\nHost: shop.example\n{headers}\n{body}");
        self.file(name, &text);
        text
    }

    pub(crate) fn judge(&self, verb: &str, args: &[&str]) -> OutputAssert {
        self.wafpass([verb].into_iter().chain(NOW).chain(args.iter().copied())).assert()
    }
}

pub(crate) fn stdout(assert: OutputAssert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}
