//! Samplers by name.

use std::str::FromStr;

use pyrogen_core::ConfigError;

use super::Sampler;

/// The names, and the numbers that they stand for.
const NAMED: [(&str, Sampler); 16] = [
    ("ddpm", Sampler::Ddpm),
    ("ddpm-large", Sampler::DdpmLarge),
    ("ddim", Sampler::Ddim { eta: 0.0 }),
    ("euler", Sampler::Euler),
    ("euler-ancestral", Sampler::EulerAncestral { eta: 1.0 }),
    ("heun", Sampler::Heun),
    // Karras et al. 2022, table 5, ImageNet.
    ("edm", Sampler::Edm { churn: 40.0, sigma_min: 0.05, sigma_max: 50.0, noise: 1.003 }),
    ("dpmpp-2s", Sampler::Dpmpp2s),
    ("dpmpp-2s-ancestral", Sampler::Dpmpp2sAncestral { eta: 1.0 }),
    ("dpmpp-2m", Sampler::Dpmpp2m),
    ("dpmpp-2m-sde", Sampler::Dpmpp2mSde { eta: 1.0 }),
    ("dpmpp-3m", Sampler::Dpmpp3m),
    ("dpmpp-3m-sde", Sampler::Dpmpp3mSde { eta: 1.0 }),
    ("dpmpp-sde", Sampler::DpmppSde { eta: 1.0 }),
    ("unipc", Sampler::UniPc { order: 2 }),
    ("lms", Sampler::Lms { order: 4 }),
];

impl Sampler {
    /// The names that [`FromStr`] knows, for help texts.
    pub const NAMES: &'static str = "ddpm, ddpm-large, ddim, euler, euler-ancestral, heun, edm, \
        dpmpp-2s, dpmpp-2s-ancestral, dpmpp-2m, dpmpp-2m-sde, dpmpp-3m, dpmpp-3m-sde, dpmpp-sde, \
        unipc, lms";

    /// Every sampler with its name and usual numbers.
    pub fn all() -> impl Iterator<Item = (&'static str, Sampler)> {
        NAMED.into_iter()
    }
}

impl FromStr for Sampler {
    type Err = ConfigError;

    /// The sampler of a name, with the numbers its authors use.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let found = NAMED.iter().find(|(name, _)| *name == text);
        found.map(|&(_, sampler)| sampler).ok_or_else(|| {
            ConfigError::value("sampler", format!("one of {}", Self::NAMES), format!("`{text}`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_listed_and_parses() {
        let names: Vec<&str> = Sampler::all().map(|(name, _)| name).collect();
        assert_eq!(names.join(", "), Sampler::NAMES);
        for (name, sampler) in Sampler::all() {
            assert_eq!(name.parse::<Sampler>().unwrap(), sampler);
            sampler.validate().unwrap();
            let json = serde_json::to_string(&sampler).unwrap();
            assert_eq!(serde_json::from_str::<Sampler>(&json).unwrap(), sampler, "{json}");
        }
        // The samplers whose names' numbers hold an `eta` take another.
        let with: Vec<&str> = Sampler::all()
            .filter(|(_, s)| {
                let other = s.with_eta(0.25);
                other.is_some_and(|o| serde_json::to_string(&o).unwrap().contains("\"eta\":0.25"))
            })
            .map(|(name, _)| name)
            .collect();
        let holds = |s: &Sampler| serde_json::to_string(s).unwrap().contains("eta");
        let expected: Vec<&str> =
            Sampler::all().filter(|(_, s)| holds(s)).map(|(name, _)| name).collect();
        assert_eq!(with, expected);
        let unknown = "dpm".parse::<Sampler>().unwrap_err().to_string();
        assert!(unknown.contains("dpmpp-2m") && unknown.contains("`dpm`"), "{unknown}");
    }
}
