//! How the bytes of a result go back to the request, through one more function.

use std::ops::Range;

use crate::rules::functions::written::{How, Local};
use crate::rules::trace::Piece;

/// How the bytes of an argument go back to the request: its pieces in order, or `None` where the argument
/// is its input, byte for byte. `input` is added to the number of each input.
pub(super) struct Argument<'a> {
    pub(super) pieces: Option<&'a [Piece]>,
    pub(super) input: usize,
}

/// The pieces of a result, from those to its arguments and the arguments' own.
pub(super) fn compose(result: &[Local], arguments: &[Argument<'_>]) -> Vec<Piece> {
    let mut composed = Vec::with_capacity(result.len());
    for local in result {
        let Some(argument) = arguments.get(local.argument) else { continue };
        match argument.pieces {
            None => composed.push(Piece {
                value: local.value.clone(),
                input: argument.input,
                from: local.from.clone(),
                aligned: local.how == How::Aligned,
            }),
            Some(pieces) => {
                // In order of their values, none of which ends before the one before it.
                let first = pieces.partition_point(|piece| piece.value.end <= local.from.start);
                let through = pieces.get(first..).unwrap_or_default();
                let through = through.iter().take_while(|piece| piece.value.start < local.from.end);
                composed.extend(through.map(|piece| Piece {
                    input: argument.input + piece.input,
                    ..joined(local, piece)
                }));
            }
        }
    }
    composed
}

/// A piece of the result that goes through a piece of the argument.
fn joined(local: &Local, piece: &Piece) -> Piece {
    let shared = piece.value.start.max(local.from.start)..piece.value.end.min(local.from.end);
    let from = if piece.aligned {
        shifted(&shared, piece.value.start, piece.from.start)
    } else {
        piece.from.clone()
    };
    let is_aligned = local.how == How::Aligned;
    let value = if is_aligned {
        shifted(&shared, local.from.start, local.value.start)
    } else {
        local.value.clone()
    };
    Piece { value, input: piece.input, from, aligned: is_aligned && piece.aligned }
}

/// The same range, seen from `to` instead of `of`.
fn shifted(range: &Range<usize>, of: usize, to: usize) -> Range<usize> {
    let shift = |offset: usize| offset.saturating_sub(of).saturating_add(to);
    shift(range.start)..shift(range.end)
}
