/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file up_cmd.c  `gannet up`: hosts on a device, with services and a control socket.
 */
#include "cli/control.h"
#include "cli/services.h"
#include "cli/why_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_HTTP = 1,
    OPT_PUT,
    OPT_ECHO,
    OPT_SINK,
    OPT_SOURCE,
    OPT_CONTROL,
    OPT_LADDER,
    OPT_WEB,
    OPT_THREADS
};

static const struct option_spec options[] = {
    RIG_OPTION_ROWS,
    {OPT_HTTP, 0, "http", "DIR[:PORT]", "serve the files of DIR (port 80)"},
    {OPT_PUT, 0, "put", NULL, "let HTTP clients upload into DIR"},
    {OPT_ECHO, 0, "echo", "PORT", "give back what comes"},
    {OPT_SINK, 0, "sink", "PORT", "throw away what comes"},
    {OPT_SOURCE, 0, "source", "PORT", "send without end"},
    {OPT_LADDER, 0, "ladder", NULL, "record segments for 'gannet ladder'"},
    {OPT_WEB, 0, "web", "WHERE", "serve a page on this host's TCP, at PORT or ADDR:PORT"},
    {OPT_THREADS, 0, "threads", "N", "so many hosts, each on a core and a queue of the TUN device"},
    {OPT_CONTROL, 0, "control", "PATH", "control socket, for 'gannet ss' and others"},
    {0, 0, NULL, NULL, NULL},
};

#define SERVICES 8

struct up {
    struct fleet fleet;
    struct rig_options rig_options;
    unsigned threads;
    struct app common;         /* what all are like */
    struct app app[FLEET_MAX]; /* one a host */
    struct control *control;
    struct history *seen;
    const char *control_at, *web_at;
    struct why_source source;
    struct why_serve *web;
    bool ladder;
    unsigned n_service;
    struct {
        const struct service *is;
        uint16_t port;
    } service[SERVICES];
};

/** add_service() - one more listener */
static void add_service(struct args *a, struct up *u, const struct service *s, const char *port)
{
    uint64_t n;
    if (!parse_number(port, 1, 65535, &n))
        usage_fail(a, "--%s: '%s' is no port", s->name, port);
    if (u->n_service == SERVICES)
        usage_fail(a, "%u services at the most", SERVICES);
    u->service[u->n_service].port = (uint16_t)n;
    u->service[u->n_service++].is = s;
}

/** add_http() - "DIR" or "DIR:PORT" */
static void add_http(struct args *a, struct up *u, const char *value)
{
    char dir[512];
    uint64_t port;
    if (u->common.root >= 0)
        usage_fail(a, "one --http, not two");
    snprintf(dir, sizeof dir, "%s", value);
    char *colon = strrchr(dir, ':');
    bool with_port = colon && parse_number(colon + 1, 1, 65535, &port);
    if (with_port)
        *colon = 0;
    u->common.root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (u->common.root < 0)
        usage_fail(a, "--http %s: %s", dir, strerror(errno));
    add_service(a, u, &service_http, with_port ? colon + 1 : "80");
}

/** take_threads() - a number, "0": as many as there are processors for us */
static void take_threads(struct args *a, struct up *u, const char *value)
{
    uint64_t n;
    cpu_set_t set;
    if (!parse_number(value, 0, FLEET_MAX, &n))
        usage_fail(a, "--threads is a number up to %u, not '%s'", FLEET_MAX, value);
    if (n == 0 && sched_getaffinity(0, sizeof set, &set) == 0)
        n = (uint64_t)CPU_COUNT(&set);
    u->threads = n > FLEET_MAX ? FLEET_MAX : n ? (unsigned)n : 1;
}

/** take() - one option */
static void take(struct args *a, int id, const char *value, struct up *u)
{
    switch (id) {
    case OPT_HTTP: add_http(a, u, value); break;
    case OPT_PUT: u->common.put = true; break;
    case OPT_ECHO: add_service(a, u, &service_echo, value); break;
    case OPT_SINK: add_service(a, u, &service_sink, value); break;
    case OPT_SOURCE: add_service(a, u, &service_source, value); break;
    case OPT_CONTROL: u->control_at = value; break;
    case OPT_LADDER: u->ladder = true; break;
    case OPT_WEB: u->web_at = value; break;
    case OPT_THREADS: take_threads(a, u, value); break;
    case ARGS_WORD: usage_fail(a, "one word too many: '%s'", value);
    default: rig_take(a, id, value, &u->rig_options); break;
    }
}

/** serve() - the listeners of host @i; false: said why not */
static bool serve(struct up *u, unsigned i)
{
    struct rig *r = &u->fleet.m[i].rig;
    struct app *app = &u->app[i];
    *app = u->common;
    app->host = r->host;
    app->uploads = (uint64_t)i << 32;
    if (u->seen)
        history_attach(u->seen, r->host);
    for (unsigned k = 0; k < u->n_service; k++)
        if (!app_listen(app, u->service[k].port, u->service[k].is))
            return false;
    if (gn_loop_service(r->loop, r->host, app_serve, app) == GN_OK)
        return true;
    complain("out of memory");
    return false;
}

/** start() - listeners and the control socket; false: said why not */
static bool start(struct up *u, const char *control_at)
{
    u->common.log = u->rig_options.verbose ? stderr : NULL;
    if (u->ladder && !(u->seen = history_new())) {
        complain("out of memory");
        return false;
    }
    for (unsigned i = 0; i < u->fleet.n; i++)
        if (!serve(u, i))
            return false;
    u->control = control_open(control_at, &u->fleet, u->seen);
    if (!u->control || !u->web_at)
        return u->control != NULL;
    why_source_own(&u->fleet, u->seen, &u->source);
    u->web = why_serve_open(u->fleet.m[0].rig.loop, &u->source, &(struct why_options){0}, u->web_at,
                            true);
    return u->web != NULL;
}

/** announce() - one line that says where it is: scripts wait for it */
static void announce(const struct up *u, const char *control_at)
{
    char text[GN_ADDR_TEXT];
    printf("gannet: up on %s:", u->fleet.m[0].rig.device);
    for (unsigned i = 0; i < u->rig_options.n_addr; i++)
        printf(" %s", gn_addr_format(&u->rig_options.addr[i].addr, text));
    printf("; control %s; pid %ld", control_at, (long)getpid());
    printf(u->web ? "; %s\n" : "\n", u->web ? why_serve_url(u->web) : "");
    fflush(stdout);
}

/** check_threads() - several hosts need what can be shared out among them */
static void check_threads(struct args *a, const struct rig_options *o)
{
    if (o->link != RIG_LINK_TUN)
        usage_fail(a, "--threads needs a TUN device: elsewhere, what is learnt of neighbours would "
                      "come to one host alone");
    if (o->pcap && !strcmp(o->pcap, "-"))
        usage_fail(a, "--threads: each writes a capture of its own, '-' is but one");
}

/** run() - the sub-command */
static int run(struct args *a)
{
    static struct up u;
    char path[300];
    const char *value;
    int id, code = EXIT_FAILED;
    u.common.root = -1;
    u.threads = 1;
    rig_defaults(&u.rig_options);
    while ((id = args_next(a, &value)))
        take(a, id, value, &u);
    if (u.common.put && u.common.root < 0)
        usage_fail(a, "--put needs --http");
    const char *device = u.rig_options.device ? u.rig_options.device : "gannet0";
    /* before any namespace is entered: there, this user is called differently */
    if (!u.control_at && !control_path(device, path, sizeof path))
        return EXIT_FAILED;
    const char *control_at = u.control_at ? u.control_at : path;
    rig_check(a, &u.rig_options);
    if (u.threads > 1)
        check_threads(a, &u.rig_options);
    if (!fleet_open(&u.rig_options, u.threads, &u.fleet))
        return EXIT_FAILED;
    rig_stop_on_signals(&u.fleet.m[0].rig);
    if (start(&u, control_at)) {
        announce(&u, control_at);
        const char *why = fleet_run(&u.fleet);
        code = !why || rig_interrupted() ? EXIT_FINE : complain("%s", why);
    }
    why_serve_close(u.web);
    if (u.source.close)
        u.source.close(u.source.ctx);
    control_close(u.control);
    for (unsigned i = 0; i < u.fleet.n; i++)
        app_clear(&u.app[i]);
    fleet_close(&u.fleet);
    history_free(u.seen);
    return code;
}

const struct command command_up = {
    .name = "up",
    .synopsis = "[OPTION...]",
    .summary = "Run a TCP/IP host on a device, with services, until interrupted.",
    .details = RIG_DEFAULTS
    "\n\n"
    "'gannet ss', 'gannet stats', 'gannet why --up', 'gannet ladder' and 'gannet ctl' talk to it "
    "meanwhile.\n"
    "Exit status: 0 when interrupted; 1 with one line that says why; 2 for bad arguments.",
    .options = options,
    .run = run,
};
