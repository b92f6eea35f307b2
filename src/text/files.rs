//! The templates that come with the program, and their names.

use std::path::Path;

use super::TemplateError;

macro_rules! template {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../templates/messages/", $name)),
        )
    };
}
/// Path below `templates/messages`, and content.
pub(super) const TEMPLATES: &[(&str, &str)] = &[
    template!("frame/email.html.hbs"),
    template!("frame/email.subject.hbs"),
    template!("frame/email.txt.hbs"),
    template!("frame/sms.hbs"),
    template!("mark/email.html.hbs"),
    template!("mark/email.txt.hbs"),
    template!("mark/sms.hbs"),
    template!("mark_corrected/email.html.hbs"),
    template!("mark_corrected/email.txt.hbs"),
    template!("mark_corrected/sms.hbs"),
    template!("mark_withdrawn/email.html.hbs"),
    template!("mark_withdrawn/email.txt.hbs"),
    template!("mark_withdrawn/sms.hbs"),
];

/// The samples that templates are tried with.
pub(super) const SAMPLES: &[(&str, &str)] = &[
    template!("mark/sample.json"),
    template!("mark_corrected/sample.json"),
    template!("mark_withdrawn/sample.json"),
];

/// Refuses files that replace nothing: a misspelt name would silently leave the old words.
pub(super) fn refuse_unknown(directory: &Path) -> Result<(), TemplateError> {
    for name in below(directory, "")? {
        let known = TEMPLATES.iter().map(|(known, _)| *known);
        if !known.clone().any(|known| known == name) {
            let nearest = known.min_by_key(|known| strsim::damerau_levenshtein(known, &name));
            return Err(TemplateError::Unknown {
                nearest: nearest.unwrap_or_default().to_owned(),
                name,
            });
        }
    }
    Ok(())
}

fn below(directory: &Path, prefix: &str) -> Result<Vec<String>, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable {
        path: directory.display().to_string(),
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            names.extend(below(&entry.path(), &format!("{name}/"))?);
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/messages");
        let mut table: Vec<&str> = TEMPLATES
            .iter()
            .chain(SAMPLES)
            .map(|(name, _)| *name)
            .collect();
        table.sort_unstable();
        assert_eq!(below(&folder, "").expect("the folder"), table);
    }
}
