//! The requests that rules look at.

use wafpass::rules::request::{BodyEnd, RequestView};

/// A request as it was sent.
pub(crate) struct Sent {
    pub(crate) name: &'static str,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

impl Sent {
    /// A page, asked for by a browser: 14 header lines, 6 arguments.
    pub(crate) fn page() -> Self {
        let headers = [
            ("host", "www.shop.example"),
            ("user-agent", BROWSER),
            (
                "accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            ),
            ("accept-language", "en-GB,en;q=0.9,de;q=0.7"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("referer", "https://www.shop.example/catalog/garden?sort=new"),
            (
                "cookie",
                "session=7d0c1f0e9b8a4f56a1b2c3d4e5f60718; theme=dark; consent=1; _ga=GA1.2.1234567890.1700000000",
            ),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("upgrade-insecure-requests", "1"),
            ("x-forwarded-for", "198.51.100.178"),
            ("x-amz-cf-id", "U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw=="),
            ("via", "2.0 1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d.cloudfront.net (CloudFront)"),
        ];
        Self {
            name: "a page",
            method: "GET",
            target: "/catalog/garden/tools?sort=price&page=3&colour=green&q=pruning+shears&utm_source=newsletter&utm_medium=mail"
                .into(),
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
            body: String::new(),
        }
    }

    /// A form of 2 KB.
    pub(crate) fn form() -> Self {
        let mut sent = Self::page();
        let text = "A+review+of+the+shears%2C+which+cut+well+and+stay+sharp.+".repeat(34);
        sent.name = "a form of 2 KB";
        sent.method = "POST";
        sent.target = "/catalog/review".into();
        sent.body = format!("stars=4&product=1834&name=Robin&text={text}");
        sent.headers.push(("content-type", "application/x-www-form-urlencoded".into()));
        sent
    }

    /// A form that several rules match.
    pub(crate) fn attack() -> Self {
        let mut sent = Self::form();
        sent.name = "an attack";
        sent.target = "/wp-admin/setup-config.php?id=1'+UNION+SELECT+password+FROM+users--&file=../../etc/passwd".into();
        sent.body.push_str("&comment=<script>alert(document.cookie)</script>");
        sent
    }

    pub(crate) fn lines(&self) -> Vec<(&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }

    pub(crate) fn view<'r>(&'r self, lines: &'r [(&'r [u8], &'r [u8])]) -> RequestView<'r> {
        RequestView::new(self.method.as_bytes(), self.target.as_bytes(), lines)
            .body(self.body.as_bytes(), BodyEnd::Whole)
            .client([198, 51, 100, 178].into())
            .timestamp_ms(1_795_307_400_000)
    }
}
