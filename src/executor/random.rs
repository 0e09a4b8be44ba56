//! Names that nobody can guess.

/// Hexadecimal digits of so many random bytes.
pub(super) fn random(bytes: usize) -> String {
    let mut noise = vec![0_u8; bytes];
    // Without the kernel's randomness there is no SSH either; the clock at least distinguishes runs.
    if getrandom::fill(&mut noise).is_err() {
        let now = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
        noise.iter_mut().zip(now).for_each(|(byte, clock)| *byte = clock);
    }
    noise.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
