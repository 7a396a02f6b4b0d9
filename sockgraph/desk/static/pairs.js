// Every pair: the staircase that the report has, and a table of all pairs or of one account's.

const ORDERED = ["oldest first", "strongest links first", "by group", "by name"];
const waiting = () => Object.assign(el("div", "scroll"), { tabIndex: -1 }); // holds the focus until there is something to hold it

function matrixView(ctx) {
  const { t, state } = ctx;
  const view = el("div", "matrix"), tools = el("div", "tools"), box = waiting(), note = el("p", "note");
  const order = choice(t("Order of accounts"), ORDERED.map((o) => [o, t(o)]));
  order.value = state.order;
  tools.append(labelled(t("Accounts"), order));
  view.append(tools, box, note);
  let asked = 0;

  async function show() {
    const mine = (asked += 1), pair = state.link ? [state.link.a, state.link.b] : [];
    const said = await ctx.about({ ask: "matrix", order: order.value, pair: ctx.scene.nodes.length > ctx.scene.most ? pair : [] });
    if (mine !== asked) return;
    if (said.problem) return box.replaceChildren(problemBox(said.problem));
    const left = said.left_out ? t("{n} more accounts are in the table. ", { n: counted(said.left_out) }) : "";
    note.textContent = left + said.note;
    ctx.tally(t("{n} pairs", { n: counted(said.cells.length) }) + (said.left_out ? t(" of {all}", { all: counted(ctx.scene.pairs) }) : ""));
    const focused = box.contains(document.activeElement);
    box.replaceChildren(staircase(said));
    mark();
    if (focused) api.focus(); // a new drawing takes nobody's place
  }

  function staircase({ users, cells }) {
    const table = el("table", "stairs"), at = new Map(cells.map((c) => [`${c.row},${c.column}`, c]));
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", t("log10 LR of every pair of {n} accounts", { n: users.length }));
    users.forEach((user, i) => {
      const row = el("tr"), head = el("th"), who = button("", () => ctx.meetAll(user.user), "plain");
      who.append(named(user.label));
      who.dataset.user = user.user;
      who.tabIndex = -1;
      who.title = t("{name} with everybody", { name: user.label });
      for (let j = 0; j < i; j++) row.append(cellOf(at.get(`${i},${j}`), users[j], user));
      head.colSpan = users.length - i + 1;
      head.scope = "row";
      head.append(who);
      row.append(head);
      table.append(row);
    });
    const first = table.querySelector("td button");
    if (first) first.tabIndex = 0;
    return table;
  }

  function cellOf(cell, one, other) {
    const box = el("td"), [a, b] = [one.user, other.user].sort();
    const cls = !cell ? "" : cell.insufficient ? "few" : cell.direction;
    const node = button(cell?.words ?? "", () => ctx.openPair(a, b), `cell ${cls}${cell?.flagged ? " flagged" : cell?.stated ? " stated" : ""}${cell?.apart ? " apart" : ""}`);
    const said = !cell ? t("not compared") : cell.insufficient ? t("too few edits") : cell.words || t("no number");
    node.setAttribute("aria-label", `${one.label} × ${other.label}: ${said}${cell?.flagged ? `, ${t("flagged")}` : ""}`);
    node.title = node.getAttribute("aria-label");
    Object.assign(node.dataset, { a, b });
    node.tabIndex = -1;
    box.append(node);
    return box;
  }

  function mark() {
    for (const cell of box.querySelectorAll(".cell")) {
      const is = Boolean(state.link && cell.dataset.a === state.link.a && cell.dataset.b === state.link.b);
      cell.classList.toggle("is", is);
      if (is) reveal(box, cell);
      if (is) { for (const other of box.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1; cell.tabIndex = 0; }
    }
    for (const who of box.querySelectorAll("th button")) who.classList.toggle("is", Boolean(state.link && [state.link.a, state.link.b].includes(who.dataset.user)));
  }

  // Of many accounts the matrix has the strongest, and those looked at: it is asked anew where one is missing.
  const holds = (link) => [link.a, link.b].every((user) => box.querySelector(`[data-user="${CSS.escape(user)}"]`));

  // Arrow keys go from cell to cell, and to the name that ends a row.
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target.closest("td, th");
    if (!step || !cell) return;
    event.preventDefault();
    event.stopPropagation();
    const rows = [...box.querySelectorAll("tr")], row = rows[rows.indexOf(cell.parentElement) + step[0]];
    const next = row?.children[Math.min([...cell.parentElement.children].indexOf(cell) + step[1], row.children.length - 1)]?.querySelector("button");
    if (!next) return;
    for (const other of box.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  box.addEventListener("click", (event) => {
    const user = event.shiftKey && event.target.closest("th button")?.dataset.user;
    if (!user) return;
    event.stopPropagation();
    if (state.held && state.held !== user) ctx.openPair(state.held, user);
    state.held = user;
  }, true);
  order.addEventListener("change", () => { state.order = order.value; show(); });
  const api = { view, show, mark: (_, link) => (holds(link) ? mark() : show()), focus: () => (box.querySelector('button[tabindex="0"]') ?? box).focus({ preventScroll: true })};
  return api;
}

const SORTS = { pair: ["Pair", false], lr: ["log10 LR", true], shared: ["shared pages", true], closest: ["closest gap", false] }; // falling at first

// The kernel sorts, and sends as many rows as a page of the table has; the next ones when they are asked for.
function tableView(ctx) {
  const { t, state, scene } = ctx;
  const view = el("div", "pairs"), tools = el("div", "tools"), said = el("p", "note"), box = waiting();
  const who = choice(t("Pairs of"), [["", t("all accounts")], ...scene.nodes.map((n) => [n.user, n.label])]);
  tools.append(labelled(t("Pairs of"), who));
  view.append(tools, said, box);
  let sort = scene.calibrated ? "lr" : "closest", falling = SORTS[sort][1], asked = 0;

  const rowsFrom = async (start) => {
    const mine = (asked += 1);
    const answer = await ctx.about({ ask: "pairs", user: who.value || null, sort, falling, start });
    if (mine !== asked) return null; // another was asked for since
    if (answer.problem) return void box.replaceChildren(problemBox(answer.problem));
    const row = (values) => rowOf(Object.fromEntries(answer.columns.map((name, i) => [name, values[i]])));
    return { ...answer, lines: answer.rows.map(row), end: start + answer.rows.length };
  };

  async function show() {
    who.value = state.of ?? "";
    const found = await rowsFrom(0);
    if (!found) return;
    const table = el("table"), head = el("tr"), body = el("tbody");
    for (const [name, [words, first]] of Object.entries(SORTS)) {
      const cell = Object.assign(el("th"), { scope: "col" });
      const by = button(`${t(name === "pair" && state.of ? "With" : words)}${sort === name ? (falling ? " ↓" : " ↑") : ""}`, async () => {
        falling = sort === name ? !falling : first;
        sort = name;
        await show();
        box.querySelector(`[data-sort="${name}"]`)?.focus();
      }, "plain");
      by.dataset.sort = name;
      cell.setAttribute("aria-sort", sort !== name ? "none" : falling ? "descending" : "ascending");
      cell.append(by);
      head.append(cell);
    }
    body.append(...found.lines);
    table.append(el("thead"), body);
    table.firstChild.append(head);
    const focused = box.contains(document.activeElement);
    box.replaceChildren(table);
    more(found, body);
    const many = Object.fromEntries(Object.entries({ for: 0, against: 0, neither: 0, ...found.counts, pairs: found.total }).map(([name, n]) => [name, counted(n)]));
    said.textContent = scene.calibrated ? t("{pairs} pairs: {for} for one operator, {against} against, {neither} do not separate, {few} with too few edits.", many) : "";
    ctx.tally(t("{n} pairs", { n: counted(found.total) }));
    mark();
    if (focused) api.focus();
  }

  function more({ end, total }, body) {
    if (end >= total) return;
    const next = button(t("{n} more", { n: counted(total - end) }), async () => {
      const found = await rowsFrom(end);
      if (!found) return;
      body.append(...found.lines);
      next.remove();
      more(found, body);
      mark();
      found.lines[0].querySelector("button").focus();
    }, "small");
    box.append(next);
  }

  function rowOf(row) {
    const line = el("tr"), pair = el("td");
    const open = button("", () => ctx.openPair(row.a, row.b), "plain");
    const names = state.of ? [row.a === state.of ? row.b : row.a] : [row.a, row.b];
    names.forEach((user, i) => { if (i) open.append(" × "); open.append(named(ctx.label(user))); });
    pair.append(open);
    if (row.state) pair.append(" ", el("span", "state", row.state));
    const number = el("td", `n ${row.direction}`, row.insufficient ? t("too few edits") : row.words || t("no number"));
    if (row.interval && row.interval !== row.words) number.append(el("small", "mut", ` ${row.interval}`));
    line.append(pair, number);
    line.append(el("td", "n", counted(row.shared)), el("td", "n", gapWords(t, row.closest)));
    line.dataset.key = pairKey(row);
    return line;
  }

  function mark() {
    for (const line of box.querySelectorAll("tbody tr")) if (line.classList.toggle("is", Boolean(state.link && line.dataset.key === pairKey(state.link)))) reveal(box, line);
  }
  who.addEventListener("change", () => { state.of = who.value || null; show(); });
  const api = { view, show, mark, focus: () => (box.querySelector("tbody .is button, tbody button") ?? box).focus({ preventScroll: true }) };
  return api;
}

