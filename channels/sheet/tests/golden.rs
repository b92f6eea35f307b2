//! Each page that the program prints, beside a picture of it that a person has looked at.
//!
//! `VESTNIK_WRITE_GOLDEN=1` makes the pictures anew: look at each before it is kept. Fonts are part of the program
//! and one rasteriser turns pages into pictures, so that they are the same on each machine but for rounding.

mod support;

use std::path::PathBuf;

use hayro::{
    RenderCache, RenderSettings, hayro_interpret::InterpreterSettings, hayro_syntax, render,
    vello_cpu::color::palette::css::WHITE,
};
use image::GrayImage;
use support::*;
use vestnik_sheet::{
    Batch, CALLS, CARDS, CONSENTS, Call, Calls, Card, Cards, Pdf, SUMMARY, Sheet, WEEK,
    render as set, sample,
};

/// Pixels to a point: 54 dots to an inch, at which a person still reads the page.
const SCALE: f32 = 0.75;

/// Pages are compared in squares of so many pixels, in which one other digit shows.
const SQUARE: u32 = 12;

/// How much lighter or darker a square may be on average, of 255: rounding makes less than 1.
const TOLERANCE: u32 = 2;

/// The pages as pictures in greys.
fn pictures(pdf: &Pdf) -> Vec<GrayImage> {
    let file = hayro_syntax::Pdf::new(pdf.bytes.clone()).expect("a PDF");
    let settings = RenderSettings {
        x_scale: SCALE,
        y_scale: SCALE,
        bg_color: WHITE,
        ..RenderSettings::default()
    };
    let picture = |page| {
        let pixels = render(
            page,
            &RenderCache::new(),
            &InterpreterSettings::default(),
            &settings,
        );
        let (width, height) = (pixels.width().into(), pixels.height().into());
        let grey = |x, y| {
            let at = usize::try_from(y * width + x).expect("few");
            let one = pixels.data()[at];
            let sum = 299 * u32::from(one.r) + 587 * u32::from(one.g) + 114 * u32::from(one.b);
            image::Luma([u8::try_from(sum / 1000).expect("a byte")])
        };
        GrayImage::from_fn(width, height, grey)
    };
    file.pages().iter().map(picture).collect()
}

/// The first square in which two pictures differ, in pixels from the upper left corner.
fn difference(one: &GrayImage, other: &GrayImage) -> Option<(u32, u32)> {
    if one.dimensions() != other.dimensions() {
        return Some((0, 0));
    }
    let (width, height) = one.dimensions();
    let squares = (0..height)
        .step_by(SQUARE as usize)
        .flat_map(|y| (0..width).step_by(SQUARE as usize).map(move |x| (x, y)));
    squares.into_iter().find(|(left, top)| {
        let (right, bottom) = ((left + SQUARE).min(width), (top + SQUARE).min(height));
        let pixels = (*top..bottom).flat_map(|y| (*left..right).map(move |x| (x, y)));
        let sum: u32 = pixels
            .map(|(x, y)| u32::from(one.get_pixel(x, y)[0].abs_diff(other.get_pixel(x, y)[0])))
            .sum();
        sum > TOLERANCE * SQUARE * SQUARE
    })
}

fn file(name: &str, page: usize) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    PathBuf::from(folder).join(format!("{name}-{page}.png"))
}

/// Compares the pages with their pictures.
fn looks_as_before(name: &str, pdf: &Pdf) {
    let pages = pictures(pdf);
    assert!(
        !file(name, pages.len() + 1).exists(),
        "{name}: a page is gone"
    );
    for (at, page) in pages.iter().enumerate() {
        let file = file(name, at + 1);
        if std::env::var_os("VESTNIK_WRITE_GOLDEN").is_some() {
            page.save(&file).expect("a file");
            continue;
        }
        let before = image::open(&file).expect("a picture").into_luma8();
        if let Some((x, y)) = difference(page, &before) {
            let now = std::env::temp_dir().join(format!("{name}-{}.png", at + 1));
            page.save(&now).expect("a file");
            panic!(
                "{name}, page {}: other than before around {x}, {y}; it is now {}. If it is meant so, look at it and \
                 make the picture anew: VESTNIK_WRITE_GOLDEN=1",
                at + 1,
                now.display()
            );
        }
    }
}

fn sheet_looks_as_before(name: &str, sheet: Sheet) {
    looks_as_before(name, &set(&one(sheet), WEEK).expect("pages"));
}

#[test]
fn weeks_look_as_before() {
    sheet_looks_as_before("usual", sample().sheets.remove(0));
    sheet_looks_as_before("empty", full(4, 0));
    sheet_looks_as_before("full", full(19, 40));
    sheet_looks_as_before("long", long());
    sheet_looks_as_before("first-grade", first_grade());
    let mut asked = full(6, 4);
    asked.duplicate = true;
    asked.announcements = vec![question()];
    sheet_looks_as_before("question-duplicate", asked);
}

#[test]
fn variants_look_as_before() {
    let large = |sheet| Sheet {
        large: true,
        ..sheet
    };
    sheet_looks_as_before("large", large(full(12, 8)));
    sheet_looks_as_before(
        "plain",
        Sheet {
            plain: true,
            ..full(8, 8)
        },
    );
    for language in ["en", "tt", "ba", "sah"] {
        let week = (language == "en").then(|| "12–16 October 2026".to_owned());
        let sheet = Sheet {
            language: language.into(),
            week,
            ..full(8, 12)
        };
        sheet_looks_as_before(language, sheet);
    }
    sheet_looks_as_before(
        "large-tt",
        Sheet {
            language: "tt".into(),
            ..large(full(5, 4))
        },
    );
}

#[test]
fn a_class_and_its_register_look_as_before() {
    let batch = Batch {
        duplex: true,
        register: (1..=24)
            .map(|at| row(at, if at == 5 { "крупный" } else { "" }))
            .collect(),
        ..one(full(8, 6))
    };
    looks_as_before("class", &set(&batch, WEEK).expect("pages"));
    let extract = Batch {
        extract: Some("14".into()),
        certified: Some("Седова В. П.".into()),
        several: true,
        week: "31 августа – 16 октября 2026".into(),
        ..one(full(12, 40))
    };
    looks_as_before("extract", &set(&extract, WEEK).expect("pages"));
}

#[test]
fn summaries_and_forms_look_as_before() {
    looks_as_before(
        "summary-class",
        &set(&summary_of_class(28, 17), SUMMARY).expect("pages"),
    );
    looks_as_before(
        "summary-student",
        &set(&summary_of_student(), SUMMARY).expect("pages"),
    );
    looks_as_before("consents", &set(&consents(), CONSENTS).expect("pages"));
    let card = Card {
        whom: "Соколова Ольга Викторовна".into(),
        of: Some("Соколова Мария, 5 «А»".into()),
        code: "KM7E-XA2T".into(),
        link: Some("https://t.me/school12_bot?start=KM7EXA2T".into()),
    };
    let cards = Cards {
        school: "Школа № 12".into(),
        bot: Some("@school12_bot".into()),
        until: "11 декабря 2026".into(),
        cards: vec![card; 5],
    };
    looks_as_before("cards", &set(&cards, CARDS).expect("pages"));
    let call = |at: usize| Call {
        student: format!("Соколова Мария {at}"),
        guardian: "Соколова Ольга Викторовна".into(),
        phone: (at > 2).then(|| "+7 900 000-00-11".into()),
    };
    let calls = Calls {
        school: "Школа № 12".into(),
        class: "5 «А»".into(),
        day: "27 ноября 2026".into(),
        words: vec!["пн 30.11. Математика: № 214, 216".into(); 6],
        calls: (0..20).map(call).collect(),
    };
    looks_as_before("calls", &set(&calls, CALLS).expect("pages"));
}

/// A comparison that notices nothing proves nothing.
#[test]
fn one_other_mark_is_noticed_and_so_is_a_line_that_moved() {
    let picture = |sheet: Sheet| pictures(&set(&one(sheet), WEEK).expect("a page")).remove(0);
    let usual = || full(12, 12);
    assert_eq!(difference(&picture(usual()), &picture(usual())), None);
    let mut other = usual();
    other.subjects[3].marks[0].value = "2".into();
    assert!(difference(&picture(usual()), &picture(other)).is_some());
    let mut other = usual();
    other.summary.push("Ещё одна строка.".into());
    assert!(difference(&picture(usual()), &picture(other)).is_some());
}
