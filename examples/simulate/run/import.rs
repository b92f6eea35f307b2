//! Imports, each made twice.

use vestnik::{
    journal::import::{File, Options, Source, read},
    store::ImportOptions,
};

use super::World;
use crate::{checks, school::School, year::Loading};

impl World {
    /// The secretary loads an answer of the electronic journal, and by mistake once more.
    pub(super) async fn import(&mut self, loading: &Loading) -> Result<(), String> {
        let file = File {
            name: "getmarks.json".to_owned(),
            bytes: loading.answer.clone().into_bytes(),
        };
        let (grade, letter) = School::class_name(loading.class);
        let options = Options {
            source: Source::Eljur,
            class: Some(format!("{grade}{letter}").parse().unwrap()),
            mapping: None,
            days: Some((loading.from, loading.to)),
            today: self.today(),
        };
        let load = read(&[file], &options).map_err(|error| format!("the import: {error}"))?;
        let mut changes = Vec::new();
        for _ in 0..2 {
            let options = ImportOptions::default();
            let report = self.store.import(&load, options, self.now()).await;
            report.map_err(|error| format!("the import: {error}"))?;
            changes.push(checks::changes(&self.store).await);
        }
        if changes[0] == changes[1] {
            Ok(())
        } else {
            Err("the same import twice changed the journal twice".to_owned())
        }
    }
}
