//! Stories of a database that is restored from a backup.

use std::path::{Path, PathBuf};

use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use vestnik::{
    instant::MINUTE,
    quarantine::{Standing, Watermark},
    store::{Begun, Store, Verdict},
};

use crate::desk::{Desk, FAMILY, at};
use crate::support::both;

/// The family with the father taken out of the way.
const OLGA: &str = "DELETE FROM guardianship WHERE guardian_id = 2";

fn mark(day: u32, value: &str) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day:02}', '{value}')"
    )
}

/// As `serve` begins: the file is read, the start is committed, and then the file is written.
async fn begin(store: &Store, path: &Path, time: &str) -> (Begun, Watermark) {
    let file = Watermark::read(path).unwrap();
    let begun = store.start("this machine", file, at(time)).await.unwrap();
    let watermark = Watermark::begin(path.to_owned(), begun.mark).unwrap();
    (begun, watermark)
}

/// What a backup of this SQLite database restores.
async fn backup(store: &Store, folder: &TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    sqlx::query(AssertSqlSafe(format!("VACUUM INTO '{}'", path.display())))
        .execute(store.pool())
        .await
        .unwrap();
    path
}

/// F5.24: the backup of Tuesday is restored on Thursday. What was told in between is not told again,
/// and what is new goes out after the release.
#[tokio::test]
async fn a_restored_backup_sends_nothing_until_it_is_released_and_nothing_twice() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("school.db").display());
    let path = folder.path().join("school.db.epoch");
    let store = Store::open(&url).await.unwrap();
    let (begun, watermark) = begin(&store, &path, "2026-10-12T08:00:00").await;
    assert!(!begun.quarantined, "the first start");
    let mut desk = Desk::open(&store).watermark(watermark);
    desk.now = at("2026-10-12T09:00:00");
    desk.sql(FAMILY).await;
    desk.sql(OLGA).await;
    desk.sql(&mark(12, "5")).await;
    desk.minutes(30).await;
    assert_eq!(desk.calls.len(), 1);
    // Tuesday: a mark settles while the backup is made.
    desk.until("2026-10-13T10:00:00").await;
    desk.sql(&mark(13, "4")).await;
    let tuesday = backup(&store, &folder, "tuesday.db").await;
    desk.minutes(30).await;
    desk.until("2026-10-14T10:00:00").await;
    desk.sql(&mark(14, "3")).await;
    desk.minutes(30).await;
    assert_eq!(desk.calls.len(), 3, "told on Tuesday and on Wednesday");
    drop(desk);

    let restored = Store::open(&format!("sqlite:{}", tuesday.display()))
        .await
        .unwrap();
    let (begun, watermark) = begin(&restored, &path, "2026-10-15T09:00:00").await;
    assert_eq!(begun.standing, Standing::Restored);
    let mut desk = Desk::with(&restored, 30 * MINUTE, "copy").watermark(watermark);
    desk.until("2026-10-15T09:05:00").await;
    // The school imports Wednesday again, and Thursday's first mark comes.
    desk.sql(&mark(14, "3")).await;
    desk.sql(&mark(15, "2")).await;
    desk.minutes(120).await;
    assert!(desk.calls.is_empty(), "nothing is sent");
    let status = restored.status(desk.now).await.unwrap();
    assert!(status.quarantine && status.held == 3, "{status:?}");

    // Another start changes nothing: the question is still open.
    let (begun, _) = begin(&restored, &path, "2026-10-15T11:10:00").await;
    assert_eq!((begun.standing, begun.quarantined), (Standing::Usual, true));

    let hold = restored.holds().await.unwrap().remove(0);
    assert_eq!(hold.kind, "quarantine");
    let released = restored.decide(hold.id, Verdict::Release, desk.now).await;
    assert_eq!(released.unwrap(), Some(3));
    desk.minutes(60).await;
    assert_eq!(desk.calls.len(), 1);
    let text = &desk.calls[0].1.text;
    assert!(
        text.contains("15 октября") && !text.contains("13 октября"),
        "{text}"
    );
    assert_eq!(
        desk.number(
            "SELECT COUNT(*) FROM notice WHERE waits_for = 'sheet' AND reason = 'restored'"
        )
        .await,
        2,
        "the sheet says what may have been told"
    );
    // A new telephone does not bring them back to the phone.
    desk.sql(
        "INSERT INTO contact (guardian_id, channel, address) VALUES (1, 'sms', '+79000000011')",
    )
    .await;
    desk.minutes(60).await;
    assert_eq!(desk.calls.len(), 1);
}

/// A message that was ready or under way when the backup was made has left since.
#[tokio::test]
async fn what_a_backup_was_about_to_send_is_not_sent_by_its_copy() {
    for base in both().await {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("vestnik.epoch");
        let (_, watermark) = begin(&base.store, &path, "2026-10-14T08:00:00").await;
        let mut desk = Desk::open(&base.store).watermark(watermark);
        desk.sql(FAMILY).await;
        desk.sql(OLGA).await;
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1);
        // The same rows as a backup of the moment before would hold them.
        desk.write(
            "DELETE FROM attempt; UPDATE message SET state = 'ready', rank = 0, attempts = 0;
             UPDATE notice SET state = 'in_message'; DELETE FROM told",
        )
        .await;
        drop(desk);
        let (begun, watermark) = begin(&base.store, &path, "2026-10-15T09:00:00").await;
        assert_eq!(begun.standing, Standing::Restored);
        let mut desk = Desk::with(&base.store, 0, "copy").watermark(watermark);
        desk.until("2026-10-15T09:00:00").await;
        let hold = base.store.holds().await.unwrap().remove(0);
        base.store
            .decide(hold.id, Verdict::Release, desk.now)
            .await
            .unwrap();
        desk.minutes(120).await;
        assert!(desk.calls.is_empty());
        assert_eq!(desk.text("SELECT state FROM message").await, "unresolved");
        // A correction names what the family may have read.
        desk.sql("UPDATE mark SET value = '3'").await;
        desk.minutes(5).await;
        assert_eq!(
            desk.calls.len(),
            0,
            "one notice of a fact: it corrects the sheet's"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE waits_for = 'sheet'")
                .await,
            1
        );
    }
}

/// A database that was carried to another machine: dropped, it says nothing that the other one may say.
#[tokio::test]
async fn on_another_machine_a_person_decides() {
    for base in both().await {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("vestnik.epoch");
        base.store
            .start("the old machine", None, at("2026-10-01T09:00:00"))
            .await
            .unwrap();
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(OLGA).await;
        desk.sql(&mark(14, "5")).await;
        let (begun, _) = begin(&base.store, &path, "2026-10-14T09:10:00").await;
        assert_eq!(begun.standing, Standing::Moved);
        desk.minutes(30).await;
        assert!(desk.calls.is_empty());
        assert_eq!(desk.notices().await.get("in_message"), Some(&1));
        let hold = base.store.holds().await.unwrap().remove(0);
        let dropped = base.store.decide(hold.id, Verdict::Drop, desk.now).await;
        assert_eq!(dropped.unwrap(), Some(1));
        desk.minutes(30).await;
        assert!(desk.calls.is_empty());
        assert_eq!(desk.text("SELECT state FROM message").await, "cancelled");
        desk.sql(&mark(13, "4")).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1, "from now on it sends");
    }
}

/// The program dies between the commit of its start and the file: the file is older, and nothing is
/// wrong.
#[tokio::test]
async fn a_crash_between_the_commit_and_the_file_is_no_quarantine() {
    for base in both().await {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("vestnik.epoch");
        let (_, watermark) = begin(&base.store, &path, "2026-10-14T08:00:00").await;
        let mut desk = Desk::open(&base.store).watermark(watermark);
        desk.sql(FAMILY).await;
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        let file = Watermark::read(&path).unwrap();
        assert_eq!(file.unwrap().attempt, 1);
        for _ in 0..2 {
            let begun = base
                .store
                .start("this machine", file, desk.now)
                .await
                .unwrap();
            assert_eq!(
                (begun.standing, begun.quarantined),
                (Standing::Usual, false)
            );
        }
    }
}
