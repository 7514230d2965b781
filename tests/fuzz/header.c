/* The JSON header of a model file.  The bytes are the header's text.  Its length is put before it, and after it as
 * many zeros as the tensors claim, so that no change of the text stops at the container's own checks.  The network
 * in the metadata is built whether or not the tensors fit it. */
#include <errno.h>
#include <string.h>

#include "model/info.h"
#include "model/safetensors.h"
#include "tests/fuzz/fuzz.h"

#define DATA_MAX (1u << 20)

/* The largest number in front of a "]": that is where offsets of tensors end. */
static size_t claimed_size(const uint8_t *text, size_t size)
{
        size_t most = 0, number = 0;

        for (size_t i = 0; i < size; i++) {
                if (text[i] == ']' && number > most && number <= DATA_MAX)
                        most = number;
                number = text[i] >= '0' && text[i] <= '9' && number <= DATA_MAX ? number * 10 + text[i] - '0' : 0;
        }
        return most;
}

static const char *wrap(const uint8_t *text, size_t size)
{
        uint8_t *file = malloc(8 + size);
        const char *path;

        MUST(file);
        for (unsigned i = 0; i < 8; i++)
                file[i] = (uint8_t)((uint64_t)size >> 8 * i);
        memcpy(file + 8, text, size);
        path = memory_file(file, 8 + size, 8 + size + claimed_size(text, size));
        free(file);
        return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *path = wrap(data, size);
        struct safetensors *file;
        struct model_info info;
        struct model *model;
        char why[256] = "";
        int r = safetensors_open(path, &file, why, sizeof why);

        MUST(r == 0 || r == -EBADMSG);
        if (r < 0) {
                line_check(why);
                return 0;
        }
        r = info_parse(file, path, &info, why, sizeof why);
        safetensors_close(file);
        MUST(r == 0 || r == -EBADMSG);
        if (r < 0) {
                line_check(why);
                return 0;
        }
        network_check(&info);
        r = model_open(path, &model, why, sizeof why);
        MUST(r == 0 || r == -EBADMSG);
        if (r == 0)
                model_close(model);
        else
                line_check(why);
        return 0;
}
