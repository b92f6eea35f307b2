//! `route`: how each guardian of a student would hear of an event, or why not, on one screen.

mod words;

use anyhow::Result;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use serde::Serialize;

use super::{Failure, show::only};
use crate::{
    clock::Clock,
    config::Config,
    family::{
        People,
        contact::Channel,
        preference::{Event, Timing},
        road::{Road, roads},
    },
    instant::Millis,
    quiet::Quiet,
    schedule,
    store::{ConsentRow, Store, Tie},
    zone,
};
use words::{Language, tell};

use crate::text::Language as TextLanguage;

/// What is asked.
pub(super) struct Question<'a> {
    /// An id, a source key, or «Фамилия Имя».
    pub(super) student: &'a str,
    /// A code of `preference.event`.
    pub(super) event: &'a str,
    /// `ru` or `en`; the school's own without it.
    pub(super) language: Option<&'a str>,
    /// For a program.
    pub(super) json: bool,
}

/// All that the answer is made of.
struct Picture<'a> {
    student_id: i64,
    event: Event,
    people: &'a People,
    /// Who answers for the student, in the order of priority.
    ties: &'a [Tie],
    /// The student's rows of the register.
    register: &'a [ConsentRow],
    /// The channels that the school has.
    configured: &'a [Channel],
    config: &'a Config,
    zone: Tz,
    now: Millis,
}

impl Picture<'_> {
    fn local(&self) -> NaiveDateTime {
        zone::local(self.now, self.zone)
    }

    /// The next time of a schedule, by the school's clock.
    fn next(&self, line: &cron::Schedule) -> Option<NaiveDateTime> {
        schedule::next(line, self.zone, self.now).map(|at| zone::local(at, self.zone))
    }

    /// When something that is entered now would be told, by the school's clock; the quiet hours are the
    /// guardian's.
    fn told_at(&self, timing: Timing, quiet: Quiet, urgent: bool) -> Option<NaiveDateTime> {
        match timing {
            Timing::AtOnce => {
                let settled = zone::local(
                    self.now + self.config.regulation.policy.settling.0,
                    self.zone,
                );
                Some(if urgent {
                    settled
                } else {
                    quiet.over_at(settled)
                })
            }
            Timing::Daily => self.next(&self.config.daily),
            Timing::Weekly => self.next(&self.config.weekly),
            Timing::Never => None,
        }
    }
}

/// One line of `route --json`.
#[derive(Debug, Serialize)]
struct Line {
    guardian_id: i64,
    guardian: String,
    student_id: i64,
    student: String,
    hears: bool,
    channel: Option<&'static str>,
    when: Option<String>,
    why: String,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    question: &Question<'_>,
) -> Result<(), Failure> {
    let known = Event::ALL.iter().map(|event| event.code());
    let event = Event::from_code(question.event).ok_or_else(|| {
        let known: Vec<_> = known.collect();
        Failure::Usage(format!(
            "«{}» is no event: write one of {}",
            question.event,
            known.join(", ")
        ))
    })?;
    let language = match question.language {
        Some(code) => Language::from_code(code).ok_or_else(|| {
            Failure::Usage(format!("--language: «{code}» is not known; write ru or en"))
        })?,
        None => Language::from_code(&store.language().await?).unwrap_or(Language::Russian),
    };
    let student = only(
        "student",
        question.student,
        store.find_students(question.student).await?,
    )?;
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    let people = store.people(&[student.id], today).await?;
    let ties = store.ties(Some(student.id)).await?;
    let register = store.consents(Some(student.id)).await?;
    let configured = config.channels();
    let picture = Picture {
        student_id: student.id,
        event,
        people: &people,
        ties: &ties,
        register: &register,
        configured: &configured,
        config,
        zone,
        now,
    };
    if question.json {
        let roads = roads(&people, student.id, event, &configured, today);
        let lines: Vec<Line> = roads
            .into_iter()
            .map(|road| line(road, &student.name, &picture))
            .collect();
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        let class = ties.first().and_then(|tie| tie.class.as_ref());
        let name = match class {
            Some(class) => format!("{}, {}", student.name, class.plain()),
            None => student.name,
        };
        for line in tell(&picture, &name, language) {
            println!("{line}");
        }
    }
    Ok(())
}

/// Who would hear of an event about a student, by what, when and why: sentences in this language.
///
/// # Errors
/// What the database says.
pub(crate) async fn told_of(
    store: &Store,
    config: &Config,
    (student_id, name): (i64, &str),
    event: Event,
    (zone, now): (Tz, Millis),
    language: TextLanguage,
) -> Result<Vec<String>> {
    let today = zone::local(now, zone).date();
    let people = store.people(&[student_id], today).await?;
    let ties = store.ties(Some(student_id)).await?;
    let register = store.consents(Some(student_id)).await?;
    let configured = config.channels();
    let picture = Picture {
        student_id,
        event,
        people: &people,
        ties: &ties,
        register: &register,
        configured: &configured,
        config,
        zone,
        now,
    };
    let language = Language::from_code(language.code()).unwrap_or(Language::Russian);
    Ok(tell(&picture, name, language))
}

fn line(road: Road, student: &str, picture: &Picture<'_>) -> Line {
    let tie = picture
        .ties
        .iter()
        .find(|tie| tie.guardian_id == road.guardian_id);
    Line {
        guardian_id: road.guardian_id,
        guardian: tie.map_or_else(String::new, |tie| words::name(&tie.guardian)),
        student_id: picture.student_id,
        student: student.to_owned(),
        hears: road.hears,
        channel: road.channel.map(Channel::code),
        when: match (road.channel, road.timing) {
            (Some(_), Some(timing)) => {
                Some(when(picture.config, timing, picture.zone, picture.now))
            }
            (Some(_), None) => Some("with the weekly sheet".into()),
            (None, _) => None,
        },
        why: road.why,
    }
}

fn when(config: &Config, timing: Timing, zone: Tz, now: Millis) -> String {
    let run = |line| {
        schedule::next(line, zone, now).map_or_else(String::new, |at| {
            format!(", next {}", zone::local(at, zone).format("%d.%m.%Y %H:%M"))
        })
    };
    match timing {
        Timing::AtOnce => {
            let settling = config.regulation.policy.settling;
            match config.regulation.policy.quiet {
                Quiet::Off => format!("{settling} after the journal changed"),
                quiet @ Quiet::Between(..) => {
                    format!("{settling} after the journal changed, but not {quiet}")
                }
            }
        }
        Timing::Daily => format!("with the day's digest{}", run(&config.daily)),
        Timing::Weekly => format!("with the week's digest{}", run(&config.weekly)),
        Timing::Never => "never".into(),
    }
}
