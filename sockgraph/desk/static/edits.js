// Both accounts' edits side by side, page by page. Used by explorer.js, which is put after this file.

const ORDERS = {
  moved: ["moved the number most", (p, q) => q.moved - p.moved],
  closest: ["closest gap", (p, q) => (p.closest ?? Infinity) - (q.closest ?? Infinity)],
  rarest: ["rarest page", (p, q) => p.editors - q.editors],
};
const OPEN_PAGES = 6; // pages that are open at first
const MOST_SHOWN = 400; // rows of one page that are drawn at once

// Which rows of a page are shown at once: cited ones, the closest change of hands and what it answers.
function shownRows(edits) {
  const shown = new Set(edits.flatMap((e, i) => (e.signals.length || e.told ? [i] : [])));
  const gaps = edits.flatMap((e, i) => (e.gap === null ? [] : [[e.gap, i]])).sort((x, y) => x[0] - y[0]);
  for (const [, i] of gaps.slice(0, 2)) shown.add(i).add(i - 1);
  for (const second of [false, true]) {
    const first = edits.findIndex((e) => e.second === second); // both accounts stand on every page
    if (first >= 0 && ![...shown].some((i) => edits[i].second === second)) shown.add(first);
  }
  return shown;
}

function editsView(said, ctx) {
  const { t } = ctx;
  const view = el("div", "editview"), filters = el("div", "filters"), list = el("div", "pages"), counts = el("p", "note");
  const state = { order: said.pages.some((p) => p.moved > 0) ? "moved" : "closest" };
  const orders = Object.entries(ORDERS).filter(([key]) => key !== "moved" || state.order === "moved").map(([key, [name]]) => [key, t(name)]);
  const order = switcher(t("Pages by"), orders, (value) => { state.order = value; order.show(value); fill(); });
  order.show(state.order);
  const words = Object.assign(el("input"), { type: "search", placeholder: t("page or words") });
  words.setAttribute("aria-label", t("Find in edits"));
  const gap = choice(t("Gap"), GAPS.map(([key, name]) => [key, t(name)]));
  const signal = choice(t("Signal"), [["", t("all")], ...[...new Set(said.edits.flatMap((e) => e.signals))].sort().map((s) => [s, t(s)])]);
  const spaces = [...new Set(said.edits.map((e) => e.ns))].sort((a, b) => a - b);
  const space = choice(t("Namespace"), [["", t("all")], ...spaces.map((n) => [String(n), n === null ? t("not known") : String(n)])]);
  const from = Object.assign(el("input"), { type: "date" }), to = Object.assign(el("input"), { type: "date" });
  signal.value = ctx.state.signal;
  const more = el("details", "more"), row2 = el("div", "filters");
  more.open = Boolean(signal.value);
  row2.append(labelled(t("Signal"), signal), labelled(t("Namespace"), space), labelled(t("From"), from), labelled(t("to"), to));
  more.append(el("summary", "", t("more filters")), row2);
  filters.append(el("span", "mut", t("Pages by")), order, words, labelled(t("Gap"), gap), more);
  const both = ctx.state.sides.map(ctx.label), markOf = (second) => accountMark(second, both[Number(second)]);
  const own = said.pages.length === 0;
  const pages = own ? [...new Set(said.edits.map((e) => e.page))].map((page) => ({ page, n: null, closest: null, editors: null, moved: 0 })) : said.pages;
  const byPage = new Map(pages.map((p) => [p.page, []]));
  for (const edit of said.edits) byPage.get(edit.page).push(edit);
  const keep = (e) => (!signal.value || e.signals.includes(signal.value)) && (!gap.value || (e.gap !== null && e.gap <= Number(gap.value)))
    && (space.value === "" || String(e.ns) === space.value) && (!from.value || e.at.slice(0, 10) >= from.value) && (!to.value || e.at.slice(0, 10) <= to.value)
    && (!words.value || `${e.page}\n${e.summary ?? ""}`.toLowerCase().includes(words.value.trim().toLowerCase()));

  function fill() {
    const narrowed = [signal, gap, space, from, to, words].some((c) => c.value);
    const found = pages.map((p) => [p, byPage.get(p.page).filter(keep)]).filter(([, edits]) => edits.length);
    found.sort((p, q) => ORDERS[state.order][1](p[0], q[0]));
    list.replaceChildren(...found.map(([page, edits], i) => pageBox(page, edits, i < OPEN_PAGES, narrowed)));
    const n = found.reduce((sum, [, edits]) => sum + edits.length, 0);
    const many = { n: counted(n), all: counted(said.edits.length), pages: found.length, of: pages.length };
    counts.textContent = own ? t("No page in common. Each account's own latest edits, {n}.", many)
      : t("{n} of {all} edits on {pages} of {of} shared pages. Times are UTC.", many);
  }

  function pageBox(page, edits, open, all) {
    const box = el("details", "page"), line = el("summary"), table = el("table", "edits"), rows = el("tbody");
    box.open = open;
    line.append(named(page.page));
    if (page.n) {
      const close = page.closest === null ? "" : t(" · closest {gap}", { gap: gapWords(t, page.closest) });
      const about = el("span", "mut"), many = { n: page.editors, all: said.accounts, a: counted(page.n[0]), b: counted(page.n[1]) };
      about.append(...t.around(" {n} of {all} accounts edited it · {first} {a} {second} {b} edits", { ...many, first: markOf(false), second: markOf(true) }), close);
      line.append(about);
    }
    const widths = el("colgroup");
    for (const width of ["", "76px", ""]) widths.append(Object.assign(el("col"), { style: width && `width:${width}` }));
    table.append(widths, rows);
    box.append(line, table);
    // At first what tells most, the one's beside the other's; on demand everything in time order.
    const build = () => {
      if (rows.childElementCount) return;
      const shown = all ? edits : [...shownRows(edits)].sort((p, q) => p - q).map((n) => edits[n]);
      const [mine, theirs] = [shown.filter((e) => !e.second), shown.filter((e) => e.second)];
      for (let n = 0; n < Math.max(mine.length, theirs.length); n++) rows.append(row(mine[n], theirs[n]));
      if (shown.length < edits.length) rows.append(restRow(rows, edits, shown.length));
    };
    box.addEventListener("toggle", build);
    if (open) build();
    return box;
  }

  function restRow(rows, edits, shown) {
    const last = el("tr"), cell = Object.assign(el("td"), { colSpan: 3 });
    const dates = { n: counted(edits.length - shown), all: counted(edits.length), from: edits[0].at.slice(0, 10), to: edits.at(-1).at.slice(0, 10) };
    const whole = () => {
      rows.replaceChildren();
      grow(rows, edits, 0);
      rows.querySelector("input").focus();
    };
    cell.append(button(t("▸ {n} more: all {all} in time order, {from} to {to}", dates), whole, "small"));
    last.append(cell);
    return last;
  }

  // A page of thousands of edits comes by parts: each as many rows as a browser draws at once.
  function grow(rows, edits, from) {
    rows.append(...edits.slice(from, from + MOST_SHOWN).map((e) => (e.second ? row(undefined, e) : row(e, undefined))));
    const left = edits.length - from - MOST_SHOWN;
    if (left <= 0) return;
    const last = el("tr"), cell = Object.assign(el("td"), { colSpan: 3 });
    cell.append(button(t("▸ {n} more", { n: counted(left) }), () => { last.remove(); grow(rows, edits, from + MOST_SHOWN); rows.rows[from + MOST_SHOWN].querySelector("input").focus(); }, "small"));
    last.append(cell);
    rows.append(last);
  }

  // One row: an edit of either or both, and the time between: of the two, or since the other's last edit.
  function row(mine, theirs) {
    const line = el("tr"), between = el("td", "gap");
    const seconds = mine && theirs ? (Date.parse(`${theirs.at}Z`) - Date.parse(`${mine.at}Z`)) / 1000 : null;
    const gap = seconds === null ? (mine ?? theirs).gap : Math.abs(seconds);
    if (gap !== null) {
      const later = el("small", "mut");
      later.append(...t.around("{mark} later", { mark: markOf(seconds === null ? Boolean(theirs) : seconds >= 0) }));
      between.append(el("span", "", gapWords(t, gap)), later);
      between.classList.toggle("near", gap <= NEAR);
    }
    line.append(cellOf(mine, line), between, cellOf(theirs, line));
    return line;
  }

  function cellOf(edit, line) {
    const cell = el("td", "said");
    if (!edit) return cell;
    const box = Object.assign(el("input"), { type: "checkbox", checked: ctx.basket.has(edit.rev) });
    box.dataset.rev = edit.rev;
    box.setAttribute("aria-label", t("Put the edit of {when} into the filing basket", { when: edit.at }));
    box.addEventListener("change", async () => {
      cell.classList.toggle("sel", box.checked);
      if (await ctx.basket.put(edit.rev, box.checked)) return;
      box.checked = !box.checked;
      cell.classList.toggle("sel", box.checked);
    });
    cell.classList.toggle("sel", box.checked);
    const size = edit.size === null ? "" : ` ${edit.size < 0 ? "−" : "+"}${Math.abs(edit.size).toLocaleString("en")}`;
    cell.append(box, el("span", "nb mut", ` ${edit.at}${size}`), " ", summaryOf(edit));
    if (said.diffs) {
      const more = button(t("diff"), () => toggleDiff(edit, line, more), "small diffs");
      more.setAttribute("aria-label", t("Show what the edit of {when} changed", { when: edit.at }));
      cell.append(" ", more);
    }
    if (edit.url) cell.append(" ", Object.assign(el("a", "", t("on the wiki")), { href: edit.url, target: "_blank", rel: "noopener noreferrer" }));
    if (edit.signals.length) cell.append(el("small", "mut why", t("moved: {signals}", { signals: edit.signals.map((s) => t(s)).join(t(", ")) })));
    return cell;
  }

  function summaryOf(edit) {
    const text = el("span", "summary");
    if (!edit.summary) text.append(el("span", "mut", edit.hidden ? t("summary hidden on the wiki") : t("no summary")));
    else if (!edit.told) text.append("“", named(edit.summary), "”");
    else {
      const at = edit.summary.indexOf(edit.told.text), end = at + edit.told.text.length;
      const quoted = named(""), of = { n: counted(edit.told.others), all: counted(edit.told.of) };
      if (HAN.test(edit.summary)) quoted.lang = "zh";
      quoted.append(edit.summary.slice(0, at), el("mark", "", edit.told.text), edit.summary.slice(end));
      text.append("“", quoted, "” ", el("span", "mut", edit.told.opens ? t("({n} of {all} others begin so)", of) : t("({n} of {all} others wrote it)", of)));
    }
    return text;
  }

  async function toggleDiff(edit, line, button) {
    const open = list.querySelector(".diffrow"); // one at a time
    open?.remove();
    if (open?.dataset.rev === edit.rev) return;
    button.disabled = true;
    const answer = await ctx.about({ ask: "diff", rev: edit.rev });
    button.disabled = false;
    const below = el("tr", "diffrow"), cell = Object.assign(el("td"), { colSpan: 3 }), box = el("div", "diff");
    if (answer.problem) box.append(problemBox(answer.problem));
    else for (const [kind, text] of answer.diff) box.append(el(kind === "same" ? "span" : kind, "", text));
    cell.append(box);
    below.append(cell);
    below.dataset.rev = edit.rev;
    line.after(below);
  }

  // j and k go from edit to edit, d opens its diff, x ticks it.
  view.addEventListener("keydown", (event) => {
    if (event.target.matches("input[type=search], input[type=date], select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const boxes = [...list.querySelectorAll("details[open] input[type=checkbox]")], at = boxes.indexOf(event.target);
    const cell = event.target.closest(".said");
    if (event.key === "j" || event.key === "k") boxes[at < 0 ? 0 : Math.max(0, Math.min(boxes.length - 1, at + (event.key === "j" ? 1 : -1)))]?.focus();
    else if (event.key === "d" && cell) cell.querySelector(".diffs")?.click();
    else if (event.key === "x" && cell) cell.querySelector("input").click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  for (const control of [signal, gap, space, from, to]) control.addEventListener("change", fill);
  words.addEventListener("input", fill);
  const heads = el("div", "heads");
  heads.append(el("span", "", ""), el("span", "", ""));
  both.forEach((name, i) => heads.children[i].append(accountMark(Boolean(i)), " ", named(name)));
  fill();
  view.append(filters, counts, heads, list);
  view.ticked = () => {
    for (const box of list.querySelectorAll("input[type=checkbox]")) { box.checked = ctx.basket.has(box.dataset.rev); box.closest("td").classList.toggle("sel", box.checked); }
  };
  view.firstEdit = () => list.querySelector("input[type=checkbox]")?.focus();
  return view;
}

