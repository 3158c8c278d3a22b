/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lossy.c  Gannet and the kernel's TCP through one and the same bad path, on real time; and
 * both over a TUN device without any.
 *
 * Three columns. "gannet": Gannet sends to the kernel. "to-gannet": the kernel sends to Gannet.
 * "kernel": the kernel sends to itself. The path is our own middleware over a TUN device, for the
 * kernel alone between two of them in two namespaces (without impairments: a veth pair). The
 * receiver counts. In one run the same packets are lost to all, by their number.
 */
#include "ends.h"
#include "workload.h"

#include <gannet/loop.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_ADDR "10.9.0.1"
#define OTHER_ADDR  "10.9.0.2" /* of Gannet, or of the kernel's other end */
#define PORT        5001
#define BURST       64
#define PATIENCE_NS UINT64_C(15000000000) /* for the handshake and the end, beyond the transfer */
#define CHUNK       (256 * 1024)

static const char *const algorithm[] = {"reno", "cubic", "bbr"};

struct path {
    const struct options *o;
    struct result *r;
    bool impaired;
    struct gn_pipe_config pipe; /* each way */
};

/** fail() - the run has no figures, and why */
static void fail(struct path *p, const char *what, const char *detail)
{
    snprintf(p->r->why, sizeof(p->r->why), "%s: %s", what, detail);
}

/** transfer_ns() - how long to transfer */
static uint64_t transfer_ns(const struct path *p)
{
    return p->o->seconds * 1000000000;
}

/** tun_open() - a device with @addr at the kernel's end in the present namespace; NULL: noted why
 */
static struct gn_link *tun_open(struct path *p, const char *addr)
{
    struct gn_tun_config c = {.n_kernel_addr = 1, .kernel_addr[0].len = 24};
    struct gn_link_error e;
    struct gn_link *l;

    gn_addr_parse(addr, &c.kernel_addr[0].addr);
    l = gn_link_tun(&c, &e);
    if (!l)
        fail(p, "no TUN device", e.text);
    return l;
}

/** impair() - @l with the bad path in front of it; @l itself if the path is a good one */
static struct gn_link *impair(struct path *p, struct gn_link *l)
{
    struct gn_link *bad;

    if (!l || !p->impaired)
        return l;
    bad = gn_link_fault(l, &p->pipe, &p->pipe, p->o->seed);
    if (!bad) {
        fail(p, "the path", "no memory");
        gn_link_close(l);
    }
    return bad;
}

/* --- Gannet at one end --- */

struct gannet_end {
    struct gn_loop *loop;
    struct gn_host *host;
    gn_handle listener, conn;
    uint64_t octets, start, last;
    bool loan;
    uint8_t chunk[CHUNK];
};

/** page_alloc(), page_free() - gn_page_source */
static void *page_alloc(void *ctx, size_t bytes)
{
    (void)ctx;
    return aligned_alloc(4096, bytes);
}

static void page_free(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(block);
}

/** look() - the receiving application looks at what there is where it lies; octets */
static int64_t look(struct gannet_end *e, struct gn_host *h, gn_time now)
{
    struct gn_span s[2];
    int64_t len = 0;
    int n = gn_host_recv_data(h, e->conn, s);

    for (int i = 0; i < n; i++)
        len += s[i].len;
    if (len)
        gn_host_recv_done(h, e->conn, (size_t)len, now);
    return len;
}

/** serve() - gn_service_fn: send what goes, or read what is there */
static size_t serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct gannet_end *e = ctx;
    struct gn_event ev;
    int64_t n = 0;

    while (gn_host_events(h, &ev, 1) == 1)
        if (ev.handle == e->listener && e->conn == GN_NO_HANDLE &&
            gn_host_accept(h, e->listener, &e->conn) == GN_OK)
            e->start = now;
    if (e->conn == GN_NO_HANDLE)
        return 0;
    if (e->listener == GN_NO_HANDLE) {
        n = gn_host_send(h, e->conn, e->chunk, CHUNK, 0, now);
        return 0; /* GN_EV_WRITABLE asks again */
    }
    n = e->loan ? look(e, h, now) : gn_host_recv(h, e->conn, e->chunk, CHUNK, 0, now);
    if (n <= 0)
        return 0;
    e->octets += (uint64_t)n;
    e->last = now;
    return n == CHUNK;
}

/** gannet_open() - a host on @link with the congestion control wanted; false: noted why */
static bool gannet_open(struct path *p, struct gannet_end *e, struct gn_link *link)
{
    struct gn_host_config c = {.pages = {page_alloc, page_free, NULL}};
    struct gn_addr a;

    gn_conf_default(&c.conf);
    c.conf.tcp_congestion_control = p->o->cc;
    memset(c.secret, 0x3c, sizeof(c.secret));
    gn_addr_parse(OTHER_ADDR, &a);
    e->loan = p->o->loan;
    e->loop = gn_loop_new(NULL, NULL);
    e->host = gn_host_new(&c, gn_loop_now(), NULL);
    if (e->loop && e->host && gn_loop_add(e->loop, e->host, link) == 0 &&
        gn_host_add_addr(e->host, 0, a, 24) == GN_OK &&
        gn_loop_service(e->loop, e->host, serve, e) == GN_OK)
        return true;
    fail(p, "Gannet", "cannot start");
    return false;
}

/** gannet_begin() - OPEN, passive or active; false: noted why */
static bool gannet_begin(struct path *p, struct gannet_end *e, bool sends)
{
    struct gn_endpoint at = {.port = PORT};
    enum gn_err err;

    gn_addr_parse(sends ? KERNEL_ADDR : OTHER_ADDR, &at.addr);
    if (sends)
        err = gn_host_connect(e->host, (struct gn_endpoint){.port = 0}, at, NULL, gn_loop_now(),
                              &e->conn);
    else
        err = gn_host_listen(e->host, at, 1, NULL, &e->listener);
    if (err != GN_OK)
        fail(p, "Gannet", gn_err_text(err));
    return err == GN_OK;
}

/** gannet_figures() - what the transfer has shown */
static void gannet_figures(struct path *p, struct gannet_end *e, bool sends, double cpu,
                           const struct end_report *kernel)
{
    uint64_t octets = sends ? kernel->octets : e->octets;
    uint64_t took = sends ? kernel->took_ns : e->last - e->start;
    double gigabytes = (double)octets / 1e9;
    struct gn_status s;

    if (!octets || !took) {
        fail(p, "nothing arrived", kernel->why);
        return;
    }
    figure_add(p->r, "goodput", "Mbit/s", (double)octets * 8e3 / (double)took);
    figure_add(p->r, "CPU of Gannet", "s/GB", cpu / gigabytes);
    figure_add(p->r, "CPU of the kernel's end", "s/GB", kernel->cpu_s / gigabytes);
    if (sends && gn_host_status(e->host, e->conn, gn_loop_now(), &s) == GN_OK)
        figure_add(p->r, "sent again", "segments", s.retransmits);
}

/** with_gannet() - one transfer between Gannet and the kernel */
static void with_gannet(struct path *p, bool sends)
{
    struct end_task t = {!sends, sends ? KERNEL_ADDR : OTHER_ADDR, PORT, algorithm[p->o->cc],
                         transfer_ns(p)};
    struct gannet_end *e = calloc(1, sizeof(*e));
    struct gn_link *link = impair(p, tun_open(p, KERNEL_ADDR));
    struct end_report report;
    uint64_t until;
    struct end end;
    double cpu;

    if (!link || !e || !gannet_open(p, e, link))
        return;
    if (!end_start(&end, &t)) {
        fail(p, "the kernel's end", strerror(errno));
        return;
    }
    if (!gannet_begin(p, e, sends))
        return;
    end_go(&end);
    cpu = world_cpu();
    until = end_clock() + transfer_ns(p) + PATIENCE_NS;
    while (!end_done(&end) && end_clock() < until)
        if (!gn_loop_step(e->loop, 20 * GN_MSEC)) {
            fail(p, "Gannet", gn_loop_failure(e->loop));
            break;
        }
    cpu = world_cpu() - cpu;
    end_finish(&end, 0, &report);
    if (!p->r->why[0])
        gannet_figures(p, e, sends, cpu, &report);
}

/* --- the kernel at both ends --- */

/** pass() - what has come from @from goes to @to; false: a device has died */
static bool pass(struct gn_link *from, struct gn_link *to)
{
    struct gn_frame f[BURST];
    int n;

    do {
        n = gn_link_rx(from, f, BURST, end_clock());
        if (n > 0 && gn_link_tx(to, f, (size_t)n, end_clock()) < 0)
            return false;
    } while (n == BURST);
    return n >= 0;
}

/** forward() - the router between the two kernels, until @end answers */
static void forward(struct path *p, struct gn_link *near, struct gn_link *far,
                    const struct end *end)
{
    uint64_t until = end_clock() + transfer_ns(p) + PATIENCE_NS;
    struct pollfd fd[] = {{near->fd, POLLIN, 0}, {far->fd, POLLIN, 0}, {end->answer, POLLIN, 0}};

    while (!fd[2].revents && end_clock() < until) {
        struct gn_deadline d = gn_link_deadline(far);
        uint64_t now = end_clock(), wait = 20000000;
        struct timespec t = {0};

        if (d.armed)
            wait = d.at > now ? d.at - now : 0;
        t.tv_nsec = (long)(wait < 20000000 ? wait : 20000000);
        if (ppoll(fd, 3, &t, NULL) < 0 || !pass(near, far) || !pass(far, near)) {
            fail(p, "the router", strerror(errno));
            return;
        }
    }
}

/** run_ip() - iproute2 with @arguments; false: it failed */
static bool run_ip(const char *arguments)
{
    char command[200];

    snprintf(command, sizeof(command), "ip %s >/dev/null 2>&1", arguments);
    return system(command) == 0;
}

/** cable() - a veth pair from the present namespace to that of @pid; its far end has no address */
static bool cable(struct path *p, pid_t pid)
{
    char text[100];

    snprintf(text, sizeof(text), "link add gnb1 type veth peer name gnb0 netns %d", (int)pid);
    if (run_ip(text) && run_ip("addr add " OTHER_ADDR "/24 dev gnb1") && run_ip("link set gnb1 up"))
        return true;
    fail(p, "no veth pair", "ip link add failed");
    return false;
}

/** holder() - a process that keeps the present namespace and gives gnb0 its address when told */
static pid_t holder(int *ret_tell)
{
    int tell[2];
    pid_t pid;
    char c;

    if (pipe(tell) || (pid = fork()) < 0)
        return -1;
    if (pid == 0) {
        close(tell[1]);
        if (read(tell[0], &c, 1) == 1)
            _exit(run_ip("addr add " KERNEL_ADDR "/24 dev gnb0") && run_ip("link set gnb0 up") ? 0
                                                                                               : 1);
        _exit(1);
    }
    close(tell[0]);
    *ret_tell = tell[1];
    return pid;
}

/** join_namespaces() - from the first namespace to a second one, and a path between them. *near and
 * *far: the devices to forward between, NULL with a cable. False: noted why */
static bool join_namespaces(struct path *p, struct gn_link **near, struct gn_link **far)
{
    int tell = -1, status = 0;
    pid_t pid = -1;

    *near = *far = NULL;
    if (p->impaired && !(*near = tun_open(p, KERNEL_ADDR)))
        return false;
    if (!p->impaired && (pid = holder(&tell)) < 0) {
        fail(p, "fork", strerror(errno));
        return false;
    }
    if (unshare(CLONE_NEWNET)) {
        fail(p, "no second network namespace", strerror(errno));
        return false;
    }
    if (p->impaired)
        return (*far = impair(p, tun_open(p, OTHER_ADDR))) != NULL;
    if (!cable(p, pid) || write(tell, "g", 1) != 1 || waitpid(pid, &status, 0) != pid || status) {
        fail(p, "no veth pair", "its first end cannot be set up");
        return false;
    }
    return true;
}

/** kernel_alone() - one transfer from kernel to kernel */
static void kernel_alone(struct path *p)
{
    const char *cc = algorithm[p->o->cc];
    struct end_task from = {true, OTHER_ADDR, PORT, cc, transfer_ns(p) + GN_SEC};
    struct end_task to = {false, OTHER_ADDR, PORT, cc, transfer_ns(p)};
    struct end_report sent, got;
    struct gn_link *near, *far;
    struct end sender, receiver;

    /* the sender stays behind in the first namespace */
    if (!end_start(&sender, &from)) {
        fail(p, "the kernel's end", strerror(errno));
        return;
    }
    if (!join_namespaces(p, &near, &far))
        return;
    if (!end_start(&receiver, &to)) {
        fail(p, "the kernel's end", strerror(errno));
        return;
    }
    end_go(&sender);
    if (near)
        forward(p, near, far, &receiver);
    end_finish(&receiver, (int)((transfer_ns(p) + PATIENCE_NS) / GN_MSEC), &got);
    end_finish(&sender, 3000, &sent);
    if (!p->r->why[0] && !got.took_ns)
        fail(p, "nothing arrived", got.why[0] ? got.why : sent.why);
    if (p->r->why[0])
        return;
    figure_add(p->r, "goodput", "Mbit/s", (double)got.octets * 8e3 / (double)got.took_ns);
    figure_add(p->r, "CPU of the receiver", "s/GB", got.cpu_s * 1e9 / (double)got.octets);
    figure_add(p->r, "CPU of the sender", "s/GB", sent.cpu_s * 1e9 / (double)got.octets);
}

/** path_run() - in a namespace that goes with this process */
static void path_run(struct path *p, const char *stack)
{
    struct gn_netns_report ns;

    if (gn_netns_enter(&ns) || !ns.tun)
        fail(p, "no TUN device", ns.text);
    else if (!strcmp(stack, "kernel"))
        kernel_alone(p);
    else if (!strcmp(stack, "gannet") || !strcmp(stack, "to-gannet"))
        with_gannet(p, !strcmp(stack, "gannet"));
    else
        fail(p, stack, "has no device here");
}

void lossy_run(const char *stack, const struct options *o, struct result *r)
{
    uint64_t bits = o->mbit * 1000000, queue = bits / 8 * o->rtt_ms / 1000;
    struct path p = {.o = o, .r = r, .impaired = true};

    p.pipe = (struct gn_pipe_config){
        .latency = o->rtt_ms * GN_MSEC / 2,
        .rate = bits,
        .queue_bytes = (uint32_t)(queue > 64 * 1514 ? queue : 64 * 1514),
        .loss_ppm = (uint32_t)o->loss_ppm,
        .reorder_ppm = (uint32_t)o->reorder_ppm,
        .reorder_delay = o->rtt_ms * GN_MSEC / 8,
    };
    path_run(&p, stack);
}

void tun_run(const char *stack, const struct options *o, struct result *r)
{
    struct path p = {.o = o, .r = r};

    path_run(&p, stack);
}
