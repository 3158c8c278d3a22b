/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file up_cmd.c  `gannet up`: a host on a TUN or TAP device, with services and a control socket.
 */
#include "cli/control.h"
#include "cli/services.h"
#include "cli/why_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { OPT_HTTP = 1, OPT_PUT, OPT_ECHO, OPT_SINK, OPT_SOURCE, OPT_CONTROL, OPT_LADDER, OPT_WEB };

static const struct option_spec options[] = {
    RIG_OPTION_ROWS,
    {OPT_HTTP, 0, "http", "DIR[:PORT]", "serve the files of DIR (port 80)"},
    {OPT_PUT, 0, "put", NULL, "let HTTP clients upload into DIR"},
    {OPT_ECHO, 0, "echo", "PORT", "give back what comes"},
    {OPT_SINK, 0, "sink", "PORT", "throw away what comes"},
    {OPT_SOURCE, 0, "source", "PORT", "send without end"},
    {OPT_LADDER, 0, "ladder", NULL, "record segments for 'gannet ladder'"},
    {OPT_WEB, 0, "web", "WHERE", "serve a page on the kernel's TCP, at PORT or ADDR:PORT"},
    {OPT_CONTROL, 0, "control", "PATH", "control socket, for 'gannet ss' and others"},
    {0, 0, NULL, NULL, NULL},
};

#define SERVICES 8

struct up {
    struct rig rig;
    struct rig_options rig_options;
    struct app app;
    struct control *control;
    struct history *seen;
    const char *control_at, *web_at;
    struct why_source source;
    struct why_serve *web;
    bool ladder;
    unsigned n_service;
    struct {
        const char *name;
        uint16_t port;
        void (*accepted)(struct app *, gn_handle, gn_time);
    } service[SERVICES];
};

/** add_service() - one more listener */
static void add_service(struct args *a, struct up *u, const char *name, const char *port,
                        void (*accepted)(struct app *, gn_handle, gn_time))
{
    uint64_t n;
    if (!parse_number(port, 1, 65535, &n))
        usage_fail(a, "--%s: '%s' is no port", name, port);
    if (u->n_service == SERVICES)
        usage_fail(a, "%u services at the most", SERVICES);
    u->service[u->n_service].name = name;
    u->service[u->n_service].port = (uint16_t)n;
    u->service[u->n_service++].accepted = accepted;
}

/** add_http() - "DIR" or "DIR:PORT" */
static void add_http(struct args *a, struct up *u, const char *value)
{
    char dir[512];
    uint64_t port;
    if (u->app.root >= 0)
        usage_fail(a, "one --http, not two");
    snprintf(dir, sizeof dir, "%s", value);
    char *colon = strrchr(dir, ':');
    bool with_port = colon && parse_number(colon + 1, 1, 65535, &port);
    if (with_port)
        *colon = 0;
    u->app.root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (u->app.root < 0)
        usage_fail(a, "--http %s: %s", dir, strerror(errno));
    add_service(a, u, "http", with_port ? colon + 1 : "80", http_accepted);
}

/** take() - one option */
static void take(struct args *a, int id, const char *value, struct up *u)
{
    switch (id) {
    case OPT_HTTP: add_http(a, u, value); break;
    case OPT_PUT: u->app.put = true; break;
    case OPT_ECHO: add_service(a, u, "echo", value, echo_accepted); break;
    case OPT_SINK: add_service(a, u, "sink", value, sink_accepted); break;
    case OPT_SOURCE: add_service(a, u, "source", value, source_accepted); break;
    case OPT_CONTROL: u->control_at = value; break;
    case OPT_LADDER: u->ladder = true; break;
    case OPT_WEB: u->web_at = value; break;
    case ARGS_WORD: usage_fail(a, "one word too many: '%s'", value);
    default: rig_take(a, id, value, &u->rig_options); break;
    }
}

/** start() - listeners and the control socket; false: said why not */
static bool start(struct up *u, const char *control_at)
{
    u->app.host = u->rig.host;
    u->app.log = u->rig_options.verbose ? stderr : NULL;
    if (u->ladder && !(u->seen = history_new(u->rig.host))) {
        complain("out of memory");
        return false;
    }
    for (unsigned i = 0; i < u->n_service; i++)
        if (!app_listen(&u->app, u->service[i].port, u->service[i].name, u->service[i].accepted))
            return false;
    if (gn_loop_service(u->rig.loop, u->rig.host, app_serve, &u->app) != GN_OK) {
        complain("out of memory");
        return false;
    }
    u->control = control_open(control_at, u->rig.loop, u->rig.host, u->seen);
    if (!u->control || !u->web_at)
        return u->control != NULL;
    why_source_own(u->rig.host, u->seen, &u->source);
    u->web = why_serve_open(u->rig.loop, &u->source, &(struct why_options){0}, u->web_at, true);
    return u->web != NULL;
}

/** announce() - one line that says where it is: scripts wait for it */
static void announce(const struct up *u, const char *control_at)
{
    char text[GN_ADDR_TEXT];
    printf("gannet: up on %s:", u->rig.device);
    for (unsigned i = 0; i < u->rig_options.n_addr; i++)
        printf(" %s", gn_addr_format(&u->rig_options.addr[i].addr, text));
    printf("; control %s; pid %ld", control_at, (long)getpid());
    printf(u->web ? "; %s\n" : "\n", u->web ? why_serve_url(u->web) : "");
    fflush(stdout);
}

/** run() - the sub-command */
static int run(struct args *a)
{
    static struct up u;
    char path[300];
    const char *value;
    int id, code = EXIT_FAILED;
    u.app.root = -1;
    rig_defaults(&u.rig_options);
    while ((id = args_next(a, &value)))
        take(a, id, value, &u);
    if (u.app.put && u.app.root < 0)
        usage_fail(a, "--put needs --http");
    const char *device = u.rig_options.device ? u.rig_options.device : "gannet0";
    /* before any namespace is entered: there, this user is called differently */
    if (!u.control_at && !control_path(device, path, sizeof path))
        return EXIT_FAILED;
    const char *control_at = u.control_at ? u.control_at : path;
    rig_check(a, &u.rig_options);
    if (!rig_open(&u.rig_options, &u.rig))
        return EXIT_FAILED;
    rig_stop_on_signals(&u.rig);
    if (start(&u, control_at)) {
        announce(&u, control_at);
        code = gn_loop_run(u.rig.loop) || rig_interrupted()
                   ? EXIT_FINE
                   : complain("%s", gn_loop_failure(u.rig.loop));
    }
    why_serve_close(u.web);
    if (u.source.close)
        u.source.close(u.source.ctx);
    control_close(u.control);
    app_clear(&u.app);
    rig_close(&u.rig);
    history_free(u.seen);
    return code;
}

const struct command command_up = {
    .name = "up",
    .synopsis = "[OPTION...]",
    .summary = "Run a TCP/IP host on a TUN or TAP device, with services, until interrupted.",
    .details = RIG_DEFAULTS
    "\n\n"
    "'gannet ss', 'gannet stats', 'gannet why --up', 'gannet ladder' and 'gannet ctl' talk to it "
    "meanwhile.\n"
    "Exit status: 0 when interrupted; 1 with one line that says why; 2 for bad arguments.",
    .options = options,
    .run = run,
};
