/* Makes external text (file names, device names) safe for JSON strings and terminals. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* Copies valid UTF-8; every other byte becomes U+FFFD.  Truncates at the end of a character if `ret` is full. */
void text_utf8(const char *text, char *ret, size_t size);

/* The same, but control characters become '?', so that a file's name cannot move a terminal's cursor. */
void text_printable(const char *text, char *ret, size_t size);

json_t *text_json(const char *text); /* a new string; NULL when out of memory */
