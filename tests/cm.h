/* cmocka, with the headers that it does not include itself. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* It needs all of the above. */
#include <cmocka.h>
