/* Mutates either the header or what comes after it, and usually corrects the length before the header.  Otherwise
 * nearly every change of the header would stop at that check. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define PREFIX 8u

static size_t header_length(const uint8_t *data, size_t size)
{
        uint64_t length = 0;

        for (unsigned i = PREFIX; i-- > 0;)
                length = length << 8 | data[i];
        return length < size - PREFIX ? (size_t)length : size - PREFIX;
}

static void put_length(uint8_t *data, uint64_t length)
{
        for (unsigned i = 0; i < PREFIX; i++)
                data[i] = (uint8_t)(length >> 8 * i);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        size_t length, rest, grown;
        uint8_t *after;

        if (size < PREFIX || seed % 16 == 0)
                return LLVMFuzzerMutate(data, size, max);
        length = header_length(data, size);
        rest = size - PREFIX - length;
        if (seed % 4 == 0)
                return PREFIX + length + LLVMFuzzerMutate(data + PREFIX + length, rest, max - PREFIX - length);

        after = malloc(rest + 1);
        MUST(after);
        memcpy(after, data + PREFIX + length, rest);
        grown = LLVMFuzzerMutate(data + PREFIX, length, max - PREFIX - rest);
        memcpy(data + PREFIX + grown, after, rest);
        free(after);
        put_length(data, grown);
        return PREFIX + grown + rest;
}
