//! Python's text as ours.

use pyo3::prelude::{Bound, PyAnyMethods};
use pyo3::types::{PyBytes, PyBytesMethods, PyString, PyStringMethods};

/// The text, with one U+FFFD for each half of a surrogate pair that stands alone.
pub(crate) fn lossy(text: &Bound<'_, PyString>) -> String {
    if let Ok(text) = text.to_str() {
        return text.to_owned();
    }
    let encoded = text.call_method1("encode", ("utf-16-le", "surrogatepass"));
    match encoded.as_ref().map(|encoded| encoded.cast::<PyBytes>()) {
        Ok(Ok(bytes)) => {
            let (units, _) = bytes.as_bytes().as_chunks::<2>();
            String::from_utf16_lossy(
                &units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>(),
            )
        }
        _ => text.to_string_lossy().into_owned(),
    }
}
