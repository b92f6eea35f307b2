//! That every SMS fits exactly one of the texts that operators know, whatever happened to however many children.

use std::sync::LazyLock;

use super::*;
use crate::{
    family::{
        contact::Health as HealthOf,
        preference::{Preference, Timing},
    },
    text::{ContentLevel, Matter, Skeleton, StaffNews, Templates, in_letters, skeletons as read},
};

const SCHOOL: &str = "Школа 12";
const FATHER: i64 = 2;
const SIBLINGS: std::ops::Range<i64> = 1..8;

static TEMPLATES: LazyLock<Templates> =
    LazyLock::new(|| Templates::embedded().expect("the templates that come with the program"));

/// In Russian letters, and in Latin ones.
static SKELETONS: LazyLock<[Vec<Skeleton>; 2]> =
    LazyLock::new(|| [false, true].map(|latin| read(None, SCHOOL, latin).expect("the skeletons")));

fn known(sms: &str, latin: bool) -> Vec<&'static str> {
    let all = SKELETONS[usize::from(latin)].iter();
    all.filter(|one| one.holds(sms))
        .map(|one| one.name.as_str())
        .collect()
}

/// What people write: words, and what their programs leave between and within them.
fn any_words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[а-яё]{3,9}( [А-Яа-яё0-9]{2,9}){0,6}",
        "[A-Za-z]{2,9}([ \t\n\u{a0}\u{2009}]{1,2}[а-я]{2,9}[.,:;%]?){0,3}",
        "[а-я]([ ][ъьЪЬ№«»…–]){1,3}",
        "\u{202e}[0-9]{1,2}\\.[0-9]{2}: [а-я]{2,5}\r\n[а-я]{2,5} 14\\.10: [0-9]",
        "[🎉👍é€&<>{}\\\\]{1,4}",
        Just("слово ".repeat(60)),
        Just("и я ".repeat(60)),
    ]
}

fn any_place() -> impl Strategy<Value = (Place, &'static [&'static str])> {
    const TEXT: &[&str] = &[];
    let subjects = 1..4i64;
    let days = (12..16u32).prop_map(day);
    let kind = prop::sample::select(vec![
        RemarkKind::Remark,
        RemarkKind::Praise,
        RemarkKind::Appeal,
        RemarkKind::Achievement,
    ]);
    let stage = prop::sample::select(vec![
        Stage::Forecast,
        Stage::Preliminary,
        Stage::Final,
        Stage::Exam,
    ]);
    prop_oneof![
        4 => (subjects.clone(), days.clone()).prop_map(|(subject_id, date)| {
            let place = Place::Mark { subject_id, date, lesson_id: None };
            (place, &["5", ".", "н/а", "осв", "зачёт"][..])
        }),
        2 => (days.clone(), 0..4i64).prop_map(|(date, number)| {
            (Place::Attendance { date, number }, &["absent", "ill", "unexcused", "late", "late:10"][..])
        }),
        1 => (subjects.clone(), days.clone())
            .prop_map(|(subject_id, date)| (Place::Homework { subject_id, date }, TEXT)),
        1 => (days.clone(), kind)
            .prop_map(|(date, kind)| (Place::Remark { date, kind, lesson_id: None }, TEXT)),
        1 => (subjects.clone(), stage).prop_map(|(subject_id, stage)| {
            let values = &["4", "deferred", "deferred:2026-11-06", "not_certified"][..];
            (Place::TermResult { subject_id, term_id: 3, stage }, values)
        }),
        1 => (1..3i64).prop_map(|id| (Place::Announcement(id), TEXT)),
        1 => (1..3i64).prop_map(|id| {
            (Place::Lesson(id), &["cancelled", "moved", "moved:2026-10-16", "substitute:5"][..])
        }),
        1 => (subjects, days).prop_map(|(subject_id, date)| (Place::Test { subject_id, date }, TEXT)),
        1 => (1..3i64).prop_map(|id| (Place::ClassEvent(id), TEXT)),
        1 => Just((Place::Silence { monday: day(12) }, &["nothing:2026-10-12"][..])),
        1 => Just((Place::Summary(1), &["summary:12:2026-09-28:2026-10-02"][..])),
        1 => Just((Place::Notice(1), &["voluntary"][..])),
        1 => Just((Place::Outlook(1), &["outlook:матем 4,33; рус 3,5"][..])),
    ]
}

fn any_siblings_due() -> impl Strategy<Value = Due> {
    let values = (any_words(), any_words(), any::<[prop::sample::Index; 2]>());
    let texts = prop::array::uniform3(prop::option::of(any_words()));
    (SIBLINGS, any_place(), values, texts, 0..4u8, any::<bool>()).prop_map(
        |(student_id, (place, fixed), (new, old, at), texts, form, urgent)| {
            let pick = |text: String, at: prop::sample::Index| match fixed {
                [] => text,
                fixed => (*at.get(fixed)).to_owned(),
            };
            let (new, old) = (pick(new, at[0]), pick(old, at[1]));
            let told: Cell = [old.as_str()].into_iter().collect();
            let [work_kind, comment, short] = texts;
            let entry = Entry {
                value: new,
                work_kind,
                comment,
                short,
                ..Entry::default()
            };
            Due {
                notice_id: 0,
                guardian_id: FATHER,
                fact: Fact { student_id, place },
                basis: match form {
                    0 => Known::Untold(Cell::default()),
                    1 => Known::Untold(told),
                    _ => Known::Told(told),
                },
                settled_at: None,
                seen_at: zone::instant(day(14).into(), ZONE),
                early: false,
                released: true,
                content: Content {
                    entries: if form == 3 { Vec::new() } else { vec![entry] },
                    urgent: urgent && matches!(place, Place::Announcement(_)),
                    ..Content::default()
                },
                tried: Vec::new(),
                told_in: None,
            }
        },
    )
}

/// A father of seven, who wants to hear of everything by SMS.
fn father(language: Language) -> People {
    let mut people = people([Preset::AtOnce; 2]);
    people.guardians.retain(|one| one.id == FATHER);
    people.guardians[0].language = language;
    let (ties, consents) = (people.guardianships.clone(), people.consents.clone());
    people.guardianships.clear();
    people.consents.clear();
    for student_id in SIBLINGS {
        let ties = ties.iter().filter(|one| one.guardian_id == FATHER).cloned();
        people
            .guardianships
            .extend(ties.map(|one| Guardianship { student_id, ..one }));
        let consents = consents
            .iter()
            .filter(|one| one.guardian_id == FATHER)
            .cloned();
        people
            .consents
            .extend(consents.map(|one| Consent { student_id, ..one }));
    }
    people.preferences.push(Preference {
        guardian_id: FATHER,
        event: None,
        channel: Channel::Sms,
        timing: Timing::AtOnce,
    });
    people
}

fn names(due: &[Due], word: &str, latin: bool, parts: Option<usize>) -> Names {
    let about = due.iter().map(|due| {
        let number = match due.fact.place {
            Place::Attendance { number, .. } => Some(number),
            Place::Lesson(id) => Some(id),
            _ => None,
        };
        let subject = match due.fact.place {
            Place::Mark { subject_id, .. }
            | Place::Homework { subject_id, .. }
            | Place::Test { subject_id, .. }
            | Place::TermResult { subject_id, .. } => match subject_id {
                1 => Some(("Русский язык".to_owned(), None)),
                2 => Some(("Математика".to_owned(), Some("матем".to_owned()))),
                _ => Some((word.to_owned(), None)),
            },
            _ => None,
        };
        let about = About {
            subject,
            date: due.fact.place.date(),
            number,
            title: matches!(due.fact.place, Place::Announcement(1)).then(|| word.to_owned()),
            term: Some(("quarter".to_owned(), 1)),
        };
        (due.fact, about)
    });
    let students = SIBLINGS.map(|id| {
        let name = match id {
            1 => "Маша".to_owned(),
            2 => "Али Мамед оглы".to_owned(),
            3 => String::new(),
            _ => word.to_owned(),
        };
        (id, (name, None))
    });
    Names {
        school: School {
            name: "Школа № 12".into(),
            short_name: SCHOOL.into(),
            phone: None,
        },
        students: students.collect(),
        about: about.collect(),
        zone: Some(ZONE),
        fitting: Some(Fitting {
            templates: TEMPLATES.clone(),
            parts,
            latin,
        }),
        ..Names::default()
    }
}

proptest! {
    #[test]
    fn every_sms_of_a_family_fits_exactly_one_text_that_operators_know(
        all in prop::collection::vec(any_siblings_due(), 1..14), word in any_words(),
        latin: bool, parts in prop::option::of(1..5usize), english: bool,
    ) {
        let mut seen = BTreeSet::new();
        let mut due: Vec<Due> = all.into_iter().filter(|due| seen.insert(due.fact)).collect();
        for (id, due) in (1..).zip(&mut due) {
            due.notice_id = id;
        }
        let language = if english { Language::English } else { Language::Russian };
        let names = names(&due, &word, latin, parts);
        let now = zone::instant(day(14).into(), ZONE) + 12 * HOUR;
        let around = around(None, 0, true);
        let (fates, drafts) =
            compose(&due, &father(language), &names, &[Channel::Sms], &hours(), &around, now);
        prop_assert!(drafts.is_empty() != fates.iter().any(|(_, fate)| *fate == Fate::Message));
        for draft in &drafts {
            let sms = TEMPLATES.render(Channel::Sms, ContentLevel::Full, &draft.letter).expect("words").text;
            let sms = in_letters(&sms, latin);
            let known = known(&sms, latin);
            let named = ["one", "two", "three", "four"][draft.letter.students.len() - 1];
            prop_assert_eq!(known, [named], "{}", sms);
        }
    }

    #[test]
    fn every_sms_to_staff_fits_exactly_one_text_that_operators_know(
        who in prop::collection::vec(any_words(), 1..7), subject in any_words(), kind in 0..11usize, latin: bool,
    ) {
        let short = |words: String| words.chars().take(40).collect::<String>();
        let subject = short(subject);
        let news: Vec<StaffNews> = (kind..)
            .zip(who)
            .map(|(kind, who)| {
                let (date, subject) = (day(14), subject.clone());
                let matter = match kind % 11 {
                    0 => Matter::Failing(Channel::Sms, HealthOf::Hard),
                    1 => Matter::Failing(Channel::Telegram, HealthOf::Blocked),
                    2 => Matter::Stopped,
                    3 => Matter::Moved { from: "5 «А»".into(), to: "5 «Б»".into(), on: date },
                    4 => Matter::NoPaper(None),
                    5 => Matter::NoPaper(Some(date)),
                    6 => Matter::NoHomework { subject, date },
                    7 => Matter::Left,
                    8 => Matter::Asked { words: subject },
                    9 => Matter::Mistaken { words: subject, answer_by: date },
                    _ => Matter::NoMarks { subject, date },
                };
                StaffNews { who: short(who), matter }
            })
            .collect();
        let school = School { short_name: SCHOOL.into(), ..School::default() };
        let sms = TEMPLATES.for_staff(Channel::Sms, ContentLevel::Full, &school, None, &news).expect("words").text;
        let sms = in_letters(&sms, latin);
        prop_assert_eq!(known(&sms, latin), ["staff"], "{}", sms);
    }
}

/// A mark that is new to the father.
fn a_five(student_id: i64, subject_id: i64) -> Due {
    Due {
        notice_id: student_id * 100 + subject_id,
        guardian_id: FATHER,
        fact: Fact {
            student_id,
            place: Place::Mark {
                subject_id,
                date: day(14),
                lesson_id: None,
            },
        },
        basis: Known::Untold(Cell::default()),
        settled_at: Some(0),
        seen_at: zone::instant(day(14).into(), ZONE),
        early: false,
        released: false,
        content: Content {
            entries: vec![Entry {
                value: "5".into(),
                ..Entry::default()
            }],
            ..Content::default()
        },
        tried: Vec::new(),
        told_in: None,
    }
}

/// The drafts of SMS at noon.
fn at_noon(due: &[Due], word: &str, parts: Option<usize>) -> Vec<Draft> {
    let now = zone::instant(day(14).into(), ZONE) + 12 * HOUR;
    let (people, names) = (father(Language::Russian), names(due, word, false, parts));
    let around = around(None, 0, true);
    compose(
        due,
        &people,
        &names,
        &[Channel::Sms],
        &hours(),
        &around,
        now,
    )
    .1
}

/// A family of seven hears of all of them at once: no child waits because an SMS names four.
#[test]
fn children_beyond_the_fourth_are_named_by_a_second_sms_at_once() {
    let due: Vec<Due> = SIBLINGS.map(|student_id| a_five(student_id, 1)).collect();
    for parts in [None, Some(10)] {
        let drafts = at_noon(&due, "Ася", parts);
        let children: Vec<usize> = drafts
            .iter()
            .map(|draft| draft.letter.students.len())
            .collect();
        assert_eq!(children, [4, 3], "{parts:?}");
    }
}

/// Where parts have no limit, what has more words than operators know of a child leaves with the next SMS.
#[test]
fn words_that_no_text_holds_leave_with_a_second_sms_at_once() {
    let event = |id| {
        let mut due = a_five(1, id);
        due.fact.place = Place::ClassEvent(id);
        due.content.entries[0].value = "и я ".repeat(10);
        due
    };
    let due: Vec<Due> = (1..13).map(event).collect();
    let drafts = at_noon(&due, "Ася", None);
    let told: Vec<usize> = drafts.iter().map(|draft| draft.notices.len()).collect();
    assert_eq!(told.iter().sum::<usize>(), due.len());
    assert!(told.len() > 1, "{told:?}");
}
