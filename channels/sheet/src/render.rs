//! Sets a batch in this process: for the child, and for tests.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use typst::{
    Library, LibraryExt, World, WorldExt,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Duration, Smart},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::{Paper, RenderError};

/// The pages.
#[derive(Clone, PartialEq, Eq)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
}

impl std::fmt::Debug for Pdf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pdf({} pages)", self.pages)
    }
}

/// What pages are made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// A printer: tags are for screens, and only make the file nine times as large.
    #[default]
    Print,
    /// A screen, and programs that read aloud: tagged.
    Screen,
    /// An archive (PDF/A-2u, ISO 19005-2), made on this day: year, month, day.
    Archive(i32, u8, u8),
}

/// Sets pages for a printer by a template. The same input gives the same bytes.
///
/// # Errors
/// [`RenderError::Template`] with the line.
pub fn render(paper: &impl Paper, template: &str) -> Result<Pdf, RenderError> {
    render_for(paper, template, Purpose::Print)
}

/// Sets pages by a template.
///
/// # Errors
/// [`RenderError::Template`] with the line.
pub fn render_for(
    paper: &impl Paper,
    template: &str,
    purpose: Purpose,
) -> Result<Pdf, RenderError> {
    let data = paper
        .data()
        .map_err(|error| RenderError::Died(error.to_string()))?;
    set(&data, template, purpose)
}

/// Sets data by a template.
pub(crate) fn set(data: &Value, template: &str, purpose: Purpose) -> Result<Pdf, RenderError> {
    let world = Room::new(data, template)?;
    let compiled = typst::compile::<PagedDocument>(&world);
    let document = compiled.output.map_err(|errors| world.blame(&errors))?;
    let mut options = PdfOptions {
        ident: Smart::Custom("vestnik".to_owned()),
        tagged: purpose == Purpose::Screen,
        ..PdfOptions::default()
    };
    if let Purpose::Archive(year, month, day) = purpose {
        let made = Datetime::from_ymd_hms(year, month, day, 0, 0, 0);
        options.timestamp = made.map(Timestamp::new_utc);
        options.standards = PdfStandards::new(&[PdfStandard::A_2u])
            .map_err(|error| RenderError::Died(error.message().to_string()))?;
    }
    let bytes = typst_pdf::pdf(&document, &options).map_err(|errors| world.blame(&errors))?;
    let pages = document.pages().len();
    typst::comemo::evict(0);
    Ok(Pdf { bytes, pages })
}

/// The whole world that a template sees: itself, the data and the fonts. No files, no network, no
/// clock.
struct Room {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    source: Source,
    data: (FileId, Bytes),
}

impl Room {
    fn new(data: &Value, template: &str) -> Result<Self, RenderError> {
        let named = |name: &str| {
            let path = VirtualPath::new(name).map_err(|_| RenderError::Template {
                line: 0,
                message: "the template has no place".into(),
            })?;
            Ok(RootedPath::new(VirtualRoot::Project, path).intern())
        };
        let data =
            serde_json::to_vec(data).map_err(|error| RenderError::Died(error.to_string()))?;
        let fonts: Vec<Font> = [
            dejavu::sans::regular(),
            dejavu::sans::bold(),
            dejavu::sans_condensed::regular(),
            dejavu::sans_condensed::bold(),
        ]
        .into_iter()
        .flat_map(|font| Font::iter(Bytes::new(font)))
        .collect();
        Ok(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            source: Source::new(named("week.typ")?, template.to_owned()),
            data: (named("data.json")?, Bytes::new(data)),
        })
    }

    /// The first error with its line in the template.
    fn blame(&self, errors: &[SourceDiagnostic]) -> RenderError {
        let Some(error) = errors.first() else {
            return RenderError::Template {
                line: 0,
                message: "typst gives no reason".into(),
            };
        };
        let offset = self.range(error.span).map(|range| range.start);
        let before = offset.and_then(|offset| self.source.text().get(..offset));
        RenderError::Template {
            line: before.map_or(0, |before| before.matches('\n').count() + 1),
            message: unquoted(&error.message),
        }
    }
}

/// A template may put data into its own errors, and these are logged: what is not plain Latin is no word
/// of typst's.
fn unquoted(message: &str) -> String {
    let words = message
        .split_whitespace()
        .map(|word| if word.is_ascii() { word } else { "…" });
    words.collect::<Vec<_>>().join(" ")
}

impl World for Room {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.source.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() {
            Ok(self.source.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.data.0 {
            Ok(self.data.1.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
