//! A sample school: 120 students, 180 guardians, and every situation that families live in.

use rand::{Rng, RngExt, seq::IndexedRandom};

/// A school as the demo fills it into a database.
#[derive(Debug, Clone, Default)]
pub struct School {
    /// Grade and letter; the first has no marks by the regulations.
    pub classes: Vec<(i64, &'static str)>,
    /// Name, and the short name for SMS.
    pub subjects: Vec<(&'static str, &'static str)>,
    /// The students.
    pub students: Vec<Student>,
    /// Those who answer for them.
    pub guardians: Vec<Guardian>,
}

/// A student.
#[derive(Debug, Clone)]
pub struct Student {
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given_name: &'static str,
    /// The name that texts use.
    pub short_name: &'static str,
    /// `student.gender`
    pub gender: &'static str,
    /// Index in [`School::classes`].
    pub class: usize,
}

/// A guardian with addresses and answers.
#[derive(Debug, Clone, Default)]
pub struct Guardian {
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given_name: &'static str,
    /// `guardian.preset`
    pub preset: Option<&'static str>,
    /// `guardian.quiet`
    pub quiet: Option<&'static str>,
    /// Channel and address, in the order in which they are tried.
    pub contacts: Vec<(&'static str, String)>,
    /// For whom they answer: index of the student, relation, and whether a court keeps them away.
    pub ties: Vec<(usize, &'static str, bool)>,
    /// Index of the student, purpose and state.
    pub consents: Vec<(usize, &'static str, &'static str)>,
}

const CLASSES: [(i64, &str); 5] = [(1, "А"), (2, "Б"), (5, "А"), (7, "Б"), (9, "В")];
const IN_CLASS: usize = 24;

const SUBJECTS: [(&str, &str); 8] = [
    ("Математика", "матем"),
    ("Русский язык", "рус"),
    ("Литература", "лит"),
    ("Английский язык", "англ"),
    ("История", "ист"),
    ("Биология", "биол"),
    ("География", "геогр"),
    ("Физическая культура", "физк"),
];

const GIRLS: [(&str, &str); 10] = [
    ("Мария", "Маша"),
    ("Анна", "Аня"),
    ("София", "Соня"),
    ("Дарья", "Даша"),
    ("Полина", "Полина"),
    ("Алиса", "Алиса"),
    ("Камилла", "Камилла"),
    ("Екатерина", "Катя"),
    ("Вера", "Вера"),
    ("Ксения", "Ксюша"),
];
const BOYS: [(&str, &str); 10] = [
    ("Пётр", "Петя"),
    ("Тимофей", "Тимофей"),
    ("Иван", "Ваня"),
    ("Михаил", "Миша"),
    ("Артём", "Артём"),
    ("Рустам", "Рустам"),
    ("Глеб", "Глеб"),
    ("Егор", "Егор"),
    ("Лев", "Лёва"),
    ("Николай", "Коля"),
];
const MOTHERS: [&str; 6] = ["Ольга", "Елена", "Наталья", "Лейла", "Светлана", "Ирина"];
const FATHERS: [&str; 6] = ["Сергей", "Андрей", "Алексей", "Руслан", "Дмитрий", "Павел"];
const SURNAMES: [&str; 20] = [
    "Соколов",
    "Лапшин",
    "Ибрагимов",
    "Гвоздёв",
    "Орешкин",
    "Синицын",
    "Королёв",
    "Абрамов",
    "Медведев",
    "Тарасов",
    "Беляев",
    "Комаров",
    "Киселёв",
    "Макаров",
    "Зайцев",
    "Ершов",
    "Никитин",
    "Рябов",
    "Фомин",
    "Щукин",
];

impl School {
    /// A school that is the same for the same random source.
    pub fn sample(random: &mut impl Rng) -> Self {
        let mut school = Self {
            classes: CLASSES.to_vec(),
            subjects: SUBJECTS.to_vec(),
            ..Self::default()
        };
        for number in 0..CLASSES.len() * IN_CLASS {
            let girl = random.random_bool(0.5);
            let names = if girl { &GIRLS } else { &BOYS };
            let (given_name, short_name) = names.choose(random).copied().unwrap_or(("Анна", "Аня"));
            let surname = SURNAMES[number % SURNAMES.len()];
            school.students.push(Student {
                surname: if girl {
                    format!("{surname}а")
                } else {
                    surname.to_owned()
                },
                given_name,
                short_name,
                gender: if girl { "female" } else { "male" },
                class: number / IN_CLASS,
            });
        }
        for number in 0..school.students.len() {
            school.family(number, random);
        }
        school
    }

    /// The family of one student: two guardians for each even number and one for each odd.
    fn family(&mut self, student: usize, random: &mut impl Rng) {
        let family = Family {
            student,
            surname: SURNAMES[student % SURNAMES.len()],
        };
        let surname = family.surname;
        let mut guardians = family.easy().or_else(|| family.hard()).unwrap_or_default();
        let paper = student % 16 == 5;
        for guardian in &mut guardians {
            let names = if guardian.surname == surname {
                &FATHERS
            } else {
                &MOTHERS
            };
            guardian.given_name = names.choose(random).copied().unwrap_or("Анна");
            if paper || !guardian.consents.is_empty() {
                continue;
            }
            guardian.consents = vec![(student, "data", "given")];
            guardian
                .consents
                .extend(guardian.contacts.iter().map(|(channel, _)| match *channel {
                    "telegram" => (student, "messenger", "given"),
                    channel => (student, channel, "given"),
                }));
            guardian.consents.dedup();
        }
        self.guardians.extend(guardians);
    }

    /// The guardians who withdraw their consent on Wednesday, each with their student.
    pub fn withdrawing(&self) -> impl Iterator<Item = (usize, usize)> {
        self.guardians
            .iter()
            .enumerate()
            .filter_map(|(at, guardian)| Some((at, guardian.ties.first()?.0)))
            .filter(|(_, student)| student % 16 == 15)
    }
}

/// What is common to the guardians of one student.
#[derive(Clone, Copy)]
struct Family {
    student: usize,
    surname: &'static str,
}

impl Family {
    fn mother(self) -> Guardian {
        Guardian {
            surname: format!("{}а", self.surname),
            ties: vec![(self.student, "mother", false)],
            ..Guardian::default()
        }
    }

    fn father(self) -> Guardian {
        Guardian {
            surname: self.surname.to_owned(),
            ties: vec![(self.student, "father", false)],
            ..Guardian::default()
        }
    }

    fn mama(self) -> Guardian {
        self.mother()
            .mail(format!("mama{}@example.org", self.student))
    }

    fn papa(self) -> Guardian {
        self.father()
            .mail(format!("papa{}@example.org", self.student))
    }

    /// The last two digits choose how the sandbox gateway behaves; 00 to 89 are ordinary.
    fn phone(self, digits: usize) -> String {
        format!("+7900{:03}00{digits:02}", self.student)
    }

    /// The last four digits choose how the sandbox of the Bot API behaves; 77 is ordinary.
    fn bot(self, digits: usize) -> String {
        format!("{}", (self.student + 1) * 10_000 + digits)
    }

    /// The situations in which everything goes well.
    fn easy(self) -> Option<Vec<Guardian>> {
        Some(match self.student % 16 {
            // Both hear, each in their own way.
            0 => vec![
                self.mama().preset("at_once"),
                self.father().sms(self.phone(10)),
            ],
            // One mother, once a day, by the bot.
            1 => vec![self.mother().chat(self.bot(77))],
            // Both by SMS on one phone: they get one message.
            2 => vec![
                self.mother().sms(self.phone(11)),
                self.father().sms(self.phone(11)),
            ],
            // SMS as soon as it settles.
            3 => vec![self.mother().sms(self.phone(12)).preset("at_once")],
            // A grandmother as guardian, by SMS.
            7 => {
                let ties = vec![(self.student, "guardian", false)];
                vec![Guardian {
                    ties,
                    ..self.mother().sms(self.phone(14))
                }]
            }
            // What is important at once, the rest with the week.
            9 => vec![self.mother().chat(self.bot(77)).preset("important")],
            // Shift work: quiet until noon.
            11 => {
                let quiet = Some("22:00-12:00");
                vec![Guardian {
                    quiet,
                    ..self.mama().preset("at_once")
                }]
            }
            _ => return None,
        })
    }

    /// The situations in which somebody must not hear, or cannot.
    fn hard(self) -> Option<Vec<Guardian>> {
        let nobody = format!("nobody{}@example.org", self.student);
        Some(match self.student % 16 {
            // A court keeps the father away; his addresses are known and must stay silent.
            4 => vec![self.mama().preset("at_once"), self.papa().restricted()],
            // Nobody has been asked for consent: paper.
            5 => vec![self.mama().sms(self.phone(13))],
            // The mother agrees, the father refuses: e-mail and paper.
            6 => vec![self.mama(), self.papa().refusing()],
            // The mailbox does not exist: the SMS takes over.
            8 => {
                let mother = self.mother().mail(nobody).sms(self.phone(15));
                vec![mother.preset("at_once"), self.papa()]
            }
            // A number that does not exist: paper within the week. The father has blocked the bot: the
            // mail takes over.
            10 => vec![
                self.mother().sms(self.phone(91)).preset("at_once"),
                self.father()
                    .chat(self.bot(403))
                    .mail(format!("papa{}@example.org", self.student)),
            ],
            // The gateway takes it and loses its answer: in doubt, then asked.
            12 => vec![
                self.mother().sms(self.phone(94)).preset("at_once"),
                self.papa(),
            ],
            // The phone is off: «not delivered» comes back.
            13 => vec![self.mother().sms(self.phone(99)).preset("at_once")],
            // The family chose paper, although both could be reached.
            14 => vec![self.mama().preset("paper"), self.papa().preset("paper")],
            // Consent is withdrawn in the middle of the week.
            15 => vec![self.mama().preset("at_once")],
            _ => return None,
        })
    }
}

impl Guardian {
    fn mail(mut self, address: String) -> Self {
        self.contacts.push(("email", address));
        self
    }

    fn sms(mut self, number: String) -> Self {
        self.contacts.push(("sms", number));
        self
    }

    fn chat(mut self, chat: String) -> Self {
        self.contacts.push(("telegram", chat));
        self
    }

    fn preset(mut self, preset: &'static str) -> Self {
        self.preset = Some(preset);
        self
    }

    fn restricted(mut self) -> Self {
        self.ties.iter_mut().for_each(|tie| tie.2 = true);
        self
    }

    fn refusing(mut self) -> Self {
        self.consents = self
            .ties
            .iter()
            .map(|(student, ..)| (*student, "data", "refused"))
            .collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_school_is_as_large_as_promised_and_the_same_for_the_same_seed() {
        let school = School::sample(&mut StdRng::seed_from_u64(12));
        assert_eq!(
            (
                school.students.len(),
                school.guardians.len(),
                school.classes.len()
            ),
            (120, 180, 5)
        );
        let again = School::sample(&mut StdRng::seed_from_u64(12));
        assert_eq!(format!("{school:?}"), format!("{again:?}"));
        assert!(school.withdrawing().count() > 0);
    }
}
