#include "serve/certificate_map.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "pay/id.h"
#include "serve/file_stamp.h"
#include "serve/tls.h"

enum { KEY_ANY = 0 }; /* keys are numbered from 1 on */

typedef struct {
    uint32_t key;
    char identity[PS_TLS_IDENTITY_MAX]; /* zero-terminated */
} entry;

typedef struct {
    entry *entries; /* in the order of entry_compare */
    size_t count;
} entry_list;

struct ps_certificate_map {
    char *path;
    ps_u128 instance;
    ps_file_stamp stamp;
    pthread_mutex_t lock;
    entry_list list; /* under the lock */
};

static int entry_compare(const void *a, const void *b)
{
    const entry *left = a;
    const entry *right = b;
    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    return strcmp(left->identity, right->identity);
}

/* ── reading ── */

static ps_slice word_take(ps_slice *rest)
{
    size_t start = 0;
    while (start < rest->size && (rest->data[start] == ' ' || rest->data[start] == '\t')) {
        start++;
    }
    size_t end = start;
    while (end < rest->size && rest->data[end] != ' ' && rest->data[end] != '\t') {
        end++;
    }
    ps_slice word = ps_slice_of(rest->data + start, end - start);
    *rest = ps_slice_of(rest->data + end, rest->size - end);
    return word;
}

static bool entry_parse(ps_u128 instance, ps_slice line, entry *out_entry)
{
    ps_slice key = word_take(&line);
    ps_slice identity = word_take(&line);
    uint64_t number = KEY_ANY;
    int64_t created_ns;
    bool is_known = ps_slice_equal(key, PS_SLICE("*")) ||
                    ps_id_parse(instance, PS_ID_KEY, key, &number, &created_ns);
    if (!is_known || number > UINT32_MAX || identity.size == 0 ||
        identity.size >= PS_TLS_IDENTITY_MAX || memchr(identity.data, ':', identity.size) == NULL ||
        word_take(&line).size > 0) {
        return false;
    }
    *out_entry = (entry){.key = (uint32_t)number};
    memcpy(out_entry->identity, identity.data, identity.size);
    return true;
}

static PS_CHECKED ps_code entry_add(entry_list *list, const entry *e, ps_error *err)
{
    if ((list->count & (list->count - 1)) == 0) { /* room is a power of two */
        size_t room = list->count == 0 ? 1 : 2 * list->count;
        entry *more = realloc(list->entries, room * sizeof *more);
        if (more == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory for %zu certificates", room);
        }
        list->entries = more;
    }
    list->entries[list->count++] = *e;
    return PS_OK;
}

static PS_CHECKED ps_code list_parse(const ps_certificate_map *map, ps_slice text,
                                     entry_list *out_list, ps_error *err)
{
    unsigned number = 0;
    ps_code code = PS_OK;
    while (text.size > 0 && code == PS_OK) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        ps_slice line = ps_slice_of(text.data, size);
        ps_slice look = line;
        ps_slice first = word_take(&look);
        size_t taken = end != NULL ? size + 1 : size;
        text = ps_slice_of(text.data + taken, text.size - taken);
        number++;
        if (first.size == 0 || first.data[0] == '#') {
            continue;
        }
        entry e;
        if (!entry_parse(map->instance, line, &e)) {
            return ps_error_set(err, PS_E_INVALID,
                                "%s: line %u: want a key's id (or *) and a certificate's identity",
                                map->path, number);
        }
        code = entry_add(out_list, &e, err);
    }
    if (code == PS_OK && out_list->count > 0) {
        qsort(out_list->entries, out_list->count, sizeof *out_list->entries, entry_compare);
    }
    return code;
}

static PS_CHECKED ps_code list_read(const ps_certificate_map *map, entry_list *out_list,
                                    ps_error *err)
{
    FILE *file = fopen(map->path, "re");
    if (file == NULL) {
        return ps_error_set(err, PS_E_INVALID, "cannot read %s: %s", map->path, strerror(errno));
    }
    char block[4096];
    size_t size;
    ps_buf text;
    ps_buf_init(&text, PS_CERTIFICATE_MAP_SIZE_MAX);
    while ((size = fread(block, 1, sizeof block, file)) > 0) {
        ps_buf_append(&text, block, size);
    }
    ps_code code = PS_OK;
    if (ferror(file) != 0 || text.failed) {
        code = ps_error_set(err, PS_E_INVALID, "cannot read %s, or it is too large", map->path);
    } else {
        code = list_parse(map, ps_buf_slice(&text), out_list, err);
    }
    fclose(file);
    ps_buf_release(&text);
    return code;
}

/* ── maps ── */

ps_code ps_certificate_map_open(const char *path, ps_u128 instance, ps_certificate_map **out_map,
                                ps_error *err)
{
    ps_certificate_map *map = calloc(1, sizeof *map);
    if (map == NULL || (map->path = strdup(path)) == NULL) {
        free(map);
        return ps_error_set(err, PS_E_MEMORY, "no memory for %s", path);
    }
    map->instance = instance;
    pthread_mutex_init(&map->lock, NULL);
    (void)ps_file_stamp_take(path, &map->stamp);
    ps_code code = list_read(map, &map->list, err);
    if (code != PS_OK) {
        ps_certificate_map_close(map);
        return code;
    }
    *out_map = map;
    return PS_OK;
}

void ps_certificate_map_close(ps_certificate_map *map)
{
    if (map == NULL) {
        return;
    }
    free(map->list.entries);
    free(map->path);
    pthread_mutex_destroy(&map->lock);
    free(map);
}

ps_code ps_certificate_map_reload(ps_certificate_map *map, ps_error *err)
{
    if (!ps_file_stamp_take(map->path, &map->stamp)) {
        return PS_OK;
    }
    entry_list list = {NULL, 0};
    ps_code code = list_read(map, &list, err);
    if (code == PS_OK) {
        pthread_mutex_lock(&map->lock);
        entry_list old = map->list;
        map->list = list;
        pthread_mutex_unlock(&map->lock);
        list = old;
    }
    free(list.entries);
    return code;
}

static bool has(const entry_list *list, const entry *wanted)
{
    return list->count > 0 &&
           bsearch(wanted, list->entries, list->count, sizeof *wanted, entry_compare) != NULL;
}

bool ps_certificate_map_allows(ps_certificate_map *map, uint32_t key, ps_slice identity)
{
    if (identity.size == 0 || identity.size >= PS_TLS_IDENTITY_MAX) {
        return false;
    }
    entry one = {.key = key};
    memcpy(one.identity, identity.data, identity.size);
    entry any = one;
    any.key = KEY_ANY;
    pthread_mutex_lock(&map->lock);
    bool is_allowed = has(&map->list, &one) || has(&map->list, &any);
    pthread_mutex_unlock(&map->lock);
    return is_allowed;
}
