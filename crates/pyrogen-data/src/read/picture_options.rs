//! How pictures are read.

/// How a folder of pictures is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PictureOptions {
    /// Width and height that every picture is resized to. Without it all must have one size.
    pub size: Option<(u32, u32)>,
    /// Cut the largest centred part of the shape of `size` first, instead of squeezing.
    pub crop: bool,
    /// Brightness only, one channel.
    pub grey: bool,
    /// The colour that transparent pixels are laid on, as red, green and blue.
    pub background: [u8; 3],
    /// Whether pixels are kept in memory. Pictures that are not kept are read from their files again
    /// each time that they are needed. None keeps up to 256 MiB of pixels.
    pub cache: Option<bool>,
}

impl Default for PictureOptions {
    fn default() -> Self {
        Self { size: None, crop: false, grey: false, background: [255; 3], cache: None }
    }
}
