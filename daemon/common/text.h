/* Text from elsewhere (file names, device names), made fit for a JSON string or a terminal. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* Copies valid UTF-8; every byte that is not part of any becomes U+FFFD.  Cut at a character's end where `ret` is full.
 */
void text_utf8(const char *text, char *ret, size_t size);

/* The same, and control characters become '?': a file's name must not move a terminal's cursor. */
void text_printable(const char *text, char *ret, size_t size);

json_t *text_json(const char *text); /* a new string; NULL when out of memory */
