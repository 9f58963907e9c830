# Writes tests/fixtures/mclust.json: M-steps, converged fits and densities of the fourteen models.
#
#     Rscript scripts/reference_mclust.R > tests/fixtures/mclust.json
#
# R 4.2.2 with mclust 6.0.0 (Debian's r-base-core and r-cran-mclust).
suppressPackageStartupMessages(library(mclust))

models <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
x <- as.matrix(iris[, 1:4])
n <- nrow(x)
k <- 3
# Soft shares without randomness: the classes, blurred by sines.
z <- unmap(as.integer(iris$Species))
z <- z + 0.3 + 0.25 * sin(outer(1:n, 1:k, function(i, j) 1.7 * i + 2.9 * j))
z <- z / rowSums(z)

num <- function(v) paste0("[", paste(sprintf("%.17g", v), collapse = ","), "]")
field <- function(name, v) sprintf('"%s":%s', name, v)
obj <- function(...) paste0("{", paste(c(...), collapse = ","), "}")

mstep_of <- function(model) {
  m <- mstep(modelName = model, data = x, z = z, control = emControl(tol = c(1e-14, 1e-14), itmax = c(1000, 10000)))
  obj(field("model", sprintf('"%s"', model)), field("mean", num(m$parameters$mean)),
      field("sigma", num(m$parameters$variance$sigma)))
}
# From the classes, to the end: log-likelihood and mclust's BIC.
fit_of <- function(model) {
  m <- me(modelName = model, data = x, z = unmap(as.integer(iris$Species)),
          control = emControl(tol = c(1e-13, 1e-13), itmax = c(20000, 20000)))
  bic <- bic(modelName = model, loglik = m$loglik, n = n, d = 4, G = k)
  obj(field("model", sprintf('"%s"', model)), field("log_likelihood", sprintf("%.17g", m$loglik)),
      field("bic", sprintf("%.17g", bic)))
}
prior <- mstep(modelName = "VVV", data = x, z = z, prior = priorControl())
faithful_fit <- function(model, g) {
  m <- Mclust(faithful, G = g, modelNames = model, verbose = FALSE, control = emControl(tol = 1e-13, itmax = 20000))
  obj(field("model", sprintf('"%s"', model)), field("components", g), field("log_likelihood", sprintf("%.17g", m$loglik)),
      field("bic", sprintf("%.17g", m$bic)), field("icl", sprintf("%.17g", icl(m))))
}
list_of <- function(v) paste0("[", paste(v, collapse = ",\n"), "]")
cat(obj(
  field("made_by", '"scripts/reference_mclust.R, R 4.2.2, mclust 6.0.0"'),
  field("z", num(t(z))),
  field("msteps", list_of(sapply(models, mstep_of))),
  field("prior_mstep", obj(field("mean", num(prior$parameters$mean)), field("sigma", num(prior$parameters$variance$sigma)))),
  field("fits", list_of(sapply(models, fit_of))),
  field("faithful", list_of(c(faithful_fit("VVV", 2), faithful_fit("EEE", 3))))
), "\n")
