/* The watermark file: how far the journal is known to be durable, outside of the journal itself.
 * Two slots take turns, so that a torn write of one leaves the other. */
#include "base/sometimes.h"
#include "journal/journal_internal.h"

ps_code ps_watermark_write(ps_io *io, ps_file *file, const ps_watermark *watermark, ps_error *err)
{
    ps_watermark_slot slot = {
        .version = PS_JOURNAL_VERSION,
        .instance = watermark->instance,
        .generation = watermark->generation,
        .durable_seq = watermark->durable_seq,
        .batch_hash = watermark->batch_hash,
    };
    memcpy(slot.magic, PS_WATERMARK_MAGIC, sizeof slot.magic);
    char page[PS_PAGE];
    ps_page_encode(&slot, sizeof slot, page);
    uint64_t offset = watermark->generation % 2 * PS_PAGE;
    ps_code code = ps_io_write(io, file, offset, page, sizeof page, err);
    return code != PS_OK ? code : ps_io_datasync(io, file, err);
}

ps_code ps_watermark_create(ps_io *io, const char *dir, ps_u128 instance, ps_error *err)
{
    char path[PS_PATH_MAX];
    ps_journal_path(dir, PS_WATERMARK_NAME, path);
    ps_file *file = NULL;
    ps_code code = ps_io_open(io, path, PS_OPEN_CREATE_NEW, &file, err);
    if (code == PS_OK) {
        code = ps_io_prealloc(io, file, 2 * PS_PAGE, err);
    }
    if (code == PS_OK) {
        ps_watermark watermark = {.instance = instance};
        code = ps_watermark_write(io, file, &watermark, err);
    }
    ps_io_close(io, file);
    return code;
}

static bool slot_decode(const char page[PS_PAGE], ps_watermark_slot *out_slot)
{
    ps_watermark_slot slot;
    if (ps_page_decode(page, PS_WATERMARK_MAGIC, &slot, sizeof slot) != NULL) {
        return false;
    }
    *out_slot = slot;
    return true;
}

ps_code ps_watermark_read(ps_io *io, const char *dir, ps_file *file, ps_watermark *out_watermark,
                          ps_error *err)
{
    char pages[2 * PS_PAGE] = {0};
    size_t size = 0;
    ps_code code = ps_io_read(io, file, 0, pages, sizeof pages, &size, err);
    if (code != PS_OK) {
        return code;
    }
    char path[PS_PATH_MAX];
    ps_journal_path(dir, PS_WATERMARK_NAME, path);
    ps_watermark_slot best = {0};
    bool found = false;
    for (uint64_t i = 0; i < 2; i++) {
        ps_watermark_slot slot;
        if (!slot_decode(pages + i * PS_PAGE, &slot) || slot.generation % 2 != i) {
            PS_SOMETIMES("watermark: a slot is passed over");
            continue;
        }
        if (slot.version > PS_JOURNAL_VERSION) {
            PS_SOMETIMES("watermark: newer format");
            return ps_error_set(err, PS_E_VERSION, "%s: written by a newer format", path);
        }
        if (!found || slot.generation > best.generation) {
            best = slot;
            found = true;
        }
    }
    if (!found) {
        PS_SOMETIMES("watermark: no valid slot");
        return ps_error_set(err, PS_E_DAMAGED, "%s: damaged at offset 0: no valid slot", path);
    }
    *out_watermark =
        (ps_watermark){best.instance, best.generation, best.durable_seq, best.batch_hash};
    return PS_OK;
}
