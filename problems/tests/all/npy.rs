//! `.npy` files: round trips, NumPy's bytes, refusals, and damaged input.

use driftfield_problems::npy::{self, NpyError, RowWriter};
use ndarray::{Array2, Array3, ArrayD, array};
use proptest::prelude::*;

/// `numpy.save` of `[[1, 2], [3, 4.5]]` as f4 (NumPy 2), byte for byte.
fn numpy_bytes() -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    bytes.extend_from_slice(format!("{dictionary:117}\n").as_bytes());
    for value in [1.0f32, 2.0, 3.0, 4.5] {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes
}

fn with_header(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let padded = format!("{dictionary:117}\n");
    bytes.extend_from_slice(&(padded.len() as u16).to_le_bytes());
    bytes.extend_from_slice(padded.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

#[test]
fn writes_what_numpy_writes() {
    let array: Array2<f32> = array![[1.0, 2.0], [3.0, 4.5]];
    assert_eq!(npy::to_bytes(&array).unwrap(), numpy_bytes());
    // The transpose of the transpose: Fortran in memory, C order on disk.
    let transposed = array.t().as_standard_layout().into_owned();
    assert_eq!(npy::to_bytes(&transposed.t().to_owned()).unwrap(), numpy_bytes());
}

#[test]
fn reads_either_width_order_and_layout() {
    let expected = array![[1.0, 2.0], [3.0, 4.5]].into_dyn();
    assert_eq!(npy::parse::<f64>(&numpy_bytes()).unwrap(), expected);
    let mut data = Vec::new();
    for value in [1.0f64, 3.0, 2.0, 4.5] {
        data.extend_from_slice(&value.to_be_bytes());
    }
    let bytes = with_header("{'descr': '>f8', 'fortran_order': True, 'shape': (2, 2), }", &data);
    let array = npy::parse::<f64>(&bytes).unwrap();
    assert_eq!(array, expected);
    assert!(array.is_standard_layout());
    assert_eq!(npy::parse::<f32>(&bytes).unwrap(), expected.mapv(|value| value as f32));
}

#[test]
fn refuses_with_the_reason() {
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
    };
    let refusal = |bytes: &[u8]| npy::parse::<f32>(bytes).unwrap_err();
    assert!(matches!(refusal(b""), NpyError::NoBytes));
    assert!(matches!(refusal(b"PK\x03\x04"), NpyError::NotNpy { .. }));
    assert!(matches!(refusal(b"1.0, 2.0\n"), NpyError::NotNpy { .. }));
    assert!(matches!(refusal(b"\x93NUMPY"), NpyError::Header { .. }));
    assert!(matches!(refusal(b"\x93NUMPY\x07\x00\x00\x00"), NpyError::Header { .. }));
    let integers = refusal(&with_header(&header("'<i8'", "(1, 1)"), &[0; 8]));
    assert!(integers.to_string().contains("<i8") && integers.to_string().contains("astype"));
    let structured = refusal(&with_header(&header("[('x', '<f4')]", "(1, 1)"), &[0; 4]));
    assert!(matches!(structured, NpyError::Dtype { .. }), "{structured}");
    let vector = refusal(&with_header(&header("'<f4'", "(1,)"), &[0; 4]));
    assert!(matches!(vector, NpyError::Dimensions { .. }));
    let empty = refusal(&with_header(&header("'<f4'", "(0, 2)"), &[]));
    assert!(matches!(empty, NpyError::EmptyArray { .. }));
    let huge = refusal(&with_header(&header("'<f4'", "(4611686018427387904, 9999)"), &[0; 4]));
    assert!(matches!(huge, NpyError::Length { .. }));
    let long = refusal(&with_header(&header("'<f4'", "(1, 1)"), &[0; 5]));
    assert!(matches!(long, NpyError::Length { promised: 4, found: 5, .. }));
    let wide = with_header(&header("'<f8'", "(1, 1)"), &1e300f64.to_le_bytes());
    assert!(matches!(refusal(&wide), NpyError::OutOfRange { .. }));
    let deep = refusal(&with_header(&"(".repeat(9_000), &[]));
    assert!(matches!(deep, NpyError::Header { .. }));
}

#[test]
fn files_round_trip_and_name_themselves_in_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("states.npy");
    let array = Array3::from_shape_fn((3, 2, 4), |(i, j, k)| (i * 8 + j * 4 + k) as f64 * 0.1);
    npy::write(&path, &array).unwrap();
    assert_eq!(npy::read::<f64>(&path).unwrap(), array.into_dyn());
    let error = npy::read_matrix::<f64>(&path).unwrap_err();
    assert!(error.to_string().contains("states.npy") && error.to_string().contains("[3, 2, 4]"));
    let error = npy::read::<f64>(directory.path().join("none.npy")).unwrap_err();
    assert!(error.to_string().contains("none.npy"));
}

#[test]
fn rows_stream_into_one_array() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trajectory.npy");
    let mut writer = RowWriter::<f32>::create(&path, &[2, 3]).unwrap();
    for step in 0..12 {
        writer.push(&Array2::from_elem((2, 3), step as f32)).unwrap();
    }
    assert!(matches!(writer.push(&Array2::zeros((3, 2))), Err(NpyError::RowShape { .. })));
    assert!(!path.exists());
    writer.finish().unwrap();
    let array: ArrayD<f32> = npy::read(&path).unwrap();
    assert_eq!(array.shape(), [12, 2, 3]);
    assert_eq!(array[[11, 1, 2]], 11.0);
    assert_eq!(std::fs::metadata(&path).unwrap().len() % 64, (12 * 6 * 4) % 64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = npy::parse::<f32>(&bytes);
    }

    #[test]
    fn arbitrary_headers_never_panic(
        text in "[ (){}\\[\\],:'\"0-9a-zA-Z<>|_.+\\-]{0,80}",
        version in 1u8..5,
    ) {
        let mut bytes = with_header(&text, &[0; 16]);
        bytes[6] = version;
        let _ = npy::parse::<f32>(&bytes);
        let shaped = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {text}}}");
        let _ = npy::parse::<f64>(&with_header(&shaped, &[0; 16]));
    }

    #[test]
    fn damaged_files_never_panic(
        cut in 0usize..=144,
        flips in prop::collection::vec((0usize..144, 0u8..8), 0..4),
    ) {
        let mut bytes = numpy_bytes();
        for (position, bit) in flips {
            bytes[position] ^= 1 << bit;
        }
        let result = npy::parse::<f64>(&bytes[..cut]);
        prop_assert!(cut == 144 || result.is_err());
    }

    #[test]
    fn any_array_round_trips(
        rows in 1usize..6,
        columns in 1usize..6,
        bits in prop::collection::vec(any::<u64>(), 36),
    ) {
        let array =
            Array2::from_shape_fn((rows, columns), |(i, j)| f64::from_bits(bits[i * 6 + j]));
        let back: ArrayD<f64> = npy::parse(&npy::to_bytes(&array).unwrap()).unwrap();
        prop_assert_eq!(back.shape(), array.shape());
        for (a, b) in array.iter().zip(&back) {
            prop_assert_eq!(a.to_bits(), b.to_bits());
        }
    }
}
