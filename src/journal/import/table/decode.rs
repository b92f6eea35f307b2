//! From bytes to headers and rows: encoding, delimiter, quotes.

use super::super::{File, ImportError};

/// A table as text.
pub(super) struct Sheet {
    /// The first row.
    pub(super) headers: Vec<String>,
    /// The others, with the line each begins on.
    pub(super) rows: Vec<(u64, Vec<String>)>,
}

/// Reads a file as UTF-8, with or without a byte order mark, else as Windows-1251; with whichever of
/// `;`, tab and `,` its first line has most of.
pub(super) fn sheet(file: &File) -> Result<Sheet, ImportError> {
    let wrong = |problem: &str, remedy: &str| ImportError::whole(&file.name, problem, remedy);
    let bytes = file.content();
    if bytes.contains(&0) {
        return Err(wrong("is no text", "save the table as CSV UTF-8"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1251
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    };
    if text.contains('\u{98}') || text.contains('\u{FFFD}') {
        return Err(wrong(
            "is in an encoding that is not known",
            "save the table as CSV UTF-8",
        ));
    }
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|delimiter| {
            let count = first.bytes().filter(|byte| byte == delimiter).count();
            // Of equals, the earlier in the list is meant: max_by_key takes the last.
            (
                count,
                [b',', b'\t', b';']
                    .iter()
                    .position(|other| other == delimiter),
            )
        })
        .unwrap_or(b';');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
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
            let line = error.position().map(csv::Position::line);
            ImportError {
                row: line.map(|line| format!("line {line}")),
                ..wrong("cannot be read as a row", "check its quotation marks")
            }
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() > headers.len()
            && record
                .iter()
                .skip(headers.len())
                .any(|cell| !cell.trim().is_empty())
        {
            return Err(ImportError {
                row: Some(format!("line {line}")),
                ..wrong(
                    "has more cells than the header",
                    "put cells that hold the delimiter into quotation marks",
                )
            });
        }
        rows.push((line, cells(&record)));
    }
    if rows.is_empty() {
        return Err(wrong("has a header and no rows", "export it again"));
    }
    Ok(Sheet { headers, rows })
}
