//! nginx with njs as an edge that runs the deployed function.

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;

/// An edge on a free port of loopback, in front of one origin. Stopped by its pid when dropped.
pub(crate) struct Nginx {
    process: Child,
    dir: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

impl Nginx {
    /// `settings` are those of [`configure`](Self::configure).
    pub(crate) fn start(origin: SocketAddr, settings: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap(); // its worker is nobody
        let conf = read("tests/edge/nginx/nginx.conf.template")
            .replace("@EDGE_PORT@", &address.port().to_string())
            .replace("@ORIGIN_PORT@", &origin.port().to_string())
            .replace("@DIR@", dir.path().to_str().unwrap())
            .replace("@MODULES@", "/usr/lib/nginx/modules");
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let function = read("edge/cloudfront-function/index.js");
        put("function.js", &format!("{function}\nexport default {{ handler }};\n"));
        put("adapter.js", &read("tests/edge/nginx/adapter.js"));
        put("cloudfront", &read("tests/edge/cloudfront.js"));
        put("nginx.conf", &conf);
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf"));
        nginx.arg("-e").arg(dir.path().join("error.log"));
        let process = nginx.spawn().expect("nginx is not installed: ./test install sets it up");
        let nginx = Self { process, dir, address };
        nginx.configure(settings);
        nginx.wait_until_up();
        nginx
    }

    /// What the edge holds from the next request on:
    /// `{"kvs": {"wafpass": "<JSON text>"}, "waf": "<what the web ACL inserts>" or null}`.
    pub(crate) fn configure(&self, settings: &Value) {
        let (new, current) = (self.dir.path().join("edge.new"), self.dir.path().join("edge.json"));
        fs::write(&new, settings.to_string()).unwrap();
        fs::rename(new, current).unwrap();
    }

    fn wait_until_up(&self) {
        for _ in 0..100 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default();
        panic!("nginx does not listen:\n{log}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that nginx ends its worker too.
        drop(Command::new("kill").arg(self.process.id().to_string()).status());
        drop(self.process.wait());
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
