//! Item i is a function of the seed and of i.

use super::*;

fn bytes(data: &Data) -> Vec<u32> {
    data.dataset().unwrap().values().iter().map(|v| v.to_bits()).collect()
}

#[test]
fn an_item_alone_is_the_item_among_many() {
    let control = Control::new();
    for name in MODELS {
        let model = open(name);
        let request = quick(&model, 5);
        let generate = model.generator().unwrap();
        let many = generate.generate(0..70, &request, &control).unwrap();
        for range in [0..1, 3..4, 60..70, 63..66] {
            let part = generate.generate(range.clone(), &request, &control).unwrap();
            let rows: Vec<usize> = (range.start as usize..range.end as usize).collect();
            let same = many.select(&rows);
            assert_eq!(bytes(&part), bytes(&same), "{name}: items {range:?}");
            assert_eq!(part.labels(), same.labels(), "{name}: classes of {range:?}");
        }
    }
}

#[test]
fn samplers_that_draw_at_each_step_do_not_look_at_their_neighbours() {
    let control = Control::new();
    let model = open("diffusion");
    let generate = model.generator().unwrap();
    for sampler in ["ddpm", "euler-ancestral", "ddim", "dpmpp-2m", "heun"] {
        let request = Request::seed(2).set("steps", 4).set("sampler", sampler);
        let many = generate.generate(0..20, &request, &control).unwrap();
        let few = generate.generate(0..10, &request, &control).unwrap();
        let first: Vec<usize> = (0..10).collect();
        assert_eq!(bytes(&few), bytes(&many.select(&first)), "{sampler}");
    }
    let flow = open("flow-matching");
    let generate = flow.generator().unwrap();
    for sampler in ["euler", "rk45"] {
        let request = Request::seed(2).set("steps", 4).set("sampler", sampler);
        let many = generate.generate(0..6, &request, &control).unwrap();
        let one = generate.generate(4..5, &request, &control).unwrap();
        assert_eq!(bytes(&one), bytes(&many.select(&[4])), "{sampler}");
    }
}

#[test]
fn scores_do_not_depend_on_what_else_is_scored() {
    for name in ["vae", "table-vae"] {
        let (model, data) = (open(name), data(name, 70));
        let request = Request::seed(3).set("draws", 3);
        let all = model.score(&data, &request, &Control::new()).unwrap();
        let first: Vec<usize> = (0..5).collect();
        let few = model.score(&data.select(&first), &request, &Control::new()).unwrap();
        assert_eq!(few.nats(), &all.nats()[..5], "{name}");
    }
}

#[test]
fn samples_have_no_end() {
    let model = open("table-vae");
    let request = Request::seed(9);
    let some: Vec<Data> =
        model.samples(&request, &Control::new()).unwrap().take(130).map(Result::unwrap).collect();
    let many = model.generate(130, &request, &Control::new()).unwrap();
    assert_eq!(bytes(&Data::concat(some).unwrap()), bytes(&many));
    let control = Control::new();
    let mut samples = model.samples(&request, &control).unwrap();
    control.cancel();
    assert_eq!(samples.next().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(samples.next().is_none());
}
