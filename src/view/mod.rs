//! One self-contained page to look at samples, trajectories and studies: to zoom, to move through
//! time, to sort.
//!
//! ```
//! use driftfield::view::View;
//! use ndarray::{ArrayD, IxDyn};
//!
//! let samples = ArrayD::<f32>::zeros(IxDyn(&[100, 2]));
//! let page = View::of_array("at the origin", &samples)?.to_html();
//! assert!(page.starts_with("<!doctype html>"));
//! # Ok::<(), driftfield::view::ViewError>(())
//! ```

mod error;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ndarray::ArrayD;
use serde_json::{Value, json};

pub use error::ViewError;

use crate::report::{TABLE_SCRIPT, escaped};

/// Numbers of a page at most: half of the text that a browser takes for one string.
pub const MOST_NUMBERS: usize = 1 << 25;
/// Columns of a study that stand first.
const FIRST: [&str; 7] = ["process", "field", "solver", "spacing", "steps", "nfe", "solver_error"];

/// What a page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    title: String,
    /// What the script is told: `kind`, and `shape` or `columns` and `rows`.
    meta: Value,
    /// Numbers of an array, four bytes each, the lowest first.
    bytes: Vec<u8>,
}

impl View {
    /// Points `[n, d]` of two or more components, images `[n, c, h, w]` of one channel or three,
    /// or either with the times of a trajectory as an axis before: `[times, n, d]`,
    /// `[times, n, c, h, w]`.
    ///
    /// Numbers that are not finite are not drawn, and counted.
    ///
    /// # Errors
    /// Other shapes, more than [`MOST_NUMBERS`], and arrays without one finite number.
    pub fn of_array(title: impl Into<String>, array: &ArrayD<f32>) -> Result<Self, ViewError> {
        let shape = array.shape();
        let (kind, shape) = match *shape {
            [n, d] if d >= 2 => ("points", vec![1, n, d]),
            [times, n, d] if d >= 2 => ("points", vec![times, n, d]),
            [n, c @ (1 | 3), h, w] => ("images", vec![1, n, c, h, w]),
            [times, n, c @ (1 | 3), h, w] => ("images", vec![times, n, c, h, w]),
            _ => return Err(ViewError::Shape { found: shape.to_vec() }),
        };
        if array.len() > MOST_NUMBERS {
            return Err(ViewError::TooMany { found: array.len() });
        }
        if !array.iter().any(|value| value.is_finite()) {
            return Err(ViewError::NothingFinite { shape: array.shape().to_vec() });
        }
        let meta = json!({ "kind": kind, "shape": shape });
        let bytes = array.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(View { title: title.into(), meta, bytes })
    }

    /// The rows of the `study.json` of a study, whatever their columns.
    ///
    /// # Errors
    /// Anything but a JSON object with `rows` that are objects.
    pub fn of_study(title: impl Into<String>, text: &str) -> Result<Self, ViewError> {
        let study: Value = serde_json::from_str(text)?;
        let rows = study["rows"].as_array().filter(|rows| !rows.is_empty());
        let rows = rows.ok_or(ViewError::NoRows)?;
        let rows: Option<Vec<_>> = rows.iter().map(Value::as_object).collect();
        let rows = rows.ok_or(ViewError::NoRows)?;
        let mut columns: Vec<&str> = FIRST.to_vec();
        for (name, value) in rows.iter().flat_map(|row| row.iter()) {
            if !(columns.contains(&name.as_str()) || value.is_array() || value.is_object()) {
                columns.push(name);
            }
        }
        // A column that is empty in all rows says nothing.
        columns.retain(|name| {
            rows.iter().any(|row| row.get(*name).is_some_and(|value| !value.is_null()))
        });
        let cells = |row: &&serde_json::Map<String, Value>| -> Vec<Value> {
            columns.iter().map(|name| row.get(*name).cloned().unwrap_or_default()).collect()
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        let meta = json!({ "kind": "study", "columns": columns, "rows": rows });
        Ok(View { title: title.into(), meta, bytes: Vec::new() })
    }

    /// The page: one file that asks for no other.
    pub fn to_html(&self) -> String {
        let title = escaped(&self.title);
        // Nothing in it ends the element it stands in.
        let meta = self.meta.to_string().replace('<', "\\u003c");
        let data = match self.bytes.as_slice() {
            [] => String::new(),
            bytes => format!(
                "<script type=\"text/plain\" id=\"data\">{}</script>\n",
                STANDARD.encode(bytes)
            ),
        };
        let (style, script) = (include_str!("view.css"), include_str!("view.js"));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
             <p>The wheel zooms, dragging moves, a double click shows all.</p>\n\
             <div id=\"app\"></div>\n\
             <script type=\"application/json\" id=\"meta\">{meta}</script>\n{data}\
             <script>\n{TABLE_SCRIPT}{script}</script>\n</body>\n</html>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;

    use super::*;

    fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
        page.split_once(begin).unwrap().1.split_once(end).unwrap().0
    }

    fn meta(page: &str) -> Value {
        serde_json::from_str(between(page, "id=\"meta\">", "</script>")).unwrap()
    }

    #[test]
    fn a_page_holds_the_numbers_and_their_shape() {
        for (shape, kind, seen) in [
            (&[3, 2][..], "points", &[1, 3, 2][..]),
            (&[4, 3, 5], "points", &[4, 3, 5]),
            (&[2, 1, 4, 3], "images", &[1, 2, 1, 4, 3]),
            (&[2, 2, 3, 2, 2], "images", &[2, 2, 3, 2, 2]),
        ] {
            let count = shape.iter().product::<usize>();
            let mut values: Vec<f32> = (0..count).map(|i| (i as f32).sin()).collect();
            values[1] = f32::NAN;
            let array = ArrayD::from_shape_vec(IxDyn(shape), values.clone()).unwrap();
            let page = View::of_array("a", &array).unwrap().to_html();
            let found = STANDARD.decode(between(&page, "id=\"data\">", "</script>")).unwrap();
            let found = found.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four).to_bits());
            assert!(found.eq(values.iter().map(|value| value.to_bits())));
            assert_eq!(meta(&page), json!({ "kind": kind, "shape": seen }));
        }
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let array = |shape: &[usize], value| ArrayD::from_elem(IxDyn(shape), value);
        for shape in [&[5, 1][..], &[5], &[2, 2, 4, 4], &[2, 2, 2, 1, 4, 4], &[3, 4, 1]] {
            let error = View::of_array("", &array(shape, 0.0)).unwrap_err();
            assert!(error.to_string().contains(&format!("{shape:?}")), "{error}");
        }
        for value in [f32::NAN, f32::INFINITY] {
            let error = View::of_array("", &array(&[3, 2], value)).unwrap_err();
            assert!(matches!(error, ViewError::NothingFinite { .. }), "{error}");
        }
        let many = View::of_array("", &array(&[MOST_NUMBERS / 2 + 1, 2], 0.0)).unwrap_err();
        assert!(matches!(many, ViewError::TooMany { .. }), "{many}");
        for text in ["", "[1]", "{}", r#"{"rows": []}"#, r#"{"rows": [1]}"#, r#"{"rows": {}}"#] {
            assert!(View::of_study("", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_study_is_its_rows_and_no_name_is_markup() {
        let text = r#"{"rows": [
            {"solver": "</script><b>", "nfe": 5, "chamfer": 0.25, "none": null, "many": [1]},
            {"solver": "heun", "nfe": 10, "extra": true}
        ]}"#;
        let page = View::of_study("<i>\"a\" & b", text).unwrap().to_html();
        let columns = json!(["solver", "nfe", "chamfer", "extra"]);
        let rows = json!([["</script><b>", 5, 0.25, null], ["heun", 10, null, true]]);
        assert_eq!(meta(&page), json!({ "kind": "study", "columns": columns, "rows": rows }));
        assert!(page.contains("<title>&lt;i&gt;&quot;a&quot; &amp; b</title>"), "{page}");
        assert!(!page.contains("<b>") && !page.contains("<i>"));
        // What sorts the table is that of a report.
        assert_eq!(page.matches("localeCompare").count(), 1);
        // Two elements of scripts and no more end.
        assert_eq!(page.matches("</script>").count(), 2);
    }

    #[test]
    fn a_page_asks_for_no_other_file() {
        let view = View::of_array("a", &ArrayD::zeros(IxDyn(&[3, 2]))).unwrap();
        let page = view.to_html();
        for word in ["http:", "https:", "src=", "href=", "@import", "url(", "fetch("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
