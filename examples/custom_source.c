/* A source of your own: a generator of payments with a position, so that a run that is stopped goes
 * on where it was; summed per merchant.
 *
 *     ./custom_source 1000
 */
#include <paystream/paystream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t next, count;
} generator;

static ps_read_result read_payment(void *user, ps_out *out)
{
    generator *self = user;
    if (self->next == self->count) {
        return PS_READ_END;
    }
    ps_out_print(out, 0, "merchant-%d", (int)(self->next % 3));
    ps_out_i64(out, 1, self->next++);
    return PS_READ_ROW;
}

static size_t save_position(void *user, void *position, size_t size)
{
    (void)size;
    memcpy(position, &((generator *)user)->next, sizeof(int64_t));
    return sizeof(int64_t);
}

static bool restore_position(void *user, const void *position, size_t size)
{
    memcpy(&((generator *)user)->next, position, size == sizeof(int64_t) ? size : 0);
    return size == sizeof(int64_t);
}

int main(int argc, char **argv)
{
    generator payments = {.count = argc > 1 ? atoll(argv[1]) : 10};
    const ps_source_functions source = {.read = read_payment,
                                        .save = save_position,
                                        .restore = restore_position,
                                        .user = &payments};
    ps_pipeline *pipeline = ps_pipeline_new();
    ps_collection *rows = ps_pipeline_read_custom(
        pipeline, PS_COLUMNS({"merchant", PS_COLUMN_TEXT}, {"amount", PS_COLUMN_I64}), &source);
    rows = ps_collection_aggregate(ps_collection_key_by(rows, "merchant"),
                                   PS_AGGREGATES({"SUM", "amount", "sum"}));
    ps_collection_write(rows, PS_OPTIONS({"connector", "print"}));
    ps_failure failure;
    bool done = ps_pipeline_run(pipeline, NULL, &failure);
    fputs(done ? "" : failure.text, stderr);
    ps_pipeline_free(pipeline);
    return done ? 0 : 1;
}
