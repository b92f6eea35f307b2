//! Reads the snapshot of people that decides who hears.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::{AnyConnection, AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    rows::{ids, int, some_int, some_parsed, some_text, text},
};
use crate::{
    family::{
        Guardian, People,
        consent::{Consent, ConsentState, Purpose},
        contact::{self, Channel, Contact, Health},
        preference::{Event, Preference, Preset, Timing},
        rights::{Guardianship, Returned, Rights},
        service::{Ground, OnPaper},
    },
    text::{Frame, Language},
};

impl Store {
    /// The languages that guardians asked for, each with how many did.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn languages(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT language, COUNT(*) AS n FROM guardian WHERE language IS NOT NULL \
             GROUP BY language ORDER BY language",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((text(row, "language")?, int(row, "n")?)))
            .collect()
    }

    /// Everybody who answers for these students, as the engine sees them.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn people(&self, students: &[i64], today: NaiveDate) -> Result<People, StoreError> {
        let mut db = self.pool.acquire().await?;
        people(&mut db, students, today).await
    }

    /// The names of guardians by their ids: «Соколова Ольга».
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn guardian_names(
        &self,
        guardians: impl IntoIterator<Item = &i64>,
    ) -> Result<BTreeMap<i64, String>, StoreError> {
        let mut db = self.pool.acquire().await?;
        let sql = "SELECT id, surname, given_name FROM guardian WHERE id IN ({})";
        let rows = rows(&mut db, sql, &ids(guardians)).await?;
        rows.iter()
            .map(|row| {
                let name = format!("{} {}", text(row, "surname")?, text(row, "given_name")?);
                Ok((int(row, "id")?, name))
            })
            .collect()
    }
}

/// Everybody who answers for these students, and everybody else who owns one of their addresses.
pub(super) async fn people(
    db: &mut AnyConnection,
    students: &[i64],
    today: NaiveDate,
) -> Result<People, StoreError> {
    let mut people = People::default();
    let ties = rows(
        db,
        "SELECT guardian_id, student_id, rights, restricted_from, restricted_to FROM guardianship \
         WHERE student_id IN ({})",
        &ids(students),
    )
    .await?;
    for row in &ties {
        people.guardianships.push(guardianship(row)?);
    }
    let mut owners: BTreeSet<i64> = people
        .guardianships
        .iter()
        .map(|tie| tie.guardian_id)
        .collect();

    // An address is the same in whatever way it was typed, so that sharing is found in the
    // comparable form and not by the database.
    let mut contacts = Vec::new();
    for row in &rows(
        db,
        "SELECT id, guardian_id, channel, address, rank, health, health_reason FROM contact \
         WHERE guardian_id IS NOT NULL AND ended_at IS NULL AND channel IN ({}) ORDER BY id",
        "'sms','email','telegram'",
    )
    .await?
    {
        contacts.extend(contact(row)?);
    }
    let addresses: BTreeSet<(Channel, String)> = contacts
        .iter()
        .filter(|contact| owners.contains(&contact.guardian_id))
        .map(|contact| (contact.channel, contact.address.clone()))
        .collect();
    contacts.retain(|contact| addresses.contains(&(contact.channel, contact.address.clone())));
    owners.extend(contacts.iter().map(|contact| contact.guardian_id));
    people.contacts = contacts;

    let owners = ids(&owners);
    for row in &rows(
        db,
        "SELECT id, preset, quiet, paused_to, language, large_print, plain FROM guardian WHERE id IN ({}) ORDER BY id",
        &owners,
    )
    .await?
    {
        people.guardians.push(guardian(row)?);
    }
    let of_owners = format!(
        "guardian_id IN ({owners}) AND student_id IN ({})",
        ids(students)
    );
    for row in &rows(
        db,
        "SELECT id, guardian_id, student_id, purpose, state FROM consent WHERE {} ORDER BY id",
        &of_owners,
    )
    .await?
    {
        people.consents.extend(consent(row)?);
    }
    for row in &rows(
        db,
        "SELECT guardian_id, event, channel, timing FROM preference WHERE guardian_id IN ({})",
        &owners,
    )
    .await?
    {
        people.preferences.extend(preference(row)?);
    }
    people.on_paper = on_paper(db, &of_owners, today).await?;
    answers(db, &mut people, students).await?;
    Ok(people)
}

/// The newest mode of each pair that holds today, where it is paper.
pub(super) async fn on_paper(
    db: &mut AnyConnection,
    of_owners: &str,
    today: NaiveDate,
) -> Result<Vec<OnPaper>, StoreError> {
    let mut modes = BTreeMap::new();
    for row in &rows(
        db,
        "SELECT guardian_id, student_id, mode, ground, statement, from_on, to_on \
         FROM service_mode WHERE {} ORDER BY id",
        of_owners,
    )
    .await?
    {
        let from_on: Option<NaiveDate> = some_parsed(row, "from_on")?;
        let to: Option<NaiveDate> = some_parsed(row, "to_on")?;
        if from_on.is_some_and(|from| from > today) || to.is_some_and(|to| to < today) {
            continue;
        }
        let (guardian_id, student_id) = (int(row, "guardian_id")?, int(row, "student_id")?);
        let ground = some_text(row, "ground")?;
        let agreed = OnPaper {
            guardian_id,
            student_id,
            ground: ground
                .and_then(|code| Ground::from_code(&code))
                .unwrap_or(Ground::Chosen),
            statement: some_text(row, "statement")?,
            from_on,
        };
        let paper = text(row, "mode")? == "paper";
        modes.insert((guardian_id, student_id), paper.then_some(agreed));
    }
    Ok(modes.into_values().flatten().collect())
}

/// What staff has answered about the rights of these people (`src/store/questions.rs` asks).
async fn answers(
    db: &mut AnyConnection,
    people: &mut People,
    students: &[i64],
) -> Result<(), StoreError> {
    let list = ids(students);
    for row in &rows(
        db,
        "SELECT t.guardian_id, t.student_id, t.restricted_to FROM guardianship t JOIN hold h \
         ON h.burst = 'guardianship:' || CAST(t.id AS TEXT) || ':' || t.restricted_to \
         WHERE h.kind = 'restriction_over' AND h.decision = 'release' AND t.student_id IN ({})",
        &list,
    )
    .await?
    {
        people
            .returned
            .extend(match some_parsed(row, "restricted_to")? {
                Some(restricted_to) => Some(Returned {
                    guardian_id: int(row, "guardian_id")?,
                    student_id: int(row, "student_id")?,
                    restricted_to,
                }),
                None => None,
            });
    }
    for row in &rows(
        db,
        "SELECT t.guardian_id, t.student_id FROM guardianship t JOIN hold h \
         ON h.burst = 'student:' || CAST(t.student_id AS TEXT) JOIN guardian g ON g.id = t.guardian_id \
         WHERE h.kind = 'of_age' AND h.decision = 'drop' AND t.relation <> 'self' \
         AND (g.student_id IS NULL OR g.student_id <> t.student_id) AND t.student_id IN ({})",
        &list,
    )
    .await?
    {
        people
            .of_age
            .push((int(row, "guardian_id")?, int(row, "student_id")?));
    }
    Ok(())
}

async fn rows(db: &mut AnyConnection, sql: &str, list: &str) -> Result<Vec<AnyRow>, StoreError> {
    let sql = sql.replace("{}", list);
    Ok(sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(db)
        .await?)
}

fn guardian(row: &AnyRow) -> Result<Guardian, StoreError> {
    let language = some_text(row, "language")?.unwrap_or_default();
    Ok(Guardian {
        id: int(row, "id")?,
        preset: some_text(row, "preset")?
            .as_deref()
            .and_then(Preset::from_code),
        quiet: some_text(row, "quiet")?.and_then(|quiet| quiet.parse().ok()),
        language: Language::from_code(&language).unwrap_or_default(),
        frame: Frame::from_code(&language),
        large_print: int(row, "large_print")? == 1,
        plain: int(row, "plain")? == 1,
        paused_to: some_parsed(row, "paused_to")?,
    })
}

fn guardianship(row: &AnyRow) -> Result<Guardianship, StoreError> {
    Ok(Guardianship {
        guardian_id: int(row, "guardian_id")?,
        student_id: int(row, "student_id")?,
        rights: match text(row, "rights")?.as_str() {
            "full" => Rights::Full,
            "informed_only" => Rights::InformedOnly,
            // A word that this version does not know opens nothing.
            _ => Rights::Deprived,
        },
        restricted_from: some_parsed(row, "restricted_from")?,
        restricted_to: some_parsed(row, "restricted_to")?,
    })
}

/// None for a channel that this version does not speak.
fn contact(row: &AnyRow) -> Result<Option<Contact>, StoreError> {
    let Some(channel) = Channel::from_code(&text(row, "channel")?) else {
        return Ok(None);
    };
    Ok(Some(Contact {
        id: int(row, "id")?,
        guardian_id: some_int(row, "guardian_id")?.unwrap_or_default(),
        channel,
        address: contact::comparable(channel, &text(row, "address")?),
        rank: int(row, "rank")?,
        health: health(row)?,
        ended: false,
    }))
}

/// What `contact.health` and `contact.health_reason` say together.
pub(super) fn health(row: &AnyRow) -> Result<Health, StoreError> {
    let reason = some_text(row, "health_reason")?;
    Ok(match text(row, "health")?.as_str() {
        "ok" => Health::Ok,
        "soft" if reason.as_deref() == Some("silent") => Health::Silent,
        "soft" => Health::Soft,
        "blocked" => Health::Blocked,
        "complained" => Health::Complained,
        _ => Health::Hard,
    })
}

fn consent(row: &AnyRow) -> Result<Option<Consent>, StoreError> {
    let purpose = match text(row, "purpose")?.as_str() {
        "data" => Purpose::Data,
        "sms" => Purpose::Sms,
        "email" => Purpose::Email,
        "messenger" => Purpose::Messenger,
        _ => return Ok(None),
    };
    Ok(Some(Consent {
        id: int(row, "id")?,
        guardian_id: int(row, "guardian_id")?,
        student_id: int(row, "student_id")?,
        purpose,
        state: match text(row, "state")?.as_str() {
            "given" => ConsentState::Given,
            "withdrawn" => ConsentState::Withdrawn,
            _ => ConsentState::Refused,
        },
    }))
}

/// None for a line about an event or a channel that this version does not tell of.
fn preference(row: &AnyRow) -> Result<Option<Preference>, StoreError> {
    let event = text(row, "event")?;
    let known = Event::from_code(&event);
    let (Some(channel), true) = (
        Channel::from_code(&text(row, "channel")?),
        event == "*" || known.is_some(),
    ) else {
        return Ok(None);
    };
    Ok(Some(Preference {
        guardian_id: int(row, "guardian_id")?,
        event: known,
        channel,
        timing: match text(row, "timing")?.as_str() {
            "at_once" => Timing::AtOnce,
            "daily" => Timing::Daily,
            "weekly" => Timing::Weekly,
            _ => Timing::Never,
        },
    }))
}
