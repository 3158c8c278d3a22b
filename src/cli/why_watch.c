/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_watch.c  Sample after sample.
 *
 * The view has three parts: counts by state, one row a finding (worst first, or as chosen), and all
 * of the finding that is marked. Growth is told from the first sample in which a finding was seen.
 */
#include "cli/why_watch.h"

#include "cli/cli.h"
#include "cli/why_tape.h"

#include <gannet/loop.h>

#include <curses.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** What is remembered of a finding for as long as it is watched. */
struct track {
    uint64_t key;
    gn_time at; /* of the facts in which it was first seen */
    uint32_t n; /* its connections then */
};

enum order { BY_SEVERITY, BY_CONNECTIONS, BY_GROWTH, BY_AGE, ORDERS };

struct watch {
    struct why_series series;
    const struct why_watch_options *o;
    FILE *tape;
    struct track *tracks; /* sorted by key */
    size_t n_tracks;
    const struct why_finding **row; /* what is shown, in order */
    size_t n_rows;
    size_t mark, top; /* row that is marked; first row of its text that is shown */
    enum order order;
    enum why_severity least;
    bool held, ended;
    bool lost;            /* the recording could not be written any more; the view goes on */
    char note[WHY_SORRY]; /* last line */
};

static volatile sig_atomic_t stopped;

/** on_signal() - end at the next chance */
static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

/* --- growth --- */

/** by_key() - for qsort and bsearch */
static int by_key(const void *a, const void *b)
{
    const struct track *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/** track_of() - what is remembered of @x; NULL: nothing */
static const struct track *track_of(const struct watch *w, const struct why_finding *x)
{
    const struct track wanted = {.key = x->key};

    if (!w->n_tracks)
        return NULL;
    return bsearch(&wanted, w->tracks, w->n_tracks, sizeof wanted, by_key);
}

/** track() - remember findings that are new, forget those that have gone */
static void track(struct watch *w)
{
    const struct why_result *r = &w->series.found;
    struct track *list = calloc(r->n_findings + 1, sizeof *list);

    if (!list)
        exit(complain("out of memory"));
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct why_finding *x = r->finding[i];
        const struct track *known = track_of(w, x);
        list[i] = known ? *known : (struct track){x->key, w->series.facts->now, x->n_conns};
    }
    qsort(list, r->n_findings, sizeof *list, by_key);
    free(w->tracks);
    w->tracks = list;
    w->n_tracks = r->n_findings;
}

/** per_minute() - connections more a minute since it was first seen */
static double per_minute(const struct watch *w, const struct why_finding *x)
{
    const struct track *t = track_of(w, x);

    if (!t || w->series.facts->now <= t->at)
        return 0;
    return ((double)x->n_conns - t->n) * 60e9 / (double)(w->series.facts->now - t->at);
}

/* --- samples --- */

/** keep() - the sample as one of the recording */
static void keep(struct watch *w)
{
    if (tape_write(w->tape, w->series.facts))
        return;
    w->lost = true;
    fclose(w->tape);
    w->tape = NULL;
}

/** next() - one more sample, kept if wanted; false: w->ended, and why in w->note unless it is the
 * end of a recording */
static bool next(struct watch *w)
{
    w->note[0] = 0;
    if (!why_series_next(&w->series, w->note)) {
        w->ended = true;
        return false;
    }
    track(w);
    if (w->tape)
        keep(w);
    return true;
}

/** row_before() - does @x stand above @y? */
static bool row_before(const struct watch *w, const struct why_finding *x,
                       const struct why_finding *y)
{
    switch (w->order) {
    case BY_CONNECTIONS: return x->n_conns > y->n_conns;
    case BY_GROWTH: return per_minute(w, x) > per_minute(w, y);
    case BY_AGE: return x->since < y->since;
    case BY_SEVERITY:
    case ORDERS: break;
    }
    return false; /* as the rules gave them: the worst first */
}

/** arrange() - the rows to be shown, in order; the mark stays on its finding if that is there */
static void arrange(struct watch *w)
{
    const struct why_result *r = &w->series.found;
    uint64_t marked = w->mark < w->n_rows ? w->row[w->mark]->key : 0;

    free(w->row);
    w->row = calloc(r->n_findings + 1, sizeof(const struct why_finding *));
    if (!w->row)
        exit(complain("out of memory"));
    w->n_rows = 0;
    for (size_t i = 0; i < r->n_findings; i++) {
        size_t at = w->n_rows;
        if (r->finding[i]->severity < w->least)
            continue;
        for (; at > 0 && row_before(w, r->finding[i], w->row[at - 1]); at--)
            w->row[at] = w->row[at - 1];
        w->row[at] = r->finding[i];
        w->n_rows++;
    }
    for (size_t i = 0; i < w->n_rows; i++)
        if (w->row[i]->key == marked)
            w->mark = i;
    if (w->mark >= w->n_rows)
        w->mark = w->n_rows ? w->n_rows - 1 : 0;
}

/* --- the view --- */

/** put() - text at the present place, cut at the right edge */
static void put(const char *text)
{
    int room = getmaxx(stdscr) - getcurx(stdscr);
    size_t len = 0;

    while (text[len] && room > 0) {
        len++;
        while (((unsigned char)text[len] & 0xC0) == 0x80) /* the rest of one character */
            len++;
        room--;
    }
    addnstr(text, (int)len);
}

/** draw_head() - what is looked at, and counts by state */
static void draw_head(const struct watch *w)
{
    static const char *const orders[] = {"severity", "connections", "growth", "age"};
    const struct why_result *r = &w->series.found;
    char line[256];

    move(0, 0);
    attron(A_BOLD);
    snprintf(line, sizeof line, "gannet why: %.60s", w->series.source->what);
    put(line);
    attroff(A_BOLD);
    snprintf(line, sizeof line, "   %zu connections, %zu healthy, every %" PRIu32 " s%s, by %s",
             r->n_conns, r->n_healthy, w->o->seconds, w->held ? " (held)" : "", orders[w->order]);
    put(line);
    move(1, 0);
    for (unsigned i = 0; i < GN_STATE_COUNT; i++)
        if (r->state[i]) {
            snprintf(line, sizeof line, "%s %" PRIu32 "  ", gn_state_name((enum gn_state)i),
                     r->state[i]);
            put(line);
        }
}

/** draw_row() - one finding on a line */
static void draw_row(const struct watch *w, size_t i)
{
    static const char *const names[] = {"NOTE", "WARNING", "CRITICAL"};
    const struct why_finding *x = w->row[i];
    const struct facts *f = w->series.facts;
    struct text age = {.len = 0};
    char line[256], process[64] = "";
    double rate = per_minute(w, x);

    text_span(&age, f->now > x->since ? f->now - x->since : 0);
    if (x->process < f->n_processes)
        snprintf(process, sizeof process, "%.40s[%" PRIu32 "]", f->process[x->process].comm,
                 f->process[x->process].pid);
    snprintf(line, sizeof line, "%-9s%-24s%8" PRIu32 " %+9.0f/min  for %-9.*s %-10s %s",
             names[x->severity], why_rule_id(x->rule), x->n_conns, rate, (int)age.len, age.s,
             why_actor_name(x->actor), process);
    if (i == w->mark)
        attron(A_REVERSE);
    if (has_colors())
        attron(COLOR_PAIR(x->severity + 1));
    put(line);
    attrset(A_NORMAL);
}

/** draw_text() - the marked finding, from line w->top on, between rows @from and @to */
static void draw_text(struct watch *w, int from, int to)
{
    struct why_style s = w->o->style;
    struct buf b = {0};
    size_t line = 0;

    s.width = (unsigned)getmaxx(stdscr) < 60 ? 60 : (unsigned)getmaxx(stdscr);
    s.colour = false;
    s.verbose = true;
    s.most = (uint32_t)w->top + (uint32_t)to; /* no more than can be seen: there may be 100000 */
    why_text_finding(w->series.facts, w->row[w->mark], &s, &b);
    buf_mem(&b, "", 1);
    for (char *at = b.s, *end; *at; at = end + (*end == '\n')) {
        end = at + strcspn(at, "\n");
        if (line++ < w->top || from >= to)
            continue;
        char kept = *end;
        *end = 0;
        move(from++, 0);
        put(at);
        *end = kept;
    }
    if (w->top && w->top + 1 > line)
        w->top = line ? line - 1 : 0;
    buf_free(&b);
}

/** draw() - all of the view */
static void draw(struct watch *w)
{
    int rows = getmaxy(stdscr), list = rows / 3 < 3 ? 3 : rows / 3;
    size_t first = w->mark >= (size_t)list ? w->mark - (size_t)list + 1 : 0;

    erase();
    draw_head(w);
    for (size_t i = first; i < w->n_rows && i < first + (size_t)list; i++) {
        move(3 + (int)(i - first), 0);
        draw_row(w, i);
    }
    if (w->n_rows) {
        mvhline(3 + list, 0, ACS_HLINE, getmaxx(stdscr));
        draw_text(w, 4 + list, rows - 1);
    } else {
        move(3, 0);
        put("Nothing is wrong with any connection that can be seen.");
    }
    move(rows - 1, 0);
    attron(A_DIM);
    put(w->note[0] ? w->note
        : w->lost  ? "the recording is cut off: it cannot be written any more"
                   : "q end  space hold  up/down choose  PgUp/PgDn its text  s sort  a notes  "
                     "c critical only");
    attroff(A_DIM);
    refresh();
}

/** key() - what the user wants; false: to end */
static bool key(struct watch *w, int c)
{
    switch (c) {
    case 'q':
    case 27: return false;
    case ' ': w->held = !w->held; break;
    case 's': w->order = (w->order + 1) % ORDERS; break;
    case 'a': w->least = w->least == WHY_NOTE ? WHY_WARNING : WHY_NOTE; break;
    case 'c': w->least = w->least == WHY_CRITICAL ? WHY_WARNING : WHY_CRITICAL; break;
    case 'k':
    case KEY_UP:
        w->mark -= w->mark > 0;
        w->top = 0;
        break;
    case 'j':
    case KEY_DOWN:
        w->mark += w->mark + 1 < w->n_rows;
        w->top = 0;
        break;
    case KEY_NPAGE: w->top += 10; break;
    case KEY_PPAGE: w->top -= w->top < 10 ? w->top : 10; break;
    default: break;
    }
    return true;
}

/** live() - the view, until the user ends it */
static void live(struct watch *w)
{
    gn_time due = 0;
    uint32_t seen = 0;
    bool more = true;

    setlocale(LC_ALL, "");
    initscr();
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(WHY_NOTE + 1, COLOR_CYAN, -1);
        init_pair(WHY_WARNING + 1, COLOR_YELLOW, -1);
        init_pair(WHY_CRITICAL + 1, COLOR_RED, -1);
    }
    while (more && !stopped) {
        gn_time now = gn_loop_now();
        if (!w->held && !w->ended && now >= due) {
            if (next(w) && w->o->count && ++seen == w->o->count)
                w->ended = true;
            if (!w->series.facts)
                break;
            if (w->ended && !w->note[0])
                snprintf(w->note, sizeof w->note, "the end; q leaves");
            due = now + (w->o->seconds ? w->o->seconds : 1) * GN_SEC;
        }
        arrange(w);
        draw(w);
        timeout(w->held || w->ended ? 1000 : 200);
        int c = getch();
        more = c == ERR || key(w, c);
    }
    endwin();
}

/** report() - one sample on standard output */
static void report(const struct watch *w)
{
    const struct why_series *s = &w->series;
    struct buf b = {0};

    if (w->o->json) {
        struct json j = {.b = &b};
        why_json(s->facts, &s->found, s->source->what, UINT32_MAX, NULL, &j);
        buf_str(&b, "\n");
    } else {
        time_t wall = (time_t)(s->facts->now / GN_SEC);
        struct tm tm;
        char when[40] = "";
        if (localtime_r(&wall, &tm))
            strftime(when, sizeof when, "%H:%M:%S", &tm);
        buf_printf(&b, "== %s\n", when);
        why_text(s->facts, &s->found, &w->o->style, s->source->what, &b);
    }
    buf_print(&b, stdout);
    buf_free(&b);
    fflush(stdout);
}

/** reports() - one after the other */
static void reports(struct watch *w)
{
    for (uint32_t seen = 0; !stopped && next(w);) {
        struct timespec left = {.tv_sec = w->o->seconds};
        report(w);
        if (ferror(stdout) || (w->o->count && ++seen == w->o->count))
            return;
        while (!stopped && left.tv_sec + left.tv_nsec > 0 && nanosleep(&left, &left) != 0)
            ;
    }
}

int why_watch(struct why_source *source, const struct why_options *rules,
              const struct why_watch_options *o)
{
    struct sigaction act = {.sa_handler = on_signal};
    bool live_view = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !o->json;
    struct watch w = {
        .o = o,
        .least = o->notes ? WHY_NOTE : WHY_WARNING,
        /* the view can show notes at a key */
        .series = {.source = source, .options = *rules, .notes = live_view || o->notes}};
    int code = EXIT_FINE;

    if (o->record && !(w.tape = tape_create(o->record)))
        return EXIT_FAILED;
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    if (live_view)
        live(&w);
    else
        reports(&w);
    if (w.note[0] && !live_view)
        code = complain("%s", w.note);
    else if (!w.series.facts)
        code = complain("%s", w.note[0] ? w.note : "the recording is empty");
    if (w.tape && fclose(w.tape) != 0)
        w.lost = true;
    if (w.lost)
        code = complain("the recording is cut off: %s cannot be written", o->record);
    free(w.tracks);
    free(w.row);
    why_series_free(&w.series);
    return code;
}
