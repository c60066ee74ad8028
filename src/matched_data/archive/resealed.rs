//! Blobs moved to a new key.

use super::super::{Opener, PublicKey, Refused, SealError, Suite, seal_v3, seal_v4};
use super::UnboundBlobs;
use super::opened::Sealed;
use super::rewrite::{Edit, Work};
use super::row;
use super::site::Site;
use super::summary::{Left, Summary};

/// Opens every blob and seals it to another key.
pub(super) struct Reseal<'a> {
    pub(super) opener: &'a Opener,
    pub(super) key: &'a PublicKey,
    pub(super) unbound: UnboundBlobs,
}

impl Work for Reseal<'_> {
    type Tally = Summary;

    fn blob(&self, text: &[u8], site: &Site, tally: &mut Summary) -> Option<Edit> {
        let resealed = match Sealed::at(site, text)? {
            Ok(sealed) if sealed.blob.key_id() == Some(self.key.key_id()) => {
                tally.sealed_already += 1;
                return None;
            }
            Ok(sealed) => self.reseal(&sealed, site, text, tally),
            Err(left) => Err(left),
        };
        match resealed {
            Ok(blob) => {
                tally.resealed += 1;
                Some(Edit { name: None, value: format!("\"{blob}\"").into_bytes() })
            }
            Err(left) => {
                tally.leave(left);
                None
            }
        }
    }
}

impl Reseal<'_> {
    fn reseal(
        &self,
        sealed: &Sealed,
        site: &Site,
        text: &[u8],
        tally: &mut Summary,
    ) -> Result<String, Left> {
        let binding = sealed.binding();
        let plaintext = self.opener.open_blob(&sealed.blob, binding.as_ref())?;
        // What was not bound is bound only where that is asked for, and to the event that it stands in.
        let binding = binding.filter(|binding| {
            sealed.is_bound()
                || self.unbound == UnboundBlobs::BindToRow && row::is_of(binding, &site.row, text)
        });
        let bound = binding.map(|binding| seal_v4(&plaintext, self.key, &binding));
        let blob = match bound {
            Some(Ok(blob)) => blob,
            Some(Err(_)) if sealed.is_bound() => return Err(Left::NotSealed),
            None if self.key.suite() != Suite::X25519 => return Err(Refused::MissingBinding.into()),
            // What version 4 cannot hold stays of version 3.
            Some(Err(_)) | None => self.unbound(&plaintext)?,
        };
        let is_bound = blob.starts_with('B'); // its first six bits: version 4 begins so, version 3 with A
        tally.unbound += u64::from(!is_bound);
        tally.moved += u64::from(sealed.is_moved(site, text));
        Ok(blob)
    }

    fn unbound(&self, plaintext: &[u8]) -> Result<String, Left> {
        seal_v3(plaintext, self.key).map_err(|error| match error {
            SealError::KeyKind => Refused::MissingBinding.into(),
            _ => Left::NotSealed,
        })
    }
}
