"use strict";
// Everything here is a convenience: each page works without it.

// Times are shown in the zone of the browser, unless its user chose another.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const zoneIsTold = () => document.cookie.split("; ").includes(`zone=${zone}`);
if (zone && !zoneIsTold()) {
  document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  // This page was made before its zone was known. Where cookies are refused it stays as it is.
  const made = document.documentElement.dataset.zone;
  if (made && made !== zone && zoneIsTold()) location.reload();
}

// "2 min" stays true while a page is open.
const AGES = [[3600, 60, "min"], [86400, 3600, "h"], [604800, 86400, "d"]];
setInterval(() => {
  for (const each of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.now() - Date.parse(each.dateTime)) / 1000;
    const age = seconds >= 60 && AGES.find(([limit]) => seconds < limit);
    if (age) each.textContent = `${Math.floor(seconds / age[1])} ${age[2]}`;
  }
}, 30000);

const storeTheme = (theme) => {
  document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  document.documentElement.dataset.theme = theme;
  showTheme();
};

const showTheme = () => {
  const current = document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === current));
  }
};

// Copy: data-copy="#id" takes that element's text, data-copy-text="…" the text itself. Plain http has no clipboard API.
const copy = async (button) => {
  const text = button.dataset.copyText ?? document.querySelector(button.dataset.copy)?.textContent.trim() ?? "";
  if (!(await writeClipboard(text))) return;
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  announce("Copied");
  setTimeout(() => { label.textContent = before; }, 1500);
};

const writeClipboard = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};

const announce = (text) => {
  document.getElementById("announcer").textContent = text;
};

// The side panel: a link with hx-target="#panel" fills it, Esc or [data-panel-close] empties it, focus goes in and comes back.
const panel = () => document.getElementById("panel");
let opener = null;

const closePanel = () => {
  if (!panel()?.firstChild) return false;
  panel().replaceChildren();
  panel().dispatchEvent(new CustomEvent("panel:close", { bubbles: true }));
  opener?.isConnected && opener.focus();
  opener = null;
  return true;
};

const typing = (target) => target.matches("input, textarea, select, [contenteditable]");

const closeMenus = (except) => {
  let closed = false;
  for (const open of document.querySelectorAll("details.menu[open]")) {
    if (open === except) continue;
    open.open = false;
    closed = true;
  }
  return closed;
};

// An image from elsewhere, once somebody asks for it: in a frame whose policy allows that one origin (apps/runs/offsite.py).
const loadImage = (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const frame = document.createElement("iframe");
  Object.assign(frame, { className: "frame", title: link.textContent.replace("Load image", "Image"), referrerPolicy: "no-referrer", credentialless: true, sandbox: "", src: link.href });
  link.previousElementSibling?.append(link.textContent.replace("Load image", ""));
  link.nextElementSibling.focus();
  link.replaceWith(frame);
};

document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  if (hit(".load-image")) loadImage(event, hit(".load-image"));
  closeMenus(hit("details.menu"));
  if (hit("[data-copy], [data-copy-text]")) copy(hit("[data-copy], [data-copy-text]"));
  else if (hit("[data-theme-set]")) storeTheme(hit("[data-theme-set]").dataset.themeSet);
  else if (hit("[data-close]")) hit(".toast, dialog")?.remove();
  else if (hit("[data-panel-close]")) closePanel();
  else if (hit("[data-keys]")) document.getElementById("key-help").showModal();
});

// Keys: data-key="x" on a link, button or field works anywhere on the page while nobody is typing.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    // A choice has nothing typed in it that leaving could keep.
    if (typing(event.target) && !event.target.matches("[type=radio], [type=checkbox]")) event.target.blur();
    else closeMenus() || closePanel();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("key-help")?.showModal();
    return;
  }
  const control = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!control) return;
  event.preventDefault();
  if (typing(control)) {
    control.focus();
    control.select?.();
  } else control.click();
});

// One form, one request: a second press while the first is on its way would create the thing twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method !== "post" || !button) return;
  setTimeout(() => { button.disabled = true; });
  addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const { target, elt } = event.detail;
  if (target?.id === "panel" && !target.contains(elt)) opener = elt;
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "panel") return;
  const heading = panel().querySelector("h2, h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
});

document.addEventListener("htmx:afterRequest", (event) => {
  const button = event.detail.requestConfig?.triggeringEvent?.submitter;
  if (button) button.disabled = false;
});

for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, (event) => {
    const status = event.detail.xhr?.status;
    const text = status === 403 ? "Your role does not allow this." : status ? "That did not work. Reload the page and try again." : "The server cannot be reached.";
    const toast = Object.assign(document.createElement("div"), { className: "toast error", textContent: text });
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), 8000);
  });
}

// Good news goes by itself; what went wrong stays until it is dismissed.
const expireToasts = () => {
  for (const toast of document.querySelectorAll(".toast.success:not([data-expires])")) {
    toast.dataset.expires = "";
    setTimeout(() => toast.remove(), 6000);
  }
};

document.addEventListener("htmx:afterSettle", expireToasts);
expireToasts();
showTheme();
