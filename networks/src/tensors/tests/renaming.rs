use super::*;
use crate::tensors::{Layout, Renaming, Rule, TensorsError};

fn filled(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>() as u32;
    Tensor::arange(0, count, &Device::Cpu).unwrap().reshape(shape).unwrap()
}

fn one(shape: &[usize], layout: Layout) -> Result<Tensor, TensorsError> {
    let mut tensors = NamedTensors::new();
    tensors.insert("x", filled(shape)).unwrap();
    Ok(tensors.rename(&vec![Rule::layout("*", layout)].into())?.get("x")?.clone())
}

#[test]
fn layouts_put_the_axes_where_they_belong() {
    let flat = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<u32>().unwrap();
    assert_eq!(flat(one(&[2, 3], Layout::Transpose).unwrap()), [0, 3, 1, 4, 2, 5]);
    // [h, w, in, out] with h = 1, w = 2, in = 3, out = 2: the value of (0, j, k, l) is 6 j + 2 k + l.
    let oihw = one(&[1, 2, 3, 2], Layout::HwioToOihw).unwrap();
    assert_eq!(oihw.dims(), [2, 3, 1, 2]);
    assert_eq!(flat(oihw), [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
    let there = one(&[2, 3, 4, 5], Layout::OihwToHwio).unwrap();
    assert_eq!(there.dims(), [4, 5, 3, 2]);
    let back = Layout::HwioToOihw.apply(&there).unwrap().unwrap();
    assert_eq!(flat(back), flat(filled(&[2, 3, 4, 5])));
    assert_eq!(one(&[3, 2, 4], Layout::Reverse).unwrap().dims(), [4, 2, 3]);
    assert_eq!(one(&[3, 2, 1, 1], Layout::Squeeze).unwrap().dims(), [3, 2]);
    assert_eq!(one(&[3, 2, 1], Layout::Squeeze).unwrap().dims(), [3, 2]);
    assert_eq!(one(&[3, 2], Layout::Unsqueeze).unwrap().dims(), [3, 2, 1, 1]);
    for (shape, layout) in [
        (&[3][..], Layout::Transpose),
        (&[3, 2, 1], Layout::HwioToOihw),
        (&[3, 2], Layout::Reverse),
        (&[3, 2, 3, 3], Layout::Squeeze),
    ] {
        let error = one(shape, layout).unwrap_err().to_string();
        assert!(error.contains("`x`") && error.contains("rule 1"), "{error}");
    }
}

#[test]
fn rules_follow_one_another_and_come_from_json() {
    let mut tensors = NamedTensors::new();
    for name in ["module.net.0.kernel", "module.net.1.kernel", "module.norm.count"] {
        tensors.insert(name, filled(&[2, 3])).unwrap();
    }
    let rules: Renaming = vec![
        Rule::rename("module.**", "**"),
        Rule::drop("norm.*"),
        Rule::rename("net.*.kernel", "layers.*.weight").with_layout(Layout::Transpose),
    ]
    .into();
    let renamed = tensors.rename(&rules).unwrap();
    assert_eq!(renamed.names().collect::<Vec<_>>(), ["layers.0.weight", "layers.1.weight"]);
    assert_eq!(renamed.get("layers.1.weight").unwrap().dims(), [3, 2]);
    let text = serde_json::to_string(&rules).unwrap();
    assert!(text.contains(r#"{"from":"norm.*","drop":true}"#), "{text}");
    assert_eq!(Renaming::from_json(&text).unwrap(), rules);
    for bad in
        ["{", r#"[{"to": "a"}]"#, r#"[{"from": "a", "layout": "twist"}]"#, r#"[{"form": "a"}]"#]
    {
        let error = Renaming::from_json(bad).unwrap_err().to_string();
        assert!(error.contains("JSON list"), "{error}");
    }
}

#[test]
fn rules_that_cannot_be_followed_are_refused_with_their_number() {
    let tensors = sample();
    let refused = |rule| tensors.rename(&vec![Rule::rename("a.*", "b.*"), rule].into());
    let error = refused(Rule::drop("b.wieght")).unwrap_err().to_string();
    assert!(error.contains("rule 2 (`b.wieght`)") && error.contains("`b.weight`"), "{error}");
    let error = refused(Rule::drop("nothing.at.all.like.it")).unwrap_err().to_string();
    assert!(error.contains("nearest is `b."), "{error}");
    let same = refused(Rule::rename("b.weight", "b.bias"));
    assert!(matches!(same, Err(TensorsError::Duplicate { name }) if name == "b.bias"));
    for (from, to) in [("b.*", "c"), ("b.*", "*.*"), ("b.*", "c.**"), ("b.*", ""), ("", "c")] {
        let error = refused(Rule::rename(from, to)).unwrap_err();
        assert!(matches!(error, TensorsError::Rule { number: 2, .. }), "{error}");
    }
    let both = Rule { drop: true, ..Rule::rename("b.*", "c.*") };
    assert!(refused(both).unwrap_err().to_string().contains("drops what it renames"));
    let none = NamedTensors::new().rename(&vec![Rule::drop("a")].into()).unwrap_err().to_string();
    assert!(none.contains("no tensors left"), "{none}");
}
