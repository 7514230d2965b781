#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/evaluation/npy.h"

#define HEADER 128 /* with magic and length; the format requires a multiple of 64 */

int npy_write(const char *path, const float *data, uint32_t channels, uint32_t height, uint32_t width)
{
        const size_t count = (size_t)channels * height * width;
        char header[HEADER + 1];
        FILE *file = fopen(path, "we");

        if (!file)
                return -errno;
        memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10); /* 0x76 = HEADER - 10 */
        int n = snprintf(header + 10, sizeof header - 10,
                         "{'descr': '%cf4', 'fortran_order': False, 'shape': (%u, %u, %u), }",
                         __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>', channels, height, width);
        memset(header + 10 + n, ' ', HEADER - 10 - n);
        header[HEADER - 1] = '\n';
        errno = 0;
        size_t done = fwrite(header, 1, HEADER, file) == HEADER ? fwrite(data, sizeof *data, count, file) : 0;
        int r = done == count ? 0 : -(errno ? errno : EIO);
        if (fclose(file) != 0 && r == 0)
                r = -errno;
        return r;
}
