//! Alphabets and parts on a generated corpus: recounted here in another way, and by three public programs
//! where `VESTNIK_TEST_SMS_ORACLE` names a command that runs them.
//!
//! That command reads a JSON string a line, and answers each with two JSON objects: `{"twilio": [alphabet,
//! parts], "split": [alphabet, parts]}` and `{"smsutil": [alphabet, parts]}`.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;
use vestnik_sms::parts::{Alphabet, count, split};

/// More than the issue asks for.
const TEXTS: usize = 12_000;

const GSM: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\n";
const EXTENSION: &str = "^{}\\[~]|€";
const RUSSIAN: &str =
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ№«»–—… ,.:;0123456789";
const ASTRAL: &str = "😀👍🎉🏫𝄞𐍈";

/// A generator whose numbers never change (Knuth, MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % most
    }

    fn one_of(&mut self, alphabet: &[char]) -> char {
        alphabet[self.below(alphabet.len())]
    }
}

/// Texts of all alphabets, most of them as long as a limit, one less, or a few more.
fn corpus() -> Vec<String> {
    let chars = |text: &str| text.chars().collect::<Vec<char>>();
    let (gsm, extension, russian, astral) =
        (chars(GSM), chars(EXTENSION), chars(RUSSIAN), chars(ASTRAL));
    let mut random = Random(42);
    (0..TEXTS)
        .map(|at| {
            let limit = [70, 134, 201, 268, 160, 306, 459, 612][random.below(8)];
            let length = match random.below(4) {
                0 => 1 + random.below(700),
                _ => (limit + random.below(7)).saturating_sub(3),
            };
            // How often, in a hundred, a letter comes from another alphabet.
            let (rare, astral_rare) = ([0, 1, 10][random.below(3)], [0, 0, 2, 30][random.below(4)]);
            let mut text = String::new();
            for _ in 0..length {
                let other = random.below(100);
                let c = match at % 3 {
                    0 if other < rare => random.one_of(&extension),
                    0 => random.one_of(&gsm),
                    1 if other < astral_rare => random.one_of(&astral),
                    1 => random.one_of(&russian),
                    _ if other < rare => random.one_of(&russian),
                    _ if other < 2 * rare => random.one_of(&extension),
                    _ => random.one_of(&gsm),
                };
                text.push(c);
            }
            text
        })
        .collect()
}

/// Counted from the other end: by code units, one after the other, never beginning a part with the second half
/// of a pair, nor with what an escape announced.
fn recount(text: &str) -> (Alphabet, usize) {
    let plain = |c: char| GSM.contains(c) || c == '\r';
    let escaped = |c: char| EXTENSION.contains(c) || c == '\u{c}';
    let (alphabet, alone, joined) = if text.chars().all(|c| plain(c) || escaped(c)) {
        (Alphabet::Gsm7, 160, 153)
    } else {
        (Alphabet::Ucs2, 70, 67)
    };
    // One entry a unit; true where a part may begin.
    let units: Vec<bool> = match alphabet {
        Alphabet::Gsm7 => text
            .chars()
            .flat_map(|c| {
                if escaped(c) {
                    vec![true, false]
                } else {
                    vec![true]
                }
            })
            .collect(),
        Alphabet::Ucs2 => text
            .encode_utf16()
            .map(|unit| !(0xDC00..0xE000).contains(&unit))
            .collect(),
    };
    if units.len() <= alone {
        return (alphabet, 1);
    }
    let (mut parts, mut begin) = (0, 0);
    while begin < units.len() {
        let mut end = (begin + joined).min(units.len());
        while end < units.len() && !units[end] {
            end -= 1;
        }
        (parts, begin) = (parts + 1, end);
    }
    (alphabet, parts)
}

/// Texts as a school writes them, with the units and parts that were measured.
const MEASURED: [(&str, usize, usize, Alphabet); 18] = [
    (
        "Школа 12: SMS об учёбе Маши включены. Отказ: (343)215-40-12",
        59,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша 14.10: матем 5, рус 4 и 3. Итог недели в пятницу",
        63,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша 14.10: матем 5, рус 4. Не была: 1 урок (англ)",
        60,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12: Маши нет на 1 и 2 уроке 14.10. Ошибка? (343)215-40-12",
        63,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша: исправлено, рус 12.10 не 3, а 4. Извините",
        57,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12: ошибка, Маша 14.10 была на уроках. Извините",
        53,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша 14.10: запись учителя истории. Текст: у кл.рук.",
        62,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша 14.10: благодарность, олимпиада по биологии",
        58,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша, прогноз за 1 четв: рус 3-4, англ 3, остальные 4-5",
        65,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша, итоги 1 четв: рус 4, лит 5, матем 5, англ 4, ист 5, биол 5, геогр 4, физк 5, ИЗО 5, музыка 5, труд 5",
        116,
        2,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12, 5Б: собрание 20.10 в 18:00, каб. 24. Иванова А.П.",
        59,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12: 15.10 уроков нет, авария отопления. Задания: у кл.рук.",
        64,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12, 5Б: 15.10 уроки с 9:20, 1-го урока (англ) нет",
        55,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12: SMS отключены. Распечатка по пятницам у кл.рук.",
        57,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12. Маша 12-16.10: отметок нет, пропусков нет",
        51,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12, 14.10. Маша: матем 5, рус 4. Петя: чтение 5, н: 2 урока",
        65,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Школа 12: почта не принимает письма. Сверьте адрес у кл.рук.",
        60,
        1,
        Alphabet::Ucs2,
    ),
    (
        "Shkola 12. Masha 14.10: matem 5, rus 4 i 3, angl - ne byla (1 urok). Domashnee zadanie: v bote ili u klassnogo rukovoditelya. Spravki: (343)215-40-12",
        149,
        1,
        Alphabet::Gsm7,
    ),
];

#[test]
fn the_texts_of_a_school_have_the_measured_parts() {
    for (text, units, parts, alphabet) in MEASURED {
        let counted = count(text);
        let is = (counted.units, counted.parts, counted.alphabet);
        assert_eq!(is, (units, parts, alphabet), "{text}");
    }
}

#[test]
fn the_corpus_is_counted_alike_in_two_ways() {
    let corpus = corpus();
    assert_eq!(corpus.len(), TEXTS);
    let mut several = 0;
    for text in &corpus {
        let counted = count(text);
        assert_eq!((counted.alphabet, counted.parts), recount(text), "{text}");
        several += usize::from(counted.parts > 1);
    }
    assert!(several > TEXTS / 2, "{several} texts need several parts");
}

/// Trap 34, and 33 with it: no part ends within a letter, none is too long, and nothing is lost.
#[test]
fn no_part_of_the_corpus_ends_within_a_letter() {
    for text in corpus() {
        let parts = split(&text);
        assert_eq!(parts.concat(), text);
        let alphabet = Alphabet::of(&text);
        let joined = alphabet.joined();
        for part in &parts {
            if parts.len() > 1 && alphabet == Alphabet::Ucs2 {
                let units: Vec<u16> = part.encode_utf16().collect();
                assert!(units.len() <= joined);
                assert!(String::from_utf16(&units).is_ok(), "a lone surrogate");
            }
        }
    }
}

#[test]
#[ignore = "needs three public counters; VESTNIK_TEST_SMS_ORACLE names the command that runs them"]
fn three_public_programs_count_the_corpus_alike() {
    let command = std::env::var("VESTNIK_TEST_SMS_ORACLE").expect("VESTNIK_TEST_SMS_ORACLE");
    let mut words = command.split_whitespace();
    let mut child = Command::new(words.next().expect("a command"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the counters");
    let corpus = corpus();
    let mut input = child.stdin.take().expect("its input");
    let lines: Vec<String> = corpus
        .iter()
        .map(|text| Value::from(text.as_str()).to_string())
        .collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").expect("a line");
        }
    });
    let output = child.wait_with_output().expect("its answers");
    writer.join().expect("all lines");
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    // What stands before the counts repeats the text, and may be cut within a pair.
    let answers: Vec<Vec<Value>> = answers
        .lines()
        .map(|line| {
            let counts = line.find("\"twilio\":").expect("the counts");
            let line = format!("{{{}", &line[counts..]);
            let objects = serde_json::Deserializer::from_str(&line).into_iter();
            objects.collect::<Result<_, _>>().expect("JSON")
        })
        .collect();
    assert_eq!(answers.len(), corpus.len(), "each text has an answer");
    let mut apart = [0; 3];
    for (text, answer) in corpus.iter().zip(&answers) {
        let counted = count(text);
        let places = [(0, "twilio"), (0, "split"), (1, "smsutil")];
        for (at, (object, name)) in places.into_iter().enumerate() {
            let said = &answer[object][name];
            let seven = said[0]
                .as_str()
                .is_some_and(|name| name.to_lowercase().contains("gsm"));
            let alike = said[1].as_u64() == u64::try_from(counted.parts).ok()
                && seven == (counted.alphabet == Alphabet::Gsm7);
            if !alike {
                apart[at] += 1;
                if apart[at] <= 3 {
                    println!("{name} says {said}, we {counted:?} of {text:?}");
                }
            }
        }
    }
    println!(
        "apart: twilio {}, split {}, smsutil {} of {TEXTS}",
        apart[0], apart[1], apart[2]
    );
    assert_eq!(apart, [0, 0, 0]);
}
