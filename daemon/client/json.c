#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/client/json.h"
#include "daemon/common/text.h"

/* Reads all members of the container that has been entered. */
static int members(sd_bus_message *message, json_t *array)
{
        json_t *value;
        int r;

        while ((r = sd_bus_message_at_end(message, false)) == 0) {
                if ((r = bus_json(message, &value)) < 0)
                        return r;
                json_array_append_new(array, value);
        }
        return r < 0 ? r : 0;
}

static int entry(sd_bus_message *message, json_t *object)
{
        const char *key;
        json_t *value;

        int r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key);
        if (r >= 0 && (r = bus_json(message, &value)) >= 0)
                json_object_set_new(object, key, value);
        return r;
}

static int entries(sd_bus_message *message, const char *contents, json_t *object)
{
        char types[256];
        int r;

        /* without its braces */
        if (snprintf(types, sizeof types, "%.*s", (int)strlen(contents) - 2, contents + 1) >= (int)sizeof types)
                return -EBADMSG;
        while ((r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, types)) > 0)
                if ((r = entry(message, object)) < 0 || (r = sd_bus_message_exit_container(message)) < 0)
                        return r;
        return r < 0 ? r : 0;
}

static int container(sd_bus_message *message, char type, const char *contents, json_t **ret)
{
        bool object = type == SD_BUS_TYPE_ARRAY && strncmp(contents, "{s", 2) == 0;
        json_t *made;

        int r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;
        if (type == SD_BUS_TYPE_VARIANT) {
                if ((r = bus_json(message, ret)) < 0)
                        return r;
                return sd_bus_message_exit_container(message);
        }
        made = object ? json_object() : json_array();
        r = object ? entries(message, contents, made) : members(message, made);
        if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0) {
                json_decref(made);
                return r;
        }
        *ret = made;
        return 0;
}

static int basic(sd_bus_message *message, char type, json_t **ret)
{
        union {
                const char *s;
                int b;
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
        } value;

        int r = sd_bus_message_read_basic(message, type, &value);
        if (r < 0)
                return r;
        *ret = type == 's' || type == 'o' || type == 'g' ? text_json(value.s)
               : type == 'b'                             ? json_boolean(value.b)
               : type == 'y'                             ? json_integer(value.y)
               : type == 'n'                             ? json_integer(value.n)
               : type == 'q'                             ? json_integer(value.q)
               : type == 'i'                             ? json_integer(value.i)
               : type == 'u'                             ? json_integer(value.u)
               : type == 'x'                             ? json_integer(value.x)
               : type == 't' ? json_integer(value.t > INT64_MAX ? INT64_MAX : (json_int_t)value.t)
               : type == 'd' ? json_real(value.d)
                             : NULL;
        if (!*ret)
                *ret = json_null();
        return 0;
}

int bus_json(sd_bus_message *message, json_t **ret)
{
        const char *contents;
        char type;

        int r = sd_bus_message_peek_type(message, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        return contents ? container(message, type, contents, ret) : basic(message, type, ret);
}
