// The explorer: draws what the kernel sends, and asks it for every panel. No library, no network.
// Names and summaries reach the page as text nodes, or as HTML that the kernel has escaped.

const SVG = "http://www.w3.org/2000/svg";
const TABS = ["Evidence", "Edits", "Timecards", "Timeline", "Summaries", "Notes"];
const KEY = { Evidence: "evidence", Timecards: "timecards", Timeline: "timeline", Summaries: "summaries" };
const W = 400, H = 430, PAD = 70;
const FEW = 12; // links that are drawn with their number beside them

const el = (tag, cls, text) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
};
const draw = (tag, attributes = {}, text) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const option = (value, words) => Object.assign(el("option", "", words), { value });
// Fills a side of the picture: names need the room that marks do not.
const spread = (values, side) => {
  const low = Math.min(...values), span = Math.max(...values) - low;
  return (value) => (span ? PAD + ((value - low) / span) * (side - 2 * PAD) : side / 2);
};
const labelled = (words, control) => {
  const label = el("label", "", words + " ");
  label.append(control);
  return label;
};
const signed = (v) => (v === null ? "–" : (v < -0.05 ? "−" : v > 0.05 ? "+" : "") + Math.abs(v).toFixed(1));
const named = (text) => {
  const node = el("bdi", "", text);
  if (/^[\u3400-\u9fff]+$/.test(text)) node.lang = "zh";
  return node;
};
const gapWords = (seconds) => {
  if (seconds === null) return "";
  if (seconds < 60) return "<1 min";
  if (seconds < 5400) return Math.round(seconds / 60) + " min";
  if (seconds < 129600) return Math.round(seconds / 3600) + " h";
  return Math.round(seconds / 86400).toLocaleString("en") + " days";
};
const pairKey = (link) => link.a + "\u0000" + link.b;

function render({ model, el: root }) {
  const app = el("div", "sg");
  app.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its own keys out
  root.append(app);
  const area = root.closest(".jp-OutputArea, .output_wrapper, .output") ?? root;
  for (const table of area.querySelectorAll(".sg-fallback")) table.hidden = true; // the graph stands in its place
  const problem = model.get("problem");
  if (problem) return void app.append(problemBox(problem));
  const scene = model.get("scene");
  const state = {
    link: null, tab: "Edits", chosen: new Set(), signal: "", floor: null,
    family: "", state: "", find: "", cache: new Map(),
  };
  const labels = new Map(scene.nodes.map((n) => [n.user, n.label])); // as the report writes them
  const label = (user) => labels.get(user) ?? "?";
  let asked = 0;
  const waiting = new Map();
  const heard = (content) => {
    const done = waiting.get(content.re);
    waiting.delete(content.re);
    if (done) done(content);
  };
  model.on("msg:custom", heard);
  const ask = (question) =>
    new Promise((done) => {
      asked += 1;
      waiting.set(asked, done);
      model.send({ ...question, re: asked });
    });
  // What was asked once is kept, and its answer is dropped where another link was chosen since.
  const about = async (question) => {
    const key = JSON.stringify(question);
    if (!state.cache.has(key)) state.cache.set(key, await ask(question));
    return state.cache.get(key);
  };

  // --- the bar -------------------------------------------------------------------------------
  const bar = el("div", "bar");
  const search = Object.assign(el("input"), { type: "search", placeholder: "Find an account" });
  search.setAttribute("aria-label", "Find an account");
  search.setAttribute("list", "sg-accounts");
  const names = Object.assign(el("datalist"), { id: "sg-accounts" });
  names.append(...scene.nodes.map((n) => option(n.label, n.label)));
  const other = Object.assign(el("input"), { type: "search", placeholder: "with which other?" });
  other.setAttribute("aria-label", "The other account");
  other.setAttribute("list", "sg-others");
  const others = Object.assign(el("datalist"), { id: "sg-others" });
  const range = Object.assign(el("input"), { type: "range", min: -3, max: 3, step: 0.1, value: state.floor ?? Math.min(0.5, scene.threshold) });
  const floor = el("b", "floor");
  const family = el("select");
  family.append(option("", "any"), ...scene.families.map((f) => option(f, f)));
  const states = [...new Set(scene.links.map((l) => l.state))].sort();
  const status = el("select");
  status.append(option("", "any"), option("flagged", "flagged"),
    ...states.filter((s) => s !== "flagged" && s !== "none").map((s) => option(s, s)));
  const tally = el("span", "tally");
  bar.append(el("b", "case", scene.slug), search, "×", other, names, others, labelled("Links from", range), floor,
    labelled("Family for", family), labelled("State", status), el("span", "grow"), tally);

  // --- the graph -----------------------------------------------------------------------------
  const left = el("div", "left"), right = el("div", "right"), body = el("div", "body");
  body.append(left, right);
  const picture = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "group", "aria-label": "Graph of accounts and links" });
  const key = el("div", "key"), groupBox = el("div", "group");
  groupBox.setAttribute("aria-live", "polite");
  left.append(picture, key, groupBox);
  drawKey(key);
  const across = spread(scene.nodes.map((n) => n.x), W), down = spread(scene.nodes.map((n) => n.y), H);
  const place = new Map(scene.nodes.map((n) => [n.user, [across(n.x), down(n.y)]]));
  const many = scene.nodes.length > 40;
  const edgeOf = new Map(), nodeOf = new Map();
  let first = null; // the link that the keyboard comes to where none is chosen
  let taken = []; // boxes of what is drawn already: no label covers another
  const shown = () => scene.links.filter((l) => place.has(l.a) && place.has(l.b) && keep(l, state));

  function paint() {
    const links = shown();
    first = links[0];
    taken = scene.nodes.map((n) => { const [x, y] = place.get(n.user); return [x - 9, y - 9, x + 9, y + 9]; });
    picture.replaceChildren(hatch());
    for (const group of scene.groups) picture.append(outline(group));
    for (const pair of scene.concert) if (place.has(pair.a) && place.has(pair.b)) picture.append(concert(pair));
    for (const link of links) picture.append(edge(link));
    for (const node of scene.nodes) picture.append(dot(node));
    for (const node of scene.nodes) nameNode(node);
    for (const link of links) if (links.length <= FEW || same(link)) number(link);
    floor.textContent = state.floor === null ? "those the report draws" : `log10 LR ≥ ${signed(Number(state.floor))}`;
    const more = scene.left_out ? `; ${scene.left_out.toLocaleString("en")} weaker ones not sent` : "";
    tally.textContent = `${links.length} of ${scene.pairs.toLocaleString("en")} pairs drawn${more}`;
  }

  function edge(link) {
    const [x1, y1] = place.get(link.a), [x2, y2] = place.get(link.b);
    const line = draw("g", {
      class: `link ${link.direction}${link.state === "none" && !link.flagged ? "" : " known"}`,
      tabindex: same(link) || (!state.link && link === first) ? 0 : -1, role: "button", "data-a": link.a, "data-b": link.b,
      "aria-label": `Link of ${label(link.a)} and ${label(link.b)}, log10 LR ${signed(link.lr)}`,
    });
    const width = 1.5 + 3.2 * Math.abs(link.lr);
    if (same(link)) line.append(draw("line", { x1, y1, x2, y2, class: "chosen", "stroke-width": width + 7 }));
    line.append(draw("line", { x1, y1, x2, y2, class: "hit" }), draw("line", { x1, y1, x2, y2, class: "drawn", "stroke-width": width }));
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
    if (link.apart) line.append(draw("path", { class: "cross", d: `M${mx - 7} ${my - 7}l14 14m0 -14l-14 14` }));
    line.addEventListener("click", () => choose(link));
    edgeOf.set(pairKey(link), line);
    return line;
  }

  function dot(node) {
    const [x, y] = place.get(node.user);
    const on = state.link && (state.link.a === node.user || state.link.b === node.user);
    const near = state.find && node.label.toLowerCase().includes(state.find);
    const g = draw("g", { class: `node${node.insufficient ? " open" : ""}${near ? " found" : ""}`, "data-user": node.user });
    const second = state.link && state.link.b === node.user;
    g.append(draw("circle", { cx: x, cy: y, r: many && !on ? 4.5 : 8, class: second ? "hollow" : "" }));
    g.append(draw("title", {}, `${node.label}: ${node.edits.toLocaleString("en")} edits${node.insufficient ? ", too few to compare" : ""}`));
    nodeOf.set(node.user, g);
    g.addEventListener("click", (event) => {
      if (event.shiftKey && state.held && state.held !== node) return openPair(state.held, node);
      state.held = node;
      const mine = strongestOf(node.user);
      if (mine && !event.shiftKey) choose(mine);
    });
    return g;
  }

  // Puts a text where it covers nothing: each place is x, y of its baseline and its anchor.
  function settle(text, width, places, parent) {
    const box = ([x, y, anchor]) => {
      const left = anchor === "end" ? x - width : anchor === "middle" ? x - width / 2 : x;
      return [left, y - 12, left + width, y + 4];
    };
    const clash = (b) => (b[0] < 0 || b[2] > W || b[1] < 0 || b[3] > H ? 3 : 0)
      + taken.filter((t) => b[0] < t[2] && t[0] < b[2] && b[1] < t[3] && t[1] < b[3]).length;
    const best = places.reduce((one, other) => (clash(box(other)) < clash(box(one)) ? other : one));
    if (clash(box(best)) && parent.classList.contains("link")) return;
    taken.push(box(best));
    for (const [name, value] of [["x", best[0]], ["y", best[1]], ["text-anchor", best[2]]]) text.setAttribute(name, value);
    parent.append(text);
  }

  function nameNode(node) {
    const on = state.link && (state.link.a === node.user || state.link.b === node.user);
    const near = state.find && node.label.toLowerCase().includes(state.find);
    if (many && !on && !near) return;
    const [x, y] = place.get(node.user), g = nodeOf.get(node.user);
    const words = node.label; // hatched where there are too few edits, as its title says
    const text = draw("text", {}, words);
    if (node.han) text.setAttribute("lang", "zh");
    const width = [...words].reduce((sum, c) => sum + (c > "\u2e7f" ? 14 : 9), 0);
    settle(text, width, [[x, y - 14, "middle"], [x, y + 23, "middle"], [x + 13, y + 5, "start"], [x - 13, y + 5, "end"], [x + 8, y - 14, "start"], [x - 8, y - 14, "end"], [x + 8, y + 23, "start"], [x - 8, y + 23, "end"]], g);
  }

  function number(link) {
    const [x1, y1] = place.get(link.a), [x2, y2] = place.get(link.b);
    const g = edgeOf.get(pairKey(link));
    const at = [0.5, 0.4, 0.6, 0.3, 0.7].flatMap((t) => [[x1 + t * (x2 - x1) + 9, y1 + t * (y2 - y1) - 5, "start"], [x1 + t * (x2 - x1) - 9, y1 + t * (y2 - y1) + 13, "end"]]);
    settle(draw("text", { class: "lr" }, signed(link.lr)), 32, at, g);
  }

  function outline(group) {
    const points = group.users.filter((u) => place.has(u)).map((u) => place.get(u));
    const g = draw("g", { class: `outline${group.stable ? "" : " unresolved"}`, tabindex: 0, role: "button", "data-group": group.number, "aria-label": `Group ${group.number}, ${group.stable ? "stable" : "unresolved"}` });
    if (points.length < 2) return g;
    const border = hull(points);
    const d = "M" + border.map((p) => p.join(" ")).join("L") + "Z";
    g.append(draw("path", { d, class: "halo" }), draw("path", { d, class: "fill" }));
    const top = points.reduce((a, b) => (a[1] < b[1] ? a : b));
    const x = Math.min(top[0] + 22, W - 110), y = Math.max(top[1] - 34, 14);
    g.append(draw("text", { x, y, class: "small" }, `Group ${group.number}, ${group.stable ? "stable" : "unresolved"}`));
    taken.push([x, y - 12, x + 110, y + 4]);
    g.addEventListener("click", () => openGroup(group.number));
    g.addEventListener("keydown", (event) => { if (event.key === "Enter") { openGroup(group.number); event.stopPropagation(); } });
    return g;
  }

  function concert(pair) {
    const [x1, y1] = place.get(pair.a), [x2, y2] = place.get(pair.b);
    const line = draw("line", { x1, y1, x2, y2, class: "concert" });
    line.append(draw("title", {}, `${label(pair.a)} and ${label(pair.b)} act in concert beyond chance: a question of its own, not of one operator`));
    return line;
  }

  async function openGroup(number) {
    const said = await about({ ask: "group", number });
    groupBox.replaceChildren(said.problem ? problemBox(said.problem) : markup(said.group));
  }

  // --- the link ------------------------------------------------------------------------------
  const who = el("div", "head"), tabs = el("div", "tabs"), panel = el("div", "panel");
  tabs.setAttribute("role", "tablist");
  panel.setAttribute("role", "tabpanel");
  panel.tabIndex = 0;
  right.append(who, tabs, panel);
  TABS.forEach((name, i) => {
    const tab = el("button", "", name);
    tab.setAttribute("role", "tab");
    tab.dataset.tab = name;
    tab.title = `Key ${i + 1}`;
    tab.addEventListener("click", () => open(name));
    tabs.append(tab);
  });

  const same = (link) => state.link && pairKey(state.link) === pairKey(link);

  // Draws again what a choice changes; of a small graph, everything.
  function mark(before, after) {
    if (!many) return paint();
    for (const link of [before, after]) {
      const old = link && edgeOf.get(pairKey(link));
      if (!old?.isConnected) continue;
      old.replaceWith(edge(link));
      if (same(link)) number(link);
    }
    for (const node of scene.nodes) {
      if (![before?.a, before?.b, after.a, after.b].includes(node.user)) continue;
      nodeOf.get(node.user).replaceWith(dot(node));
      nameNode(node);
    }
  }

  async function choose(link, focus = true) {
    const before = state.link;
    state.link = link;
    state.chosen.clear();
    mark(before, link);
    if (focus) picture.querySelector('.link[tabindex="0"]')?.focus({ preventScroll: true });
    await Promise.all([open(state.tab), showHead(link)]);
    const mine = scene.groups.find((g) => g.users.includes(link.a) && g.users.includes(link.b));
    if (mine) openGroup(mine.number); else groupBox.replaceChildren();
  }

  async function showHead(link) {
    const said = await about({ ask: "panels", a: link.a, b: link.b, panels: ["head"] });
    if (!same(link)) return;
    who.replaceChildren(said.problem ? problemBox(said.problem) : markup(said.head));
    app.dataset.link = pairKey(link).replace("\u0000", " – ");
  }

  async function open(name) {
    state.tab = name;
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
    const link = state.link;
    if (!link) return;
    const fresh = () => same(link) && state.tab === name;
    panel.setAttribute("aria-busy", "true");
    const said = name === "Edits" ? await about({ ask: "edits", a: link.a, b: link.b })
      : name === "Notes" ? await ask({ ask: "notes", a: link.a, b: link.b })
      : await about({ ask: "panels", a: link.a, b: link.b, panels: [KEY[name]] });
    if (!fresh()) return;
    panel.removeAttribute("aria-busy");
    if (said.problem) panel.replaceChildren(problemBox(said.problem));
    else if (name === "Edits") showEdits(said, link);
    else if (name === "Notes") showNotes(said, link);
    else panel.replaceChildren(cropped(markup(said[KEY[name]])));
    panel.dataset.shows = name;
  }

  function showEdits(said, link) {
    panel.replaceChildren(editsView(said, {
      ask, about, chosen: state.chosen, signal: state.signal, names: [label(link.a), label(link.b)],
    }));
    state.signal = "";
  }

  function showNotes(said, link) {
    const list = el("ol", "notes");
    for (const note of said.notes) {
      const item = el("li");
      item.append(el("b", "", note.by), ` ${note.time.slice(0, 16).replace("T", " ")} `, named(note.text));
      list.append(item);
    }
    if (!said.notes.length) list.append(el("li", "mut", "No note on this link yet."));
    const text = Object.assign(el("textarea"), { rows: 3, placeholder: "What you saw, for whoever comes next" });
    text.setAttribute("aria-label", "A note on this link");
    const write = el("button", "", "Write into the ledger"), words = el("p", "note");
    words.textContent = said.by
      ? `As ${said.by}. A note is an entry of the case's ledger: it can be added to, never changed. It stays out of the report and of every filing.`
      : 'To write notes, open the case with sockgraph.explore(case, by="your name").';
    write.disabled = text.disabled = !said.by;
    write.addEventListener("click", async () => {
      const done = await ask({ ask: "note", a: link.a, b: link.b, text: text.value });
      if (done.problem) panel.prepend(problemBox(done.problem)); else { showNotes(done, link); ledger(done.head.split(":")); }
    });
    panel.replaceChildren(list, text, write, words);
  }

  // --- the foot, filters and keys ------------------------------------------------------------
  const foot = el("div", "foot"), head = el("span", "mono");
  for (const [keys, words] of [["↑ ↓", "next link"], ["Enter", "open"], ["1–6", "tabs"], ["/", "find"], ["Esc", "back to the graph"]]) {
    const hint = el("span");
    hint.append(el("kbd", "", keys), " " + words);
    foot.append(hint);
  }
  foot.append(el("span", "", `Insufficient: ${scene.insufficient.toLocaleString("en")} pairs, never drawn as links`), el("span", "grow"), head);
  const ledger = (at) => { head.textContent = at ? `ledger ${at[0].slice(0, 16).match(/.{4}/g).join(" ")} : ${at[1]}` : "no ledger yet"; };
  ledger(scene.ledger);
  const repaint = () => { paint(); };
  range.addEventListener("input", () => { state.floor = range.value; repaint(); });
  family.addEventListener("change", () => { state.family = family.value; repaint(); });
  status.addEventListener("change", () => { state.state = status.value; repaint(); });
  search.addEventListener("input", () => { state.find = search.value.trim().toLowerCase(); repaint(); });
  const byWords = (words) => {
    const part = words.trim().toLowerCase();
    return part && (scene.nodes.find((n) => n.label.toLowerCase() === part) || scene.nodes.find((n) => n.label.toLowerCase().includes(part)));
  };
  const strongestOf = (user) => shown().find((l) => l.a === user || l.b === user) || scene.links.find((l) => l.a === user || l.b === user);
  // Every account with its number against the first, strongest first, those without a number last.
  function offer(user) {
    const numbers = new Map(scene.links.filter((l) => l.a === user || l.b === user).map((l) => [l.a === user ? l.b : l.a, l.lr]));
    const rest = scene.nodes.filter((n) => n.user !== user);
    rest.sort((p, q) => (numbers.get(q.user) ?? -Infinity) - (numbers.get(p.user) ?? -Infinity));
    others.replaceChildren(...rest.map((n) => option(n.label, numbers.has(n.user) ? `log10 LR ${signed(numbers.get(n.user))}` : "no number")));
  }
  search.addEventListener("change", () => { const node = byWords(search.value); if (node) offer(node.user); });
  search.addEventListener("keydown", (event) => {
    const node = event.key === "Enter" && byWords(search.value);
    if (!node) return;
    offer(node.user);
    const link = strongestOf(node.user);
    if (link) choose(link, false); else other.focus();
  });
  other.addEventListener("keydown", (event) => { if (event.key === "Enter") openPair(byWords(search.value), byWords(other.value)); });
  function openPair(one, two) {
    if (!one || !two || one === two) return;
    const held = scene.links.find((l) => (l.a === one.user && l.b === two.user) || (l.b === one.user && l.a === two.user));
    const [a, b] = [one.user, two.user].sort();
    choose(held ?? { a, b, lr: null, direction: "neither", state: "none", families: [] }, false);
  }
  app.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");
    event.stopPropagation();
    if (event.key === "Escape") { picture.querySelector('.link[tabindex="0"]')?.focus(); return; }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = shown(), at = links.findIndex((l) => same(l));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && event.target.closest("svg") === picture && links.length) { event.preventDefault(); choose(links[(at + step + links.length) % links.length]); }
    else if (event.key === "Enter" && event.target.closest(".link")) { event.preventDefault(); if (at < 0) choose(links[0]); panel.focus(); }
    else if (event.key === "/") { event.preventDefault(); search.focus(); }
    else if (/^[1-6]$/.test(event.key)) { event.preventDefault(); open(TABS[Number(event.key) - 1]); }
  });
  app.append(bar, body, foot);
  paint();
  panel.addEventListener("click", (event) => {
    const name = event.target.closest("[data-signal]")?.dataset.signal;
    if (name) { state.signal = name; open("Edits"); }
  });
  if (scene.opens) openPair(...scene.opens.map((user) => scene.nodes.find((n) => n.user === user)));
  else panel.replaceChildren(el("p", "", "This case compares no two accounts. The report says why."));
  return () => model.off("msg:custom", heard);
}

function keep(link, state) {
  if (state.family && !link.families.includes(state.family)) return false;
  if (state.state) return state.state === "flagged" ? link.flagged : link.state === state.state;
  if (state.floor === null) return link.drawn; // nobody has asked for others yet
  return link.lr >= Number(state.floor) || link.flagged || link.state !== "none" || link.apart;
}

function hatch() {
  const defs = draw("defs"), pattern = draw("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(draw("rect", { width: 6, height: 6, class: "hb" }), draw("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hl" }));
  defs.append(pattern);
  return defs;
}

// Andrew's monotone chain: the convex hull of a group's accounts, two points as a line there and back.
function hull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const cross = (o, a, b) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (list) => {
    const chain = [];
    for (const p of list) {
      while (chain.length > 1 && cross(chain.at(-2), chain.at(-1), p) <= 0) chain.pop();
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function markup(html) {
  const holder = el("div");
  holder.innerHTML = html; // escaped by the kernel, see sockgraph/explore/panels.py
  return holder;
}

// The waterfall without its last column, which stands in the table below it, at the panel's width.
function cropped(holder) {
  const svg = holder.querySelector(".waterfall > svg");
  if (svg) {
    svg.setAttribute("viewBox", `0 0 662 ${svg.getAttribute("height")}`);
    svg.removeAttribute("width");
    svg.removeAttribute("height");
  }
  return holder;
}

function problemBox(problem) {
  const box = el("div", "problem");
  box.setAttribute("role", "alert");
  box.append(el("b", "", problem.value + ": "), problem.rule + " ", el("span", "", problem.remedy));
  return box;
}

function drawKey(key) {
  const sample = (words, make) => {
    const item = el("span"), svg = draw("svg", { width: 34, height: 14, "aria-hidden": "true" });
    svg.append(...make());
    item.append(svg, words);
    key.append(item);
  };
  const line = (cls, width) => () => [draw("line", { x1: 1, y1: 7, x2: 33, y2: 7, class: cls, "stroke-width": width })];
  for (const lr of [1, 2, 3]) sample(`+${lr}`, line("k-for", 1.5 + 3.2 * lr));
  sample("−1", line("k-against", 4.7));
  sample("does not separate", line("k-zero", 2));
  sample("cannot-link", () => [draw("path", { class: "cross", d: "M10 1l12 12m0 -12l-12 12" })]);
  sample("in concert", line("concert", 2));
  sample("unresolved", () => [draw("rect", { x: 2, y: 1, width: 30, height: 12, rx: 6, class: "k-unresolved" })]);
}

export default { render };
