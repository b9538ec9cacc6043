//! A checksum against accidents, not against adversaries. By hand: it is one line, and files carry its
//! sums, so that it may never change, as the hashers of `std` may.

/// 64-bit FNV-1a of bytes that come in pieces, the same however they are cut.
///
/// ```
/// use driftfield_problems::checksum;
/// assert_eq!(checksum::of(["foobar"]), 0x8594_4171_f739_67e8);
/// assert_eq!(checksum::of(["foo", "", "bar"]), checksum::of(["foobar"]));
/// ```
pub fn of(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> u64 {
    pieces.into_iter().fold(0xcbf2_9ce4_8422_2325, |sum, piece| extended(sum, piece.as_ref()))
}

/// That of the bits of numbers, whatever machine has them.
pub fn of_numbers<'n>(numbers: impl IntoIterator<Item = &'n f64>) -> u64 {
    of(numbers.into_iter().map(|number| number.to_le_bytes()))
}

/// That of what `sum` is the checksum of, followed by `bytes`.
#[inline]
pub fn extended(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
