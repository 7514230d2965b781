/* A result of a parsed frame as a screen of a terminal. */
#pragma once

#include <jansson.h>

/* Clears the screen.  -EBADMSG: this is no result. */
int faces_screen_print(const json_t *result);
