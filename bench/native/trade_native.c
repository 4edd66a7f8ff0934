/* examples/trade_windows.c by hand: lines "time in ms,…" to "window start,line", windows of one
 * second, text to text.
 *
 *     trade_native INPUT OUTPUT
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 20, PREFIX_MAX = 24, WINDOW_MS = 1000 };

typedef struct {
    char *data;
    size_t size;
    int file;
    int64_t window_ms; /* of the row before: its text is kept */
    char prefix[PREFIX_MAX];
    size_t prefix_size;
} output;

static void flush(output *out)
{
    for (size_t at = 0; at < out->size;) {
        ssize_t written = write(out->file, out->data + at, out->size - at);
        if (written <= 0) {
            perror("trade_native: write");
            exit(1);
        }
        at += (size_t)written;
    }
    out->size = 0;
}

static void put_line(output *out, const char *line, size_t size)
{
    int64_t time = 0;
    for (size_t i = 0; i < size && line[i] >= '0' && line[i] <= '9'; i++) {
        time = time * 10 + (line[i] - '0');
    }
    int64_t window = time / WINDOW_MS * WINDOW_MS;
    if (window != out->window_ms) {
        out->window_ms = window;
        out->prefix_size = (size_t)snprintf(out->prefix, PREFIX_MAX, "%lld,", (long long)window);
    }
    if (out->size + out->prefix_size + size + 1 > BUFFER_SIZE) {
        flush(out);
    }
    memcpy(out->data + out->size, out->prefix, out->prefix_size);
    memcpy(out->data + out->size + out->prefix_size, line, size);
    out->size += out->prefix_size + size + 1;
    out->data[out->size - 1] = '\n';
}

int main(int argc, char **argv)
{
    int input = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    output out = {.data = malloc(BUFFER_SIZE), .window_ms = -1};
    out.file = input >= 0 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    char *buffer = malloc(BUFFER_SIZE);
    if (out.file < 0 || buffer == NULL || out.data == NULL) {
        fprintf(stderr, "usage: trade_native INPUT OUTPUT\n");
        return 2;
    }
    size_t kept = 0;
    ssize_t got;
    while ((got = read(input, buffer + kept, BUFFER_SIZE / 2 - kept)) > 0) {
        size_t size = kept + (size_t)got, at = 0;
        const char *end;
        while ((end = memchr(buffer + at, '\n', size - at)) != NULL) {
            put_line(&out, buffer + at, (size_t)(end - buffer) - at);
            at = (size_t)(end - buffer) + 1;
        }
        kept = size - at;
        memmove(buffer, buffer + at, kept);
    }
    flush(&out);
    if (fdatasync(out.file) != 0) {
        perror("trade_native: fdatasync");
        return 1;
    }
    return 0;
}
