//! Reads what the informing ledger is computed from: a few queries for a week, whatever its size.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{ids, int, some_int, some_text, text},
};
use crate::{
    family::{
        contact::Channel,
        preference::Event,
        rights,
        route::{Route, route},
    },
    journal::class_name::ClassName,
    ledger::{Carrier, Duty, Entries, Line, Measure, Pupil, Silence, Stage, Why, cell},
    policy::{Evidence, Policy, Switch},
    week::Week,
};

/// What is asked of the ledger.
#[derive(Debug, Clone)]
pub struct LedgerQuestion<'a> {
    /// The week.
    pub week: Week,
    /// One class, or the whole school.
    pub class: Option<&'a ClassName>,
    /// Today by the school's clock.
    pub today: NaiveDate,
    /// The school's zone.
    pub zone: Tz,
    /// The channels that families may hear by.
    pub configured: &'a [Channel],
    /// The channels whose providers report deliveries.
    pub reports: &'a [Channel],
    /// What the regulation says.
    pub policy: &'a Policy,
}

/// A notice as the ledger sees it.
struct Noted {
    guardian_id: i64,
    student_id: i64,
    duty: Option<Duty>,
    merged_into: Option<i64>,
}

impl Store {
    /// The ledger of a week: a line for every guardian who must hear of a student who attends, by class
    /// and name.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn ledger(&self, question: &LedgerQuestion<'_>) -> Result<Vec<Line>, StoreError> {
        let mut tx = self.snapshot().await?;
        let lines = tx.ledger(question).await?;
        tx.commit().await?;
        Ok(lines)
    }
}

impl Tx {
    pub(super) async fn ledger(
        &mut self,
        question: &LedgerQuestion<'_>,
    ) -> Result<Vec<Line>, StoreError> {
        let week = question.week;
        // Of a week that is over, what held on its last day; of one to come, what holds on its first.
        let day = question.today.clamp(week.monday(), week.sunday());
        let pupils = self
            .pupils(week.monday(), week.sunday(), question.class)
            .await?;
        let students: Vec<i64> = pupils.iter().map(|pupil| pupil.id).collect();
        let people = self.people(&students, day).await?;
        let homes = self.homes(&students).await?;
        let school = self.school_week(&pupils, week, question.zone).await?;
        let mut duties = self.duties(week).await?;
        let last = week.later(question.policy.paper.weeks() - 1);
        let sheets = self.sheets_of(week, last).await?;
        let measure = Measure {
            informed: question.policy.informed,
            reports: question.reports.to_vec(),
            over: question.today > week.sunday(),
            paper_over: question.today > last.sunday(),
        };
        let mut lines = Vec::new();
        for pupil in &pupils {
            for guardian_id in rights::hearers(&people, pupil.id, day) {
                let Some(guardian) = people.guardian(guardian_id) else {
                    continue;
                };
                let pair = (guardian_id, pupil.id);
                let (name, home) = homes.get(&pair).cloned().unwrap_or_default();
                let by =
                    |event| route(&people, guardian, pupil.id, event, question.configured, day);
                let silence = match school.silent(pupil) {
                    _ if question.policy.nothing_new == Switch::Off => {
                        Silence::Nothing(Why::NoNews)
                    }
                    Err(why @ (Why::Holidays | Why::NotStarted)) => Silence::Nothing(why),
                    _ if matches!(by(Event::Mark), Route::Sheet(_)) => {
                        let of_home = sheets.iter().filter(|(student, whose, _)| {
                            *student == pupil.id
                                && homes
                                    .get(&(*whose, pupil.id))
                                    .is_some_and(|(_, other)| *other == home)
                        });
                        Silence::OnPaper(of_home.map(|(.., state)| state.clone()).collect())
                    }
                    Ok(()) if matches!(by(Event::Service), Route::Electronic { .. }) => {
                        Silence::Message
                    }
                    Ok(()) => Silence::Nothing(Why::NoNews),
                    Err(why) => Silence::Nothing(why),
                };
                let entries = Entries {
                    duties: duties.remove(&pair).unwrap_or_default(),
                    silence,
                };
                lines.push(line(
                    pupil,
                    guardian_id,
                    name,
                    week,
                    cell(&entries, &measure),
                ));
            }
        }
        lines.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(lines)
    }

    /// The duties of a week, by guardian and student.
    async fn duties(&mut self, week: Week) -> Result<BTreeMap<(i64, i64), Vec<Duty>>, StoreError> {
        let of_week =
            format!("SELECT id FROM notice WHERE week = '{week}' AND guardian_id IS NOT NULL");
        let mut noted = self.noted(&of_week).await?;
        // What a merged notice was merged into may belong to another week, and be merged itself.
        loop {
            let targets: BTreeSet<i64> = noted
                .values()
                .filter_map(|one| one.merged_into)
                .filter(|id| !noted.contains_key(id))
                .collect();
            let more = self.noted(&ids(&targets)).await?;
            if more.is_empty() {
                break;
            }
            noted.extend(more);
        }
        let in_week: BTreeSet<i64> = self
            .all(of_week)
            .await?
            .iter()
            .map(|row| int(row, "id"))
            .collect::<Result<_, _>>()?;
        let mut duties: BTreeMap<(i64, i64), Vec<Duty>> = BTreeMap::new();
        for id in &in_week {
            let mut at = noted.get(id);
            // A ring of merged notices is damage; reconcile names it.
            for _ in 0..noted.len() {
                match at.and_then(|one| one.merged_into) {
                    Some(into) => at = noted.get(&into),
                    None => break,
                }
            }
            if let (Some(one), Some(duty)) = (noted.get(id), at.and_then(|one| one.duty.clone())) {
                let pair = (one.guardian_id, one.student_id);
                duties.entry(pair).or_default().push(duty);
            }
        }
        Ok(duties)
    }

    /// The notices that `which`, the inside of `IN (…)`, names, with all that carries them.
    async fn noted(&mut self, which: &str) -> Result<BTreeMap<i64, Noted>, StoreError> {
        let mut noted = BTreeMap::new();
        let sql = format!(
            "SELECT id, guardian_id, student_id, state, waits_for, reason, merged_into FROM notice \
             WHERE id IN ({which}) AND student_id IS NOT NULL AND guardian_id IS NOT NULL"
        );
        for row in &self.all(sql).await? {
            let one = Noted {
                guardian_id: int(row, "guardian_id")?,
                student_id: int(row, "student_id")?,
                duty: duty(row)?,
                merged_into: some_int(row, "merged_into")?,
            };
            noted.insert(int(row, "id")?, one);
        }
        // A second sheet for the same family and week says what the first one said.
        let living = "m.state IN ('ready', 'sending', 'in_doubt', 'accepted', 'no_receipt', \
                      'undelivered', 'delivered')";
        let sql = format!(
            "SELECT c.notice_id, m.channel, COALESCE(s.state, m.state) AS state FROM message_notice c \
             JOIN message m ON m.id = c.message_id LEFT JOIN sheet s ON s.message_id = m.id \
             WHERE c.notice_id IN ({which}) AND {living} \
             UNION ALL SELECT c.notice_id, 'paper', d.state FROM message_notice c \
             JOIN sheet s ON s.message_id = c.message_id \
             JOIN sheet d ON d.id > s.id AND d.duplicate_of = COALESCE(s.duplicate_of, s.id) \
             WHERE c.notice_id IN ({which}) AND d.state <> 'spoiled'"
        );
        for row in &self.all(sql).await? {
            let Some(channel) = channel(&text(row, "channel")?) else {
                continue;
            };
            let carrier = Carrier {
                channel,
                state: text(row, "state")?,
            };
            let one = noted.get_mut(&int(row, "notice_id")?);
            if let Some(duty) = one.and_then(|one| one.duty.as_mut()) {
                duty.carriers.push(carrier);
            }
        }
        let sql = format!(
            "SELECT a.notice_id, a.kind FROM acknowledgement a JOIN notice n ON n.id = a.notice_id \
             WHERE a.notice_id IN ({which}) AND (a.guardian_id IS NULL OR a.guardian_id = n.guardian_id)"
        );
        for row in &self.all(sql).await? {
            let proves = match text(row, "kind")?.as_str() {
                "slip" => Evidence::E4,
                _ => Evidence::E3,
            };
            let one = noted.get_mut(&int(row, "notice_id")?);
            if let Some(duty) = one.and_then(|one| one.duty.as_mut()) {
                duty.acknowledged = duty.acknowledged.max(Some(proves));
            }
        }
        Ok(noted)
    }

    /// The sheets of a week that were printed: student, guardian and state.
    async fn sheets_of(
        &mut self,
        week: Week,
        last: Week,
    ) -> Result<Vec<(i64, i64, String)>, StoreError> {
        let sql = format!(
            "SELECT student_id, guardian_id, state FROM sheet WHERE week BETWEEN '{week}' AND '{last}' \
             AND state NOT IN ('ready', 'in_run', 'spoiled')"
        );
        let rows = self.all(sql).await?;
        rows.iter()
            .map(|row| {
                let whose = (int(row, "student_id")?, int(row, "guardian_id")?);
                Ok((whose.0, whose.1, text(row, "state")?))
            })
            .collect()
    }
}

fn channel(code: &str) -> Option<Channel> {
    match code {
        "paper" => Some(Channel::Paper),
        code => Channel::from_code(code),
    }
}

/// None for what is closed or merged, and so is no duty of its own.
fn duty(row: &AnyRow) -> Result<Option<Duty>, StoreError> {
    let waits_for = some_text(row, "waits_for")?;
    let stage = match (text(row, "state")?.as_str(), waits_for.as_deref()) {
        ("settling", _) => Stage::Settling,
        ("waiting", Some("sheet")) => Stage::Sheet,
        ("waiting", _) => Stage::Window,
        ("in_message", _) => Stage::InMessage,
        ("informed", _) => Stage::Informed,
        ("told_by_paper", _) => Stage::ToldByPaper,
        ("red", _) => Stage::Red,
        ("held", _) => Stage::Held,
        _ => return Ok(None),
    };
    Ok(Some(Duty {
        stage,
        why_paper: some_text(row, "reason")?,
        carriers: Vec::new(),
        acknowledged: None,
    }))
}

fn line(
    pupil: &Pupil,
    guardian_id: i64,
    guardian: String,
    week: Week,
    cell: crate::ledger::Cell,
) -> Line {
    Line {
        student_id: pupil.id,
        student: pupil.name.clone(),
        guardian_id,
        guardian,
        class: pupil.class.as_ref().map(|(_, name)| name.clone()),
        week,
        cell,
    }
}

/// Classes by grade and letter, and within them people by name.
fn key(line: &Line) -> (Option<(u8, &str)>, &str, i64, &str, i64) {
    let class = line
        .class
        .as_ref()
        .map(|one| (one.grade, one.letter.as_str()));
    (
        class,
        &line.student,
        line.student_id,
        &line.guardian,
        line.guardian_id,
    )
}
