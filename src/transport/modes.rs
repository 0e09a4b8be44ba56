//! How a terminal treats what is typed and shown: read from the operator's, carried as RFC 4254, section 8, numbers it, and
//! given to the one on the host. So the keys that erase and interrupt are the user's own there too.
//!
//! What belongs to a serial line (speed, parity, bits of a character) stays behind.

use rustix::termios::{InputModes, LocalModes, OutputModes, SpecialCodeIndex, Termios};

/// The number of a mode, and its value.
pub type Mode = (u8, u32);

/// Stands for "no key" on the wire; on Linux that is 0.
const NO_KEY: u32 = 255;

const KEYS: [(u8, SpecialCodeIndex); 14] = [
    (1, SpecialCodeIndex::VINTR),
    (2, SpecialCodeIndex::VQUIT),
    (3, SpecialCodeIndex::VERASE),
    (4, SpecialCodeIndex::VKILL),
    (5, SpecialCodeIndex::VEOF),
    (6, SpecialCodeIndex::VEOL),
    (7, SpecialCodeIndex::VEOL2),
    (8, SpecialCodeIndex::VSTART),
    (9, SpecialCodeIndex::VSTOP),
    (10, SpecialCodeIndex::VSUSP),
    (12, SpecialCodeIndex::VREPRINT),
    (13, SpecialCodeIndex::VWERASE),
    (14, SpecialCodeIndex::VLNEXT),
    (18, SpecialCodeIndex::VDISCARD),
];

const INPUT: [(u8, InputModes); 11] = [
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (42, InputModes::IUTF8),
];

const LOCAL: [(u8, LocalModes); 11] = [
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
];

const OUTPUT: [(u8, OutputModes); 5] = [
    (70, OutputModes::OPOST),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];

/// Those of a terminal.
#[must_use]
pub fn of(terminal: &Termios) -> Vec<Mode> {
    let key = |at| match terminal.special_codes[at] {
        0 => NO_KEY,
        key => key.into(),
    };
    let keys = KEYS.iter().map(|(number, at)| (*number, key(*at)));
    let input = INPUT.iter().map(|(number, mode)| (*number, terminal.input_modes.contains(*mode).into()));
    let local = LOCAL.iter().map(|(number, mode)| (*number, terminal.local_modes.contains(*mode).into()));
    let output = OUTPUT.iter().map(|(number, mode)| (*number, terminal.output_modes.contains(*mode).into()));
    keys.chain(input).chain(local).chain(output).collect()
}

/// Gives them to a terminal; what it does not know stays as it is.
pub fn give(terminal: &mut Termios, modes: &[Mode]) {
    for (number, value) in modes {
        let (number, on) = (*number, *value != 0);
        if let Some((_, at)) = KEYS.iter().find(|(known, _)| *known == number) {
            let key = if *value == NO_KEY { 0 } else { *value };
            terminal.special_codes[*at] = u8::try_from(key).unwrap_or_default();
        } else if let Some((_, mode)) = INPUT.iter().find(|(known, _)| *known == number) {
            terminal.input_modes.set(*mode, on);
        } else if let Some((_, mode)) = LOCAL.iter().find(|(known, _)| *known == number) {
            terminal.local_modes.set(*mode, on);
        } else if let Some((_, mode)) = OUTPUT.iter().find(|(known, _)| *known == number) {
            terminal.output_modes.set(*mode, on);
        }
    }
}
