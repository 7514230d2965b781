#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/graph.h"
#include "model/network.h"
#include "tests/cm.h"
#include "tests/model/forge.h"

const char *forge_path(void)
{
        static char path[64];

        if (!*path)
                snprintf(path, sizeof path, "/tmp/visaged-test-%ld.safetensors", (long)getpid());
        return path;
}

void forge_remove(void)
{
        unlink(forge_path());
}

void forge_write(uint64_t length, const char *header, size_t header_size, const void *data, size_t data_size)
{
        FILE *file = fopen(forge_path(), "wb");
        uint8_t prefix[8];

        assert_non_null(file);
        for (size_t i = 0; i < 8; i++)
                prefix[i] = (uint8_t)(length >> 8 * i);
        assert_int_equal(fwrite(prefix, 1, 8, file), 8);
        assert_int_equal(fwrite(header, 1, header_size, file), header_size);
        if (data_size > 0)
                assert_int_equal(fwrite(data, 1, data_size, file), data_size);
        assert_int_equal(fclose(file), 0);
}

struct model_info forge_info(void)
{
        return (struct model_info){
                .name = "forged",
                .block = MODEL_BASIC,
                .blocks = {1, 2, 1, 1},
                .stem = {8, 16, 24},
                .planes = {8, 16, 16, 24},
                .head = 16,
                .decoder = {16, 8},
                .height = 40,
                .width = 48,
                .bgr = true,
                .mean = {0.25f, 0.5f, 0.75f},
                .std = {1, 0.5f, 2},
                .classes = 3,
                .class = {{"background", {0, 0, 0}}, {"skin", {255, 128, 1}}, {"hair", {16, 32, 171}}},
                .license = "CC0-1.0",
                .provenance = "made by a test",
        };
}

struct model_info forge_inverted_info(void)
{
        struct model_info info = forge_info();

        info.block = MODEL_INVERTED;
        memset(info.blocks, 0, sizeof info.blocks);
        memset(info.stem, 0, sizeof info.stem);
        memset(info.planes, 0, sizeof info.planes);
        memset(info.decoder, 0, sizeof info.decoder);
        info.inverted = (struct model_inverted){
                .stem = 8,
                .layer_count = 4,
                .level_count = 2,
                .layers = {{3, 1, 1, 1, 8, 1}, {3, 2, 1, 2, 16, 2}, {5, 2, 1, 3, 24, 2}, {5, 1, 2, 2, 24, 2}},
                .levels = {{16, 8, 5}, {8, 8, 3}},
        };
        return info;
}

static void put(json_t *metadata, const char *key, json_t *value)
{
        char *text = json_dumps(value, JSON_ENCODE_ANY);

        json_object_set_new(metadata, key, json_string(text));
        free(text);
        json_decref(value);
}

static json_t *array(const uint32_t *values, size_t count)
{
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++)
                json_array_append_new(array, json_integer(values[i]));
        return array;
}

static json_t *reals(const float values[3])
{
        return json_pack("[f,f,f]", (double)values[0], (double)values[1], (double)values[2]);
}

static void put_resnet(json_t *metadata, const struct model_info *info)
{
        put(metadata, "block", json_string(info->block == MODEL_BASIC ? "basic" : "bottleneck"));
        put(metadata, "blocks", array(info->blocks, 4));
        put(metadata, "stem", array(info->stem, 3));
        put(metadata, "planes", array(info->planes, 4));
        put(metadata, "decoder", array(info->decoder, 2));
}

static void put_inverted(json_t *metadata, const struct model_inverted *inverted)
{
        json_t *layers = json_array(), *levels = json_array();

        for (uint32_t i = 0; i < inverted->layer_count; i++) {
                const struct model_layer *l = &inverted->layers[i];
                const uint32_t row[] = {l->kernel, l->stride, l->dilation, l->expansion, l->channels, l->blocks};

                json_array_append_new(layers, array(row, 6));
        }
        for (uint32_t i = 0; i < inverted->level_count; i++) {
                const struct model_level *l = &inverted->levels[i];
                const uint32_t row[] = {l->channels, l->lateral, l->kernel};

                json_array_append_new(levels, array(row, 3));
        }
        put(metadata, "block", json_string("inverted"));
        put(metadata, "stem", array(&inverted->stem, 1));
        put(metadata, "layers", layers);
        put(metadata, "decoder", levels);
}

static json_t *forge_metadata(const struct model_info *info)
{
        json_t *metadata = json_object(), *classes = json_array();

        for (uint32_t i = 0; i < info->classes; i++) {
                const uint8_t *c = info->class[i].color;
                char color[8];

                snprintf(color, sizeof color, "#%02x%02x%02x", c[0], c[1], c[2]);
                json_array_append_new(classes, json_pack("{s:s,s:s}", "name", info->class[i].name, "color", color));
        }
        put(metadata, "format", json_string("visaged-1"));
        put(metadata, "name", json_string(info->name));
        if (info->block == MODEL_INVERTED)
                put_inverted(metadata, &info->inverted);
        else
                put_resnet(metadata, info);
        put(metadata, "head", json_integer(info->head));
        put(metadata, "input", json_pack("[i,i]", (int)info->height, (int)info->width));
        if (info->free_shape)
                put(metadata, "shape", json_string("free"));
        put(metadata, "channels", json_string(info->bgr ? "BGR" : "RGB"));
        put(metadata, "mean", reals(info->mean));
        put(metadata, "std", reals(info->std));
        put(metadata, "classes", classes);
        put(metadata, "license", json_string(info->license));
        put(metadata, "provenance", json_string(info->provenance));
        return metadata;
}

json_t *forge_header(const struct model_info *info, bool half, size_t *ret_size)
{
        json_t *header = json_object();
        struct graph *graph;
        size_t offset = 0;

        assert_int_equal(network_new(info, GPU_F32, &graph), 0);
        json_object_set_new(header, "__metadata__", forge_metadata(info));
        for (uint32_t i = 0; i < graph->tensor_count; i++) {
                const struct graph_tensor *tensor = &graph->tensors[i];
                size_t end = offset + tensor->count * (half ? 2 : 4);

                json_object_set_new(header, tensor->name,
                                    json_pack("{s:s,s:o,s:[I,I]}", "dtype", half ? "F16" : "F32", "shape",
                                              array(tensor->shape, tensor->rank), "data_offsets", (json_int_t)offset,
                                              (json_int_t)end));
                offset = end;
        }
        graph_free(graph);
        *ret_size = offset;
        return header;
}

/* Every finite half, including subnormals and both zeros, in mixed order. */
uint16_t forge_half(size_t index)
{
        uint16_t half = (uint16_t)(index * 40503U);

        return (half & 0x7c00) == 0x7c00 ? half & 0x83ff : half;
}

float forge_single(size_t index)
{
        return (float)(index * 2654435761U % 1000003U) / 1024.0f - 500.0f;
}

void *forge_data(bool half, size_t size)
{
        void *data = malloc(size);

        assert_non_null(data);
        for (size_t i = 0; half && i < size / 2; i++)
                ((uint16_t *)data)[i] = forge_half(i);
        for (size_t i = 0; !half && i < size / 4; i++)
                ((float *)data)[i] = forge_single(i);
        return data;
}

void forge_model(json_t *header, const void *data, size_t size)
{
        char *text = json_dumps(header, JSON_COMPACT);

        assert_non_null(text);
        forge_write(strlen(text), text, strlen(text), data, size);
        free(text);
        json_decref(header);
}
