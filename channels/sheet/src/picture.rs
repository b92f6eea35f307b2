//! Pictures that a phone reads, and photos of them (ISO/IEC 18004).

use std::io::Cursor;

use image::{ImageReader, Limits};
use qrcode::{EcLevel, QrCode, render::svg};
use rqrr::PreparedImage;

/// A photo of a phone has fewer pixels in each direction.
const MOST_PIXELS: u32 = 8_192;

/// A photo of a phone, unpacked, is smaller.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// A text as a picture in SVG; none for what no picture can hold.
pub fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    Some(code.render::<svg::Color<'_>>().quiet_zone(false).build())
}

/// The texts of the pictures that a photo shows, in JPEG, PNG or PGM; nothing where it cannot be read. It takes
/// tenths of a second of processor time.
pub fn codes(photo: &[u8]) -> Vec<String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_BYTES);
    let Ok(mut reader) = ImageReader::new(Cursor::new(photo)).with_guessed_format() else {
        return Vec::new();
    };
    reader.limits(limits);
    let Ok(photo) = reader.decode() else {
        return Vec::new();
    };
    let mut prepared = PreparedImage::prepare(photo.into_luma8());
    let grids = prepared.detect_grids();
    let texts = grids.iter().filter_map(|grid| grid.decode().ok());
    texts.map(|(_, text)| text).collect()
}
