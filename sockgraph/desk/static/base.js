// What every view of the desk is made from. No library, no network.
// Names and summaries reach the page as text nodes, or as HTML that the kernel has escaped.

const SVG = "http://www.w3.org/2000/svg";
const GAPS = [["", "any"], ["3600", "up to an hour"], ["86400", "up to a day"]];
const NEAR = 86400; // gaps up to a day are set in bold

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
const choice = (label, options) => {
  const node = el("select");
  node.setAttribute("aria-label", label);
  node.append(...options.map(([value, words]) => option(value, words)));
  return node;
};
const button = (words, act, cls = "") => {
  const node = Object.assign(el("button", cls, words), { type: "button" });
  if (act) node.addEventListener("click", act);
  return node;
};
const labelled = (words, control) => {
  const label = el("label", "", words + " ");
  label.append(control);
  return label;
};
// A row of buttons of which one is pressed; `pick` is told which.
const switcher = (label, options, pick) => {
  const row = el("div", "switch");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", label);
  for (const [value, words] of options) row.append(Object.assign(button(words, () => pick(value)), { value }));
  row.show = (value) => { for (const one of row.children) one.setAttribute("aria-pressed", String(one.value === value)); };
  return row;
};
const signed = (v) => (v === null ? "–" : (v < -0.05 ? "−" : v > 0.05 ? "+" : "") + Math.abs(v).toFixed(1));
const counted = (n) => n.toLocaleString("en");
const HAN = /[\u3400-\u9fff]/;
const named = (text) => {
  const node = el("bdi", "", text);
  if (HAN.test(text)) node.lang = "zh";
  return node;
};
// An account's mark, drawn by `charts/tokens.css`; where its name does not stand beside it, a screen reader says it.
const accountMark = (second, of) => {
  const node = el("i", second ? "mk o" : "mk");
  if (of) for (const [name, value] of [["role", "img"], ["aria-label", of], ["title", of]]) node.setAttribute(name, value);
  return node;
};
const gapWords = (t, seconds) => {
  if (seconds === null) return "";
  if (seconds < 60) return t("<1 min");
  if (seconds < 5400) return t("{n} min", { n: Math.round(seconds / 60) });
  if (seconds < 129600) return t("{n} h", { n: Math.round(seconds / 3600) });
  return t("{n} days", { n: counted(Math.round(seconds / 86400)) });
};
// Scrolls a box, and nothing around it, until a part of it is seen.
const reveal = (box, part) => {
  const [outer, inner] = [box, part].map((one) => one.getBoundingClientRect()), head = box.querySelector("thead")?.offsetHeight ?? 0;
  box.scrollTop += Math.min(0, inner.top - outer.top - head - 4) || Math.max(0, inner.bottom + 4 - outer.bottom); // its outline too
  box.scrollLeft += Math.min(0, inner.left - outer.left - 4) || Math.max(0, inner.right + 4 - outer.right);
};
const pairKey = (link) => link.a + "\u0000" + link.b;

// Looks a text up in the language that was chosen, and fills in its {names}; `around` puts elements there.
const speaker = (strings) => {
  const t = (text, values = {}) => (strings?.[text] ?? text).replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
  t.around = (text, values) => (strings?.[text] ?? text).split(/\{(\w+)\}/).map((part, i) => (i % 2 ? values[part] : part));
  return t;
};

function markup(html) {
  const holder = el("div");
  holder.innerHTML = html; // escaped by the kernel, see sockgraph/desk/panels.py
  return holder;
}

function problemBox(problem) {
  const box = el("div", "problem");
  box.setAttribute("role", "alert");
  box.append(el("b", "", problem.value + ": "), problem.rule + " ", el("span", "", problem.remedy));
  return box;
}

// Asks the kernel. An answer that is late is said, one that cannot come too. The page is told that the kernel went
// by an event, but not that it came back: whatever is asked after is sent all the same, and waited for shortly.
function line(model, t, late) {
  const PATIENCE = 8000, SHORT = 1500;
  const waiting = new Map();
  let asked = 0, ended = false;
  const none = () => ({ problem: { value: t("The kernel"), rule: t("has ended: nothing can be asked of it."), remedy: t("Run the cell again.") } });
  const settle = (key, content) => {
    const done = waiting.get(key);
    waiting.delete(key);
    if (!waiting.size) late(false);
    if (done) done(content);
  };
  const heard = (content) => { ended = false; settle(content.re, content); };
  const gone = () => { ended = true; for (const key of [...waiting.keys()]) settle(key, none()); };
  model.on("msg:custom", heard);
  model.on("comm_live_update", gone);
  const ask = (question) =>
    new Promise((done) => {
      asked += 1;
      const mine = asked;
      waiting.set(mine, done);
      if (ended) setTimeout(() => { if (ended) settle(mine, none()); }, SHORT);
      setTimeout(() => { if (waiting.has(mine)) late(true); }, PATIENCE);
      try { model.send({ ...question, re: mine }); } catch { gone(); }
    });
  return { ask, close: () => { model.off("msg:custom", heard); model.off("comm_live_update", gone); } };
}

// Whether this browser draws Chinese: without a font every letter is the same box.
function drawsChinese() {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  Object.assign(pen.canvas, { width: 40, height: 40 });
  pen.font = "32px sans-serif";
  const [one, other] = ["\u6c38", "\u4e00"].map((letter) => {
    pen.clearRect(0, 0, 40, 40);
    pen.fillText(letter, 2, 34);
    return pen.getImageData(0, 0, 40, 40).data.join();
  });
  return one !== other;
}

