//! Sheets on their way through a printer: told when they came out, never printed twice because an answer was
//! lost, on both databases.

use std::{future::pending, path::Path, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use vestnik::{
    clock::Clock,
    family::contact::Channel,
    journal::class_name::ClassName,
    paper::{calendar::Calendar, press::Press, queue::Queue},
    store::Queued,
};
use vestnik_printer::{
    Printer,
    sandbox::{Mode, Sandbox},
};

use crate::{desk::Desk, paper::press, support::both, teacher::class_on_paper};

/// A printer, and the queue before it.
struct Room {
    printer: Sandbox,
    queue: Queue,
    random: StdRng,
}

impl Room {
    #[expect(clippy::disallowed_methods, reason = "the printer ends with the test")]
    async fn of(desk: &Desk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ipp://{}/ipp/print", listener.local_addr().unwrap());
        let printer = Sandbox::default();
        let router = printer.clone().router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            printer,
            queue: Queue {
                store: desk.store.clone(),
                printer: Printer::new(&address, Duration::from_secs(2), false).unwrap(),
            },
            random: StdRng::seed_from_u64(9),
        }
    }

    /// The daemon looks at the printer, some times.
    async fn rounds(&mut self, desk: &Desk, times: usize) {
        for _ in 0..times {
            self.queue.round(desk.now, &mut self.random).await.unwrap();
        }
    }

    async fn waiting(&self) -> Vec<Queued> {
        self.queue.store.print_queue().await.unwrap()
    }
}

/// The sheets of 5А lie in the folder and wait for the printer; nobody has been told.
async fn laid(desk: &mut Desk, folder: &Path) {
    class_on_paper(desk).await;
    desk.write(
        "INSERT INTO subject (name) VALUES ('Математика');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (2, 1, '2026-10-14', '5')",
    )
    .await;
    desk.work().await;
    desk.until("2026-10-16T13:00:00").await;
    let press = Press {
        configured: vec![Channel::Email],
        queued: true,
        ..press(&desk.store)
    };
    let class = ClassName {
        grade: 5,
        letter: "А".into(),
    };
    let mut random = StdRng::seed_from_u64(7);
    let week = "2026-W42".parse().unwrap();
    press
        .print((1, &class), week, folder, desk.now, &mut random)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told(desk).await, 0);
}

/// How many notices are told on paper.
async fn told(desk: &Desk) -> i64 {
    desk.number("SELECT COUNT(*) FROM notice WHERE state = 'told_by_paper'")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_out_is_told_and_what_the_printer_wants_is_said_meanwhile() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store);
        laid(&mut desk, folder.path()).await;
        let mut room = Room::of(&desk).await;
        room.printer.becomes(Mode::Empty);
        room.rounds(&desk, 3).await;
        let waiting = room.waiting().await;
        assert_eq!(
            waiting[0].says.as_deref(),
            Some("The printer has no paper: put A4 in.")
        );
        assert!(room.printer.jobs().is_empty(), "it waits for paper");
        room.printer.becomes(Mode::Busy);
        room.rounds(&desk, 2).await;
        let says = room.waiting().await[0].says.clone();
        assert_eq!(
            says.as_deref(),
            Some("The printer is busy with another job.")
        );
        assert_eq!(told(&desk).await, 0);
        room.printer.becomes(Mode::Ready);
        room.rounds(&desk, 3).await;
        let jobs = room.printer.jobs();
        assert_eq!(jobs.len(), 1, "one job");
        let file = std::fs::read(folder.path().join("2026-W42_5А_r1.pdf")).unwrap();
        assert_eq!(jobs[0].document, file);
        assert!(room.waiting().await.is_empty());
        assert_eq!(told(&desk).await, 1);
        let printed = "SELECT COUNT(*) FROM sheet WHERE state = 'printed'";
        assert_eq!(desk.number(printed).await, 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_copy_and_a_person_decides_what_no_printer_knows() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store);
        laid(&mut desk, folder.path()).await;
        let mut room = Room::of(&desk).await;

        // The job is found by its name, also after the program ended between the booking and the answer.
        room.printer.becomes(Mode::AnswerLost);
        room.rounds(&desk, 1).await;
        assert_eq!(room.printer.jobs().len(), 1);
        assert_eq!(told(&desk).await, 0);
        room.random = StdRng::seed_from_u64(99);
        room.rounds(&desk, 3).await;
        assert_eq!(room.printer.jobs().len(), 1, "no second copy");
        assert_eq!(told(&desk).await, 1);

        // A printer that forgets leaves it to a person.
        desk.write("UPDATE print_run SET state = 'printing', job_id = NULL, job_name = NULL")
            .await;
        room.printer.becomes(Mode::Forgetful);
        room.rounds(&desk, 4).await;
        assert_eq!(room.printer.jobs().len(), 2);
        let waiting = room.waiting().await.remove(0);
        assert_eq!(waiting.state, "unsure");
        assert!(
            waiting
                .says
                .as_deref()
                .is_some_and(|says| says.contains("look whether the sheets came out")),
            "{:?}",
            waiting.says
        );
        room.rounds(&desk, 3).await;
        assert_eq!(room.printer.jobs().len(), 2, "it waits for the person");
        assert!(room.queue.store.print_again(waiting.id).await.unwrap());
        room.printer.becomes(Mode::Ready);
        room.rounds(&desk, 3).await;
        assert_eq!(room.printer.jobs().len(), 3, "the person has looked");
        assert!(room.waiting().await.is_empty());
    }
}

/// Runs the calendar until the class's printing is noted as done.
async fn calendar_runs(desk: &Desk, folder: &Path, schedule: &str) {
    let calendar = Calendar {
        press: Press {
            configured: vec![Channel::Email],
            ..press(&desk.store)
        },
        folder: folder.to_owned(),
        schedule: schedule.parse().unwrap(),
        clock: Clock::Wall,
        queue: None,
        office: None,
    };
    let stop = CancellationToken::new();
    let until = tokio::time::Instant::now() + Duration::from_mins(1);
    let done = async {
        let sql =
            "SELECT COUNT(*) FROM schedule_run WHERE job = 'sheets/1' AND finished_at IS NOT NULL";
        while desk.number(sql).await == 0 {
            assert!(tokio::time::Instant::now() < until, "nothing is printed");
            let _ = timeout(Duration::from_millis(20), pending::<()>()).await;
        }
        stop.cancel();
    };
    tokio::join!(calendar.run(StdRng::seed_from_u64(3), stop.clone()), done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_is_printed_once_for_each_time_whatever_befalls_the_program() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&base.store);
        class_on_paper(&desk).await;
        desk.write(
            "INSERT INTO schedule_run (job, due_at, claimed_at, finished_at) VALUES ('x', 1, 1, 1)",
        )
        .await;
        // A time that has just passed, by the clock on the wall.
        let now = vestnik::zone::local(Clock::Wall.now() - 60_000, chrono_tz::Europe::Moscow);
        let schedule = now.format("0 %-M %-H * * *").to_string();
        calendar_runs(&desk, folder.path(), &schedule).await;
        // The program ended before it could note that the class is done, and its claim has run out.
        desk.write(
            "UPDATE schedule_run SET finished_at = NULL, claimed_at = claimed_at - 700000 WHERE job = 'sheets/1'",
        )
        .await;
        calendar_runs(&desk, folder.path(), &schedule).await;
        assert_eq!(desk.number("SELECT COUNT(*) FROM print_run").await, 1);
        assert_eq!(desk.number("SELECT COUNT(*) FROM sheet").await, 10);
    }
}
