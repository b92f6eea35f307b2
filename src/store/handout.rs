//! The register of sheets: which there are of a class and week, and what people say became of them.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::NaiveDate;

use super::{
    Store, StoreError,
    lane::Tx,
    press::class_name,
    rows::{ids, int, parsed, some_int, some_text, text},
};
use crate::{
    instant::Millis,
    journal::class_name::ClassName,
    paper::handout::{Deed, Refused, Stand, after, ticks},
    week::Week,
};

/// A row of the register.
#[derive(Clone)]
pub struct Entry {
    /// `sheet.id`
    pub id: i64,
    /// The number of the row.
    pub row: usize,
    /// What the slip is recognised by.
    pub code: String,
    /// «Листок № 6»
    pub number: i64,
    /// The class that it was printed for: its id and name.
    pub class: (i64, ClassName),
    /// The week.
    pub week: Week,
    /// `student.id`
    pub student_id: i64,
    /// «Соколова Мария»
    pub student: String,
    /// `guardian.id` of the first of the household.
    pub guardian_id: i64,
    /// `sheet.variant`: `large`, `plain` or nothing.
    pub variant: Option<String>,
    /// Where it stands.
    pub stand: Stand,
    /// Why it comes on paper, by the codes of `sheet.reason`.
    pub why: Option<String>,
    /// Who said last what became of it.
    pub by: Option<String>,
    /// Who took it, where that was not the student.
    pub to_whom: Option<String>,
    /// `sheet.how`
    pub how: Option<String>,
    /// Why the family does not have it.
    pub kept_because: Option<String>,
    /// `sheet.slip`
    pub slip: Option<String>,
    /// When it was handed out.
    pub handed_at: Option<Millis>,
    /// When its slip came back.
    pub slip_at: Option<Millis>,
    /// Whether it stands for another one.
    pub duplicate: bool,
}

/// What somebody said of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetDeed {
    /// Where it stood from then on.
    pub stand: Stand,
    /// Who said it.
    pub by: Option<String>,
    /// When.
    pub at: Millis,
}

/// What a reprint needs of a sheet.
#[derive(Clone)]
pub struct Reprint {
    /// Its row of the register.
    pub entry: Entry,
    /// What its run printed.
    pub data: serde_json::Value,
    /// What it says, for `explain` and the pages.
    pub text: String,
}

const ENTRY: &str = "SELECT s.id, s.row_number, s.check_code, s.number, s.week, s.student_id, s.guardian_id, \
     s.variant, s.state, s.reason, s.to_whom, s.how, s.kept_because, s.slip, s.handed_at, s.slip_at, \
     s.duplicate_of, r.class_id, c.grade, c.letter, p.surname, p.given_name, \
     w.surname AS by_surname, w.given_name AS by_given_name FROM sheet s \
     JOIN print_run r ON r.id = s.print_run_id JOIN class c ON c.id = r.class_id \
     JOIN student p ON p.id = s.student_id LEFT JOIN staff w ON w.id = s.by_staff_id WHERE s.state NOT IN ('ready', 'in_run', 'reprinted') \
     AND NOT EXISTS (SELECT 1 FROM sheet d WHERE d.id > s.id AND d.duplicate_of = COALESCE(s.duplicate_of, s.id) \
         AND d.state NOT IN ('in_run', 'spoiled'))";

impl Store {
    /// As [`Tx::sheet_register`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn sheet_register(
        &self,
        class_id: i64,
        week: Week,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut tx = self.snapshot().await?;
        let register = tx.sheet_register(class_id, week).await?;
        tx.commit().await?;
        Ok(register)
    }

    /// As [`Tx::weeks_on_paper`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn weeks_on_paper(&self, class_id: i64) -> Result<Vec<Week>, StoreError> {
        let mut tx = self.snapshot().await?;
        let weeks = tx.weeks_on_paper(class_id).await?;
        tx.commit().await?;
        Ok(weeks)
    }

    /// The class that a student attends today: `class.id`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn class_of(
        &self,
        student: i64,
        today: NaiveDate,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT MAX(class_id) AS class_id FROM enrolment WHERE student_id = $1 \
             AND (from_on IS NULL OR from_on <= $2) AND (to_on IS NULL OR to_on >= $2)",
        )
        .bind(student)
        .bind(today.to_string())
        .fetch_one(&self.pool)
        .await?;
        some_int(&row, "class_id")
    }

    /// The sheets of a student, the newest first, and `most` of them at most.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what is no state.
    pub async fn sheets_of(&self, student: i64, most: i64) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "{ENTRY} AND s.student_id = {student} ORDER BY s.week DESC, s.id DESC LIMIT {most}"
        );
        let mut tx = self.snapshot().await?;
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(|row| entry(row, 1)).collect()
    }

    /// What became of the sheet that is this message, in order.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what is no state.
    pub async fn deeds_of(&self, reference: &str) -> Result<Vec<SheetDeed>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.state, d.detail, d.at, w.surname AS by_surname, w.given_name AS by_given_name \
             FROM message m JOIN sheet s ON s.message_id = m.id JOIN sheet_deed d ON d.sheet_id = s.id \
             LEFT JOIN staff w ON w.id = d.by_staff_id WHERE m.ref = $1 ORDER BY d.at, d.id",
        )
        .bind(reference)
        .fetch_all(&self.pool)
        .await?;
        let deed = |row| {
            Ok(SheetDeed {
                stand: stand(&text(row, "state")?)?,
                by: by(row)?,
                at: int(row, "at")?,
            })
        };
        rows.iter().map(deed).collect()
    }

    /// Where the pages of a run lie.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn file_of_run(&self, run: i64) -> Result<Option<PathBuf>, StoreError> {
        let row = sqlx::query("SELECT file FROM print_run WHERE id = $1")
            .bind(run)
            .fetch_optional(&self.pool)
            .await?;
        let file = row.map(|row| some_text(&row, "file")).transpose()?;
        Ok(file.flatten().map(PathBuf::from))
    }

    /// As [`Tx::sheet_with`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn sheet_with(&self, code: &str) -> Result<Option<Entry>, StoreError> {
        let mut tx = self.snapshot().await?;
        let entry = tx.sheet_with(code).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// As [`Tx::say_of_sheet`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn say_of_sheet(
        &self,
        sheet: i64,
        deed: &Deed,
        by: Option<i64>,
        now: Millis,
    ) -> Result<Result<Stand, Refused>, StoreError> {
        let mut tx = self.transaction().await?;
        let said = tx.say_of_sheet(sheet, deed, by, now).await?;
        tx.commit().await?;
        Ok(said)
    }
}

impl Tx {
    /// The register of a class and week, row by row. Where a duplicate was printed, it stands for the first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what is no state.
    pub async fn sheet_register(
        &mut self,
        class_id: i64,
        week: Week,
    ) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "{ENTRY} AND r.class_id = {class_id} AND s.week = '{week}' \
             ORDER BY COALESCE(s.row_number, 0), COALESCE(s.duplicate_of, s.id), s.id"
        );
        let mut register = Vec::new();
        for row in &self.all(sql).await? {
            register.push(entry(row, register.len() + 1)?);
        }
        Ok(register)
    }

    /// The newest sheet with a check code.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what is no state.
    pub async fn sheet_with(&mut self, code: &str) -> Result<Option<Entry>, StoreError> {
        let newest = sqlx::query("SELECT MAX(id) AS id FROM sheet WHERE check_code = $1 AND state NOT IN ('ready', 'in_run', 'reprinted')")
            .bind(code)
            .fetch_one(&mut *self.db)
            .await?;
        let Some(id) = some_int(&newest, "id")? else {
            return Ok(None);
        };
        let rows = self.all(format!("{ENTRY} AND s.id = {id}")).await?;
        rows.first().map(|row| entry(row, 1)).transpose()
    }

    /// The last two weeks for which a class had sheets, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a week that is none.
    pub async fn weeks_on_paper(&mut self, class_id: i64) -> Result<Vec<Week>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT s.week FROM sheet s JOIN print_run r ON r.id = s.print_run_id \
             WHERE r.class_id = {class_id} AND s.state NOT IN ('ready', 'in_run', 'spoiled') \
             ORDER BY s.week DESC LIMIT 2"
        );
        let rows = self.all(sql).await?;
        rows.iter().map(|row| parsed(row, "week")).collect()
    }

    /// The run that printed most sheets of a class and week and has its pages: `print_run.id`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn run_of(&mut self, class_id: i64, week: Week) -> Result<Option<i64>, StoreError> {
        let sql = format!(
            "SELECT id FROM print_run WHERE class_id = {class_id} AND week = '{week}' \
             AND file IS NOT NULL ORDER BY sheets DESC, id DESC LIMIT 1"
        );
        let rows = self.all(sql).await?;
        rows.first().map(|row| int(row, "id")).transpose()
    }

    /// The rows that a class's register of a week has already: by check code.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn register_rows(
        &mut self,
        class_id: i64,
        week: Week,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = format!(
            "SELECT s.check_code, MAX(s.row_number) AS row_number FROM sheet s \
             JOIN print_run r ON r.id = s.print_run_id WHERE r.class_id = {class_id} \
             AND s.week = '{week}' AND s.row_number IS NOT NULL AND s.state NOT IN ('ready', 'in_run') \
             GROUP BY s.check_code"
        );
        let rows = self.all(sql).await?;
        rows.iter()
            .map(|row| Ok((text(row, "check_code")?, int(row, "row_number")?)))
            .collect()
    }

    /// Writes down what a person says of a sheet, and where it stands after that. A slip acknowledges all that
    /// the sheet told.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what is no state.
    pub async fn say_of_sheet(
        &mut self,
        sheet: i64,
        deed: &Deed,
        by: Option<i64>,
        now: Millis,
    ) -> Result<Result<Stand, Refused>, StoreError> {
        let row = sqlx::query("SELECT state, message_id, guardian_id FROM sheet WHERE id = $1")
            .bind(sheet)
            .fetch_one(&mut *self.db)
            .await?;
        let stand = after(stand(&text(&row, "state")?)?, deed);
        let stand = match stand {
            Ok(stand) => stand,
            Err(refused) => return Ok(Err(refused)),
        };
        let (mut whom, mut how, mut kept, mut slip) = (None, None, None, None);
        match deed {
            Deed::HandOut(way, to_whom) => {
                how = Some(way.code());
                whom = to_whom.as_deref();
            }
            Deed::Keep(why) | Deed::Spoil(why) => kept = Some(why.as_str()),
            Deed::TakeSlip(boxes) => slip = Some(ticks(boxes)),
            Deed::GiveUpSlip | Deed::Lose => {}
        }
        let has = matches!(stand, Stand::HandedOut | Stand::SlipBack);
        sqlx::query(
            "UPDATE sheet SET state = $2, state_at = $3, by_staff_id = COALESCE($4, by_staff_id), \
             to_whom = COALESCE($5, to_whom), how = COALESCE($6, how), kept_because = $7, \
             slip = COALESCE($8, slip), \
             handed_at = CASE WHEN $9 = 1 THEN COALESCE(handed_at, $3) ELSE handed_at END, \
             slip_at = CASE WHEN $8 IS NULL THEN slip_at ELSE COALESCE(slip_at, $3) END WHERE id = $1",
        )
        .bind(sheet)
        .bind(stand.code())
        .bind(now)
        .bind(by)
        .bind(whom)
        .bind(how)
        .bind(kept)
        .bind(slip.as_deref())
        .bind(i64::from(has))
        .execute(&mut *self.db)
        .await?;
        let detail = whom.or(kept).or(slip.as_deref()).or(how);
        sqlx::query(
            "INSERT INTO sheet_deed (sheet_id, state, detail, by_staff_id, at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(sheet)
        .bind(stand.code())
        .bind(detail)
        .bind(by)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        if stand == Stand::SlipBack {
            self.sign(sheet, now).await?;
        }
        if let Deed::TakeSlip(boxes) = deed {
            self.inquire_by_slip(sheet, boxes, now).await?;
        }
        Ok(Ok(stand))
    }

    /// The signature on a slip acknowledges what the sheet told, and what those told that it stands for.
    async fn sign(&mut self, sheet: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO acknowledgement (notice_id, guardian_id, kind, channel, at) \
             SELECT n.id, n.guardian_id, 'slip', 'paper', $2 FROM sheet s \
             JOIN sheet o ON o.id <= s.id \
             AND COALESCE(o.duplicate_of, o.id) = COALESCE(s.duplicate_of, s.id) \
             JOIN message_notice c ON c.message_id = o.message_id JOIN notice n ON n.id = c.notice_id \
             WHERE s.id = $1 AND NOT EXISTS (SELECT 1 FROM acknowledgement a \
                 WHERE a.notice_id = n.id AND a.kind = 'slip')",
        )
        .bind(sheet)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// What is needed to print a sheet once more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or what was printed cannot be read.
    pub async fn reprint(&mut self, code: &str) -> Result<Option<Reprint>, StoreError> {
        let Some(entry) = self.sheet_with(code).await? else {
            return Ok(None);
        };
        let row = sqlx::query(
            "SELECT r.data, m.body_text FROM sheet s JOIN print_run r ON r.id = s.print_run_id \
             JOIN message m ON m.id = s.message_id WHERE s.id = $1",
        )
        .bind(entry.id)
        .fetch_one(&mut *self.db)
        .await?;
        let data = serde_json::from_str(&text(&row, "data")?)
            .map_err(|_| StoreError::Content("print_run.data"))?;
        Ok(Some(Reprint {
            entry,
            data,
            text: text(&row, "body_text")?,
        }))
    }

    /// The sheets of these classes that nobody has said anything of, printed before then.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn sheets_unaccounted(
        &mut self,
        classes: &[i64],
        before: Millis,
    ) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM sheet s JOIN print_run r ON r.id = s.print_run_id \
             WHERE s.state = 'printed' AND s.state_at < {before} AND r.class_id IN ({}) \
             AND NOT EXISTS (SELECT 1 FROM sheet d WHERE d.id > s.id \
                 AND d.duplicate_of = COALESCE(s.duplicate_of, s.id) \
                 AND d.state NOT IN ('in_run', 'spoiled'))",
            ids(classes)
        );
        let rows = self.all(sql).await?;
        rows.first().map_or(Ok(0), |row| int(row, "n"))
    }
}

fn stand(code: &str) -> Result<Stand, StoreError> {
    Stand::from_code(code).ok_or(StoreError::Content("sheet.state"))
}

/// The member of staff of a row: by_surname, by_given_name.
fn by(row: &sqlx::any::AnyRow) -> Result<Option<String>, StoreError> {
    let (surname, given) = (
        some_text(row, "by_surname")?,
        some_text(row, "by_given_name")?,
    );
    Ok(surname.map(|surname| {
        format!("{surname} {}", given.unwrap_or_default())
            .trim()
            .to_owned()
    }))
}

fn entry(row: &sqlx::any::AnyRow, next: usize) -> Result<Entry, StoreError> {
    let stored = some_int(row, "row_number")?.and_then(|at| usize::try_from(at).ok());
    let (surname, given) = (text(row, "surname")?, text(row, "given_name")?);
    Ok(Entry {
        id: int(row, "id")?,
        row: stored.unwrap_or(next),
        code: some_text(row, "check_code")?.unwrap_or_default(),
        number: some_int(row, "number")?.unwrap_or_default(),
        class: (int(row, "class_id")?, class_name(row)?),
        week: parsed(row, "week")?,
        student_id: int(row, "student_id")?,
        student: format!("{surname} {given}"),
        guardian_id: int(row, "guardian_id")?,
        variant: some_text(row, "variant")?,
        stand: stand(&text(row, "state")?)?,
        why: some_text(row, "reason")?,
        by: by(row)?,
        to_whom: some_text(row, "to_whom")?,
        how: some_text(row, "how")?,
        kept_because: some_text(row, "kept_because")?,
        slip: some_text(row, "slip")?,
        handed_at: some_int(row, "handed_at")?,
        slip_at: some_int(row, "slip_at")?,
        duplicate: some_int(row, "duplicate_of")?.is_some(),
    })
}
