/* Mutates a PNG and usually corrects its checksums.  Otherwise nearly every change would stop at the first of them. */
#include <string.h>
#include <zlib.h>

#include "tests/fuzz/fuzz.h"

#define MAGIC 8u

static uint32_t be32(const uint8_t *data)
{
        return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

/* Chunks: length, type, data, checksum over type and data. */
static void mend(uint8_t *data, size_t size)
{
        size_t at = MAGIC;

        while (size - at >= 12 && be32(data + at) <= size - at - 12) {
                uint32_t length = be32(data + at);
                uint32_t crc = (uint32_t)crc32(0, data + at + 4, length + 4);

                at += 8 + length;
                for (int i = 0; i < 4; i++)
                        data[at++] = (uint8_t)(crc >> 8 * (3 - i));
        }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        size = LLVMFuzzerMutate(data, size, max);
        if (size > MAGIC && memcmp(data, "\x89PNG", 4) == 0 && seed % 8 != 0)
                mend(data, size);
        return size;
}
