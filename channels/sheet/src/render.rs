//! Sets a batch in this process: for the child, and for tests.

use typst::{
    Library, LibraryExt, World, WorldExt,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Duration, Smart},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use serde_json::Value;

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

/// Sets pages by a template. The same input gives the same bytes.
///
/// # Errors
/// [`RenderError::Template`] with the line.
pub fn render(paper: &impl Paper, template: &str) -> Result<Pdf, RenderError> {
    let data = paper
        .data()
        .map_err(|error| RenderError::Died(error.to_string()))?;
    set(&data, template)
}

/// Sets data by a template.
pub(crate) fn set(data: &Value, template: &str) -> Result<Pdf, RenderError> {
    let world = Room::new(data, template)?;
    let compiled = typst::compile::<PagedDocument>(&world);
    let document = compiled.output.map_err(|errors| world.blame(&errors))?;
    // Tags are for screens; on paper they only make the file nine times as large.
    let options = PdfOptions {
        ident: Smart::Custom("vestnik".to_owned()),
        tagged: false,
        ..PdfOptions::default()
    };
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
