//! The rows of the table.

use crate::workload::{Plan, Workload};
use crate::{
    adam, dcgan, decode, distributions, flow, frechet, gan, gpt, lstm, markov, matmul, mixture,
    picture_flow, resblock, sampling, seq2seq, text, topics, unet, vae, writing,
};

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whether a run is a training step, which several workers can share.
    pub trains: bool,
    /// Builds the work.
    pub build: fn(Plan) -> Box<dyn Workload>,
}

/// All rows that a worker process serves.
pub fn rows() -> Vec<Row> {
    let row = |name, trains, build| Row { name, trains, build };
    vec![
        row("matmul", false, matmul::build as fn(Plan) -> Box<dyn Workload>),
        row("vae", true, vae::dense),
        row("conv_vae", true, vae::convolutional),
        row("vq_vae", true, vae::quantised),
        row("resblock_forward", false, resblock::forward),
        row("resblock_train", true, resblock::train),
        row("dcgan", true, dcgan::build),
        row("gan_discriminator", true, gan::discriminator),
        row("gan_generator", true, gan::generator),
        row("gan_sample_10k", false, gan::draw),
        row("maf_train", true, flow::maf_train),
        row("maf_sample", false, flow::maf_sample),
        row("nsf_train", true, flow::nsf_train),
        row("nsf_sample", false, flow::nsf_sample),
        row("glow_train", true, picture_flow::glow_train),
        row("glow_sample", false, picture_flow::glow_sample),
        row("tarflow_train", true, picture_flow::tarflow_train),
        row("tarflow_sample", false, picture_flow::tarflow_sample),
        row("gpt_forward", false, gpt::forward),
        row("gpt_train", true, gpt::train),
        row("seq2seq_train", true, seq2seq::train),
        row("lstm_train", true, lstm::train),
        row("decode_1", false, decode::one),
        row("decode_16", false, decode::sixteen),
        row("lm_write_1", false, writing::one),
        row("lm_write_16", false, writing::sixteen),
        row("lm_write_64", false, writing::sixty_four),
        row("lm_int8_1", false, writing::one_int8),
        row("lm_int8_16", false, writing::sixteen_int8),
        row("lm_prefill", false, writing::prefill),
        row("lm_pairs", false, writing::pairs),
        row("adam", false, adam::build),
        row("sample_10k", false, sampling::build),
        row("frechet", false, frechet::build),
        row("unet_train", true, unet::train),
        row("unet_denoise_1", false, unet::denoise_one),
        row("unet_denoise_16", false, unet::denoise_sixteen),
        row("unet_sample", false, unet::sample),
        row("text_bleu", false, text::bleu),
        row("text_chrf", false, text::chrf),
        row("text_ter", false, text::ter),
        row("text_rouge", false, text::rouge),
        row("gmm_step", false, mixture::step),
        row("gmm_fit", false, mixture::whole),
        row("hmm_step", false, markov::step),
        row("hmm_viterbi", false, markov::viterbi),
        row("hmm_score", false, markov::score),
        row("words_count", false, markov::count),
        row("words_sentences", false, markov::sentences),
        row("normal_log_prob", false, distributions::normal_log_prob),
        row("normal_sample", false, distributions::normal_sample),
        row("gamma_log_prob", false, distributions::gamma_log_prob),
        row("gamma_sample", false, distributions::gamma_sample),
        row("categorical_log_prob", false, distributions::categorical_log_prob),
        row("categorical_sample", false, distributions::categorical_sample),
        row("mvn_log_prob", false, distributions::vector_log_prob),
        row("mvn_sample", false, distributions::vector_sample),
        row("lda_gibbs", false, topics::gibbs),
        row("lda_collapsed", false, topics::collapsed),
        row("lda_pass", false, topics::variational),
    ]
}
