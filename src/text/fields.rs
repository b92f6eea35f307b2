//! Which fields and helpers a template may name.
//!
//! The template engine takes a misspelt field in a condition for one that is empty, and looks at a
//! branch only when it is taken. A school that mends a text must hear of its slip at once, so the
//! names are read from the parsed template.

use handlebars::{
    Path, PathSeg, Template,
    template::{BlockParam, HelperTemplate, Parameter, TemplateElement},
};

use super::{TemplateError, words::HELPERS};

/// What `view::item` offers.
const FRAGMENT: &[&str] = &[
    "event",
    "subject",
    "lesson",
    "date",
    "new",
    "old",
    "work_kind",
    "comment",
    "short",
    "answers",
    "files",
    "entered",
];

/// What `view::letter` offers, at all its depths.
const FRAME: &[&str] = &[
    "school",
    "short_school",
    "phone",
    "occasion",
    "date",
    "number",
    "names",
    "students",
    "name",
    "class",
    "count",
    "days",
    "groups",
    "subject",
    "event",
    "items",
    "announcements",
    "text",
    "week",
    "summary",
    "subjects",
    "marks",
    "value",
    "on",
    "kind",
    "average",
    "missed",
    "late",
    "ahead",
    "homework",
    "due",
];

/// What `staff::data` offers.
const STAFF: &[&str] = &[
    "school",
    "short_school",
    "phone",
    "sections",
    "matter",
    "items",
    "who",
    "why",
    "from",
    "to",
    "subject",
    "date",
    "words",
    "link",
];

/// What the loops of the template engine offer, each after `@`.
const LOOP: &[&str] = &["first", "last", "index", "key", "root"];

/// Refuses a template that names what does not exist. `name` is that of `file` among those of its language.
///
/// # Errors
/// [`TemplateError::Broken`] with the line, the name, and the known name nearest to it.
pub(super) fn check(file: &str, name: &str, template: &Template) -> Result<(), TemplateError> {
    let fields = match name.split_once('/') {
        Some(("frame", _)) => FRAME,
        Some(("staff", _)) => STAFF,
        _ => FRAGMENT,
    };
    let mut names = Names {
        fields,
        own: Vec::new(),
    };
    names
        .template(template)
        .map_err(|(line, problem)| TemplateError::Broken {
            name: file.to_owned(),
            line,
            problem,
        })
}

/// The names that are known at one place of a template.
struct Names {
    fields: &'static [&'static str],
    /// Those that the template gave itself: `{{#each students as |student|}}`.
    own: Vec<String>,
}

impl Names {
    /// The first problem with its line, counted from 1.
    fn template(&mut self, template: &Template) -> Result<(), (usize, String)> {
        for (element, place) in template.elements.iter().zip(&template.mapping) {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                    self.expression(call)
                        .map_err(|problem| (place.0, problem))?;
                }
                TemplateElement::HelperBlock(call) => {
                    self.call(call).map_err(|problem| (place.0, problem))?;
                    let outer = self.own.len();
                    self.own.extend(given(call));
                    for inner in [&call.template, &call.inverse].into_iter().flatten() {
                        self.template(inner)?;
                    }
                    self.own.truncate(outer);
                }
                // Partials and decorators; the engine may learn further elements.
                _ => {
                    let problem =
                        "a template stands by itself: write out what {{> …}} would insert";
                    return Err((place.0, problem.to_owned()));
                }
            }
        }
        Ok(())
    }

    fn expression(&self, call: &HelperTemplate) -> Result<(), String> {
        if call.params.is_empty() && call.hash.is_empty() {
            self.parameter(&call.name)
        } else {
            self.call(call)
        }
    }

    fn call(&self, call: &HelperTemplate) -> Result<(), String> {
        let helper = call.name.as_name().unwrap_or_default();
        if !HELPERS.contains(&helper) {
            return Err(unknown("helper", helper, HELPERS.iter().copied()));
        }
        call.params
            .iter()
            .chain(call.hash.values())
            .try_for_each(|parameter| self.parameter(parameter))
    }

    fn parameter(&self, parameter: &Parameter) -> Result<(), String> {
        match parameter {
            Parameter::Path(Path::Relative((segments, _))) => {
                segments.iter().try_for_each(|segment| match segment {
                    PathSeg::Named(name) => self.field(name),
                    _ => Ok(()),
                })
            }
            Parameter::Path(Path::Local((_, name, _))) if LOOP.contains(&name.as_str()) => Ok(()),
            Parameter::Path(Path::Local((_, name, _))) => {
                Err(unknown("loop value", name, LOOP.iter().copied()))
            }
            Parameter::Name(name) => self.field(name),
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => self.call(call),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn field(&self, name: &str) -> Result<(), String> {
        // `students.0.name` counts from the first student.
        let counts = name.bytes().all(|byte| byte.is_ascii_digit());
        let mut known = self.fields.iter().copied();
        let mut own = self.own.iter().map(String::as_str);
        if counts || known.any(|known| known == name) || own.any(|own| own == name) {
            return Ok(());
        }
        Err(unknown("field", name, self.fields.iter().copied()))
    }
}

/// The names that a block gives to what it walks over.
fn given(call: &HelperTemplate) -> Vec<String> {
    let names = match &call.block_param {
        Some(BlockParam::Single(one)) => vec![one],
        Some(BlockParam::Pair((value, key))) => vec![value, key],
        _ => Vec::new(),
    };
    let names = names.into_iter().filter_map(Parameter::as_name);
    names.map(str::to_owned).collect()
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let nearest = nearest(name, known.clone());
    let known = known.collect::<Vec<_>>().join(", ");
    format!("there is no {what} «{name}»; did you mean «{nearest}»? Known here: {known}")
}

/// The known name that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> &'a str {
    known
        .min_by_key(|known| strsim::damerau_levenshtein(known, name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str, source: &str) -> Option<(usize, String)> {
        let template = Template::compile(source).expect("a template that parses");
        match check(name, name, &template) {
            Err(TemplateError::Broken { line, problem, .. }) => Some((line, problem)),
            Err(other) => panic!("{other}"),
            Ok(()) => None,
        }
    }

    #[test]
    fn a_slip_is_found_where_no_sample_would_meet_it() {
        for (source, line, slip) in [
            ("{{subject}}\n{{teacher}}", 2, "field «teacher»"),
            (
                "{{#if comments}}{{comment}}{{/if}}",
                1,
                "field «comments»; did you mean «comment»?",
            ),
            (
                "{{#if old}}\n{{else}}\n{{nwe}}{{/if}}",
                3,
                "field «nwe»; did you mean «new»?",
            ),
            (
                "{{#if old}}{{short_dya date}}{{/if}}",
                1,
                "helper «short_dya»; did you mean «short_day»?",
            ),
            (
                "{{#if (eq olt \"3\")}}{{/if}}",
                1,
                "field «olt»; did you mean «old»?",
            ),
            ("{{log comment}}", 1, "helper «log»"),
            ("{{> footer}}", 1, "stands by itself"),
            ("{{name}}", 1, "field «name»"),
        ] {
            let (at, problem) = problem("mark/sms.hbs", source).expect(source);
            assert!(problem.contains(slip), "{source}: {problem}");
            assert_eq!(at, line, "{source}");
        }
        let (_, problem) = problem("frame/sms.hbs", "{{#each students}}{{@lats}}{{/each}}")
            .expect("a loop value that does not exist");
        assert!(
            problem.contains("«lats»; did you mean «last»?"),
            "{problem}"
        );
    }

    #[test]
    fn what_exists_may_be_named_in_every_way() {
        let frame = "{{#each students as |one at|}}{{one.name}} {{at}} {{this.class}} {{../school}}\
                     {{#each days}}{{#unless @last}}{{../name}}{{/unless}}{{/each}}{{/each}}\
                     {{students.[0].name}} {{#if (not phone)}}{{list names}}{{/if}} {{!-- note --}}";
        assert_eq!(problem("frame/email.txt.hbs", frame), None);
        let fragment = "{{#if (eq new \"5\")}}{{mark new}}{{else if old}}{{{old}}}{{/if}}";
        assert_eq!(problem("mark/sms.hbs", fragment), None);
    }
}
