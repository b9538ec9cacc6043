use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use zip::CompressionMethod;

use super::*;
use crate::tensors::Format;

/// A file of every format.
static FILES: LazyLock<[(Format, Vec<u8>); 6]> = LazyLock::new(|| {
    [
        (Format::Safetensors, sample().to_safetensors(HashMap::new()).unwrap()),
        (Format::Flax, flax::file()),
        (Format::Npz, npz::file(CompressionMethod::Stored)),
        (Format::Npz, npz::file(CompressionMethod::Deflated)),
        (Format::Torch, torch::file()),
        (Format::Torch, include_bytes!("../../../tests/data/torch-mlp-checkpoint.pt").to_vec()),
    ]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn damaged_files_never_panic(
        which in 0usize..6,
        cut in 0usize..20_000,
        flips in prop::collection::vec((0usize..20_000, 1u8..), 0..6),
    ) {
        let (format, mut bytes) = FILES[which].clone();
        if cut < bytes.len() {
            bytes.truncate(cut.max(1));
        }
        for (at, bits) in flips {
            let at = at % bytes.len();
            bytes[at] ^= bits;
        }
        if let Ok(tensors) = NamedTensors::from_bytes(&bytes, format) {
            prop_assert!(tensors.checksum().is_ok());
        }
        let _ = Format::of_bytes(&bytes);
    }

    /// The checksums of an archive catch most flips: here the pickle itself is damaged.
    #[test]
    fn damaged_pickles_never_panic(
        flips in prop::collection::vec((0usize..2_000, any::<u8>()), 1..5),
    ) {
        let mut pickle = torch::checkpoint();
        for (at, byte) in flips {
            let at = at % pickle.len();
            pickle[at] = byte;
        }
        if let Ok(tensors) = NamedTensors::from_bytes(&torch::archive(&pickle), Format::Torch) {
            prop_assert!(tensors.checksum().is_ok());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in [Format::Safetensors, Format::Torch, Format::Flax, Format::Npz] {
            let _ = NamedTensors::from_bytes(&bytes, format);
        }
        let pickle = [b"\x80\x02", &bytes[..], b"."].concat();
        let _ = NamedTensors::from_bytes(&torch::archive(&pickle), Format::Torch);
    }
}
