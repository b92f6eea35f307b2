//! The press: makes the sheets of a class and week, and lays them into a folder.
//!
//! What is printed is fixed in one transaction, then set by a child process, then laid into the folder
//! under its run's name, and only then told. A crash at any step leaves a run that is printed again
//! as it was, into the same file.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rand::Rng;
use serde_json::Value;
use vestnik_sheet::{Batch, Child, Pdf, RenderError};

use super::{
    content::{self, ClassWeek, Household, OnSheet, StudentWeek},
    handout::{Deed, Stand},
    register,
};
use crate::{
    compose::{Due, Names, item, shared},
    config::Config,
    engine::reference,
    family::{
        People,
        contact::Channel,
        preference::Event,
        rights,
        route::{Route, WhyPaper, route},
    },
    instant::{MINUTE, Millis},
    journal::{cell::Known, class_name::ClassName},
    plan::WhyNone,
    policy::{Certified, Paper},
    store::{NewSheet, Store, StoreError, Tx},
    text::{Frame, Language, TemplateError, Templates},
    week::Week,
    zone,
};

/// How often a run is composed anew because a notice went elsewhere meanwhile.
const TRIES: usize = 5;

/// A run that has printed for this long has lost its process: no class takes a tenth of it.
pub const STALE: Millis = 20 * MINUTE;

/// What sheets are made with.
#[derive(Clone)]
pub struct Press {
    /// The journal.
    pub store: Store,
    /// The words of corrections.
    pub templates: Templates,
    /// Sets pages in a process of its own.
    pub child: Child,
    /// The layout.
    pub layout: String,
    /// The school's zone.
    pub zone: Tz,
    /// The channels that families may hear by instead.
    pub configured: Vec<Channel>,
    /// How often families on paper get a sheet.
    pub rhythm: Paper,
    /// What is signed and sealed.
    pub certified: Certified,
    /// Whether the printer prints on both sides.
    pub duplex: bool,
    /// Whether a printer prints what lies in the folder: only then is it told.
    pub queued: bool,
    /// The time of the calendar that its runs serve; none for those that a person asks for.
    pub due: Option<Millis>,
}

/// Sheets that lie in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The file.
    pub file: PathBuf,
    /// How many families it is for.
    pub sheets: usize,
    /// How many pages it has.
    pub pages: usize,
}

/// Why sheets were not made. Nothing was told by them.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A school's own words failed on real content.
    #[error(transparent)]
    Words(#[from] TemplateError),
    /// The pages could not be set.
    #[error("templates/sheets/week.typ: {0}")]
    Render(#[from] RenderError),
    /// The folder does not take the file.
    #[error("{folder} does not take the sheets: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// Notices kept going elsewhere.
    #[error("the notices of this class were being sent all the time: try again in a minute")]
    Busy,
    /// Its slip is back: the family had the sheet.
    #[error("its signed slip is back, so that the family had it: another one would hide the proof")]
    Signed,
    /// What was fixed for printing cannot be read.
    #[error("the stored content of a print run cannot be read: {0}")]
    Stored(serde_json::Error),
}

/// A class's sheets need a tenth of it.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// The hidden command by which this program is the child.
pub const CHILD: &str = "sheet-child";

/// The layout of the weekly sheet: the school's own, or the one that comes with the program.
///
/// # Errors
/// The key, and why its file cannot be read.
pub fn layout(config: &Config) -> anyhow::Result<String> {
    match &config.sheet {
        None => Ok(vestnik_sheet::WEEK.to_owned()),
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("templates.sheet: {} cannot be read", path.display())),
    }
}

/// This program as the child that sets pages.
///
/// # Errors
/// Where the program does not know its own path.
pub fn child(config: &Config) -> anyhow::Result<Child> {
    Ok(Child {
        program: std::env::current_exe().context("the program does not know its own path")?,
        args: vec![CHILD.into()],
        timeout: config.print.timeout,
        memory: MEMORY,
    })
}

/// A run that has begun: what it prints is fixed, and nothing is told yet.
pub struct Begun {
    /// `print_run.id`
    pub run: i64,
    /// What it prints.
    pub batch: Batch,
    /// The name of its file, the same whenever it is printed again.
    pub file: String,
}

impl Press {
    /// A press as it is configured.
    ///
    /// # Errors
    /// As [`layout`] and [`child`].
    pub fn new(
        config: &Config,
        store: Store,
        templates: Templates,
        zone: Tz,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            store,
            templates,
            child: child(config)?,
            layout: layout(config)?,
            zone,
            configured: config.channels(),
            rhythm: config.regulation.policy.paper,
            certified: config.regulation.policy.certified,
            duplex: config.print.duplex,
            queued: false,
            due: None,
        })
    }

    /// Prints the sheets of a class and week into `folder`. None where no family of the class needs
    /// paper, and in a week of holidays, when no student could carry a sheet home.
    ///
    /// # Errors
    /// [`PaperError`]; then the notices wait for the next run.
    pub async fn print(
        &self,
        class: (i64, &ClassName),
        week: Week,
        folder: &Path,
        now: Millis,
        random: &mut impl Rng,
    ) -> Result<Option<Printed>, PaperError> {
        let Some(begun) = self.begin(class, week, now, random).await? else {
            return Ok(None);
        };
        self.make(begun, folder, now).await.map(Some)
    }

    /// Prints again what a process began that is gone. Returns how many runs came out.
    ///
    /// # Errors
    /// [`PaperError`] of the first that did not.
    pub async fn resume(&self, folder: &Path, now: Millis) -> Result<usize, PaperError> {
        let runs = self.broken_off(now).await?;
        let count = runs.len();
        for begun in runs {
            self.make(begun, folder, now).await?;
        }
        Ok(count)
    }

    /// The runs that lost their process while they printed.
    ///
    /// # Errors
    /// [`PaperError`] where the database fails or holds what cannot be read.
    pub async fn broken_off(&self, now: Millis) -> Result<Vec<Begun>, PaperError> {
        let runs = self.store.open_runs(now - STALE).await?;
        runs.into_iter()
            .map(|open| {
                Ok(Begun {
                    run: open.id,
                    batch: serde_json::from_value(open.data).map_err(PaperError::Stored)?,
                    file: file_name(&open.week, &open.class, open.id),
                })
            })
            .collect()
    }

    async fn make(&self, begun: Begun, folder: &Path, now: Millis) -> Result<Printed, PaperError> {
        let file = folder.join(&begun.file);
        let made = match self.child.render(&begun.batch, &self.layout).await {
            Ok(pdf) => lay(&file, &pdf).map(|()| pdf.pages),
            Err(error) => Err(error.into()),
        };
        let why = made.as_ref().map(|_| ()).map_err(ToString::to_string);
        self.finish(&begun, &file, why, now).await?;
        Ok(Printed {
            file,
            sheets: begun.batch.sheets.len(),
            pages: made?,
        })
    }

    /// Writes down that the file of a run lies in its folder, or why it does not. Only now are its
    /// notices told.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn finish(
        &self,
        begun: &Begun,
        file: &Path,
        made: Result<(), String>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.transaction().await?;
        match made {
            Ok(()) if self.queued => {
                tx.lay_run(begun.run, &file.display().to_string()).await?;
            }
            Ok(()) => {
                tx.finish_run(begun.run, &file.display().to_string(), now)
                    .await?;
            }
            Err(why) => tx.fail_run(begun.run, &why, now).await?,
        }
        tx.commit().await
    }

    /// Fixes what is printed. None where nobody needs paper.
    ///
    /// # Errors
    /// [`PaperError`]; then nothing was begun.
    pub async fn begin(
        &self,
        (class_id, name): (i64, &ClassName),
        week: Week,
        now: Millis,
        random: &mut impl Rng,
    ) -> Result<Option<Begun>, PaperError> {
        let today = zone::local(now, self.zone).date();
        for _ in 0..TRIES {
            let mut tx = self.store.transaction().await?;
            if tx.classes_in_holidays(week).await?.contains(&class_id) {
                return Ok(None);
            }
            // What the class's last sheets did not speak of yet.
            let last = tx.printed_before(class_id, week).await?;
            let first = last.map_or(week, |last| last.later(1));
            let from = first.max(Week::of(
                week.monday() - Days::new(7 * (self.rhythm.weeks() - 1)),
            ));
            let weeks = (from, week);
            let Some((class, students)) = tx.class_week(class_id, weeks, today, now).await? else {
                return Ok(None);
            };
            let (mut sheets, mut batch) = self
                .sheets(&mut tx, &class, &students, today, now, random)
                .await?;
            if sheets.is_empty() {
                tx.commit().await?;
                return Ok(None);
            }
            let known = tx.register_rows(class_id, week).await?;
            register::number(&mut sheets, &mut batch.register, known);
            let data: Value = serde_json::to_value(&batch).map_err(PaperError::Stored)?;
            // Where a daemon took a notice meanwhile, the transaction is dropped with all it wrote.
            match tx.begin_run(class_id, week, &sheets, &data, now).await {
                Ok(Some(run)) => {
                    tx.run_serves(run, self.due).await?;
                    tx.commit().await?;
                    let file = file_name(&week.to_string(), &name.plain(), run);
                    return Ok(Some(Begun { run, batch, file }));
                }
                Ok(None) => {}
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PaperError::Busy)
    }

    /// Prints a sheet once more, as it was, marked as a duplicate; one that was to be handed out counts as spoiled.
    /// None where no sheet has this code.
    ///
    /// # Errors
    /// [`PaperError`]; then nothing was told.
    pub async fn reprint(
        &self,
        code: &str,
        folder: &Path,
        now: Millis,
        random: &mut impl Rng,
    ) -> Result<Option<Printed>, PaperError> {
        let mut tx = self.store.transaction().await?;
        let Some(old) = tx.reprint(code).await? else {
            return Ok(None);
        };
        if old.entry.stand == Stand::SlipBack {
            return Err(PaperError::Signed);
        }
        if old.entry.stand == Stand::Printed {
            let spoiled = Deed::Spoil("печатается дубликат".to_owned());
            // A printed sheet may be spoiled.
            let _ = tx.say_of_sheet(old.entry.id, &spoiled, None, now).await?;
        }
        let mut batch: Batch = serde_json::from_value(old.data).map_err(PaperError::Stored)?;
        batch.sheets.retain(|sheet| sheet.code == code);
        batch.register.clear();
        for sheet in &mut batch.sheets {
            sheet.duplicate = true;
        }
        let data: Value = serde_json::to_value(&batch).map_err(PaperError::Stored)?;
        let entry = old.entry;
        let variant = match entry.variant.as_deref() {
            Some("large") => Some("large"),
            Some(_) => Some("plain"),
            None => None,
        };
        let sheet = NewSheet {
            reference: reference(random),
            guardian_id: entry.guardian_id,
            student_id: entry.student_id,
            number: u32::try_from(entry.number).unwrap_or_default(),
            code: entry.code.clone(),
            text: old.text,
            reason: None,
            variant,
            row: i64::try_from(entry.row).unwrap_or_default(),
            notices: Vec::new(),
        };
        let (class_id, name) = &entry.class;
        let run = tx
            .begin_run(*class_id, entry.week, &[sheet], &data, now)
            .await?;
        let Some(run) = run else {
            return Err(PaperError::Busy);
        };
        tx.commit().await?;
        let file = file_name(&entry.week.to_string(), &name.plain(), run);
        let begun = Begun { run, batch, file };
        self.make(begun, folder, now).await.map(Some)
    }

    async fn sheets(
        &self,
        tx: &mut Tx,
        class: &ClassWeek,
        students: &[StudentWeek],
        today: NaiveDate,
        now: Millis,
        random: &mut impl Rng,
    ) -> Result<(Vec<NewSheet>, Batch), PaperError> {
        let ids: Vec<i64> = students.iter().map(|student| student.id).collect();
        let people = tx.people(&ids, today).await?;
        let homes = tx.homes(&ids).await?;
        let due = tx.due_on_paper(&ids, today, now).await?;
        let facts = due.iter().map(|one| one.fact).collect();
        let names = tx.names(&facts, today).await?;
        let mut sheets = Vec::new();
        let mut batch = Batch {
            school: class.school.name.clone(),
            phone: class.school.phone.clone(),
            class: class.class.clone(),
            class_teacher: class.class_teacher.clone(),
            week: class
                .week
                .label_from(class.from, on_saturday(class, students)),
            certified: (self.certified == Certified::All)
                .then(|| class.director.clone().unwrap_or_default()),
            several: class.from < class.week,
            duplex: self.duplex,
            register: Vec::new(),
            extract: None,
            sheets: Vec::new(),
        };
        for student in students {
            let of_student = |one: &&Due| one.fact.student_id == student.id;
            let due: Vec<&Due> = due.iter().filter(of_student).collect();
            for household in self.households(&people, &homes, student.id, &due, today) {
                let theirs = household
                    .guardians
                    .iter()
                    .map(|(id, _)| *id)
                    .collect::<Vec<_>>();
                let mut told = Vec::new();
                for one in due.iter().filter(|one| theirs.contains(&one.guardian_id)) {
                    match pointless(one, &names, today) {
                        Some(why) => tx.close_notice(one.notice_id, why.code(), now).await?,
                        None => told.push(*one),
                    }
                }
                let news = told_items(&told, &names, today);
                let mut page = content::sheet(class, student, &household, &news, &self.templates)?;
                let answers = tx.answers_on_paper(student.id, &theirs, now).await?;
                page.note = (!answers.is_empty()).then(|| answers.join(" "));
                sheets.push(NewSheet {
                    reference: reference(random),
                    guardian_id: theirs.first().copied().unwrap_or_default(),
                    student_id: student.id,
                    number: page.number,
                    code: page.code.clone(),
                    text: content::plain(&page),
                    reason: household.why.map(WhyPaper::code),
                    variant: match (household.large, household.plain) {
                        (true, _) => Some("large"),
                        (false, true) => Some("plain"),
                        (false, false) => None,
                    },
                    row: 0,
                    notices: told
                        .iter()
                        .map(|one| (one.notice_id, one.content.cell()))
                        .collect(),
                });
                batch.register.push(register::row(&page, &household));
                batch.sheets.push(page);
            }
        }
        Ok((sheets, batch))
    }

    /// The households of a student that hear on paper: who lives together gets one sheet.
    fn households(
        &self,
        people: &People,
        homes: &BTreeMap<(i64, i64), (String, Option<String>)>,
        student_id: i64,
        due: &[&Due],
        today: NaiveDate,
    ) -> Vec<Household> {
        let mut households: BTreeMap<Option<String>, Household> = BTreeMap::new();
        for id in rights::hearers(people, student_id, today) {
            let Some(guardian) = people.guardian(id) else {
                continue;
            };
            let road = route(
                people,
                guardian,
                student_id,
                Event::Mark,
                &self.configured,
                today,
            );
            let why = match road {
                Route::Sheet(why) => Some(why),
                Route::Electronic { .. } if due.iter().any(|one| one.guardian_id == id) => None,
                Route::Electronic { .. } => continue,
            };
            let (name, home) = homes.get(&(id, student_id)).cloned().unwrap_or_default();
            let household = households.entry(home).or_insert(Household {
                guardians: Vec::new(),
                why,
                language: guardian.language,
                frame: guardian.frame,
                large: false,
                plain: false,
            });
            if household.language != guardian.language {
                household.language = Language::Russian;
            }
            if household.frame != guardian.frame {
                household.frame = Frame::default();
            }
            household.large |= guardian.large_print;
            household.plain |= guardian.plain;
            household.guardians.push((id, name));
        }
        households.into_values().collect()
    }
}

/// Why a notice need not be printed any more.
fn pointless(due: &Due, names: &Names, today: NaiveDate) -> Option<WhyNone> {
    let news = due.news();
    let event = Event::of_all(due.fact.place, due.content.urgent, &news);
    // What was to be done by today is done, or not; the sheet looks ahead.
    let day = names.about.get(&due.fact).and_then(|about| about.date);
    let past = event == Some(Event::Homework) && day.is_some_and(|day| day <= today);
    match (event, &due.basis) {
        (None, Known::Untold(_)) => Some(WhyNone::WithdrawnBeforeTold),
        (None, Known::Told(_)) => Some(WhyNone::EqualAgain),
        _ if due.content.over || past => Some(WhyNone::Over),
        _ => None,
    }
}

fn told_items(told: &[&Due], names: &Names, today: NaiveDate) -> Vec<OnSheet> {
    let mut items = Vec::new();
    for (fact, due) in shared(told.iter().copied()) {
        for news in due.news() {
            items.push(OnSheet {
                item: item(fact, &due.content, news, names, Channel::Paper, today),
                earlier: due.told_in.as_ref().and_then(|earlier| earlier.sheet),
            });
        }
    }
    items.sort_by_cached_key(|one| {
        let item = &one.item;
        (!item.leads(), item.date, item.event, item.subject.clone())
    });
    items
}

/// Whether something happened on the week's Saturday.
fn on_saturday(class: &ClassWeek, students: &[StudentWeek]) -> bool {
    let saturday = class.week.sunday().pred_opt();
    let lessons = class.lessons.iter().map(|lesson| lesson.date);
    let marks = students
        .iter()
        .flat_map(|one| one.marks.iter().map(|mark| mark.date));
    lessons.chain(marks).any(|day| Some(day) == saturday)
}

/// `2026-W42_5А_r17.pdf`: a run's file is the same whenever it is printed again.
fn file_name(week: &str, class: &str, run: i64) -> String {
    format!("{week}_{class}_r{run}.pdf")
}

/// Lays a file into the folder: whole, or not at all. The group may read it, for a print server.
fn lay(file: &Path, pdf: &Pdf) -> Result<(), PaperError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let failed = |source| PaperError::Folder {
        folder: folder.display().to_string(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut part = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    part.write_all(&pdf.bytes).map_err(failed)?;
    part.as_file().sync_all().map_err(failed)?;
    part.as_file()
        .set_permissions(Permissions::from_mode(0o640))
        .map_err(failed)?;
    part.persist(file).map_err(|error| failed(error.error))?;
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}
