// The graph: what is drawn stays in pixels at any zoom. Marks and lines say what `charts/` says.

const PAD = 64, MARK = 8, RING = 28;
const MOST_NAMED = 30; // accounts up to which each has its name; beyond, as many as fit
const CROWD = 100; // accounts from which on marks are half as wide: they covered the links
const MANY = 200; // links from which on each is pale: they covered one another
const REST = 120; // milliseconds that a pointer rests on a link before its card is asked for
const FEW = 12; // links that are drawn with their number beside them
const widthOf = (lr) => 1.5 + 3.2 * Math.abs(lr);
const span = (text) => [...text].reduce((sum, c) => sum + (c > "\u2e7f" ? 14 : 8.2), 0);

const SHOWS = {
  report: (l) => l.drawn,
  for: (l) => l.direction === "for" || l.flagged,
  against: (l) => l.direction === "against" || l.apart,
  all: () => true,
};

function graphView(ctx) {
  const { scene, t, state } = ctx;
  const view = el("div", "graph"), tools = el("div", "tools"), stage = el("div", "stage"), below = el("div", "below");
  const picture = draw("svg", { role: "group", "aria-label": t("Graph of accounts and links") });
  const which = choice(t("Links"), [["report", t("as in the report")], ["for", t("for one operator")], ["against", t("against one operator")], ["all", t("all")]]);
  const family = choice(t("Family for"), [["", t("any family")], ...scene.families.map((f) => [f, t(f)])]);
  const states = [...new Set(scene.links.map((l) => l.state))].filter((s) => s !== "flagged" && s !== "none").sort();
  const status = choice(t("State"), [["", t("any state")], ["flagged", t("flagged")], ...states.map((s) => [s, t(s)])]);
  const ego = button(t("Neighbours"), () => { state.ego = !state.ego; fit(); });
  const zoomed = el("div", "zoom");
  zoomed.append(button("−", () => zoom(1 / 1.4)), button(t("fit"), () => fit()), button("+", () => zoom(1.4)));
  zoomed.children[0].setAttribute("aria-label", t("Zoom out"));
  zoomed.children[2].setAttribute("aria-label", t("Zoom in"));
  tools.append(which, family, status, ego);
  const key = el("div", "key"), card = el("div", "card");
  card.hidden = true;
  drawKey(key, t);
  below.append(key, card);
  stage.append(picture, zoomed);
  view.append(tools, stage, below);

  const ranked = [...scene.nodes];
  const nodes = new Map(ranked.map((n) => [n.user, n]));
  const unit = { x: scale(ranked.map((n) => n.x)), y: scale(ranked.map((n) => n.y)) };
  let size = [0, 0], look = { k: 1, x: 0, y: 0 }, taken = [], segments = [], first = null, shown = 0;
  const layers = { lines: draw("g"), marks: draw("g"), words: draw("g") };
  const edges = new Map(), dots = new Map(), names = new Map(); // what stands there, by pair and by account
  const at = (user) => {
    const n = nodes.get(user);
    return [PAD + unit.x(n.x) * (size[0] - 2 * PAD) * look.k + look.x, PAD + unit.y(n.y) * (size[1] - 2 * PAD) * look.k + look.y];
  };
  const keep = (l) => SHOWS[state.shows](l) && (!state.family || l.families.includes(state.family))
    && (!state.status || (state.status === "flagged" ? l.flagged : l.state === state.status));
  const chosen = (user) => state.link && (state.link.a === user || state.link.b === user);
  const same = (link) => state.link && pairKey(state.link) === pairKey(link);
  const near = () => {
    if (!state.ego || !state.link) return null;
    const found = new Set([state.link.a, state.link.b]);
    for (const l of scene.links) if (keep(l) && (chosen(l.a) || chosen(l.b))) found.add(l.a).add(l.b);
    return found;
  };
  const within = (known, user) => !known || known.has(user);
  function links() {
    const known = near();
    return scene.links.filter((l) => nodes.has(l.a) && nodes.has(l.b) && (keep(l) || same(l))
      && (!known || ((chosen(l.a) || chosen(l.b)) && known.has(l.a) && known.has(l.b))));
  }

  function paint() {
    size = [stage.clientWidth, stage.clientHeight];
    if (!size[0] || !size[1]) return;
    for (const [name, value] of [["width", size[0]], ["height", size[1]], ["viewBox", `0 0 ${size[0]} ${size[1]}`]]) picture.setAttribute(name, value);
    const focused = picture.contains(document.activeElement);
    const drawn = links(), known = near(), seen = ranked.filter((n) => within(known, n.user));
    first = drawn.find(same) ?? drawn[0];
    picture.classList.toggle("many", drawn.length > MANY);
    const parts = [hatch()];
    edges.clear(); dots.clear(); names.clear();
    taken = seen.map((n) => { const [x, y] = at(n.user); return [x - 10, y - 10, x + 10, y + 10]; });
    segments = drawn.length > MANY ? [] : drawn.map((l) => [...at(l.a), ...at(l.b)]);
    const strangers = (users) => seen.filter((n) => !users.includes(n.user)).map((n) => at(n.user));
    for (const group of scene.groups) {
      const made = outline(group, group.users.filter((u) => nodes.has(u) && within(known, u)).map(at), strangers(group.users));
      if (made) parts.push(made);
    }
    for (const pair of scene.concert) if (nodes.has(pair.a) && nodes.has(pair.b) && !known) parts.push(concert(pair));
    layers.lines.replaceChildren(...drawn.map(edge));
    layers.marks.replaceChildren(...seen.map(dot));
    layers.words.replaceChildren();
    const weight = new Map();
    for (const l of drawn) for (const u of [l.a, l.b]) weight.set(u, Math.max(weight.get(u) ?? 0, Math.abs(l.lr ?? 0) + (l.flagged ? 9 : 0) + (l.direction === "for" ? 4 : 0)));
    const order = [...seen].sort((p, q) => Number(chosen(q.user)) - Number(chosen(p.user)) || found(q) - found(p) || (weight.get(q.user) ?? 0) - (weight.get(p.user) ?? 0));
    for (const node of order) { const text = nameOf(node, seen.length); if (text) layers.words.append(text); }
    shown = seen.length;
    for (const link of drawn) if (link.lr !== null && (drawn.length <= FEW || same(link))) { const text = numberOf(link); if (text) layers.words.append(text); }
    picture.replaceChildren(...parts, ...Object.values(layers));
    lift(focused);
    const more = scene.left_out ? t("; {n} weaker ones not sent", { n: counted(scene.left_out) }) : "";
    ctx.tally(t("{n} of {all} pairs drawn", { n: counted(drawn.length), all: counted(scene.pairs) }) + more);
  }

  // Of many links only the two that change are drawn anew.
  function remark(before, link) {
    const focused = picture.contains(document.activeElement);
    const changed = [before, first, link].filter((l) => l && edges.has(pairKey(l)));
    first = edges.get(pairKey(link)).link;
    for (const one of changed) edges.get(pairKey(one)).replaceWith(edge(edges.get(pairKey(one)).link));
    for (const user of new Set([before, link].flatMap((l) => (l ? [l.a, l.b] : [])))) {
      if (!dots.has(user)) continue;
      dots.get(user).replaceWith(dot(nodes.get(user)));
      names.get(user)?.classList.toggle("is", chosen(user));
      if (!names.has(user) && chosen(user)) layers.words.append(nameOf(nodes.get(user), shown));
    }
    lift(focused);
  }

  // Nothing of a crowd covers what was chosen; and what is drawn anew takes nobody's place.
  function lift(focused) {
    if (edges.size > FEW) for (const part of picture.querySelectorAll(".link.is, .node.is")) part.parentNode.append(part);
    if (focused && !picture.contains(document.activeElement)) picture.querySelector('.link[tabindex="0"]')?.focus({ preventScroll: true });
  }

  const found = (node) => Number(Boolean(state.find) && node.label.toLowerCase().includes(state.find));

  function edge(link) {
    const [x1, y1] = at(link.a), [x2, y2] = at(link.b);
    const g = draw("g", {
      class: `link ${link.direction}${same(link) ? " is" : ""}`, role: "button", "data-a": link.a, "data-b": link.b,
      tabindex: link === first ? 0 : -1, // the keyboard comes to the chosen one, else the strongest
      "aria-label": t("Link of {a} and {b}, log10 LR {number}", { a: ctx.label(link.a), b: ctx.label(link.b), number: link.words || "–" }),
    });
    const width = widthOf(link.lr ?? 0);
    if (same(link)) g.append(draw("line", { x1, y1, x2, y2, class: "chosen", "stroke-width": width + 7 }));
    g.append(draw("line", { x1, y1, x2, y2, class: "hit" }), draw("line", { x1, y1, x2, y2, class: "drawn", "stroke-width": width }));
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
    if (link.apart) g.append(draw("path", { class: "cross", d: `M${mx - 7} ${my - 7}l14 14m0 -14l-14 14` }));
    g.link = link;
    edges.set(pairKey(link), g);
    return g;
  }

  function dot(node) {
    const [cx, cy] = at(node.user);
    const second = state.sides?.[1] === node.user;
    const g = draw("g", { class: `node${chosen(node.user) ? " is" : ""}${node.insufficient ? " open" : ""}${found(node) ? " found" : ""}`, "data-user": node.user, role: "button", tabindex: -1, "aria-label": node.label });
    g.append(draw("circle", { cx, cy, r: scene.nodes.length > CROWD && !chosen(node.user) ? MARK / 2 : MARK, class: second ? "hollow" : "" }));
    const few = node.insufficient ? t(", too few edits to compare") : "";
    g.append(draw("title", {}, t("{name}: {n} edits", { name: node.label, n: counted(node.edits) }) + few));
    dots.set(node.user, g);
    return g;
  }

  // Puts a text where it covers least; each place is x, y of its baseline and its anchor.
  function settle(text, width, places, must) {
    const box = ([x, y, anchor]) => {
      const left = anchor === "end" ? x - width : anchor === "middle" ? x - width / 2 : x;
      return [left, y - 12, left + width, y + 4];
    };
    const hits = (b) => (b[0] < 0 || b[2] > size[0] || b[1] < 0 || b[3] > size[1] ? 99 : 0)
      + 3 * taken.filter((o) => b[0] < o[2] && o[0] < b[2] && b[1] < o[3] && o[1] < b[3]).length;
    let best = null, least = Infinity;
    for (const place of places) {
      const b = box(place), cost = hits(b) + 0.5 * segments.filter((s) => crosses(s, b)).length;
      if (cost < least) [best, least] = [place, cost];
      if (!cost) break;
    }
    if (least >= 3 && !must) return null;
    taken.push(box(best));
    for (const [name, value] of [["x", best[0]], ["y", best[1]], ["text-anchor", best[2]]]) text.setAttribute(name, value);
    return text;
  }

  function nameOf(node, n) {
    const must = chosen(node.user) || found(node) || n <= MOST_NAMED;
    const [x, y] = at(node.user), text = draw("text", { class: `name${chosen(node.user) ? " is" : ""}` }, node.label);
    if (node.han) text.setAttribute("lang", "zh");
    const width = span(node.label), held = Math.max(width / 2 + 2 - x, 0) - Math.max(x + width / 2 + 2 - size[0], 0); // into the stage
    const spots = [[held, -14, "middle"], [held, 23, "middle"], [13, 5, "start"], [-13, 5, "end"], [9, -14, "start"], [-9, -14, "end"], [9, 23, "start"], [-9, 23, "end"], [held, -30, "middle"], [held, 39, "middle"]];
    const put = settle(text, width, spots.map(([dx, dy, anchor]) => [x + dx, y + dy, anchor]), must);
    if (put) names.set(node.user, put);
    return put;
  }

  function numberOf(link) {
    const [x1, y1] = at(link.a), [x2, y2] = at(link.b), own = segments.findIndex((s) => s[0] === x1 && s[1] === y1 && s[2] === x2 && s[3] === y2);
    const kept = segments;
    segments = segments.filter((_, i) => i !== own);
    const length = Math.hypot(x2 - x1, y2 - y1) || 1, off = 4 + widthOf(link.lr) / 2, width = span(link.words) + 2;
    // beside the line, on either side of it, at several heights of it; else on the line itself, never on another
    const [nx, ny] = [(y2 - y1) / length, -(x2 - x1) / length];
    const reach = off + (Math.abs(nx) * width) / 2 + Math.abs(ny) * 6, along = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74];
    const beside = (s, side) => [x1 + s * (x2 - x1) + side * nx * reach, y1 + s * (y2 - y1) + side * ny * reach + 4.5, "middle"];
    const places = [...along.flatMap((s) => [beside(s, 1), beside(s, -1)]), ...along.map((s) => beside(s, 0))];
    const text = settle(draw("text", { class: `lr ${link.direction}` }, link.words), width, places, same(link) && edges.size <= FEW); // of a crowd the card and the head tell it
    segments = kept;
    return text;
  }

  // A group's border, where no stranger stands inside it; elsewhere the line below names its accounts.
  function outline(group, points, strangers) {
    if (points.length < 2) return null;
    const border = hull(points);
    if (strangers.some((p) => inside(p, border, RING + MARK))) return null;
    const said = group.stable ? t("Group {n}, stable", { n: group.number }) : t("Group {n}, unresolved", { n: group.number });
    const g = draw("g", { class: `outline${group.stable ? "" : " unresolved"}`, tabindex: 0, role: "button", "data-group": group.number, "aria-label": said });
    g.append(draw("path", { d: rounded(border, RING) }));
    const top = points.reduce((a, b) => (a[1] < b[1] ? a : b)), width = span(said);
    const text = settle(draw("text", { class: "small" }, said), width, [[top[0], top[1] - RING - 8, "middle"], [top[0] + RING + 6, top[1] - 14, "start"], [top[0] - RING - 6, top[1] - 14, "end"]], true);
    if (text) g.append(text);
    return g;
  }

  function concert(pair) {
    const [x1, y1] = at(pair.a), [x2, y2] = at(pair.b);
    const g = draw("line", { x1, y1, x2, y2, class: "concert" });
    g.append(draw("title", {}, t("{a} and {b} act in concert beyond chance: a question of its own, not of one operator", { a: ctx.label(pair.a), b: ctx.label(pair.b) })));
    return g;
  }

  // --- moving about ---
  let due = 0;
  const soon = () => { cancelAnimationFrame(due); due = requestAnimationFrame(paint); };
  function zoom(by, [x, y] = [size[0] / 2, size[1] / 2]) {
    const k = Math.min(40, Math.max(0.5, look.k * by)), real = k / look.k;
    look = { k, x: x - PAD - (x - PAD - look.x) * real, y: y - PAD - (y - PAD - look.y) * real };
    soon();
  }
  function fit() {
    ego.setAttribute("aria-pressed", String(Boolean(state.ego)));
    look = { k: 1, x: 0, y: 0 };
    const known = near();
    size = [stage.clientWidth, stage.clientHeight];
    if (known && size[0]) {
      const spots = [...known].map(at), [w, h] = [size[0] - 2 * PAD, size[1] - 2 * PAD];
      const [l, r] = [Math.min(...spots.map((p) => p[0])), Math.max(...spots.map((p) => p[0]))];
      const [u, d] = [Math.min(...spots.map((p) => p[1])), Math.max(...spots.map((p) => p[1]))];
      const k = Math.min(w / Math.max(r - l, 1), h / Math.max(d - u, 1), 40);
      look = { k, x: PAD - PAD - (l - PAD) * k + (w - (r - l) * k) / 2, y: -(u - PAD) * k + (h - (d - u) * k) / 2 };
    }
    soon();
  }
  picture.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !view.contains(document.activeElement)) return; // the page scrolls, until the graph was entered
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), [event.offsetX, event.offsetY]);
  }, { passive: false });
  let held = null;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest(".link, .node, .outline")) return;
    held = { x: event.clientX - look.x, y: event.clientY - look.y };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => { if (held) { look = { ...look, x: event.clientX - held.x, y: event.clientY - held.y }; soon(); } });
  for (const name of ["pointerup", "pointercancel"]) picture.addEventListener(name, () => { held = null; });

  // --- pointing, choosing ---
  const linkOf = (node) => { const g = node.closest?.(".link"); return g && scene.links.find((l) => l.a === g.dataset.a && l.b === g.dataset.b); };
  let pointed = null;
  async function point(link) {
    pointed = link;
    key.hidden = Boolean(link);
    card.hidden = !link;
    if (!link) return;
    await new Promise((done) => { setTimeout(done, REST); }); // whoever passes over it asks nothing: a click would wait for the answers
    if (pointed !== link) return;
    const said = await ctx.about({ ask: "panels", a: link.a, b: link.b, panels: ["card"] });
    if (pointed === link) card.replaceChildren(said.problem ? problemBox(said.problem) : markup(said.card));
  }
  picture.addEventListener("pointerover", (event) => point(linkOf(event.target)));
  picture.addEventListener("pointerleave", () => point(null));
  picture.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) point(linkOf(event.target)); });
  picture.addEventListener("focusout", () => point(null));
  picture.addEventListener("click", (event) => {
    const link = linkOf(event.target), user = event.target.closest(".node")?.dataset.user, group = event.target.closest(".outline")?.dataset.group;
    if (link) ctx.choose(link, true);
    else if (user) choose(user, event.shiftKey);
    else if (group) ctx.openGroup(Number(group));
  });
  // An account: its strongest link; with shift, the pair of it and the one before.
  function choose(user, shift) {
    if (shift && state.held && state.held !== user) return ctx.openPair(state.held, user);
    state.held = user;
    if (!shift) ctx.meet(user);
  }
  // From account to account, as they stand from left to right.
  function step(by) {
    const marks = [...picture.querySelectorAll(".node")].sort((p, q) => at(p.dataset.user)[0] - at(q.dataset.user)[0]);
    const here = Math.max(marks.indexOf(document.activeElement), by > 0 ? -1 : 0); // where none is: the first, or the last
    marks[(here + by + marks.length) % marks.length]?.focus({ preventScroll: true });
  }
  picture.addEventListener("keydown", (event) => {
    const user = event.key === "Enter" && event.target.closest(".node")?.dataset.user;
    if (user) { choose(user, event.shiftKey); event.stopPropagation(); }
    const group = event.key === "Enter" && event.target.closest(".outline")?.dataset.group;
    if (group) { ctx.openGroup(Number(group)); event.stopPropagation(); }
  });
  for (const [control, name] of [[which, "shows"], [family, "family"], [status, "status"]]) {
    control.value = state[name];
    control.addEventListener("change", () => { state[name] = control.value; paint(); });
  }
  new ResizeObserver(soon).observe(stage);
  ego.setAttribute("aria-pressed", String(Boolean(state.ego)));
  return {
    view, links, zoom, fit, step,
    show: soon,
    mark: (before, link) => (state.ego ? fit() : edges.size > FEW && edges.has(pairKey(link)) && (!before || keep(before)) ? remark(before, link) : paint()),
    focus: () => (picture.querySelector('.link[tabindex="0"]') ?? which).focus({ preventScroll: true }),
  };
}

function scale(values) {
  const low = Math.min(...values), high = Math.max(...values);
  return (value) => (high > low ? (value - low) / (high - low) : 0.5);
}

function hatch() {
  const defs = draw("defs"), pattern = draw("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(draw("rect", { width: 6, height: 6, class: "hb" }), draw("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hl" }));
  defs.append(pattern);
  return defs;
}

// Whether a segment meets a box: Liang and Barsky's clipping.
function crosses([x1, y1, x2, y2], [l, u, r, d]) {
  let [from, to] = [0, 1];
  for (const [p, q] of [[x1 - x2, x1 - l], [x2 - x1, r - x1], [y1 - y2, y1 - u], [y2 - y1, d - y1]]) {
    if (p === 0) { if (q < 0) return false; } else if (p < 0) from = Math.max(from, q / p); else to = Math.min(to, q / p);
  }
  return from <= to;
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

const turns = (border) => border.map((p, i) => [p, border[(i + 1) % border.length]]);

// A border some pixels outside the hull, with round corners.
function rounded(border, reach) {
  const parts = turns(border).map(([[x1, y1], [x2, y2]]) => {
    const n = Math.hypot(x2 - x1, y2 - y1) || 1, [ox, oy] = [((y2 - y1) / n) * reach, (-(x2 - x1) / n) * reach];
    return [[x1 + ox, y1 + oy], [x2 + ox, y2 + oy]];
  });
  return "M" + parts.map(([from, to], i) => `${i ? `A${reach} ${reach} 0 0 1 ` : ""}${from.join(" ")}L${to.join(" ")}`).join("") + `A${reach} ${reach} 0 0 1 ${parts[0][0].join(" ")}Z`;
}

// Whether a point is in a hull, or as near to it as `reach`.
function inside([x, y], border, reach) {
  const sides = turns(border);
  const within = border.length > 2 && sides.every(([[x1, y1], [x2, y2]]) => (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) >= 0);
  return within || sides.some(([[x1, y1], [x2, y2]]) => {
    const l = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1, s = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / l));
    return Math.hypot(x - x1 - s * (x2 - x1), y - y1 - s * (y2 - y1)) < reach;
  });
}

function drawKey(key, t) {
  const sample = (words, make) => {
    const item = el("span"), svg = draw("svg", { width: 34, height: 14, "aria-hidden": "true" });
    svg.append(...make());
    item.append(svg, words);
    key.append(item);
  };
  const stroke = (cls, width) => () => [draw("line", { x1: 1, y1: 7, x2: 33, y2: 7, class: cls, "stroke-width": width })];
  for (const lr of [1, 2]) sample(`+${lr}`, stroke("k-for", widthOf(lr)));
  sample("−1", stroke("k-against", widthOf(1)));
  sample(t("does not separate"), stroke("k-zero", 2));
  sample(t("cannot-link"), () => [draw("path", { class: "cross", d: "M10 1l12 12m0 -12l-12 12" })]);
  sample(t("in concert"), stroke("concert", 2));
  sample(t("unresolved"), () => [draw("rect", { x: 2, y: 1, width: 30, height: 12, rx: 6, class: "k-unresolved" })]);
}

