//! The files of the messages' templates: those that come with the program, and a school's own.

use std::{collections::BTreeMap, fs, path::Path};

use super::{TemplateError, fields};

macro_rules! file {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../templates/messages/", $name)),
        )
    };
}

/// Path below `templates/messages`, and content.
const FILES: &[(&str, &str)] = &[
    file!("absence/email.txt.hbs"),
    file!("absence/sample.json"),
    file!("absence/sms.hbs"),
    file!("achievement/email.txt.hbs"),
    file!("achievement/sample.json"),
    file!("achievement/sms.hbs"),
    file!("announcement/email.txt.hbs"),
    file!("announcement/sample.json"),
    file!("announcement/sms.hbs"),
    file!("appeal/email.txt.hbs"),
    file!("appeal/sample.json"),
    file!("appeal/sms.hbs"),
    file!("attendance_corrected/email.txt.hbs"),
    file!("attendance_corrected/sample.json"),
    file!("attendance_corrected/sms.hbs"),
    file!("class_event/email.txt.hbs"),
    file!("class_event/sample.json"),
    file!("class_event/sms.hbs"),
    file!("en/any/email.txt.hbs"),
    file!("en/any/sms.hbs"),
    file!("en/frame/email.html.hbs"),
    file!("en/frame/email.subject.hbs"),
    file!("en/frame/email.txt.hbs"),
    file!("en/frame/sms.hbs"),
    file!("en/frame/telegram.hbs"),
    file!("en/frame/telegram.ping.hbs"),
    file!("exam/email.txt.hbs"),
    file!("exam/sample.json"),
    file!("exam/sms.hbs"),
    file!("forecast/email.txt.hbs"),
    file!("forecast/sample.json"),
    file!("forecast/sms.hbs"),
    file!("frame/email.html.hbs"),
    file!("frame/email.subject.hbs"),
    file!("frame/email.txt.hbs"),
    file!("frame/sms.hbs"),
    file!("frame/sms.skeletons.txt"),
    file!("frame/telegram.hbs"),
    file!("frame/telegram.ping.hbs"),
    file!("homework/email.txt.hbs"),
    file!("homework/sample.json"),
    file!("homework/sms.hbs"),
    file!("lateness/email.txt.hbs"),
    file!("lateness/sample.json"),
    file!("lateness/sms.hbs"),
    file!("mark/email.html.hbs"),
    file!("mark/email.txt.hbs"),
    file!("mark/sample.json"),
    file!("mark/sms.hbs"),
    file!("mark_corrected/email.html.hbs"),
    file!("mark_corrected/email.txt.hbs"),
    file!("mark_corrected/sample.json"),
    file!("mark_corrected/sms.hbs"),
    file!("mark_withdrawn/email.html.hbs"),
    file!("mark_withdrawn/email.txt.hbs"),
    file!("mark_withdrawn/sample.json"),
    file!("mark_withdrawn/sms.hbs"),
    file!("praise/email.txt.hbs"),
    file!("praise/sample.json"),
    file!("praise/sms.hbs"),
    file!("preliminary/email.txt.hbs"),
    file!("preliminary/sample.json"),
    file!("preliminary/sms.hbs"),
    file!("remark/email.txt.hbs"),
    file!("remark/sample.json"),
    file!("remark/sms.hbs"),
    file!("schedule_change/email.txt.hbs"),
    file!("schedule_change/sample.json"),
    file!("schedule_change/sms.hbs"),
    file!("service/email.txt.hbs"),
    file!("service/sample.json"),
    file!("service/sms.hbs"),
    file!("staff/email.subject.hbs"),
    file!("staff/email.txt.hbs"),
    file!("staff/sample.json"),
    file!("staff/sms.hbs"),
    file!("staff/telegram.ping.hbs"),
    file!("term_result/email.txt.hbs"),
    file!("term_result/sample.json"),
    file!("term_result/sms.hbs"),
    file!("test/email.txt.hbs"),
    file!("test/sample.json"),
    file!("test/sms.hbs"),
    file!("urgent/email.txt.hbs"),
    file!("urgent/sample.json"),
    file!("urgent/sms.hbs"),
];

/// All files by their names, those of the school's directory in place of their namesakes.
///
/// # Errors
/// [`TemplateError::Unreadable`], and [`TemplateError::Unknown`] for a file that replaces nothing:
/// a misspelt name would silently leave the old words.
pub(super) fn read(
    directory: Option<&Path>,
) -> Result<BTreeMap<&'static str, String>, TemplateError> {
    let mut files: BTreeMap<_, _> = FILES
        .iter()
        .map(|(name, content)| (*name, (*content).to_owned()))
        .collect();
    let Some(directory) = directory else {
        return Ok(files);
    };
    for name in below(directory, "")? {
        let Some(content) = files.get_mut(name.as_str()) else {
            let nearest = fields::nearest(&name, FILES.iter().map(|(known, _)| *known));
            return Err(TemplateError::Unknown {
                nearest: nearest.to_owned(),
                name,
            });
        };
        let path = directory.join(&name);
        *content = fs::read_to_string(&path).map_err(|source| TemplateError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(files)
}

/// The files of a folder and its folders. Hidden ones are left out: an editor's swap file must not
/// keep the daemon from starting.
fn below(directory: &Path, prefix: &str) -> Result<Vec<String>, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable {
        path: directory.display().to_string(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{file}");
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
        let table: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(below(&folder, "").expect("the folder"), table);
    }
}
