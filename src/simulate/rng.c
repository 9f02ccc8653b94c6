/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/rng.h"

#include <math.h>

// SplitMix64's output function: a bijection that mixes all bits.
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

enum { GOLDEN_SHIFT = 11 };
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

void sim_rng_init(struct sim_rng *rng, uint64_t seed, uint64_t stream)
{
	uint64_t x = mix(seed + GOLDEN) ^ mix(stream * GOLDEN + 1);

	for (int i = 0; i < 4; i++) {
		x += GOLDEN;
		rng->s[i] = mix(x);
	}
}

static uint64_t rotate(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t sim_rng_next(struct sim_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static double to_unit(uint64_t x)
{
	return (double)(x >> GOLDEN_SHIFT) * 0x1.0p-53;
}

double sim_rng_unit(struct sim_rng *rng)
{
	return to_unit(sim_rng_next(rng));
}

uint64_t sim_rng_below(struct sim_rng *rng, uint64_t n)
{
	if (n == 0)
		return 0;
	// The first values, as many as 2^64 does not divide into, would make some too likely.
	uint64_t unfair = -n % n, x;

	do {
		x = sim_rng_next(rng);
	} while (x < unfair);
	return x % n;
}

double sim_rng_exponential(struct sim_rng *rng, double mean)
{
	return -mean * log1p(-sim_rng_unit(rng));
}

uint64_t sim_hash(uint64_t a, uint64_t b, uint64_t c)
{
	return mix(mix(mix(a + GOLDEN) ^ (b * GOLDEN)) ^ (c + GOLDEN));
}

double sim_hash_unit(uint64_t a, uint64_t b, uint64_t c)
{
	return to_unit(sim_hash(a, b, c));
}

uint64_t sim_hash_text(const char *s)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return mix(h);
}
