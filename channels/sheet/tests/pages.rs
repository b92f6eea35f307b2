//! Real pages, read by foreign readers (poppler-utils).

mod support;

use std::{fs, process::Command};

use support::*;
use vestnik_sheet::{Batch, CONSENTS, Pdf, RenderError, SUMMARY, Sheet, WEEK, render, sample};

/// Runs a program of poppler-utils on a PDF and returns what it prints.
fn poppler(program: &str, options: &[&str], pdf: &Pdf) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), &pdf.bytes).expect("a file");
    let output = Command::new(program)
        .args(options)
        .arg(file.path())
        .arg("-")
        .output()
        .unwrap_or_else(|error| panic!("{program} of poppler-utils is needed: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The text in reading order, with its words parted by single spaces.
fn text(pdf: &Pdf) -> String {
    let text = poppler("pdftotext", &["-raw"], pdf);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lays a page where a person can look at it, if VESTNIK_LOOK names a folder.
fn look(name: &str, pdf: &Pdf) {
    if let Ok(folder) = std::env::var("VESTNIK_LOOK") {
        fs::write(format!("{folder}/{name}.pdf"), &pdf.bytes).expect("a file");
    }
}

/// Every word of the PDF lies within its page's margins.
fn nothing_overflows(pdf: &Pdf) {
    let boxes = poppler("pdftotext", &["-bbox"], pdf);
    let (mut words, mut width, mut height) = (0, 0.0, 0.0);
    for line in boxes.lines() {
        let edge = |name: &str| -> f64 {
            let (_, rest) = line.split_once(&format!("{name}=\"")).expect("an edge");
            rest.split('"')
                .next()
                .expect("a number")
                .parse()
                .expect("a number")
        };
        if line.contains("<page") {
            (width, height) = (edge("width"), edge("height"));
        }
        if line.contains("<word") {
            // A side of A4 is 595.3 by 841.9 points; the left margin is 20 mm, the others are 12 at least.
            assert!(edge("xMin") > 56.0 && edge("xMax") < width - 33.5, "{line}");
            assert!(
                edge("yMin") > 15.0 && edge("yMax") < height - 34.0,
                "{line}"
            );
            words += 1;
        }
    }
    assert!(words > 50);
}

#[test]
fn a_week_reads_in_the_order_of_the_sheet() {
    let pdf = render(&sample(), WEEK).expect("a page");
    assert_eq!(pdf.pages, 1);
    look("sample", &pdf);
    let text = text(&pdf);
    let mut from = 0;
    for part in [
        "Соколова Мария, 5 «Б»",
        "Школа № 12",
        "12–16 октября 2026",
        "Листок № 7",
        "Для кого: Соколова Ольга Викторовна",
        "За неделю 6 отметок.",
        "Предмет",
        "Русский язык",
        "4 (12.10), 3 (13.10), 4 (14.10)",
        "3,88",
        "Английский язык",
        "Исправления и дополнения",
        "исправлено, было 3, теперь 4",
        "Итоги",
        "Учителя пишут",
        "Впереди",
        "Домашнее задание",
        "№ 214, 216",
        "Объявления",
        "Почему на бумаге",
        "отрежьте",
        "5Б-07-17-К4",
        "Ознакомлен(а)",
        "Подпись",
    ] {
        let at = text[from..].find(part);
        from += at.unwrap_or_else(|| panic!("«{part}» is not there, or too early: {text}"));
    }
    nothing_overflows(&pdf);
}

#[test]
fn the_fullest_week_fits_its_paper() {
    for (subjects, marks, pages) in [(4, 0, 1), (19, 40, 1)] {
        let pdf = render(&one(full(subjects, marks)), WEEK).expect("pages");
        look(&format!("full{subjects}"), &pdf);
        assert!(
            pdf.pages <= pages,
            "{subjects} subjects and {marks} marks take {} pages",
            pdf.pages
        );
        nothing_overflows(&pdf);
    }
    let pdf = render(&one(long()), WEEK).expect("pages");
    assert!(pdf.pages > 1, "it flows on");
    look("long", &pdf);
    nothing_overflows(&pdf);
    let text = text(&pdf);
    assert!(text.contains("листок № 7 · стр. 2"), "{text}");
    assert_eq!(text.matches("отрежьте").count(), 1, "one slip");
}

#[test]
fn what_looks_like_markup_is_text() {
    let mut sheet = sample().sheets.remove(0);
    let words =
        "#eval(\"1+1\") *жирно* _курсив_ $x^2$ <b>нет</b> @ссылка `код` // да \\ = [к] ~ #set";
    sheet.homework[0].text = format!("{words}\u{202e}\u{0}\n\tконец");
    sheet.student = "О'Коннор <script> Мария*".into();
    let pdf = render(&one(sheet), WEEK).expect("a page");
    let text = text(&pdf);
    assert!(text.contains(words), "{text}");
    assert!(text.contains("#set конец"), "{text}");
    assert!(text.contains("О'Коннор <script> Мария*, 5 «Б»"), "{text}");
}

#[test]
fn letters_of_the_languages_of_russia_are_in_the_fonts_and_the_fonts_in_the_file() {
    let mut sheet = sample().sheets.remove(0);
    let letters = "ё Ё № « » – … ә ө ү җ ң һ ғ ҙ ҡ ҫ ӑ ӗ ӳ ҕ ҥ ӕ ӝ ӟ ӥ ӧ ӵ і ӱ ӹ";
    sheet.note = Some(letters.into());
    let pdf = render(&one(sheet), WEEK).expect("a page");
    assert!(text(&pdf).contains(letters), "{}", text(&pdf));
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), &pdf.bytes).expect("a file");
    let output = Command::new("pdffonts")
        .arg(file.path())
        .output()
        .expect("poppler-utils");
    let fonts = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(
            line.contains("DejaVu") && line.contains(" yes yes "),
            "{fonts}"
        );
    }
}

#[test]
fn a_class_is_a_stack_of_sheets_each_on_its_own_side() {
    let mut batch = sample();
    batch.sheets = (1..=30)
        .map(|number| Sheet {
            number,
            student: format!("Ученица {number}"),
            ..full(12, 20)
        })
        .collect();
    let pdf = render(&batch, WEEK).expect("pages");
    assert_eq!(pdf.pages, 30);
    let pages = poppler("pdftotext", &["-raw"], &pdf);
    for (at, page) in pages
        .split('\u{c}')
        .filter(|page| !page.trim().is_empty())
        .enumerate()
    {
        assert!(
            page.contains(&format!("Ученица {}, 5 «Б»", at + 1)),
            "page {at}: {page}"
        );
    }
}

#[test]
fn a_first_grade_has_no_columns_of_marks() {
    let text = text(&render(&one(first_grade()), WEEK).expect("a page"));
    assert!(
        !text.contains("Отметки недели") && !text.contains("Средний балл"),
        "{text}"
    );
}

#[test]
fn the_same_week_is_the_same_file() {
    let make = || render(&sample(), WEEK).expect("a page").bytes;
    assert_eq!(make(), make());
}

#[test]
fn a_wrong_template_is_named_by_its_line() {
    let error = render(
        &sample(),
        "#let data = json(\"data.json\")\n\n#data.teacher",
    )
    .expect_err("an error");
    let RenderError::Template { line, message } = error else {
        panic!("{error}");
    };
    assert_eq!(line, 3);
    assert!(
        message.contains("teacher") && !message.contains("Соколова"),
        "{message}"
    );
    for outside in [
        "#read(\"/etc/passwd\")",
        "#import \"@preview/cetz:0.3.0\"",
        "#image(\"logo.png\")",
    ] {
        assert!(render(&sample(), outside).is_err(), "{outside}");
    }
    let told = "#let data = json(\"data.json\")\n#panic(data.sheets.first().student)";
    let error = render(&sample(), told).expect_err("an error").to_string();
    assert!(
        error.contains("panicked") && !error.contains("Соколова"),
        "{error}"
    );
}

/// The size of the smallest word on the pages, in points.
fn smallest(pdf: &Pdf) -> f64 {
    let boxes = poppler("pdftotext", &["-bbox"], pdf);
    let value = |line: &str, name: &str| -> Option<f64> {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    };
    boxes
        .lines()
        .filter_map(|line| Some(value(line, "yMax")? - value(line, "yMin")?))
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn large_print_is_laid_out_anew_and_nothing_on_it_is_small() {
    let usual = render(&one(full(12, 3)), WEEK).expect("pages");
    assert!(smallest(&usual) < 10.0);
    let large = Sheet {
        large: true,
        ..full(12, 3)
    };
    let pdf = render(&one(large), WEEK).expect("pages");
    look("large", &pdf);
    nothing_overflows(&pdf);
    assert!(smallest(&pdf) > 15.9, "{}", smallest(&pdf));
    let text = text(&pdf);
    assert!(!text.contains("Пропус-"), "no table");
    assert!(text.contains("Русский язык: отметки"), "{text}");
    assert!(
        text.contains("средний балл") && text.contains("Подпись"),
        "{text}"
    );
}

#[test]
fn plain_words_stand_one_thought_to_a_line() {
    let plain = Sheet {
        plain: true,
        ..full(3, 2)
    };
    let pdf = render(&one(plain), WEEK).expect("pages");
    let lines = poppler("pdftotext", &["-layout"], &pdf);
    assert!(
        lines
            .lines()
            .any(|line| line.trim_start().starts_with("Литература: отметки")),
        "{lines}"
    );
    assert!(!lines.contains("«–» значит"), "{lines}");
}

#[test]
fn an_english_sheet_has_english_labels_and_the_teachers_words() {
    let english = Sheet {
        language: "en".into(),
        week: Some("12–16 October 2026".into()),
        ..full(3, 2)
    };
    let pdf = render(&one(english), WEEK).expect("pages");
    let text = text(&pdf);
    for words in [
        "Sheet № 7",
        "Week 12–16 October 2026",
        "Average",
        "Homework",
        "Signature",
        "Русский язык",
    ] {
        assert!(text.contains(words), "«{words}» is not in {text}");
    }
    for words in ["Листок", "Неделя", "Предмет", "Подпись", "Впереди"]
    {
        assert!(!text.contains(words), "«{words}» is in {text}");
    }
}

#[test]
fn who_certifies_all_signs_each_sheet() {
    let batch = Batch {
        certified: Some("Седова В. П.".into()),
        ..sample()
    };
    let text = text(&render(&batch, WEEK).expect("pages"));
    assert!(
        text.contains("Верно. Директор Седова В. П. М. П."),
        "{text}"
    );
    let usual = render(&sample(), WEEK).expect("pages");
    assert!(!self::text(&usual).contains("Директор"));
}

#[test]
fn the_register_comes_first_and_names_each_sheet_and_those_that_are_special() {
    let batch = Batch {
        register: (1..=33)
            .map(|at| row(at, if at == 5 { "крупный" } else { "" }))
            .collect(),
        ..one(full(8, 6))
    };
    let pdf = render(&batch, WEEK).expect("pages");
    look("register", &pdf);
    let text = text(&pdf);
    for words in [
        "Реестр выдачи листков 5 «Б»",
        "Листков: 33. Особых: 1 – № 5 крупный.",
        "5Б-07-33-К4 Константинопольская",
        "Выдал: классный руководитель",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // A register of two pages repeats its head, and the sheet comes after it.
    assert_eq!(text.matches("Кому, как").count(), pdf.pages - 1, "{text}");
    nothing_overflows(&pdf);
}

#[test]
fn on_both_sides_no_leaf_belongs_to_two_families_and_a_duplicate_says_so() {
    let mut lost = full(6, 4);
    lost.duplicate = true;
    let batch = Batch {
        duplex: true,
        register: vec![row(1, "")],
        sheets: vec![full(6, 4), lost, full(6, 4)],
        ..sample()
    };
    let pdf = render(&batch, WEEK).expect("pages");
    look("duplex", &pdf);
    assert_eq!(
        pdf.pages, 7,
        "the register and two sheets have an empty back"
    );
    let text = text(&pdf);
    assert_eq!(text.matches("дубликат").count(), 1, "{text}");
}

#[test]
fn a_question_to_all_families_has_boxes_on_paper() {
    let mut asked = full(6, 4);
    asked.announcements = vec![question()];
    let pdf = render(&one(asked), WEEK).expect("pages");
    look("question", &pdf);
    assert!(text(&pdf).contains("Кто едет в театр 12 декабря? едем не едем"));
}

#[test]
fn a_phone_reads_the_code_of_the_slip() {
    let pdf = render(&one(full(12, 12)), WEEK).expect("pages");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sheet.pdf");
    fs::write(&file, &pdf.bytes).expect("a file");
    let picture = folder.path().join("sheet");
    let status = Command::new("pdftoppm")
        .args(["-gray", "-r", "150"])
        .args([&file, &picture])
        .status()
        .expect("pdftoppm");
    assert!(status.success());
    let photo = fs::read(folder.path().join("sheet-1.pgm")).expect("a picture");
    assert_eq!(vestnik_sheet::codes(&photo), ["5Б-07-17-К4"]);
}

/// A sheet that is clearly short is not measured, which must change nothing but the time that it takes.
#[test]
fn what_is_not_measured_fits_as_what_is() {
    let measured = WEEK.replace("estimate(sheet) < 58", "false");
    assert_ne!(measured, WEEK);
    for subjects in [1, 5, 8, 10, 12, 15, 19] {
        for marks in [0, 4, 12, 24, 40] {
            let mut sheet = full(subjects, marks);
            sheet.homework.truncate(subjects);
            let quick = render(&one(sheet.clone()), WEEK).expect("pages");
            let slow = render(&one(sheet), &measured).expect("pages");
            assert_eq!(
                quick.pages, slow.pages,
                "{subjects} subjects, {marks} marks"
            );
            nothing_overflows(&quick);
        }
    }
}

#[test]
fn a_frame_in_a_language_of_russia_leaves_the_teachers_words_alone() {
    for (language, labels) in [
        ("tt", ["Бит № 7", "Өй эше", "Таныштым", "Имза"]),
        ("ba", ["Бит № 7", "Өйгә эш", "Таныштым", "Ҡултамға"]),
        ("sah", ["Лиис № 7", "Дьиэҕэ үлэ", "Билистим", "Илии"]),
    ] {
        let sheet = Sheet {
            language: language.into(),
            ..full(3, 2)
        };
        let text = text(&render(&one(sheet), WEEK).expect("pages"));
        for words in labels.iter().chain(&["Русский язык", "№ 214, 216"]) {
            assert!(text.contains(words), "«{words}» is not in {text}");
        }
        for words in ["Листок", "Неделя", "Предмет", "Подпись", "Впереди"]
        {
            let label = words != "Предмет" || language != "sah";
            assert!(!label || !text.contains(words), "«{words}» is in {text}");
        }
    }
}

#[test]
fn a_summary_has_every_student_and_subject_and_fits_its_side() {
    for (students, subjects) in [(4, 4), (28, 17), (30, 19)] {
        let summary = summary_of_class(students, subjects);
        let pdf = render(&summary, SUMMARY).expect("pages");
        look(&format!("summary{students}"), &pdf);
        nothing_overflows(&pdf);
        let text = text(&pdf);
        for (name, _) in &summary.tables[0].rows {
            assert!(text.contains(name.as_str()), "{name} is not in {text}");
        }
        assert!(text.contains("1-я четверть") && text.contains("2026/27 учебный год"));
    }
    let pdf = render(&summary_of_student(), SUMMARY).expect("a page");
    assert_eq!(pdf.pages, 1);
    nothing_overflows(&pdf);
    let text = text(&pdf);
    assert!(text.contains("Соколова Мария"), "{text}");
    assert!(text.contains("Русский язык 4 5 – –"), "{text}");
}

#[test]
fn each_purpose_has_a_form_of_its_own_on_one_side() {
    let forms = consents();
    let pdf = render(&forms, CONSENTS).expect("pages");
    look("consents", &pdf);
    assert_eq!(pdf.pages, forms.forms.len());
    nothing_overflows(&pdf);
    let text = text(&pdf);
    assert_eq!(
        text.matches("Не согласен / не согласна").count(),
        4,
        "{text}"
    );
    assert!(text.contains("за пределами Российской Федерации"), "{text}");
    assert!(text.contains("Телефон: +7 900 000-00-11"), "{text}");
}
