//! Fills the demo's school and does what its people do, as any program would: by plain SQL.

use std::collections::HashMap;

use super::{Store, StoreError, rows::int};
use crate::sample::{
    school::{Guardian, School},
    week::Deed,
};

/// The ids that the database gave.
#[derive(Debug, Default)]
pub struct Rows {
    classes: Vec<i64>,
    term: i64,
    subjects: Vec<i64>,
    students: Vec<i64>,
    guardians: Vec<i64>,
    marks: HashMap<usize, i64>,
}

impl Store {
    /// Writes the sample school in one transaction.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn fill(&self, school: &School) -> Result<Rows, StoreError> {
        let mut rows = Rows::default();
        let mut tx = self.pool.begin().await?;
        for (grade, letter) in &school.classes {
            let teacher = sqlx::query(
                "INSERT INTO staff (surname, given_name, patronymic, role) \
                 VALUES ('Иванова', 'Анна', 'Петровна', 'class_teacher') RETURNING id",
            )
            .fetch_one(&mut *tx)
            .await?;
            let row = sqlx::query(
                "INSERT INTO class (grade, letter, class_teacher_id) VALUES ($1, $2, $3) RETURNING id",
            )
            .bind(*grade)
            .bind(*letter)
            .bind(int(&teacher, "id")?)
            .fetch_one(&mut *tx)
            .await?;
            rows.classes.push(int(&row, "id")?);
        }
        let term = sqlx::query(
            "INSERT INTO term (kind, number, starts_on, ends_on) \
             VALUES ('quarter', 1, '2026-09-01', '2026-10-25') RETURNING id",
        )
        .fetch_one(&mut *tx)
        .await?;
        rows.term = int(&term, "id")?;
        for (name, short_name) in &school.subjects {
            let row =
                sqlx::query("INSERT INTO subject (name, short_name) VALUES ($1, $2) RETURNING id")
                    .bind(*name)
                    .bind(*short_name)
                    .fetch_one(&mut *tx)
                    .await?;
            rows.subjects.push(int(&row, "id")?);
        }
        for student in &school.students {
            let row = sqlx::query(
                "INSERT INTO student (surname, given_name, short_name, gender) VALUES ($1, $2, $3, $4) RETURNING id",
            )
            .bind(&student.surname)
            .bind(student.given_name)
            .bind(student.short_name)
            .bind(student.gender)
            .fetch_one(&mut *tx)
            .await?;
            let id = int(&row, "id")?;
            sqlx::query("INSERT INTO enrolment (student_id, class_id) VALUES ($1, $2)")
                .bind(id)
                .bind(rows.classes[student.class])
                .execute(&mut *tx)
                .await?;
            rows.students.push(id);
        }
        for guardian in &school.guardians {
            let id = self.guardian(&mut tx, guardian, &rows.students).await?;
            rows.guardians.push(id);
        }
        tx.commit().await?;
        Ok(rows)
    }

    async fn guardian(
        &self,
        tx: &mut sqlx::AnyConnection,
        guardian: &Guardian,
        students: &[i64],
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO guardian (surname, given_name, preset, quiet) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(&guardian.surname)
        .bind(guardian.given_name)
        .bind(guardian.preset)
        .bind(guardian.quiet)
        .fetch_one(&mut *tx)
        .await?;
        let id = int(&row, "id")?;
        for (student, relation, restricted) in &guardian.ties {
            sqlx::query(
                "INSERT INTO guardianship (guardian_id, student_id, relation, restricted_from, document) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(students[*student])
            .bind(*relation)
            .bind(restricted.then_some("2026-09-01"))
            .bind(restricted.then_some("решение суда № 2-114/2026"))
            .execute(&mut *tx)
            .await?;
        }
        for (rank, (channel, address)) in (1_i64..).zip(&guardian.contacts) {
            sqlx::query(
                "INSERT INTO contact (guardian_id, channel, address, rank) VALUES ($1, $2, $3, $4)",
            )
            .bind(id)
            .bind(*channel)
            .bind(address)
            .bind(rank)
            .execute(&mut *tx)
            .await?;
        }
        for (student, purpose, state) in &guardian.consents {
            sqlx::query(
                "INSERT INTO consent (guardian_id, student_id, purpose, state, document) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(students[*student])
            .bind(*purpose)
            .bind(*state)
            .bind("заявление от 01.09.2026")
            .execute(&mut *tx)
            .await?;
        }
        Ok(id)
    }

    /// Does what somebody does. What was removed meanwhile is not corrected any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn act(&self, deed: &Deed, rows: &mut Rows) -> Result<(), StoreError> {
        self.mark(deed, rows).await?;
        self.lesson(deed, rows).await?;
        self.word(deed, rows).await
    }

    /// Marks.
    async fn mark(&self, deed: &Deed, rows: &mut Rows) -> Result<(), StoreError> {
        match deed {
            Deed::Enter {
                mark,
                student,
                subject,
                date,
                value,
                work_kind,
            } => {
                let row = sqlx::query(
                    "INSERT INTO mark (student_id, subject_id, date, value, work_kind) \
                     VALUES ($1, $2, $3, $4, $5) RETURNING id",
                )
                .bind(rows.students[*student])
                .bind(rows.subjects[*subject])
                .bind(date.to_string())
                .bind(*value)
                .bind(*work_kind)
                .fetch_one(&self.pool)
                .await?;
                rows.marks.insert(*mark, int(&row, "id")?);
            }
            Deed::Correct { mark, value } => {
                if let Some(id) = rows.marks.get(mark) {
                    sqlx::query("UPDATE mark SET value = $2 WHERE id = $1")
                        .bind(*id)
                        .bind(*value)
                        .execute(&self.pool)
                        .await?;
                }
            }
            Deed::Remove { mark } => {
                if let Some(id) = rows.marks.remove(mark) {
                    sqlx::query("DELETE FROM mark WHERE id = $1")
                        .bind(id)
                        .execute(&self.pool)
                        .await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Lessons, and who was there.
    async fn lesson(&self, deed: &Deed, rows: &Rows) -> Result<(), StoreError> {
        match deed {
            Deed::Lesson {
                class,
                subject,
                date,
                number,
                state,
            } => {
                sqlx::query(
                    "INSERT INTO lesson (class_id, subject_id, date, number, state) \
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(rows.classes[*class])
                .bind(rows.subjects[*subject])
                .bind(date.to_string())
                .bind(*number)
                .bind(*state)
                .execute(&self.pool)
                .await?;
            }
            Deed::Homework {
                class,
                subject,
                due,
                text,
            } => {
                sqlx::query(
                    "INSERT INTO homework (class_id, subject_id, due_on, text) VALUES ($1, $2, $3, $4)",
                )
                .bind(rows.classes[*class])
                .bind(rows.subjects[*subject])
                .bind(due.to_string())
                .bind(text)
                .execute(&self.pool)
                .await?;
            }
            Deed::Attend {
                student,
                date,
                number,
                code,
                minutes,
            } => {
                sqlx::query(
                    "INSERT INTO attendance (student_id, date, number, code, minutes_late) \
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(rows.students[*student])
                .bind(date.to_string())
                .bind(*number)
                .bind(*code)
                .bind(*minutes)
                .execute(&self.pool)
                .await?;
            }
            Deed::Excuse {
                student,
                date,
                code,
            } => {
                sqlx::query("UPDATE attendance SET code = $3 WHERE student_id = $1 AND date = $2")
                    .bind(rows.students[*student])
                    .bind(date.to_string())
                    .bind(*code)
                    .execute(&self.pool)
                    .await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What people say.
    async fn word(&self, deed: &Deed, rows: &Rows) -> Result<(), StoreError> {
        match deed {
            Deed::Remark {
                student,
                date,
                kind,
                text,
                tell,
            } => {
                sqlx::query(
                    "INSERT INTO remark (student_id, date, kind, text, notify_parents) \
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(rows.students[*student])
                .bind(date.to_string())
                .bind(*kind)
                .bind(*text)
                .bind(i64::from(*tell))
                .execute(&self.pool)
                .await?;
            }
            Deed::Forecast {
                student,
                subject,
                value,
            } => {
                sqlx::query(
                    "INSERT INTO term_result (student_id, subject_id, term_id, stage, value) \
                     VALUES ($1, $2, $3, 'forecast', $4)",
                )
                .bind(rows.students[*student])
                .bind(rows.subjects[*subject])
                .bind(rows.term)
                .bind(*value)
                .execute(&self.pool)
                .await?;
            }
            Deed::Announce {
                class,
                title,
                text,
                short,
                urgent,
            } => {
                sqlx::query(
                    "INSERT INTO announcement (class_id, title, text, sms_text, urgency) \
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(class.map(|class| rows.classes[class]))
                .bind(*title)
                .bind(*text)
                .bind(*short)
                .bind(if *urgent { "urgent" } else { "normal" })
                .execute(&self.pool)
                .await?;
            }
            Deed::Withdraw { guardian, student } => {
                sqlx::query(
                    "INSERT INTO consent (guardian_id, student_id, purpose, state, document) \
                     VALUES ($1, $2, 'email', 'withdrawn', 'заявление от 14.10.2026')",
                )
                .bind(rows.guardians[*guardian])
                .bind(rows.students[*student])
                .execute(&self.pool)
                .await?;
            }
            _ => {}
        }
        Ok(())
    }
}
