"use strict";
// The lists of threads and of runs by key, selection, the brush and the figures that stay as they were left. The page works without it.

(() => {
  const rows = () => [...document.querySelectorAll(".listed-rows tbody tr:not(.snippet)")];
  const picks = () => [...document.querySelectorAll(".listed-rows .pick")];
  const typing = (target) => target.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const focused = () => document.activeElement?.closest?.(".listed-rows tbody tr");

  const opened = () => document.querySelector(".listed-rows .row-link[aria-current]")?.closest("tr");

  const step = (by) => {
    const all = rows();
    const at = all.indexOf(focused() ?? opened());
    const next = at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[at + by];
    const link = next?.querySelector(".row-link");
    link?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
    return link;
  };

  // A row that opens in the side panel is marked, and the panel gets buttons to the rows beside it.
  const mark = (link) => {
    for (const each of document.querySelectorAll(".listed-rows .row-link[aria-current]")) each.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "true");
  };
  const beside = (by) => rows()[rows().indexOf(opened()) + by]?.querySelector(".row-link");
  const walk = (by) => {
    const link = beside(by);
    link?.closest("tr").scrollIntoView({ block: "nearest" });
    link?.click();
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-row-link]")) mark(event.detail.elt);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const header = event.detail.target.id === "panel" && opened() && event.detail.target.querySelector(":scope > header");
    if (!header) return;
    const buttons = document.getElementById("row-steps").content.cloneNode(true);
    for (const button of buttons.querySelectorAll("button")) button.disabled = !beside(Number(button.dataset.rowStep));
    header.querySelector(".push").after(buttons);
  });
  document.addEventListener("panel:close", () => mark(null));
  // An answer for a row that was left meanwhile, or came after the panel was closed.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const link = event.detail.requestConfig.elt;
    if (link.matches?.("[data-row-link]") && !link.hasAttribute("aria-current")) event.detail.shouldSwap = false;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-row-step]");
    if (button) walk(Number(button.dataset.rowStep));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const reading = document.querySelector("#panel .tree"); // trace.js walks its runs
    if (event.key === "j" && !reading) step(1);
    else if (event.key === "k" && !reading) step(-1);
    else if (event.key === "o" && !reading) (focused() ?? rows()[0])?.querySelector(".row-link").click();
    else if (event.key === "[" && opened()) walk(-1);
    else if (event.key === "]" && opened()) walk(1);
    else if (event.key === "x" && focused()) focused().querySelector(".pick").click();
    else return;
    event.preventDefault();
  });

  // Selection
  const count = () => {
    const form = document.getElementById("bulk");
    if (!form) return;
    const all = form.elements.all;
    const ticked = picks().filter((pick) => pick.checked).length;
    const words = all?.checked ? all.parentElement.textContent.trim().toLowerCase() : `${ticked} ${form.dataset.noun}${ticked === 1 ? "" : "s"}`;
    form.querySelector("[data-picked]").textContent = `${words[0].toUpperCase()}${words.slice(1)} selected`;
    const again = form.querySelector("[data-picked-again]");
    if (again) again.textContent = words;
    for (const button of form.querySelectorAll("[data-needs]")) button.disabled = Boolean(all?.checked) || ticked !== Number(button.dataset.needs);
    const whole = document.querySelector("[data-pick-all]");
    if (!whole) return;
    whole.checked = ticked > 0 && ticked === picks().length;
    whole.indeterminate = ticked > 0 && !whole.checked;
    if (!ticked && all?.checked) all.checked = false;
  };

  let last = null;
  document.addEventListener("click", (event) => {
    const pick = event.target.closest?.(".pick");
    if (!pick) return;
    const all = picks();
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(pick)].sort((a, b) => a - b);
      for (const each of all.slice(from, to + 1)) each.checked = pick.checked;
    }
    last = pick;
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const pick of picks()) pick.checked = event.target.checked;
    if (event.target.matches(".pick, [data-pick-all], #bulk [name=all]")) count();
  });

  // A download leaves the page where it is, so its button must serve again.
  document.addEventListener("submit", (event) => {
    if (event.submitter?.matches("[data-download]")) setTimeout(() => { event.submitter.disabled = false; }, 1500);
  });

  // Columns: the arrows move a row of the menu; the form is sent when the order is as wanted.
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".columns .moves button");
    if (!button) return;
    event.preventDefault();
    const item = button.closest("li");
    const other = button.name === "up" ? item.previousElementSibling : item.nextElementSibling;
    if (!other || other.classList.contains("free")) return;
    if (button.name === "up") other.before(item);
    else other.after(item);
    button.focus();
  });

  // The figures: a cookie, so that the next page comes as this one was left, without a jump.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-aside]");
    if (!button) return;
    const aside = document.getElementById("aside");
    aside.hidden = !aside.hidden;
    button.setAttribute("aria-pressed", String(!aside.hidden));
    aside.closest(".listing").classList.toggle("wide", aside.hidden);
    document.cookie = `aside=${aside.hidden ? "off" : "on"}; path=/; max-age=31536000; samesite=lax`;
    if (!aside.hidden && !aside.querySelector("section")) htmx.trigger(aside, "show");
  });

  // Brush: dragging over the activity asks for its time, to the bar.
  let brush = null;

  const share = (event) => {
    const box = brush.svg.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };

  const paint = (event) => {
    const [from, to] = [brush.from, share(event)].sort((a, b) => a - b);
    const width = brush.svg.viewBox.baseVal.width;
    brush.rect.removeAttribute("hidden");
    brush.rect.setAttribute("x", from * width);
    brush.rect.setAttribute("width", (to - from) * width);
    return [from, to];
  };

  document.addEventListener("pointerdown", (event) => {
    const box = event.target.closest?.("[data-brush]");
    const svg = event.target.closest?.("svg");
    if (!box || !svg || event.button !== 0) return;
    brush = { box, svg, rect: svg.querySelector(".brush"), x: event.clientX, moved: false };
    brush.from = share(event);
  });

  document.addEventListener("pointermove", (event) => {
    if (!brush) return;
    if (Math.abs(event.clientX - brush.x) > 4) brush.moved = true;
    if (brush.moved) paint(event);
  });

  document.addEventListener("pointerup", (event) => {
    if (!brush) return;
    const { box, moved } = brush;
    const [from, to] = moved ? paint(event) : [0, 0];
    brush = null;
    if (!moved) return;
    addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    const start = Date.parse(box.dataset.start);
    const length = Date.parse(box.dataset.end) - start;
    const bar = Number(box.dataset.step) * 1000;
    const snap = (at, round) => new Date(start + round((at * length) / bar) * bar).toISOString().slice(0, 19) + "Z";
    const query = new URLSearchParams(box.dataset.query);
    query.delete("since");
    query.set("from", snap(from, Math.floor));
    query.set("to", snap(to, Math.ceil));
    location.href = `${box.dataset.list}?${query}`;
  });

  document.addEventListener("dragstart", (event) => {
    if (event.target.closest?.("[data-brush]")) event.preventDefault();
  });

  addEventListener("pageshow", count);
})();
