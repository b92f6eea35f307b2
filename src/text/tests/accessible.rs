//! Mails as a browser shows them, in light and in dark, by hand:
//!
//! ```text
//! VESTNIK_TEST_AXE='axe' cargo test --lib accessible -- --ignored --nocapture
//! ```
//!
//! `VESTNIK_TEST_AXE` names a command that looks at the URL of a page with axe-core in a browser and fails
//! where it finds something; its second argument is where it puts a picture. The pictures stay where
//! `VESTNIK_TEST_KEEP` names a folder.

use std::{path::PathBuf, process::Command};

use super::*;

/// What a browser asks for, and what stands in its place so that it need not be asked.
const DARK: (&str, &str) = (r#"content="light dark""#, r#"content="dark""#);

/// All that families ever hear, of two children in one letter.
fn everything(language: Language, occasion: Occasion) -> Letter {
    let files = files::read(None).expect("the files");
    let mut students: Vec<StudentNews> = Vec::new();
    for &event in Event::ALL {
        let name = format!("{}/sample.json", event.code());
        let sample = samples::read(event, &name, &files[name.as_str()]).expect("a sample");
        for (at, mut student) in sample.students.into_iter().enumerate() {
            match students.get_mut(at) {
                Some(known) => known.items.append(&mut student.items),
                None => students.push(student),
            }
        }
    }
    let weekly = occasion == Occasion::Weekly;
    let week = vestnik_sheet::sample().sheets.into_iter().next();
    for student in &mut students {
        student.week = week.clone().filter(|_| weekly);
    }
    Letter {
        language,
        occasion,
        number: weekly.then_some(6),
        ..letter(students)
    }
}

#[test]
#[ignore = "needs the browser with axe-core that VESTNIK_TEST_AXE names"]
fn no_mail_has_a_barrier_in_light_or_dark() {
    let axe = std::env::var("VESTNIK_TEST_AXE").expect("VESTNIK_TEST_AXE");
    let own = TempDir::new().expect("a folder");
    let folder =
        std::env::var("VESTNIK_TEST_KEEP").map_or_else(|_| own.path().to_owned(), PathBuf::from);
    for language in Language::ALL {
        for occasion in [Occasion::Daily, Occasion::Weekly] {
            let (_, _, light) = mail(&everything(language, occasion));
            assert!(light.contains(DARK.0) && light.contains("color-scheme: light dark;"));
            let dark = light
                .replace(DARK.0, DARK.1)
                .replace("color-scheme: light dark;", "color-scheme: dark;")
                .replace("prefers-color-scheme: dark", "min-width: 0");
            for (mode, html) in [("light", light), ("dark", dark)] {
                let name = format!("{language:?}-{occasion:?}-{mode}");
                let page = folder.join(format!("{name}.html"));
                fs::write(&page, html).expect("a page");
                let url = format!("file://{}", page.display());
                let picture = folder.join(format!("{name}.png"));
                let mut words = axe.split_whitespace();
                let output = Command::new(words.next().expect("a command"))
                    .args(words)
                    .arg(url)
                    .arg(picture)
                    .output()
                    .expect("a browser");
                let said = String::from_utf8_lossy(&output.stdout);
                println!("{name}\n{said}");
                assert!(output.status.success(), "{name}: {said}");
            }
        }
    }
}
