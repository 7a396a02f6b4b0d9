// The desk: which pair is looked at, on which tab, beside which picture of all pairs.

const TABS = ["Evidence", "Edits", "Timecards", "Timeline", "Summaries", "Notes"];
const PANELS = { Evidence: "evidence", Timecards: "timecards", Timeline: "timeline", Summaries: "summaries" };
const VIEWS = [["graph", "Graph"], ["matrix", "Matrix"], ["pairs", "Table"]];
const LANGUAGES = [["en", "EN"], ["zh-hans", "简"], ["zh-hant", "繁"]];
const KEYS = [["?", "all keys"], ["/", "accounts"], ["↑ ↓", "next link"], ["← →", "next account"], ["Enter", "open"], ["1–6", "tabs"], ["j k", "next edit"], ["d", "diff"], ["x", "basket"], ["g m t", "graph, matrix, table"], ["Esc", "back"]];
let desks = 0;

// The scene names accounts: it is asked for, so that it is no part of the state that a notebook keeps.
const sceneOf = (model) => new Promise((done) => {
  const heard = (content) => { if (content.re === "scene") { model.off("msg:custom", heard); done(content); } };
  model.on("msg:custom", heard);
  model.send({ ask: "scene", re: "scene" });
});

async function render({ model, el: root }) {
  const area = root.closest(".jp-OutputArea, .output_wrapper, .output") ?? root;
  const app = el("div", "sg");
  app.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its own keys out
  root.append(app);
  const held = model.get("scene"); // a page without a kernel holds the scene
  const { scene, problem } = held ? { scene: held } : await sceneOf(model);
  if (problem) return void app.append(problemBox(problem));
  for (const table of area.querySelectorAll(".sg-fallback")) table.hidden = true; // the desk stands in its place
  const state = {
    link: null, sides: null, tab: "Edits", view: !scene.calibrated ? "pairs" : scene.nodes.length > scene.most ? "matrix" : "graph",
    shows: "report", family: "", status: "", find: "", signal: "", ego: false, held: null, of: null, order: ORDERED[0],
    basket: new Map(), basketOpen: false,
  };
  desks += 1;
  let shut = build(app, model, scene, state, scene.language);
  function build(...given) { return desk(...given, (language) => { shut(); app.replaceChildren(); shut = build(app, model, scene, state, language); }); }
  return () => shut();
}

function desk(app, model, scene, state, language, speak) {
  const t = speaker(scene.strings[language]);
  app.lang = language;
  const foot = el("div", "foot"), live = el("span", "live"), tally = el("span", "tally"), slow = el("p", "slow");
  live.setAttribute("role", "status");
  slow.setAttribute("role", "alert");
  const wire = line(model, t, (late) => { slow.textContent = late ? t("The kernel has not answered yet: it may be busy, or have ended.") : fontless; });
  const han = [scene.title, ...scene.nodes.map((n) => n.user)].some((words) => HAN.test(words));
  const fontless = (han || language !== "en") && !drawsChinese() ? "No font here draws Chinese: names and pages in it show as boxes. Install one, such as Noto Sans CJK." : "";
  slow.textContent = fontless;
  const ask = (question) => wire.ask({ ...question, lang: language });
  const kept = new Map(); // what was asked once; a problem is asked again
  const about = (question) => {
    const key = JSON.stringify(question);
    if (!kept.has(key)) {
      kept.set(key, ask(question).then((answer) => {
        if (answer.stale) kept.clear();
        if (answer.problem) kept.delete(key);
        return answer;
      }));
    }
    return kept.get(key);
  };
  const nodes = new Map(scene.nodes.map((n) => [n.user, n]));
  const label = (user) => nodes.get(user)?.label ?? user;
  const same = (link) => state.link && pairKey(state.link) === pairKey(link);
  const ctx = {
    scene, t, state, ask, about, label, choose, openPair, openGroup, meet,
    tally: (words) => { tally.textContent = words; },
    basketChanged: () => panel.firstChild?.ticked?.(),
    meetAll: (user) => { state.of = user; showView("pairs"); },
  };

  // --- the bar: which pair ---
  const bar = el("div", "bar");
  const [first, second] = ["a", "b"].map((side) => {
    const input = Object.assign(el("input"), { type: "search", placeholder: side === "a" ? t("Find an account") : t("with which other?") });
    const names = Object.assign(el("datalist"), { id: `sg-${side}-${desks}` });
    input.setAttribute("aria-label", side === "a" ? t("Find an account") : t("The other account"));
    input.setAttribute("list", names.id);
    const field = el("span", "field");
    field.append(accountMark(side === "b"), input);
    return { input, names, field };
  });
  first.names.append(...scene.nodes.map((n) => option(n.label, "")));
  const flagged = scene.links.filter((l) => l.flagged);
  const step = (by) => choose(flagged[(Math.max(0, flagged.findIndex(same)) + by + flagged.length) % flagged.length] ?? flagged[0], false);
  const back = button("‹", () => step(-1)), on = button("›", () => step(1)), which = el("span", "which");
  back.setAttribute("aria-label", t("Previous flagged link"));
  on.setAttribute("aria-label", t("Next flagged link"));
  back.disabled = on.disabled = flagged.length < 2;
  const walk = el("span", "walk");
  walk.append(back, which, on);
  const full = button(t("Full screen"), () => (document.fullscreenElement ? document.exitFullscreen() : app.requestFullscreen()));
  const tongues = switcher(t("Language"), LANGUAGES, (value) => value !== language && speak(value));
  tongues.show(language);
  const swap = button("⇄", () => state.sides && openPair(...[...state.sides].reverse()));
  swap.setAttribute("aria-label", t("Swap the accounts"));
  swap.title = t("Swap the accounts");
  const drawer = button(t("All pairs"), () => lay(!body.classList.contains("drawn")), "drawer"); // of a narrow desk
  bar.append(el("b", "case", scene.slug), drawer, first.field, swap, second.field, first.names, second.names, walk, el("span", "grow"), tally, full, tongues);

  // --- both sides ---
  const body = el("div", "body"), left = el("div", "left"), right = el("div", "right"), groupBox = el("div", "group");
  groupBox.setAttribute("aria-live", "polite");
  groupBox.hidden = !scene.groups.length; // else it keeps its place: the graph above stays where it is
  const views = { graph: graphView(ctx), matrix: matrixView(ctx), pairs: tableView(ctx) };
  const switches = switcher(t("All pairs as"), scene.calibrated ? VIEWS.map(([v, w]) => [v, t(w)]) : [["pairs", t("Table")]], showView);
  const stand = el("div", "stand");
  left.append(switches, stand, groupBox);
  const who = el("div", "head"), tabs = el("div", "tabs"), panel = el("div", "panel");
  tabs.setAttribute("role", "tablist");
  tabs.setAttribute("aria-label", t("What is shown of the pair"));
  Object.assign(panel, { id: `sg-panel-${desks}`, tabIndex: 0 });
  panel.setAttribute("role", "tabpanel");
  TABS.forEach((name, i) => {
    const tab = button(t(name), () => open(name));
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    Object.assign(tab, { id: `sg-tab-${desks}-${i}`, title: t("Key {n}", { n: i + 1 }) });
    tab.dataset.tab = name;
    tabs.append(tab);
  });
  const basket = basketView(ctx);
  ctx.basket = basket;
  right.append(who, tabs, slow, panel, basket.dock);
  body.append(left, right);

  function lay(open) {
    body.classList.toggle("drawn", open);
    drawer.setAttribute("aria-expanded", String(open));
    if (open) views[state.view].show();
  }
  function showView(name) {
    state.view = name;
    stand.replaceChildren(views[name].view);
    body.dataset.view = name;
    switches.show(name);
    views[name].show();
  }

  // --- choosing ---
  // `sides`: the account that stands first, and the other. Whoever is named first does, else whoever the tables have first.
  async function choose(link, focus = false, sides = [link.a, link.b]) {
    const before = state.link;
    Object.assign(state, { link, sides });
    lay(false);
    [first.input.value, second.input.value] = sides.map(label);
    second.names.replaceChildren(); // offered when it is asked for
    const at = flagged.findIndex(same);
    which.textContent = flagged.length ? t("flagged {n} of {all}", { n: at < 0 ? "–" : at + 1, all: flagged.length }) : t("none flagged");
    const shown = Promise.all([open(state.tab), showHead()]); // asked before the card that focus brings
    if (body.dataset.view) views[state.view].mark(before, link); else showView(state.view);
    if (focus) views[state.view].focus();
    await shown;
    const mine = scene.groups.find((g) => g.users.includes(link.a) && g.users.includes(link.b));
    if (state.sides !== sides) return;
    if (mine) openGroup(mine.number); else groupBox.replaceChildren(el("span", "mut", t("not together in a group")));
  }
  function openPair(one, two) {
    if (!one || !two || one === two) return;
    const [a, b] = [one, two].sort(); // as the tables have them
    const held = scene.links.find((l) => (l.a === a && l.b === b) || (l.a === b && l.b === a));
    choose(held ?? { a, b, lr: null, words: "", direction: "neither", state: "none", families: [] }, false, [one, two]);
  }
  const strongestOf = (user) => {
    const touches = (l) => l.a === user || l.b === user;
    return views.graph.links().find(touches) ?? scene.links.find(touches);
  };
  function meet(user) { // an account's strongest link; where it has none, all its pairs
    const link = strongestOf(user);
    if (link) choose(link, true); else ctx.meetAll(user);
  }
  async function openGroup(number) {
    const said = await about({ ask: "group", number });
    groupBox.replaceChildren(said.problem ? problemBox(said.problem) : markup(said.group));
  }
  async function showHead() {
    const { sides, link } = state, [a, b] = sides;
    let said = state.tab === "Edits" ? await about({ ask: "edits", a, b }) : {}; // they bring it
    if (!said.head) said = await about({ ask: "panels", a, b, panels: ["head"] });
    if (state.sides !== sides) return;
    who.replaceChildren(...(said.problem ? [problemBox(said.problem)] : markup(said.head).children));
    app.dataset.link = pairKey(link).replace("\u0000", " – ");
    live.textContent = who.querySelector(".headline")?.textContent ?? "";
  }
  async function open(name) {
    state.tab = name;
    for (const tab of tabs.children) {
      const is = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(is));
      tab.tabIndex = is ? 0 : -1;
      if (is) panel.setAttribute("aria-labelledby", tab.id);
    }
    const { link, sides } = state;
    if (!link) return;
    const [a, b] = sides;
    panel.setAttribute("aria-busy", "true");
    if (!panel.firstChild) panel.append(el("p", "note", t("Waiting for the kernel.")));
    const said = name === "Edits" ? await about({ ask: "edits", a, b })
      : name === "Notes" ? await ask({ ask: "notes", a, b })
      : await about({ ask: "panels", a, b, panels: [PANELS[name]] });
    if (state.sides !== sides || state.tab !== name) return; // another was chosen since
    panel.removeAttribute("aria-busy");
    if (said.problem) panel.replaceChildren(problemBox(said.problem));
    else if (name === "Edits") { panel.replaceChildren(editsView(said, ctx)); state.signal = ""; }
    else if (name === "Notes") showNotes(said, link);
    else panel.replaceChildren(whatIf(cropped(markup(said[PANELS[name]])), link, ctx));
    panel.dataset.shows = name;
    panel.scrollTop = 0;
  }

  function showNotes(said, link) {
    const list = el("ol", "notes");
    for (const note of said.notes) {
      const item = el("li");
      item.append(el("b", "", note.by), ` ${note.time.slice(0, 16).replace("T", " ")} `, named(note.text));
      list.append(item);
    }
    if (!said.notes.length) list.append(el("li", "mut", t("No note on this link yet.")));
    const text = Object.assign(el("textarea"), { rows: 3, placeholder: t("What you saw, for whoever comes next") });
    text.setAttribute("aria-label", t("A note on this link"));
    const words = el("p", "note", said.by
      ? t("As {name}. A note is an entry of the case's ledger: it can be added to, never changed. It stays out of the report and of every filing.", { name: said.by })
      : t("To write notes, open the case with sockgraph.explore(case, by=\"your name\")."));
    const write = button(t("Write into the ledger"), async () => {
      const done = await ask({ ask: "note", a: link.a, b: link.b, text: text.value });
      if (done.problem) panel.prepend(problemBox(done.problem)); else { showNotes(done, link); ledger(done.head.split(":")); }
    });
    write.disabled = text.disabled = !said.by;
    panel.replaceChildren(list, text, write, words);
  }

  // --- the foot ---
  const head = el("span", "mono");
  for (const [keys, words] of KEYS) {
    const hint = el("span", "hint");
    hint.append(el("kbd", "", keys), " " + t(words));
    foot.append(hint);
  }
  foot.append(el("span", "grow"), head, live);
  const ledger = (at) => { head.textContent = at ? `${t("ledger")} ${at[0].slice(0, 16).match(/.{4}/g).join(" ")} : ${at[1]}` : t("no ledger yet"); };
  ledger(scene.ledger);

  // --- fields and keys ---
  const byWords = (words) => {
    const part = words.trim().toLowerCase();
    return part && (scene.nodes.find((n) => n.label.toLowerCase() === part) ?? scene.nodes.find((n) => n.label.toLowerCase().includes(part)))?.user;
  };
  // Every account with its number against the first, strongest first, those without a number last.
  async function offer(user) {
    const { numbers = [] } = await about({ ask: "numbers", user });
    second.names.replaceChildren(...numbers.map(([other, words]) => option(label(other), words ? `log10 LR ${words}` : t("no number"))));
  }
  first.input.addEventListener("input", () => { state.find = first.input.value.trim().toLowerCase(); if (state.view === "graph") views.graph.show(); });
  first.input.addEventListener("keydown", (event) => {
    const user = event.key === "Enter" && byWords(first.input.value);
    if (!user) return;
    state.find = "";
    const link = strongestOf(user);
    second.input.value = "";
    if (link) openPair(user, link.a === user ? link.b : link.a); else second.input.focus();
  });
  second.input.addEventListener("keydown", (event) => { if (event.key === "Enter") openPair(byWords(first.input.value), byWords(second.input.value)); });
  second.input.addEventListener("change", () => { const [one, two] = [byWords(first.input.value), byWords(second.input.value)]; if (one && two && label(two) === second.input.value) openPair(one, two); });
  for (const { input } of [first, second]) input.addEventListener("focus", () => input.select());
  second.input.addEventListener("focus", () => { const user = byWords(first.input.value); if (user) offer(user); });

  const keys = (event) => {
    event.stopPropagation();
    if (event.key === "Escape" && !document.fullscreenElement) return views[state.view].focus();
    if (event.target.matches("input:not([type=checkbox]), textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const inTabs = tabs.contains(event.target), inLeft = stand.contains(event.target);
    const by = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const views_ = { g: "graph", m: "matrix", t: "pairs" };
    if (by && inTabs) { open(TABS[(TABS.indexOf(state.tab) + by + TABS.length) % TABS.length]); tabs.querySelector('[aria-selected="true"]').focus(); }
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && inLeft && state.view === "graph") {
      const links = views.graph.links(), at = links.findIndex(same);
      if (links.length) choose(links[(at + by + links.length) % links.length], true);
    } else if (by && inLeft && state.view === "graph") views.graph.step(by);
    else if (event.key === "Enter" && event.target.closest(".link")) {
      const { a, b } = event.target.closest(".link").dataset;
      if (!same({ a, b })) openPair(a, b);
      panel.focus();
    } else if (event.key === "?") foot.classList.toggle("all");
    else if (event.key === "/") first.input.focus();
    else if (/^[1-6]$/.test(event.key)) { open(TABS[Number(event.key) - 1]); panel.focus({ preventScroll: true }); }
    else if (event.key === "j") panel.querySelector(".editview") ? panel.firstChild.firstEdit() : open("Edits");
    else if (views_[event.key] && (scene.calibrated || event.key === "t")) { lay(true); showView(views_[event.key]); views[state.view].focus(); }
    else if (event.key === "+" || event.key === "=") views.graph.zoom(1.4);
    else if (event.key === "-") views.graph.zoom(1 / 1.4);
    else if (event.key === "0") views.graph.fit();
    else return;
    event.preventDefault();
  };
  app.addEventListener("keydown", keys);
  panel.addEventListener("click", (event) => {
    const name = event.target.closest("[data-signal]")?.dataset.signal;
    if (name) { state.signal = name; open("Edits"); }
  });
  app.append(bar, body, foot);
  const opens = state.sides ?? scene.opens;
  if (opens) openPair(...opens);
  else { showView(state.view); panel.replaceChildren(el("p", "", t("This case compares no two accounts. The report says why."))); }
  basket.load(); // what is seen first is asked for first
  return () => { app.removeEventListener("keydown", keys); wire.close(); };
}

// The waterfall without its last column, which stands in the table below it, at the panel's width.
function cropped(holder) {
  const svg = holder.querySelector(".waterfall > svg");
  if (svg) {
    svg.style.maxWidth = "100%";
    svg.style.height = "auto";
  }
  return holder;
}

// What the number would be without something: the kernel's answer stands in the questions' place, and is kept nowhere.
function whatIf(holder, link, { t, ask }) {
  const form = holder.querySelector(".what-if");
  if (!form) return holder;
  const told = el("div", "what-if"), foot = el("div", "tools"), busy = el("span", "mut"), wrong = el("div");
  const date = (end) => form.querySelector(`[data-${end}]`).value;
  const go = button(t("Ask"), async () => {
    if (form.hasAttribute("aria-busy")) return;
    const without = [...form.querySelectorAll("[data-without]")].filter((one) => (one.type === "checkbox" ? one.checked : one.value)).map((one) => one.value);
    const [first, last] = [date("first"), date("last")];
    form.setAttribute("aria-busy", "true");
    wrong.replaceChildren();
    busy.textContent = t("The case is weighed again: this may take a minute.");
    const said = await ask({ ask: "what-if", a: link.a, b: link.b, without, window: first || last ? [first || null, last || null] : null });
    form.removeAttribute("aria-busy");
    busy.textContent = "";
    if (said.problem) return wrong.replaceChildren(problemBox(said.problem));
    const back = button(t("Back"), () => { told.replaceWith(form); go.focus(); });
    told.replaceChildren(markup(said.told), back);
    form.replaceWith(told);
    back.focus();
  }, "strong");
  busy.setAttribute("role", "status");
  foot.append(go, busy);
  form.append(foot, wrong);
  return holder;
}

export default { render };
