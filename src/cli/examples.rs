//! Two examples for each command, below its help.

use clap::Command;

use super::list;

/// Commands with two lines that each could be.
pub(super) const EXAMPLES: &[(&str, [&str; 2])] = &[
    (
        "study",
        [
            "driftfield study --process vp --field cat-vp --solver heun --solver unipc-2 --nfe 10,20 --out out",
            "driftfield study studies/cat.toml --out cat",
        ],
    ),
    (
        "table",
        [
            "driftfield table out/study.json --columns solver,nfe,chamfer --sort chamfer",
            "driftfield table out/study.json --columns solver,nfe,solver_error --format latex --out table.tex",
        ],
    ),
    (
        "compare",
        [
            "driftfield compare one/study.json other/study.json",
            "driftfield compare one/study.json other/study.json --columns solver_error,chamfer --markdown",
        ],
    ),
    (
        "train",
        [
            "driftfield train --process rectified-flow --data moons --steps 2000 --out moons.safetensors",
            "driftfield train --process vp --data points.npy --network mlp:width=256,layers=6 --batch 1024 --out points.safetensors",
        ],
    ),
    (
        "sample",
        [
            "driftfield sample --process vp --field cat-vp --solver unipc-2 --nfe 10 --n 3000 --out samples.npy",
            "driftfield sample --process rectified-flow --field cat-rectified-flow --solver tsit5 --abstol 1e-5 --reltol 1e-5 --n 500 --trajectory trajectory.npy",
        ],
    ),
    (
        "reconstruct",
        [
            "driftfield reconstruct --measurement square:size=8,center=14x14,std=0.1 --image digit.npy --n 8 --grid reconstructed.png",
            "driftfield reconstruct --measurement pool:factor=4,std=0.1 --image digit.npy --method pigdm --solver ddim --steps 50 --n 4 --out samples.npy",
        ],
    ),
    (
        "import",
        [
            "driftfield import model.msgpack --architecture condunet2d:num_heads=2 --shape 1,28,28 --prediction noise --out digits.safetensors",
            "driftfield import checkpoint.pt:key=ema --config model.json --out model.safetensors",
        ],
    ),
    (
        "export",
        [
            "driftfield export cat.safetensors --out torch/cat.safetensors",
            "driftfield export weights/cat-vp.safetensors --out cat-vp-torch.safetensors",
        ],
    ),
    (
        "data",
        [
            "driftfield data cat --n 3000 --seed 1 --out cat.npy --plot cat.png",
            "driftfield data mnist:DIR --n 10 --out digits.npy",
        ],
    ),
    ("list", ["driftfield list processes", "driftfield list networks --json"]),
    ("solvers", ["driftfield solvers", "driftfield solvers --json"]),
    (
        "metrics",
        [
            "driftfield metrics samples.npy cat.npy",
            "driftfield metrics samples.npy cat.npy --all --json",
        ],
    ),
    (
        "view",
        [
            "driftfield view trajectory.npy --n 500 --out trajectory.html",
            "driftfield view out/study.json --out study.html",
        ],
    ),
];

/// `program` with the examples of each of its commands.
pub(super) fn below_help(program: Command) -> Command {
    EXAMPLES.iter().fold(program, |program, (name, examples)| {
        program.mut_subcommand(name, |command| command.after_help(text(examples)))
    })
}

/// Columns of a line, without its mark that the command goes on.
const COLUMNS: usize = 72;

/// Stands for the space between an option and its value, which stay on one line.
const JOINT: &str = "\u{1}";

fn text(examples: &[&str]) -> String {
    let lines: Vec<String> = examples.iter().map(|line| folded(line)).collect();
    format!("Examples:\n{}", lines.join("\n"))
}

fn folded(line: &str) -> String {
    let mut words = line.split(' ').peekable();
    let mut parts = String::new();
    while let Some(word) = words.next() {
        let valued = |next: &&str| word.starts_with("--") && !next.starts_with('-');
        let gap = if words.peek().is_some_and(valued) { JOINT } else { " " };
        parts.extend([word, gap]);
    }
    let lines = list::wrapped(&parts, COLUMNS).replace('\n', " \\\n      ");
    format!("  {}", lines.replace(JOINT, " "))
}
