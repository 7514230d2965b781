/* The delay of exact mode, with made-up times: frames of a camera that are ready after latencies that vary. */
#include "daemon/service/delay.h"
#include "tests/cm.h"

#define MS UINT64_C(1000000)
#define INTERVAL (100 * MS)
#define LEAST (50 * MS)                                   /* a frame is parsed for that long */
#define SECONDS(n) ((unsigned)((n)*1000 * MS / INTERVAL)) /* in frames */

static struct delay delay;
static uint64_t captured; /* when the next frame is */
static uint32_t seed;

static int begin(void **state)
{
        delay = (struct delay){0};
        captured = 3600000 * MS;
        seed = 1;
        return 0;
}

/* From its capture until it is shown.  What the camera captures meanwhile is dropped, so that frames are ready one
 * after the other. */
static uint64_t frame(uint64_t latency)
{
        const uint64_t ready = captured + latency;

        delay_take(&delay, captured, ready);
        do
                captured += INTERVAL;
        while (captured + LEAST < ready);
        return latency > delay.ns ? latency : delay.ns;
}

/* 70 to 130 ms, both of which are among the first few. */
static uint64_t jitter(void)
{
        static const uint64_t first[] = {70 * MS, 130 * MS};

        seed = seed * 1103515245 + 12345;
        return captured < 3600000 * MS + 2 * INTERVAL ? first[(captured - 3600000 * MS) / INTERVAL]
                                                      : (70 + (seed >> 16) % 61) * MS;
}

static uint64_t settled(void)
{
        frame(jitter());
        return frame(jitter());
}

static void first_frame(void **state)
{
        const uint64_t first = frame(80 * MS);

        assert_in_range(first, 81 * MS, 100 * MS); /* with a reserve */
        assert_int_equal(frame(60 * MS), first);
}

static void constant(void **state)
{
        const uint64_t expected = settled();

        assert_in_range(expected, 131 * MS, 160 * MS);
        for (unsigned i = 0; i < SECONDS(600); i++)
                assert_int_equal(frame(jitter()), expected);
}

static void late_frame_raises_it_once(void **state)
{
        const uint64_t before = settled(), raised = frame(300 * MS);

        assert_true(raised > before && raised >= 300 * MS && raised < 350 * MS);
        for (unsigned i = 0; i < SECONDS(4); i++)
                assert_int_equal(frame(jitter()), raised);
}

static void sinks_to_what_is_needed(void **state)
{
        unsigned changes = 0;
        uint64_t last;

        settled();
        last = frame(300 * MS);
        assert_int_equal(frame(250 * MS), last);
        for (unsigned i = 0; i < SECONDS(60); i++) {
                const uint64_t now = frame(jitter());
                changes += now != last;
                last = now;
        }
        assert_int_equal(changes, 1);
        assert_in_range(last, 125 * MS, 160 * MS);
}

/* One that takes part of a window prevents it. */
static void stays_while_some_need_it(void **state)
{
        const uint64_t expected = frame(200 * MS);

        for (unsigned i = 0; i < SECONDS(60); i++)
                assert_int_equal(frame(i % SECONDS(4) == 0 ? 190 * MS : 50 * MS), expected);
}

/* A little would not be worth the jerk. */
static void stays_if_little_would_be_gained(void **state)
{
        const uint64_t expected = frame(100 * MS);

        for (unsigned i = 0; i < SECONDS(60); i++)
                assert_int_equal(frame(85 * MS), expected);
}

static void bounded(void **state)
{
        const uint64_t before = settled();

        assert_int_equal(frame(1500 * MS), 1500 * MS); /* at once */
        assert_int_equal(frame(100 * MS), before);
        assert_int_equal(frame(990 * MS), DELAY_MOST_NS);
        for (unsigned i = 0; i < SECONDS(5); i++)
                frame(1500 * MS);
        assert_in_range(frame(100 * MS), 100 * MS, 150 * MS); /* such frames do not keep it large */
}

static void limited(void **state)
{
        frame(300 * MS);
        delay_limit(&delay, 250 * MS);
        assert_int_equal(frame(100 * MS), 250 * MS);
        delay_limit(&delay, 260 * MS);
        assert_int_equal(frame(100 * MS), 250 * MS);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(first_frame),
                TEST(constant),
                TEST(late_frame_raises_it_once),
                TEST(sinks_to_what_is_needed),
                TEST(stays_while_some_need_it),
                TEST(stays_if_little_would_be_gained),
                TEST(bounded),
                TEST(limited),
        };

        return cmocka_run_group_tests_name("daemon-delay", tests, NULL, NULL);
}
