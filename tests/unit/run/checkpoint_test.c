#include "base/testing.h"

#include <stdio.h>

#include "base/io_sim.h"
#include "run/checkpoint.h"

enum { FINGERPRINT = 42 };

static char directory[] = "/tmp/paystream-checkpoint-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/paystream-checkpoint-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

/* A checkpoint whose payload is `size` bytes of the number's low byte, and a slice. */
static void write_checkpoint(uint64_t number, size_t size)
{
    ps_error err;
    ps_checkpoint_writer *writer;
    assert_int_equal(
        ps_checkpoint_writer_open(ps_io_posix(), directory, FINGERPRINT, number, &writer, &err),
        PS_OK);
    char *bytes = malloc(size + 1);
    memset(bytes, (int)number, size);
    ps_checkpoint_put_u64(writer, size);
    ps_checkpoint_put(writer, bytes, size);
    ps_checkpoint_put_slice(writer, PS_SLICE("end"));
    assert_int_equal(ps_checkpoint_writer_commit(writer, &err), PS_OK);
    free(bytes);
}

static ps_code open_newest(ps_checkpoint_reader *reader, ps_error *err)
{
    return ps_checkpoint_reader_open(ps_io_posix(), directory, FINGERPRINT, reader, err);
}

static void check_payload(ps_checkpoint_reader *reader, uint64_t number)
{
    assert_int_equal(reader->number, number);
    uint64_t size = ps_checkpoint_get_u64(reader);
    char *bytes = malloc(size + 1);
    ps_checkpoint_get(reader, bytes, size);
    for (uint64_t i = 0; i < size; i++) {
        assert_int_equal((unsigned char)bytes[i], number & 0xff);
    }
    free(bytes);
    assert_true(ps_slice_equal(ps_checkpoint_get_slice(reader), PS_SLICE("end")));
    assert_false(reader->failed);
    (void)ps_checkpoint_get_u64(reader);
    assert_true(reader->failed);
}

static void the_newest_whole_one_is_read(void **state)
{
    (void)state;
    ps_error err;
    ps_checkpoint_reader reader;
    assert_int_equal(open_newest(&reader, &err), PS_OK);
    assert_int_equal(reader.number, 0);
    write_checkpoint(1, 10);
    write_checkpoint(2, (3 << 20) + 17);
    write_checkpoint(3, 0);
    assert_int_equal(ps_checkpoint_prune(ps_io_posix(), directory, &err), PS_OK);
    assert_int_equal(open_newest(&reader, &err), PS_OK);
    check_payload(&reader, 3);
    ps_checkpoint_reader_close(&reader);
    char path[300];
    snprintf(path, sizeof path, "%s/checkpoint-000000000003", directory);
    assert_int_equal(truncate(path, 40), 0);
    assert_int_equal(open_newest(&reader, &err), PS_OK);
    check_payload(&reader, 2);
    ps_checkpoint_reader_close(&reader);
    snprintf(path, sizeof path, "%s/checkpoint-000000000001", directory);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    write_checkpoint(1, 100);
    char path[300];
    snprintf(path, sizeof path, "%s/checkpoint-000000000001", directory);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    for (long bit = 0; bit < size * 8; bit++) {
        fseek(file, bit / 8, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, bit / 8, SEEK_SET);
        fputc(byte ^ (1 << (bit % 8)), file);
        fflush(file);
        ps_error err;
        ps_checkpoint_reader reader;
        assert_int_not_equal(open_newest(&reader, &err), PS_OK);
        fseek(file, bit / 8, SEEK_SET);
        fputc(byte, file);
        fflush(file);
    }
    fclose(file);
}

static void the_state_of_another_plan_is_refused_with_advice(void **state)
{
    (void)state;
    write_checkpoint(1, 5);
    ps_error err;
    ps_checkpoint_reader reader;
    assert_int_equal(
        ps_checkpoint_reader_open(ps_io_posix(), directory, FINGERPRINT + 1, &reader, &err),
        PS_E_VERSION);
    assert_non_null(strstr(err.text, "different plan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_whole_one_is_read, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_seen, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(the_state_of_another_plan_is_refused_with_advice,
                                        make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
