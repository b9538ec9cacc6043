//! How many values a msgpack has, before room is made for them.

/// The number of values of the first msgpack in `bytes`, those within lists and maps included;
/// `None` if it ends before they do.
pub(super) fn count(mut bytes: &[u8]) -> Option<u64> {
    let (mut count, mut awaited) = (0u64, 1u64);
    while awaited > 0 {
        let (within, skipped, rest) = value(bytes)?;
        awaited = awaited - 1 + within;
        count += 1;
        bytes = rest.get(usize::try_from(skipped).ok()?..)?;
        // Each takes a byte at least.
        if awaited > bytes.len() as u64 {
            return None;
        }
    }
    Some(count)
}

/// How many values the first one holds, how many bytes it takes beside its length, and what
/// follows its length.
fn value(bytes: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (&marker, rest) = bytes.split_first()?;
    // A length in 1, 2 or 4 bytes.
    let length = |width: u8| {
        let width = 1usize << width;
        let digits = rest.get(..width)?;
        let length = digits.iter().fold(0u64, |sum, &digit| (sum << 8) | u64::from(digit));
        Some((length, &rest[width..]))
    };
    Some(match marker {
        0x80..=0x8f => (2 * u64::from(marker & 0x0f), 0, rest),
        0x90..=0x9f => (u64::from(marker & 0x0f), 0, rest),
        0xa0..=0xbf => (0, u64::from(marker & 0x1f), rest),
        // Bytes, extensions with a byte for their number, text.
        0xc4..=0xc6 => length(marker - 0xc4).map(|(length, rest)| (0, length, rest))?,
        0xc7..=0xc9 => length(marker - 0xc7).map(|(length, rest)| (0, length + 1, rest))?,
        0xd9..=0xdb => length(marker - 0xd9).map(|(length, rest)| (0, length, rest))?,
        // Numbers, extensions of a fixed length.
        0xca | 0xcb => (0, 4 << (marker - 0xca), rest),
        0xcc..=0xcf => (0, 1 << (marker - 0xcc), rest),
        0xd0..=0xd3 => (0, 1 << (marker - 0xd0), rest),
        0xd4..=0xd8 => (0, (1 << (marker - 0xd4)) + 1, rest),
        0xdc | 0xdd => length(marker - 0xdb).map(|(length, rest)| (length, 0, rest))?,
        0xde | 0xdf => length(marker - 0xdd).map(|(length, rest)| (2 * length, 0, rest))?,
        _ => (0, 0, rest),
    })
}

#[cfg(test)]
mod tests {
    use rmpv::Value;
    use rmpv::encode::write_value;

    use super::*;

    #[test]
    fn values_of_every_kind_are_counted_and_cut_ones_are_not() {
        let mut leaves: Vec<Value> = [0, 1, 40, 300, 70_000]
            .into_iter()
            .flat_map(|n: usize| {
                [Value::from("x".repeat(n)), Value::Binary(vec![0; n]), Value::Ext(1, vec![0; n])]
            })
            .collect();
        leaves.extend([2, 4, 8, 16].map(|n| Value::Ext(1, vec![0; n])));
        leaves.extend(
            [0i64, -1, 100, -100, 1000, -1000, 1 << 20, -(1 << 20), 1 << 40, -(1 << 40)]
                .map(Value::from),
        );
        leaves.extend([Value::Nil, true.into(), 1.5f32.into(), 1.5f64.into()]);
        let many = |n: usize| Value::Array(vec![Value::Nil; n]);
        let map = |n: usize| Value::Map(vec![(Value::Nil, Value::Nil); n]);
        let lists = [many(0), many(20), many(70_000), map(3), map(20), map(70_000)];
        let count_of = |value: &Value| {
            let mut bytes = Vec::new();
            write_value(&mut bytes, value).unwrap();
            for cut in (0..bytes.len()).step_by(bytes.len().div_ceil(10)) {
                assert_eq!(count(&bytes[..cut]), None, "{value}");
            }
            count(&bytes).unwrap()
        };
        for leaf in &leaves {
            assert_eq!(count_of(leaf), 1, "{leaf}");
        }
        assert_eq!(lists.each_ref().map(count_of), [1, 21, 70_001, 7, 41, 140_001]);
        let all = Value::Array(leaves.iter().cloned().chain(lists).collect());
        assert_eq!(count_of(&all), 1 + leaves.len() as u64 + 210_072);
        assert_eq!(count(b"\xdd\xff\xff\xff\xff\xc0"), None);
    }
}
