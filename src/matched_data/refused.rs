/// Why a blob is not opened. Displays in two lines: the fault, the way out.
///
/// The variants stand in the order of the checks: the first that fails is the reason. None says more
/// about the key, or about what is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The word `truncated` stands in place of a blob.
    #[error(
        "the payload was too large to be logged\nnothing was sealed, so there is nothing to open; the rest of the event is as it was"
    )]
    Truncated,
    /// The text is not canonical base64 with padding.
    #[error(
        "the blob is not base64 as it was written\ncopy it whole, with the = at its end and nothing between its characters"
    )]
    NotBase64,
    /// Shorter than the shortest blob of its version and suite.
    #[error("the blob is cut short\ncopy it whole, or look for where the log was cut")]
    TooShort,
    /// The version is not one of 1 to 4.
    #[error(
        "the blob has a version that is not known here\nopen it with a newer wafpass, if it is matched data at all"
    )]
    UnsupportedVersion,
    /// Version 4 with a suite that is not known.
    #[error(
        "the blob has a suite that is not known here\nopen it with a newer wafpass, if it is matched data at all"
    )]
    UnsupportedSuite,
    /// The length that the blob states is not its own.
    #[error(
        "the blob is not as long as it says\ncopy it whole, and nothing of what stands behind it"
    )]
    LengthMismatch,
    /// The blob names another key, or was sealed for keys of the other kind.
    #[error(
        "the blob was sealed for another key\n`wafpass inspect` shows its key id: open it with the private key of that id"
    )]
    WrongKey,
    /// Version 4 without a binding, or with one that is not well-formed.
    #[error(
        "the binding of the event is missing or malformed\ngive Metadata.binding as the sealer wrote it: tenant, event_id and rule_id as text, timestamp_ms as an integer"
    )]
    MissingBinding,
    /// The cipher refuses: another key, another event, or a changed byte.
    #[error(
        "the blob does not open\nit was sealed for another key or moved from another event, or a byte of it was changed"
    )]
    OpenFailed,
}

impl Refused {
    /// Every reason, in the order of the checks.
    pub const ALL: &'static [Self] = &[
        Self::Truncated,
        Self::NotBase64,
        Self::TooShort,
        Self::UnsupportedVersion,
        Self::UnsupportedSuite,
        Self::LengthMismatch,
        Self::WrongKey,
        Self::MissingBinding,
        Self::OpenFailed,
    ];

    /// The stable code, for logs, reports and vector files.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NotBase64 => "not-base64",
            Self::TooShort => "too-short",
            Self::UnsupportedVersion => "unsupported-version",
            Self::UnsupportedSuite => "unsupported-suite",
            Self::LengthMismatch => "length-mismatch",
            Self::WrongKey => "wrong-key",
            Self::MissingBinding => "missing-binding",
            Self::OpenFailed => "open-failed",
        }
    }
}
