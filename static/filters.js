"use strict";
// The builder of filters: menus of values by key, focus that goes where the work goes on, Esc. It works without this.

(() => {
  const panel = () => document.getElementById("filter-panel");
  const opener = () => document.getElementById("open-filters");
  const menuOf = (input) => document.getElementById(input.getAttribute("aria-controls"));
  const options = (input) => [...(menuOf(input)?.children ?? [])];
  const selected = (input) => options(input).find((option) => option.getAttribute("aria-selected") === "true");
  const isCombobox = (target) => target.matches?.("[role=combobox]");
  let returnTo = null;
  let pressed = "";

  const showMenu = (input, open) => {
    const menu = menuOf(input);
    if (!menu) return;
    menu.hidden = !open || !menu.children.length;
    input.setAttribute("aria-expanded", String(!menu.hidden));
    if (menu.hidden) select(input, null);
  };

  const select = (input, option) => {
    for (const each of options(input)) each.setAttribute("aria-selected", String(each === option));
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.id = `${input.id}-option-${options(input).indexOf(option)}`;
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const pick = (input, option) => {
    const value = option.dataset.value;
    if ("several" in input.dataset) {
      const before = input.value.includes(",") ? input.value.replace(/,[^,]*$/, ", ") : "";
      input.value = before + (/[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    } else input.value = value;
    showMenu(input, false);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const step = (input, by) => {
    const all = options(input);
    if (!all.length) return;
    showMenu(input, true);
    const at = all.indexOf(selected(input));
    select(input, all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length]);
  };

  const close = () => {
    if (!panel()?.firstElementChild || !opener()) return false;
    panel().replaceChildren();
    opener().setAttribute("aria-expanded", "false");
    (returnTo?.isConnected ? returnTo : opener()).focus();
    return true;
  };

  // Before app.js, for which Esc in a field only leaves the field.
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (isCombobox(input)) {
      const open = !menuOf(input)?.hidden;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") step(input, event.key === "ArrowDown" ? 1 : -1);
      else if (event.key === "Enter" && open && selected(input)) pick(input, selected(input));
      else if (event.key === "Escape" && open) showMenu(input, false);
      else if (event.key === "Escape" && close()) event.stopPropagation();
      else return;
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Escape" && panel()?.contains(input) && !panel().querySelector("details.menu[open]") && close()) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);

  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest(".f-menu > li");
    if (!option) return;
    event.preventDefault();
    pick(document.querySelector(`[aria-controls="${option.parentElement.id}"]`), option);
  });

  // What is shown belongs to what was typed before.
  document.addEventListener("input", (event) => {
    if (!isCombobox(event.target) || !menuOf(event.target)) return;
    menuOf(event.target).replaceChildren();
    showMenu(event.target, false);
  });

  document.addEventListener("focusout", (event) => {
    if (isCombobox(event.target)) showMenu(event.target, false);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#builder button[name=do]");
    if (button) pressed = button.value;
    if (event.target.closest("[data-close-filters]") && close()) event.preventDefault();
  });

  // What is typed while the rows are on their way belongs into the new ones.
  let sent = new Map();
  let late = [];
  const typed = () =>
    [...panel().querySelectorAll("input:not([type=hidden]), textarea")].map((input) => [input.name, input.value]);

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id === "builder" && event.detail.target.id === "filter-panel") sent = new Map(typed());
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "filter-panel" || event.detail.requestConfig.elt.id !== "builder") return;
    late = pressed ? [] : typed().filter(([name, value]) => value !== sent.get(name));
  });

  const takeOver = () => {
    for (const [name, value] of late) {
      const input = panel().querySelector(`input[name="${name}"], textarea[name="${name}"]`);
      if (!input) continue;
      input.value = value;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    late = [];
  };

  // The button of an open panel closes it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target } = event.detail;
    if (target?.id !== "filter-panel" || target.contains(elt)) return;
    if (elt === opener() && document.getElementById("builder")) {
      event.preventDefault();
      close();
    } else returnTo = elt;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.matches(".f-menu")) {
      const input = document.querySelector(`[aria-controls="${target.id}"]`);
      showMenu(input, document.activeElement === input);
    }
    if (target.id === "filter-panel") {
      takeOver();
      settle();
    }
  });

  const settle = () => {
    opener()?.setAttribute("aria-expanded", String(Boolean(document.getElementById("builder"))));
    const rows = [...panel().querySelectorAll(".f-row select")];
    const [verb] = pressed.split(":");
    pressed = "";
    if (verb === "add" || verb === "group") newest()?.querySelector(".f-field")?.focus();
    else if (verb === "remove") (document.getElementById("f-add") ?? rows[0])?.focus();
    else if (!panel().contains(document.activeElement)) firstField()?.focus();
  };

  const newest = () => {
    const numbered = [...panel().querySelectorAll("fieldset[id]")].map((row) => Number(row.id.slice(1)));
    return document.getElementById(`r${Math.max(...numbered)}`);
  };

  const firstField = () =>
    panel().querySelector("[aria-invalid=true], .f-row select, textarea, input:not([type=hidden])");
})();
