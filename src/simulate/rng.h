/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Random numbers that are the same everywhere and for ever: xoshiro256** (Blackman and Vigna,
 * "Scrambled linear pseudorandom number generators", 2018), its state filled by SplitMix64. Each
 * source of events has a stream of its own, so that one more of them does not change the others.
 */
#ifndef EYRIE_SIMULATE_RNG_H
#define EYRIE_SIMULATE_RNG_H

#include <stdint.h>

struct sim_rng {
	uint64_t s[4];
};

/** Begin stream number @p stream of @p seed. */
void sim_rng_init(struct sim_rng *rng, uint64_t seed, uint64_t stream);
uint64_t sim_rng_next(struct sim_rng *rng);
/** In [0, 1), 53 bits. */
double sim_rng_unit(struct sim_rng *rng);
/** In [0, @p n), every value as likely; 0 where @p n is 0. */
uint64_t sim_rng_below(struct sim_rng *rng, uint64_t n);
/** Exponentially distributed with @p mean: the wait for the next event of a Poisson process. */
double sim_rng_exponential(struct sim_rng *rng, double mean);

/** A number that only depends on the three: what is fixed for a host, a roll-out, a kernel. */
uint64_t sim_hash(uint64_t a, uint64_t b, uint64_t c);
/** The same as a number in [0, 1). */
double sim_hash_unit(uint64_t a, uint64_t b, uint64_t c);
uint64_t sim_hash_text(const char *s);

#endif
