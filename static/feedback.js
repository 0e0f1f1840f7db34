"use strict";
// The Annotate panel by keyboard. Everything in it is a form without this.

(() => {
  const box = () => document.getElementById("annotate");
  const rows = () => [...box().querySelectorAll(".verdict")];
  const writing = (target) => target.matches?.("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])");
  const active = () => box()?.querySelector(".verdict.active") ?? null;
  let activeId = "";
  // Whether the next digit chooses an option of the row or another row.
  let armed = false;

  const control = (row) => row.querySelector("input:checked") ?? row.querySelector(".line input, textarea, summary");

  const choose = (row, { focus = true } = {}) => {
    if (!row) return;
    active()?.classList.remove("active");
    row.classList.add("active");
    activeId = row.id;
    armed = Boolean(row.querySelector("[data-digit='1'], [data-digit='0']"));
    const correct = row.querySelector("form details:not(.why)");
    if (correct && focus) correct.open = true;
    if (focus) control(row)?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  const step = (by) => {
    const all = rows();
    choose(all[Math.min(Math.max(all.indexOf(active()) + by, 0), all.length - 1)]);
  };

  const pick = (digit) => {
    const row = active();
    const option = armed && row?.querySelector(`.line input[data-digit="${digit}"]`);
    if (!option) {
      const suggested = box().querySelector(`.first-key [data-digit="${digit}"]`);
      return suggested ? suggested.click() : choose(rows().find((each) => each.dataset.digit === digit));
    }
    armed = option.type === "checkbox";
    if (option.checked && option.type === "radio") {
      option.checked = false;
      option.dispatchEvent(new Event("change", { bubbles: true }));
    } else option.click();
    option.focus({ preventScroll: true });
  };

  // What is on its way is saved first: only then is there what takes it back.
  const press = async (name) => {
    const id = active()?.id;
    while (document.querySelector(`#${id} form.htmx-request`)) await new Promise((done) => { setTimeout(done, 30); });
    document.getElementById(id)?.querySelector(`button[value="${name}"]`)?.click();
  };

  const write = (row, selector) => {
    if (!row) return;
    choose(row, { focus: false });
    const field = row.querySelector(selector);
    const around = field?.closest("details");
    if (around) around.open = true;
    field?.focus();
  };

  const byKind = (kind) => box().querySelector(`.verdict.is-${kind}`);

  const KEYS = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    "-": () => active()?.querySelector("input[value=na]")?.click(),
    "+": () => {
      const made = box().querySelector(".new-key");
      made.open = true;
      made.querySelector("input:not([type=hidden])").focus();
    },
    c: () => write(active() ?? rows()[0], "[name=comment]"),
    m: () => write(byKind("note"), "textarea"),
    e: () => write(byKind("correction"), "textarea"),
    u: () => press("undo"),
    Backspace: () => press("clear"),
    Delete: () => press("clear"),
    ",": () => box().querySelector("[data-annotate-step='-1']")?.click(),
    ".": () => box().querySelector("[data-annotate-step='1']")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (!box() || document.querySelector("dialog[open]") || !box().querySelector("fieldset:enabled")) return;
    if (writing(event.target)) {
      if (!box().contains(event.target) || event.key !== "Enter" || !event.target.closest(".verdict")) return;
      if (event.target.matches("textarea") && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      return step(1);
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = /^[0-9]$/.test(event.key) ? () => pick(event.key) : Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (!key || (event.key.startsWith("Arrow") && !panelHasKeys(event.target))) return;
    event.preventDefault();
    key();
  });

  // The arrows belong to the tree and to JSON while these have the focus.
  const panelHasKeys = (target) => target === document.body || box().contains(target) || Boolean(target.closest?.("#panel"));

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("#annotate .verdict");
    if (row && row !== active()) choose(row, { focus: false });
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-annotate-step]");
    stepped = Boolean(link);
  }, true);
  let stepped = false;

  // What does not apply has no other answer: before the row is saved, the one gives way to the other.
  document.addEventListener("change", (event) => {
    const row = event.target.closest?.("#annotate .verdict");
    const without = row?.querySelector("input[type=checkbox][value=na]");
    if (!without || event.target.name === "comment") return;
    if (event.target !== without) without.checked = false;
    else if (without.checked) {
      for (const other of row.querySelectorAll("[name=score], [name=choice]:checked")) {
        if (other.name === "score") other.value = "";
        else if (other !== without) other.checked = false;
      }
    }
  }, true);

  // A swap takes the focus with what it replaces: it goes back to the row, in the next turn to the same key.
  document.addEventListener("htmx:afterSettle", () => {
    if (!box()) return;
    // A key that was just made is the next to be answered.
    activeId = box().dataset.made || activeId;
    box().dataset.made = "";
    if (!activeId) return;
    const row = document.getElementById(activeId);
    const lost = document.activeElement === document.body || !document.activeElement;
    if (row && !row.classList.contains("active")) choose(row, { focus: lost });
    if (!stepped) return;
    stepped = false;
    document.getElementById(`turn-${box().dataset.turn}`)?.scrollIntoView({ block: "start" });
  });

  document.addEventListener("panel:close", () => { activeId = ""; });

  // In the tree a dot marks the run.
  const mark = async ({ run, dot }) => {
    const name = run && document.querySelector(`.tree li > a[href*="${run}"] > .name`);
    const answer = name && await fetch(dot);
    if (!answer?.ok) return;
    name.parentElement.querySelector(".rated-dot")?.remove();
    name.insertAdjacentHTML("afterend", await answer.text());
  };

  // What was said shows on the turn behind the panel.
  document.addEventListener("feedback-changed", (event) => {
    mark(event.detail);
    const marks = document.getElementById(`marks-${event.detail.trace}`);
    if (marks) htmx.ajax("GET", marks.dataset.marks, { source: marks, target: marks, swap: "innerHTML", select: ".marks > *" });
  });
})();
