/* Shows the result of a parsed frame on a terminal. */
#pragma once

#include <jansson.h>

/* Clears the screen first.  -EBADMSG: this is not a result. */
int faces_screen_print(const json_t *result);
