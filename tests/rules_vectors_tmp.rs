#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]
#[test]
fn all() {
    let file = wafpass::vectors::VectorFile::parse(&std::fs::read(std::env::var("F").unwrap_or("tests/vectors/rules-1.json".into())).unwrap()).unwrap();
    let (mut bad, mut good) = (0, 0);
    for (name, verdict) in file.run() {
        match verdict { Ok(()) => good += 1, Err(f) => { bad += 1; println!("## {name}\n{f}"); } }
    }
    println!("{good} good, {bad} bad");
}
