//! What fits a skeleton, and how a template that leaves them all is named.

use std::fs;

use tempfile::TempDir;

use super::*;

fn of(text: &str) -> Skeleton {
    skeleton("one", text, "Школа 12", false).expect("a skeleton")
}

#[test]
fn every_sms_that_comes_with_the_program_fits_and_each_skeleton_has_an_example() {
    for latin in [false, true] {
        let mut skeletons = skeletons(None, "Школа № 12", latin).expect("the skeletons");
        let homeless = homeless(&mut skeletons, None, "Школа № 12", latin).expect("templates");
        assert_eq!(homeless, Vec::new());
        let names: Vec<&str> = skeletons.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["one", "two", "three", "four", "staff"]);
        let school = if latin {
            "Shkola No 12"
        } else {
            "Школа № 12"
        };
        for one in &skeletons {
            assert!(one.holds(&one.example), "{}: {}", one.name, one.example);
            assert!(one.text.starts_with(school), "{}", one.text);
            assert_eq!(one.text.lines().count(), one.example.lines().count());
        }
    }
}

#[test]
fn a_skeleton_holds_its_own_texts_and_no_other() {
    let one = of("{school}. %w{1,4} %d.%d: %w{1,5}");
    for own in [
        "Школа 12. Маша 14.10: матем 5",
        "Школа 12. Али Мамед оглы 1.9: рус 4. 14.10: матем 5",
    ] {
        assert!(one.holds(own), "{own}");
    }
    for other in [
        "Школа 13. Маша 14.10: матем 5",
        "Школа 12. Маша: матем 5",
        "Школа 12. Маша 14.10: матем  5",
        "Школа 12. Маша 14.10: матем 5 ",
        "Школа 12. Маша 14.10: матем 5\nзвоните",
        "Школа 12. Маша 14.10: ",
        "Школа 12. 14.10: матем 5",
        "Школа 12. Маша 114.10: матем 5",
        "Школа 12. а б в г д 14.10: матем 5",
        "Школа 12. Маша 14.10: а б в г д е",
        "Здесь Школа 12. Маша 14.10: матем 5",
    ] {
        assert!(!one.holds(other), "{other}");
    }
    let two = of("%w{1,2}: %d\\n%w{2,2}!");
    assert!(two.holds("Маша и: 5\nвсё хорошо!"));
    for other in [
        "Маша: 5",
        "Маша: 5\nхорошо!",
        "Маша: 5\nвсё хорошо!\n",
        "Маша : 5\nвсё хорошо!",
    ] {
        assert!(!two.holds(other), "{other}");
    }
}

#[test]
fn a_template_that_leaves_the_skeletons_is_named_with_its_line_its_text_and_the_remedy() {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let judge = || {
        let own = Some(folder.path());
        let mut skeletons = skeletons(own, "Школа 12", false).expect("skeletons");
        let homeless = homeless(&mut skeletons, own, "Школа 12", false).expect("templates");
        homeless.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let frame = include_str!("../../../templates/messages/frame/sms.hbs");
    write(
        "frame/sms.hbs",
        &format!(
            "{{{{!-- ours --}}}}\n{}",
            frame.replace("{{short_school}}. ", "{{short_school}}! Новое: ")
        ),
    );
    let found = judge();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("template frame/sms.hbs, line 2: it makes «Школа 12! Новое: Маша "),
        "{found:?}"
    );
    assert!(
        found[0].contains(", which fits no skeleton from «!» on; ")
            && found[0]
                .ends_with("or change frame/sms.skeletons.txt with it and register the new texts"),
        "{found:?}"
    );
    // A skeleton for one child alone leaves families with two.
    write(
        "frame/sms.skeletons.txt",
        "one: {school}! Новое: %w{1,4} %d.%d: %w{1,150}\nen: {school}. %w{1,4} %d.%d: %w{1,150}\n",
    );
    let found = judge();
    assert!(
        found[0].contains("» on;") && found[0].contains(" / Петя "),
        "{found:?}"
    );
    fs::remove_dir_all(folder.path().join("frame")).expect("a folder");
    // A word for an event on a line of its own is that event's template's, in any language.
    write("homework/sms.hbs", "{{subject}}:\n{{new}}\nзвоните");
    let english = include_str!("../../../templates/messages/en/any/sms.hbs");
    write("en/any/sms.hbs", &format!("{english}please call"));
    write(
        "staff/sms.hbs",
        "{{short_school}}! {{#each sections}}{{#each items}}{{who}} {{subject}} {{/each}}{{/each}}",
    );
    let found = judge();
    let named: Vec<&str> = found
        .iter()
        .filter_map(|one| one.split(':').next())
        .collect();
    assert_eq!(
        named,
        [
            "template en/any/sms.hbs, line 2",
            "template homework/sms.hbs, line 3",
            "template staff/sms.hbs, line 1"
        ],
        "{found:#?}"
    );
}

#[test]
fn a_slip_in_the_file_of_skeletons_is_named_with_its_line() {
    for (source, problem) in [
        (
            "# ours\n\none: {school} %w{4}",
            "line 3: «%w{4}»: write %d or %w{1,4}",
        ),
        ("one: %w{5,4}", "line 1: «%w{5,4}»"),
        ("one: 100 %", "line 1: «%»"),
        ("{school}. %d", "line 1: write a name, a colon"),
        ("one: %d\none: %d %d", "line 2: one is the same"),
        ("one: %d\ntwo: %d", "line 2: one is the same"),
    ] {
        let error = read(source, "Школа 12", false)
            .expect_err(source)
            .to_string();
        assert!(error.contains(problem), "{error}");
    }
}
