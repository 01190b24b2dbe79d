//! What a person presses while the program runs.
//!
//! Takes bytes of the terminal, gives [`Key`]s on a channel. The terminal is put into a mode in
//! which keys arrive at once and are not echoed, and out of it again on every way out.

mod listen;
mod mode;
mod stop;

pub use listen::{Listener, listen};
pub use mode::{hand_over, restore, take_back};

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `r`: reload all plugins, or one by number.
    Reload,
    /// `l`: list the plugins.
    List,
    /// `e`: show the last error again.
    LastError,
    /// `c`: clear the screen.
    Clear,
    /// `q`: stop.
    Quit,
    /// `?` or `h`: what the keys are.
    Help,
    /// A digit of a number.
    Digit(char),
    /// Takes back the last digit.
    Erase,
    /// The end of a number; else an empty line, which sets apart what comes next.
    Enter,
    /// Any other key; takes back what was begun.
    Other,
}

/// The keys in what one read of the terminal gave. A key such as an arrow comes as several bytes
/// that begin with an escape, together with nothing else as long as nobody types that fast.
fn decode(bytes: &[u8]) -> Vec<Key> {
    let (plain, escape) = match bytes.iter().position(|byte| *byte == 0x1b) {
        Some(at) => (&bytes[..at], true),
        None => (bytes, false),
    };
    let mut keys: Vec<Key> = plain.iter().filter_map(|byte| key(*byte)).collect();
    if escape {
        keys.push(Key::Other);
    }
    keys
}

fn key(byte: u8) -> Option<Key> {
    Some(match byte {
        b'r' | b'R' => Key::Reload,
        b'l' | b'L' => Key::List,
        b'e' | b'E' => Key::LastError,
        b'c' | b'C' => Key::Clear,
        b'q' | b'Q' => Key::Quit,
        b'?' | b'h' | b'H' => Key::Help,
        b'0'..=b'9' => Key::Digit(char::from(byte)),
        0x08 | 0x7f => Key::Erase,
        b'\n' | b'\r' => Key::Enter,
        // The rest of a character that has several bytes.
        0x80..=0xbf => return None,
        _ => Key::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_is_a_key_whatever_its_case() {
        let keys = [Key::Reload, Key::List, Key::LastError, Key::Clear, Key::Quit, Key::Help];
        assert_eq!(decode(b"rlecq?"), keys);
        assert_eq!(decode(b"RLECQh"), keys);
    }

    #[test]
    fn numbers_come_digit_by_digit() {
        assert_eq!(
            decode(b"r12\x7f\n"),
            [Key::Reload, Key::Digit('1'), Key::Digit('2'), Key::Erase, Key::Enter]
        );
    }

    #[test]
    fn an_arrow_or_a_letter_of_another_script_is_one_other_key() {
        assert_eq!(decode(b"\x1b[A"), [Key::Other]);
        assert_eq!(decode(b"\x1b"), [Key::Other]);
        assert_eq!(decode("ä漢".as_bytes()), [Key::Other, Key::Other]);
    }
}
