//! From an Excel workbook (XLSX) to headers and rows: the first sheet, each cell as the text that a
//! person sees in it.

use std::{
    collections::BTreeMap,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{
    super::{File, ImportError},
    decode::Sheet,
};

/// A sheet above this size is no table of one school's people.
const MAX_CELLS: u64 = 200_000;

/// A file that unpacks into more is made to fill a memory.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;

/// Cells by row and column, both from 0; empty ones are left out.
type Grid = BTreeMap<u32, BTreeMap<u32, String>>;

/// Why there is no grid.
enum Fault {
    Broken,
    Large,
    Mountain,
}

/// Whether a file is packed as workbooks are.
pub(super) fn is_workbook(file: &File) -> bool {
    file.bytes.starts_with(b"PK\x03\x04")
}

/// Reads the first sheet. Schools write titles above the table: the header is the first row that
/// `is_header` knows, else the fullest one, whose columns the error then names.
pub(super) fn sheet(
    file: &File,
    is_header: impl Fn(&[String]) -> bool,
) -> Result<Sheet, ImportError> {
    let wrong = |problem: &str, remedy: &str| ImportError::whole(&file.name, problem, remedy);
    // The parser computes cell addresses without checking for overflow, and a file that makes it
    // panic is a bad file.
    let read = catch_unwind(AssertUnwindSafe(|| grid(&file.bytes))).unwrap_or(Err(Fault::Broken));
    let grid = read.map_err(|fault| match fault {
        Fault::Broken => wrong(
            "is no Excel workbook that can be read",
            "open it and save it as XLSX without a password, or as CSV (UTF-8)",
        ),
        Fault::Mountain => wrong(
            "unpacks into more than 256 MB",
            "copy the table into a new workbook",
        ),
        Fault::Large => wrong(
            &format!("has a first sheet of more than {MAX_CELLS} cells"),
            "delete what does not belong to the table, or save one class at a time",
        ),
    })?;
    let width = grid
        .values()
        .filter_map(|row| row.keys().next_back())
        .max()
        .map_or(0, |last| last + 1);
    let cells = |row: &BTreeMap<u32, String>| -> Vec<String> {
        (0..width)
            .map(|column| row.get(&column).cloned().unwrap_or_default())
            .collect()
    };
    let fullest = grid.values().map(BTreeMap::len).max().unwrap_or(0);
    let rows: Vec<(u64, Vec<String>)> = grid
        .iter()
        .map(|(at, row)| (u64::from(*at) + 1, cells(row)))
        .collect();
    let header = rows
        .iter()
        .position(|(_, cells)| is_header(cells))
        .or_else(|| grid.values().position(|row| row.len() == fullest))
        .unwrap_or(0);
    let mut rows = rows.into_iter().skip(header);
    let Some((_, headers)) = rows.next() else {
        return Err(wrong(
            "has an empty first sheet",
            "move the table to the first sheet",
        ));
    };
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Err(wrong("has a header and no rows", "export it again"));
    }
    Ok(Sheet { headers, rows })
}

fn grid(bytes: &[u8]) -> Result<Grid, Fault> {
    let broken = |_: XlsxError| Fault::Broken;
    if unpacked(bytes)? > MAX_UNPACKED {
        return Err(Fault::Mountain);
    }
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let first = workbook.sheet_names().into_iter().next();
    let first = first.ok_or(Fault::Broken)?;
    let mut reader = workbook.worksheet_cells_reader(&first).map_err(broken)?;
    let mut grid = Grid::new();
    let (mut read, mut width) = (0, 0);
    while let Some(cell) = reader.next_cell().map_err(broken)? {
        read += 1;
        let (row, column) = cell.get_position();
        if let Some(text) = words(cell.get_value()) {
            width = width.max(u64::from(column) + 1);
            grid.entry(row).or_default().insert(column, text);
        }
        // Two cells at far corners are a large table as well.
        let height = u64::try_from(grid.len()).unwrap_or(u64::MAX);
        if read > MAX_CELLS || height.saturating_mul(width) > MAX_CELLS {
            return Err(Fault::Large);
        }
    }
    Ok(grid)
}

/// How large the parts of a packed file say they are.
fn unpacked(bytes: &[u8]) -> Result<u64, Fault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Fault::Broken)?;
    let mut sum: u64 = 0;
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(|_| Fault::Broken)?;
        sum = sum.saturating_add(part.size());
    }
    Ok(sum)
}

/// A cell as text; none for an empty one and for a formula's error.
fn words(value: &DataRef<'_>) -> Option<String> {
    let text = match Data::from(value.clone()) {
        Data::String(text) => whole(text.trim()).to_owned(),
        Data::Int(number) => number.to_string(),
        // Never in the scientific form: a telephone number is a number here.
        Data::Float(number) => number.to_string(),
        Data::Bool(true) => "да".to_owned(),
        Data::Bool(false) => "нет".to_owned(),
        Data::DateTime(moment) => date(moment),
        Data::DateTimeIso(text) => text.get(..10).unwrap_or(&text).to_owned(),
        Data::DurationIso(text) => text,
        Data::Error(_) | Data::Empty => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The day of a serial date.
fn date(moment: ExcelDateTime) -> String {
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    format!("{year:04}-{month:02}-{day:02}")
}

/// «89000000011.0» without its fraction, which a program that knows only one kind of number added.
fn whole(text: &str) -> &str {
    match text.strip_suffix(".0") {
        Some(digits) if digits.len() > 4 && digits.bytes().all(|c| c.is_ascii_digit()) => digits,
        _ => text,
    }
}

#[cfg(test)]
mod tests;
