#include "tap.h"

static tap *enter(ps_io *io, bool is_step)
{
    tap *t = (tap *)(void *)io;
    t->since_rename += is_step;
    if (t->before != NULL) {
        t->before(t->context, is_step);
    }
    return t;
}

static void leave(tap *t, bool is_step)
{
    if (t->after != NULL) {
        t->after(t->context, is_step);
    }
}

static ps_code left(tap *t, ps_code code)
{
    leave(t, true);
    return code;
}

static int64_t tap_now_mono_ns(ps_io *io)
{
    tap *t = enter(io, false);
    int64_t now_ns = ps_io_now_mono_ns(t->inner);
    leave(t, false);
    return now_ns;
}

static int64_t tap_now_wall_ns(ps_io *io)
{
    tap *t = enter(io, false);
    int64_t now_ns = ps_io_now_wall_ns(t->inner);
    leave(t, false);
    return now_ns;
}

static void tap_random(ps_io *io, void *out, size_t size)
{
    tap *t = enter(io, false);
    ps_io_random(t->inner, out, size);
    leave(t, false);
}

static ps_code tap_open(ps_io *io, const char *path, ps_open_mode mode, ps_file **out_file,
                        ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_open(t->inner, path, mode, out_file, err));
}

static void tap_close(ps_io *io, ps_file *file)
{
    tap *t = enter(io, false);
    ps_io_close(t->inner, file);
    leave(t, false);
}

static ps_code tap_read(ps_io *io, ps_file *file, uint64_t offset, void *out, size_t size,
                        size_t *out_size, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_read(t->inner, file, offset, out, size, out_size, err));
}

static ps_code tap_write(ps_io *io, ps_file *file, uint64_t offset, const void *data, size_t size,
                         ps_error *err)
{
    tap *t = enter(io, true);
    t->written_offset = offset;
    return left(t, ps_io_write(t->inner, file, offset, data, size, err));
}

static ps_code tap_datasync(ps_io *io, ps_file *file, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_datasync(t->inner, file, err));
}

static ps_code tap_prealloc(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_prealloc(t->inner, file, size, err));
}

static ps_code tap_truncate(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_truncate(t->inner, file, size, err));
}

static ps_code tap_size(ps_io *io, ps_file *file, uint64_t *out_size, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_size(t->inner, file, out_size, err));
}

static ps_code tap_sync_dir(ps_io *io, const char *path, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_sync_dir(t->inner, path, err));
}

static ps_code tap_rename(ps_io *io, const char *from, const char *to, ps_error *err)
{
    tap *t = enter(io, true);
    t->since_rename = 0;
    return left(t, ps_io_rename(t->inner, from, to, err));
}

static ps_code tap_unlink(ps_io *io, const char *path, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_unlink(t->inner, path, err));
}

static ps_code tap_make_dir(ps_io *io, const char *path, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_make_dir(t->inner, path, err));
}

static ps_code tap_list(ps_io *io, const char *path, ps_dir_entry *out_entries, size_t entries_max,
                        size_t *out_count, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_list(t->inner, path, out_entries, entries_max, out_count, err));
}

static ps_code tap_lock(ps_io *io, const char *path, ps_file **out_file, ps_error *err)
{
    tap *t = enter(io, true);
    return left(t, ps_io_lock(t->inner, path, out_file, err));
}

static const struct ps_io_ops tap_ops = {
    .now_mono_ns = tap_now_mono_ns,
    .now_wall_ns = tap_now_wall_ns,
    .random = tap_random,
    .open = tap_open,
    .close = tap_close,
    .read = tap_read,
    .write = tap_write,
    .datasync = tap_datasync,
    .prealloc = tap_prealloc,
    .truncate = tap_truncate,
    .size = tap_size,
    .sync_dir = tap_sync_dir,
    .rename = tap_rename,
    .unlink = tap_unlink,
    .make_dir = tap_make_dir,
    .list = tap_list,
    .lock = tap_lock,
};

void tap_init(tap *out_tap, ps_io *inner)
{
    *out_tap = (tap){.io.ops = &tap_ops, .inner = inner, .since_rename = 1000};
}
