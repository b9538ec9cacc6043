use driftfield_problems::npy;
use ndarray::{Array1, Array2};

use super::*;
use crate::tensors::{Format, TensorsError};

const METHODS: [CompressionMethod; 2] = [CompressionMethod::Stored, CompressionMethod::Deflated];

fn weight() -> Vec<u8> {
    npy::to_bytes(&Array2::from_shape_fn((2, 3), |(i, j)| (3 * i + j + 1) as f32)).unwrap()
}

/// The sample.
pub(super) fn file(method: CompressionMethod) -> Vec<u8> {
    let bias = npy::to_bytes(&Array1::from_vec(vec![-1.0f32, 0.5, 0.25])).unwrap();
    zip(&[("a/weight.npy", &weight()), ("a/bias.npy", &bias)], method)
}

fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    NamedTensors::from_bytes(bytes, Format::Npz)
}

#[test]
fn arrays_stored_and_compressed_are_read() {
    for method in METHODS {
        let bytes = file(method);
        assert_eq!(Format::of_bytes(&bytes), Some(Format::Npz));
        let tensors = read(&bytes).unwrap();
        assert_eq!(tensors.checksum().unwrap(), sample().checksum().unwrap());
    }
}

#[test]
fn halves_integers_and_columns_first_are_read() {
    let header = |descr: &str, order: &str, shape: &str| {
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
    };
    let with = |descr, order, shape, data: &[u8]| {
        read(&zip(&[("x.npy", &[&header(descr, order, shape), data].concat())], METHODS[0]))
    };
    let half = with("<f2", "False", "(2,)", &[0x00, 0x3e, 0x00, 0xc0]).unwrap();
    assert_eq!(values(&half, "x"), [1.5, -2.0]);
    assert_eq!(values(&with("|u1", "False", "()", &[9]).unwrap(), "x"), [9.0]);
    let columns = with("<f4", "True", "(2, 3)", &bytes(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])).unwrap();
    assert_eq!(columns.get("x").unwrap().dims(), [2, 3]);
    assert_eq!(values(&columns, "x"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(with("<U1", "False", "(1,)", &[0; 4]).unwrap().is_empty());
    for descr in [">f4", "|O", "<c8"] {
        assert!(matches!(with(descr, "False", "(1,)", &[0; 4]), Err(TensorsError::Dtype { .. })));
    }
    let claimed = with("<f4", "False", "(1000000000000,)", &[0; 4]);
    assert!(matches!(claimed, Err(TensorsError::TooLarge { .. })));
    let cut = with("<f4", "False", "(1,", &[0; 4]);
    assert!(cut.unwrap_err().to_string().contains("`x`"));
}

#[test]
fn every_cut_and_every_stranger_is_refused() {
    for method in METHODS {
        let whole = file(method);
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }
    let error = read(&zip(&[("readme.txt", b"text")], METHODS[0])).unwrap_err().to_string();
    assert!(error.contains("`readme.txt`") && error.contains("numpy.savez"), "{error}");
}

/// The sizes in the directory of an archive are what a reader makes room for.
#[test]
fn a_claim_beyond_what_the_bytes_can_become_is_refused_before_room_is_made() {
    for method in METHODS {
        let whole = file(method);
        let directory = whole.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let mut bomb = whole.clone();
        bomb[directory + 24..directory + 28].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
        match read(&bomb) {
            Err(TensorsError::TooLarge { claimed, .. }) => assert_eq!(claimed, 0xffff_fff0),
            other => panic!("{other:?}"),
        }
        // One byte more than there is, which is plausible, is found out.
        let mut liar = whole;
        let size = u32::from_le_bytes(*liar[directory + 24..].first_chunk().unwrap()) + 1;
        liar[directory + 24..directory + 28].copy_from_slice(&size.to_le_bytes());
        assert!(read(&liar).is_err());
    }
}
