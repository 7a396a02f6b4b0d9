// Both accounts' edits side by side, page by page. Used by explorer.js, which is put after this file.

const ORDERS = {
  moved: ["moved the number most", (p, q) => q.moved - p.moved],
  closest: ["closest gap", (p, q) => (p.closest ?? Infinity) - (q.closest ?? Infinity)],
  rarest: ["rarest page", (p, q) => p.editors - q.editors],
};
const GAPS = [["", "any"], ["3600", "up to an hour"], ["86400", "up to a day"]];
const OPEN_PAGES = 6; // pages that are open at first
const NEAR = 86400; // gaps up to a day are set in bold

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

function editsView(said, desk) {
  const view = el("div", "editview"), filters = el("div", "filters"), list = el("div", "pages");
  const order = el("select"), words = Object.assign(el("input"), { type: "search", placeholder: "page or words" });
  const gap = el("select"), signal = el("select"), space = el("select");
  const from = Object.assign(el("input"), { type: "date" }), to = Object.assign(el("input"), { type: "date" });
  order.append(...Object.entries(ORDERS).map(([key, [name]]) => option(key, name)));
  gap.append(...GAPS.map(([key, name]) => option(key, name)));
  signal.append(option("", "all"), ...[...new Set(said.edits.flatMap((e) => e.signals))].sort().map((s) => option(s, s)));
  const spaces = [...new Set(said.edits.map((e) => e.ns))].sort((a, b) => a - b);
  space.append(option("", "all"), ...spaces.map((n) => option(String(n), n === null ? "not known" : String(n))));
  signal.value = desk.signal;
  const copy = el("button", "", "Copy as {{diff}}"), counted = el("p", "note");
  copy.disabled = true;
  filters.append(labelled("Pages by", order), labelled("Find", words), labelled("Signal", signal), labelled("Gap", gap),
    labelled("Namespace", space), labelled("From", from), labelled("to", to), copy);
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
    found.sort((p, q) => ORDERS[order.value][1](p[0], q[0]));
    list.replaceChildren(...found.map(([page, edits], i) => pageBox(page, edits, i < OPEN_PAGES, narrowed)));
    const n = found.reduce((sum, [, edits]) => sum + edits.length, 0);
    counted.textContent = own ? `No page in common. Each account's own latest edits, ${n.toLocaleString("en")}.`
      : `${n.toLocaleString("en")} of ${said.edits.length.toLocaleString("en")} edits on ${found.length} of ${pages.length} shared pages. Times are UTC.`;
  }

  function pageBox(page, edits, open, all) {
    const box = el("details", "page"), line = el("summary"), table = el("table", "edits"), rows = el("tbody");
    box.open = open;
    line.append(named(page.page));
    if (page.n) {
      const close = page.closest === null ? "" : ` · closest ${gapWords(page.closest)}`;
      line.append(el("span", "mut", ` ${page.editors} of ${said.accounts} accounts edited it · ${page.n[0]} and ${page.n[1]} edits${close}`));
    }
    const widths = el("colgroup");
    for (const width of ["", "84px", ""]) widths.append(Object.assign(el("col"), { style: width && `width:${width}` }));
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
    const more = el("button", "small", `▸ ${edits.length - shown} more: all ${edits.length} in time order, ${edits[0].at.slice(0, 10)} to ${edits.at(-1).at.slice(0, 10)}`);
    more.addEventListener("click", () => {
      rows.replaceChildren(...edits.map((e) => (e.second ? row(undefined, e) : row(e, undefined))));
      rows.querySelector("input").focus();
    });
    cell.append(more);
    last.append(cell);
    return last;
  }

  // One row: an edit of either or both, and the time between: of the two, or since the other's last edit.
  function row(mine, theirs) {
    const line = el("tr"), between = el("td", "gap");
    const seconds = mine && theirs ? (Date.parse(`${theirs.at}Z`) - Date.parse(`${mine.at}Z`)) / 1000 : null;
    const gap = seconds === null ? (mine ?? theirs).gap : Math.abs(seconds);
    if (gap !== null) {
      between.append(el("span", "", gapWords(gap)), el("small", "mut", (seconds === null ? Boolean(theirs) : seconds >= 0) ? "○ later" : "● later"));
      between.classList.toggle("near", gap <= NEAR);
    }
    line.append(cellOf(mine, line), between, cellOf(theirs, line));
    return line;
  }

  function cellOf(edit, line) {
    const cell = el("td", "said");
    if (!edit) return cell;
    const box = Object.assign(el("input"), { type: "checkbox", checked: desk.chosen.has(edit.rev) });
    box.setAttribute("aria-label", `Select the edit of ${edit.at}`);
    box.addEventListener("change", () => {
      if (box.checked) desk.chosen.add(edit.rev); else desk.chosen.delete(edit.rev);
      cell.classList.toggle("sel", box.checked);
      copy.disabled = desk.chosen.size === 0;
      copy.textContent = desk.chosen.size ? `Copy ${desk.chosen.size} as {{diff}}` : "Copy as {{diff}}";
    });
    cell.classList.toggle("sel", box.checked);
    const size = edit.size === null ? "" : ` ${edit.size < 0 ? "−" : "+"}${Math.abs(edit.size).toLocaleString("en")}`;
    cell.append(box, el("span", "nb mut", ` ${edit.at}${size}`), " ", summaryOf(edit));
    if (said.diffs) {
      const more = el("button", "small", "diff");
      more.setAttribute("aria-label", `Show what the edit of ${edit.at} changed`);
      more.addEventListener("click", () => toggleDiff(edit, line, more));
      cell.append(" ", more);
    }
    if (edit.url) cell.append(" ", Object.assign(el("a", "", "on the wiki"), { href: edit.url, target: "_blank", rel: "noopener noreferrer" }));
    if (edit.signals.length) cell.append(el("small", "mut why", `moved: ${edit.signals.join(", ")}`));
    return cell;
  }

  function summaryOf(edit) {
    const text = el("span");
    if (!edit.summary) text.append(el("span", "mut", edit.hidden ? "summary hidden on the wiki" : "no summary"));
    else if (!edit.told) text.append("“", named(edit.summary), "”");
    else {
      const at = edit.summary.indexOf(edit.told.text), end = at + edit.told.text.length;
      const quoted = named("");
      if (/[\u3400-\u9fff]/.test(edit.summary)) quoted.lang = "zh";
      quoted.append(edit.summary.slice(0, at), el("mark", "", edit.told.text), edit.summary.slice(end));
      text.append("“", quoted, "” ", el("span", "mut", `(${edit.told.others} of ${edit.told.of} others wrote it)`));
    }
    return text;
  }

  async function toggleDiff(edit, line, button) {
    const open = list.querySelector(".diffrow"); // one at a time
    open?.remove();
    if (open?.dataset.rev === edit.rev) return;
    button.disabled = true;
    const answer = await desk.about({ ask: "diff", rev: edit.rev });
    button.disabled = false;
    const below = el("tr", "diffrow"), cell = Object.assign(el("td"), { colSpan: 3 }), box = el("div", "diff");
    if (answer.problem) box.append(problemBox(answer.problem));
    else for (const [kind, text] of answer.diff) box.append(el(kind === "same" ? "span" : kind, "", text));
    cell.append(box);
    below.append(cell);
    below.dataset.rev = edit.rev;
    line.after(below);
  }

  copy.addEventListener("click", async () => {
    const answer = await desk.ask({ ask: "wikitext", revs: [...desk.chosen] });
    if (answer.problem) return view.prepend(problemBox(answer.problem));
    const text = Object.assign(el("textarea", "copied"), { value: answer.wikitext, readOnly: true, rows: Math.min(6, desk.chosen.size + 1) });
    text.setAttribute("aria-label", "The chosen edits as wikitext");
    view.querySelector(".copied")?.remove();
    filters.after(text);
    text.select();
    try { await navigator.clipboard.writeText(answer.wikitext); counted.textContent = "Copied."; } catch { counted.textContent = "Selected: copy with Ctrl-C."; }
  });
  for (const control of [order, signal, gap, space, from, to]) control.addEventListener("change", fill);
  words.addEventListener("input", fill);
  const heads = el("div", "heads");
  heads.append(el("span", "", ""), el("span", "", ""));
  heads.children[0].append("● ", named(desk.names[0]));
  heads.children[1].append("○ ", named(desk.names[1]));
  fill();
  view.append(filters, counted, heads, list);
  return view;
}

