"use strict";
/* A review packet: every pair is judged from its edits first; the evidence follows, the finding comes last. What
   spares a person closes after the evidence against it; what may end in a lock goes the whole way.
   Answers stay in this browser until they are saved to a file. Whatever an account holder wrote reaches the
   page as text nodes only. */
const packet = JSON.parse(document.getElementById("packet").textContent);
const main = document.getElementById("main");
const KEY = "sockgraph-packet-" + packet.packet;
const words = packet.words;
const LABELS = words.labels;
/* A text in the packet's language, its {names} filled in; the table is the kernel's, see sockgraph/strings.tsv. */
const t = (text, values = {}) => (words.strings[text] ?? text).replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
const many = (n, one, more) => t(n === 1 ? one : more, { n: n.toLocaleString("en") });
const PAGES = 10;
const MORE = 40;
const JOINS = "may be one operator";
const LIGHT = "light judgement";
const work = restored();
let lastElse = "";

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
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}
function parts(list) {
  return list.map((part) => typeof part === "string"
    ? el("bdi", /^[\p{Script=Han}\P{L}]+$/u.test(part) && /\p{Script=Han}/u.test(part) ? { lang: "zh" } : {}, part)
    : el("span", { className: "who" }, LABELS[part.who]));
}
function show(heading, intro, ...rest) {
  const title = el("h1", { tabIndex: -1 }, heading);
  main.replaceChildren(title, ...intro.map((text) => el("p", { className: "top" }, text)),
    ...rest.flat(Infinity).filter((one) => one !== null));
  window.scrollTo(0, 0);
  title.focus({ preventScroll: true });
}

/* edits */
function card(task, one, cites) {
  if (!one) return el("div");
  const size = one.size === null ? "" : (one.size < 0 ? "\u2212" : "+") + Math.abs(one.size);
  const facts = [one.date, size, one.minor ? t("minor") : ""].filter(Boolean).join(" \u00b7 ");
  const line = el("div", { className: "m" }, el("span", {}, facts));
  if (packet.wiki) line.append(wikiButton(task, one));
  if (cites) line.append(citeBox(one, cites));
  const hidden = one.hidden.includes("comment");
  const said = one.summary && one.summary.length ? ["\u201c", ...parts(one.summary), "\u201d"]
    : [el("span", { className: "hint" }, hidden ? t("summary hidden on the wiki") : one.summary ? t("no summary") : t("summary not known"))];
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
  return el("label", {}, box, t("cite"));
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
      button.textContent = t("open: shows names, is recorded");
    }
  } }, t("on the wiki"));
  return button;
}
function pageBlock(task, page, cites) {
  const editors = t("{n} of the accounts read edited it", { n: page.editors });
  const block = el("div", {}, el("h3", {}, el("span", {}, parts(page.title)), el("small", {}, [page.space, editors].filter(Boolean).join(" \u00b7 "))));
  for (const row of page.rows) {
    block.append(el("div", { className: "pair" }, card(task, row.a, cites),
      el("div", { className: "gap" }, row.gap, row.order ? el("small", {}, row.order) : null), card(task, row.b, cites)));
  }
  if (page.left_out) block.append(el("p", { className: "hint" }, many(page.left_out, "{n} more edit of this page is not shown: long runs of one account are shortened.", "{n} more edits of this page are not shown: long runs of one account are shortened.")));
  return block;
}
function side(name, one) {
  const span = one.first ? t(", {first} to {last}", one) : "";
  return el("div", {}, LABELS[name], el("small", {}, many(one.edits, "{n} edit read", "{n} edits read") + span));
}
function edits(task, cites, seen) {
  const sheet = task.sheet;
  const names = words.views;
  const views = el("div", { className: "views", role: "tablist" });
  const body = el("div");
  function open(name) {
    seen.add(name);
    for (const tab of views.children) tab.setAttribute("aria-selected", String(tab.dataset.view === name));
    const pages = sheet[name];
    const list = el("div");
    const left = el("p", { className: "hint" });
    let shown = 0;
    const more = el("button", { type: "button", className: "plain", onclick: () => next(MORE) });
    function next(n) {
      for (const page of pages.slice(shown, shown + n)) list.append(pageBlock(task, page, cites));
      shown = Math.min(shown + n, pages.length);
      const total = sheet.totals[name];
      const held = total > pages.length ? t("; the packet holds {n}, spread evenly over time", { n: pages.length }) : "";
      const order = name === "shared" ? words.order : t("in time order");
      left.textContent = pages.length ? t("{n} of {all} pages; {order}{held}. ", { n: shown, all: total, order, held }) : t("No such page.");
      if (shown < pages.length) { more.textContent = t("Show the next {n}", { n: Math.min(MORE, pages.length - shown) }); left.append(more); }
    }
    next(PAGES);
    body.replaceChildren(list, left);
    cites.changed();
  }
  for (const name of ["shared", "only_a", "only_b"]) {
    views.append(el("button", { type: "button", role: "tab", "data-view": name, onclick: () => open(name) },
      names[name] + t(", ") + many(sheet.totals[name], "{n} page", "{n} pages")));
  }
  for (const tab of views.children) tab.dataset.view = tab.getAttribute("data-view");
  queueMicrotask(() => open("shared"));
  return el("section", { "aria-label": t("Edits side by side") }, views,
    el("div", { className: "heads" }, side("A", sheet.a), el("div", {}, t("gap")), side("B", sheet.b)), body);
}

/* questions */
function choice(legend, name, options) {
  return el("fieldset", {}, el("legend", {}, legend), options.map(([value, text, hint]) =>
    el("label", { className: "opt" }, el("input", { type: "radio", name, value }),
      el("span", {}, text, hint ? el("small", {}, hint) : null))));
}
function question(name, hint, value = "") {
  return el("fieldset", {}, el("label", { className: "lg", htmlFor: name }, words.questions[name]),
    el("p", { className: "hint" }, hint), el("textarea", { id: name, name, maxLength: 20000, value }));
}
function given(form, name) {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value.trim() : "";
}
function asked(form, needed, wrong) {
  const missing = Object.keys(needed).filter((name) => !given(form, name));
  wrong.textContent = missing.length ? t("Still open: {what}.", { what: missing.map((name) => needed[name]).join("; ") }) : "";
  return !missing.length;
}
function turned(options) { return packet.answers_reversed ? [...options].reverse() : options; }

/* the judgement */
function judge(task) {
  const cites = new Set(work[task.number - 1].cites);
  const seen = new Set();
  const needed = ["shared", "only_a", "only_b"].filter((name) => task.sheet[name].length);
  const cited = el("p", { className: "hint" });
  const wrong = el("p", { className: "wrong", role: "alert" });
  cites.changed = () => {
    cited.textContent = many(cites.size, "{n} edit cited.", "{n} edits cited.");
    work[task.number - 1].cites = [...cites];
    keep();
  };
  const says = question("says", "");
  says.querySelector(".hint").replaceWith(cited);
  const other = question("else", words.hints.else, lastElse);
  other.hidden = true;
  const form = el("form", { "aria-label": t("First judgement"), onsubmit: (event) => { event.preventDefault(); record(); },
      onchange: () => { other.hidden = given(form, "judgement") !== JOINS; } },
    choice(words.questions.judgement, "judgement", turned(words.judgements)),
    says, other,
    el("label", { className: "opt" }, el("input", { type: "checkbox", name: "knows", value: "yes" }), el("span", {}, words.questions.knows)),
    wrong, el("button", { className: "go" }, t("Record")),
    el("p", { className: "later" }, t("It is recorded once and cannot be changed.")));
  function record() {
    if (!asked(form, { judgement: t("your judgement") }, wrong)) return;
    const judgement = given(form, "judgement");
    const joins = judgement === JOINS;
    if (joins && !asked(form, { says: t("what in the edits says so"), else: t("what else could explain it") }, wrong)) return;
    if (joins && needed.some((name) => !seen.has(name))) { wrong.textContent = t("Read at least one page of each view first."); return; }
    if (judgement === "cannot tell" && !asked(form, { says: t("a line on what is missing") }, wrong)) return;
    if (!joins && !given(form, "says") && !cites.size) { wrong.textContent = t("Still open: {what}.", { what: t("an edit that shows it, or a sentence") }); return; }
    const said = { judgement, says: given(form, "says"), knows: given(form, "knows") === "yes", cites: [...cites].sort() };
    const mine = work[task.number - 1];
    take(task, "read");
    if (joins) lastElse = given(form, "else");
    if (!joins && task.light && task.exhibit) {
      mine.light = said;
      take(task, LIGHT);
    } else {
      mine.answers["first judgement"] = { answer: { ...said, else: joins ? given(form, "else") : "" }, salt: salt() };
      take(task, "first judgement");
    }
    next();
  }
  const held = packet.diffs ? "" : t(" This packet holds no diffs: an edit is told by its page, day, size and summary.");
  const wiki = packet.wiki ? t(" Opening an edit on the wiki shows names: it ends the blinding and is recorded.") : "";
  show(words.read, [
    t("Pair {n} of {all}, in an order shuffled for you. Some pairs may be known to be different people. Names are replaced wherever they occur, and the evidence waits until you have judged every pair.", { n: task.number, all: packet.tasks.length }) + wiki + held,
  ], el("div", { className: "lay" }, edits(task, cites, seen), form));
}

/* the evidence and the finding */
function cell(task, one) {
  if (one === null) return null;
  if (typeof one === "string") return one;
  return Array.isArray(one) ? el("span", {}, parts(one)) : card(task, one);
}
function block(task, one) {
  const made = el("div", { className: "item" }, one.head ? el("h2", {}, one.head) : null, one.note ? el("p", {}, one.note) : null);
  if (one.edits) {
    if (one.rows.length) made.append(el("div", { className: "heads" }, el("div", {}, LABELS.A), el("div"), el("div", {}, LABELS.B)));
    for (const [a, gap, b] of one.rows) made.append(el("div", { className: "pair" }, card(task, a), el("div", { className: "gap" }, gap), card(task, b)));
  } else if (one.rows.length) {
    made.append(el("div", { className: "wide" }, el("table", {}, el("thead", {}, el("tr", {}, one.columns.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, one.rows.map((row) => el("tr", {}, row.map((c) => el("td", {}, cell(task, c)))))))));
  }
  return made;
}
function go(text, action) { return el("button", { type: "button", className: "go", onclick: action }, text); }
function evidence(task) {
  const light = done(task, LIGHT);
  const step = (light ? ["against"] : ["against", "for", "all"]).find((name) => !done(task, name));
  if (!step) { finding(task); return; }
  const shown = { against: task.exhibit.against, for: task.exhibit.towards, all: task.exhibit.everything }[step];
  const intro = [t("Pair {n}.", { n: task.number })];
  if (step !== "all") intro.push(t("Each signal is told with the edits that moved it most; what it weighs is not in this packet."));
  if (light) intro.push(t("You judged that this link is not to be made. This is what speaks against it; then the pair closes."));
  show(words.steps[step], intro, shown.map((one) => block(task, one)), go(light ? t("I have read it: close the pair") : t("I have read it"), () => { take(task, step); next(); }));
}
function finding(task) {
  const wrong = el("p", { className: "wrong", role: "alert" });
  const doubts = task.exhibit.asked;
  const needed = { finding: t("your finding"), why: t("why"), alternative: t("the strongest other explanation"), ...Object.fromEntries(doubts.map((doubt) => [doubt, words.questions[doubt].toLowerCase()])) };
  const form = el("form", { "aria-label": t("Finding"), onsubmit: (event) => { event.preventDefault(); record(); } },
    choice(words.questions.finding, "finding", turned(words.findings[task.kind])),
    question("why", t("Required.")),
    question("alternative", words.hints.alternative + t(" Required.")),
    ...doubts.map((doubt) => choice(words.questions[doubt], doubt, words.doubts[doubt])),
    wrong, el("button", { className: "go" }, t("Record my finding")), el("p", { className: "later" }, t("It cannot be changed.")));
  function record() {
    if (!asked(form, needed, wrong)) return;
    const found = given(form, "finding");
    if (doubts.some((doubt) => given(form, doubt) === "accepted") && ["upheld", "stands"].includes(found)) {
      wrong.textContent = t("What shows two people and a link that joins them exclude each other: change one of the two.");
      return;
    }
    const answer = { finding: found, why: given(form, "why"), alternative: given(form, "alternative"), alibi: null, ...Object.fromEntries(doubts.map((doubt) => [doubt, given(form, doubt)])) };
    work[task.number - 1].answers.finding = { answer, salt: salt() };
    take(task, "finding");
    next();
  }
  const first = work[task.number - 1].answers["first judgement"].answer;
  show(words.steps.finding, [t("Pair {n}. From the edits alone you said: {judgement}.", { n: task.number, judgement: words.judgements.find(([key]) => key === first.judgement)[1] }), task.kind === "reversal" ? t("This link was made before. The question is whether it is taken back.") : t("The question is whether the evidence supports the link.")], form);
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
    answers.push({ pair: task.number, steps: mine.steps, wiki_opened: mine.wiki_opened, commits, ...(mine.light ? { light: mine.light } : {}), ...(closed ? {} : { answers: mine.answers }) });
  }
  const file = { format: packet.answers_format, packet: packet.packet, case: packet.case, reviewer: packet.reviewer, manifest: packet.manifest, head: packet.head, answers };
  const link = el("a", { download: `${packet.case}-${packet.packet.slice(0, 8)}-${closed ? "commitments" : "findings"}.json`, href: URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function end() {
  const full = packet.tasks.some((task) => done(task, "finding"));
  const intro = full ? [
    t("Save your commitments first and send that file: it binds you to your findings without showing them. What you closed on the light path stands in it openly."),
    t("Once every reviewer’s commitments are in, save your findings and send that file. Keep both."),
  ] : [t("Nothing here needs a second person. Save your answers and send that file.")];
  const buttons = full ? [go(t("Save my commitments"), () => save(true)), go(t("Save my findings"), () => save(false))] : [go(t("Save my answers"), () => save(false))];
  show(t("All pairs are reviewed"), intro, buttons,
    el("p", { className: "hint" }, t("Your answers stay in this browser until you remove them. Remove them once they were taken in.")),
    el("button", { type: "button", className: "plain", onclick: (event) => { try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ } event.target.replaceWith(t("Removed from this browser.")); } }, t("Remove my answers from this browser")));
}
function next() {
  const unjudged = packet.tasks.find((task) => !done(task, "first judgement") && !done(task, LIGHT));
  if (unjudged) return judge(unjudged);
  const open = packet.tasks.find((task) => task.exhibit && !done(task, done(task, LIGHT) ? "against" : "finding"));
  return open ? evidence(open) : end();
}
function start() {
  if (!window.crypto || !crypto.subtle) {
    show(t("This browser cannot close your answers"), [t("It offers no SHA-256 to a page opened from a file. Open the packet in a current Firefox or Chromium.")]);
    return;
  }
  if (!packet.tasks.length) { show(t("Nothing waits for you"), [t("No link of this case is open to your review.")]); return; }
  next();
}
start();
