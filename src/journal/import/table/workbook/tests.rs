use proptest::prelude::*;
use rust_xlsxwriter::{Format, Workbook};

use crate::journal::import::{
    Field, File, ImportErrors, Load, Options, Record, Source, Table, read,
};

fn import(bytes: Vec<u8>, source: Source) -> Result<Load, ImportErrors> {
    let file = File {
        name: "8А.xlsx".into(),
        bytes,
    };
    let options = Options {
        source,
        class: None,
        mapping: None,
        days: None,
        today: "2026-11-09".parse().expect("a date"),
    };
    read(&[file], &options)
}

fn texts(load: &Load, table: Table, column: &str) -> Vec<String> {
    let text = |record: &Record| {
        record
            .fields
            .iter()
            .find_map(|(name, field)| match field {
                Field::Text(text) if *name == column => Some(text.clone()),
                _ => None,
            })
            .unwrap_or_default()
    };
    let records = load.records.iter().filter(|record| record.table == table);
    records.map(text).collect()
}

fn refusal(bytes: Vec<u8>) -> String {
    import(bytes, Source::Table)
        .expect_err("a bad workbook")
        .to_string()
}

fn saved(mut workbook: Workbook) -> Vec<u8> {
    workbook.save_to_buffer().expect("a workbook")
}

/// A list as a school keeps it: titles above, real dates, telephones as numbers.
fn list() -> Workbook {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("dd.mm.yyyy");
    let write = |sheet: &mut rust_xlsxwriter::Worksheet, row, cells: &[&str]| {
        for (column, text) in (0..).zip(cells) {
            sheet.write_string(row, column, *text).expect("a cell");
        }
    };
    write(sheet, 0, &["Список учащихся"]);
    write(sheet, 1, &["Класс: 8А", "", "Учебный год: 2026/2027"]);
    let headers = [
        "№",
        "Ф.И.О.",
        "Дата рождения",
        "Класс",
        "ФИО родителя",
        "Мобильный телефон",
        "Согласие",
    ];
    write(sheet, 3, &headers);
    let families = [
        ("Лапшин Тимофей Русланович", "Лапшина Ольга Викторовна"),
        ("Ким Ли", "Ким Ен Су"),
        ("Петрова-Водкина Анна-Мария", "Петрова-Водкина Инна"),
    ];
    for (row, (student, guardian)) in (4..).zip(families) {
        sheet.write_number(row, 0, row).expect("a cell");
        write(sheet, row, &["", student, "", "8А", guardian, "", "да"]);
    }
    sheet
        .write_number_with_format(4, 2, 40_982, &date)
        .expect("a cell");
    sheet.write_number(5, 2, 41_151).expect("a cell");
    sheet.write_string(6, 2, "01.01.2012").expect("a cell");
    sheet.write_number(4, 5, 79_000_000_011.0).expect("a cell");
    sheet.write_number(5, 5, 7.9E+10).expect("a cell");
    sheet.write_string(6, 5, "89000000012.0").expect("a cell");
    workbook
}

#[test]
fn dates_and_telephones_are_read_as_a_person_sees_them() {
    let bytes = list().save_to_buffer().expect("a workbook");
    let load = import(bytes, Source::Table).expect("a load");
    assert_eq!(
        texts(&load, Table::Student, "birth_on"),
        ["2012-03-14", "2012-08-30", "2012-01-01"]
    );
    assert_eq!(
        texts(&load, Table::Student, "surname"),
        ["Лапшин", "Ким", "Петрова-Водкина"]
    );
    assert_eq!(
        texts(&load, Table::Contact, "address"),
        ["+79000000011", "+79000000000", "+79000000012"]
    );
    assert_eq!(load.rows, 3, "titles are no rows");
}

#[test]
fn a_fault_names_the_row_that_excel_shows() {
    let mut workbook = list();
    let sheet = workbook.worksheet_from_index(0).expect("a sheet");
    sheet.write_string(5, 2, "вчера").expect("a cell");
    let told = refusal(workbook.save_to_buffer().expect("a workbook"));
    assert!(
        told.contains("8А.xlsx, line 6, Дата рождения «вчера» is no date"),
        "{told}"
    );
}

#[test]
fn what_is_no_table_is_refused_in_words() {
    let told = refusal(b"PK\x03\x04 and nothing behind it".to_vec());
    assert!(
        told.contains("is no Excel workbook") && told.contains("save it as"),
        "{told}"
    );
    let told = refusal(saved(Workbook::new()));
    assert!(told.contains("empty first sheet"), "{told}");
    let mut numbers = Workbook::new();
    let sheet = numbers.add_worksheet();
    sheet.write_number(0, 0, 1).expect("a cell");
    sheet.write_number(1, 1, 2).expect("a cell");
    let told = refusal(saved(numbers));
    assert!(
        told.contains("has no column for the student's name"),
        "{told}"
    );
    let mut old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    old.resize(512, 0);
    let told = refusal(old);
    assert!(
        told.contains("old Excel workbook") && told.contains("XLSX"),
        "{told}"
    );
    let told = import(saved(list()), Source::Netschool)
        .expect_err("no diary")
        .to_string();
    assert!(told.contains("--from table"), "{told}");
}

#[test]
fn a_file_that_unpacks_into_a_mountain_is_refused() {
    let mut workbook = list();
    let sheet = workbook.worksheet_from_index(0).expect("a sheet");
    let long = "я".repeat(32_000);
    for row in 0..6_000 {
        sheet
            .write_string(row + 10, 1, format!("{row} {long}"))
            .expect("a cell");
    }
    let bytes = saved(workbook);
    assert!(
        bytes.len() < 8 * 1024 * 1024,
        "it is small enough to be mailed: {}",
        bytes.len()
    );
    let told = refusal(bytes);
    assert!(told.contains("unpacks into more than 256 MB"), "{told}");
}

#[test]
fn a_sheet_without_end_is_refused() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for row in 0..20 {
        sheet.write_number(row, 0, row).expect("a cell");
    }
    // Twenty rows that reach to the last column.
    sheet.write_number(19, 16_383, 1).expect("a cell");
    let told = refusal(workbook.save_to_buffer().expect("a workbook"));
    assert!(told.contains("more than 200000 cells"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_after_the_prefix_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [b"PK\x03\x04".as_slice(), &bytes].concat();
        prop_assert!(import(bytes, Source::Table).is_err());
    }

    #[test]
    fn no_damage_to_a_workbook_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = list().save_to_buffer().expect("a workbook");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Whatever is left is read or refused.
        let _ = import(bytes.clone(), Source::Table);
        bytes.truncate(end.index(bytes.len()).max(4));
        let _ = import(bytes, Source::Table);
    }
}
