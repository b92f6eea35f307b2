//! The traps of tables: encodings, columns, names, numbers, and who is whom.

use proptest::prelude::*;

use super::super::{
    Field, File, ImportErrors, Load, MAX_BYTES, Options, Record, Source, Table, read, refuse_size,
};

const PEOPLE: &str = include_str!("../../../../tests/data/table/people.csv");
const MAPPING: &str = include_str!("../../../../tests/data/table/mapping.toml");

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> File {
    File {
        name: name.into(),
        bytes: bytes.into(),
    }
}

fn options(mapping: Option<&str>) -> Options {
    Options {
        source: Source::Table,
        class: None,
        mapping: mapping.map(|text| file("columns.toml", text)),
        days: None,
        today: "2026-09-05".parse().expect("a date"),
    }
}

fn import(bytes: impl Into<Vec<u8>>) -> Result<Load, ImportErrors> {
    read(&[file("people.csv", bytes)], &options(None))
}

/// What a good table brings.
fn good(bytes: impl Into<Vec<u8>>) -> Load {
    import(bytes).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with a table, as the person who made it reads it.
fn complaint(bytes: impl Into<Vec<u8>>) -> String {
    import(bytes).expect_err("a fault").to_string()
}

/// One student with one guardian, and this cell in this column.
fn with(column: &str, cell: &str) -> String {
    format!("ФИО;Класс;ФИО родителя;{column}\nЖуков Савелий;3А;Жукова Инна;{cell}\n")
}

/// The texts in one column of a table's records, sorted.
fn column<'a>(load: &'a Load, table: Table, name: &str) -> Vec<&'a str> {
    let text = |record: &'a Record| match record.fields.iter().find(|it| it.0 == name) {
        Some((_, Field::Text(text))) => Some(text.as_str()),
        Some((_, Field::Of(_, key))) => Some(key.as_str()),
        _ => None,
    };
    let of_table = load.records.iter().filter(|record| record.table == table);
    let mut texts: Vec<&str> = of_table.filter_map(text).collect();
    texts.sort_unstable();
    texts
}

fn count(load: &Load, table: Table) -> usize {
    let of_table = |record: &&Record| record.table == table;
    load.records.iter().filter(of_table).count()
}

#[test]
fn a_register_brings_everybody_once() {
    let load = good(PEOPLE);
    assert_eq!(load.rows, 5);
    assert_eq!(count(&load, Table::Class), 2, "6 «Б», 6Б and 06Б are one");
    assert_eq!(count(&load, Table::Student), 4);
    assert_eq!(count(&load, Table::Guardian), 4, "a mother of two is one");
    assert_eq!(count(&load, Table::Guardianship), 5);
    assert_eq!(
        column(&load, Table::Guardianship, "relation"),
        ["father", "father", "mother", "mother", "other"]
    );
    assert_eq!(
        column(&load, Table::Contact, "address"),
        [
            "+79000000021", // the father's,
            "+79000000021", // and the same telephone is the mother's
            "+79000000022",
            "+79000000023",
            "nina@example.org"
        ]
    );
}

#[test]
fn answers_are_registered_with_their_document_and_silence_is_none() {
    let load = good(PEOPLE);
    let sms = |state: &str| {
        let of_state = |record: &&Record| {
            record.key.ends_with("/sms")
                && record
                    .fields
                    .contains(&("state", Field::Text(state.into())))
        };
        load.records.iter().filter(of_state).count()
    };
    assert_eq!((sms("given"), sms("refused")), (1, 1));
    assert_eq!(
        count(&load, Table::Consent),
        6,
        "an empty cell is no answer"
    );
    assert!(column(&load, Table::Consent, "document").contains(&"17/4"));
    let all = good(with("Согласие", "да"));
    assert_eq!(
        column(&all, Table::Consent, "purpose"),
        ["data", "email", "sms"]
    );
    let told = complaint(with("Согласие СМС", "наверное"));
    assert!(
        told.contains("people.csv, line 2, Согласие СМС «наверное» is no answer: write да"),
        "{told}"
    );
}

#[test]
fn names_of_all_peoples_are_taken_apart() {
    for (name, surname, given, patronymic) in [
        ("Жуков Савелий Ильич", "Жуков", "Савелий", Some("Ильич")),
        ("Пак Чжи Хун", "Пак", "Чжи Хун", None),
        ("Ким Ли", "Ким", "Ли", None),
        (
            "Алиев Рустам Айдар оглы",
            "Алиев",
            "Рустам",
            Some("Айдар оглы"),
        ),
        (
            "Петрова-Водкина Анна-Мария Львовна",
            "Петрова-Водкина",
            "Анна-Мария",
            Some("Львовна"),
        ),
        (
            "Орлова Анна Мария Фоминична",
            "Орлова",
            "Анна Мария",
            Some("Фоминична"),
        ),
        (
            "Цой  Виктория\u{a0}Игоревна",
            "Цой",
            "Виктория",
            Some("Игоревна"),
        ),
    ] {
        let load = good(format!("ФИО;Класс\n{name};3А\n"));
        assert_eq!(column(&load, Table::Student, "surname"), [surname]);
        assert_eq!(column(&load, Table::Student, "given_name"), [given]);
        assert_eq!(
            column(&load, Table::Student, "patronymic"),
            patronymic.into_iter().collect::<Vec<_>>(),
            "{name}"
        );
    }
    let told = complaint("ФИО;Класс\nЖуков;3А\n");
    assert!(
        told.contains("line 2, ФИО «Жуков» is no full name: write"),
        "{told}"
    );
}

#[test]
fn three_columns_make_a_name_too() {
    let load = good("Фамилия;Имя;Отчество;Класс\nКим;Ли;;8А\n");
    assert_eq!(column(&load, Table::Student, "given_name"), ["Ли"]);
    assert!(column(&load, Table::Student, "patronymic").is_empty());
    let told = complaint("Фамилия;Класс\nКим;8А\nПак;8А\n");
    assert!(
        told.contains("has no column for the student's given name"),
        "{told}"
    );
    assert!(!told.contains("line"), "one fault, not one a row: {told}");
}

#[test]
fn all_encodings_and_delimiters_bring_the_same() {
    let want = good(PEOPLE).records;
    let (old, _, lossy) = encoding_rs::WINDOWS_1251.encode(PEOPLE);
    assert!(!lossy);
    let marked = ["\u{feff}", PEOPLE].concat();
    let tabs = PEOPLE.replace("21; +7", "21, +7").replace(';', "\t");
    let commas = PEOPLE.replace("21; +7", "21\n+7").replace(';', ",");
    let dos = PEOPLE.replace('\n', "\r\n");
    for (what, bytes) in [
        ("cp1251", old.into_owned()),
        ("a byte order mark", marked.into_bytes()),
        ("tabs", tabs.into_bytes()),
        ("commas", commas.into_bytes()),
        ("line ends of DOS", dos.into_bytes()),
        ("a blank line first", format!("\n{PEOPLE}").into_bytes()),
    ] {
        assert_eq!(good(bytes).records, want, "{what}");
    }
}

#[test]
fn a_cell_of_numbers_is_several_contacts() {
    for cell in [
        "8 (900) 000-00-31, 79000000032",
        "\"+7 900 000-00-31; 9000000032\"",
        "89000000031 и 89000000032",
        "\"8-900-000-00-31\n8-900-000-00-32\"",
        "89000000031/89000000032",
    ] {
        let load = good(with("Телефон", cell));
        let numbers = column(&load, Table::Contact, "address");
        assert_eq!(numbers, ["+79000000031", "+79000000032"], "{cell}");
    }
}

#[test]
fn a_number_that_no_sms_reaches_is_an_error_in_words() {
    for (cell, want) in [
        ("8 (343) 215-40-12", "«8 (343) 215-40-12» is a landline"),
        ("7.9E+10", "«7.9E+10» is a number that Excel has rounded"),
        ("7,9E+10", "«7,9E+10» is a number that Excel has rounded"),
        ("900000003", "has 9 digits"),
        ("нет", "is no phone number"),
    ] {
        let told = complaint(with("Телефон", cell));
        assert!(told.contains("people.csv, line 2, Телефон «"), "{told}");
        assert!(told.contains(want), "{told}");
    }
    let told = complaint(with("E-mail", "inna at example.org"));
    assert!(
        told.contains("E-mail «inna at example.org» is no e-mail address"),
        "{told}"
    );
}

#[test]
fn a_number_of_nobody_is_not_dropped_in_silence() {
    let told = complaint("ФИО;Класс;ФИО родителя;Телефон\nЖуков Савелий;3А;;89000000031\n");
    assert!(
        told.contains("line 2, ФИО родителя is missing: write whose number or address it is"),
        "{told}"
    );
    let own = good("ФИО;Класс;Телефон\nЖуков Савелий;3А;89000000031\n");
    assert_eq!(
        count(&own, Table::Contact),
        0,
        "the student's own number is not asked for"
    );
}

#[test]
fn twins_are_two_and_a_row_that_may_be_either_is_an_error() {
    let twins = "ФИО;Дата рождения;Класс;ФИО родителя;Телефон\n\
        Юсупова Амина;12.04.2015;5А;Юсупов Тимур;89000000041\n\
        Юсупова Амина;2015-11-30;5А;Юсупова Зоя;89000000041\n";
    let load = good(twins);
    assert_eq!(count(&load, Table::Student), 2);
    assert_eq!(
        column(&load, Table::Student, "birth_on"),
        ["2015-04-12", "2015-11-30"]
    );
    assert_eq!(
        count(&load, Table::Contact),
        2,
        "each parent has the family's telephone"
    );
    let told = complaint(format!("{twins}Юсупова Амина;;5А;Юсупова Зоя;\n"));
    assert!(
        told.contains("line 4 «Юсупова Амина» may be several students: add"),
        "{told}"
    );
}

#[test]
fn nobody_is_in_two_classes_of_one_register() {
    let told = complaint("ФИО;Дата рождения;Класс\nЖуков Лев;1.2.2015;3А\nЖуков Лев;1.2.2015;3Б\n");
    assert!(told.contains("line 3, Класс «3Б»"), "{told}");
    assert!(told.contains("is in 3 «А» as well"), "{told}");
    let namesakes = good("ФИО;Класс\nЖуков Лев;3А\nЖуков Лев;3Б\n");
    assert_eq!(
        count(&namesakes, Table::Student),
        2,
        "without a birthday they may be two"
    );
}

#[test]
fn two_files_complete_each_other() {
    let parents = file(
        "a.csv",
        "ФИО;Класс;ФИО родителя;Телефон\nЖуков Лев;3А;Жукова Инна;89000000031\n",
    );
    let students = file(
        "b.csv",
        "ФИО;Класс;Пол;Дата рождения\nЖуков Лев;3 А;М;1.2.2017\n",
    );
    let load = read(&[parents, students], &options(None)).expect("two good files");
    assert_eq!(count(&load, Table::Student), 1);
    assert_eq!(column(&load, Table::Student, "birth_on"), ["2017-02-01"]);
    assert_eq!(column(&load, Table::Student, "gender"), ["male"]);
}

#[test]
fn mother_and_father_have_columns_of_their_own() {
    let load = good(
        "Ученик;Класс;Мать;Телефон матери;Отец;Телефон отца;E-mail отца\n\
         Жуков Лев;3А;Жукова Инна Олеговна;89000000031;Жуков Пётр;;petr@example.org\n",
    );
    assert_eq!(
        column(&load, Table::Guardianship, "relation"),
        ["father", "mother"]
    );
    assert_eq!(
        column(&load, Table::Contact, "address"),
        ["+79000000031", "petr@example.org"]
    );
}

#[test]
fn a_mapping_names_odd_columns() {
    let odd = "Ребёнок;Кл.;Кому звонить;Моб.;Почта 1;Почта 2\n\
        Жуков Лев;3А;Жукова Инна;89000000031;inna@example.org;нет\n";
    let load = read(&[file("odd.csv", odd)], &options(Some(MAPPING))).expect("mapped");
    assert_eq!(
        column(&load, Table::Contact, "address"),
        ["+79000000031", "inna@example.org"]
    );
    let told = complaint(odd);
    assert!(
        told.contains("people.csv has no column for the student's name"),
        "{told}"
    );
    assert!(
        told.contains("has no column for the class"),
        "both at once: {told}"
    );
    assert!(
        told.contains("the columns are: Ребёнок, Кл., Кому звонить"),
        "{told}"
    );

    let wrong = |mapping: &str| {
        let told = read(&[file("odd.csv", odd)], &options(Some(mapping)));
        told.expect_err("a bad mapping").to_string()
    };
    let told = wrong("[columns]\n\"Кл.\" = \"clas\"\n\"Моб.\" = \"fone\"\n");
    assert!(
        told.contains("columns.toml, Кл. «clas» is no field: did you mean class?"),
        "{told}"
    );
    assert!(
        told.contains("Моб. «fone» is no field: did you mean phone?"),
        "{told}"
    );
    let told = wrong("Кл. = class");
    assert!(told.contains("columns.toml, line 1"), "{told}");
    assert_eq!(told.lines().count(), 2, "one line a fault: {told}");
    assert!(wrong("").contains("has no [columns]"));
}

#[test]
fn a_column_that_comes_twice_is_told() {
    let told = complaint(with("Телефон;Мобильный телефон", ";"));
    assert!(
        told.contains("people.csv, Мобильный телефон means the same as the column Телефон"),
        "{told}"
    );
    assert!(told.contains("\"ignore\""), "{told}");
}

#[test]
fn every_fault_is_told_at_once_and_a_hundred_are_enough() {
    let told = complaint(
        "ФИО;Класс;Пол;Дата рождения\nЖуков;13А;он;31.02.2015\n;;;\nКим Ли;;ж;1899-01-01\n",
    );
    for want in [
        "line 2, ФИО «Жуков» is no full name",
        "line 2, Класс «13А» is no class: write grade and letter, as in 5А",
        "line 2, Пол «он» is not known: write М or Ж",
        "line 2, Дата рождения «31.02.2015» is no date: write it as 14.03.2012",
        "line 4, Класс is missing",
        "line 4, Дата рождения «1899-01-01» is no date",
    ] {
        assert!(told.contains(want), "{want} not in {told}");
    }
    assert_eq!(told.lines().count(), 7, "{told}");
    let bad = "Ким;8А\n".repeat(250);
    let errors = import(format!("ФИО;Класс\n{bad}")).expect_err("all rows are bad");
    assert_eq!((errors.errors.len(), errors.more), (100, 150));
}

#[test]
fn rows_that_do_not_fit_their_header_are_told_by_line() {
    let told = complaint("ФИО;Класс\nКим Ли;8А;лишнее\nПак Ли;0А\nЦой Ли;8А;;\n");
    assert!(
        told.contains("line 2 has more cells than the header"),
        "{told}"
    );
    assert!(
        told.contains("line 3, Класс «0А»"),
        "the next fault as well: {told}"
    );
    assert!(!told.contains("line 4"), "empty cells do no harm: {told}");
    let told = complaint("ФИО;Класс\n\"Ким Ли;8А\nПак Ли;8А\nЦой Ли;8А\n");
    assert!(
        told.contains("line 2 has a quotation mark that is not closed"),
        "{told}"
    );
}

#[test]
fn a_file_that_is_no_table_says_what_it_is() {
    let utf16: Vec<u8> = "Ф;К".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, want) in [
        (
            b"PK\x03\x04\x14\0".to_vec(),
            "is no Excel workbook that can be read: open it and save it as XLSX",
        ),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1".to_vec(),
            "is an old Excel workbook",
        ),
        (
            [b"\xFF\xFE".to_vec(), utf16.clone()].concat(),
            "is written in UTF-16",
        ),
        (utf16, "is no text"),
        (b"".to_vec(), "is empty"),
        (b"\r\n".to_vec(), "is empty"),
        ("ФИО;Класс\n".into(), "has a header and no rows"),
        (b"<table><tr><td>".to_vec(), "is a web page"),
        (b"{\"weekDays\":[]}".to_vec(), "--from netschool"),
    ] {
        let told = complaint(bytes);
        assert!(
            told.contains(&format!("people.csv {want}")) || told.contains(want),
            "{told}"
        );
    }
}

#[test]
fn a_huge_file_is_refused_before_it_is_read() {
    assert_eq!(refuse_size("small.csv", MAX_BYTES), Ok(()));
    let told = refuse_size("huge.csv", MAX_BYTES + 1).expect_err("too large");
    assert_eq!(
        told.to_string(),
        "huge.csv is larger than 64 MB: export one class or one quarter at a time"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = import(bytes);
    }

    #[test]
    fn no_cells_make_it_panic(cells in prop::collection::vec("[^\n]{0,20}", 12)) {
        let header = "ФИО;Класс;Дата рождения;ФИО родителя;Телефон;E-mail";
        let rows: Vec<String> = cells.chunks(6).map(|row| row.join(";")).collect();
        let _ = import(format!("{header}\n{}\n", rows.join("\n")));
    }

    #[test]
    fn nobody_is_lost(names in prop::collection::btree_set("[А-Я][а-я]{2,8} [А-Я][а-я]{2,8}", 1..20)) {
        let rows: Vec<String> = names.iter().map(|name| format!("{name};7В\n")).collect();
        let load = good(format!("ФИО;Класс\n{}", rows.concat()));
        prop_assert_eq!(count(&load, Table::Student), names.len());
        prop_assert_eq!(count(&load, Table::Enrolment), names.len());
    }
}
