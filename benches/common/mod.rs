//! What benches share.

use std::path::Path;

use driftfield::problems::atomic_file;
use serde_json::Value;

/// Writes `target/bench/NAME.json` whole or not at all, and says where.
pub fn write(name: &str, rows: Vec<Value>) -> std::io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&directory)?;
    let file = directory.join(format!("{name}.json"));
    atomic_file::write(&file, format!("{:#}\n", Value::from(rows)).as_bytes())?;
    println!("{}", file.display());
    Ok(())
}
