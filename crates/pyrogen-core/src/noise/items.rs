//! Numbers of many streams at once: one stream an item.

use std::array;

/// Streams that are computed side by side, one a lane of the processor's vectors.
const LANES: usize = 8;

/// Numbers of 64 bits in a block of ChaCha.
const BLOCK: u64 = 8;

/// The words "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// A word of each lane.
type Words = [u32; LANES];

/// Fills `out`, a row of `width` numbers an item: those of item `first + i` are the numbers
/// `position..position + width` of the stream `first + i + 1`, with `f` applied to each.
///
/// A generator makes four blocks at a time, of which a narrow row needs a part of one: here a block
/// of eight streams is made at once instead.
pub(super) fn fill_rows<T>(
    key: &[u8; 32],
    first: u64,
    position: u64,
    width: usize,
    out: &mut [T],
    f: &impl Fn(u64) -> T,
) {
    let key: [u32; 8] =
        array::from_fn(|i| u32::from_le_bytes(array::from_fn(|byte| key[4 * i + byte])));
    let end = position + width as u64;
    for (group, rows) in out.chunks_mut(LANES * width).enumerate() {
        let stream = first + (group * LANES) as u64 + 1;
        for block in position / BLOCK..end.div_ceil(BLOCK) {
            let words =
                chacha8(&key, block, array::from_fn(|lane| stream.wrapping_add(lane as u64)));
            let numbers = position.max(block * BLOCK)..end.min((block + 1) * BLOCK);
            for (lane, row) in rows.chunks_mut(width).enumerate() {
                for at in numbers.clone() {
                    let word = (at % BLOCK) as usize * 2;
                    let bits =
                        u64::from(words[word + 1][lane]) << 32 | u64::from(words[word][lane]);
                    row[(at - position) as usize] = f(bits);
                }
            }
        }
    }
}

/// One block of ChaCha with 8 rounds of each stream, with a counter and a stream number of 64 bits.
///
/// # References
/// Bernstein 2008, "ChaCha, a variant of Salsa20".
fn chacha8(key: &[u32; 8], counter: u64, streams: [u64; LANES]) -> [Words; 16] {
    let input: [Words; 16] = array::from_fn(|word| match word {
        0..4 => [CONSTANTS[word]; LANES],
        4..12 => [key[word - 4]; LANES],
        12 => [counter as u32; LANES],
        13 => [(counter >> 32) as u32; LANES],
        14 => streams.map(|stream| stream as u32),
        _ => streams.map(|stream| (stream >> 32) as u32),
    });
    let mut state = input;
    for _ in 0..4 {
        for column in 0..4 {
            quarter(&mut state, [column, 4 + column, 8 + column, 12 + column]);
        }
        for d in 0..4 {
            quarter(&mut state, [d, 4 + (d + 1) % 4, 8 + (d + 2) % 4, 12 + (d + 3) % 4]);
        }
    }
    array::from_fn(|word| add(state[word], input[word]))
}

#[inline(always)]
fn quarter(state: &mut [Words; 16], [a, b, c, d]: [usize; 4]) {
    for (sum, to, turn, by) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[sum] = add(state[sum], state[to]);
        state[turn] = array::from_fn(|i| (state[turn][i] ^ state[sum][i]).rotate_left(by));
    }
}

#[inline(always)]
fn add(a: Words, b: Words) -> Words {
    array::from_fn(|i| a[i].wrapping_add(b[i]))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn rows_are_the_streams_of_the_generator() {
        let key = array::from_fn(|i| i as u8 * 7 + 1);
        let far = (1u64 << 32) - 3;
        for (first, position, width, rows) in [
            (0, 0, 1, 1),
            (5, 3, 2, 19),
            (0, 7, 20, 9),
            (u64::from(u32::MAX) - 2, 11, 3, 8),
            (1, far * 8, 40, 2),
        ] {
            let mut got = vec![0; rows * width];
            fill_rows(&key, first, position, width, &mut got, &|bits| bits);
            for (i, row) in got.chunks(width).enumerate() {
                let mut rng = ChaCha8Rng::from_seed(key);
                rng.set_stream(first + i as u64 + 1);
                rng.set_word_pos(u128::from(position) * 2);
                let expected: Vec<u64> = (0..width).map(|_| rng.next_u64()).collect();
                assert_eq!(row, expected, "item {i} from {first} at {position}");
            }
        }
    }
}
