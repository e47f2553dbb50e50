// The page of one site: asks the agent that serves it, and nobody else. Unknown is shown as a dash, never as 0.

import { $, Refused, asked, made, put, read, say } from "./page_base.js";
import { deedsOf } from "./page_orders.js";

const STATES = ["hashing", "starting", "idle", "sleeping", "fault", "unreachable", "unknown"];
const DASH = "–";

// words and figures ----------------------------------------------------------------------------------------------

function figure(value, digits = 1) {
  return value == null ? DASH : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function scaled(value, units) {
  if (value == null) return [DASH, ""];
  if (value === 0) return ["0", units[units.length - 1][1]];
  const [size, unit] = units.find(([size]) => Math.abs(value) >= size) ?? units[units.length - 1];
  const of = value / size;
  return [figure(of, Math.abs(of) >= 1000 ? 0 : Math.abs(of) >= 100 ? 1 : 2), unit];
}

const power = (w) => scaled(w, [[1e7, "MW"], [1e3, "kW"]]);
const hashing = (ths) => scaled(ths, [[1e6, "EH/s"], [1e3, "PH/s"], [1, "TH/s"]]);
const told = ([value, unit]) => (unit ? `${value} ${unit}` : value);
const kw = (w) => told(power(w));

function clock(at, seconds = true) {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, hour12: false });
}

function day(at) {
  return at.toLocaleDateString("en", { day: "numeric", month: "short" });
}

function moment(text) {
  const at = new Date(text);
  return at.toDateString() === new Date().toDateString() ? clock(at) : `${day(at)} ${clock(at, false)}`;
}

function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
}

const until = (text) => (new Date(text) - Date.now()) / 1000;

// the stream -----------------------------------------------------------------------------------------------------

const SILENT_S = 12;
let heardAt = 0;
let now = null;

async function watch() {
  for (;;) {
    const stop = new AbortController();
    const guard = setInterval(() => Date.now() - heardAt > SILENT_S * 1000 && stop.abort(), 2000);
    try {
      const answer = await asked("api/v1/stream", { signal: stop.signal });
      heardAt = Date.now();
      await takeIn(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch (error) {
      if (!(error instanceof Refused || error instanceof TypeError || error.name === "AbortError")) throw error;
    } finally {
      clearInterval(guard);
    }
    showLost();
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function takeIn(reader) {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heardAt = Date.now();
    const frames = (text + value).split("\n\n");
    text = frames.pop();
    for (const frame of frames) dispatch(frame);
  }
}

function dispatch(frame) {
  const name = /^event: (.*)$/m.exec(frame)?.[1];
  const data = /^data: (.*)$/m.exec(frame)?.[1];
  if (data) HEARD[name]?.(JSON.parse(data));
}

const HEARD = {
  hello: () => { events.length = 0; loadPast(); showEvents(); },
  now: (heard) => { now = heard; showNow(); grow(); },
  orders: (heard) => showOrders(heard),
  fact: (heard) => { events.unshift(heard); events.length = Math.min(events.length, 80); laterShowEvents(); },
};

// the site now ---------------------------------------------------------------------------------------------------

const BY = { meter: "at the meter", beliefs: "by what machines say" };

function showNow() {
  const { site, standing } = now;
  document.title = `${site.site}: ${kw(site.power_w)}`;
  say("site-name", site.site);
  $("standing").dataset.word = standing.word;
  say("standing-text", site.mode === "observe" ? `Observe mode: nothing is sent. ${standing.text}` : standing.text);
  say("standing-more", more(site, standing));
  showBanner(site);
  showPills(site);
  showFigures(site);
  showShare(site.miners);
  say("clock", `${day(new Date(site.at))} ${clock(new Date(site.at))}`);
}

function more(site, standing) {
  const cap = site.cap_w == null ? "" : ` of ${kw(site.cap_w)}`, over = excess(site) > 0 ? `: ${kw(excess(site))} above the cap` : "";
  const parts = [`${kw(site.power_w)}${cap} ${BY[site.power_source] ?? ""}${over}.`];
  if (standing.due_at && until(standing.due_at) > 0) parts.push(`It must be met in ${span(until(standing.due_at))}.`);
  if (standing.reason) parts.push(`${standing.reason[0].toUpperCase()}${standing.reason.slice(1)}.`);
  if (now.restore_pending_w > 1000) parts.push(`${kw(now.restore_pending_w)} ${standing.word === "restoring" ? "still to come back" : "held back"}.`);
  if (now.next_change) parts.push(`Next change ${moment(now.next_change)}, in ${span(until(now.next_change))}.`);
  return parts.join(" ");
}

// What is drawn now above the cap. The agent's own figure goes by the meter's window too, and may still be higher.
const excess = (site) => (site.cap_w == null || site.power_w == null ? null : Math.max(0, site.power_w - site.cap_w));

function showBanner(site) {
  const parts = now.not_ready.map((reason) => reason[0].toUpperCase() + reason.slice(1));
  for (const outlet of site.outlets.filter((one) => one.cut)) parts.unshift(`Power is cut from ${outlet.feeders.join(", ")} (outlet ${outlet.id})${outlet.waits ? `; not given back yet: ${outlet.waits}` : ""}`);
  const tripped = site.safety.filter((input) => input.tripped);
  for (const input of tripped) parts.unshift(`SAFETY: ${input.id} sheds ${input.feeder} since ${moment(input.tripped.since)}${input.tripped.why === "silence" ? ", for it is silent" : ""}; a hand must clear it`);
  const observes = site.mode === "observe";
  if (observes) parts.unshift("OBSERVE MODE: nothing is sent to any machine");
  $("banner").hidden = !parts.length;
  $("banner").classList.toggle("bad", !observes || tripped.length > 0);
  say("banner", parts.join(" · "));
}

function showLost() {
  if (Date.now() - heardAt < 1500) return;
  $("banner").hidden = false;
  $("banner").classList.add("bad");
  say("banner", heardAt ? `No word from the agent since ${clock(new Date(heardAt))}: what is shown is old.` : "The agent is not reached.");
  $("standing").dataset.word = "lost";
}

// The billing meter, who stands in for it, and every other meter that is silent.
function meterPills(meters) {
  const pills = meters.some((meter) => meter.role === "billing") ? [] : [["no billing meter", ""]];
  for (const meter of meters) {
    const name = meter.role === "billing" ? `meter ${meter.id}` : `${meter.role} meter ${meter.id}`;
    if (meter.standing_in_for !== null) pills.push([`${name} stands in`, "loud"]);
    else if (!meter.fresh) pills.push([`${name} silent${meter.age_s === null ? "" : ` ${span(meter.age_s)}`}`, "bad"]);
    else if (meter.role === "billing") pills.push([name, "good"]);
  }
  return pills;
}

function showPills(site) {
  const pills = [[site.mode, site.mode === "observe" ? "loud" : "good"], ...meterPills(site.meters)];
  for (const [name, up] of Object.entries(now.links)) pills.push([up ? name : `${name} is down`, up ? "good" : "bad"]);
  put("pills", pills.map(([text, kind]) => made("li", { class: kind }, text)));
}

function showFigures(site) {
  const count = Object.values(site.miners).reduce((sum, n) => sum + n, 0);
  const drawn = site.power_source === "meter" ? site.power_w - site.house_w : null;
  const efficiency = drawn > 0 && site.hashrate_ths > 1 ? drawn / site.hashrate_ths : null;
  const over = excess(site) > 0;
  const tiles = [
    ["Draw", power(site.power_w), BY[site.power_source], false],
    ["Cap", power(site.cap_w), site.binding_order ?? (site.cap_w == null ? "none known yet" : "connection"), false],
    ["Above the cap", power(excess(site)), site.excess_w > excess(site) + 1000 ? `${kw(site.excess_w)} in the window` : over ? "too much" : "within it", over],
    ["Cannot be shed", power(site.shortfall_w), site.shortfall_w > 0 ? "shortfall" : "no shortfall", site.shortfall_w > 0],
    ["Headroom", power(site.headroom_w && Math.max(0, site.headroom_w)), site.reserve_w == null ? "" : `${kw(site.reserve_w)} reserved`, false],
    ["Hashrate", hashing(site.hashrate_ths), `house ${kw(site.house_w)}`, false],
    ["Efficiency", [figure(efficiency), "J/TH"], "at the wall", false],
    ["Hashing", [figure(site.miners.hashing, 0), `of ${figure(count, 0)}`], "machines", false],
  ];
  const shown = $("figures").children;
  if (shown.length !== tiles.length) {
    put("figures", tiles.map(([name]) => made("div", {}, made("dt", {}, name), made("dd", {}, "", made("small")), made("p"))));
  }
  tiles.forEach(([, [value, unit], note, bad], at) => {
    const [, dd, p] = shown[at].children;
    shown[at].classList.toggle("bad", bad);
    dd.firstChild.data = value;
    dd.lastChild.textContent = unit;
    p.textContent = note ?? "";
  });
}

// orders and events ----------------------------------------------------------------------------------------------

const OVER = new Set(["closed", "superseded", "rejected"]);

function showOrders(orders) {
  put("orders", orders.length ? orders.map(orderItem) : made("li", { class: "empty" }, "No order is known. What the connection allows is the cap."));
}

function orderItem(order) {
  const next = order.next_at ? `${order.next_text} ${moment(order.next_at)}, in ${span(until(order.next_at))}` : order.next_text;
  const over = OVER.has(order.state);
  const since = `since ${moment(order.starts_at)}`;
  const when = over ? `over ${moment(order.moved_at)}` : [order.state === "scheduled" ? null : since, next].filter(Boolean).join(" · ");
  return made("li", { "data-state": order.state, class: over ? "over" : null },
    made("div", { class: "top" }, made("b", {}, order.order_id), made("span", { class: "tag" }, order.state), made("span", { class: "tag plain" }, order.order_class.replace("_", " "))),
    made("p", { class: "asks" }, order.demand),
    made("p", {}, `by ${order.issuer}${order.revision > 1 ? `, revision ${order.revision}` : ""} · ${when}`),
    order.shortfall_w > 0 && order.binds ? made("p", {}, `short by ${kw(order.shortfall_w)}`) : null,
    order.reason && !over ? made("p", {}, order.reason) : null, deedsOf(order));
}

const events = [];
let pending = 0;

function laterShowEvents() {
  pending ||= requestAnimationFrame(() => { pending = 0; showEvents(); });
}

const BAD = /^(UnauthorisedWake|SendingPaused|MeterLost|OrderRefused|CommandRefused|Escalated|OrderVanished|ClockStepped)$/;

function showEvents() {
  const kind = (event) => (BAD.test(event.fact) || event.state === "violated" ? "bad" : event.state === "complied" ? "good" : null);
  put("events", events.length
    ? events.map((event) => made("li", {}, made("time", { datetime: event.at }, moment(event.at)), made("span", { class: kind(event) }, event.text)))
    : made("li", { class: "empty" }, "Nothing yet."));
}

// the past: draw against cap -------------------------------------------------------------------------------------

const RANGES = [
  { name: "10 min", seconds: 600, step: 5 }, { name: "1 h", seconds: 3600, step: 5 }, { name: "24 h", seconds: 86400, step: 300 },
  { name: "7 d", seconds: 604800, step: 1800 }, { name: "30 d", seconds: 2592000, step: 7200 }, { name: "1 y", seconds: 31536000, step: 86400 },
];
let range = null;
let past = [];

async function series(from, step) {
  const query = new URLSearchParams({ from: new Date(from).toISOString(), step });
  const { items } = await read(`api/v1/history?${query}`);
  return items.map((item) => ({ ...item, t: Date.parse(item.at), s: step * 1000 }));
}

async function loadPast() {
  try {
    if (!range) {
      const fine = await series(Date.now() - 3600e3, 60);
      range = fine.length < 12 ? RANGES[0] : RANGES[1];
    }
    const asking = range, from = Date.now() - range.seconds * 1000;
    let points = await series(from, range.step);
    if (range.step < 60) {
      const coarse = await series(from, 60);
      const first = points.length ? points[0].t : Infinity;
      points = [...coarse.filter((point) => point.t + point.s <= first), ...points];
    }
    if (asking === range) past = points;
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError)) throw error;
  }
  showRanges();
  showPast();
}

function grow() {
  if (range?.step !== 5) return;
  const { site } = now, t = Math.floor(Date.parse(site.at) / 5000) * 5000, last = past[past.length - 1];
  const point = { ...site, power_max_w: site.power_w, excess_w: excess(site), t, s: 5000 };
  if (last && last.t === t) past[past.length - 1] = point;
  else past.push(point);
  while (past.length && past[0].t < t - range.seconds * 1000) past.shift();
  showPast();
}

function showRanges() {
  put("ranges", RANGES.map((one) => made("button", { type: "button", "aria-pressed": String(one === range), onclick: () => { range = one; showRanges(); loadPast(); } }, one.name)));
}

function showPast() {
  if (!range) return;
  const end = now ? Date.parse(now.site.at) : Date.now();
  plot($("draw"), {
    from: end - range.seconds * 1000, to: end, points: past, height: innerWidth < 760 ? 230 : 300, value: "power_w", unit: (w) => kw(w),
    cap: true, strip: true, label: "Draw and cap", hint: drawHint,
  });
  const keys = [["draw", "draw"], ["cap", "cap in force"], ["above", "above the cap"]];
  if (range.step >= 60) keys.push(["high", "highest in the step"]);
  const seen = STATES.filter((state) => past.some((point) => point.miners?.[state] > 0));
  const key = `${range.name} ${seen}`;
  if ($("draw-keys").dataset.seen !== key) {
    $("draw-keys").dataset.seen = key;
    put("draw-keys", [...keys, ...seen.map((state) => [state, state])].map(([tone, text]) => made("span", { "data-tone": tone }, text)));
  }
}

function drawHint(point) {
  const over = point.excess_w > 0 ? `up to ${kw(point.excess_w)} above` : null;
  const states = STATES.filter((state) => point.miners?.[state]).map((state) => `${point.miners[state]} ${state}`).join(", ");
  return [`draw ${kw(point.power_w)}`, `cap ${kw(point.cap_w)}`, over, told(hashing(point.hashrate_ths)), states].filter(Boolean);
}

// a plot: one figure over time, a gap where nothing is known -------------------------------------------------------

const nice = (most) => {
  const raw = (most || 1) / 4, base = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].map((n) => n * base).find((step) => step >= raw);
};

const TICKS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];

function plot(box, chart) {
  const width = box.clientWidth || 600, { height, points, from, to } = chart;
  const strip = chart.strip ? 22 : 0, left = 58, right = 8, top = 8, foot = 22 + strip, bottom = height - foot;
  const known = points.filter((point) => point[chart.value] != null);
  const values = known.flatMap((point) => [point[chart.value], chart.cap ? point.power_max_w ?? 0 : 0, chart.cap ? point.cap_w ?? 0 : 0]);
  const step = nice(Math.max(0, ...values)), most = step * Math.ceil(Math.max(step, ...values) * 1.02 / step);
  const scale = { x: (t) => left + ((t - from) / (to - from)) * (width - left - right), y: (v) => bottom - (v / most) * (bottom - top) };
  const svg = made("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": summary(chart, known) });
  svg.append(...gridlines(scale, { step, most, width, left, right, bottom, unit: chart.unit }), ...times(scale, { from, to, height, width, strip }));
  if (!known.length) svg.append(made("text", { class: "none", x: width / 2, y: height / 2, "text-anchor": "middle" }, "Nothing is kept of this time yet."));
  for (const run of runs(points, (point) => point[chart.value])) svg.append(...drawn(run, scale, chart, bottom));
  if (chart.cap) {
    for (const run of runs(points, (point) => point.cap_w)) svg.append(made("path", { class: "cap", d: steps(run, scale) }));
    svg.append(...above(points, scale, chart, box.id, top, bottom));
  }
  if (strip) svg.append(...stripes(points, scale, bottom + 6, 12));
  box.replaceChildren(svg);
  box.plot = { chart, scale, width, bottom, svg };
  if (!box.heard) hear(box);
  if (box.at != null) point(box, box.at);
}

function summary(chart, known) {
  const last = known[known.length - 1];
  return last ? `${chart.label}: ${chart.hint(last).join(", ")}` : `${chart.label}: nothing is known`;
}

function gridlines(scale, { step, most, width, left, right, bottom, unit }) {
  const lines = [];
  for (let v = 0; v <= most + step / 2; v += step) {
    const y = Math.round(scale.y(v)) + 0.5;
    lines.push(made("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }));
    if (y <= bottom + 1) lines.push(made("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, unit(v).replace(/\.0+(?= )/, "").replace(/(\.\d*?)0+(?= )/, "$1")));
  }
  return lines;
}

function times(scale, { from, to, height, width }) {
  const room = Math.max(2, Math.floor(width / 110)), step = (TICKS.find((s) => (to - from) / 1000 / s <= room) ?? 2592000) * 1000;
  const offset = new Date(to).getTimezoneOffset() * 60000, marks = [];
  for (let t = Math.ceil((from - offset) / step) * step + offset; t <= to; t += step) {
    const at = new Date(t), x = scale.x(t);
    if (x < 50 || x > width - 24) continue;
    const text = step >= 86400e3 ? day(at) : step >= 43200e3 ? `${day(at)} ${clock(at, false)}` : clock(at, step < 60000);
    marks.push(made("text", { x, y: height - 4, "text-anchor": "middle" }, text));
  }
  return marks;
}

function runs(points, value) {
  const found = [];
  let run = null, last = null;
  for (const point of points) {
    if (value(point) == null) { last = null; continue; }
    if (!last || point.t - (last.t + last.s) > 1.5 * Math.max(point.s, last.s)) found.push((run = []));
    run.push(point);
    last = point;
  }
  return found;
}

const middle = (point) => point.t + point.s / 2;
const line = (pairs) => pairs.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

function outline(run, { x, y }, chart) {
  const first = run[0], last = run[run.length - 1];
  return line([[x(first.t), y(first[chart.value])], ...run.map((p) => [x(middle(p)), y(p[chart.value])]), [x(last.t + last.s), y(last[chart.value])]]);
}

function area(run, scale, chart, bottom) {
  const [left, right] = [run[0].t, run[run.length - 1].t + run[run.length - 1].s].map((t) => scale.x(t).toFixed(1));
  return `${outline(run, scale, chart)}L${right} ${bottom}L${left} ${bottom}Z`;
}

function drawn(run, scale, chart, bottom) {
  if (!chart.cap) return [made("path", { class: "figure", d: outline(run, scale, chart) })];
  const { x, y } = scale, peaks = run.some((p) => p.s >= 60e3 && p.power_max_w > p.power_w);
  const high = peaks ? [made("path", { class: "high", d: line(run.map((p) => [x(middle(p)), y(p.power_max_w ?? p.power_w)])) })] : [];
  return [made("path", { class: "under", d: area(run, scale, chart, bottom) }), ...high, made("path", { class: "draw", d: outline(run, scale, chart) })];
}

function steps(run, { x, y }) {
  return line(run.flatMap((p) => [[x(p.t), y(p.cap_w)], [x(p.t + p.s), y(p.cap_w)]]));
}

function above(points, scale, chart, name, top, bottom) {
  const { x } = scale;
  const region = runs(points, (p) => p.cap_w).map((run) => `${steps(run, scale)}L${x(run[run.length - 1].t + run[run.length - 1].s).toFixed(1)} ${top}L${x(run[0].t).toFixed(1)} ${top}Z`);
  const over = runs(points, (p) => (p.cap_w == null ? null : p[chart.value])).map((run) => made("path", { class: "above", d: area(run, scale, chart, bottom), "clip-path": `url(#${name}-above)` }));
  return [made("clipPath", { id: `${name}-above` }, made("path", { d: region.join("") })), ...over];
}

function stripes(points, { x }, top, height) {
  const rects = [], joined = [];
  for (const p of points) {
    const last = joined[joined.length - 1], key = STATES.map((state) => p.miners?.[state] ?? 0).join();
    if (last && last.key === key && p.t - last.end < p.s) last.end = p.t + p.s;
    else joined.push({ key, start: p.t, end: p.t + p.s, miners: p.miners ?? {} });
  }
  for (const { start, end, miners } of joined) {
    const total = STATES.reduce((sum, state) => sum + (miners[state] ?? 0), 0);
    let y = top;
    for (const state of STATES) {
      if (!miners[state]) continue;
      const part = (height * miners[state]) / total;
      rects.push(made("rect", { "data-tone": state, x: x(start), width: Math.max(0.6, x(end) - x(start) + 0.3), y, height: part }));
      y += part;
    }
  }
  return rects;
}

function hear(box) {
  box.heard = true;
  const at = (event) => event.clientX - box.getBoundingClientRect().left;
  box.addEventListener("pointermove", (event) => point(box, at(event)));
  box.addEventListener("pointerleave", () => point(box, null));
  box.addEventListener("blur", () => point(box, null));
  box.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    point(box, Math.min(box.plot.width - 9, Math.max(58, (box.at ?? box.plot.width - 9) + move * Math.max(4, box.plot.width / 120))));
  });
  new ResizeObserver(() => box.plot && box.clientWidth !== box.plot.width && plot(box, box.plot.chart)).observe(box);
}

function point(box, at) {
  box.at = at;
  box.querySelectorAll(".cursor, .dot, .hint").forEach((old) => old.remove());
  if (at == null) return;
  const { chart, scale, bottom, svg, width } = box.plot;
  const near = chart.points.reduce((best, p) => (!best || Math.abs(scale.x(middle(p)) - at) < Math.abs(scale.x(middle(best)) - at) ? p : best), null);
  if (!near || Math.abs(scale.x(middle(near)) - at) > 24) return;
  const x = scale.x(middle(near));
  svg.append(made("line", { class: "cursor", x1: x, x2: x, y1: 8, y2: bottom }));
  if (near[chart.value] != null) svg.append(made("circle", { class: "dot", cx: x, cy: scale.y(near[chart.value]), r: 4 }));
  const hint = made("div", { class: "hint", role: "status" }, made("b", {}, `${day(new Date(near.t))} ${clock(new Date(near.t), near.s < 60000)}`), chart.hint(near).map((text) => made("div", {}, text)));
  box.append(hint);
  hint.style.left = `${Math.max(0, x > width / 2 ? x - hint.offsetWidth - 12 : x + 12)}px`;
}

// machines -------------------------------------------------------------------------------------------------------

const PAGE = 25;
const COLUMNS = [
  ["row", "Machine", ""], ["state", "State", ""], ["model", "Model", "rare"], ["power_w", "Draw", "number"], ["hashrate_ths", "Hashrate", "number"],
  ["efficiency_j_th", "J/TH", "number rare"], ["hottest_c", "Hottest", "number rare"], [null, "Level", "rare"],
];
const FIELDS = "state,reason,hashrate_ths,power_w,power_source,efficiency_j_th,hottest_c,level,setpoint,intended,hold,read_at";
const table = { sort: "row", down: false, state: null, text: "", cursors: [null], next: null, turn: 0 };

async function loadMachines() {
  const turn = ++table.turn, query = new URLSearchParams({ limit: PAGE, fields: FIELDS, sort: (table.down ? "-" : "") + table.sort });
  const cursor = table.cursors[table.cursors.length - 1];
  if (cursor) query.set("cursor", cursor);
  if (table.state) query.set("state", table.state);
  if (table.text) query.set("search", table.text);
  try {
    const page = await read(`api/v1/miners?${query}`);
    if (turn === table.turn) showMachines(page);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError)) throw error;
    if (cursor) { table.cursors = [null]; loadMachines(); }
  }
}

function showMachines({ items, next, total }) {
  table.next = next;
  const first = (table.cursors.length - 1) * PAGE;
  put("rows", items.length ? items.map(machineRow) : made("tr", {}, made("td", { colspan: COLUMNS.length, class: "unsaid" }, "No machine is like that.")));
  say("page-of", items.length ? `${figure(first + 1, 0)}–${figure(first + items.length, 0)} of ${figure(total, 0)}` : "0");
  $("before").disabled = table.cursors.length < 2;
  $("after").disabled = !next;
}

function machineRow(item) {
  const { miner } = item, why = item.reason?.split(":").slice(1).join(" ");
  const going = item.setpoint && item.level !== item.setpoint ? `${item.level ?? "?"} → ${item.setpoint}` : item.level ?? DASH;
  const number = (text, rare = "") => made("td", { class: `number ${rare} ${text === DASH ? "unsaid" : ""}` }, text);
  return made("tr", {},
    made("td", {}, made("button", { type: "button", onclick: () => openMachine(miner.id) }, miner.id), !miner.id.startsWith(miner.host) ? made("small", {}, miner.host) : null),
    made("td", { class: "state", "data-tone": item.state }, made("span", {}, item.state), why ? made("small", {}, why) : null),
    made("td", { class: "rare" }, miner.model ?? DASH, miner.firmware ? made("small", { class: "beside" }, miner.firmware) : null),
    made("td", { class: "number" }, item.power_source === "model" ? made("i", { title: "reckoned: the machine does not say" }, "≈ ") : null, `${figure(item.power_w, 0)} W`),
    number(told(hashing(item.hashrate_ths))),
    number(figure(item.efficiency_j_th), "rare"),
    number(item.hottest_c == null ? DASH : `${figure(item.hottest_c, 0)} °C`, "rare"),
    made("td", { class: "rare" }, going, item.hold ? made("small", {}, `held: ${item.hold.kind}, ${item.hold.by}`) : null));
}

function again() {
  table.cursors = [null];
  loadMachines();
}

function showColumns() {
  put("columns", COLUMNS.map(([key, name, kind]) => made("th", { class: kind, scope: "col", "aria-sort": key === table.sort ? (table.down ? "descending" : "ascending") : null },
    key ? made("button", { type: "button", onclick: () => { table.down = table.sort === key ? !table.down : kind.includes("number"); table.sort = key; showColumns(); again(); } }, name) : made("span", {}, name))));
}

function showShare(miners) {
  const total = Object.values(miners).reduce((sum, n) => sum + n, 0), states = STATES.filter((state) => miners[state] || state === table.state);
  const key = JSON.stringify([miners, table.state]);
  if ($("share").dataset.key === key) return;
  $("share").dataset.key = key;
  put("share", states.map((state) => {
    const part = made("i", { "data-tone": state });
    part.style.flex = `${miners[state]} 0 0`;
    return part;
  }));
  const choose = (state) => () => { table.state = state; showShare(now.site.miners); again(); };
  const focused = document.activeElement?.dataset?.choice;
  put("states", [null, ...states].map((state) => made("button", { type: "button", "data-tone": state, "data-choice": state ?? "all", "aria-pressed": String(table.state === state), onclick: choose(state) },
    state ?? "all", made("b", {}, figure(state ? miners[state] : total, 0)))));
  if (focused) $("states").querySelector(`[data-choice=${focused}]`)?.focus();
}

let typing = 0;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { table.text = $("search").value.trim(); again(); }, 250);
});
$("before").addEventListener("click", () => { table.cursors.pop(); loadMachines(); });
$("after").addEventListener("click", () => { table.cursors.push(table.next); loadMachines(); });

// one machine ----------------------------------------------------------------------------------------------------

const MACHINE_RANGES = [["24 h", 86400], ["7 d", 604800], ["30 d", 2592000]];

async function openMachine(id) {
  const path = `api/v1/miners/${encodeURIComponent(id)}`;
  const item = await read(path), { miner } = item;
  $("machine-title").textContent = miner.id;
  const facts = [
    ["State", [item.state, item.reason].filter(Boolean).join(" · ")], ["Model", [miner.make, miner.model].filter(Boolean).join(" ")],
    ["Firmware", [miner.firmware, miner.firmware_version].filter(Boolean).join(" ")], ["Address", `${miner.host}${miner.port ? `:${miner.port}` : ""}`],
    ["MAC", miner.mac], ["Serial", miner.serial], ["Feeder", miner.feeder], ["Draw", `${kw(item.power_w)} (${item.power_source})`],
    ["Hashrate", told(hashing(item.hashrate_ths))], ["Nominal", told(hashing(item.nominal_ths))], ["Level", [item.level, item.setpoint && `wanted ${item.setpoint}`].filter(Boolean).join(", ")],
    ["Intended", item.intended], ["Up for", item.uptime_s == null ? null : span(item.uptime_s)], ["Inlet", item.inlet_c == null ? null : `${figure(item.inlet_c)} °C`],
    ["Pool", item.pools?.find((pool) => pool.active)?.url], ["Read", item.read_at && moment(item.read_at)],
  ];
  const plots = made("div"), ranges = made("div", { class: "ranges" });
  $("machine-body").replaceChildren(
    made("dl", { class: "facts" }, facts.map(([name, value]) => made("div", {}, made("dt", {}, name), made("dd", {}, value || DASH)))),
    boards(item.boards), problems(item.errors), made("div", { class: "head" }, made("h3", {}, "Its past"), ranges), plots);
  if (!$("machine").open) $("machine").showModal();
  await showMachinePast(path, plots, ranges, 86400);
}

function boards(told) {
  if (!told?.length) return made("div");
  const rows = told.map((board) => made("tr", {}, made("td", {}, String(board.slot)), made("td", { class: "number" }, `${figure(board.hashrate_ths)} TH/s`),
    made("td", { class: "number" }, board.chip_temp_c == null ? DASH : `${figure(board.chip_temp_c, 0)} °C`), made("td", { class: "number" }, board.chips == null ? DASH : String(board.chips))));
  const head = ["Board", "Hashrate", "Chips' hottest", "Chips"].map((name, at) => made("th", { class: at ? "number" : null, scope: "col" }, made("span", {}, name)));
  return made("table", {}, made("thead", {}, made("tr", {}, head)), made("tbody", {}, rows));
}

function problems(errors) {
  if (!errors?.length) return made("div");
  return made("div", {}, made("h3", {}, "It complains of"), made("ul", {}, errors.map((error) => made("li", {}, `${error.code ?? ""} ${error.message ?? ""}`))));
}

async function showMachinePast(path, plots, ranges, seconds) {
  ranges.replaceChildren(...MACHINE_RANGES.map(([name, length]) => made("button", { type: "button", "aria-pressed": String(length === seconds), onclick: () => showMachinePast(path, plots, ranges, length) }, name)));
  const to = Date.now(), from = to - seconds * 1000;
  const { items } = await read(`${path}/history?${new URLSearchParams({ from: new Date(from).toISOString() })}`);
  const points = items.map((item) => ({ ...item, t: Date.parse(item.at), s: 300e3 }));
  const charts = [["power_w", "Draw", (w) => kw(w)], ["hashrate_ths", "Hashrate", (ths) => told(hashing(ths))], ["hottest_c", "Hottest chip", (c) => `${figure(c, 0)} °C`]];
  plots.replaceChildren(...charts.map(([, name]) => made("div", {}, made("h3", {}, name), made("div", { class: "plot", tabindex: 0 }))));
  charts.forEach(([value, label, unit], at) => plot(plots.children[at].lastChild, {
    from, to, points, value, unit, label, height: 120, hint: (p) => [`${unit(p[value])}`, p.state],
  }));
}

$("machine-close").addEventListener("click", () => $("machine").close());

// money ----------------------------------------------------------------------------------------------------------

async function loadMoney() {
  let bill = null;
  try {
    bill = await read("api/v1/bill");
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError)) throw error;
  }
  showMoney(bill?.now ?? null);
}

function showMoney(money) {
  const amount = (text, digits = 2) => (text == null ? null : `${figure(Number(text), digits)} ${money.currency}`);
  const rows = money === null ? [] : [
    ["Energy price", money.price_per_kwh == null ? null : `${amount(money.price_per_kwh, 4)} / kWh`],
    ["The draw costs", money.cost_per_h == null ? null : `${amount(money.cost_per_h)} / h`],
    ["Today", amount(money.today)], ["This month so far", amount(money.month_to_date)],
    ...Object.entries(money.break_even ?? {}).slice(0, 8).map(([model, price]) => [`Break-even, ${model}`, price == null ? null : `${figure(Number(price), 4)} / kWh`]),
    ["Hashprice", money.hashprice == null ? null : `${figure(Number(money.hashprice.per_ph_day), 2)} ${money.hashprice.currency} / PH/s and day`],
    ["Machines under break-even", money.under_break_even == null ? null : figure(money.under_break_even, 0)],
    [money.acting?.act ? "Price acts" : "Price would act", money.acting == null ? null : `${figure(money.acting.stopped, 0)} stopped, ${figure(money.acting.lowered, 0)} lowered`],
    [money.acting?.act ? "Earned by it" : "Would have earned", amount(money.acting?.gained)],
  ].filter(([, value]) => value !== null);
  $("money").hidden = !rows.length;
  put("money-figures", rows.flatMap(([name, value]) => [made("dt", {}, name), made("dd", {}, value)]));
  put("money-doubts", rows.length ? (money.doubts ?? []).map((doubt) => made("li", {}, doubt)) : []);
}

// begin ----------------------------------------------------------------------------------------------------------

showColumns();
showRanges();
loadMachines();
loadMoney();
watch();
setInterval(() => document.hidden || loadMachines(), 5000);
setInterval(() => document.hidden || range?.step === 5 || loadPast(), 30000);
setInterval(() => document.hidden || loadMoney(), 60000);
