/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file knobs_cmd.c  `gannet knobs`: all that can be set, as a table, JSON or Markdown.
 */
#include "cli/buf.h"
#include "cli/cli.h"

#include <gannet/conf.h>

#include <inttypes.h>
#include <string.h>

enum { OPT_JSON = 1, OPT_MARKDOWN };

static const struct option_spec options[] = {
    {OPT_JSON, 0, "json", NULL, "as JSON"},
    {OPT_MARKDOWN, 0, "markdown", NULL, "as the table of docs/knobs.md"},
    {0, 0, NULL, NULL, NULL},
};

/** value_text() - as it would be typed: "64k", "200ms", "on" */
static void value_text(const struct gn_knob *k, uint64_t v, char *dst, size_t cap)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } times[] = {{3600 * GN_SEC, "h"}, {GN_SEC, "s"}, {GN_MSEC, "ms"}, {GN_USEC, "us"}, {1, "ns"}},
      sizes[] = {{UINT64_C(1) << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}, {1, ""}};
    size_t i = 0;
    if (k->unit == GN_UNIT_PORTS) {
        snprintf(dst, cap, "%s", v ? "ports" : "none");
    } else if (k->unit == GN_UNIT_BOOL) {
        snprintf(dst, cap, "%s", v ? "on" : "off");
    } else if (k->unit == GN_UNIT_TIME && v) {
        while (v % times[i].unit)
            i++;
        snprintf(dst, cap, "%" PRIu64 "%s", v / times[i].unit, times[i].name);
    } else if (k->unit == GN_UNIT_BYTES && v) {
        while (v % sizes[i].unit)
            i++;
        snprintf(dst, cap, "%" PRIu64 "%s", v / sizes[i].unit, sizes[i].name);
    } else {
        snprintf(dst, cap, "%" PRIu64, v);
    }
}

/** knob_json() - one row */
static void knob_json(const struct gn_knob *k, struct json *j)
{
    static const char *const units[] = {"bool", "count", "bytes", "nanoseconds", "ports"};
    json_open(j, NULL, '{');
    json_str(j, "name", k->name);
    json_str(j, "unit", units[k->unit]);
    json_u64(j, "default", k->def);
    json_u64(j, "min", k->min);
    json_u64(j, "max", k->max);
    json_str(j, "rfc", k->rfc);
    json_str(j, "doc", k->doc);
    json_close(j, '}');
}

/** knob_row() - one row of the table or of Markdown's */
static void knob_row(const struct gn_knob *k, bool markdown, struct buf *b)
{
    char def[32], min[32], max[32], bounds[72];
    value_text(k, k->def, def, sizeof def);
    value_text(k, k->min, min, sizeof min);
    value_text(k, k->max, max, sizeof max);
    snprintf(bounds, sizeof bounds, "%s .. %s", min, max);
    if (k->unit == GN_UNIT_BOOL)
        snprintf(bounds, sizeof bounds, "off, on");
    if (k->unit == GN_UNIT_PORTS)
        snprintf(bounds, sizeof bounds, "two ranges");
    if (markdown)
        buf_printf(b, "| `%s` | %s | %s | %s | %s |\n", k->name, def, bounds, k->rfc, k->doc);
    else
        buf_printf(b, "%-26s %-8s %-20s %s%s%s%s\n", k->name, def, bounds, k->doc,
                   *k->rfc ? " (" : "", k->rfc, *k->rfc ? ")" : "");
}

/** what follows the table in docs/knobs.md */
static const char others[] =
    "\nLinux has some of these under other names, which can be set, too: `tcp_rmem` and "
    "`tcp_wmem`\n"
    "(\"min default max\"; the least send buffer has no knob here), `ip_local_port_range` (\"min "
    "max\"),\n"
    "`tcp_rto_min_us`, `tcp_rto_max_ms`.\n\n"
    "Of Linux's knobs for TCP these are not here:\n\n"
    "| knob | why |\n|---|---|\n"
    "| `tcp_syn_linear_timeouts` | RFC 6298 5.5: each timeout doubles the next one |\n"
    "| `tcp_max_reordering` | RACK (RFC 8985) waits by time; `tcp_reordering` does not grow |\n"
    "| `tcp_fastopen_key` | of a listener: `TCP_FASTOPEN_KEY`; of a host: "
    "`gn_host_set_fastopen_key()` |\n"
    "| `tcp_limit_output_bytes` | output is pulled: there is no queue below |\n"
    "| `tcp_no_metrics_save` | nothing is kept of a path but its MTU and Fast Open's cookies |\n"
    "| `tcp_shrink_window` | a window never shrinks (RFC 9293 3.8.6) |\n"
    "| `tcp_autocorking`, `tcp_comp_sack_*`, `tcp_thin_linear_timeouts`, `tcp_plb_*`, "
    "`tcp_app_win`, `tcp_adv_win_scale` | heuristics of Linux's own |\n"
    "| `tcp_fack`, `tcp_low_latency` | without effect in Linux, too |\n";

/** run() - the sub-command */
static int run(struct args *a)
{
    bool json = false, markdown = false;
    const char *value, *wanted = NULL;
    int id;
    while ((id = args_next(a, &value))) {
        if (id == OPT_JSON)
            json = true;
        else if (id == OPT_MARKDOWN)
            markdown = true;
        else if (wanted)
            usage_fail(a, "one word too many: '%s'", value);
        else
            wanted = value;
    }
    size_t n, shown = 0;
    const struct gn_knob *k = gn_knobs(&n);
    struct buf b = {0};
    struct json j = {.b = &b};
    if (json)
        json_open(&j, NULL, '[');
    else if (markdown)
        buf_str(&b, "# Knobs\n\nSet with `--set name=value` on `gannet up`, `nc` and `demo`, or "
                    "with `gannet ctl set\n"
                    "name=value` on a running host. This file is the output of `gannet knobs "
                    "--markdown`.\n\n"
                    "| knob | default | bounds | RFC | |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        if (wanted && !strstr(k[i].name, wanted))
            continue;
        shown++;
        if (json)
            knob_json(&k[i], &j);
        else
            knob_row(&k[i], markdown, &b);
    }
    if (markdown && !wanted)
        buf_str(&b, others);
    if (json) {
        json_close(&j, ']');
        buf_str(&b, "\n");
    }
    buf_print(&b, stdout);
    buf_free(&b);
    return shown ? EXIT_FINE : complain("no knob has '%s' in its name", wanted);
}

const struct command command_knobs = {
    .name = "knobs",
    .synopsis = "[WORD] [OPTION...]",
    .summary =
        "List every knob, its default and its bounds; with WORD those that have it in their names.",
    .options = options,
    .run = run,
};
