/* io_posix on its own, and the conformance of io_sim with it: random scripts of operations must give
 * the same results and the same bytes on both. */
#include "testing.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>

#include "base/io_sim.h"

static void make_temp_dir(char out_path[64])
{
    memcpy(out_path, "/tmp/ps_io_test_XXXXXX", sizeof "/tmp/ps_io_test_XXXXXX");
    assert_non_null(mkdtemp(out_path));
}

/* ── one script on both ── */

enum { HANDLES = 4, NAMES = 6, FILE_SIZE_MAX = 20000, OPS_PER_SCRIPT = 50 };

static const char *const names[NAMES] = {"a", "b", "c", "d", "sub", "sub/e"};

typedef struct {
    ps_io *io;
    const char *root;
    ps_file *files[HANDLES];
} script_side;

/* What an operation answered; unused fields are 0. */
typedef struct {
    ps_code code;
    int os_errno;
    uint64_t number;
    uint64_t content;
} op_answer;

typedef struct {
    uint64_t kind;
    uint64_t handle;
    const char *name;
    const char *other_name;
    uint64_t offset;
    uint64_t size;
    ps_open_mode mode;
    char data[FILE_SIZE_MAX];
} script_op;

enum {
    OP_OPEN,
    OP_CLOSE,
    OP_READ,
    OP_WRITE,
    OP_DATASYNC,
    OP_WRITE_OUT,
    OP_PREALLOC,
    OP_TRUNCATE,
    OP_SIZE,
    OP_SYNC_DIR,
    OP_RENAME,
    OP_UNLINK,
    OP_MAKE_DIR,
    OP_LIST,
    OP_LOCK,
    OP_KINDS
};

static void path_of(const script_side *side, const char *name, char out[PS_PATH_MAX])
{
    snprintf(out, PS_PATH_MAX, "%s/%s", side->root, name);
}

static bool is_on_file(uint64_t kind)
{
    return kind == OP_READ || kind == OP_WRITE || kind == OP_DATASYNC || kind == OP_WRITE_OUT ||
           kind == OP_PREALLOC || kind == OP_TRUNCATE || kind == OP_SIZE || kind == OP_CLOSE;
}

static ps_code run_on_file(script_side *side, const script_op *op, op_answer *out, ps_error *err)
{
    static char read_data[FILE_SIZE_MAX];
    ps_file *file = side->files[op->handle];
    size_t got = 0;
    ps_code code = PS_OK;
    switch (op->kind) {
    case OP_CLOSE:
        ps_io_close(side->io, file);
        side->files[op->handle] = NULL;
        return PS_OK;
    case OP_READ:
        code = ps_io_read(side->io, file, op->offset, read_data, op->size, &got, err);
        out->number = got;
        out->content = ps_xxh3_64(read_data, got);
        return code;
    case OP_WRITE:
        return ps_io_write(side->io, file, op->offset, op->data, op->size, err);
    case OP_WRITE_OUT:
        return ps_io_write_out(side->io, file, op->offset, op->size, err);
    case OP_DATASYNC:
        return ps_io_datasync(side->io, file, err);
    case OP_PREALLOC:
        return ps_io_prealloc(side->io, file, op->size, err);
    case OP_TRUNCATE:
        return ps_io_truncate(side->io, file, op->size, err);
    default:
        return ps_io_size(side->io, file, &out->number, err);
    }
}

static ps_code run_on_path(script_side *side, const script_op *op, op_answer *out, ps_error *err)
{
    char path[PS_PATH_MAX];
    char other_path[PS_PATH_MAX];
    path_of(side, op->name, path);
    path_of(side, op->other_name, other_path);
    ps_dir_entry entries[NAMES + 1];
    size_t count = 0;
    ps_code code = PS_OK;
    memset(entries, 0, sizeof entries);
    switch (op->kind) {
    case OP_OPEN:
        return ps_io_open(side->io, path, op->mode, &side->files[op->handle], err);
    case OP_LOCK:
        return ps_io_lock(side->io, path, &side->files[op->handle], err);
    case OP_SYNC_DIR:
        return ps_io_sync_dir(side->io, op->size % 2 == 0 ? side->root : path, err);
    case OP_RENAME:
        return ps_io_rename(side->io, path, other_path, err);
    case OP_UNLINK:
        return ps_io_unlink(side->io, path, err);
    case OP_MAKE_DIR:
        return ps_io_make_dir(side->io, path, err);
    default:
        code = ps_io_list(side->io, op->size % 2 == 0 ? side->root : path, entries,
                          op->size % (NAMES + 1), &count, err);
        out->number = count;
        out->content = code == PS_OK ? ps_xxh3_64(entries, sizeof entries) : 0;
        return code;
    }
}

static op_answer run_op(script_side *side, const script_op *op)
{
    op_answer out = {0};
    ps_error err = {0};
    if (!is_on_file(op->kind)) {
        ps_io_close(side->io, side->files[op->handle]);
        side->files[op->handle] = NULL;
        out.code = run_on_path(side, op, &out, &err);
    } else if (side->files[op->handle] != NULL) {
        out.code = run_on_file(side, op, &out, &err);
    }
    out.os_errno = err.os_errno;
    return out;
}

static void draw_op(uint64_t *seed, script_op *op)
{
    /* A third opens, a third changes what is open, the rest is anything. */
    static const uint64_t changes[] = {OP_WRITE, OP_WRITE, OP_TRUNCATE, OP_PREALLOC};
    uint64_t choice = test_draw(seed, 3);
    op->kind = choice == 0   ? OP_OPEN
               : choice == 1 ? changes[test_draw(seed, 4)]
                             : test_draw(seed, OP_KINDS);
    op->handle = test_draw(seed, HANDLES);
    op->name = names[test_draw(seed, NAMES)];
    op->other_name = names[test_draw(seed, NAMES)];
    op->mode = test_draw(seed, 4) == 0   ? PS_OPEN_READ
               : test_draw(seed, 2) == 0 ? PS_OPEN_WRITE
                                         : PS_OPEN_CREATE_NEW;
    uint64_t bound = test_draw(seed, 2) == 0 ? 100 : FILE_SIZE_MAX / 2;
    op->offset = test_draw(seed, bound);
    op->size = test_draw(seed, bound);
    for (uint64_t i = 0; i < op->size; i++) {
        op->data[i] = (char)test_next(seed);
    }
}

static void assert_same_bytes(script_side *sides, const char *name)
{
    op_answer answers[2] = {{0}};
    for (int s = 0; s < 2; s++) {
        static script_op op;
        op = (script_op){.kind = OP_OPEN, .name = name, .other_name = name, .mode = PS_OPEN_READ};
        answers[s] = run_op(&sides[s], &op);
        if (answers[s].code != PS_OK) {
            continue;
        }
        op.kind = OP_READ;
        op.size = FILE_SIZE_MAX;
        answers[s] = run_op(&sides[s], &op);
    }
    assert_memory_equal(&answers[0], &answers[1], sizeof answers[0]);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    return place->level > 0 ? remove(path) : 0; /* the root itself stays */
}

static void remove_all(script_side *side)
{
    for (int h = 0; h < HANDLES; h++) {
        ps_io_close(side->io, side->files[h]);
        side->files[h] = NULL;
    }
    assert_int_equal(nftw(side->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A second write past a failed range stops the process, and so would a handle that cannot write:
 * scripts write only where the handle may. */
static bool may_run(const script_side *side, const bool writable[HANDLES], const script_op *op)
{
    bool changes = op->kind == OP_WRITE || op->kind == OP_PREALLOC || op->kind == OP_TRUNCATE;
    return !changes || (side->files[op->handle] != NULL && writable[op->handle]);
}

static void run_script(uint64_t seed, const char *temp_dir)
{
    static script_op op;
    bool writable[HANDLES] = {false};
    ps_sim *sim = ps_sim_new(seed);
    script_side sides[2] = {{.io = ps_io_posix(), .root = temp_dir},
                            {.io = ps_sim_io(sim), .root = "/root"}};
    ps_error err;
    assert_int_equal(ps_io_make_dir(sides[1].io, "/root", &err), PS_OK);
    uint64_t draws = seed;
    for (int i = 0; i < OPS_PER_SCRIPT; i++) {
        draw_op(&draws, &op);
        if (!may_run(&sides[0], writable, &op)) {
            continue;
        }
        op_answer posix = run_op(&sides[0], &op);
        op_answer simulated = run_op(&sides[1], &op);
        if (memcmp(&posix, &simulated, sizeof posix) != 0) {
            fail_msg("SEED=%llu op %d kind %llu name %s other %s: posix %s/%d %llu, sim %s/%d %llu",
                     (unsigned long long)seed, i, (unsigned long long)op.kind, op.name,
                     op.other_name, ps_code_name(posix.code), posix.os_errno,
                     (unsigned long long)posix.number, ps_code_name(simulated.code),
                     simulated.os_errno, (unsigned long long)simulated.number);
        }
        if (op.kind == OP_OPEN || op.kind == OP_LOCK) {
            writable[op.handle] = op.kind == OP_LOCK || op.mode != PS_OPEN_READ;
        }
    }
    for (int n = 0; n < NAMES; n++) {
        assert_same_bytes(sides, names[n]);
    }
    remove_all(&sides[0]);
    ps_sim_free(sim);
}

static void the_simulated_disk_answers_as_the_real_one(void **state)
{
    (void)state;
    char temp_dir[64];
    make_temp_dir(temp_dir);
    for (uint64_t seed = 1; seed <= test_count(500, 10000); seed++) {
        run_script(seed, temp_dir);
    }
    assert_int_equal(rmdir(temp_dir), 0);
}

/* ── io_posix alone ── */

static void a_lock_excludes_others_until_it_is_closed(void **state)
{
    (void)state;
    char temp_dir[64];
    make_temp_dir(temp_dir);
    char path[128];
    snprintf(path, sizeof path, "%s/lock", temp_dir);
    ps_io *io = ps_io_posix();
    ps_error err;
    ps_file *first = NULL;
    ps_file *second = NULL;
    assert_int_equal(ps_io_lock(io, path, &first, &err), PS_OK);
    assert_int_equal(ps_io_lock(io, path, &second, &err), PS_E_LOCKED);
    assert_null(second);
    assert_non_null(strstr(err.text, path));
    ps_io_close(io, first);
    assert_int_equal(ps_io_lock(io, path, &second, &err), PS_OK);
    ps_io_close(io, second);
    ps_io_close(io, NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(temp_dir), 0);
}

static void a_full_device_is_a_space_error_and_the_write_may_be_repeated(void **state)
{
    (void)state;
    ps_io *io = ps_io_posix();
    ps_error err;
    ps_file *file = NULL;
    if (ps_io_open(io, "/dev/full", PS_OPEN_WRITE, &file, &err) != PS_OK) {
        skip();
    }
    assert_int_equal(ps_io_write(io, file, 0, "x", 1, &err), PS_E_SPACE);
    assert_int_equal(err.os_errno, ENOSPC);
    assert_int_equal(ps_io_write(io, file, 0, "x", 1, &err), PS_E_SPACE);
    ps_io_close(io, file);
}

static void write_past_a_failed_range(void *file)
{
    ps_error err;
    (void)!ps_io_write(ps_io_posix(), file, 1, "x", 1, &err);
}

static void nothing_is_appended_past_a_failed_range(void **state)
{
    (void)state;
    ps_io *io = ps_io_posix();
    ps_error err;
    ps_file *file = NULL;
    if (ps_io_open(io, "/dev/full", PS_OPEN_WRITE, &file, &err) != PS_OK) {
        skip();
    }
    assert_int_equal(ps_io_write(io, file, 0, "x", 1, &err), PS_E_SPACE);
    test_expect_abort(write_past_a_failed_range, file);
    ps_io_close(io, file);
}

static void sync_again(void *file)
{
    ps_error err;
    (void)!ps_io_datasync(ps_io_posix(), file, &err);
}

/* A character device cannot be synced: EINVAL stands for any failed sync. */
static void a_second_sync_after_a_failed_one_stops_the_process(void **state)
{
    (void)state;
    ps_io *io = ps_io_posix();
    ps_error err;
    ps_file *file = NULL;
    assert_int_equal(ps_io_open(io, "/dev/null", PS_OPEN_WRITE, &file, &err), PS_OK);
    assert_int_equal(ps_io_datasync(io, file, &err), PS_E_IO);
    test_expect_abort(sync_again, file);
    ps_io_close(io, file);
}

static void clocks_run_forwards_and_random_bytes_differ(void **state)
{
    (void)state;
    ps_io *io = ps_io_posix();
    int64_t before_ns = ps_io_now_mono_ns(io);
    assert_true(ps_io_now_mono_ns(io) >= before_ns);
    assert_true(ps_io_now_wall_ns(io) > INT64_C(1700000000000000000));
    uint8_t a[300];
    uint8_t b[300];
    ps_io_random(io, a, sizeof a);
    ps_io_random(io, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_disk_answers_as_the_real_one),
        cmocka_unit_test(a_lock_excludes_others_until_it_is_closed),
        cmocka_unit_test(a_full_device_is_a_space_error_and_the_write_may_be_repeated),
        cmocka_unit_test(nothing_is_appended_past_a_failed_range),
        cmocka_unit_test(a_second_sync_after_a_failed_one_stops_the_process),
        cmocka_unit_test(clocks_run_forwards_and_random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
