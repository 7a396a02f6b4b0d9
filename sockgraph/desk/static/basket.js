// The filing basket: what was ticked, against first, kept in the case's folder by the kernel.

function basketView(ctx) {
  const { t, state } = ctx;
  const dock = el("section", "basket"), bar = el("div", "basketbar"), body = el("div", "basketbody"), list = el("ol"), text = el("textarea");
  dock.setAttribute("aria-label", t("Filing basket"));
  const toggle = button("", () => show(!state.basketOpen)), told = el("span", "mut"), copied = el("span", "mut");
  const form = el("select"), copy = button(t("Copy"), copyText, "strong");
  form.setAttribute("aria-label", t("Form of the filing"));
  toggle.setAttribute("aria-expanded", "false");
  text.readOnly = true;
  text.setAttribute("aria-label", t("The filing's text"));
  copied.setAttribute("role", "status");
  bar.append(toggle, told, el("span", "grow"), copied, labelled(t("form"), form), copy);
  body.append(list, text);
  dock.append(bar, body);
  let last = { picked: [], text: "" };

  function take(answer) {
    if (answer.problem) { body.hidden = false; list.replaceChildren(problemBox(answer.problem)); return false; }
    last = { ...last, ...answer };
    state.basket = new Map(last.picked.map((p) => [p.rev, p]));
    if (!form.childElementCount) form.append(...last.profiles.map((p) => option(p, p)));
    form.value = last.profile;
    fill();
    return true;
  }
  const change = async (question) => {
    const answer = await ctx.ask({ ask: "change basket", profile: form.value || null, ...question });
    const done = take(answer);
    if (done && state.basketOpen) preview();
    return done;
  };
  async function preview() {
    const answer = await ctx.ask({ ask: "basket", text: true, profile: form.value || null });
    if (take(answer)) text.value = answer.text;
    return answer;
  }
  async function copyText() {
    const answer = await preview();
    if (answer.problem) return;
    show(true);
    text.select();
    try { await navigator.clipboard.writeText(answer.text); copied.textContent = t("Copied."); } catch { copied.textContent = t("Selected: copy with Ctrl-C."); }
  }

  function fill() {
    const n = last.picked.length, against = last.picked.filter((p) => p.side === "against").length;
    toggle.replaceChildren(`${state.basketOpen ? "▾" : "▸"} ${t("Filing basket")}`);
    told.textContent = n ? t("{n} edits: {against} against, {for} for", { n, against, for: n - against }) : t("Tick an edit: it is kept here, across tabs, links and days.");
    copy.disabled = !n;
    body.hidden = !state.basketOpen || !n;
    dock.classList.toggle("open", !body.hidden);
    list.replaceChildren(...last.picked.map(lineOf));
  }

  function lineOf(one) {
    const line = el("li"), side = choice(t("Speaks"), [["against", t("against")], ["for", t("for")]]);
    side.value = one.side;
    side.addEventListener("change", () => change({ do: "pick", rev: one.rev, side: side.value }));
    const act = (words, label, question) => {
      const node = button(words, async () => { await change({ rev: one.rev, ...question }); list.querySelector(`[data-rev="${CSS.escape(one.rev)}"] button[aria-label="${label}"]`)?.focus(); }, "small");
      node.setAttribute("aria-label", label);
      return node;
    };
    line.dataset.rev = one.rev;
    line.append(side, act("↑", t("Up"), { do: "move", by: -1 }), act("↓", t("Down"), { do: "move", by: 1 }), act("×", t("Take out"), { do: "remove" }));
    const about = el("span", "said");
    if (one.gone) about.append(el("span", "mut", `${one.rev}: ${t("the case does not have this edit any more; it is not filed.")}`));
    else about.append(named(one.user), " ", el("span", "mut nb", one.at), " ", named(one.page), one.summary ? " “" : "", one.summary ? named(one.summary) : "", one.summary ? "”" : "");
    if (one.url) about.append(" ", Object.assign(el("a", "", t("on the wiki")), { href: one.url, target: "_blank", rel: "noopener noreferrer" }));
    line.append(about);
    return line;
  }

  function show(open) {
    state.basketOpen = open;
    toggle.setAttribute("aria-expanded", String(open));
    fill();
    if (open && last.picked.length) preview();
  }
  form.addEventListener("change", preview);
  fill();
  return {
    dock,
    load: async () => { if (take(await ctx.ask({ ask: "basket" }))) ctx.basketChanged(); },
    has: (rev) => state.basket.has(rev),
    put: (rev, inside) => change(inside ? { do: "pick", rev, a: state.link.a, b: state.link.b } : { do: "remove", rev }),
  };
}

