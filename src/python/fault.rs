//! Exceptions as plain data: what, where, and the plugin's own frames with the lines that ran.
//!
//! The exception is let go of at once, with all the frames that it keeps alive. An exception whose
//! `__str__` raises is survived.

use std::fmt::Write as _;
use std::path::PathBuf;

use pyo3::exceptions::{PySyntaxError, PyValueError};
use pyo3::intern;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyErr, Python};
use pyo3::types::PyTypeMethods;

use super::imports::Importer;
use super::text::lossy;
use crate::model::{Phase, Place, PluginFault};
use crate::source::Source;

/// More frames than this are cut in the middle: recursion without end has a thousand equal ones.
const MOST_FRAMES: usize = 40;

/// How far `__cause__` and `__context__` are followed.
const MOST_CAUSES: usize = 5;

/// A fault of the plugin of `importer`. The phase is `phase`, unless one of the plugin's files
/// could not be read or is not Python.
pub(crate) fn describe(
    py: Python<'_>,
    error: &PyErr,
    phase: Phase,
    importer: &Importer,
) -> PluginFault {
    let blamed = importer.blamed(py, error);
    let (phase, file) = match blamed {
        Some((phase, file)) => (phase, Some(file)),
        None => (phase, None),
    };
    if phase == Phase::Parse
        && let Some(source) = file.as_deref().and_then(|file| importer.executed(file))
    {
        return not_python(py, error, &source);
    }
    let value = error.value(py).as_any();
    let frames = frames(py, error, importer);
    let place = match (frames.last(), file) {
        (_, Some(file)) => Place::file(file),
        (Some(frame), None) => frame.place(),
        (None, None) => Place::file(&importer.identity.entry),
    };
    PluginFault {
        phase,
        kind: kind(value),
        message: plain(&message(value), importer),
        place: Some(place),
        traceback: Some(chain(py, error, importer, MOST_CAUSES)).filter(|text| !text.is_empty()),
    }
}

/// A fault of phase `parse`: the place as Python gives it.
pub(crate) fn not_python(py: Python<'_>, error: &PyErr, source: &Source) -> PluginFault {
    let value = error.value(py).as_any();
    let mut place = Place::file(&source.path);
    let mut message = message(value);
    let mut kind = kind(value);
    if error.is_instance_of::<PySyntaxError>(py) {
        let number = |name: &str| -> Option<u32> {
            value.getattr(name).ok()?.extract().ok().filter(|number| *number > 0)
        };
        place.line = number("lineno");
        place.column = number("offset");
        if number("end_lineno") == place.line {
            place.end_column = number("end_offset").filter(|end| Some(*end) > place.column);
        }
        if let Ok(text) = value.getattr("msg").and_then(|text| text.extract::<String>()) {
            message = text;
        }
    } else if error.is_instance_of::<PyValueError>(py) && source.bytes.contains(&0) {
        // Older Pythons tell neither that this is a matter of syntax nor where it is.
        let before = source.bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        place.line = Some(lines_in(before));
        kind = "SyntaxError".to_owned();
    }
    place.text = place.line.and_then(|line| line_of(source, line));
    PluginFault { phase: Phase::Parse, kind, message, place: Some(place), traceback: None }
}

fn lines_in(bytes: &[u8]) -> u32 {
    let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX - 1) + 1
}

struct Frame {
    file: PathBuf,
    function: String,
    line: u32,
    text: Option<String>,
    columns: Option<(u32, u32)>,
}

impl Frame {
    fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: Some(self.line),
            column: self.columns.map(|(start, _)| start),
            end_column: self.columns.map(|(_, end)| end),
            text: self.text.clone(),
        }
    }
}

/// The frames that are the plugin's, outermost first.
fn frames(py: Python<'_>, error: &PyErr, importer: &Importer) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut next = error.traceback(py).map(Bound::into_any);
    while let Some(entry) = next {
        if let Some(frame) = own_frame(&entry, importer) {
            frames.push((entry.clone(), frame));
        }
        next = entry.getattr(intern!(py, "tb_next")).ok().filter(|entry| !entry.is_none());
    }
    if let Some((entry, frame)) = frames.last_mut() {
        frame.columns = columns(entry, frame);
    }
    frames.into_iter().map(|(_, frame)| frame).collect()
}

fn own_frame(entry: &Bound<'_, PyAny>, importer: &Importer) -> Option<Frame> {
    let code = entry.getattr("tb_frame").ok()?.getattr("f_code").ok()?;
    let file: PathBuf = code.getattr("co_filename").ok()?.extract().ok()?;
    let source = importer.executed(&file)?;
    let line: u32 = entry.getattr("tb_lineno").ok()?.extract().ok()?;
    let function = code.getattr("co_name").ok()?.extract().ok()?;
    let text = line_of(&source, line);
    Some(Frame { file, function, line, text, columns: None })
}

/// From where to where on its line the code reaches that a traceback entry stands on.
fn columns(entry: &Bound<'_, PyAny>, frame: &Frame) -> Option<(u32, u32)> {
    let code = entry.getattr("tb_frame").ok()?.getattr("f_code").ok()?;
    let position: usize = entry.getattr("tb_lasti").ok()?.extract().ok()?;
    // Since Python 3.11; older ones show the line only.
    let positions =
        code.call_method0("co_positions").ok()?.try_iter().ok()?.nth(position / 2)?.ok()?;
    type Span = (Option<u32>, Option<u32>, Option<usize>, Option<usize>);
    let (line, end_line, start, end): Span = positions.extract().ok()?;
    let text = frame.text.as_deref()?;
    if line != Some(frame.line) {
        return None;
    }
    // Python counts bytes from 0, people count characters from 1.
    let column = |bytes: usize| -> Option<u32> {
        let before = text.get(..bytes.min(text.len()))?;
        u32::try_from(before.chars().count() + 1).ok()
    };
    let start = column(start?)?;
    let end = if end_line == line { column(end?)? } else { column(text.len())? };
    (end > start).then_some((start, end))
}

/// Tracebacks of the exception and of what caused it, as Python prints them.
fn chain(py: Python<'_>, error: &PyErr, importer: &Importer, depth: usize) -> String {
    let value = error.value(py);
    let mut text = String::new();
    let attribute = |name: &str| value.getattr(name).ok().filter(|other| !other.is_none());
    let hidden = value
        .getattr("__suppress_context__")
        .and_then(|hidden| hidden.is_truthy())
        .unwrap_or_default();
    let before = match (attribute("__cause__"), attribute("__context__")) {
        (Some(cause), _) => Some((
            cause,
            "\nThe above exception was the direct cause of the following exception:\n\n",
        )),
        (None, Some(context)) if !hidden => Some((
            context,
            "\nDuring handling of the above exception, another exception occurred:\n\n",
        )),
        _ => None,
    };
    if depth > 0
        && let Some((before, between)) = before
    {
        text.push_str(&chain(py, &PyErr::from_value(before), importer, depth - 1));
        text.push_str(between);
    }
    let frames = frames(py, error, importer);
    if !frames.is_empty() {
        text.push_str("Traceback (most recent call last):\n");
    }
    let skipped = frames.len().saturating_sub(MOST_FRAMES);
    for (position, frame) in frames.iter().enumerate() {
        if skipped > 0 && position == MOST_FRAMES / 2 {
            let _ = writeln!(text, "  [{skipped} more frames]");
        }
        if skipped > 0 && (MOST_FRAMES / 2..MOST_FRAMES / 2 + skipped).contains(&position) {
            continue;
        }
        let file = frame.file.display();
        let _ = writeln!(text, "  File \"{file}\", line {}, in {}", frame.line, frame.function);
        if let Some(line) = &frame.text {
            let _ = writeln!(text, "    {}", line.trim());
        }
    }
    let value = value.as_any();
    let said = plain(&message(value), importer);
    let separator = if said.is_empty() { "" } else { ": " };
    let _ = writeln!(text, "{}{separator}{said}", kind(value));
    if let Ok(notes) = value.getattr("__notes__").and_then(|notes| notes.try_iter()) {
        for note in notes.filter_map(Result::ok) {
            let _ = writeln!(text, "{}", note.str().map(|note| lossy(&note)).unwrap_or_default());
        }
    }
    text
}

/// The class of an exception.
pub(crate) fn kind(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "Exception".to_owned(), |name| name.to_string())
}

/// What an exception says, also if saying it raises.
pub(crate) fn message(value: &Bound<'_, PyAny>) -> String {
    match value.str() {
        Ok(text) => lossy(&text),
        Err(error) => {
            let py = value.py();
            format!("<its __str__ raised {}>", kind(error.value(py).as_any()))
        }
    }
}

/// What became of a call that was interrupted with `error`: `did not come back within 3 s`, and where.
pub(crate) fn timeout(py: Python<'_>, error: &PyErr, importer: &Importer) -> String {
    format!("{}{}", message(error.value(py).as_any()), place(py, error, importer))
}

/// Where it was raised, in brackets after a blank; empty if that is not in the plugin.
fn place(py: Python<'_>, error: &PyErr, importer: &Importer) -> String {
    let frames = frames(py, error, importer);
    let place = frames.last().map(|frame| format!(" ({}:{})", frame.file.display(), frame.line));
    place.unwrap_or_default()
}

/// One line for a warning: `ValueError: …`.
pub(crate) fn one_line(py: Python<'_>, error: &PyErr, importer: &Importer) -> String {
    let value = error.value(py).as_any();
    let said = plain(&message(value), importer);
    let place = place(py, error, importer);
    if said.is_empty() {
        format!("{}{place}", kind(value))
    } else {
        format!("{}: {said}{place}", kind(value))
    }
}

/// Module names as the author wrote them, without the package that we put before.
fn plain(message: &str, importer: &Importer) -> String {
    message.replace(&format!("{}.", importer.identity.package), "")
}

/// A line of a source, without its line break. Lines as Python counts them.
fn line_of(source: &Source, line: u32) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.bytes);
    let text = bytes.split(|byte| *byte == b'\n').nth(index)?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    Some(String::from_utf8_lossy(text).into_owned())
}
