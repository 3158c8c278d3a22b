/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_tape.c  Samples of facts, written and read.
 */
#include "cli/why_tape.h"

#include "cli/cli.h"
#include "cli/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT   "gannet facts 1\n"

#define CO(name) FIELD(struct fact_conn, name)
static const struct field conn_fields[] = {
    CO(kind),
    CO(state),
    CO(known),
    CO(process),
    CO(listener),
    CO(netns),
    CO(uid),
    CO(mark),
    CO(inode),
    CO(cookie),
    CO(recv_q),
    CO(send_q),
    CO(half_open),
    CO(timer),
    CO(timer_in),
    CO(backoff),
    CO(probes),
    CO(in_state),
    CO(sndbuf),
    CO(rcvbuf),
    CO(rmem),
    CO(wmem),
    CO(drops),
    CO(info.recovery),
    CO(info.timestamps),
    CO(info.sack),
    CO(info.wscale),
    CO(info.ecn),
    CO(info.app_limited),
    CO(info.snd_wscale),
    CO(info.rcv_wscale),
    CO(info.snd_mss),
    CO(info.rcv_mss),
    CO(info.advmss),
    CO(info.pmtu),
    CO(info.unacked),
    CO(info.sacked),
    CO(info.lost),
    CO(info.retrans_out),
    CO(info.retrans_total),
    CO(info.cwnd),
    CO(info.ssthresh),
    CO(info.snd_wnd),
    CO(info.rcv_wnd),
    CO(info.not_sent),
    CO(info.rcv_space),
    CO(info.reordering),
    CO(info.reord_seen),
    CO(info.rcv_ooo),
    CO(info.rto),
    CO(info.ato),
    CO(info.rtt),
    CO(info.rttvar),
    CO(info.min_rtt),
    CO(info.rcv_rtt),
    CO(info.last_data_sent),
    CO(info.last_data_recv),
    CO(info.last_ack_recv),
    CO(info.pacing_rate),
    CO(info.delivery_rate),
    CO(info.bytes_sent),
    CO(info.bytes_acked),
    CO(info.bytes_received),
    CO(info.bytes_retrans),
    CO(info.segs_out),
    CO(info.segs_in),
    CO(info.busy),
    CO(info.rwnd_limited),
    CO(info.sndbuf_limited),
};
static const struct field process_fields[] = {
    FIELD(struct fact_process, pid),
    FIELD(struct fact_process, uid),
    FIELD(struct fact_process, fds),
    FIELD(struct fact_process, fd_limit),
};
static const struct field sample_fields[] = {
    FIELD(struct facts, source),
    FIELD(struct facts, now),
    FIELD(struct facts, interval),
    FIELD(struct facts, partial),
};

/* --- writing --- */

FILE *tape_create(const char *path)
{
    FILE *f = fopen(path, "we");

    if (f && fputs(FORMAT, f) >= 0)
        return f;
    complain("cannot write %s: %s", path, strerror(errno));
    if (f)
        fclose(f);
    return NULL;
}

/** write_text() - " name=" and the text; what would end the word is written as %XX */
static void write_text(const char *name, const char *text, struct buf *b)
{
    buf_printf(b, " %s=", name);
    for (const char *s = text ? text : ""; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == '%' || *s == 0x7F)
            buf_printf(b, "%%%02x", (unsigned char)*s);
        else
            buf_mem(b, s, 1);
}

/** write_conn() - one connection, its history included */
static void write_conn(const struct fact_conn *c, struct buf *b)
{
    struct fact_conn plain = *c;

    plain.known &= ~(uint32_t)FACT_SEEN;
    buf_str(b, "c");
    fields_write_end("local", &c->local, b);
    fields_write_end("remote", &c->remote, b);
    fields_write(&plain, conn_fields, COUNT(conn_fields), b);
    write_text("cc", c->info.cc, b);
    for (unsigned i = 0; c->known & FACT_HISTORY && i < c->n_history; i++)
        buf_printf(b, " was=%" PRIu64 ":%u:%u:%u", c->history[i].at, c->history[i].from,
                   c->history[i].to, c->history[i].cause);
    buf_str(b, "\n");
}

/** write_numbers() - counters or settings */
static void write_numbers(const char *verb, const struct fact_number *list, size_t n, struct buf *b)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s %s %" PRId64 " %" PRId64 "\n", verb, list[i].name, list[i].value,
                   list[i].before);
}

bool tape_write(FILE *tape, const struct facts *f)
{
    struct buf b = {0};

    buf_str(&b, "t");
    fields_write(f, sample_fields, COUNT(sample_fields), &b);
    buf_str(&b, "\n");
    for (size_t i = 0; i < f->n_gaps; i++) {
        buf_str(&b, "g");
        write_text("text", f->gap[i], &b);
        buf_str(&b, "\n");
    }
    for (size_t i = 0; i < f->n_netns; i++) {
        buf_printf(&b, "n inode=%" PRIu64, f->netns[i].inode);
        write_text("name", f->netns[i].name, &b);
        buf_str(&b, "\n");
    }
    for (size_t i = 0; i < f->n_processes; i++) {
        const struct fact_process *p = &f->process[i];
        buf_str(&b, "p");
        fields_write(p, process_fields, COUNT(process_fields), &b);
        write_text("comm", p->comm, &b);
        write_text("cmdline", p->cmdline, &b);
        write_text("container", p->container, &b);
        buf_str(&b, "\n");
    }
    write_numbers("m", f->counter, f->n_counters, &b);
    write_numbers("k", f->setting, f->n_settings, &b);
    for (size_t i = 0; i < f->n_conns; i++)
        write_conn(&f->conn[i], &b);
    buf_str(&b, "e\n");
    bool good = fwrite(b.s, 1, b.len, tape) == b.len && fflush(tape) == 0;
    buf_free(&b);
    return good;
}

/* --- reading --- */

/** One sample in memory. Arrays grow; texts are blocks of their own, linked. */
struct sample {
    struct facts f;
    struct block *texts;
    const char **gap;
    struct fact_process *process;
    struct fact_netns *netns;
    struct fact_number *counter, *setting;
};

struct block {
    struct block *next;
    char text[];
};

struct tape {
    FILE *file;
    char *line;
    size_t cap;
    struct sample sample[2]; /* facts are good until the next sample but one */
    unsigned turn;
};

/** more() - @list, with room for one more element of @size at its end, all zero */
static void *more(void *list, size_t n, size_t size)
{
    if ((n & (n - 1)) == 0) /* 0, 1, 2, 4, ...: full */
        list = realloc(list, (n ? 2 * n : 1) * size);
    if (!list)
        exit(complain("out of memory"));
    memset((char *)list + n * size, 0, size);
    return list;
}

/** keep() - @n octets of text for as long as the sample lives, %XX decoded */
static const char *keep(struct sample *s, const char *text, size_t n)
{
    struct block *b = malloc(sizeof *b + n + 1);
    unsigned c;
    char *to;

    if (!b)
        exit(complain("out of memory"));
    b->next = s->texts;
    s->texts = b;
    to = b->text;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '%' && i + 2 < n && sscanf(text + i + 1, "%2x", &c) == 1) {
            *to++ = (char)c;
            i += 2;
        } else {
            *to++ = text[i];
        }
    *to = 0;
    return b->text;
}

/** word_text() - the value of a word */
static const char *word_text(struct sample *s, const struct word *w)
{
    return keep(s, w->value, strcspn(w->value, " \n"));
}

/** sample_free() - all zero again */
static void sample_free(struct sample *s)
{
    for (size_t i = 0; i < s->f.n_conns; i++)
        free((void *)(uintptr_t)s->f.conn[i].history);
    for (struct block *b = s->texts, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(s->f.conn);
    free(s->gap);
    free(s->process);
    free(s->netns);
    free(s->counter);
    free(s->setting);
    *s = (struct sample){.texts = NULL};
}

/** read_was() - "was=AT:FROM:TO:CAUSE" */
static bool read_was(const struct word *w, struct fact_conn *c)
{
    struct gn_transition *list = (struct gn_transition *)(uintptr_t)c->history;
    unsigned from, to, cause;
    uint64_t at;

    if (sscanf(w->value, "%" SCNu64 ":%u:%u:%u", &at, &from, &to, &cause) != 4 ||
        from >= GN_STATE_COUNT || to >= GN_STATE_COUNT || cause >= GN_CAUSE_COUNT ||
        c->n_history == GN_HISTORY)
        return false;
    list = more(list, c->n_history, sizeof *list);
    list[c->n_history++] = (struct gn_transition){at, from, to, cause};
    c->history = list;
    return true;
}

/** sound_conn() - is every value of it one that the rules can do with? */
static bool sound_conn(const struct fact_conn *c)
{
    return (unsigned)c->state < GN_STATE_COUNT && (unsigned)c->kind <= GN_KIND_TIME_WAIT &&
           (unsigned)c->timer <= FACT_TIMER_FIN_WAIT_2 &&
           (unsigned)c->info.recovery <= GN_RECOVERY_LOSS && !(c->known & FACT_SEEN);
}

/** read_conn() - the words of a "c" line */
static bool read_conn(struct sample *s, const char *line)
{
    struct fact_conn *c;
    struct word w;
    bool bad = false;
    size_t next = 0;

    s->f.conn = more(s->f.conn, s->f.n_conns, sizeof *c);
    c = &s->f.conn[s->f.n_conns++];
    while (!bad && fields_word(&line, &w, &bad)) {
        if (fields_is(&w, "local"))
            bad = !fields_read_end(&w, &c->local);
        else if (fields_is(&w, "remote"))
            bad = !fields_read_end(&w, &c->remote);
        else if (fields_is(&w, "was"))
            bad = !read_was(&w, c);
        else if (fields_is(&w, "cc"))
            snprintf(c->info.cc, sizeof c->info.cc, "%s", word_text(s, &w));
        else
            (void)fields_take(&w, c, conn_fields, COUNT(conn_fields), &next);
    }
    return !bad && sound_conn(c);
}

/** read_process() - the words of a "p" line */
static bool read_process(struct sample *s, const char *line)
{
    struct fact_process *p;
    struct word w;
    bool bad = false;
    size_t next = 0;

    s->process = more(s->process, s->f.n_processes, sizeof *p);
    p = &s->process[s->f.n_processes++];
    p->comm = p->cmdline = p->container = "";
    while (fields_word(&line, &w, &bad)) {
        if (fields_is(&w, "comm"))
            p->comm = word_text(s, &w);
        else if (fields_is(&w, "cmdline"))
            p->cmdline = word_text(s, &w);
        else if (fields_is(&w, "container"))
            p->container = word_text(s, &w);
        else
            (void)fields_take(&w, p, process_fields, COUNT(process_fields), &next);
    }
    return !bad;
}

/** read_netns() - the words of an "n" line */
static bool read_netns(struct sample *s, const char *line)
{
    struct fact_netns *n;
    struct word w;
    bool bad = false;

    s->netns = more(s->netns, s->f.n_netns, sizeof *n);
    n = &s->netns[s->f.n_netns++];
    n->name = "";
    while (fields_word(&line, &w, &bad)) {
        if (fields_is(&w, "name"))
            n->name = word_text(s, &w);
        else if (fields_is(&w, "inode"))
            n->inode = w.n;
    }
    return !bad;
}

/** read_number() - " NAME VALUE BEFORE" onto the end of a list, which is sorted */
static bool read_number(struct sample *s, const char *line, struct fact_number **list, size_t *n)
{
    struct fact_number *x;
    char name[64];

    *list = more(*list, *n, sizeof *x);
    x = &(*list)[*n];
    if (sscanf(line, " %63s %" SCNd64 " %" SCNd64, name, &x->value, &x->before) != 3 ||
        (*n && strcmp((*list)[*n - 1].name, name) >= 0))
        return false;
    x->name = keep(s, name, strlen(name));
    (*n)++;
    return true;
}

/** read_gap() - the word of a "g" line */
static bool read_gap(struct sample *s, const char *line)
{
    struct word w;
    bool bad = false;

    if (!fields_word(&line, &w, &bad))
        return false;
    s->gap = more(s->gap, s->f.n_gaps, sizeof *s->gap);
    s->gap[s->f.n_gaps++] = word_text(s, &w);
    return true;
}

/** read_line() - one line of a sample; false: it makes no sense */
static bool read_line(struct sample *s, const char *line)
{
    switch (line[0]) {
    case 'g': return read_gap(s, line + 1);
    case 'n': return read_netns(s, line + 1);
    case 'p': return read_process(s, line + 1);
    case 'm': return read_number(s, line + 1, &s->counter, &s->f.n_counters);
    case 'k': return read_number(s, line + 1, &s->setting, &s->f.n_settings);
    case 'c': return read_conn(s, line + 1);
    default: return false;
    }
}

/** complete() - point from facts to lists, and take back what points nowhere */
static const struct facts *complete(struct sample *s)
{
    struct facts *f = &s->f;

    f->gap = s->gap;
    f->process = s->process;
    f->netns = s->netns;
    f->counter = s->counter;
    f->setting = s->setting;
    for (size_t i = 0; i < f->n_conns; i++) {
        struct fact_conn *c = &f->conn[i];
        if (c->process >= f->n_processes)
            c->process = FACT_NONE;
        if (c->listener >= f->n_conns)
            c->listener = FACT_NONE;
        if (c->netns >= f->n_netns)
            c->netns = FACT_NONE;
    }
    return f;
}

/** sample_tape() - why_source.sample */
static const struct facts *sample_tape(void *ctx, char *ret_sorry)
{
    struct tape *t = ctx;
    struct sample *s = &t->sample[t->turn ^= 1];
    bool begun = false, good = true;

    ret_sorry[0] = 0;
    sample_free(s);
    while (good && getline(&t->line, &t->cap, t->file) > 0) {
        if (t->line[0] == 't' && !begun)
            begun = good = fields_read(t->line + 1, &s->f, sample_fields, COUNT(sample_fields)) &&
                           (unsigned)s->f.source <= FACTS_GANNET;
        else if (begun && t->line[0] == 'e')
            return complete(s);
        else
            good = begun && t->line[0] && read_line(s, t->line);
    }
    if (feof(t->file) && begun)
        snprintf(ret_sorry, WHY_SORRY, "the recording is cut off");
    else if (!good)
        snprintf(ret_sorry, WHY_SORRY, "the recording makes no sense at octet %ld",
                 ftell(t->file) - (long)strlen(t->line));
    return NULL;
}

/** close_tape() - why_source.close */
static void close_tape(void *ctx)
{
    struct tape *t = ctx;

    sample_free(&t->sample[0]);
    sample_free(&t->sample[1]);
    fclose(t->file);
    free(t->line);
    free(t);
}

bool why_source_tape(const char *path, struct why_source *ret, char *ret_sorry)
{
    struct tape *t = calloc(1, sizeof *t);
    char first[sizeof FORMAT] = "";

    if (!t)
        exit(complain("out of memory"));
    t->file = fopen(path, "re");
    if (!t->file) {
        snprintf(ret_sorry, WHY_SORRY, "cannot read %.100s: %s", path, strerror(errno));
        free(t);
        return false;
    }
    if (!fgets(first, sizeof first, t->file) || strcmp(first, FORMAT) != 0) {
        snprintf(ret_sorry, WHY_SORRY, "%.100s is no recording of gannet why --record", path);
        close_tape(t);
        return false;
    }
    *ret = (struct why_source){.ctx = t, .sample = sample_tape, .close = close_tape};
    snprintf(ret->what, sizeof ret->what, "%.120s", path);
    return true;
}
