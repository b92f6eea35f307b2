//! From bytes to headers and rows: encoding, delimiter, quotes.

use super::super::{File, ImportError, ImportErrors};

/// A table as text.
pub(super) struct Sheet {
    /// The first row.
    pub(super) headers: Vec<String>,
    /// The others, with the line each begins on.
    pub(super) rows: Vec<(u64, Vec<String>)>,
}

/// Reads a file as UTF-8, with or without a byte order mark, else as Windows-1251; with whichever of
/// `;`, tab and `,` its first line has most of. Rows that do not fit are noted among the errors, and
/// the others are read all the same.
pub(super) fn sheet(file: &File, errors: &mut ImportErrors) -> Result<Sheet, ImportError> {
    let wrong = |problem: &str, remedy: &str| ImportError::whole(&file.name, problem, remedy);
    let at = |line: u64, problem: &str, remedy: &str| ImportError {
        row: Some(format!("line {line}")),
        ..wrong(problem, remedy)
    };
    let text = text(file)?;
    if let Some(line) = open_quote(&text) {
        return Err(at(
            line,
            "has a quotation mark that is not closed",
            "close or remove it",
        ));
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&text))
        .flexible(true)
        .from_reader(text.as_bytes());
    let cells =
        |record: &csv::StringRecord| record.iter().map(|cell| cell.trim().to_owned()).collect();
    let headers: Vec<String> = reader
        .headers()
        .map(cells)
        .map_err(|_| wrong("has no header row", "name the columns in the first row"))?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            at(line, "cannot be read as a row", "check its quotation marks")
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        if record
            .iter()
            .skip(headers.len())
            .any(|cell| !cell.trim().is_empty())
        {
            errors.add(at(
                line,
                "has more cells than the header",
                "put cells that hold the delimiter into quotation marks",
            ));
            continue;
        }
        rows.push((line, cells(&record)));
    }
    if rows.is_empty() && errors.is_empty() {
        return Err(wrong("has a header and no rows", "export it again"));
    }
    Ok(Sheet { headers, rows })
}

fn text(file: &File) -> Result<String, ImportError> {
    let wrong =
        |problem: &str| ImportError::whole(&file.name, problem, "save the table as CSV UTF-8");
    let bytes = file.content();
    if bytes.contains(&0) {
        return Err(wrong("is no text"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1251
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    };
    if text.contains('\u{98}') || text.contains('\u{FFFD}') {
        return Err(wrong("is in an encoding that is not known"));
    }
    Ok(text)
}

/// The line on which a quotation mark opens that nothing closes: the rest of the file would be one
/// cell.
fn open_quote(text: &str) -> Option<u64> {
    if text.matches('"').count().is_multiple_of(2) {
        return None;
    }
    (1..)
        .zip(text.lines())
        .find(|(_, line)| line.matches('"').count() % 2 == 1)
        .map(|(at, _)| at)
}

fn delimiter(text: &str) -> u8 {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    // Of equals the last one is taken, and most schools write semicolons.
    let known = [b',', b'\t', b';'].into_iter();
    known
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b';')
}
