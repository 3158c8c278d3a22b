/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file record.c  Events of one conversation: gathering, JSON, drawing.
 */
#include "cli/record.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void record_free(struct record *r)
{
    for (size_t i = 0; i < r->n; i++)
        free((void *)(uintptr_t)r->event[i].text);
    free(r->event);
    *r = (struct record){0};
}

struct ladder_event *record_add(struct record *r, struct ladder_event e)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->event = realloc(r->event, r->cap * sizeof *r->event);
        if (!r->event)
            exit(complain("out of memory"));
    }
    if (e.text && !(e.text = strdup(e.text)))
        exit(complain("out of memory"));
    r->event[r->n] = e;
    return &r->event[r->n++];
}

void record_text(struct record *r, gn_time at, unsigned end, enum ladder_kind k, const char *format,
                 ...)
{
    char text[160];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    record_add(r, (struct ladder_event){.at = at, .kind = k, .end = (uint8_t)end, .text = text});
}

enum gn_state record_final(const struct record *r, unsigned end)
{
    enum gn_state s = GN_CLOSED;
    for (size_t i = 0; i < r->n; i++)
        if (r->event[i].kind == LADDER_STATE && r->event[i].end == end)
            s = r->event[i].to;
    return s;
}

/** segment_json() - the members of a SEND or RECV */
static void segment_json(const struct ladder *l, const struct ladder_event *e, struct json *j)
{
    uint32_t iss;
    char flags[10];
    size_t n = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (e->ctl >> bit & 1)
            flags[n++] = "FSRPAUEC"[bit];
    flags[n] = 0;
    json_str(j, "flags", flags);
    json_u64(j, "seq", e->seq);
    if (ladder_iss(l, ladder_sender(e), &iss))
        json_u64(j, "rel_seq", e->seq - iss);
    json_u64(j, "ack", e->ack);
    if (ladder_iss(l, ladder_sender(e) ^ 1u, &iss))
        json_u64(j, "rel_ack", e->ack - iss);
    json_u64(j, "len", e->len);
    json_u64(j, "wnd", e->wnd);
    if (e->kind == LADDER_SEND)
        json_bool(j, "lost", ladder_lost(l, e));
}

void record_json(const struct ladder *l, const char *name, struct json *j)
{
    static const char *const kinds[] = {"call", "send",   "recv",  "state",
                                        "drop", "remark", "timer", "note"};
    json_open(j, name, '[');
    for (size_t i = 0; i < l->n; i++) {
        const struct ladder_event *e = &l->events[i];
        json_open(j, NULL, '{');
        json_seconds(j, "t", e->at);
        json_str(j, "end", e->end ? "B" : "A");
        json_str(j, "kind", kinds[e->kind]);
        if (e->kind == LADDER_SEND || e->kind == LADDER_RECV)
            segment_json(l, e, j);
        if (e->kind == LADDER_STATE) {
            json_str(j, "from", gn_state_name(e->from));
            json_str(j, "to", gn_state_name(e->to));
            json_str(j, "cause", gn_cause_name(e->cause));
            json_str(j, "rfc", gn_cause_rfc(e->cause));
        }
        if (e->kind == LADDER_DROP)
            json_str(j, "drop", gn_drop_name(e->drop));
        if (e->text)
            json_str(j, "text", e->text);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/** be16() - two octets of the wire */
static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/** be32() - four octets of the wire */
static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

bool glance_at(const uint8_t *p, size_t len, struct glance *ret)
{
    size_t ip, all;
    if (len >= 20 && p[0] >> 4 == 4 && p[9] == 6) {
        ip = (size_t)(p[0] & 15) * 4;
        all = be16(p + 2);
        ret->src.addr = gn_addr_v4(p[12], p[13], p[14], p[15]);
        ret->dst.addr = gn_addr_v4(p[16], p[17], p[18], p[19]);
    } else if (len >= 40 && p[0] >> 4 == 6 && p[6] == 6) {
        ip = 40;
        all = 40u + be16(p + 4);
        memcpy(ret->src.addr.b, p + 8, 16);
        memcpy(ret->dst.addr.b, p + 24, 16);
    } else {
        return false;
    }
    if (all > len || ip + 20 > all)
        return false;
    const uint8_t *t = p + ip;
    size_t header = (size_t)(t[12] >> 4) * 4;
    if (header < 20 || ip + header > all)
        return false;
    ret->src.port = be16(t);
    ret->dst.port = be16(t + 2);
    ret->seq = be32(t + 4);
    ret->ack = be32(t + 8);
    ret->ctl = (uint16_t)(be16(t + 12) & 0x1FF);
    ret->wnd = be16(t + 14);
    ret->len = (uint32_t)(all - ip - header);
    return true;
}

struct drawing drawing_default(void)
{
    struct drawing d = {.style = {.width = 144}};
    struct winsize w;
    const char *columns = getenv("COLUMNS"), *charset = getenv("LC_ALL");
    uint64_t n;
    if (isatty(1) && !ioctl(1, TIOCGWINSZ, &w) && w.ws_col)
        d.style.width = w.ws_col;
    if (columns && parse_number(columns, 80, 1000, &n))
        d.style.width = (unsigned)n;
    if (!charset || !*charset)
        charset = getenv("LC_CTYPE");
    if (!charset || !*charset)
        charset = getenv("LANG");
    /* a terminal that says nothing, or plain C, is taken for UTF-8 as all are today */
    d.style.ascii = charset && strchr(charset, '.') && !strcasestr(charset, "utf");
    d.style.colour = isatty(1) && !getenv("NO_COLOR");
    return d;
}

bool drawing_make(const struct drawing *d, struct ladder *l, struct buf *b)
{
    if (!d->svg) {
        struct text_writer w = buf_writer(b);
        ladder_text(l, &d->style, &w);
        return true;
    }
    struct buf svg = {0};
    struct text_writer w = buf_writer(&svg);
    ladder_svg(l, &d->style, &w);
    bool out = !strcmp(d->svg, "-");
    FILE *f = out ? stdout : fopen(d->svg, "w");
    bool good = f && fwrite(svg.s, 1, svg.len, f) == svg.len;
    if (f && !out && fclose(f))
        good = false;
    buf_free(&svg);
    if (!good)
        complain("cannot write %s: %s", d->svg, strerror(errno));
    return good;
}
