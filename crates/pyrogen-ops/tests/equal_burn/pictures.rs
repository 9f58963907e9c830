//! Convolutions and what is done to channels.

use super::*;

#[test]
fn convolutions() {
    let mut source = Source::new();
    let cases = [
        // batch and channels, size, outputs, kernel, stride, padding, dilation
        ([2, 3], [8, 8], 4, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([5, 2], [7, 9], 3, [3, 3], [2, 2], [1, 1], [1, 1]),
        ([3, 4], [28, 28], 8, [4, 4], [2, 2], [1, 1], [1, 1]),
        ([1, 1], [5, 6], 2, [1, 1], [1, 1], [0, 0], [1, 1]),
        ([9, 2], [6, 11], 3, [2, 5], [3, 2], [0, 2], [1, 2]),
        ([2, 16], [16, 16], 16, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([2, 1], [3, 3], 1, [5, 5], [1, 1], [2, 2], [1, 1]),
        // Fewer multiplications: odd sizes, no padding, more padding than the kernel's half.
        ([3, 17], [7, 9], 19, [3, 3], [1, 1], [1, 1], [1, 1]),
        ([2, 16], [6, 5], 24, [3, 3], [1, 1], [0, 0], [1, 1]),
        ([1, 32], [5, 4], 16, [3, 3], [1, 1], [2, 1], [1, 1]),
        ([5, 16], [1, 1], 16, [3, 3], [1, 1], [1, 1], [1, 1]),
    ];
    for (i, (first, size, outputs, kernel, stride, padding, dilation)) in
        cases.into_iter().enumerate()
    {
        let [batch, channels] = first;
        let x = &source.leaf([batch, channels, size[0], size[1]]);
        let w = &source.leaf([outputs, channels, kernel[0], kernel[1]]);
        let b = &source.leaf([outputs]);
        let options = ConvOptions::new(stride, padding, dilation, 1);
        let theirs = |bias| module::conv2d(x.clone(), w.clone(), bias, options.clone());
        let ours = |bias| ops::conv2d(x.clone(), w.clone(), bias, options.clone());
        let bias = || Some(b.clone());
        assert_equal!(format!("conv2d {i}"), ours(bias()), theirs(bias()), x, w, b);
        assert_equal!(format!("conv2d {i} without bias"), ours(None), theirs(None), x, w);
    }
}

#[test]
fn transposed_convolutions() {
    let mut source = Source::new();
    let cases = [
        ([2, 3], [4, 4], 4, [3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
        ([3, 4], [7, 7], 8, [4, 4], [2, 2], [1, 1], [1, 1], [0, 0]),
        ([5, 2], [5, 3], 3, [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
        ([1, 2], [3, 4], 2, [2, 5], [3, 2], [0, 2], [1, 2], [2, 1]),
        ([3, 16], [5, 6], 18, [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
    ];
    for (i, case) in cases.into_iter().enumerate() {
        let ([batch, channels], size, outputs, kernel, stride, padding, dilation, out) = case;
        let x = &source.leaf([batch, channels, size[0], size[1]]);
        let w = &source.leaf([channels, outputs, kernel[0], kernel[1]]);
        let b = &source.leaf([outputs]);
        let options = || ConvTransposeOptions::new(stride, padding, out, dilation, 1);
        let theirs = |bias| module::conv_transpose2d(x.clone(), w.clone(), bias, options());
        let ours = |bias| ops::conv_transpose2d(x.clone(), w.clone(), bias, options());
        let bias = || Some(b.clone());
        assert_equal!(format!("transposed {i}"), ours(bias()), theirs(bias()), x, w, b);
        assert_equal!(format!("transposed {i} without bias"), ours(None), theirs(None), x, w);
    }
}

#[test]
fn numbers_a_channel() {
    let mut source = Source::new();
    for [b, c, h, w] in [[2, 3, 4, 5], [3, 7, 61, 40]] {
        let (x, shift) = (&source.leaf([b, c, h, w]), &source.leaf([b, c]));
        let theirs = x.clone() + shift.clone().reshape([b, c, 1, 1]);
        assert_equal!(
            "add_channels",
            ops::add_channels(x.clone(), shift.clone()),
            theirs,
            x,
            shift
        );
    }
}

#[test]
fn pictures_of_twice_the_size() {
    let mut source = Source::new();
    for ([b, c, h, w], size) in [([2, 3, 4, 3], [7, 6]), ([3, 5, 33, 40], [66, 79])] {
        let x = &source.leaf([b, c, h, w]);
        let doubled = x.clone().reshape([b, c, h, 1, w, 1]).expand([b, c, h, 2, w, 2]);
        let doubled = doubled.reshape([b, c, 2 * h, 2 * w]);
        let theirs = doubled.slice([0..b, 0..c, 0..size[0], 0..size[1]]);
        assert_equal!("upsample_nearest", ops::upsample_nearest(x.clone(), size), theirs, x);
    }
}
