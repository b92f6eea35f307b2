//! A generated school: classes, students, families, addresses and consents, as SQL and as the
//! simulator's own knowledge of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono_tz::Tz;
use rand::{RngExt, rngs::StdRng};
use vestnik::{family::contact::Channel, quiet::Quiet};

/// How many subjects are taught.
pub(crate) const SUBJECTS: i64 = 10;

/// From Kaliningrad to Kamchatka.
const ZONES: [Tz; 6] = [
    chrono_tz::Europe::Kaliningrad,
    chrono_tz::Europe::Moscow,
    chrono_tz::Asia::Yekaterinburg,
    chrono_tz::Asia::Novosibirsk,
    chrono_tz::Asia::Vladivostok,
    chrono_tz::Asia::Kamchatka,
];

/// An address as the simulator knows it.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) id: i64,
    pub(crate) channel: Channel,
    pub(crate) address: String,
    pub(crate) ended: bool,
}

/// A guardian as the simulator knows them.
#[derive(Debug, Clone)]
pub(crate) struct Guardian {
    pub(crate) quiet: Option<Quiet>,
    pub(crate) contacts: Vec<Contact>,
}

/// All that the simulator knows of the people; what is lawful is judged by it alone.
#[derive(Debug, Clone)]
pub(crate) struct School {
    pub(crate) zone: Tz,
    pub(crate) classes: i64,
    /// Per student the class; none for who has left.
    pub(crate) class_of: BTreeMap<i64, Option<i64>>,
    /// Per guardian.
    pub(crate) guardians: BTreeMap<i64, Guardian>,
    /// Guardian and student, with whether the guardian must not hear.
    pub(crate) ties: BTreeMap<(i64, i64), bool>,
    /// Guardian, student and purpose of every consent that holds.
    pub(crate) consents: BTreeSet<(i64, i64, &'static str)>,
    contacts: i64,
}

/// What a channel needs beside `data`.
pub(crate) fn purpose(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "sms",
        Channel::Email => "email",
        Channel::Telegram | Channel::Paper => "messenger",
    }
}

impl School {
    /// A school of so many students, and the SQL that enters it.
    pub(crate) fn generate(students: i64, random: &mut StdRng) -> (Self, String) {
        let zone = ZONES[random.random_range(0..ZONES.len())];
        let classes = (students / 26).max(2);
        let mut school = Self {
            zone,
            classes,
            class_of: BTreeMap::new(),
            guardians: BTreeMap::new(),
            ties: BTreeMap::new(),
            consents: BTreeSet::new(),
            contacts: 0,
        };
        let mut sql = format!(
            "INSERT INTO school (name, short_name, timezone, phone) VALUES \
             ('Школа № 12', 'Школа 12', '{zone}', '+7 495 000-00-00');\n\
             INSERT INTO school_year (starts_on, ends_on) VALUES ('2026-09-01', '2027-05-31');\n"
        );
        for (number, from, to) in [
            (1, "2026-09-01", "2026-10-25"),
            (2, "2026-11-02", "2026-12-30"),
            (3, "2027-01-11", "2027-03-21"),
            (4, "2027-03-29", "2027-05-30"),
        ] {
            let _ = writeln!(
                sql,
                "INSERT INTO term (kind, number, starts_on, ends_on) VALUES ('quarter', {number}, '{from}', '{to}');"
            );
        }
        for id in 1..=SUBJECTS {
            let _ = writeln!(
                sql,
                "INSERT INTO subject (name, short_name) VALUES ('Предмет {id}', 'п{id}');"
            );
        }
        for id in 1..=classes {
            let (grade, letter) = Self::class_name(id);
            let _ = writeln!(
                sql,
                "INSERT INTO class (year_id, grade, letter) VALUES (1, {grade}, '{letter}');"
            );
        }
        for student in 1..=students {
            school.student(student, random, &mut sql);
        }
        // The electronic journal was loaded before, so that what an import brings is news.
        sql.push_str(
            "INSERT INTO baseline (class_id, kind, taken_at) SELECT id, 'mark', 0 FROM class;\n\
             INSERT INTO baseline (class_id, student_id, kind, taken_at) \
             SELECT e.class_id, e.student_id, 'mark', 0 FROM enrolment e;\n",
        );
        (school, sql)
    }

    /// A class's grade and letter.
    pub(crate) fn class_name(class: i64) -> (i64, &'static str) {
        let letter = usize::try_from(class / 10 % 4).unwrap();
        (2 + class % 10, ["А", "Б", "В", "Г"][letter])
    }

    /// A student with one or two guardians, or with those of an elder sibling.
    fn student(&mut self, student: i64, random: &mut StdRng, sql: &mut String) {
        let class = student % self.classes + 1;
        self.class_of.insert(student, Some(class));
        let _ = writeln!(
            sql,
            "INSERT INTO student (surname, given_name, short_name) VALUES ('Ученик', 'S{student}', 'Саша{student}');\n\
             INSERT INTO enrolment (student_id, class_id, number) VALUES ({student}, {class}, {student});"
        );
        let sibling = student > 1 && random.random_bool(0.15);
        let guardians: Vec<i64> = if sibling {
            let of_elder = self.ties.keys().filter(|(_, other)| *other == student - 1);
            of_elder.map(|(guardian, _)| *guardian).collect()
        } else {
            let count = if random.random_bool(0.6) { 2 } else { 1 };
            let shared = random.random_bool(0.06);
            let mut family = Vec::new();
            for at in 0..count {
                let with = (shared && at == 1).then(|| family[0]);
                family.push(self.guardian(with, random, sql));
            }
            family
        };
        for guardian in guardians {
            let restricted = random.random_bool(0.01);
            let rights = if restricted { "deprived" } else { "full" };
            let home = if random.random_bool(0.8) {
                "'один'"
            } else {
                "NULL"
            };
            let _ = writeln!(
                sql,
                "INSERT INTO guardianship (guardian_id, student_id, rights, home) VALUES ({guardian}, {student}, '{rights}', {home});"
            );
            self.ties.insert((guardian, student), restricted);
            for purpose in ["data", "sms", "email", "messenger"] {
                let likely = if purpose == "data" { 0.93 } else { 0.85 };
                if random.random_bool(likely) {
                    self.consent(guardian, student, purpose, true, sql);
                }
            }
        }
    }

    /// A guardian; one who shares a phone has its owner's preset as well, as couples do.
    fn guardian(&mut self, with: Option<i64>, random: &mut StdRng, sql: &mut String) -> i64 {
        let id = i64::try_from(self.guardians.len()).unwrap() + 1;
        let preset = match with {
            Some(_) => "'at_once'",
            None => [
                "NULL",
                "'daily'",
                "'at_once'",
                "'at_once'",
                "'important'",
                "'paper'",
                "NULL",
            ][random.random_range(0..7)],
        };
        let preset = if with.is_none() && random.random_bool(0.06) {
            "'at_once'"
        } else {
            preset
        };
        let quiet = random.random_bool(0.1).then_some("20:00-08:00");
        let _ = writeln!(
            sql,
            "INSERT INTO guardian (surname, given_name, preset, quiet) VALUES ('Родитель', 'G{id}', {preset}, {});",
            quiet.map_or("NULL".to_owned(), |quiet| format!("'{quiet}'"))
        );
        if let Some(other) = with {
            // The one whose phone it is hears at the same times.
            let _ = writeln!(
                sql,
                "UPDATE guardian SET preset = 'at_once' WHERE id = {other};"
            );
        }
        self.guardians.insert(
            id,
            Guardian {
                quiet: quiet.map(|quiet| quiet.parse().unwrap()),
                contacts: Vec::new(),
            },
        );
        if let Some(other) = with {
            let phone = self.guardians[&other]
                .contacts
                .iter()
                .find(|contact| contact.channel == Channel::Sms)
                .map(|contact| contact.address.clone());
            if let Some(phone) = phone {
                self.add_contact(id, Channel::Sms, phone, sql);
                return id;
            }
        }
        for (channel, likely) in [
            (Channel::Telegram, 0.3),
            (Channel::Sms, 0.6),
            (Channel::Email, 0.5),
        ] {
            if random.random_bool(likely) {
                let address = self.new_address(id, channel);
                self.add_contact(id, channel, address, sql);
            }
        }
        id
    }

    /// An address that nobody has.
    pub(crate) fn new_address(&self, guardian: i64, channel: Channel) -> String {
        let next = self.contacts + 1;
        match channel {
            Channel::Sms => format!("+7900{next:07}"),
            Channel::Email => format!("g{guardian}.{next}@example.org"),
            Channel::Telegram | Channel::Paper => format!("{}", 700_000_000 + next),
        }
    }

    /// Gives a guardian an address.
    pub(crate) fn add_contact(
        &mut self,
        guardian: i64,
        channel: Channel,
        address: String,
        sql: &mut String,
    ) {
        self.contacts += 1;
        let _ = writeln!(
            sql,
            "INSERT INTO contact (guardian_id, channel, address, rank) VALUES ({guardian}, '{}', '{address}', {});",
            channel.code(),
            self.contacts
        );
        let contact = Contact {
            id: self.contacts,
            channel,
            address,
            ended: false,
        };
        self.guardians
            .get_mut(&guardian)
            .unwrap()
            .contacts
            .push(contact);
    }

    /// Registers a consent, or its withdrawal.
    pub(crate) fn consent(
        &mut self,
        guardian: i64,
        student: i64,
        purpose: &'static str,
        given: bool,
        sql: &mut String,
    ) {
        let state = if given { "given" } else { "withdrawn" };
        let _ = writeln!(
            sql,
            "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({guardian}, {student}, '{purpose}', '{state}');"
        );
        let key = (guardian, student, purpose);
        if given {
            self.consents.insert(key);
        } else {
            self.consents.remove(&key);
        }
    }

    /// The students of a class.
    pub(crate) fn students_of(&self, class: i64) -> Vec<i64> {
        let of_class = self
            .class_of
            .iter()
            .filter(|(_, in_class)| **in_class == Some(class));
        of_class.map(|(student, _)| *student).collect()
    }

    /// The guardians who own an address now.
    pub(crate) fn owners(&self, channel: Channel, address: &str) -> Vec<i64> {
        let owns = |guardian: &Guardian| {
            guardian.contacts.iter().any(|contact| {
                contact.channel == channel && contact.address == address && !contact.ended
            })
        };
        self.guardians
            .iter()
            .filter(|(_, guardian)| owns(guardian))
            .map(|(id, _)| *id)
            .collect()
    }
}
