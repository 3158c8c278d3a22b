/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file run.c  The events of a script, one after the other, on virtual time.
 *
 * A relative time counts from the moment at which the event before it was done. Time passes only
 * here, so an inbound packet or a call happens exactly when the script says; a packet of the stack
 * is waited for and must have left at its time, give or take the tolerance.
 */
#include "play.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PORT 50000 /* of the peer, where the script names none */

void *keep(size_t bytes)
{
    void *p = calloc(1, bytes);

    if (!p)
        abort();
    return p;
}

const char *keep_text(const char *p, size_t n)
{
    char *r = keep(n + 1);

    memcpy(r, p, n);
    return r;
}

_Noreturn void fail_at(const struct script *s, int line, const char *format, ...)
{
    va_list ap;

    printf("%s:%d: error: ", s->name, line);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    _Exit(1);
}

/** worker() - the thread of a blocking call */
static void *worker(void *ctx)
{
    struct play *p = ctx;
    struct timeval tv;
    long long r;
    int err;

    drill_adopt();
    r = call_make(p, p->busy, &err);
    pthread_mutex_lock(&p->lock);
    p->result = r;
    p->error = err;
    p->done = true;
    p->ended = drill_now(p->drill);
    pthread_mutex_unlock(&p->lock);
    p->ifc.gettimeofday(p->drill, &tv, NULL); /* time may go on */
    return NULL;
}

/** is_done() - has the blocking call come back? */
static bool is_done(struct play *p)
{
    bool r;

    pthread_mutex_lock(&p->lock);
    r = p->done;
    pthread_mutex_unlock(&p->lock);
    return r;
}

/** blocking_end() - the call that blocks must come back, at its time */
static void blocking_end(struct play *p)
{
    const struct event *e = p->busy;
    gn_time slack = (gn_time)p->script->tolerance_usecs * GN_USEC, due;

    if (!e)
        return;
    due = p->start + (gn_time)e->call->end_usecs * GN_USEC;
    if (!is_done(p) && drill_now(p->drill) < due + slack)
        drill_pass(p->drill, due + slack);
    drill_pass(p->drill, drill_now(p->drill)); /* whoever was woken comes to its end */
    if (!is_done(p))
        fail_at(p->script, e->line, "%s: still blocks at %.6f, should have come back at %.6f",
                e->call->name, (double)play_usecs(p, drill_now(p->drill)) / USEC_PER_SEC,
                (double)e->call->end_usecs / USEC_PER_SEC);
    pthread_join(p->thread, NULL);
    p->busy = NULL;
    call_judge(p, e, p->result, p->error);
    if (p->ended + slack < due || p->ended > due + slack)
        fail_at(p->script, e->line,
                "timing error: %s should have come back at %.6f but did at %.6f", e->call->name,
                (double)e->call->end_usecs / USEC_PER_SEC,
                (double)play_usecs(p, p->ended) / USEC_PER_SEC);
}

/** blocking_begin() - a call on a thread of its own; its end is given in the same terms as its
 * beginning */
static void blocking_begin(struct play *p, const struct event *e, gn_time begin)
{
    if (e->time == TIME_RELATIVE)
        e->call->end_usecs += play_usecs(p, begin) - e->usecs;
    p->busy = e;
    p->done = false;
    drill_enter(p->drill); /* in its name: time waits until it sleeps or is over */
    if (pthread_create(&p->thread, NULL, worker, p))
        fail_at(p->script, e->line, "no thread for a call that blocks");
    drill_pass(p->drill, drill_now(p->drill));
}

/** note_connect() - the first connect() of a descriptor, or a sendto() that is one too, begins a
 * connection */
static void note_connect(struct play *p, const struct event *e)
{
    bool fast = !strcmp(e->call->name, "sendto") && e->call->n_arg == 6 &&
                arg_int(p, e->line, e->call->arg[3]) & MSG_FASTOPEN;
    unsigned at = fast ? 4 : 1;
    long long fd;
    const struct expr *family;

    if ((strcmp(e->call->name, "connect") && !fast) || e->call->n_arg <= at)
        return;
    fd = arg_int(p, e->line, e->call->arg[0]);
    if (fd < 0 || fd >= FDS)
        return;
    family = arg_field(e->call->arg[at], "sa_family");
    if (family && !arg_int(p, e->line, family)) { /* AF_UNSPEC: the end of one */
        p->fd[fd].connecting = false;
        return;
    }
    if (!p->fd[fd].connecting)
        flow_connect(p);
    p->fd[fd].connecting = true;
    p->latest = p->fd[fd].live;
}

/** play_call() - at its time */
static void play_call(struct play *p, const struct event *e, gn_time begin)
{
    long long r;
    int err;

    blocking_end(p);
    note_connect(p, e);
    if (e->call->blocking) {
        blocking_begin(p, e, begin);
        return;
    }
    r = call_make(p, e, &err);
    call_judge(p, e, r, err);
}

/** play_command() - "set NAME=VALUE" changes a knob while the script runs; others are not ours */
static void play_command(struct play *p, const struct event *e)
{
    struct gn_host *h = gn_stack_host(drill_stack(p->drill));
    char name[64], value[64];
    enum gn_err err;

    if (sscanf(e->text, " set %63[a-z0-9_]=%63s", name, value) != 2 &&
        sscanf(e->text, " sysctl -q net.ipv4.%63[a-z0-9_]=%63s", name, value) != 2)
        return;
    gn_stack_lock(drill_stack(p->drill));
    err = gn_host_set_knob(h, name, value);
    gn_stack_unlock(drill_stack(p->drill));
    if (err != GN_OK)
        fail_at(p->script, e->line, "cannot set %s=%s: %s", name, value, gn_err_text(err));
}

/** play_event() - one of them */
static void play_event(struct play *p, const struct event *e)
{
    gn_time now = drill_now(p->drill), base = e->time == TIME_RELATIVE ? now : p->start;
    gn_time begin = base + (gn_time)e->usecs * GN_USEC;
    gn_time end = e->range ? base + (gn_time)e->usecs_end * GN_USEC : begin;

    if (e->time == TIME_ANY)
        begin = end = now;
    if (e->kind == EVENT_PACKET && !e->packet->inbound) {
        play_outbound(p, e, begin, end);
        if (begin > drill_now(p->drill) && e->time != TIME_ANY)
            drill_pass(p->drill, begin);
        return;
    }
    if (begin + (gn_time)p->script->tolerance_usecs * GN_USEC < now)
        fail_at(p->script, e->line, "timing error: it is %.6f already, this was to be at %.6f",
                (double)play_usecs(p, now) / USEC_PER_SEC,
                (double)((long long)begin - (long long)p->start) / 1e9);
    drill_pass(p->drill, begin);
    switch (e->kind) {
    case EVENT_PACKET: play_inbound(p, e); break;
    case EVENT_CALL: play_call(p, e, begin); break;
    case EVENT_COMMAND: play_command(p, e); break;
    case EVENT_CODE: info_check(p, e); break;
    }
}

/** play_open() - the stack, as the script wants it */
static void play_open(struct play *p)
{
    struct drill_config c;
    char bad[64];

    drill_config_default(&c);
    c.conf.tcp_quickacks =
        0; /* scripts are about what all implementations do; who is not says so */
    if (!drill_config_flags(&c, p->script->flags, bad))
        fail_at(p->script, 1, "cannot use \"%s\"", bad);
    p->drill = drill_new(&c);
    if (!p->drill)
        fail_at(p->script, 1, "no stack: no memory, or knobs that do not go together");
    interface_fill(p->drill, &p->ifc);
    p->start = drill_now(p->drill);
    p->packet = keep(PACKET_MAX);
    p->next_port = FIRST_PORT;
    pthread_mutex_init(&p->lock, NULL);
}

void script_run(struct script *s)
{
    struct play *p = keep(sizeof(*p));
    int line = 1;

    p->script = s;
    play_open(p);
    for (const struct event *e = s->events; e; e = e->next) {
        line = e->line;
        play_event(p, e);
    }
    blocking_end(p);
    play_rest(p, line);
    p->ifc.free(p->drill);
}
