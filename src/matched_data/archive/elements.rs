//! The elements of a top-level array, found while its bytes come.

use std::ops::Range;

use super::feed::{Block, Event, Kind};

/// The mark that some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Finds the elements of a top-level array as its bytes come, or that there is no such array.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    phase: Phase,
    /// Of the element that has not ended.
    depth: usize,
    text: Text,
    element: Option<Range<usize>>,
    is_after_comma: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Before,
    Elements,
    After,
    Whole,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escape,
}

impl Splitter {
    /// Looks at the bytes of `block` from `start` on. Adds the elements that end in them, and says behind
    /// which byte the block can end. The error is the place of a byte that cannot stand there.
    pub(super) fn split(
        &mut self,
        block: &mut Block,
        start: usize,
        is_end: bool,
        met: &mut u64,
    ) -> Result<usize, usize> {
        let mut cut = 0;
        if self.phase != Phase::Whole {
            for (at, &byte) in block.bytes.iter().enumerate().skip(start) {
                let is_mark = self.phase == Phase::Before
                    && BYTE_ORDER_MARK.get(at) == Some(&byte)
                    && block.bytes.get(..at) == BYTE_ORDER_MARK.get(..at);
                if is_mark {
                    continue;
                }
                if let Some(place) = self.step(at, byte)? {
                    *met += 1;
                    block.events.push(Event { place, number: *met });
                    cut = at + 1;
                }
                if self.phase == Phase::Whole {
                    break;
                }
            }
        }
        block.kind = Kind::Elements;
        match (self.phase, is_end) {
            (Phase::Whole, false) => block.kind = Kind::Whole,
            (Phase::Whole, true) => {
                let lead = if block.bytes.starts_with(BYTE_ORDER_MARK) {
                    BYTE_ORDER_MARK.len()
                } else {
                    0
                };
                block.kind = Kind::Whole;
                block.events.push(Event { place: lead..block.bytes.len(), number: 1 });
                cut = block.bytes.len();
            }
            (Phase::After, _) => cut = block.bytes.len(),
            (Phase::Before | Phase::Elements, true) => return Err(block.bytes.len()),
            (Phase::Before, false) => {}
            (Phase::Elements, false) => {
                if let Some(element) = &mut self.element {
                    // What has not ended begins the next block.
                    *element = element.start - cut..element.end - cut;
                } else {
                    cut = block.bytes.len();
                }
            }
        }
        Ok(cut)
    }

    /// The element that ends before this byte, if one does.
    fn step(&mut self, at: usize, byte: u8) -> Result<Option<Range<usize>>, usize> {
        match self.text {
            Text::Outside => {}
            Text::Escape => {
                self.text = Text::Inside;
                return Ok(self.extend(at));
            }
            Text::Inside => {
                match byte {
                    b'"' => self.text = Text::Outside,
                    b'\\' => self.text = Text::Escape,
                    _ => {}
                }
                return Ok(self.extend(at));
            }
        }
        match (self.phase, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => Ok(None),
            (Phase::Before, b'[') => {
                self.phase = Phase::Elements;
                Ok(None)
            }
            (Phase::Before, _) => {
                self.phase = Phase::Whole;
                Ok(None)
            }
            (Phase::After | Phase::Whole, _) => Err(at),
            (Phase::Elements, b',') if self.depth == 0 => {
                self.is_after_comma = true;
                self.element.take().map(Some).ok_or(at)
            }
            (Phase::Elements, b']') if self.depth == 0 => {
                self.phase = Phase::After;
                match self.element.take() {
                    None if self.is_after_comma => Err(at),
                    element => Ok(element),
                }
            }
            (Phase::Elements, b'}' | b']') => {
                self.depth = self.depth.checked_sub(1).ok_or(at)?;
                Ok(self.extend(at))
            }
            (Phase::Elements, b'{' | b'[') => {
                self.depth += 1;
                Ok(self.extend(at))
            }
            (Phase::Elements, b'"') => {
                self.text = Text::Inside;
                Ok(self.extend(at))
            }
            (Phase::Elements, _) => Ok(self.extend(at)),
        }
    }

    /// The byte is one of the element; there is none that ends before it.
    fn extend(&mut self, at: usize) -> Option<Range<usize>> {
        let start = self.element.as_ref().map_or(at, |element| element.start);
        self.element = Some(start..at + 1);
        None
    }
}
