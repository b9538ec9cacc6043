//! Digits from IDX files, what is wrong with them, and the shipped classifier on them.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use driftfield::problems::data::{self, DataError, IdxError, Mnist, MnistError};
use driftfield::problems::network::ClassifierConfig;
use driftfield::problems::weights::TrainedNetwork;
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
