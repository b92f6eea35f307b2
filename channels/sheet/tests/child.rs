//! The process that sets pages, and what becomes of it when a template is bad.

use std::{
    fs,
    time::{Duration, Instant},
};

use vestnik_sheet::{Child, RenderError, WEEK, render, sample};

/// Typst stops a loop without an end by itself, but not one whose end is far.
const ENDLESS: &str =
    "#{ let s = 0; for a in range(100000) { for b in range(100000) { s += 1 } } }";

fn child() -> Child {
    Child {
        program: env!("CARGO_BIN_EXE_vestnik-sheet-child").into(),
        args: Vec::new(),
        timeout: Duration::from_secs(20),
        memory: 2 << 30,
    }
}

/// The processes that this one has started and that are still there.
fn children() -> Vec<String> {
    let me = format!("PPid:\t{}\n", std::process::id());
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok())
        .filter(|status| status.contains(&me))
        .collect()
}

#[tokio::test]
async fn the_child_sets_what_this_process_would_and_every_bad_end_is_told() {
    let pdf = child().render(&sample(), WEEK).await.expect("a page");
    assert_eq!(pdf, render(&sample(), WEEK).expect("a page"));
    assert!(children().is_empty());

    let error = child()
        .render(&sample(), "\n#nothing")
        .await
        .expect_err("an error");
    assert!(
        matches!(error, RenderError::Template { line: 2, .. }),
        "{error}"
    );

    let hasty = Child {
        timeout: Duration::from_millis(500),
        ..child()
    };
    #[expect(clippy::disallowed_methods, reason = "the time-out is what is tried")]
    let begun = Instant::now();
    let error = hasty
        .render(&sample(), ENDLESS)
        .await
        .expect_err("an error");
    assert!(matches!(error, RenderError::TimedOut(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(children().is_empty(), "nothing is left of it");

    let hungry = Child {
        memory: 400 << 20,
        ..child()
    };
    let greedy = "#let a = \"x\" * 100000000\n#let b = range(20).map(i => a + str(i))\n#b.len()";
    let error = hungry
        .render(&sample(), greedy)
        .await
        .expect_err("an error");
    assert!(matches!(error, RenderError::Died(_)), "{error}");
    assert!(children().is_empty());

    let nobody = Child {
        program: "/nowhere/vestnik".into(),
        ..child()
    };
    let error = nobody.render(&sample(), WEEK).await.expect_err("an error");
    assert!(matches!(error, RenderError::NoProgram(_)), "{error}");
    let stranger = Child {
        program: "/bin/true".into(),
        ..child()
    };
    let error = stranger
        .render(&sample(), WEEK)
        .await
        .expect_err("an error");
    assert!(matches!(error, RenderError::Died(_)), "{error}");
    assert!(!error.to_string().contains("Соколова"), "{error}");

    // A caller that goes away takes the child along.
    let started = child();
    let batch = sample();
    let begun = started.render(&batch, ENDLESS);
    let patience = tokio::time::timeout(Duration::from_millis(300), begun);
    assert!(patience.await.is_err());
    // The kill is sent at once; the system takes a moment to reap.
    let deadline = tokio::time::timeout(Duration::from_secs(5), async {
        while !children().iter().all(|status| status.contains("State:\tZ")) {
            tokio::task::yield_now().await;
        }
    });
    deadline.await.expect("the child is gone");
}
