//! From rows of the change log to the facts that they touch.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::Value;

use crate::{
    instant::Millis,
    journal::{
        cell::CellChange,
        entry::{self, Audience, Reading},
        fact::Fact,
    },
    policy::Remarks,
    store::{Change, Members, Touched},
};

/// What the changes of one slice are about.
#[derive(Default)]
pub(super) struct Sorted {
    /// Per fact what happened to it, and the changes that say so.
    pub(super) facts: BTreeMap<Fact, (Touched, Vec<i64>)>,
    /// Guardians whose circumstances changed.
    pub(super) guardians: BTreeSet<i64>,
    /// Students whose circumstances changed.
    pub(super) students: BTreeSet<i64>,
    /// Changes about people: they re-route, and open nothing.
    pub(super) people: Vec<i64>,
    /// Changes that say nothing that families are told.
    pub(super) silent: Vec<i64>,
    /// Changes that concern nobody who attends the school.
    pub(super) nobody: Vec<i64>,
}

impl Sorted {
    /// Sorts one change in; `touches` is what [`touches`] says of it.
    pub(super) fn add(&mut self, change: &Change, touches: Option<Vec<(Fact, Touch)>>) {
        let id = |value: &Value, column: &str| value.get(column).and_then(Value::as_i64);
        let both = |column: &str| [id(&change.old, column), id(&change.new, column)];
        match (change.entity.as_str(), touches) {
            ("guardian", _) => {
                self.guardians.extend(both("id").into_iter().flatten());
                self.people.push(change.id);
            }
            ("guardianship" | "contact" | "consent" | "service_mode" | "preference", _) => {
                self.guardians
                    .extend(both("guardian_id").into_iter().flatten());
                // A right that ends closes, and one that returns opens, the addresses that others share.
                if change.entity == "guardianship" {
                    self.students
                        .extend(both("student_id").into_iter().flatten());
                }
                self.people.push(change.id);
            }
            ("enrolment" | "subgroup_member", _) => {
                self.students
                    .extend(both("student_id").into_iter().flatten());
                self.people.push(change.id);
            }
            (_, None) => self.silent.push(change.id),
            (_, Some(touches)) if touches.is_empty() => self.nobody.push(change.id),
            (_, Some(touches)) => {
                for (fact, touch) in touches {
                    let (touched, changes) = self.facts.entry(fact).or_default();
                    touched.steps.extend(touch.step);
                    touched.over |= touch.over;
                    touched.import_id = touched.import_id.or(change.import_id);
                    if !changes.contains(&change.id) {
                        changes.push(change.id);
                    }
                }
            }
        }
    }
}

/// What one change does to one fact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touch {
    step: Option<CellChange>,
    over: bool,
}

/// What a changed row says before and after.
fn readings(change: &Change, today: NaiveDate, now: Millis) -> [Option<Reading>; 2] {
    let read = |row: &Value| entry::read(&change.entity, row, today, now);
    [read(&change.old), read(&change.new)]
}

/// Whom these changes concern.
pub(super) fn audiences(changes: &[Change], today: NaiveDate, now: Millis) -> BTreeSet<Audience> {
    let readings = changes.iter().flat_map(|one| readings(one, today, now));
    readings.flatten().map(|one| one.audience).collect()
}

/// The facts that a change touches: those of everybody whom the row concerned before and concerns now.
/// A mark that moved from one cell to another touches both. None where nothing of it is told, as of
/// the topic of a lesson that is held as planned; empty where nobody is there whom it concerns.
pub(super) fn touches(
    change: &Change,
    members: &Members,
    remarks: Remarks,
    today: NaiveDate,
    now: Millis,
) -> Option<Vec<(Fact, Touch)>> {
    if let Some(key) = change.new.get("fact").and_then(Value::as_str) {
        return Some(vec![(key.parse().ok()?, Touch::default())]);
    }
    let [old, new] =
        readings(change, today, now).map(|one| one.map(|reading| reading.telling(remarks)));
    let value = |reading: &Option<Reading>| {
        let entry = reading.as_ref()?.entry.as_ref()?;
        Some(entry.value.clone())
    };
    let (before, after) = (value(&old), value(&new));
    let place = |reading: &Option<Reading>| {
        let reading = reading.as_ref()?;
        Some((reading.place, reading.audience))
    };
    // What is said about a mark may change beside its value.
    let same = before == after && place(&old) == place(&new) && change.entity != "mark";
    if same || (before.is_none() && after.is_none()) {
        return None;
    }
    let mut touches: BTreeMap<Fact, Touch> = BTreeMap::new();
    for (reading, is_new) in [(&old, false), (&new, true)] {
        let Some(reading) = reading else { continue };
        for student_id in members.get(&reading.audience).into_iter().flatten() {
            let fact = Fact {
                student_id: *student_id,
                place: reading.place,
            };
            let touch = touches.entry(fact).or_default();
            let step = touch.step.get_or_insert(CellChange {
                old: None,
                new: None,
            });
            if is_new {
                step.new.clone_from(&after);
            } else {
                step.old.clone_from(&before);
            }
            touch.over = reading.over;
        }
    }
    Some(touches.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::fact::Place;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
    }

    fn change(entity: &str, old: Value, new: Value) -> Change {
        Change {
            id: 1,
            entity: entity.to_owned(),
            entity_id: 1,
            old,
            new,
            import_id: None,
        }
    }

    fn touched(change: &Change) -> Option<Vec<(i64, Place, CellChange)>> {
        let members = Members::from([
            (Audience::Class(1), vec![7, 8]),
            (Audience::Class(2), vec![9]),
            (Audience::Student(7), vec![7]),
        ]);
        let touches = touches(change, &members, Remarks::Ticked, today(), 0)?;
        let flat = |(fact, touch): (Fact, Touch)| {
            (fact.student_id, fact.place, touch.step.expect("a step"))
        };
        Some(touches.into_iter().map(flat).collect())
    }

    fn homework(class: i64, due: &str, text: &str) -> Value {
        json!({"id": 1, "class_id": class, "subject_id": 3, "due_on": due, "text": text})
    }

    #[test]
    fn homework_of_a_class_touches_each_of_its_students() {
        let given = change("homework", Value::Null, homework(1, "2026-10-15", "№ 214"));
        let touched = touched(&given).expect("something is told");
        assert_eq!(touched.len(), 2);
        assert!(
            touched
                .iter()
                .all(|(_, _, step)| step.new.as_deref() == Some("№ 214"))
        );
    }

    #[test]
    fn homework_that_moves_is_taken_here_and_given_there() {
        let moved = change(
            "homework",
            homework(1, "2026-10-15", "№ 214"),
            homework(2, "2026-10-15", "№ 214"),
        );
        let steps: Vec<_> = touched(&moved)
            .expect("something is told")
            .into_iter()
            .map(|(student, _, step)| (student, step.old.is_some(), step.new.is_some()))
            .collect();
        assert_eq!(
            steps,
            [(7, true, false), (8, true, false), (9, false, true)]
        );
        let later = change(
            "homework",
            homework(1, "2026-10-15", "№ 214"),
            homework(1, "2026-10-16", "№ 214"),
        );
        assert_eq!(
            touched(&later).map(|all| all.len()),
            Some(4),
            "two days of two students"
        );
    }

    #[test]
    fn what_is_not_told_touches_nothing_and_whom_nobody_attends_nobody() {
        let lesson = |topic: &str| json!({"id": 9, "class_id": 1, "subject_id": 3, "date": "2026-10-14", "state": "held", "topic": topic});
        assert_eq!(
            touched(&change("lesson", lesson(""), lesson("Дроби"))),
            None
        );
        assert_eq!(
            touched(&change("term", Value::Null, json!({"id": 1}))),
            None
        );
        let empty = change("homework", Value::Null, homework(5, "2026-10-15", "№ 214"));
        assert_eq!(touched(&empty), Some(Vec::new()));
    }
}
