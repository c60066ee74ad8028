//! Where the packages are, and how a script over them is asked.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A script that knows the jobs `generate`, `seal` and `open`.
pub(crate) struct Oracle {
    program: &'static str,
    script: PathBuf,
    packages: PathBuf,
}

impl Oracle {
    /// The `@hpke` packages under Node, or why they cannot be asked.
    pub(crate) fn javascript() -> Result<Self, String> {
        Ok(Self { program: "node", script: here("hpke.mjs"), packages: installed("node")? })
    }

    /// `pyhpke` under Python.
    #[allow(dead_code, reason = "the benchmark asks Node only")]
    pub(crate) fn python() -> Result<Self, String> {
        Ok(Self { program: "python3", script: here("hpke.py"), packages: installed("python")? })
    }

    /// What came of each job, in order.
    pub(crate) fn ask(&self, jobs: &[Value]) -> Result<Vec<Value>, String> {
        let program = self.program;
        let failed = |error| format!("{program} does not run: {error}; run `./test install`");
        let mut child = Command::new(program)
            .args([&self.script, &self.packages])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().ok_or("no stdin")?;
        stdin.write_all(Value::from(jobs).to_string().as_bytes()).map_err(failed)?;
        drop(stdin);
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            return Err(format!("{program} failed on {}", self.script.display()));
        }
        let answers: Vec<Value> =
            serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        assert_eq!(answers.len(), jobs.len());
        Ok(answers)
    }
}

/// A file of tests/interop; the benchmarks' package lies beside it.
fn here(name: &str) -> PathBuf {
    let folder = |root: &Path| root.join("tests/interop");
    let mut roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(folder);
    roots.find(|folder| folder.is_dir()).unwrap_or_default().join(name)
}

/// The folder that `tools/setup` fills: one for each version of the two lists, as in `tools/lib.sh`.
fn installed(part: &str) -> Result<PathBuf, String> {
    let mut lists = Sha256::new();
    for list in ["package-lock.json", "requirements.txt"] {
        lists.update(fs::read(here(list)).map_err(|error| format!("{list}: {error}"))?);
    }
    let digest: String = lists.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let folder =
        cache().ok_or("HOME is not set")?.join(format!("interop-{}", &digest[..12])).join(part);
    if !folder.is_dir() {
        return Err(format!("{} is not there: run `./test install`", folder.display()));
    }
    Ok(folder)
}

fn cache() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    set("WAFPASS_CACHE").or_else(|| Some(base()?.join("wafpass")))
}
