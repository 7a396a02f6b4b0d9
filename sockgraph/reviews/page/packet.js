"use strict";
/* A review packet: every pair is judged from its edits first; the evidence follows, the finding comes last.
   Answers stay in this browser until they are saved to a file. Whatever an account holder wrote reaches the
   page as text nodes only. */
const packet = JSON.parse(document.getElementById("packet").textContent);
const main = document.getElementById("main");
const KEY = "sockgraph-packet-" + packet.packet;
const LABELS = { A: "Account A", B: "Account B", other: "another account" };
const STEPS = ["Read the edits", "First judgement", "Evidence against", "Evidence for", "All evidence", "Finding"];
const PAGES = 5;
const work = restored();

function restored() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    if (kept) return kept;
  } catch { /* a browser without storage: answers last as long as the page */ }
  return packet.tasks.map((task) => ({ pair: task.number, steps: [], wiki_opened: [], cites: [], answers: {} }));
}
function keep() {
  try { localStorage.setItem(KEY, JSON.stringify(work)); } catch { /* as above */ }
}
function now() { return new Date().toISOString().slice(0, 19) + "Z"; }
function done(task, step) { return work[task.number - 1].steps.some((s) => s.step === step); }
function take(task, step) {
  if (!done(task, step)) work[task.number - 1].steps.push({ step, at: now() });
  keep();
}

/* elements */
function el(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}
function parts(list) {
  return list.map((part) => typeof part === "string"
    ? el("bdi", /^[\p{Script=Han}\P{L}]+$/u.test(part) && /\p{Script=Han}/u.test(part) ? { lang: "zh" } : {}, part)
    : el("span", { className: "who" }, LABELS[part.who]));
}
function stepList(at) {
  return el("ol", { className: "steps" }, STEPS.map((name, i) =>
    el("li", at.includes(i) ? { "aria-current": "step" } : {}, `${i + 1} ${name}`)));
}
function show(at, heading, intro, ...rest) {
  const title = el("h1", { tabIndex: -1 }, heading);
  main.replaceChildren(at ? stepList(at) : "", title, ...intro.map((text) => el("p", { className: "top" }, text)),
    ...rest.flat().filter((one) => one !== null));
  window.scrollTo(0, 0);
  title.focus({ preventScroll: true });
}

/* edits */
function card(task, one, cites) {
  if (!one) return el("div");
  const size = one.size === null ? "" : (one.size < 0 ? "\u2212" : "+") + Math.abs(one.size);
  const facts = [one.date, size, one.minor ? "minor" : ""].filter(Boolean).join(" \u00b7 ");
  const line = el("div", { className: "m" }, el("span", {}, facts));
  if (packet.wiki) line.append(wikiButton(task, one));
  if (cites) line.append(citeBox(one, cites));
  const hidden = one.hidden.includes("comment");
  const said = one.summary && one.summary.length ? ["\u201c", ...parts(one.summary), "\u201d"]
    : [el("span", { className: "hint" }, hidden ? "summary hidden on the wiki" : one.summary ? "no summary" : "summary not known")];
  const shown = el("div", {}, line, el("span", { className: "sum" }, said));
  if (one.diff) shown.append(el("span", { className: "diff" }, one.diff.map(([kind, text]) =>
    kind === "same" ? parts(text) : el(kind, {}, parts(text)))));
  return shown;
}
function citeBox(one, cites) {
  const box = el("input", { type: "checkbox", checked: cites.has(one.rev), onchange: () => {
    if (box.checked) cites.add(one.rev); else cites.delete(one.rev);
    cites.changed();
  } });
  return el("label", {}, box, "cite");
}
function wikiButton(task, one) {
  const button = el("button", { type: "button", className: "plain", onclick: () => {
    if (button.dataset.sure) {
      work[task.number - 1].wiki_opened.push({ rev: one.rev, at: now(), before: !done(task, "first judgement") });
      keep();
      const colon = one.rev.lastIndexOf(":");
      const address = packet.wiki.replace("{wiki}", one.rev.slice(0, colon));
      window.open(address + encodeURIComponent(one.rev.slice(colon + 1)), "_blank", "noopener,noreferrer");
    } else {
      button.dataset.sure = "yes";
      button.textContent = "open: shows names, is recorded";
    }
  } }, "on the wiki");
  return button;
}
function pageBlock(task, page, cites) {
  const editors = page.editors === 1 ? "1 of the accounts read edited it" : `${page.editors} of the accounts read edited it`;
  const block = el("div", {}, el("h3", {}, el("span", {}, parts(page.title)), el("small", {}, [page.space, editors].filter(Boolean).join(" \u00b7 "))));
  for (const row of page.rows) {
    block.append(el("div", { className: "pair" }, card(task, row.a, cites),
      el("div", { className: "gap" }, row.gap, row.order ? el("small", {}, row.order) : null), card(task, row.b, cites)));
  }
  if (page.left_out) block.append(el("p", { className: "hint" }, `${page.left_out} more ${page.left_out === 1 ? "edit" : "edits"} of this page are not shown: long runs of one account are shortened.`));
  return block;
}
function side(name, one) {
  const span = one.first ? `, ${one.first} to ${one.last}` : "";
  return el("div", {}, LABELS[name], el("small", {}, `${one.edits.toLocaleString("en")} edits read${span}`));
}
function edits(task, cites, seen) {
  const sheet = task.sheet;
  const names = { shared: "On shared pages", only_a: "Only Account A", only_b: "Only Account B" };
  const views = el("div", { className: "views", role: "tablist" });
  const body = el("div");
  function open(name) {
    seen.add(name);
    for (const tab of views.children) tab.setAttribute("aria-selected", String(tab.dataset.view === name));
    const pages = sheet[name];
    const list = el("div");
    const left = el("p", { className: "hint" });
    let shown = 0;
    const more = el("button", { type: "button", className: "plain", onclick: next });
    function next() {
      for (const page of pages.slice(shown, shown + PAGES)) list.append(pageBlock(task, page, cites));
      shown = Math.min(shown + PAGES, pages.length);
      const total = sheet.totals[name];
      const held = total > pages.length ? `; the packet holds ${pages.length}, spread evenly over time` : "";
      left.textContent = pages.length ? `${shown} of ${total} pages, in time order${held}. ` : "No such page.";
      if (shown < pages.length) { more.textContent = `Show the next ${Math.min(PAGES, pages.length - shown)}`; left.append(more); }
    }
    next();
    body.replaceChildren(list, left);
    cites.changed();
  }
  for (const name of Object.keys(names)) {
    views.append(el("button", { type: "button", role: "tab", "data-view": name, onclick: () => open(name) },
      `${names[name]}, ${sheet.totals[name]} ${sheet.totals[name] === 1 ? "page" : "pages"}`));
  }
  for (const tab of views.children) tab.dataset.view = tab.getAttribute("data-view");
  queueMicrotask(() => open("shared"));
  return el("section", { "aria-label": "Edits side by side" }, views,
    el("div", { className: "heads" }, side("A", sheet.a), el("div", {}, "gap"), side("B", sheet.b)), body);
}

/* questions */
function choice(legend, name, options) {
  return el("fieldset", {}, el("legend", {}, legend), options.map(([value, text]) =>
    el("label", { className: "opt" }, el("input", { type: "radio", name, value }), el("span", {}, text))));
}
function question(label, name, hint) {
  return el("fieldset", {}, el("label", { className: "lg", htmlFor: name }, label), el("p", { className: "hint" }, hint), el("textarea", { id: name, name, maxLength: 20000 }));
}
function given(form, name) {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value.trim() : "";
}
function asked(form, needed, wrong) {
  const missing = Object.keys(needed).filter((name) => !given(form, name));
  wrong.textContent = missing.length ? "Still open: " + missing.map((name) => needed[name]).join("; ") + "." : "";
  return !missing.length;
}
function turned(options) { return packet.answers_reversed ? [...options].reverse() : options; }
const WORDS = {
  "one operator": "One operator", "one operator, with doubts": "One operator, with doubts",
  "cannot tell": "I cannot tell from these edits", "different people, with doubts": "Different people, with doubts",
  "different people": "Different people",
};
const FINDINGS = {
  review: [["upheld", "The evidence supports the link"], ["inconclusive", "It does not settle the question"], ["not upheld", "The evidence does not support the link"]],
  reversal: [["stands", "The link stands"], ["inconclusive", "It does not settle the question"], ["reversed", "The link was wrong: take it back"]],
};

/* the two phases */
function judge(task) {
  const cites = new Set(work[task.number - 1].cites);
  const seen = new Set();
  const needed = ["shared", "only_a", "only_b"].filter((name) => task.sheet[name].length);
  const cited = el("p", { className: "hint" });
  const wrong = el("p", { className: "wrong", role: "alert" });
  cites.changed = () => {
    cited.textContent = `${cites.size === 1 ? "1 edit" : cites.size + " edits"} cited. Required.`;
    work[task.number - 1].cites = [...cites];
    keep();
  };
  const says = question("What in the edits says so?", "says", "");
  says.querySelector(".hint").replaceWith(cited);
  const form = el("form", { "aria-label": "First judgement", onsubmit: (event) => { event.preventDefault(); record(); } },
    choice("First judgement: what do these edits point to?", "judgement", turned(packet.judgements).map((j) => [j, WORDS[j]])),
    says,
    question("What else could explain it?", "else", "A shared project, a template, a script, one teacher. Required."),
    choice("Do you know either account?", "knows", [["no", "No"], ["yes", "I think I recognise one"]]),
    wrong, el("button", { className: "go" }, "Record my first judgement"),
    el("p", { className: "later" }, "It cannot be changed. Your finding, later, may differ from it."));
  function record() {
    if (!asked(form, { judgement: "your judgement", says: "what in the edits says so", else: "what else could explain it", knows: "whether you know either" }, wrong)) return;
    if (needed.some((name) => !seen.has(name))) { wrong.textContent = "Read at least one page of each view first."; return; }
    take(task, "read");
    const answer = { judgement: given(form, "judgement"), says: given(form, "says"), else: given(form, "else"), knows: given(form, "knows") === "yes", cites: [...cites].sort() };
    work[task.number - 1].answers["first judgement"] = { answer, salt: salt() };
    take(task, "first judgement");
    next();
  }
  const held = packet.diffs ? "" : " This packet holds no diffs: an edit is told by its page, day, size and summary.";
  const wiki = packet.wiki ? " Opening an edit on the wiki shows names: it ends the blinding and is recorded." : "";
  show([0, 1], "Read both accounts\u2019 edits, then say what you see", [
    `Pair ${task.number} of ${packet.tasks.length}, in an order shuffled for you. Some pairs are known to be different people. Names are replaced wherever they occur, and the evidence waits until you have judged every pair.${wiki}${held}`,
  ], el("div", { className: "lay" }, edits(task, cites, seen), form));
}
function items(task, list) {
  const heads = el("div", { className: "heads" }, el("div", {}, LABELS.A), el("div"), el("div", {}, LABELS.B));
  return [heads, ...list.map((item) => el("div", { className: "item" },
    el("h3", {}, el("span", {}, item.signal), el("small", {}, `${item.family} \u00b7 rests on ${count(item.support)}`)),
    item.edits.map((one) => el("div", { className: "pair" }, card(task, one.who === "A" ? one : null), el("div", { className: "gap" }), card(task, one.who === "B" ? one : null))),
    item.edits.length ? null : el("p", { className: "hint" }, "No single edits stand for it."),
    item.left_out ? el("p", { className: "hint" }, `and ${item.left_out} more edits`) : null))];
}
function count(n) { return `${n.toLocaleString("en")} ${n === 1 ? "edit" : "edits"} or more each`; }
function go(text, action) { return el("button", { type: "button", className: "go", onclick: action }, text); }
function evidence(task) {
  const shown = task.exhibit;
  const none = (list, text) => list.length ? items(task, list) : el("p", {}, text);
  const which = `Pair ${task.number}.`;
  const edge = "Each signal is told with the edits that moved it most; what it weighs is not in this packet.";
  if (!done(task, "against")) {
    show([2], "What speaks against one operator", [which, edge], none(shown.against, "No signal speaks against one operator."), alibis(shown), go("I have read it", () => { take(task, "against"); next(); }));
  } else if (!done(task, "for")) {
    show([3], "What speaks for one operator", [which, edge], none(shown.towards, "No signal speaks for one operator."), go("I have read it", () => { take(task, "for"); next(); }));
  } else if (!done(task, "all")) {
    show([4], "All evidence", [which], summary(shown), received(shown), changed(task), go("I have read it", () => { take(task, "all"); next(); }));
  } else finding(task);
}
function alibis(shown) {
  if (!shown.alibis.length) return null;
  return el("div", {}, el("h2", {}, "Simultaneous work on different pages"), table(["Day", "Edits by turns", "Expected by chance"],
    shown.alibis.map((one) => [one.date, String(one.n_edits), one.expected === null ? "\u2013" : one.expected.toPrecision(2)])));
}
function table(heads, rows) {
  return el("table", {}, el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell))))));
}
function summary(shown) {
  const all = [...shown.against, ...shown.towards, ...shown.silent];
  return el("div", {}, el("h2", {}, "Every signal"), table(["Signal", "Family", "Speaks", "Rests on"], all.map((one) => [one.signal, one.family, one.direction, count(one.support)])));
}
function received(shown) {
  if (!shown.received.length) return null;
  return el("div", {}, el("h2", {}, "Evidence received"), table(["Day", "Speaks", "Authenticated by", "What it says"],
    shown.received.map((one) => [one.date, one.speaks, one.authenticated_by, el("span", {}, parts(one.summary))])));
}
function changed(task) {
  const shown = task.exhibit;
  if (task.kind !== "reversal") return null;
  if (!shown.changes.length) return el("div", {}, el("h2", {}, "What the link rested on"), el("p", {}, "It was made elsewhere: what it rested on then is not held here."));
  return el("div", {}, el("h2", {}, "What the link rested on, and rests on now"), table(["Signal", "Then", "Now"], shown.changes.map((one) => [one.signal, one.then, one.now])));
}
function finding(task) {
  const wrong = el("p", { className: "wrong", role: "alert" });
  const alibi = task.exhibit.alibi_asked;
  const needed = { finding: "your finding", why: "why", alternative: "the strongest alternative", ...(alibi ? { alibi: "the simultaneous work" } : {}) };
  const form = el("form", { "aria-label": "Finding", onsubmit: (event) => { event.preventDefault(); record(); } },
    choice("What do you find?", "finding", turned(FINDINGS[task.kind])),
    question("Why?", "why", "Required."),
    question("What is the strongest other explanation?", "alternative", "Friends, colleagues, a shared script, chance. Required."),
    alibi ? choice("The simultaneous work", "alibi", [["accepted", "shows two people: keep the accounts apart"], ["explained", "has another explanation, given above"]]) : null,
    wrong, el("button", { className: "go" }, "Record my finding"), el("p", { className: "later" }, "It cannot be changed."));
  function record() {
    if (!asked(form, needed, wrong)) return;
    const answer = { finding: given(form, "finding"), why: given(form, "why"), alternative: given(form, "alternative"), alibi: alibi ? given(form, "alibi") : null };
    work[task.number - 1].answers.finding = { answer, salt: salt() };
    take(task, "finding");
    next();
  }
  const first = work[task.number - 1].answers["first judgement"].answer;
  show([5], "Your finding", [`Pair ${task.number}. From the edits alone you said: ${first.judgement}.`, task.kind === "reversal" ? "This link was made before. The question is whether it is taken back." : "The question is whether the evidence supports the link."], form);
}

/* saving */
function salt() {
  return [...crypto.getRandomValues(new Uint8Array(32))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
function canonical(value) {
  if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
  if (value && typeof value === "object") return "{" + Object.keys(value).sort().map((key) => JSON.stringify(key) + ":" + canonical(value[key])).join(",") + "}";
  return JSON.stringify(value);
}
async function commit(task, sealed) {
  const text = canonical({ answer: sealed.answer, reviewer: packet.reviewer_key, salt: sealed.salt, subject: [packet.packet, task.number] });
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("");
}
async function save(closed) {
  const answers = [];
  for (const task of packet.tasks) {
    const mine = work[task.number - 1];
    const commits = {};
    for (const [step, sealed] of Object.entries(mine.answers)) commits[step] = await commit(task, sealed);
    answers.push({ pair: task.number, steps: mine.steps, wiki_opened: mine.wiki_opened, commits, ...(closed ? {} : { answers: mine.answers }) });
  }
  const file = { format: packet.answers_format, packet: packet.packet, case: packet.case, reviewer: packet.reviewer, manifest: packet.manifest, head: packet.head, answers };
  const link = el("a", { download: `${packet.case}-${packet.packet.slice(0, 8)}-${closed ? "commitments" : "findings"}.json`, href: URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function end() {
  show(null, "All pairs are reviewed", [
    "Save your commitments first and send that file: it binds you to your findings without showing them.",
    "Once the other reviewer\u2019s commitments are in as well, save your findings and send that file. Keep both.",
  ], go("Save my commitments", () => save(true)), go("Save my findings", () => save(false)),
    el("p", { className: "hint" }, "Your answers stay in this browser until you remove them. Remove them once your findings were taken in."),
    el("button", { type: "button", className: "plain", onclick: (event) => { try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ } event.target.replaceWith("Removed from this browser."); } }, "Remove my answers from this browser"));
}
function next() {
  const unjudged = packet.tasks.find((task) => !done(task, "first judgement"));
  if (unjudged) return judge(unjudged);
  const open = packet.tasks.find((task) => task.exhibit && !done(task, "finding"));
  return open ? evidence(open) : end();
}
function start() {
  if (!window.crypto || !crypto.subtle) {
    show(null, "This browser cannot close your answers", ["It offers no SHA-256 to a page opened from a file. Open the packet in a current Firefox or Chromium."]);
    return;
  }
  if (!packet.tasks.length) { show(null, "Nothing waits for you", ["No link of this case is open to your review."]); return; }
  next();
}
start();
