//! Pictures as SVG, each beside a table of the same numbers: who cannot see the one reads the other.

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use serde_json::{Value, json};

/// How wide and high a picture is, in its own units: it grows with the page.
const SIZE: (u32, u32) = (640, 220);

/// The greys and colours tell each other apart on white and on black, and in grey (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

/// What stands in the place of the page's own colour, until the picture is in the page.
const INK: RGBColor = RGBColor(1, 2, 3);

/// Numbers over a row of places.
pub(super) struct Numbers {
    /// What stands below each place.
    pub(super) places: Vec<String>,
    /// The series: what each is called, and its value at each place.
    pub(super) series: Vec<(String, Vec<f64>)>,
    /// The largest value that there can be; without it the largest that there is.
    pub(super) most: Option<f64>,
}

/// A picture of columns upon each other and the table of its numbers, as the template `picture` takes them. None where
/// there is nothing to be shown.
///
/// # Errors
/// What the library says, which no numbers make it say.
pub(super) fn columns(title: &str, numbers: &Numbers) -> anyhow::Result<Option<Value>> {
    let count = numbers.places.len();
    let totals: Vec<f64> = (0..count)
        .map(|at| {
            numbers
                .series
                .iter()
                .map(|(_, values)| values.get(at).copied().unwrap_or(0.0))
                .sum()
        })
        .collect();
    let largest = totals.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return Ok(None);
    }
    let most = numbers.most.unwrap_or(largest * 1.1);
    let picture = drawn(numbers, most)?;
    let rows: Vec<Value> = numbers
        .places
        .iter()
        .enumerate()
        .map(|(at, place)| {
            let values: Vec<String> = numbers
                .series
                .iter()
                .map(|(_, values)| plain(values.get(at).copied().unwrap_or(0.0)))
                .collect();
            json!({ "place": place, "values": values })
        })
        .collect();
    let series: Vec<Value> = numbers
        .series
        .iter()
        .enumerate()
        .map(|(at, (name, _))| json!({ "name": name, "at": at % COLOURS.len() }))
        .collect();
    Ok(Some(json!({
        "title": title,
        "svg": dressed(&picture, title),
        "series": series,
        "rows": rows,
    })))
}

/// Columns upon each other.
fn drawn(numbers: &Numbers, most: f64) -> anyhow::Result<String> {
    let count = numbers.places.len();
    let mut picture = String::new();
    {
        let area = SVGBackend::with_string(&mut picture, SIZE).into_drawing_area();
        let failed = |error: DrawingAreaErrorKind<_>| anyhow::anyhow!("a picture: {error}");
        let places = i32::try_from(count)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(48)
            .build_cartesian_2d((0..places).into_segmented(), 0.0..most)
            .map_err(failed)?;
        let ink = |size: i32| ("sans-serif", size).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(INK.mix(0.0))
            .bold_line_style(INK.mix(0.2))
            .axis_style(INK.mix(0.4))
            .x_labels(12)
            .y_labels(5)
            .label_style(ink(13))
            .x_label_style(ink(13).pos(Pos::new(HPos::Center, VPos::Top)))
            .x_label_formatter(&|place| match place {
                SegmentValue::CenterOf(at) => usize::try_from(*at)
                    .ok()
                    .and_then(|at| numbers.places.get(at).cloned())
                    .unwrap_or_default(),
                SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
            })
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()
            .map_err(failed)?;
        let mut below = vec![0.0; count];
        for (at, (_, values)) in numbers.series.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let bars = (0..count).map(|place| {
                let from = below[place];
                let to = from + values.get(place).copied().unwrap_or(0.0);
                let at = i32::try_from(place).unwrap_or(0);
                let mut bar = Rectangle::new(
                    [
                        (SegmentValue::Exact(at), from),
                        (SegmentValue::Exact(at + 1), to),
                    ],
                    colour.filled(),
                );
                bar.set_margin(0, 0, 2, 2);
                bar
            });
            chart.draw_series(bars).map_err(failed)?;
            for (place, from) in below.iter_mut().enumerate() {
                *from += values.get(place).copied().unwrap_or(0.0);
            }
        }
        area.present().map_err(failed)?;
    }
    Ok(picture)
}

/// «12», «97,8»
fn plain(value: f64) -> String {
    if value.fract().abs() < 0.05 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}").replace('.', ",")
    }
}

/// The picture as a page takes it: of the page's width and ink, and with a name for who cannot see it.
fn dressed(picture: &str, title: &str) -> String {
    let (width, height) = SIZE;
    let inside = picture.split_once('>').map_or("", |(_, inside)| inside);
    let inside = inside.replace("#010203", "currentColor");
    let title = handlebars::html_escape(title);
    format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">{inside}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_numbers_beside_it_and_the_ink_of_its_page() {
        let numbers = Numbers {
            places: vec!["9".into(), "10".into()],
            series: vec![
                ("SMS".into(), vec![3.0, 0.0]),
                ("почта".into(), vec![1.0, 2.5]),
            ],
            most: None,
        };
        let picture = columns("Сообщения <часа>", &numbers)
            .expect("a picture")
            .expect("a picture");
        let svg = picture["svg"].as_str().expect("a text");
        assert!(
            svg.starts_with("<svg viewBox") && svg.trim_end().ends_with("</svg>"),
            "{svg}"
        );
        assert!(
            svg.contains("&lt;часа&gt;")
                && svg.contains("currentColor")
                && !svg.contains("#010203")
        );
        assert!(
            !svg.contains("style="),
            "the page's policy allows no style in a line: {svg}"
        );
        assert_eq!(picture["rows"][1]["values"], json!(["0", "2,5"]));
        let nothing = Numbers {
            series: vec![("SMS".into(), vec![0.0, 0.0])],
            ..numbers
        };
        assert!(columns("x", &nothing).expect("no picture").is_none());
    }
}
