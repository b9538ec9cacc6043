/// Bits of one digit, and the number of digits sorted by: 33 bits hold sign,
/// exponent and 21 bits of the mantissa.
const DIGIT: u32 = 11;
const DIGITS: usize = 3;
const BUCKETS: usize = 1 << DIGIT;
/// Below this length clearing the buckets costs more than it saves.
const SHORTEST: usize = 512;
/// Moves of a value that the last pass may take on average.
const MOVES: usize = 8;

/// Sorts finite numbers as `f64::total_cmp` orders them.
///
/// A radix sort by the leading bits leaves only numbers within `2^-21` of each
/// other, relatively, out of order; an insertion sort puts those right. Numbers
/// that crowd more closely are handed to the library's comparison sort.
pub(super) fn sort(values: &mut [f64]) {
    if values.len() < SHORTEST || u32::try_from(values.len()).is_err() {
        return values.sort_unstable_by(f64::total_cmp);
    }
    let mut keys: Vec<u64> = values.iter().map(|&value| key(value)).collect();
    let mut other = vec![0; keys.len()];
    let mut counts = vec![[0u32; BUCKETS]; DIGITS];
    for &key in &keys {
        for (place, counts) in counts.iter_mut().enumerate() {
            counts[digit(key, place)] += 1;
        }
    }
    for (place, counts) in counts.iter_mut().enumerate() {
        let mut begin = 0;
        for count in counts.iter_mut() {
            begin += std::mem::replace(count, begin);
        }
        for &key in &keys {
            let slot = &mut counts[digit(key, place)];
            other[*slot as usize] = key;
            *slot += 1;
        }
        std::mem::swap(&mut keys, &mut other);
    }
    if !insertion_sort(&mut keys) {
        keys.sort_unstable();
    }
    for (value, key) in values.iter_mut().zip(keys) {
        *value = number(key);
    }
}

fn digit(key: u64, place: usize) -> usize {
    let shift = u64::BITS - DIGIT * (DIGITS - place) as u32;
    (key >> shift) as usize % BUCKETS
}

/// Whole numbers in the order of the floating-point numbers they stand for.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    let negative = bits >> 63;
    bits ^ (negative.wrapping_neg() | 1 << 63)
}

fn number(key: u64) -> f64 {
    let positive = key >> 63;
    f64::from_bits(key ^ (positive.wrapping_sub(1) | 1 << 63))
}

/// Whether the keys could be sorted with few moves.
fn insertion_sort(keys: &mut [u64]) -> bool {
    let mut moves = MOVES * keys.len();
    for i in 1..keys.len() {
        let key = keys[i];
        let mut place = i;
        while place > 0 && keys[place - 1] > key {
            keys[place] = keys[place - 1];
            place -= 1;
        }
        keys[place] = key;
        match moves.checked_sub(i - place) {
            Some(left) => moves = left,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::sort;
    use proptest::prelude::*;

    fn sorted(mut values: Vec<f64>) -> bool {
        let mut expected = values.clone();
        expected.sort_by(f64::total_cmp);
        sort(&mut values);
        values.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn orders_as_the_library_does(
            wide in prop::collection::vec(-1e300f64..1e300, 0..2000),
            near in prop::collection::vec(-1f64..1.0, 500..3000),
            whole in prop::collection::vec(-20i32..20, 500..3000),
        ) {
            prop_assert!(sorted(wide));
            prop_assert!(sorted(near.iter().map(|x| 1e6 + 1e-3 * x).collect()));
            prop_assert!(sorted(near));
            prop_assert!(sorted(whole.into_iter().map(|x| -0.0 * f64::from(x) + f64::from(x)).collect()));
        }
    }

    #[test]
    fn both_zeros_subnormals_and_extremes_find_their_place() {
        let numbers = [0.0, -0.0, f64::MAX, f64::MIN, 5e-324, -5e-324, 1.0, -1.0];
        assert!(sorted(numbers.iter().copied().cycle().take(1000).collect()));
    }
}
