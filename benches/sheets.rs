//! The sheets of 300 students, ten classes of thirty, beside other ways to make a PDF of the same content.
//!
//! `VESTNIK_BENCH_PYTHON=… cargo bench -p vestnik-sheet` with a Python that has `weasyprint` and `typst`, and
//! Chromium on the PATH. Two classes are made at a time, by everybody; what is missing is left out.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures time, and fails loudly"
)]

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use vestnik_sheet::{Batch, Child, Paper, Purpose, Sheet, WEEK, sample};

const CLASSES: usize = 10;
const IN_CLASS: usize = 30;
const ROUNDS: usize = 3;

/// What a sheet tells of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    /// A usual week: a subject or two of each day with a mark.
    Usual,
    /// All subjects of a senior class, each with lessons every other day, marks and homework.
    Full,
}

/// The subjects of a senior class.
const SUBJECTS: [&str; 19] = [
    "Русский язык",
    "Литература",
    "Родная литература",
    "Иностранный язык (английский)",
    "Алгебра",
    "Геометрия",
    "Вероятность и статистика",
    "Информатика",
    "История",
    "Обществознание",
    "География",
    "Физика",
    "Химия",
    "Биология",
    "Основы безопасности и защиты Родины",
    "Физическая культура",
    "Изобразительное искусство",
    "Музыка",
    "Труд (технология)",
];

/// The sheet with the lines of a full week: two marks in each subject and a task in each.
fn full(sheet: &mut Sheet) {
    let (subjects, tasks) = (sheet.subjects.clone(), sheet.homework.clone());
    let taken = |at: usize| at % subjects.len();
    sheet.subjects = (0..SUBJECTS.len())
        .map(|at| subjects[taken(at)].clone())
        .collect();
    sheet.homework = (0..SUBJECTS.len())
        .map(|at| tasks[at % tasks.len()].clone())
        .collect();
    let mark = subjects
        .iter()
        .find_map(|one| one.marks.first().cloned())
        .unwrap();
    for (at, name) in SUBJECTS.iter().enumerate() {
        (*name).clone_into(&mut sheet.subjects[at].name);
        sheet.subjects[at].marks = vec![mark.clone(), mark.clone()];
        (*name).clone_into(&mut sheet.homework[at].subject);
    }
}

/// A class, no two of whose sheets are alike.
fn class(at: usize, load: Load) -> Batch {
    let base = sample();
    let sheet = |student: usize| {
        let mut sheet: Sheet = base.sheets[0].clone();
        if load == Load::Full {
            full(&mut sheet);
        }
        sheet.student = format!("Соколова {at}-{student} Мария");
        sheet.code = format!("5Б-07-{student:02}-К4");
        for (line, subject) in sheet.subjects.iter_mut().enumerate() {
            let hundredths = (student * 7 + line) % 100;
            subject.average = Some(format!("{},{hundredths:02}", 3 + student % 2));
        }
        sheet
    };
    Batch {
        sheets: (1..=IN_CLASS).map(sheet).collect(),
        ..base
    }
}

/// One sheet with the same content as a part of a page for a browser.
fn section(batch: &Batch, sheet: &Sheet) -> String {
    let row = |line: &vestnik_sheet::Subject| {
        let marks = line.marks.iter();
        let marks: Vec<String> = marks
            .map(|mark| format!("<b>{}</b> ({})", mark.value, mark.day))
            .collect();
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            line.name,
            line.lessons.unwrap_or(0),
            marks.join(", "),
            line.average.as_deref().unwrap_or("–"),
            line.missed,
            line.late
        )
    };
    let rows: Vec<String> = sheet.subjects.iter().map(row).collect();
    let list = |title: &str, lines: Vec<String>| format!("<h3>{title}</h3>{}", lines.join("<br>"));
    let homework = sheet.homework.iter();
    let homework = homework.map(|one| format!("{}. {}: {}", one.due, one.subject, one.text));
    let words = sheet.announcements.iter().map(|one| one.text.clone());
    format!(
        "<section><h1>{0}, {1}</h1><hr><p>{2} – {3}</p><h2>Листок № {4}</h2><p><b>{5}</b></p><table><tr>\
         <th>Предмет</th><th>Уроков</th><th>Отметки</th><th>Средний балл</th><th>Пропусков</th><th>Опозданий</th>\
         </tr>{6}</table>{7}{8}{9}{10}<footer>Листок № {4} · {0} · код {11}<br>☐ Ознакомлен(а) ☐ Есть вопрос \
         ☐ Ошибка в записях ☐ Позвоните мне</footer></section>",
        sheet.student,
        batch.class,
        batch.school,
        batch.week,
        sheet.number,
        sheet.summary.join(" "),
        rows.concat(),
        list("Исправления", sheet.corrections.clone()),
        list("Впереди", sheet.ahead.clone()),
        list("Домашнее задание", homework.collect()),
        list("Объявления", words.collect()),
        sheet.code
    )
}

fn html(batch: &Batch) -> String {
    let sections = batch.sheets.iter().map(|sheet| section(batch, sheet));
    let sections: Vec<String> = sections.collect();
    format!(
        "<!DOCTYPE html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>Листки</title><style>\
         @page {{ size: A4; margin: 14mm 14mm 14mm 20mm }} body {{ font: 12pt 'DejaVu Sans' }} \
         section {{ page-break-after: always }} table {{ border-collapse: collapse; width: 100% }} \
         td, th {{ border: 0.4pt solid #777; padding: 1mm }}</style></head><body>{}</body></html>",
        sections.concat()
    )
}

/// How long both halves of the classes take, one beside the other.
fn halves(work: impl Fn(usize) + Sync) -> Duration {
    let begun = Instant::now();
    thread::scope(|scope| {
        for half in 0..2 {
            let work = &work;
            scope.spawn(move || (0..CLASSES).filter(|at| at % 2 == half).for_each(work));
        }
    });
    begun.elapsed()
}

/// Our own: a child for each class, bounded and gone afterwards.
fn ours(classes: &[Batch], purpose: Purpose) -> Duration {
    let child = Child {
        program: env!("CARGO_BIN_EXE_vestnik-sheet-child").into(),
        args: Vec::new(),
        timeout: Duration::from_mins(2),
        memory: 2 << 30,
    };
    halves(|at| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        let pdf = runtime.block_on(child.render_for(&classes[at], WEEK, purpose));
        assert!(pdf.unwrap().pages >= IN_CLASS);
    })
}

/// What one child needs at most, in MiB, asked of the system until it ends.
fn memory(batch: &Batch) -> f64 {
    let request = serde_json::json!({
        "memory": 2_u64 << 30, "seconds": 120, "template": WEEK, "data": batch.data().unwrap(),
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_vestnik-sheet-child"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(request.to_string().as_bytes()).unwrap();
    drop(input);
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok());
        most = most.max(kilobytes.unwrap_or(0.0) / 1024.0);
        thread::sleep(Duration::from_millis(2));
    }
    assert!(!Path::new(&status).exists(), "it is gone");
    most
}

/// A Python program for each half of the classes.
fn python(folder: &Path, program: &str) -> Option<Duration> {
    let python = env::var("VESTNIK_BENCH_PYTHON").ok()?;
    let begun = Instant::now();
    let half = |half: usize| {
        let mut command = Command::new(&python);
        command.args(["-c", program]).arg(folder);
        command.arg(half.to_string()).arg(CLASSES.to_string());
        command.spawn().unwrap()
    };
    let worked = [half(0), half(1)].map(|mut half| half.wait().unwrap().success());
    worked.iter().all(|worked| *worked).then(|| begun.elapsed())
}

const WEASYPRINT: &str = "
import sys, weasyprint
folder, half, classes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for at in range(half, classes, 2):
    weasyprint.HTML(f'{folder}/{at}.html').write_pdf(f'{folder}/{at}.weasyprint.pdf')
";

const TYPST: &str = "
import sys, typst
folder, half, classes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for at in range(half, classes, 2):
    typst.compile(f'{folder}/{at}/week.typ', output=f'{folder}/{at}/week.pdf')
";

fn chromium(folder: &Path) -> Option<Duration> {
    let known = Command::new("chromium").arg("--version").output().ok()?;
    let quiet = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--no-pdf-header-footer",
    ];
    known.status.success().then(|| {
        halves(|at| {
            let home = folder.join(format!("chromium-{at}"));
            let pdf = folder.join(format!("{at}.chromium.pdf"));
            let page = folder.join(format!("{at}.html"));
            let status = Command::new("chromium")
                .args(quiet)
                .arg(format!("--user-data-dir={}", home.display()))
                .arg(format!("--print-to-pdf={}", pdf.display()))
                .arg(format!("file://{}", page.display()))
                .stderr(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        })
    })
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn main() {
    for (title, load) in [("A usual week", Load::Usual), ("A full week", Load::Full)] {
        println!("\n{title}:");
        measure(load);
    }
}

/// Everybody's time for one load, as a table.
fn measure(load: Load) {
    let folder: PathBuf = tempfile::tempdir().unwrap().keep();
    let classes: Vec<Batch> = (0..CLASSES).map(|at| class(at, load)).collect();
    for (at, batch) in classes.iter().enumerate() {
        fs::write(folder.join(format!("{at}.html")), html(batch)).unwrap();
        let own = folder.join(at.to_string());
        fs::create_dir(&own).unwrap();
        fs::write(own.join("week.typ"), WEEK).unwrap();
        fs::write(own.join("data.json"), batch.data().unwrap().to_string()).unwrap();
    }
    let mut rows: Vec<(&str, Vec<Duration>)> = Vec::new();
    let mut note = |name: &'static str, took: Option<Duration>| {
        let Some(took) = took else { return };
        println!("{name}: {:.2} s", took.as_secs_f64());
        match rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => times.push(took),
            None => rows.push((name, vec![took])),
        }
    };
    for _ in 0..ROUNDS {
        let printer = ours(&classes, Purpose::Print);
        note("vestnik, for a printer", Some(printer));
        let screen = ours(&classes, Purpose::Screen);
        note("vestnik, tagged", Some(screen));
        note("typst from Python, tagged", python(&folder, TYPST));
        note("Chromium", chromium(&folder));
        note("WeasyPrint", python(&folder, WEASYPRINT));
    }
    let printer = median(rows[0].1.clone());
    let tagged = median(rows[1].1.clone());
    println!("\n| | 300 sheets | for a printer | tagged |\n|---|---|---|---|");
    for (name, times) in &rows {
        let took = median(times.clone());
        let (first, second) = (took / printer, took / tagged);
        println!("| {name} | {took:.2} s | {first:.1} × | {second:.1} × |");
    }
    println!("\nA child needs {:.0} MiB at most.", memory(&classes[0]));
    fs::remove_dir_all(&folder).unwrap();
}
