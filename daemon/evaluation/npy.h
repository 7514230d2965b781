#pragma once

#include <stdint.h>

/* A NumPy file, version 1.0: float32 of shape (channels, height, width).  -EIO or the file's errno. */
int npy_write(const char *path, const float *data, uint32_t channels, uint32_t height, uint32_t width);
