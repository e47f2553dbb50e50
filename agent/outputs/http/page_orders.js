// Orders by hand: entered, lifted, released and answered on the page. What changes something needs a token with a role.

import { $, Refused, asked, made, say } from "./page_base.js";

const LIMITS = {
  stop: () => ({ stop: true }),
  max_import_kw: (x) => ({ max_import_kw: x }),
  reduce_kw: (x) => ({ reduce_kw: x }),
  fraction: (x) => ({ fraction: x / 100 }),
};
const UNITS = { stop: null, max_import_kw: "kW at the meter", reduce_kw: "kW less than before", fraction: "% of the draw before" };

// sending --------------------------------------------------------------------------------------------------------

async function sent(path, document) {
  try {
    return await (await asked(path, { method: "POST", body: JSON.stringify(document) })).json();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const problem = await error.answer.json().catch(() => null);
    throw new Wrong(problem?.detail ?? problem?.title ?? error.message);
  }
}

class Wrong extends Error {}

async function guarded(id, work) {
  say(id, "");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Wrong || error instanceof TypeError)) throw error;
    say(id, error instanceof Wrong ? error.message : "The agent is not reached.");
  }
}

// an order is entered --------------------------------------------------------------------------------------------

const form = $("order-form");
const field = (name) => form.elements[name].value.trim();
let written = null;

$("order-new").addEventListener("click", () => {
  form.reset();
  again();
  showUnit();
  say("order-wrong", "");
  $("order").showModal();
});
$("order-close").addEventListener("click", () => $("order").close());
form.elements.demand.addEventListener("change", showUnit);
form.addEventListener("input", again);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  guarded("order-wrong", written === null ? look : send);
});

function showUnit() {
  const unit = UNITS[form.elements.demand.value];
  $("order-amount").hidden = unit === null;
  form.elements.amount.required = unit !== null;
  say("order-unit", unit ?? "");
}

function again() {
  written = null;
  $("order-document").hidden = true;
  say("order-send", "Show what is sent");
}

async function look() {
  const document = await worded();
  $("order-document").hidden = false;
  say("order-document", JSON.stringify(document, null, 2));
  say("order-send", "Send it");
  written = document;
}

async function send() {
  const ack = await sent("api/v1/orders", written);
  $("order").close();
  say("orders-said", `${ack.order_id} is ${ack.state}${ack.reason ? `: ${ack.reason}` : ""}.`);
}

async function worded() {
  const demand = form.elements.demand.value, at = new Date();
  const feeders = field("feeders").split(/[\s,]+/).filter(Boolean);
  const told = {
    order_id: field("order_id") || `${demand === "stop" ? "stop" : "cap"}-${at.toISOString().replace(/[-:]|\.\d+/g, "")}`,
    revision: 1,
    issued_at: at.toISOString(),
    issuer: field("issuer"),
    class: field("class"),
    status: "issued",
    limit: LIMITS[demand](Number(field("amount"))),
    starts_at: instant("starts"),
    ends_at: instant("ends"),
    targets: feeders.length ? { feeders } : null,
    source_ref: await call(at),
    note: field("note") || null,
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null));
}

const instant = (name) => (field(name) ? new Date(field(name)).toISOString() : null);

// What is kept of a call: who gave it, who took it, that it was read back, and the SHA-256 of a paper or a recording.
async function call(at) {
  const [issued_by, taken_by, number, file] = [field("issued_by"), field("taken_by"), field("number"), form.elements.attachment.files[0]];
  if (!issued_by && !taken_by && !number && !file) return null;
  if (!(issued_by && taken_by && number && form.elements.read_back.checked)) {
    throw new Wrong("An order by telephone needs its number, who gave it and who took it, and is read back before it is sent.");
  }
  const told = { number, date: at.toISOString().slice(0, 10), issued_by, taken_by, received_via: "phone, read back" };
  return file ? { ...told, sha256: await digest(file) } : told;
}

async function digest(file) {
  if (!crypto.subtle) throw new Wrong("An attachment is hashed only over https or on this host: use hashwatt orders send.");
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// what is done to one --------------------------------------------------------------------------------------------

const hand = $("hand-form");

const DEEDS = {
  lift: { name: "Lift", says: (order) => `Take ${order.order_id} back, as its issuer ${order.issuer}: the machines come back.${order.order_class === "law" ? " A law is taken back by two persons." : ""}` },
  release: { name: "Release", says: (order) => `Release ${order.order_id}, whose end has passed.${order.order_class === "law" ? " A law is released by two persons." : ""}` },
  accept: { name: "Accept", says: (order) => `Accept the offer ${order.order_id}: from then on it binds.` },
  decline: { name: "Decline", says: (order) => `Decline the offer ${order.order_id}.` },
};

export function deedsOf(order) {
  const own = /^(failsafe|schedule|signal)\./.test(order.order_id);
  const deeds = order.state === "received" ? ["accept", "decline"] : order.awaiting && order.resume === "operator" ? ["release"]
    : !own && ["scheduled", "active", "complied", "violated"].includes(order.state) ? ["lift"] : [];
  if (!deeds.length) return null;
  return made("p", { class: "deeds" }, deeds.map((deed) => made("button", { type: "button", "data-deed": deed, onclick: () => ask(deed, order) }, DEEDS[deed].name)));
}

function ask(deed, order) {
  hand.reset();
  say("hand-title", `${DEEDS[deed].name} ${order.order_id}`);
  say("hand-says", DEEDS[deed].says(order));
  say("hand-wrong", "");
  say("hand-do", DEEDS[deed].name);
  const two = (deed === "release" || deed === "lift") && order.order_class === "law";
  $("hand-second").hidden = !two;
  hand.elements.second.required = two;
  $("hand-first").hidden = deed === "lift" && !two;
  hand.elements.by.required = deed !== "lift" || two;
  hand.onsubmit = (event) => {
    event.preventDefault();
    guarded("hand-wrong", () => act(deed, order));
  };
  $("hand").showModal();
}

async function act(deed, order) {
  const ack = deed === "lift" ? await lift(order) : await sent(`api/v1/orders/${encodeURIComponent(order.order_id)}/${deed}`, {
    by: hand.elements.by.value.trim(), ...(hand.elements.second.value.trim() ? { and: hand.elements.second.value.trim() } : {}),
  });
  $("hand").close();
  say("orders-said", `${ack.order_id} is ${ack.state}${ack.reason ? `: ${ack.reason}` : ""}.`);
}

function lift(order) {
  const { order_id, issuer, order_class, revision } = order;
  const [issued_by, taken_by] = [hand.elements.by.value.trim(), hand.elements.second.value.trim()];
  const source = taken_by ? { source_ref: { issued_by, taken_by, received_via: "by hand" } } : {};
  return sent("api/v1/orders", { order_id, revision: revision + 1, issued_at: new Date().toISOString(), issuer, class: order_class, status: "cancelled", ...source });
}

$("hand-close").addEventListener("click", () => $("hand").close());