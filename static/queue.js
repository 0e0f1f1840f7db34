"use strict";
// Reviewing by keyboard, and further rows of a rubric. Every key presses what is on the page.

(() => {
  // Capturing: where the panel takes Ctrl+Enter as "next row", being done comes first unless somebody writes.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    const done = document.querySelector("[data-done]");
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
    // What is being written is saved by leaving its field; the review must not be done before.
    const writing = document.activeElement?.matches?.("textarea, input:not([type=radio], [type=checkbox])");
    if (!writing) return done.click();
    document.activeElement.blur();
    afterSaving(() => done.click());
  }, true);

  let saving = 0;
  document.addEventListener("htmx:beforeRequest", (event) => {
    // The key that annotates a turn elsewhere: here the rows are there already.
    if (event.detail.elt.matches("[data-annotate]") && document.querySelector(".review")) return event.preventDefault();
    saving += 1;
  });
  document.addEventListener("htmx:afterRequest", () => { saving -= 1; });

  const afterSaving = (next) => {
    setTimeout(() => {
      if (saving <= 0) return next();
      document.addEventListener("htmx:afterRequest", () => afterSaving(next), { once: true });
    });
  };

  // A row more is a copy of the last one, emptied and numbered on.
  document.querySelector("[data-add-row]")?.addEventListener("click", () => {
    const rows = document.querySelector("[data-rows]");
    const total = document.querySelector("[name$='-TOTAL_FORMS']");
    const copy = rows.lastElementChild.cloneNode(true);
    const number = Number(total.value);
    for (const node of copy.querySelectorAll("[id], [for], [name], [aria-describedby]")) {
      for (const name of ["id", "for", "name", "aria-describedby"]) {
        const value = node.getAttribute(name);
        if (value) node.setAttribute(name, value.replace(/-\d+-/, `-${number}-`));
      }
    }
    for (const field of copy.querySelectorAll("input, textarea")) {
      if (field.type === "checkbox") field.checked = false;
      else field.value = "";
    }
    for (const error of copy.querySelectorAll(".errorlist")) error.remove();
    copy.querySelector("legend").textContent = `Row ${number + 1}`;
    total.value = String(number + 1);
    rows.append(copy);
    copy.querySelector("input").focus();
  });
})();
