// SPDX-License-Identifier: BSD-2-Clause
// The page of `gannet why --web`: asks for a sample every two seconds and draws it.
"use strict";

// RFC 9293 figure 5: where each state stands (centre), and which transitions there are.
const PLACE = {
    "CLOSED": [380, 34], "LISTEN": [190, 124], "SYN-SENT": [570, 124], "SYN-RECEIVED": [190, 226],
    "ESTABLISHED": [380, 310], "FIN-WAIT-1": [190, 400], "CLOSE-WAIT": [580, 400],
    "FIN-WAIT-2": [100, 500], "CLOSING": [300, 500], "LAST-ACK": [580, 500], "TIME-WAIT": [190, 600],
    "end": [580, 600],
};
const ARROWS = [
    ["CLOSED", "LISTEN", "passive OPEN"], ["CLOSED", "SYN-SENT", "active OPEN, SYN"],
    ["LISTEN", "SYN-RECEIVED", "SYN came, SYN,ACK"], ["LISTEN", "SYN-SENT", "SEND, SYN"],
    ["SYN-SENT", "SYN-RECEIVED", "SYN came, SYN,ACK (both opened)"],
    ["SYN-SENT", "ESTABLISHED", "SYN,ACK came, ACK"], ["SYN-RECEIVED", "ESTABLISHED", "ACK came"],
    ["SYN-RECEIVED", "FIN-WAIT-1", "CLOSE, FIN"], ["ESTABLISHED", "FIN-WAIT-1", "CLOSE, FIN"],
    ["ESTABLISHED", "CLOSE-WAIT", "FIN came, ACK"], ["FIN-WAIT-1", "FIN-WAIT-2", "ACK of FIN came"],
    ["FIN-WAIT-1", "CLOSING", "FIN came, ACK"],
    ["FIN-WAIT-1", "TIME-WAIT", "FIN and ACK of FIN came, ACK"],
    ["FIN-WAIT-2", "TIME-WAIT", "FIN came, ACK"], ["CLOSING", "TIME-WAIT", "ACK of FIN came"],
    ["CLOSE-WAIT", "LAST-ACK", "CLOSE, FIN"], ["LAST-ACK", "end", "ACK of FIN came"],
    ["TIME-WAIT", "end", "2 MSL over"],
];
const WIDE = 132, HIGH = 46, RANK = ["note", "warning", "critical"];
const ACTOR = { process: "this process", peer: "its peer", network: "the network",
    operator: "the operator" };
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
let latest = null; // sample
let chosen = null; // what the lower part shows: {state}, {finding} or {id}

/** An element with attributes and children; text is text, never markup. */
function make(tag, attributes, ...children) {
    const e = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4))
        : document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {}))
        if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
        else e.setAttribute(k, v);
    e.append(...children.filter((c) => c !== null && c !== undefined));
    return e;
}

/** The point where the line from the centre of @a towards @b leaves the box of @a. */
function border(a, b) {
    const dx = b[0] - a[0], dy = b[1] - a[1];
    const t = Math.min(WIDE / 2 / Math.abs(dx || 1e-9), HIGH / 2 / Math.abs(dy || 1e-9));
    return [a[0] + dx * t, a[1] + dy * t];
}

/** One arrow of the diagram; its label is filled by paint(). */
function arrow([from, to, why]) {
    const p = border(PLACE[from], PLACE[to]), q = border(PLACE[to], PLACE[from]);
    const name = `${from} ${to === "end" ? "CLOSED" : to}`;
    return make("svg:g", { class: "edge", "data-edge": name },
        make("svg:title", {}, `${name.replace(" ", " to ")}: ${why}`),
        make("svg:path", { d: `M${p}L${q}`, "marker-end": "url(#arrow)" }),
        make("svg:text", { x: (p[0] + q[0]) / 2 + 6, y: (p[1] + q[1]) / 2 + 4 }));
}

/** One state of the diagram. */
function node(name) {
    const [x, y] = PLACE[name], label = name === "end" ? "CLOSED" : name;
    const show = () => name !== "end" && choose({ state: label });
    return make("svg:g", { class: "node none", "data-state": name, tabindex: 0, role: "button",
        "aria-label": label, onclick: show,
        onkeydown: (e) => e.key === "Enter" && show() },
        make("svg:rect", { x: x - WIDE / 2, y: y - HIGH / 2, width: WIDE, height: HIGH, rx: 8 }),
        make("svg:text", { class: "name", x, y: y - 6, "text-anchor": "middle" }, label),
        make("svg:text", { class: "count", x, y: y + 16, "text-anchor": "middle" }));
}

/** The diagram without figures. */
function draw() {
    at("diagram").append(
        make("svg:defs", {}, make("svg:marker", { id: "arrow", viewBox: "0 0 10 10", refX: 9,
            refY: 5, markerWidth: 7, markerHeight: 7, orient: "auto" },
            make("svg:path", { d: "M0 1L10 5L0 9z" }))),
        ...ARROWS.map(arrow), ...Object.keys(PLACE).map(node));
}

/** Counts on nodes and edges; a state takes the colour of its worst finding. */
function paint(sample) {
    const worst = {};
    for (const f of sample.findings)
        worst[f.state] = Math.max(worst[f.state] || 0, RANK.indexOf(f.severity));
    for (const g of document.querySelectorAll(".node")) {
        const n = sample.states[g.dataset.state] || 0, bad = worst[g.dataset.state] || 0;
        g.setAttribute("class", `node ${n ? "some" : "none"} ${bad ? RANK[bad] : ""} ${
            chosen && chosen.state === g.dataset.state ? "chosen" : ""}`);
        g.querySelector(".count").textContent = g.dataset.state === "end" ? "" : n;
    }
    const count = {};
    for (const t of sample.transitions || [])
        count[`${t.from} ${t.to}`] = (count[`${t.from} ${t.to}`] || 0) + t.count;
    for (const g of document.querySelectorAll(".edge")) {
        const n = count[g.dataset.edge];
        g.setAttribute("class", n ? "edge used" : "edge");
        g.querySelector("text").textContent = n ? n.toLocaleString("en") : "";
    }
}

/** A span of seconds as people say it. */
function span(s) {
    const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"]];
    const [size, name] = units.find(([u]) => s >= u) || [1e-6, "µs"];
    return `${+(s / size).toPrecision(3)} ${name}`;
}

/** A number of octets as people say it. */
function octets(n) {
    const i = Math.min(4, Math.floor(Math.log2(Math.max(n, 1)) / 10));
    return `${+(n / 1024 ** i).toPrecision(3)} ${["octets", "KiB", "MiB", "GiB", "TiB"][i]}`;
}

/** The value of a piece of evidence. */
function value(e) {
    const text = e.unit === "seconds" ? span(e.value) : e.unit === "octets" ? octets(e.value)
        : `${e.value.toLocaleString("en")}${e.unit === "per cent" ? " %" : ""}`;
    return e.negative ? `−${text}` : text;
}

/** ADDR:PORT; * for what is any. */
function endpoint(e) {
    const addr = /^(::|0\.0\.0\.0)$/.test(e.addr) ? "*" : e.addr.includes(":") ? `[${e.addr}]` : e.addr;
    return `${addr}:${e.port || "*"}`;
}

/** NAME[PID], or nothing. */
function process(p) {
    return p ? `${p.comm}[${p.pid}]` : "";
}

/** What the connections of a finding have in common. */
function group(f) {
    const g = f.group, parts = [process(g.process)];
    if (["listener", "local", "server", "tuple", "pair"].includes(g.by)) parts.push(`at ${endpoint(g.local)}`);
    if (["peer", "service", "tuple", "pair"].includes(g.by)) parts.push(`with ${endpoint(g.remote)}`);
    return parts.filter(Boolean).join(" · ");
}

/** One finding as a card. */
function card(f) {
    const about = group(f);
    return make("article", { class: `finding ${f.severity}`, "data-id": f.id },
        make("h3", {}, f.diagnosis),
        make("p", {}, make("span", { class: "badge actor" }, `to act: ${ACTOR[f.actor] || f.actor}`),
            make("span", { class: "badge" }, f.severity),
            make("span", { class: "badge" }, f.confidence),
            about ? make("span", { class: "badge" }, about) : null),
        make("p", { class: "chips" }, ...f.evidence.map((e) =>
            make("span", {}, `${e.name} `, make("b", {}, value(e))))),
        f.unknown ? make("p", { class: "unknown" },
            `Not known: ${f.unknown}.${f.settle ? ` What would settle it: ${f.settle}.` : ""}`) : null,
        make("ul", { class: "remedies" }, ...f.remedies.map((r) =>
            make("li", {}, r.how, r.price ? make("small", {}, ` (price: ${r.price})`) : null))),
        make("p", {}, make("button", { onclick: () => choose({ rule: f.id }) }, f.id), " · ",
            make("button", { onclick: () => choose({ finding: f.key }) },
                `${f.count} connection${f.count === 1 ? "" : "s"}`)));
}

/** Everything that a sample says. */
function show(sample) {
    latest = sample;
    const n = Object.values(sample.states).reduce((a, b) => a + b, 0);
    at("summary").textContent = `${sample.what}: ${n} sockets, ${sample.healthy} healthy, ${
        sample.findings.length || "no"} finding${sample.findings.length === 1 ? "" : "s"}`;
    at("gaps").textContent = sample.gaps.join(" ");
    paint(sample);
    at("findings").replaceChildren(...(sample.findings.length ? sample.findings.map(card)
        : [make("p", { id: "none" }, "Nothing is wrong with any connection that can be seen.")]));
}

/** JSON from the server; an error becomes the summary line. */
async function ask(path) {
    const r = await fetch(path);
    if (!r.ok) throw new Error(`${path}: ${r.status} ${await r.text()}`);
    return r.json();
}

/** Ask and draw, for ever. */
async function turn() {
    const first = !latest;
    if (!at("hold").checked)
        try {
            show(await ask("api/sample"));
            if (first && named()) choose(named());
        } catch (e) {
            at("summary").textContent = `no answer: ${e.message}`;
        }
    setTimeout(turn, 2000);
}

/** A table of connections; a row leads to the connection. */
function table(list) {
    const head = ["state", "local", "remote", "process", "recv-q", "send-q", "in state"];
    return make("table", {},
        make("thead", {}, make("tr", {}, ...head.map((h) => make("th", {}, h)))),
        make("tbody", {}, ...list.map((c) => make("tr", { onclick: () => choose({ id: c.id }) },
            ...[c.state, endpoint(c.local), endpoint(c.remote), process(c.process), c.recv_q,
                c.send_q, c.in_state === undefined ? "" : span(c.in_state)]
                .map((v) => make("td", {}, String(v ?? "")))))));
}

/** Name and value of all that is known of one connection. */
function figures(c) {
    const plain = Object.entries(c).filter(([, v]) => v !== null && typeof v !== "object");
    return make("dl", {}, ...plain.map(([k, v]) =>
        make("div", {}, make("dt", {}, k.replaceAll("_", " ")), make("dd", {}, String(v)))));
}

/** What the address names after its "#", as choose() wants it, or null. */
function named() {
    const [key, value] = decodeURIComponent(location.hash.slice(1)).split("=");
    return ["state", "finding", "rule", "id"].includes(key) && value ? { [key]: value } : null;
}

/** The lower part: connections of a state or finding, one connection, or the page of a rule. */
async function choose(what) {
    chosen = what;
    history.replaceState(null, "", `#${Object.entries(what)[0].join("=")}`);
    at("detail").hidden = false;
    at("page").replaceChildren();
    at("list").replaceChildren();
    at("facts").replaceChildren();
    at("ladder").replaceChildren();
    try {
        if (what.rule) {
            at("title").textContent = what.rule;
            at("page").append(make("pre", { style: "white-space: pre-wrap" },
                await (await fetch(`api/rule?id=${encodeURIComponent(what.rule)}`)).text()));
        } else if (what.id) {
            await connection(what.id);
        } else {
            const list = what.state
                ? await ask(`api/connections?state=${encodeURIComponent(what.state)}`)
                : (latest.findings.find((f) => f.key === what.finding) || {}).connections || [];
            at("title").textContent = what.state || "Connections of the finding";
            at("list").append(list.length ? table(list) : "none now");
        }
    } catch (e) {
        at("title").textContent = e.message;
    }
    at("detail").scrollIntoView({ behavior: "smooth", block: "nearest" });
}

/** One connection: figures, history, and the ladder if its segments were seen. */
async function connection(id) {
    const c = await ask(`api/connection?id=${encodeURIComponent(id)}`);
    at("title").textContent = `${endpoint(c.local)} – ${endpoint(c.remote)}: ${c.state}`;
    at("facts").append(figures(c));
    if (c.history && c.history.length)
        at("facts").append(make("ol", {}, ...c.history.map((h) =>
            make("li", {}, `${h.from} → ${h.to}: ${h.text} (${h.rfc}), ${span(h.ago)} ago`))));
    const r = await fetch(`api/ladder?id=${encodeURIComponent(id)}`);
    if (r.ok && r.headers.get("Content-Type").startsWith("image/svg"))
        at("ladder").append(make("img", { alt: "ladder", src: r.url }));
    else
        at("facts").append(make("p", { class: "unknown" }, await r.text()));
}

draw();
turn();
