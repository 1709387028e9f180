//! The corpora: requests made here, of fields that browsers and proxies send.

use std::fmt::Write;

const BROWSER: &[(&str, &str)] = &[
    ("Host", "shop.example.com"),
    ("Connection", "keep-alive"),
    ("Cache-Control", "max-age=0"),
    ("sec-ch-ua", r#""Chromium";v="140", "Not=A?Brand";v="24", "Browser";v="140""#),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("Upgrade-Insecure-Requests", "1"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Browser/140.0.0.0 \
         Safari/537.36",
    ),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
    ("Referer", "https://shop.example.com/catalogue/shoes?page=3&sort=price&colour=blue"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
];

const PROXIES: &[(&str, &str)] = &[
    ("X-Forwarded-For", "203.0.113.7, 198.51.100.23, 192.0.2.44"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "shop.example.com"),
    ("X-Real-IP", "203.0.113.7"),
    ("X-Request-ID", "4b1d0b7e-6c56-4f27-9d0e-8a1f7a5f3c55"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("tracestate", "vendor=t61rcWkgMzE,other=00f067aa0ba902b7"),
    ("Via", "1.1 edge-17.example.net, 1.1 cache-3.example.net"),
    ("CDN-Loop", "edge; count=1"),
    ("If-None-Match", "W/\"5f3c-18a7b2c4d60\""),
    ("If-Modified-Since", "Sat, 28 Nov 2026 09:12:44 GMT"),
];

/// Cookies, and flags of an experiment, a field each.
const COOKIES: usize = 26;
const FLAGS: usize = 12;

/// A request of a browser to a site that it has not visited.
pub(crate) fn small() -> (Vec<u8>, usize) {
    request("/catalogue/shoes/1742", BROWSER)
}

/// The same behind two proxies, with the cookies of a shop and a token: about 7 KB.
pub(crate) fn large() -> (Vec<u8>, usize) {
    let cookies: Vec<String> = (0..COOKIES)
        .map(|index| format!("_id{index}={}", word(index, 40 + 50 * (index % 4))))
        .collect();
    let flags: Vec<(String, String)> = (0..FLAGS)
        .map(|index| {
            (format!("X-Feature-{index}"), format!("variant-{}; share=0.{index}", index % 3))
        })
        .collect();
    let (cookies, token) = (cookies.join("; "), format!("Bearer {}", word(0, 1500)));
    let mut fields = [BROWSER, PROXIES].concat();
    fields.extend(flags.iter().map(|(name, value)| (&name[..], &value[..])));
    fields.extend([("Authorization", &token[..]), ("Cookie", &cookies)]);
    request("/catalogue/shoes/1742?utm_source=letter&utm_campaign=winter&ref=8a1f7a5f3c55", &fields)
}

/// A body of 64 KiB in chunks of 256 bytes.
pub(crate) fn chunked() -> Vec<u8> {
    (format!("100\r\n{}\r\n", word(0, 256)).repeat(256) + "0\r\n\r\n").into_bytes()
}

/// Letters, digits and signs in no order that a scan could use.
fn word(seed: usize, length: usize) -> String {
    let signs = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.%";
    let sign = |at: usize| signs[(at * 29 + seed * 13 + at * at) % signs.len()];
    (0..length).map(|at| char::from(sign(at))).collect()
}

/// The request, and the number of its fields.
fn request(target: &str, fields: &[(&str, &str)]) -> (Vec<u8>, usize) {
    let mut head = format!("GET {target} HTTP/1.1\r\n");
    for (name, value) in fields {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    ((head + "\r\n").into_bytes(), fields.len())
}
