//! Digits from IDX files, what is wrong with them, and the shipped classifier on them.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use driftfield::networks::weights::TrainedNetwork;
use driftfield::networks::{Architecture, ClassifierConfig, MlpConfig, UNetConfig};
use driftfield::problems::data::{self, DataError, IdxError, Mnist, MnistError};
use tempfile::TempDir;

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");
const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

/// A copy of the digits, its images and labels for training unpacked.
fn unpacked() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(DIGITS).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    for name in [IMAGES, LABELS] {
        let packed = directory.path().join(format!("{name}.gz"));
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(&packed).unwrap())
            .read_to_end(&mut bytes)
            .unwrap();
        fs::remove_file(&packed).unwrap();
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

/// What is said of the digits once a file is changed.
fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> MnistError {
    let directory = unpacked();
    let path = directory.path().join(name);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    Mnist::read(directory.path()).unwrap_err()
}

#[test]
fn plain_and_gzipped_digits_are_the_same() {
    let digits = Mnist::read(DIGITS).unwrap();
    assert_eq!(digits, Mnist::read(unpacked().path()).unwrap());
    assert_eq!((digits.train.len(), digits.test.len()), (64, 64));
    assert_eq!(digits.train.pixels.dim(), (64, 784));
    let pixels = &digits.train.pixels;
    assert!(pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    assert!(pixels.iter().any(|&pixel| pixel == 1.0) && pixels[[0, 0]] == 0.0);
    assert!((0..10).all(|digit| digits.train.labels.contains(&digit)));
    assert_eq!(digits.first_half().labels, digits.train.labels[..32]);
    assert_eq!(digits.second_half().pixels, digits.train.pixels.slice(ndarray::s![32.., ..]));
    assert!(digits.train.rows(70..80).is_empty());

    let set = data::by_name(&format!("mnist:{DIGITS}")).unwrap();
    assert_eq!(set.dimension(), 784);
    let drawn = set.sample(3, 0);
    assert!(drawn.rows().into_iter().all(|row| pixels.rows().into_iter().any(|p| p == row)));
}

#[test]
fn each_defect_of_a_file_has_its_own_error() {
    let error = changed(IMAGES, |bytes| bytes[2] = 9);
    assert!(matches!(error, MnistError::Idx(IdxError::Magic { dimensions: 3, .. })), "{error}");
    let error = changed(LABELS, |bytes| bytes.truncate(3));
    assert!(matches!(error, MnistError::Idx(IdxError::Magic { .. })), "{error}");
    let error = changed(IMAGES, |bytes| bytes.truncate(10));
    assert!(matches!(error, MnistError::Idx(IdxError::Shape { .. })), "{error}");
    let error = changed(IMAGES, |bytes| bytes[4..16].fill(255));
    assert!(matches!(error, MnistError::Idx(IdxError::Shape { .. })), "{error}");
    let error = changed(LABELS, |bytes| bytes[4..8].fill(0));
    assert!(matches!(error, MnistError::Idx(IdxError::Shape { .. })), "{error}");
    let error = changed(IMAGES, |bytes| bytes.truncate(20_000));
    let MnistError::Idx(IdxError::Size { expected, found, .. }) = error else { panic!("{error}") };
    assert_eq!((expected, found), (64 * 784, 20_000 - 16));
    let error = changed(LABELS, |bytes| bytes.push(1));
    assert!(matches!(error, MnistError::Idx(IdxError::Size { expected: 64, found: 65, .. })));
    let error = changed(LABELS, |bytes| {
        bytes.pop();
        bytes[7] = 63;
    });
    assert!(matches!(error, MnistError::Count { images: 64, labels: 63, .. }), "{error}");
    let error = changed(LABELS, |bytes| bytes[20] = 10);
    assert!(matches!(error, MnistError::Label { row: 12, label: 10, .. }), "{error}");
    // As many pixels in all, but in other images.
    let error = changed(IMAGES, |bytes| {
        bytes[11] = 14;
        bytes[15] = 56;
    });
    assert!(matches!(error, MnistError::Side { found: [14, 56], .. }), "{error}");
}

/// Whether images and labels belong together is in their headers: nothing is unpacked to find
/// that they do not, and what memory does not hold is no damage.
#[test]
fn headers_are_compared_before_anything_is_unpacked() {
    let directory = tempfile::tempdir().unwrap();
    let packed = |shape: &[u32], content: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[0, 0, 8, shape.len() as u8]).unwrap();
        shape.iter().for_each(|size| encoder.write_all(&size.to_be_bytes()).unwrap());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let read = |images: &[u32], labels: &[u32]| {
        fs::write(directory.path().join(IMAGES), packed(images, &[])).unwrap();
        fs::write(directory.path().join(LABELS), packed(labels, &[])).unwrap();
        Mnist::read(directory.path()).unwrap_err()
    };
    // There is nothing behind these headers, which is found later.
    let error = read(&[2_000_000, 28, 28], &[3]);
    assert!(matches!(error, MnistError::Count { images: 2_000_000, labels: 3, .. }), "{error}");
    let error = read(&[2_000_000, 27, 28], &[3]);
    assert!(matches!(error, MnistError::Side { found: [27, 28], .. }), "{error}");
    let error = read(&[5, 28, 28], &[5]);
    assert!(matches!(error, MnistError::Idx(IdxError::Size { .. })), "{error}");
    let error = read(&[4_000_000, 28, 28], &[4_000_000]);
    assert!(matches!(error, MnistError::Idx(IdxError::Shape { .. })), "{error}");
}

#[test]
fn damaged_gzip_and_missing_files_are_typed_errors() {
    let directory = unpacked();
    let packed = |content: &[u8], cut: usize| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        let bytes = encoder.finish().unwrap();
        bytes[..bytes.len() - cut].to_vec()
    };
    let path = directory.path().join(IMAGES);
    let content = fs::read(&path).unwrap();
    fs::write(&path, packed(&content, 0)).unwrap();
    assert!(Mnist::read(directory.path()).is_ok(), "gzip is known by its content");
    for cut in [4, 1000] {
        fs::write(&path, packed(&content, cut)).unwrap();
        let error = Mnist::read(directory.path()).unwrap_err();
        assert!(matches!(error, MnistError::Idx(IdxError::Gzip { .. })), "{cut}: {error}");
        assert!(error.to_string().contains("fetch the file again"));
    }
    let mut flipped = packed(&content, 0);
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    fs::write(&path, flipped).unwrap();
    let error = Mnist::read(directory.path()).unwrap_err();
    assert!(matches!(error, MnistError::Idx(IdxError::Gzip { .. })), "checksum: {error}");

    fs::remove_file(&path).unwrap();
    let error = Mnist::read(directory.path()).unwrap_err();
    assert!(matches!(error, MnistError::Missing { name: IMAGES, .. }));
    assert!(error.to_string().contains("train-images-idx3-ubyte.gz"));
    let nowhere = data::by_name("mnist:/no/such/directory");
    assert!(matches!(nowhere, Err(DataError::Mnist(MnistError::Missing { .. }))));
}

#[test]
fn the_shipped_classifier_recognises_digits_it_has_not_seen() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/mnist-classifier.safetensors");
    let network = TrainedNetwork::<ClassifierConfig>::load(file).unwrap();
    assert_eq!((network.process.as_str(), network.prediction.as_str()), ("none", "label"));
    let classifier = network.classifier();
    let test = Mnist::read(DIGITS).unwrap().test;
    let pixels = test.pixels.mapv(|pixel| pixel as f32);
    // 99.0 % of all 1,000: one of 64 may be wrong.
    let accuracy = classifier.accuracy(pixels.view(), &test.labels).unwrap();
    assert!(accuracy >= 63.0 / 64.0, "{accuracy}");
    let features = classifier.classify(pixels.view()).unwrap().features;
    assert_eq!(features.dim(), (64, 64));
}

/// 64-bit FNV-1a of the bits of all weights, tensor after tensor in the order of their names.
fn fingerprint<A: Architecture>(network: &TrainedNetwork<A>) -> u64 {
    let mut entries = network.parameters.config().entries();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let values = entries.iter().flat_map(|entry| &network.parameters.values()[entry.range.clone()]);
    values.flat_map(|value| value.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn check<A: Architecture>(name: &str, bits: u64, std: f64) {
    let file = format!("{}/weights/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let network = TrainedNetwork::<A>::load(&file).unwrap();
    assert_eq!(fingerprint(&network), bits, "{name}");
    let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    let tag = format!("architecture\\\":\\\"{}\\\"", A::NAME);
    assert!(text.contains(&tag), "{name} does not name its architecture");
    assert!((network.data_std.unwrap() - std).abs() < 5e-4, "{name}: {:?}", network.data_std);
}

/// The weights are those that were trained, to the bit, whatever was written beside them since;
/// and each file names its architecture and says how far its data spread.
#[test]
fn shipped_weights_are_those_that_were_trained() {
    check::<MlpConfig>("cat-rectified-flow", 0xecfe_715f_4e85_3d27, 1.0);
    check::<MlpConfig>("cat-vp", 0xe135_f89f_3e39_def3, 1.0);
    check::<MlpConfig>("cat-brownian-bridge", 0x6397_50cb_e75b_ffad, 1.0);
    check::<UNetConfig>("mnist-rectified-flow", 0x4ba3_8025_df45_b84e, 0.518);
    check::<UNetConfig>("mnist-vp", 0xd68d_98ae_bb9a_a52a, 0.518);
    check::<ClassifierConfig>("mnist-classifier", 0x7fcd_dbc8_f6f3_8cdd, 0.519);
}
