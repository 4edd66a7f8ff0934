/* Texts and lists that states refer to. */
#include "flow/agg_kernel.h"

enum { TEXT_SIZE_MAX = INT32_MAX };

static ps_code too_long(const ps_aggregator *aggregator, ps_error *err)
{
    return ps_error_set(err, PS_E_LIMIT, "a value in the state of %s is longer than 2 GiB",
                        ps_store_name(aggregator->store));
}

/* ── texts ── */

ps_slice ps_agg_text_get(const ps_aggregator *aggregator, const ps_agg_text *text)
{
    return (ps_slice){ps_heap_at(&aggregator->heap, text->ref), text->size};
}

/* Room for `size` bytes, of which the first text->size are kept. */
static ps_code text_reserve(ps_aggregator *aggregator, ps_agg_text *text, size_t size,
                            ps_error *err)
{
    if (size > TEXT_SIZE_MAX) {
        return too_long(aggregator, err);
    }
    if (text->ref != 0 && size <= text->room) {
        return PS_OK;
    }
    uint32_t ref;
    ps_code code = ps_heap_take(&aggregator->heap, (uint32_t)size, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    if (text->ref != 0) {
        memcpy(ps_heap_at(&aggregator->heap, ref), ps_heap_at(&aggregator->heap, text->ref),
               text->size);
        ps_heap_give(&aggregator->heap, text->ref, text->room);
    }
    text->ref = ref;
    text->room = ps_heap_room((uint32_t)size);
    return PS_OK;
}

ps_code ps_agg_text_append(ps_aggregator *aggregator, ps_agg_text *text, ps_slice value,
                           ps_error *err)
{
    size_t wanted = text->size + value.size;
    /* A text that grows doubles its room, so that n appends copy O(n) bytes. */
    size_t ample =
        text->size > 0 && wanted > text->room && wanted < TEXT_SIZE_MAX / 2 ? wanted * 2 : wanted;
    ps_code code = text_reserve(aggregator, text, ample, err);
    if (code != PS_OK) {
        return code;
    }
    ps_heap_touch(&aggregator->heap, text->ref, text->room);
    if (value.size > 0) {
        memcpy(ps_heap_at(&aggregator->heap, text->ref) + text->size, value.data, value.size);
    }
    text->size = (uint32_t)wanted;
    return PS_OK;
}

ps_code ps_agg_text_set(ps_aggregator *aggregator, ps_agg_text *text, ps_slice value, ps_error *err)
{
    uint32_t held = text->size;
    text->size = 0;
    ps_code code = ps_agg_text_append(aggregator, text, value, err);
    if (code != PS_OK) {
        text->size = held;
    }
    return code;
}

void ps_agg_text_clear(ps_aggregator *aggregator, ps_agg_text *text)
{
    if (text->ref != 0) {
        ps_heap_give(&aggregator->heap, text->ref, text->room);
    }
}

/* ── lists ── */

ps_agg_node *ps_agg_list_at(const ps_aggregator *aggregator, uint32_t ref)
{
    return (ps_agg_node *)(void *)ps_heap_at(&aggregator->heap, ref);
}

static ps_agg_node *node_touch(ps_aggregator *aggregator, uint32_t ref)
{
    ps_heap_touch(&aggregator->heap, ref, sizeof(ps_agg_node));
    return ps_agg_list_at(aggregator, ref);
}

static ps_slice value_bytes(ps_phys phys, const ps_value *value)
{
    if (value->is_null) {
        return (ps_slice){NULL, 0};
    }
    switch (phys) {
    case PS_PHYS_I64:
        return ps_slice_of(&value->i64, sizeof value->i64);
    case PS_PHYS_F64:
        return ps_slice_of(&value->f64, sizeof value->f64);
    case PS_PHYS_I128:
        return ps_slice_of(&value->i128, sizeof value->i128);
    case PS_PHYS_TEXT:
        return value->text;
    }
    PS_ASSERT(false);
}

static const char *node_bytes(const ps_agg_node *node)
{
    return (const char *)(node + 1);
}

static uint32_t value_size(const ps_agg_node *node)
{
    return node->size != PS_AGG_NODE_NULL ? node->size : 0;
}

static uint32_t block_size(const ps_agg_node *node)
{
    return (uint32_t)sizeof *node + value_size(node) + node->separator_size;
}

ps_value ps_agg_list_value(const ps_aggregator *aggregator, ps_phys phys, const ps_agg_node *node)
{
    (void)aggregator;
    ps_value value = {.is_null = node->size == PS_AGG_NODE_NULL};
    if (value.is_null) {
        return value;
    }
    const char *bytes = node_bytes(node);
    switch (phys) {
    case PS_PHYS_I64:
        memcpy(&value.i64, bytes, sizeof value.i64);
        break;
    case PS_PHYS_F64:
        memcpy(&value.f64, bytes, sizeof value.f64);
        break;
    case PS_PHYS_I128:
        value.i128 = ps_agg_get_i128(bytes);
        break;
    case PS_PHYS_TEXT:
        value.text = (ps_slice){bytes, node->size};
        break;
    }
    return value;
}

ps_slice ps_agg_list_separator(const ps_agg_node *node)
{
    return (ps_slice){node_bytes(node) + value_size(node), node->separator_size};
}

static void list_link(ps_aggregator *aggregator, ps_agg_list *list, uint32_t ref, bool is_sorted)
{
    ps_agg_node *added = ps_agg_list_at(aggregator, ref);
    uint32_t before = list->last;
    while (is_sorted && before != 0 && ps_agg_list_at(aggregator, before)->order > added->order) {
        before = ps_agg_list_at(aggregator, before)->previous;
    }
    uint32_t behind = before != 0 ? ps_agg_list_at(aggregator, before)->next : list->first;
    added->previous = before;
    added->next = behind;
    if (before != 0) {
        node_touch(aggregator, before)->next = ref;
    } else {
        list->first = ref;
    }
    if (behind != 0) {
        node_touch(aggregator, behind)->previous = ref;
    } else {
        list->last = ref;
    }
    list->count++;
}

ps_code ps_agg_list_add(ps_aggregator *aggregator, ps_agg_list *list, ps_phys phys,
                        const ps_agg_input *input, bool is_sorted, ps_error *err)
{
    ps_slice bytes = value_bytes(phys, &input->value);
    if (bytes.size + input->separator.size > TEXT_SIZE_MAX - sizeof(ps_agg_node)) {
        return too_long(aggregator, err);
    }
    ps_agg_node node = {.order = input->order,
                        .size = input->value.is_null ? PS_AGG_NODE_NULL : (uint32_t)bytes.size,
                        .separator_size = (uint32_t)input->separator.size};
    uint32_t ref;
    ps_code code = ps_heap_take(&aggregator->heap, block_size(&node), &ref, err);
    if (code != PS_OK) {
        return code;
    }
    char *at = ps_heap_at(&aggregator->heap, ref);
    memcpy(at, &node, sizeof node);
    if (bytes.size > 0) {
        memcpy(at + sizeof node, bytes.data, bytes.size);
    }
    if (input->separator.size > 0) {
        memcpy(at + sizeof node + bytes.size, input->separator.data, input->separator.size);
    }
    list_link(aggregator, list, ref, is_sorted);
    return PS_OK;
}

static void list_unlink(ps_aggregator *aggregator, ps_agg_list *list, uint32_t ref)
{
    const ps_agg_node *gone = ps_agg_list_at(aggregator, ref);
    if (gone->previous != 0) {
        node_touch(aggregator, gone->previous)->next = gone->next;
    } else {
        list->first = gone->next;
    }
    if (gone->next != 0) {
        node_touch(aggregator, gone->next)->previous = gone->previous;
    } else {
        list->last = gone->previous;
    }
    list->count--;
    ps_heap_give(&aggregator->heap, ref, block_size(gone));
}

void ps_agg_list_take(ps_aggregator *aggregator, ps_agg_list *list, ps_phys phys,
                      const ps_value *value)
{
    ps_slice bytes = value_bytes(phys, value);
    uint32_t size = value->is_null ? PS_AGG_NODE_NULL : (uint32_t)bytes.size;
    for (uint32_t ref = list->first; ref != 0; ref = ps_agg_list_at(aggregator, ref)->next) {
        const ps_agg_node *node = ps_agg_list_at(aggregator, ref);
        if (node->size == size &&
            (bytes.size == 0 || memcmp(node_bytes(node), bytes.data, bytes.size) == 0)) {
            list_unlink(aggregator, list, ref);
            return;
        }
    }
}

void ps_agg_list_drop(ps_aggregator *aggregator, ps_agg_list *list)
{
    while (list->first != 0) {
        list_unlink(aggregator, list, list->first);
    }
}

/* ── what kernels share ── */

void ps_agg_text_clear_state(ps_aggregator *aggregator, const ps_agg_call *call, char *state)
{
    ps_agg_text_clear(aggregator, ps_agg_part(call, state));
}

ps_code ps_agg_text_result(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                           ps_value *out, ps_error *err)
{
    (void)err;
    *out = (ps_value){.is_null = *ps_agg_flag(call, state) == 0};
    out->text = ps_agg_text_get(aggregator, ps_agg_part(call, state));
    return PS_OK;
}

ps_code ps_agg_list_merge(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, bool is_sorted, ps_error *err)
{
    const ps_agg_list *list = ps_agg_part(call, from);
    ps_code code = PS_OK;
    for (uint32_t ref = list->first; ref != 0 && code == PS_OK;) {
        const ps_agg_node *node = ps_agg_list_at(aggregator, ref);
        ps_agg_input input = {.value = ps_agg_list_value(aggregator, call->phys, node),
                              .order = node->order,
                              .separator = ps_agg_list_separator(node)};
        ref = node->next;
        code = ps_agg_list_add(aggregator, ps_agg_part(call, into), call->phys, &input, is_sorted,
                               err);
    }
    return code;
}

void ps_agg_list_clear_state(ps_aggregator *aggregator, const ps_agg_call *call, char *state)
{
    ps_agg_list_drop(aggregator, ps_agg_part(call, state));
}
