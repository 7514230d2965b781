/* The effects' rows, which choices are allowed, and what a choice becomes for a frame. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/pipeline/effects/chain.h"
#include "tests/cm.h"

#define BIT(name) (UINT32_C(1) << EFFECT_##name)

static void test_rows(void **state)
{
        unsigned alone = 0;

        for (unsigned i = 0; i < EFFECTS; i++) {
                const struct effect *effect = effects[i];
                assert_true(effect->name[0] && effect->help[0]);
                assert_int_equal(strspn(effect->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(effect->name));
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(effect->name, effects[k]->name);
                assert_true(effect->block_size <= EFFECT_BLOCK_MAX);
                assert_int_equal(effect->block_size > 0, effect->fill != NULL);
                assert_true(effect->fill || !effect->state_size); /* or its operators do not know when it is fresh */
                alone += !effect->record;
        }
        assert_int_equal(alone, 1);
        assert_null(effects[EFFECTS - 1]->record); /* texts about the others end with "or none" */
}

static void test_options(void **state)
{
        for (unsigned i = 0; i < EFFECTS; i++)
                for (const struct effect_option *option = effects[i]->options; option->name; option++) {
                        struct effect_settings settings = {0};
                        double *place;
                        /* Of all effects, the first of this name: there is no other. */
                        assert_ptr_equal(
                                effect_option_find(&settings, (UINT32_C(1) << EFFECTS) - 1, option->name, &place),
                                option);
                        assert_ptr_equal(place, &settings.options[i][option - effects[i]->options]);
                        assert_true(option->low < option->high && option->help[0]);
                        assert_true(effect_option_allows(option, option->default_value));
                        assert_null(effect_option_find(&settings, BIT(none), option->name, &place));
                }
}

static void test_good_chains(void **state)
{
        static const struct {
                const char *text, *applied;
                uint32_t chain;
        } good[] = {
                {"overlay", "overlay", BIT(overlay)},
                {"labels", "labels", BIT(labels)},
                {"blur", "blur", BIT(blur)},
                {"none", "none", BIT(none)},
                {"mirror+blur", "blur+mirror", BIT(blur) | BIT(mirror)},
                {"mirror+labels+blur+overlay", "overlay+labels+blur+mirror",
                 BIT(overlay) | BIT(labels) | BIT(blur) | BIT(mirror)},
                {"overlay+blur", "overlay+blur", BIT(overlay) | BIT(blur)},
                {"blur+overlay", "overlay+blur", BIT(overlay) | BIT(blur)},
                {"blur+labels+overlay", "overlay+labels+blur", BIT(overlay) | BIT(labels) | BIT(blur)},
        };

        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
                char text[EFFECT_TEXT_MAX];
                uint32_t chain;
                assert_int_equal(effect_chain_parse(good[i].text, &chain), 0);
                assert_int_equal(chain, good[i].chain);
                effect_chain_format(chain, text);
                assert_string_equal(text, good[i].applied);
        }
}

static void test_bad_chains(void **state)
{
        static const char *const bad[] = {
                "",          "+",         "blur+", "+blur",        "blur++overlay", "blur+blur",
                "blur+none", "none+none", "sepia", "blur+sepia",   "blur,labels",   "Blur",
                " blur",     "blu",       "blurs", "blur +overlay"};

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                uint32_t chain = 77;
                assert_int_equal(effect_chain_parse(bad[i], &chain), -EINVAL);
                assert_int_equal(chain, 77);
        }
}

static void test_values(void **state)
{
        static const char *const bad[] = {"",    "nan",   "-nan", "inf", "0.24", "4.01",
                                          "-1",  "+1",    "1e0",  "0x1", "1 ",   " 1",
                                          "1,5", "1.2.3", ".",    "-",   "1f",   "99999999999999999999"};
        const struct effect_option *option = &effects[EFFECT_blur]->options[0];
        char text[EFFECT_TEXT_MAX];
        double value = 7;

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(effect_option_parse(option, bad[i], &value), -EINVAL);
                assert_true(value == 7);
        }
        assert_int_equal(effect_option_parse(option, "0.25", &value), 0);
        assert_true(value == 0.25);
        assert_int_equal(effect_option_parse(option, "4.000", &value), 0);
        assert_true(value == 4);
        assert_false(effect_option_allows(option, 0.0 / 0.0));
        effect_option_allowed(option, text);
        assert_string_equal(text, "a number from 0.25 to 4 fortieths of the picture's height");
        effect_option_allowed(&effects[EFFECT_overlay]->options[0], text);
        assert_string_equal(text, "a number from 0 to 1");
}

static void test_settings(void **state)
{
        struct effect_settings a = {.chain = BIT(blur)}, b = a;

        a.options[EFFECT_overlay][0] = 0.75;
        effect_settings_reset(&a, BIT(blur));
        assert_true(a.options[EFFECT_blur][0] == 1 && a.options[EFFECT_overlay][0] == 0.75);
        effect_settings_reset(&a, BIT(overlay));
        assert_true(a.options[EFFECT_overlay][0] == 0.5);
        assert_false(effect_settings_equal(&a, &b));
        effect_settings_reset(&b, BIT(blur) | BIT(overlay));
        assert_true(effect_settings_equal(&a, &b));
        b.chain |= BIT(overlay);
        assert_false(effect_settings_equal(&a, &b));
}

/* Each effect of the chain writes its own block, and nothing beside it. */
static void test_blocks(void **state)
{
        static uint8_t blocks[EFFECTS * EFFECT_BLOCK_MAX], colors[EFFECT_BLOCK_MAX];
        struct effect_settings settings = {.chain = BIT(overlay) | BIT(blur)};
        const uint64_t palette =
                (effects[EFFECT_overlay]->block_size + GPU_BLOCK_ALIGN - 1) / GPU_BLOCK_ALIGN * GPU_BLOCK_ALIGN;

        assert_true(effect_chain_blocks_size() <= sizeof blocks);
        assert_int_equal(effect_chain_blocks_size() % GPU_BLOCK_ALIGN, 0);
        memset(blocks, 77, sizeof blocks);
        memcpy(colors, (uint8_t[]){1, 2, 3, 255, 4, 5, 6, 255}, 8);
        effect_settings_reset(&settings, settings.chain);
        settings.options[EFFECT_blur][0] = 2;
        effect_chain_fill(&settings, &(struct effect_context){64, 80, colors}, blocks);
        assert_memory_equal(blocks, ((uint8_t[]){1, 2, 3, 0, 4, 5, 6, 128, 0, 0, 0, 0}), 12);
        for (uint64_t i = palette; i < 2 * palette; i++) /* labels', which are not in the chain */
                assert_int_equal(blocks[i], 77);
        const struct gpu_blur *blur = (const void *)(blocks + 2 * palette), wanted = gpu_blur_make(4);
        assert_memory_equal(blur, &wanted, sizeof wanted);
        assert_int_equal(blocks[2 * palette + sizeof wanted], 77);
}

static void test_hides(void **state)
{
        assert_false(effect_chain_hides(BIT(none)));
        assert_false(effect_chain_hides(BIT(overlay) | BIT(labels)));
        assert_true(effect_chain_hides(BIT(overlay) | BIT(blur)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),       cmocka_unit_test(test_options), cmocka_unit_test(test_good_chains),
                cmocka_unit_test(test_bad_chains), cmocka_unit_test(test_values),  cmocka_unit_test(test_settings),
                cmocka_unit_test(test_blocks),     cmocka_unit_test(test_hides),
        };

        return cmocka_run_group_tests_name("effects", tests, NULL, NULL);
}
