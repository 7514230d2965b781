/* How often subscribers are told about faces.  What is sent goes to this test instead of a bus. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/bus/private.h"
#include "tests/cm.h"

static struct face faces[FACES_MAX];
static size_t face_count;
static unsigned sent;
static char names[8][32]; /* of the properties in the last signal */
static unsigned name_count;
static uint64_t rest;

int __wrap_sd_bus_send_to(sd_bus *bus, sd_bus_message *message, const char *destination, uint64_t *cookie);
int __wrap_sd_bus_send_to(sd_bus *bus, sd_bus_message *message, const char *destination, uint64_t *cookie)
{
        const char *text;

        assert_string_equal(destination, ":1.7");
        assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(message, true) >= 0);
        assert_true(sd_bus_message_read(message, "s", &text) > 0);
        assert_string_equal(text, INTERFACE_MANAGER);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
        for (name_count = 0; sd_bus_message_enter_container(message, 'e', "sv") > 0; name_count++) {
                assert_true(sd_bus_message_read(message, "s", &text) > 0);
                snprintf(names[name_count], sizeof names[0], "%s", text);
                assert_true(sd_bus_message_skip(message, "v") >= 0);
                assert_true(sd_bus_message_exit_container(message) >= 0);
        }
        sent++;
        return 0;
}

int __real_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec)
{
        rest = usec;
        return __real_sd_event_source_set_time_relative(source, usec);
}

static void look(const struct supervisor *supervisor, struct control_view *ret)
{
        static const char classes[2][CONTROL_NAME_MAX] = {"background", "skin"};

        *ret = (struct control_view){.faces = faces, .face_count = face_count, .class_names = classes, .classes = 2};
}

static const struct control control = {.look = look};

static int begin(void **state)
{
        static struct bus_handle handle;
        static struct bus bus;
        int ends[2];

        bus = (struct bus){.control = &control, .handles = &handle};
        handle = (struct bus_handle){.subscribed = true, .sender = ":1.7", .bus = &bus};
        face_count = 0;
        memset(faces, 0, sizeof faces);
        sent = 0;
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        assert_true(sd_bus_new(&bus.connection) >= 0);
        assert_true(sd_bus_set_fd(bus.connection, ends[0], ends[0]) >= 0);
        assert_true(sd_bus_start(bus.connection) >= 0);
        assert_true(sd_event_new(&bus.event) >= 0);
        assert_true(bus_faces_prepare(&bus) >= 0);
        close(ends[1]);
        *state = &bus;
        return 0;
}

static int end(void **state)
{
        struct bus *bus = *state;

        sd_event_source_disable_unref(bus->told.timer);
        sd_event_unref(bus->event);
        sd_bus_close_unref(bus->connection);
        return 0;
}

/* Until the timer. */
static void wait_for_timer(const struct bus *bus)
{
        while (bus->told.rests)
                assert_true(sd_event_run(bus->event, UINT64_MAX) >= 0);
}

static bool told(const char *name)
{
        for (unsigned i = 0; i < name_count; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

static void test_ten_a_second(void **state)
{
        struct bus *bus = *state;

        face_count = 1;
        faces[0] = (struct face){.id = 1, .areas = {0, 100}};
        bus_update_faces(bus);
        assert_int_equal(sent, 1);
        assert_true(told("FacesPresent") && told("FaceCount") && told("Faces"));
        assert_int_equal(rest, 100000);
        for (int i = 0; i < 100; i++) {
                faces[0].box.left = (float)i / 100;
                bus_update_faces(bus);
        }
        assert_int_equal(sent, 1);
        face_count = 0; /* the last state */
        bus_update_faces(bus);
        while (sent == 1)
                assert_true(sd_event_run(bus->event, UINT64_MAX) >= 0);
        assert_int_equal(sent, 2);
        assert_true(told("FacesPresent") && told("FaceCount") && told("Faces"));
        wait_for_timer(bus);
        assert_int_equal(sent, 2);
}

/* Only what has changed is sent; nothing if only the time has. */
static void test_what_changed(void **state)
{
        struct bus *bus = *state;

        face_count = 1;
        faces[0].id = 1;
        bus_update_faces(bus);
        wait_for_timer(bus);
        faces[0].seen_ns = 5;
        bus_update_faces(bus);
        assert_int_equal(sent, 1);
        faces[0].upright.roll = 1;
        bus_update_faces(bus);
        assert_int_equal(sent, 2);
        assert_int_equal(name_count, 1);
        assert_true(told("Faces"));
        wait_for_timer(bus);
        face_count = 2;
        faces[1].id = 2;
        bus_update_faces(bus);
        assert_int_equal(sent, 3);
        assert_int_equal(name_count, 2);
        assert_true(told("Faces") && told("FaceCount"));
}

static void test_nobody_listens(void **state)
{
        struct bus *bus = *state;

        bus->handles->subscribed = false;
        face_count = 1;
        bus_update_faces(bus);
        assert_int_equal(sent, 0);
        bus->handles->subscribed = true;
        bus_update_faces(bus);
        assert_int_equal(sent, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_ten_a_second, begin, end),
                cmocka_unit_test_setup_teardown(test_what_changed, begin, end),
                cmocka_unit_test_setup_teardown(test_nobody_listens, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
