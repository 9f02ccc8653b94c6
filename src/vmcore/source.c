/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/source.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

// struct makedumpfile_header and makedumpfile_data_header (makedumpfile 1.7.2, makedumpfile.h):
// a header of 4096 bytes, then records of offset and size (big-endian, -1 ends), each followed by
// its bytes. A later record overwrites an earlier one.
static const char flattened_signature[16] = "makedumpfile";
enum { FLATTENED_HEADER_SIZE = 4096, FLATTENED_TYPE = 1, FLATTENED_VERSION = 1 };

struct flattened_record {
	int64_t offset;
	int64_t size;
};

static struct ey_error *read_block(struct source *s, uint64_t number, const uint8_t **data_ret,
				   size_t *len_ret)
{
	size_t place = number % SOURCE_BLOCKS;
	uint8_t *data = s->blocks + place * SOURCE_BLOCK_SIZE;

	if (s->block_numbers[place] != number + 1) {
		size_t len = 0;

		s->block_numbers[place] = 0;
		while (len < SOURCE_BLOCK_SIZE) {
			ssize_t n = pread(s->fd, data + len, SOURCE_BLOCK_SIZE - len,
					  (off_t)(number * SOURCE_BLOCK_SIZE + len));

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return ey_error_errno(EY_ERR_IO, errno, "cannot read the dump");
			if (!n)
				break;
			len += (size_t)n;
		}
		s->block_numbers[place] = number + 1;
		s->block_lens[place] = len;
	}
	*data_ret = data;
	*len_ret = s->block_lens[place];
	return NULL;
}

// Read from the file itself, not knowing of segments.
static struct ey_error *read_file(struct source *s, uint64_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	if (offset > s->file_size || len > s->file_size - offset)
		return ey_error_create(EY_ERR_FAULT,
				       "the file ends at byte %" PRIu64 ", before %" PRIu64,
				       s->file_size, EY_MAX(offset, s->file_size));
	while (len) {
		uint64_t number = offset / SOURCE_BLOCK_SIZE;
		size_t start = offset % SOURCE_BLOCK_SIZE;
		const uint8_t *data = NULL;
		size_t have = 0;

		struct ey_error *err = read_block(s, number, &data, &have);
		if (err)
			return err;
		if (start >= have)
			return ey_error_create(EY_ERR_FAULT,
					       "the file became shorter while it was read");
		size_t n = EY_MIN(have - start, len);
		memcpy(out, data + start, n);
		out += n;
		offset += n;
		len -= n;
	}
	return NULL;
}

// Index of the first segment that ends after offset.
static size_t segment_at(const struct source *s, uint64_t offset)
{
	size_t lo = 0, hi = s->segment_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct source_segment *seg = &s->segments[mid];

		if (seg->offset + seg->len <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct ey_error *insert_at(struct source *s, size_t i, struct source_segment seg)
{
	if (s->segment_count == s->segment_capacity) {
		size_t capacity = s->segment_capacity ? 2 * s->segment_capacity : 1024;
		struct source_segment *segments =
			reallocarray(s->segments, capacity, sizeof(*segments));

		if (!segments)
			return &ey_error_nomem;
		s->segments = segments;
		s->segment_capacity = capacity;
	}
	memmove(&s->segments[i + 1], &s->segments[i],
		(s->segment_count - i) * sizeof(*s->segments));
	s->segments[i] = seg;
	s->segment_count++;
	return NULL;
}

// Add a record's bytes, cutting what earlier records said of the same offsets.
static struct ey_error *add_segment(struct source *s, struct source_segment seg)
{
	uint64_t end = seg.offset + seg.len;
	size_t i = segment_at(s, seg.offset);
	size_t first = i;

	if (i < s->segment_count && s->segments[i].offset < seg.offset) {
		struct source_segment *old = &s->segments[i];
		uint64_t old_end = old->offset + old->len;

		old->len = seg.offset - old->offset;
		first = i + 1;
		if (old_end > end) {
			struct source_segment tail = {end, old->file_offset + (end - old->offset),
						      old_end - end};
			struct ey_error *err = insert_at(s, first, tail);
			if (err)
				return err;
		}
	}
	size_t last = first;
	while (last < s->segment_count && s->segments[last].offset < end) {
		struct source_segment *old = &s->segments[last];
		uint64_t old_end = old->offset + old->len;

		if (old_end > end) {
			old->file_offset += end - old->offset;
			old->len = old_end - end;
			old->offset = end;
			break;
		}
		last++;
	}
	if (last > first)
		memmove(&s->segments[first], &s->segments[last],
			(s->segment_count - last) * sizeof(*s->segments));
	s->segment_count -= last - first;
	return insert_at(s, first, seg);
}

static struct ey_error *map_flattened(struct source *s)
{
	uint64_t pos = FLATTENED_HEADER_SIZE;

	s->flattened = true;
	s->size = 0;
	for (;;) {
		struct flattened_record record;

		if (pos + sizeof(record) > s->file_size) {
			s->cut_off = true;
			return NULL;
		}
		struct ey_error *err = read_file(s, pos, &record, sizeof(record));
		if (err)
			return err;
		int64_t offset = (int64_t)be64toh((uint64_t)record.offset);
		int64_t size = (int64_t)be64toh((uint64_t)record.size);
		if (offset == -1 && size == -1)
			return NULL;
		if (offset < 0 || size <= 0 || offset > INT64_MAX - size)
			return ey_error_create(EY_ERR_INPUT,
					       "not a sound flattened dump: at byte %" PRIu64
					       " a record of %" PRId64 " bytes for offset %" PRId64,
					       pos, size, offset);
		pos += sizeof(record);
		uint64_t len = (uint64_t)size;
		if (len > s->file_size - pos) {
			len = s->file_size - pos;
			s->cut_off = true;
		}
		if (len) {
			err = add_segment(s, (struct source_segment){(uint64_t)offset, pos, len});
			if (err)
				return err;
			s->size = EY_MAX(s->size, (uint64_t)offset + len);
		}
		if (s->cut_off)
			return NULL;
		pos += len;
	}
}

struct ey_error *source_init(struct source *s, int fd)
{
	uint8_t header[32];
	struct stat st;

	*s = (struct source){.fd = fd};
	if (fstat(fd, &st) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot stat the dump");
	s->file_size = s->size = (uint64_t)st.st_size;
	s->blocks = malloc((size_t)SOURCE_BLOCKS * SOURCE_BLOCK_SIZE);
	if (!s->blocks)
		return &ey_error_nomem;
	if (s->file_size < FLATTENED_HEADER_SIZE)
		return NULL;
	struct ey_error *err = read_file(s, 0, header, sizeof(header));
	if (err)
		return err;
	if (memcmp(header, flattened_signature, sizeof(flattened_signature)) != 0)
		return NULL;
	uint64_t type, version;
	memcpy(&type, header + 16, 8);
	memcpy(&version, header + 24, 8);
	if (be64toh(type) != FLATTENED_TYPE || be64toh(version) != FLATTENED_VERSION)
		return ey_error_create(EY_ERR_INPUT,
				       "a flattened dump of type %" PRIu64 ", version %" PRIu64
				       ", which is not known (only type 1, version 1)",
				       be64toh(type), be64toh(version));
	return map_flattened(s);
}

void source_deinit(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->segments);
	free(s->blocks);
	*s = (struct source){.fd = -1};
}

struct ey_error *source_read(struct source *s, uint64_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	if (!s->flattened)
		return read_file(s, offset, buf, len);
	while (len) {
		size_t i = s->hint;

		if (i >= s->segment_count || offset < s->segments[i].offset ||
		    offset - s->segments[i].offset >= s->segments[i].len)
			i = segment_at(s, offset);
		if (i >= s->segment_count)
			return ey_error_create(EY_ERR_FAULT,
					       "the flattened dump ends at byte %" PRIu64
					       ", before %" PRIu64,
					       s->size, offset);
		// What no record wrote is a hole, and reads as zeros once it is a plain file.
		if (s->segments[i].offset > offset) {
			size_t hole = (size_t)EY_MIN(s->segments[i].offset - offset, (uint64_t)len);

			memset(out, 0, hole);
			out += hole;
			offset += hole;
			len -= hole;
			continue;
		}
		const struct source_segment *seg = &s->segments[i];
		uint64_t skip = offset - seg->offset;
		size_t n = (size_t)EY_MIN(seg->len - skip, (uint64_t)len);
		struct ey_error *err = read_file(s, seg->file_offset + skip, out, n);
		if (err)
			return err;
		s->hint = i;
		out += n;
		offset += n;
		len -= n;
	}
	return NULL;
}

bool source_has(const struct source *s, uint64_t offset, uint64_t len)
{
	return offset <= s->size && len <= s->size - offset;
}
