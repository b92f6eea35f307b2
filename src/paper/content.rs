//! What a family's sheet says: from the journal's rows and the notices that wait for paper to the
//! content of the page (regulation 001 §3.8).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use vestnik_sheet as sheet;

use crate::{
    family::{consent::ConsentState, preference::Event, route::WhyPaper, service::Ground},
    journal::cell::{DEBT, News},
    text::{Frame, Item, Language, School, TemplateError, Templates, words},
    week::Week,
};

/// All that the sheets of one class and week have in common.
#[derive(Clone)]
pub struct ClassWeek {
    /// Who writes.
    pub school: School,
    /// «5 «А»»
    pub class: String,
    /// The grade; the first has no marks.
    pub grade: i64,
    /// «Иванова Анна Петровна»
    pub class_teacher: Option<String>,
    /// The first week that its sheets speak of.
    pub from: Week,
    /// The last one, which is the only one where paper comes weekly.
    pub week: Week,
    /// The first day of the school year.
    pub year_from: NaiveDate,
    /// «Седова В. П.», who certifies what is printed.
    pub director: Option<String>,
    /// The lessons of the week.
    pub lessons: Vec<Lesson>,
    /// Per subject: its place in the list, and its name.
    pub subjects: BTreeMap<i64, (i64, String)>,
}

impl ClassWeek {
    /// Whether the sheets speak of a day.
    pub fn spans(&self, day: NaiveDate) -> bool {
        self.from.monday() <= day && day <= self.week.sunday()
    }
}

/// A lesson of the week.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// `lesson.id`
    pub id: i64,
    /// `lesson.subject_id`
    pub subject_id: i64,
    /// `lesson.subgroup_id`
    pub subgroup_id: Option<i64>,
    /// The day.
    pub date: NaiveDate,
    /// Its number.
    pub number: Option<i64>,
    /// Whether it was held.
    pub held: bool,
}

/// The week of one student.
#[derive(Clone, Default)]
pub struct StudentWeek {
    /// `student.id`
    pub id: i64,
    /// «Соколова Мария»
    pub name: String,
    /// The number in the class register.
    pub number: Option<i64>,
    /// The subgroups that the student belongs to.
    pub subgroups: BTreeSet<i64>,
    /// The marks from the term's beginning to the week's end.
    pub marks: Vec<Mark>,
    /// The absences and latenesses of the week.
    pub attendance: Vec<Attendance>,
    /// Homework that is due after the sheet is printed.
    pub homework: Vec<Item>,
    /// Tests, meetings and changes of the timetable that lie ahead.
    pub ahead: Vec<Item>,
}

/// A mark, as far as the table needs it.
#[derive(Debug, Clone)]
pub struct Mark {
    /// `mark.subject_id`
    pub subject_id: i64,
    /// The date of the lesson.
    pub date: NaiveDate,
    /// As entered.
    pub value: String,
    /// What it counts as in the average; none where it does not count.
    pub counted: Option<f64>,
    /// How much it weighs.
    pub weight: f64,
    /// «контрольная»
    pub work_kind: Option<String>,
}

/// That a student was late, or not there.
#[derive(Debug, Clone)]
pub struct Attendance {
    /// The day.
    pub date: NaiveDate,
    /// The lesson's number; 0 is the day.
    pub number: i64,
    /// `attendance.lesson_id`
    pub lesson_id: Option<i64>,
    /// Whether the student came late; else not at all.
    pub late: bool,
}

/// A household that gets a sheet.
#[derive(Clone, Default)]
pub struct Household {
    /// Who lives there and hears of the student: `guardian.id` and name.
    pub guardians: Vec<(i64, String)>,
    /// Why they hear on paper.
    pub why: Option<WhyPaper>,
    /// The language of its sheet: the one that all of them read, or else the school's.
    pub language: Language,
    /// The language of its frame and labels, likewise.
    pub frame: Frame,
    /// Whether one of them asked for large print.
    pub large: bool,
    /// Whether one of them asked for plain words, one thought to a line.
    pub plain: bool,
}

/// A piece of news that waits for the sheet.
#[derive(Clone)]
pub struct OnSheet {
    /// What it is.
    pub item: Item,
    /// The number of the sheet that told what it corrects, if one did.
    pub earlier: Option<i64>,
}

/// Sets one sheet. `news` is what the notices say that wait for it.
///
/// # Errors
/// [`TemplateError`] where a school's own template fails on real content.
pub fn sheet(
    class: &ClassWeek,
    student: &StudentWeek,
    household: &Household,
    news: &[OnSheet],
    templates: &Templates,
) -> Result<sheet::Sheet, TemplateError> {
    let subjects = subjects(class, student);
    let names: Vec<&str> = household
        .guardians
        .iter()
        .map(|(_, name)| name.as_str())
        .collect();
    let mut page = sheet::Sheet {
        number: class.week.number_since(class.year_from),
        code: code(class, student, household),
        student: student.name.clone(),
        for_whom: (!names.is_empty()).then(|| names.join(", ")),
        reason: household.why.map(|why| match household.language {
            Language::Russian => reason(why).to_owned(),
            Language::English => reason_in_english(why).to_owned(),
        }),
        summary: match household.language {
            Language::Russian => summary(class, student, &subjects),
            Language::English => summary_in_english(class, student, &subjects),
        },
        language: household.frame.code().to_owned(),
        week: (household.language != Language::Russian).then(|| {
            let (from, to) = (class.from.monday(), class.week.monday() + Days::new(4));
            format!("{} {}", household.language.days(from, to), to.year())
        }),
        large: household.large,
        plain: household.plain,
        subjects,
        ..sheet::Sheet::default()
    };
    for item in &student.ahead {
        page.ahead.push(dated(item, household.language, templates)?);
    }
    for item in &student.homework {
        page.homework.push(homework(item, household.language));
    }
    for one in news {
        place(&mut page, class, one, household.language, templates)?;
    }
    Ok(page)
}

/// Puts one piece of news where the sheet has room for it. What the table, the homework and the days
/// ahead show anyway is not said twice.
fn place(
    page: &mut sheet::Sheet,
    class: &ClassWeek,
    news: &OnSheet,
    language: Language,
    templates: &Templates,
) -> Result<(), TemplateError> {
    let item = &news.item;
    let in_week = class.spans(item.date);
    let entered = match &item.news {
        News::Entered(value) => Some(value),
        News::Corrected { .. } | News::Withdrawn(_) => None,
    };
    match (item.event, entered) {
        (Event::Mark | Event::Absence | Event::Lateness, Some(_)) if in_week => {}
        (Event::Homework | Event::ScheduleChange | Event::Test | Event::ClassEvent, Some(_)) => {}
        (Event::Urgent | Event::Announcement, Some(text)) => {
            page.announcements.push(sheet::Announcement {
                title: item.title.clone(),
                text: match &item.files {
                    Some(files) => format!("{text} ({}: {files})", language.beside()),
                    None => text.clone(),
                },
                answers: item.answers.clone(),
            });
        }
        (Event::Remark | Event::Praise | Event::Appeal | Event::Achievement, Some(text)) => {
            let heading = language.heading(item, false);
            let subject = match &item.subject {
                Some(subject) => format!("{heading}, {subject}"),
                None => heading,
            };
            page.remarks.push(sheet::Remark {
                day: words::short_day(item.date),
                subject: Some(subject),
                text: text.clone(),
            });
        }
        (Event::Service, Some(value)) => page.announcements.push(sheet::Announcement {
            title: Some(language.heading(item, false)),
            text: language.service(value),
            answers: Vec::new(),
        }),
        (Event::TermResult | Event::Preliminary | Event::Forecast | Event::Exam, Some(value)) => {
            page.term_results.push(sheet::TermResult {
                term: language.heading(item, false),
                subject: item.subject.clone().unwrap_or_default(),
                value: language.result(value),
            });
        }
        _ => {
            let sentence = dated(item, language, templates)?;
            // A family compares it with the sheet that it has pinned up.
            page.corrections.push(match news.earlier {
                Some(number) => match language {
                    Language::Russian => format!("К листку № {number}: {sentence}"),
                    Language::English => format!("To sheet № {number}: {sentence}"),
                },
                None => sentence,
            });
        }
    }
    Ok(())
}

/// «14.10. Русский язык: исправлено, было 3, теперь 4»
fn dated(item: &Item, language: Language, templates: &Templates) -> Result<String, TemplateError> {
    let sentence = templates.sentence(language, item)?;
    Ok(format!("{}. {sentence}", language.short_weekday(item.date)))
}

fn homework(item: &Item, language: Language) -> sheet::Homework {
    let text = match &item.news {
        News::Entered(text) | News::Corrected { new: text, .. } => text.clone(),
        News::Withdrawn(_) => String::new(),
    };
    sheet::Homework {
        due: language.short_weekday(item.date),
        subject: item.subject.clone().unwrap_or_default(),
        text,
    }
}

/// One line for each subject that had lessons in the week or has marks.
fn subjects(class: &ClassWeek, student: &StudentWeek) -> Vec<sheet::Subject> {
    let attended = |lesson: &&Lesson| {
        lesson
            .subgroup_id
            .is_none_or(|subgroup| student.subgroups.contains(&subgroup))
    };
    let lessons: Vec<&Lesson> = class.lessons.iter().filter(attended).collect();
    let known = lessons.iter().any(|lesson| lesson.held);
    let marked = class.grade > 1;
    let mut ids: BTreeSet<i64> = lessons.iter().map(|lesson| lesson.subject_id).collect();
    ids.extend(
        student
            .marks
            .iter()
            .map(|mark| mark.subject_id)
            .filter(|_| marked),
    );
    let mut lines: Vec<(i64, sheet::Subject)> = Vec::new();
    for id in ids {
        let (position, name) = class.subjects.get(&id).cloned().unwrap_or_default();
        let held = lessons
            .iter()
            .filter(|lesson| lesson.subject_id == id && lesson.held)
            .count();
        let marks: Vec<&Mark> = student
            .marks
            .iter()
            .filter(|mark| mark.subject_id == id && marked)
            .collect();
        let in_week = marks.iter().filter(|mark| class.spans(mark.date));
        let missed = |late: bool| {
            let of_subject =
                |one: &&Attendance| one.late == late && subject_of(one, &lessons) == Some(id);
            u32::try_from(student.attendance.iter().filter(of_subject).count()).unwrap_or(u32::MAX)
        };
        lines.push((
            position,
            sheet::Subject {
                name,
                lessons: known.then(|| u32::try_from(held).unwrap_or(u32::MAX)),
                marks: in_week
                    .map(|mark| sheet::Mark {
                        // A bare point is taken for dirt of the copier.
                        value: if mark.value == DEBT {
                            "долг".to_owned()
                        } else {
                            mark.value.clone()
                        },
                        day: words::short_day(mark.date),
                        kind: mark.work_kind.clone(),
                    })
                    .collect(),
                average: average(&marks),
                late: missed(true),
                missed: missed(false),
            },
        ));
    }
    lines.sort_by_cached_key(|(position, line)| {
        (*position, line.name.to_lowercase().replace('ё', "е"))
    });
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The subject of the lesson that was missed.
pub(crate) fn subject_of(attendance: &Attendance, lessons: &[&Lesson]) -> Option<i64> {
    let by_id = lessons
        .iter()
        .find(|lesson| attendance.lesson_id == Some(lesson.id));
    let by_hour = || {
        lessons.iter().find(|lesson| {
            lesson.date == attendance.date
                && lesson.number == Some(attendance.number).filter(|number| *number > 0)
        })
    };
    by_id.or_else(by_hour).map(|lesson| lesson.subject_id)
}

/// The weighted average, with a comma and two decimals; none without a mark that counts.
pub(crate) fn average(marks: &[&Mark]) -> Option<String> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for mark in marks {
        if let Some(value) = mark.counted {
            sum += value * mark.weight;
            weights += mark.weight;
        }
    }
    (weights > 0.0).then(|| format!("{:.2}", sum / weights).replace('.', ","))
}

/// The week in a sentence or two; silence is said aloud.
fn summary(class: &ClassWeek, student: &StudentWeek, subjects: &[sheet::Subject]) -> Vec<String> {
    let count = |n: usize, one, few, many| {
        let word = words::plural(u64::try_from(n).unwrap_or(u64::MAX), one, few, many);
        format!("{n} {word}")
    };
    let mut sentences = Vec::new();
    let several = (class.week.monday() - class.from.monday()).num_weeks() + 1;
    let period = match u64::try_from(several) {
        Ok(n) if n > 1 => format!("{n} {}", words::plural(n, "неделю", "недели", "недель")),
        _ => "неделю".to_owned(),
    };
    if class.grade > 1 {
        let marks: usize = subjects.iter().map(|subject| subject.marks.len()).sum();
        sentences.push(if marks == 0 {
            format!("За {period} новых отметок нет.")
        } else {
            format!(
                "За {period} {}.",
                count(marks, "отметка", "отметки", "отметок")
            )
        });
    }
    let days = |one: &&Attendance| one.number == 0;
    let missed: Vec<&Attendance> = student.attendance.iter().filter(|one| !one.late).collect();
    let whole = missed.iter().copied().filter(days).count();
    let late = student.attendance.len() - missed.len();
    let mut parts = Vec::new();
    if whole > 0 {
        parts.push(format!("дней пропущено: {whole}"));
    }
    if missed.len() > whole {
        parts.push(format!("уроков пропущено: {}", missed.len() - whole));
    }
    if late > 0 {
        parts.push(format!("опозданий: {late}"));
    }
    sentences.push(if parts.is_empty() {
        "Пропусков и опозданий нет.".to_owned()
    } else {
        let sentence = parts.join(", ");
        let mut letters = sentence.chars();
        let first: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        format!("{first}{}.", letters.as_str())
    });
    sentences
}

/// Why a family hears on paper, in its own words.
pub(crate) fn reason(why: WhyPaper) -> &'static str {
    match why {
        WhyPaper::Chosen | WhyPaper::Agreed(Ground::Chosen) => "Вы выбрали листок на бумаге.",
        WhyPaper::Agreed(Ground::Refused) => "Вы отказались от электронного дневника.",
        WhyPaper::Agreed(Ground::NoAccess) => "Вы сообщили, что у вас нет доступа в интернет.",
        WhyPaper::NoContact => "У школы нет вашего телефона или адреса почты.",
        WhyPaper::Consent(_, ConsentState::Withdrawn) => "Вы отозвали согласие на сообщения.",
        WhyPaper::Consent(_, ConsentState::Refused) => "Вы отказались от электронных сообщений.",
        WhyPaper::Consent(..) | WhyPaper::Agreed(Ground::NoConsent) => {
            "Согласие на электронные сообщения пока не оформлено."
        }
        WhyPaper::Unreachable | WhyPaper::Agreed(Ground::Unreachable) => {
            "Сообщения до вас не доходят. Проверьте телефон и почту у классного руководителя."
        }
        WhyPaper::Failed => "Сообщение не удалось отправить вовремя.",
        WhyPaper::ClosedAddress | WhyPaper::NeverByChannel | WhyPaper::NoMoney => {
            "Эти сведения вы получаете на бумаге."
        }
    }
}

/// The same for who reads English.
fn reason_in_english(why: WhyPaper) -> &'static str {
    match why {
        WhyPaper::Chosen | WhyPaper::Agreed(Ground::Chosen) => "You chose paper.",
        WhyPaper::Agreed(Ground::Refused) => "You refused the electronic diary.",
        WhyPaper::Agreed(Ground::NoAccess) => "You told us that you have no internet.",
        WhyPaper::NoContact => "The school has no phone number or e-mail address of yours.",
        WhyPaper::Consent(_, ConsentState::Withdrawn) => "You withdrew your consent to messages.",
        WhyPaper::Consent(_, ConsentState::Refused) => "You refused electronic messages.",
        WhyPaper::Consent(..) | WhyPaper::Agreed(Ground::NoConsent) => {
            "The school has no consent of yours to electronic messages yet."
        }
        WhyPaper::Unreachable | WhyPaper::Agreed(Ground::Unreachable) => {
            "Messages do not reach you. Check phone number and e-mail with the class teacher."
        }
        WhyPaper::Failed => "A message could not be sent in time.",
        WhyPaper::ClosedAddress | WhyPaper::NeverByChannel | WhyPaper::NoMoney => {
            "You get this on paper."
        }
    }
}

/// The week in a sentence or two for who reads English.
fn summary_in_english(
    class: &ClassWeek,
    student: &StudentWeek,
    subjects: &[sheet::Subject],
) -> Vec<String> {
    let count =
        |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut sentences = Vec::new();
    if class.grade > 1 {
        let marks: usize = subjects.iter().map(|subject| subject.marks.len()).sum();
        sentences.push(match marks {
            0 => "No new marks.".to_owned(),
            marks => format!("{}.", count(marks, "new mark", "new marks")),
        });
    }
    let whole = student
        .attendance
        .iter()
        .filter(|one| !one.late && one.number == 0);
    let lessons = student
        .attendance
        .iter()
        .filter(|one| !one.late && one.number > 0);
    let late = student.attendance.iter().filter(|one| one.late);
    let parts: Vec<String> = [
        (whole.count(), "day missed", "days missed"),
        (lessons.count(), "lesson missed", "lessons missed"),
        (late.count(), "time late", "times late"),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, one, many)| count(n, one, many))
    .collect();
    sentences.push(if parts.is_empty() {
        "Never absent and never late.".to_owned()
    } else {
        format!("{}.", parts.join(", "))
    });
    sentences
}

/// «5А-07-17-К4»: class, sheet, number in the register, and a check of two characters that tells
/// households apart and a misread code from a true one.
fn code(class: &ClassWeek, student: &StudentWeek, household: &Household) -> String {
    const LETTERS: [char; 12] = ['А', 'В', 'Е', 'К', 'М', 'Н', 'О', 'Р', 'С', 'Т', 'У', 'Х'];
    let class_name: String = class
        .class
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let number = class.week.number_since(class.year_from);
    let register = student.number.unwrap_or(student.id);
    let guardian = household.guardians.first().map_or(0, |(id, _)| *id);
    let year = i64::from(class.week.monday().year());
    let mut check = 7_i64;
    for part in [year, i64::from(number), student.id, guardian] {
        check = (check * 31 + part).rem_euclid(9_973);
    }
    let letter = LETTERS[usize::try_from(check % 12).unwrap_or(0)];
    format!(
        "{class_name}-{number:02}-{register:02}-{letter}{}",
        check / 12 % 10
    )
}

/// The same in plain words, for `explain` and the pages.
pub fn plain(page: &sheet::Sheet) -> String {
    let mut lines = vec![format!("Листок № {}. {}", page.number, page.student)];
    lines.extend(page.summary.iter().cloned());
    for subject in &page.subjects {
        let marks: Vec<String> = subject
            .marks
            .iter()
            .map(|mark| format!("{} ({})", mark.value, mark.day))
            .collect();
        if !marks.is_empty() {
            lines.push(format!("{}: {}", subject.name, marks.join(", ")));
        }
    }
    lines.extend(page.corrections.iter().cloned());
    for one in &page.term_results {
        lines.push(format!("{}: {}: {}", one.term, one.subject, one.value));
    }
    for one in &page.remarks {
        let subject = one.subject.as_deref().unwrap_or_default();
        lines.push(format!("{} {subject}: {}", one.day, one.text));
    }
    for one in &page.announcements {
        let title = one.title.as_deref().unwrap_or("Объявление");
        lines.push(format!("{title}: {} {}", one.text, one.answers.join(" / ")));
    }
    lines.extend(page.ahead.iter().cloned());
    for one in &page.homework {
        lines.push(format!("{} {}: {}", one.due, one.subject, one.text));
    }
    lines.join("\n")
}
