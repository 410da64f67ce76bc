/* buffer.c: bytes that grow, up to a maximum. */
#include "support.h"

#include "../../src/core/buffer.h"

static void is_empty_at_first(void **state)
{
    struct nd_buffer buffer;

    (void)state;
    nd_buffer_init(&buffer, 10);
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    assert_int_equal(buffer.max, 10);
    nd_buffer_free(&buffer);
}

static void ends_in_a_nul_that_is_not_counted(void **state)
{
    struct nd_buffer buffer;

    (void)state;
    nd_buffer_init(&buffer, 10);
    assert_true(nd_buffer_add(&buffer, BYTES("a\0b")));
    assert_int_equal(buffer.length, 3);
    assert_memory_equal(buffer.data, "a\0b", 4);
    assert_true(nd_buffer_add_text(&buffer, "cd"));
    assert_int_equal(buffer.length, 5);
    assert_memory_equal(buffer.data, "a\0bcd", 6);
    nd_buffer_free(&buffer);
}

static void adding_nothing_is_fine(void **state)
{
    struct nd_buffer buffer;

    (void)state;
    nd_buffer_init(&buffer, 0);
    assert_true(nd_buffer_add(&buffer, "x", 0));
    assert_true(nd_buffer_add_text(&buffer, ""));
    assert_true(nd_buffer_add_json(&buffer, "x", 0));
    assert_int_equal(buffer.length, 0);
    assert_false(nd_buffer_add(&buffer, "x", 1));
    nd_buffer_free(&buffer);
}

/* Each maximum around the sizes at which the memory grows. */
static void holds_its_maximum_and_no_byte_more(void **state)
{
    static const size_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 513, 4096};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(sizes); i++) {
        struct nd_buffer buffer;
        size_t j;

        nd_buffer_init(&buffer, sizes[i]);
        for (j = 0; j < sizes[i]; j++) {
            char c = (char)('a' + j % 26);

            assert_true(nd_buffer_add(&buffer, &c, 1));
        }
        assert_false(nd_buffer_add(&buffer, "!", 1));
        assert_int_equal(buffer.length, sizes[i]);
        for (j = 0; j < sizes[i]; j++)
            assert_int_equal(buffer.data[j], 'a' + j % 26);
        assert_int_equal(buffer.data[sizes[i]], '\0');
        nd_buffer_free(&buffer);
    }
}

static void stays_as_it_was_where_more_does_not_fit(void **state)
{
    struct nd_buffer buffer;

    (void)state;
    nd_buffer_init(&buffer, 5);
    assert_true(nd_buffer_add_text(&buffer, "abc"));
    assert_false(nd_buffer_add_text(&buffer, "def"));
    assert_int_equal(buffer.length, 3);
    assert_string_equal(buffer.data, "abc");
    assert_true(nd_buffer_add_text(&buffer, "de"));
    assert_string_equal(buffer.data, "abcde");
    nd_buffer_free(&buffer);
}

/* Lengths whose sum with what is there is above the largest number. */
static void no_length_overflows(void **state)
{
    static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 3,
                                     SIZE_MAX / 2 + 1};
    struct nd_buffer buffer;
    size_t i;

    (void)state;
    nd_buffer_init(&buffer, SIZE_MAX);
    assert_true(nd_buffer_add_text(&buffer, "abc"));
    for (i = 0; i < COUNT(lengths); i++) {
        assert_false(nd_buffer_add(&buffer, "x", lengths[i]));
        assert_int_equal(buffer.length, 3);
        assert_string_equal(buffer.data, "abc");
    }
    buffer.max = 100;
    for (i = 0; i < COUNT(lengths); i++)
        assert_false(nd_buffer_add(&buffer, "x", lengths[i]));
    nd_buffer_free(&buffer);
}

static void can_be_used_again_once_freed(void **state)
{
    struct nd_buffer buffer;

    (void)state;
    nd_buffer_init(&buffer, 3);
    assert_true(nd_buffer_add_text(&buffer, "abc"));
    nd_buffer_free(&buffer);
    nd_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.max, 3);
    assert_true(nd_buffer_add_text(&buffer, "xyz"));
    assert_string_equal(buffer.data, "xyz");
    nd_buffer_free(&buffer);
}

/* ----- JSON ----- */

static void escapes_what_json_must(void **state)
{
    struct nd_buffer buffer;

    (void)state;
    nd_buffer_init(&buffer, 200);
    assert_true(nd_buffer_add_json(
        &buffer, BYTES("a\"b\\c/d\n\r\t\b\f\0\x1f\x7f\xd7\x90 ~")));
    assert_string_equal(buffer.data,
                        "a\\\"b\\\\c/d\\u000a\\u000d\\u0009\\u0008\\u000c"
                        "\\u0000\\u001f\\u007f\xd7\x90 ~");
    nd_buffer_free(&buffer);
}

static void leaves_each_other_byte_alone(void **state)
{
    int c;

    (void)state;
    for (c = 0x20; c < 0x100; c++) {
        struct nd_buffer buffer;
        char byte = (char)c;
        bool escaped = c == '"' || c == '\\';

        if (c == 0x7f)
            continue;
        nd_buffer_init(&buffer, 2);
        assert_true(nd_buffer_add_json(&buffer, &byte, 1));
        assert_int_equal(buffer.length, escaped ? 2 : 1);
        assert_int_equal(buffer.data[buffer.length - 1], byte);
        nd_buffer_free(&buffer);
    }
}

/* An escape is added whole or not at all. */
static void never_cuts_an_escape(void **state)
{
    size_t max;

    (void)state;
    for (max = 0; max < 7; max++) {
        struct nd_buffer buffer;

        nd_buffer_init(&buffer, max);
        assert_int_equal(nd_buffer_add_json(&buffer, "\n", 1), max >= 6);
        assert_int_equal(buffer.length, max >= 6 ? 6 : 0);
        nd_buffer_free(&buffer);
        assert_int_equal(nd_buffer_add_json(&buffer, "\"", 1), max >= 2);
        assert_int_equal(buffer.length, max >= 2 ? 2 : 0);
        nd_buffer_free(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_at_first),
        cmocka_unit_test(ends_in_a_nul_that_is_not_counted),
        cmocka_unit_test(adding_nothing_is_fine),
        cmocka_unit_test(holds_its_maximum_and_no_byte_more),
        cmocka_unit_test(stays_as_it_was_where_more_does_not_fit),
        cmocka_unit_test(no_length_overflows),
        cmocka_unit_test(can_be_used_again_once_freed),
        cmocka_unit_test(escapes_what_json_must),
        cmocka_unit_test(leaves_each_other_byte_alone),
        cmocka_unit_test(never_cuts_an_escape),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
