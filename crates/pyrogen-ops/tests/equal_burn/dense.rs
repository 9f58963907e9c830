//! Linear maps, recurrence, attention, nearest points.

use super::*;

#[test]
fn linear_layers() {
    let mut source = Source::new();
    // Whole products, parts of rows, parts of columns, parts of the weight's rows.
    let sizes = [(3, 4, 5), (301, 33, 70), (607, 30, 20), (64, 8, 1), (7, 1800, 600)];
    for (rows, d_in, d_out) in sizes {
        let x = &source.leaf([2, rows, d_in]);
        let (w, b) = (&source.leaf([d_in, d_out]), &source.leaf([d_out]));
        let product = || x.clone().matmul(w.clone().unsqueeze());
        let ours = ops::linear(x.clone(), w.clone(), Some(b.clone()));
        assert_equal!("linear", ours, product() + b.clone().unsqueeze(), x, w, b);
        let ours = ops::linear(x.clone(), w.clone(), None);
        assert_equal!("linear without bias", ours, product(), x, w);
    }
}

/// The same layout seen through a transpose: not dense.

#[test]
fn linear_maps_with_what_stands_around_them() {
    use ops::Elementwise as E;
    let mut source = Source::new();
    let functions = [E::Silu, E::Gelu, E::Sigmoid, E::Tanh, E::Softplus, E::Exp, E::LeakyRelu(0.2)];
    // Few rows, one part, several parts.
    for (rows, d_in, d_out) in [(1, 4, 3), (150, 33, 40), (607, 30, 20)] {
        let x = &source.leaf([2, rows, d_in]);
        let (w, b) = (&source.leaf([d_in, d_out]), &source.leaf([d_out]));
        let y = &source.leaf([2, rows, d_out]);
        let [gamma, beta] = &[(); 2].map(|()| source.leaf::<1>([d_in]));
        let product = |x: Tensor<3>| x.matmul(w.clone().unsqueeze());
        for function in functions {
            let map = ops::LinearMap::new(w.clone(), Some(b.clone()));
            let ours = map.after(function).plus(y.clone()).apply(x.clone());
            let theirs = product(function.apply(x.clone())) + b.clone().unsqueeze() + y.clone();
            assert_equal!(format!("{rows} {function:?}"), ours, theirs, x, w, b, y);
        }
        let norm = || ops::layer_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5);
        let map = || {
            let map = ops::LinearMap::new(w.clone(), None);
            map.after_layer_norm(gamma.clone(), beta.clone(), 1e-5)
        };
        let ours = map().apply(x.clone());
        assert_equal!("norm", ours, product(norm()), x, w, gamma, beta);
        let ours = map().plus(y.clone()).apply(x.clone());
        assert_equal!("norm and sum", ours, product(norm()) + y.clone(), x, w, gamma, beta, y);
        let ours = ops::LinearMap::new(w.clone(), None).plus(y.clone()).apply(x.clone());
        assert_equal!("sum", ours, product(x.clone()) + y.clone(), x, w, y);
        // Without gradients memory is used again: inputs that others hold must stay.
        let [x, y, w] = [x.clone().inner(), y.clone().inner(), w.clone().inner().unsqueeze()];
        let (before, map) = (host(x.clone()), ops::LinearMap::new(w.clone().squeeze(), None));
        let ours = map.after(E::Gelu).plus(y.clone()).apply(x.clone());
        assert!(difference(&ours, &(ops::gelu(x.clone()).matmul(w) + y)) < TOLERANCE);
        assert_eq!(host(x), before);
    }
}

fn attend(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let ([n, queries, width], [_, keys, _]) = (q.dims(), k.dims());
    let d = width / heads;
    let split = |x: Tensor<3>, places| x.reshape([n, places, heads, d]).swap_dims(1, 2);
    let scores = split(q, queries).matmul(split(k, keys).swap_dims(2, 3)) / (d as f64).sqrt();
    let hidden: Vec<f32> = (0..queries * keys)
        .map(|i| if causal && i % keys > i / keys + keys - queries { -1e30 } else { 0.0 })
        .collect();
    let device = scores.device();
    let hidden = Tensor::<2>::from_data(TensorData::new(hidden, [queries, keys]), &device);
    let weights = activation::softmax(scores + hidden.unsqueeze(), 3);
    weights.matmul(split(v, keys)).swap_dims(1, 2).reshape([n, queries, width])
}

#[test]
fn attention() {
    let mut source = Source::new();
    for (batch, queries, keys, heads, d) in [(2, 5, 5, 3, 4), (1, 70, 131, 2, 8), (2, 3, 9, 1, 5)] {
        let q = &source.leaf([batch, queries, heads * d]);
        let [k, v] = &[(); 2].map(|()| source.leaf([batch, keys, heads * d]));
        for causal in [false, true] {
            let ours = ops::attention(q.clone(), k.clone(), v.clone(), heads, causal);
            let theirs = attend(q.clone(), k.clone(), v.clone(), heads, causal);
            assert_equal!(format!("attention {queries} {keys} {causal}"), ours, theirs, q, k, v);
        }
    }
    // Several queries, one, and one in more than one thread's part.
    for (batch, queries, keys, heads, d) in [(3, 2, 5, 2, 3), (2, 1, 7, 3, 5), (5, 1, 90, 3, 35)] {
        let [q, k, v] = [queries, keys, keys].map(|n| source.leaf([batch, n, heads * d]).inner());
        let first = |x: &Tensor<3>| x.clone().swap_dims(0, 1);
        let ours = ops::cached_attention(q.clone(), first(&k), first(&v), heads);
        assert!(difference(&ours, &attend(q, k, v, heads, true)) < TOLERANCE);
    }
    let qkv = &source.leaf([2, 66, 3 * 12]);
    for causal in [false, true] {
        let [q, k, v]: [Tensor<3>; 3] = qkv.clone().chunk(3, 2).try_into().unwrap();
        let ours = ops::self_attention(qkv.clone(), 4, causal);
        assert_equal!("self_attention", ours, attend(q, k, v, 4, causal), qkv);
    }
}

#[test]
fn lstm() {
    let mut source = Source::new();
    for (batch, places, features, width) in [(2, 5, 3, 4), (37, 3, 6, 20), (1, 1, 2, 1)] {
        let x = &source.leaf([batch, places, features]);
        let input = &source.leaf([features, 4 * width]);
        let hidden = &source.leaf([width, 4 * width]);
        let bias = &source.leaf([4 * width]);
        let [h, c] = &[(); 2].map(|()| source.leaf([batch, width]));
        let weights = || ops::LstmWeights {
            input: input.clone(),
            hidden: hidden.clone(),
            bias: bias.clone(),
        };
        let (mut h_now, mut c_now) = (h.clone(), c.clone());
        let mut all = Vec::new();
        for t in 0..places {
            let x = x.clone().slice([0..batch, t..t + 1]).reshape([batch, features]);
            let gates =
                x.matmul(input.clone()) + h_now.matmul(hidden.clone()) + bias.clone().unsqueeze();
            let [i, f, g, o]: [Tensor<2>; 4] = gates.chunk(4, 1).try_into().unwrap();
            let [i, f, o] = [i, f, o].map(activation::sigmoid);
            c_now = f * c_now + i * g.tanh();
            h_now = o * c_now.clone().tanh();
            all.push(h_now.clone());
        }
        let join = |h: Tensor<3>, [last, cell]: [Tensor<2>; 2]| {
            Tensor::cat(vec![h, last.unsqueeze_dim(1), cell.unsqueeze_dim(1)], 1)
        };
        let theirs = join(Tensor::stack(all, 1), [h_now, c_now]);
        let (ours, state) = ops::lstm(x.clone(), Some([h.clone(), c.clone()]), weights());
        assert_equal!("lstm", join(ours, state), theirs, x, input, hidden, bias, h, c);
        let zeros = [(); 2].map(|()| Tensor::zeros([batch, width], &x.device()));
        let (a, _) = ops::lstm(x.clone(), Some(zeros), weights());
        let (b, _) = ops::lstm(x.clone(), None, weights());
        assert_eq!(host(a), host(b));
    }
}

#[test]
fn nearest_points() {
    let mut source = Source::new();
    for [n, m, d] in [[1, 1, 1], [5, 3, 2], [130, 40, 3], [200, 1100, 4], [3, 30, 64]] {
        // Whole numbers, so that both compute exactly, and many points are equally near.
        let mut whole = |rows| (source.leaf([rows, d]).detach() * 1.5).round();
        let (x, points) = (whole(n), whole(m));
        let distances =
            (x.clone().unsqueeze_dim::<3>(1) - points.clone().unsqueeze_dim(0)).square();
        let distances = host(distances.sum_dim(2));
        let least = |row: &[f64]| (1..m).fold(0, |a, b| if row[b] < row[a] { b } else { a });
        let expected: Vec<i64> = distances.chunks(m).map(|row| least(row) as i64).collect();
        let got: Vec<i64> = ops::nearest(x, points).into_data().iter().collect();
        assert_eq!(got, expected, "{n} {m} {d}");
    }
}

#[test]
fn what_is_no_number_is_near_some_point() {
    let x = Tensor::<2>::from_floats([[f32::NAN], [f32::INFINITY], [1.0]], &device());
    let points = Tensor::<2>::from_floats([[3.0], [1.5]], &device());
    let got: Vec<i64> = ops::nearest(x, points).into_data().iter().collect();
    assert!(got.iter().all(|i| (0..2).contains(i)) && got[2] == 1, "{got:?}");
}

/// Attention by Burn's operations where heads share keys and a query sees keys from `first` on.
fn grouped(qkv: Tensor<3>, heads: usize, shared: usize, first: &[u32]) -> Tensor<3> {
    let [n, places, width] = qkv.dims();
    let keys = heads / shared;
    let d = width / (heads + 2 * keys);
    let split = |from: usize, count: usize, repeat: usize| {
        let x = qkv.clone().narrow(2, from * d, count * d).reshape([n, places, count, 1, d]);
        let x = x.expand([n, places, count, repeat, d]).reshape([n, places, heads, d]);
        x.swap_dims(1, 2)
    };
    let (q, k) = (split(0, heads, 1), split(heads, keys, shared));
    let v = split(heads + keys, keys, shared);
    let hidden: Vec<f32> = (0..n * places * places)
        .map(|i| {
            let (query, key) = (i / places, i % places);
            let seen = key >= first[query] as usize && key <= query % places;
            if seen { 0.0 } else { -1e30 }
        })
        .collect();
    let hidden = TensorData::new(hidden, [n, 1, places, places]);
    let scores = q.matmul(k.swap_dims(2, 3)) / (d as f64).sqrt();
    let scores = scores.clone() + Tensor::from_data(hidden, &scores.device());
    let out = activation::softmax(scores, 3).matmul(v);
    out.swap_dims(1, 2).reshape([n, places, heads * d])
}

#[test]
fn heads_share_keys_and_documents_see_themselves() {
    let mut source = Source::new();
    for (n, places, heads, shared, d) in [(2, 5, 4, 2, 3), (1, 70, 3, 3, 8), (3, 9, 2, 1, 4)] {
        let x = &source.leaf([n, places, (heads + 2 * (heads / shared)) * d]);
        // Documents of three places, the first row whole.
        let first: Vec<u32> = (0..n * places)
            .map(|i| if i < places { 0 } else { (i % places / 3 * 3) as u32 })
            .collect();
        let ours = |first: Option<std::sync::Arc<[u32]>>| {
            ops::AttentionHeads { heads, shared, causal: true, first }.self_attention(x.clone())
        };
        let theirs = grouped(x.clone(), heads, shared, &first);
        assert_equal!("documents", ours(Some(first.clone().into())), theirs, x);
        let theirs = grouped(x.clone(), heads, shared, &vec![0; n * places]);
        assert_equal!("whole", ours(None), theirs, x);
        // The last place and the last two, of a cache.
        let x = x.clone().inner();
        let keys = heads / shared;
        let part = |from: usize, count: usize| x.clone().narrow(2, from * d, count * d);
        let (q, k) = (part(0, heads), part(heads, keys).swap_dims(0, 1));
        let v = part(heads + keys, keys).swap_dims(0, 1);
        let whole = grouped(x.clone(), heads, shared, &first);
        for count in [1, 2] {
            let from = places - count;
            let firsts: Vec<u32> =
                (0..n).flat_map(|i| first[i * places + from..(i + 1) * places].to_vec()).collect();
            let first = Some(firsts.into());
            let op = ops::AttentionHeads { heads, shared, causal: true, first };
            let ours = op.cached_attention(q.clone().narrow(1, from, count), k.clone(), v.clone());
            assert!(difference(&ours, &whole.clone().narrow(1, from, count)) < TOLERANCE);
        }
    }
}

/// Queries that see the keys of another sequence, or of their own in both directions, behind padding.
#[test]
fn sequences_see_all_of_what_is_behind_padding() {
    let mut source = Source::new();
    for (n, queries, keys, heads, shared, d) in
        [(2, 5, 3, 4, 2, 3), (3, 1, 7, 2, 1, 16), (1, 70, 90, 1, 1, 8), (2, 4, 4, 2, 2, 4)]
    {
        let width = heads / shared * d;
        let q = &source.leaf([n, queries, heads * d]);
        let (k, v) = (&source.leaf([n, keys, width]), &source.leaf([n, keys, width]));
        let padding: Vec<usize> = (0..n).map(|i| i * 2 % keys).collect();
        // Key by key of each example by itself.
        let theirs = |i: usize| {
            let seen = keys - padding[i];
            let example = |x: &Tensor<3>, from: usize| {
                let count = x.dims()[1] - from;
                x.clone().narrow(0, i, 1).narrow(1, from, count)
            };
            let split = |x: Tensor<3>, places: usize, shared: usize| {
                let heads = heads / shared;
                let x = x.reshape([1, places, heads, 1, d]).repeat_dim(3, shared);
                x.reshape([1, places, heads * shared, d]).swap_dims(1, 2)
            };
            let [k, v] = [k, v].map(|x| split(example(x, padding[i]), seen, shared));
            let q = split(example(q, 0), queries, 1);
            let scores = q.matmul(k.swap_dims(2, 3)) / (d as f64).sqrt();
            let out: Tensor<4> = activation::softmax(scores, 3).matmul(v);
            out.swap_dims(1, 2).reshape([1, queries, heads * d])
        };
        let first: Vec<u32> =
            padding.iter().flat_map(|&p| std::iter::repeat_n(p as u32, queries)).collect();
        let theirs = Tensor::cat((0..n).map(theirs).collect(), 0);
        let first = Some(first.into());
        let op = ops::AttentionHeads { heads, shared, causal: false, first };
        let ours = op.attention(q.clone(), k.clone(), v.clone());
        assert_equal!("another sequence", ours, theirs.clone(), q, k, v);
        let [cached_k, cached_v] = [k, v].map(|x| x.clone().inner().swap_dims(0, 1));
        let ours = op.cached_attention(q.clone().inner(), cached_k, cached_v);
        assert!(difference(&ours, &theirs.inner()) < TOLERANCE);
        if shared == 1 && queries == keys {
            let qkv = Tensor::cat(vec![q.clone(), k.clone(), v.clone()], 2);
            assert!(
                difference(&op.self_attention(qkv), &op.attention(q.clone(), k.clone(), v.clone()))
                    < TOLERANCE
            );
        }
    }
}

#[test]
fn rotations_turn_pairs() {
    let mut source = Source::new();
    for (n, places, heads, d, width) in [(2, 3, 2, 4, 11), (1, 40, 4, 32, 128), (5, 7, 1, 2, 2)] {
        let x = &source.leaf([n, places, width]);
        let frequencies: Vec<f64> = (0..d / 2).map(|i| 1.0 / (1.0 + i as f64)).collect();
        let positions: Vec<f64> = (0..n * places).map(|i| (i % 5) as f64).collect();
        let rotation = ops::Rotation::new(positions.iter().copied(), &frequencies, 1.0);
        let angle: Vec<f32> = positions
            .iter()
            .flat_map(|p| frequencies.iter().map(move |f| (p * f) as f32))
            .collect();
        let angle = TensorData::new(angle, [n, places, 1, d / 2]);
        let angle = Tensor::<4>::from_data(angle, &x.device());
        let part = |i: usize| {
            let turned = x.clone().narrow(2, 0, heads * d).reshape([n, places, heads, d]);
            turned.narrow(3, i * d / 2, d / 2)
        };
        let (a, b) = (part(0), part(1));
        let (c, s) = (angle.clone().cos(), angle.sin());
        let turned =
            Tensor::cat(vec![a.clone() * c.clone() - b.clone() * s.clone(), b * c + a * s], 3);
        let turned = turned.reshape([n, places, heads * d]);
        let theirs = match width - heads * d {
            0 => turned,
            rest => Tensor::cat(vec![turned, x.clone().narrow(2, heads * d, rest)], 2),
        };
        assert_equal!("rotation", rotation.apply(x.clone(), heads), theirs, x);
    }
}

#[test]
fn cross_entropies() {
    let mut source = Source::new();
    for (rows, classes) in [(1, 2), (7, 65), (300, 130)] {
        let x = &(source.leaf([rows, classes]) * 5.0).detach().require_grad();
        let targets: Vec<u32> = (0..rows).map(|i| (i * 13 % classes) as u32).collect();
        let index: Vec<i32> = targets.iter().map(|&t| t as i32).collect();
        let index = Tensor::<2, burn::tensor::Int>::from_data(
            TensorData::new(index, [rows, 1]),
            &x.device(),
        );
        let theirs = activation::log_softmax(x.clone(), 1).gather(1, index).reshape([rows]).neg();
        assert_equal!("cross entropy", ops::cross_entropy(x.clone(), &targets.into()), theirs, x);
    }
}
