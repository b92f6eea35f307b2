//! The rows of the register that comes first in a class's file.

use std::collections::BTreeMap;

use vestnik_sheet::{Row, Sheet};

use super::{content::Household, handout};
use crate::store::NewSheet;

/// Numbers the rows of the register: families that have one keep it, new ones come after them. Of several
/// households of a student each is told apart.
pub fn number(sheets: &mut [NewSheet], rows: &mut [Row], mut known: BTreeMap<String, i64>) {
    let mut last = known.values().copied().max().unwrap_or(0);
    let copies = |student: i64| {
        sheets
            .iter()
            .filter(|one| one.student_id == student)
            .count()
    };
    let copies: Vec<usize> = sheets.iter().map(|one| copies(one.student_id)).collect();
    let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
    for ((sheet, row), copies) in sheets.iter_mut().zip(rows).zip(copies) {
        sheet.row = known.remove(&sheet.code).unwrap_or_else(|| {
            last += 1;
            last
        });
        row.row = usize::try_from(sheet.row).unwrap_or_default();
        let copy = seen.entry(sheet.student_id).or_default();
        *copy += 1;
        if copies > 1 {
            row.copy = format!("{copy}/{copies}");
        }
    }
}

/// What the register says of a sheet, before it has a number.
pub fn row(page: &Sheet, household: &Household) -> Row {
    let variant = match (household.large, household.plain) {
        (true, _) => "крупный",
        (false, true) => "простой",
        (false, false) => "",
    };
    Row {
        row: 0,
        code: page.code.clone(),
        student: page.student.clone(),
        copy: String::new(),
        variant: variant.to_owned(),
        ground: handout::ground(household.why).to_owned(),
    }
}
