/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures as published: the aws-sig-v4-test-suite (the cases that do not normalize the path,
 * which S3 never does), and the examples of the S3 API reference ("Signature Calculations for the
 * Authorization Header", "Authenticating Requests: Using Query Parameters").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/sigv4.h"

#define EMPTY	   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN                                                                                  \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMic" \
	"RXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"                                        \
	"kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburED"                                         \
	"y0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+"                         \
	"xo0rKwT38xVqr7ZD0u0iPPkUL64lI"                                                        \
	"ZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

enum { SUITE_TIME = 1440938160, S3_TIME = 1369353600 };

struct example {
	const char *name;
	const char *method;
	const char *path;
	struct sigv4_pair query[3];
	struct sigv4_pair headers[3];
	const char *body;
	const char *headers_signed;
	const char *signature;
};

static const struct example suite[] = {
	{"get-vanilla",
	 "GET",
	 "/",
	 {{0}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-vanilla-empty-query-key",
	 "GET",
	 "/",
	 {{"Param1", "value1"}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{"get-vanilla-query-order-key",
	 "GET",
	 "/",
	 {{"Param1", "value2"}, {"Param1", "Value1"}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
	{"get-vanilla-query-order-key-case",
	 "GET",
	 "/",
	 {{"Param2", "value2"}, {"Param1", "value1"}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"get-vanilla-query-order-value",
	 "GET",
	 "/",
	 {{"Param1", "value2"}, {"Param1", "value1"}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
	{"get-vanilla-query-unreserved",
	 "GET",
	 "/",
	 {{UNRESERVED, UNRESERVED}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
	{"get-vanilla-utf8-query",
	 "GET",
	 "/",
	 {{"\xe1\x88\xb4", "bar"}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{"get-unreserved",
	 "GET",
	 "/" UNRESERVED,
	 {{0}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
	{"get-utf8",
	 "GET",
	 "/\xe1\x88\xb4",
	 {{0}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{"get-space",
	 "GET",
	 "/example space/",
	 {{0}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{"get-header-key-duplicate",
	 "GET",
	 "/",
	 {{0}},
	 {{"My-Header1", "value2,value2,value1"}},
	 "",
	 "host;my-header1;x-amz-date",
	 "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{"get-header-value-order",
	 "GET",
	 "/",
	 {{0}},
	 {{"My-Header1", "value4,value1,value3,value2"}},
	 "",
	 "host;my-header1;x-amz-date",
	 "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	{"get-header-value-trim",
	 "GET",
	 "/",
	 {{0}},
	 {{"My-Header2", " \"a   b   c\""}, {"My-Header1", " value1"}},
	 "",
	 "host;my-header1;my-header2;x-amz-date",
	 "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{"post-vanilla",
	 "POST",
	 "/",
	 {{0}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"post-vanilla-query",
	 "POST",
	 "/",
	 {{"Param1", "value1"}},
	 {{0}},
	 "",
	 "host;x-amz-date",
	 "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
	{"post-header-key-sort",
	 "POST",
	 "/",
	 {{0}},
	 {{"My-Header1", "value1"}},
	 "",
	 "host;my-header1;x-amz-date",
	 "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
	{"post-header-value-case",
	 "POST",
	 "/",
	 {{0}},
	 {{"My-Header1", "VALUE1"}},
	 "",
	 "host;my-header1;x-amz-date",
	 "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
	{"post-sts-header-before",
	 "POST",
	 "/",
	 {{0}},
	 {{"X-Amz-Security-Token", TOKEN}},
	 "",
	 "host;x-amz-date;x-amz-security-token",
	 "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	{"post-x-www-form-urlencoded",
	 "POST",
	 "/",
	 {{0}},
	 {{"Content-Type", "application/x-www-form-urlencoded"}},
	 "Param1=value1",
	 "content-type;host;x-amz-date",
	 "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	{"post-x-www-form-urlencoded-parameters",
	 "POST",
	 "/",
	 {{0}},
	 {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
	 "Param1=value1",
	 "content-type;host;x-amz-date",
	 "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
};

static const struct example s3[] = {
	{"GET object, a range",
	 "GET",
	 "/test.txt",
	 {{0}},
	 {{"Range", "bytes=0-9"}},
	 "",
	 "host;range;x-amz-content-sha256;x-amz-date",
	 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
	{"PUT object",
	 "PUT",
	 "/test$file.text",
	 {{0}},
	 {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
	 "Welcome to Amazon S3.",
	 "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	 "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
	{"GET bucket lifecycle",
	 "GET",
	 "/",
	 {{"lifecycle", ""}},
	 {{0}},
	 "",
	 "host;x-amz-content-sha256;x-amz-date",
	 "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
	{"List objects",
	 "GET",
	 "/",
	 {{"prefix", "J"}, {"max-keys", "2"}},
	 {{0}},
	 "",
	 "host;x-amz-content-sha256;x-amz-date",
	 "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static size_t count_pairs(const struct sigv4_pair *pairs, size_t max)
{
	size_t n = 0;

	while (n < max && pairs[n].name)
		n++;
	return n;
}

static void check(const struct example *e, bool is_s3)
{
	const struct sigv4_key key = {is_s3 ? "AKIAIOSFODNN7EXAMPLE" : "AKIDEXAMPLE",
				      is_s3 ? "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
					    : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
				      "us-east-1", is_s3 ? "s3" : "service"};
	_cleanup_buf_ struct ey_buf got = EY_BUF_INIT, want = EY_BUF_INIT;
	struct sigv4_pair headers[8];
	char now[SIGV4_TIME_SIZE], hash[SIGV4_HEX_SIZE];
	int64_t time = is_s3 ? S3_TIME : SUITE_TIME;
	size_t n = count_pairs(e->headers, EY_ARRAY_SIZE(e->headers));

	memcpy(headers, e->headers, sizeof(e->headers));
	sigv4_time(time, now);
	sigv4_hash(e->body, strlen(e->body), hash);
	headers[n++] = (struct sigv4_pair){"X-Amz-Date", now};
	headers[n++] = (struct sigv4_pair){"Host", is_s3 ? "examplebucket.s3.amazonaws.com"
							 : "example.amazonaws.com"};
	if (is_s3)
		headers[n++] = (struct sigv4_pair){"x-amz-content-sha256", hash};
	struct sigv4_request request = {
		.method = e->method,
		.path = e->path,
		.query = e->query,
		.query_count = count_pairs(e->query, EY_ARRAY_SIZE(e->query)),
		.headers = headers,
		.header_count = n,
		.payload = hash,
		.time = time,
	};
	sigv4_authorization(&got, &request, &key);
	ey_buf_printf(&want,
		      "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, "
		      "SignedHeaders=%s, Signature=%s",
		      key.access, now, key.service, e->headers_signed, e->signature);
	if (strcmp(ey_buf_str(&got), ey_buf_str(&want)) != 0)
		print_error("%s\n", e->name);
	assert_string_equal(ey_buf_str(&got), ey_buf_str(&want));
}

static void the_suite(void **state)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(suite); i++)
		check(&suite[i], false);
}

static void examples_of_s3(void **state)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(s3); i++)
		check(&s3[i], true);
}

static void presigned_get(void **state)
{
	const struct sigv4_key key = {"AKIAIOSFODNN7EXAMPLE",
				      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1",
				      "s3"};
	const struct sigv4_pair host = {"host", "examplebucket.s3.amazonaws.com"};
	struct sigv4_request request = {.method = "GET",
					.path = "/test.txt",
					.headers = &host,
					.header_count = 1,
					.payload = SIGV4_UNSIGNED,
					.time = S3_TIME};
	_cleanup_buf_ struct ey_buf got = EY_BUF_INIT;

	sigv4_presign(&got, &request, &key, NULL, 86400);
	assert_string_equal(
		ey_buf_str(&got),
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
		"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
		"&X-Amz-SignedHeaders=host&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

static void paths_are_encoded_once_and_not_normalized(void **state)
{
	static const struct {
		const char *path;
		const char *want;
	} cases[] = {
		{"/a/../b//c/.", "/a/../b//c/."},
		{"/100%25", "/100%2525"},
		{"/a+b c@d:e", "/a%2Bb%20c%40d%3Ae"},
		{"/\xff\x01", "/%FF%01"},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct ey_buf buf = EY_BUF_INIT;

		sigv4_encode(&buf, cases[i].path, true);
		assert_string_equal(ey_buf_str(&buf), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_suite),
		cmocka_unit_test(examples_of_s3),
		cmocka_unit_test(presigned_get),
		cmocka_unit_test(paths_are_encoded_once_and_not_normalized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
