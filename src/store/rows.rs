//! The few things that every statement needs: lists of values and the types of columns.

use sqlx::{Row, any::AnyRow};

use super::StoreError;

/// Ids as the inside of `IN (…)`. Numbers need no quoting; an empty list matches nothing.
pub(super) fn ids<'a>(ids: impl IntoIterator<Item = &'a i64>) -> String {
    let list: Vec<_> = ids.into_iter().map(ToString::to_string).collect();
    if list.is_empty() {
        "NULL".to_owned()
    } else {
        list.join(",")
    }
}

/// `count` placeholders from `$first` on, as the inside of `IN (…)` or of a row of VALUES.
pub(super) fn placeholders(first: usize, count: usize) -> String {
    let list: Vec<_> = (first..first + count).map(|n| format!("${n}")).collect();
    list.join(",")
}

/// `rows` groups of `columns` placeholders each, as the list behind VALUES.
pub(super) fn values(rows: usize, columns: usize) -> String {
    let list: Vec<_> = (0..rows)
        .map(|row| format!("({})", placeholders(row * columns + 1, columns)))
        .collect();
    list.join(",")
}

/// A whole number that is not null.
pub(super) fn int(row: &AnyRow, column: &str) -> Result<i64, StoreError> {
    Ok(row.try_get(column)?)
}

/// A whole number or null.
pub(super) fn some_int(row: &AnyRow, column: &str) -> Result<Option<i64>, StoreError> {
    Ok(row.try_get(column)?)
}

/// A text that is not null.
pub(super) fn text(row: &AnyRow, column: &str) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

/// A text or null.
pub(super) fn some_text(row: &AnyRow, column: &str) -> Result<Option<String>, StoreError> {
    Ok(row.try_get(column)?)
}

/// A text that has to parse; what does not is named by table and column, without its value.
pub(super) fn parsed<T: std::str::FromStr>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, StoreError> {
    text(row, column)?
        .parse()
        .map_err(|_| StoreError::Content(column))
}

/// As [`parsed`], or null.
pub(super) fn some_parsed<T: std::str::FromStr>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    some_text(row, column)?
        .map(|value| value.parse().map_err(|_| StoreError::Content(column)))
        .transpose()
}
