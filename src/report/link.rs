//! Links that a terminal opens with a click (OSC 8).

use std::fmt::Write as _;
use std::path::Path;

/// `text`, which leads to `uri`. The uri has no control characters, so that it cannot end early.
pub(super) fn linked(text: &str, uri: &str) -> String {
    format!("\u{1b}]8;;{uri}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
}

/// The uri of a file on the machine `host`, which tells a terminal that shows another machine not
/// to look for the file on its own.
pub(super) fn file_uri(host: &str, path: &Path) -> String {
    let mut uri = String::from("file://");
    encode(host.as_bytes(), &mut uri);
    encode(path.as_os_str().as_encoded_bytes(), &mut uri);
    uri
}

/// Adds `bytes` with all but the unreserved characters of RFC 3986, and slashes, as `%XX`.
fn encode(bytes: &[u8], uri: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_holds_nothing_that_could_end_it() {
        let path = Path::new("/srv/a b/ü%\u{1b}\\;x.py");
        assert_eq!(file_uri("box", path), "file://box/srv/a%20b/%C3%BC%25%1B%5C%3Bx.py");
    }
}
