"use strict";
// Turns by key, the view switch that keeps the turn, and polling that rests while nobody looks. The page works without it.

(() => {
  const turns = () => [...document.querySelectorAll(".turn, .branch[id]")];

  // The turn being read: that of the run picked in the tree, or the last one whose top has passed the upper third of the window.
  const current = () => {
    const picked = document.querySelector(".split > .tree [aria-current]")?.closest("ul")?.previousElementSibling;
    const passed = turns().filter((turn) => turn.getBoundingClientRect().top < window.innerHeight / 3);
    return picked ?? passed.at(-1) ?? turns()[0];
  };

  const number = (turn) => turn?.id.replace("turn-", "");

  const walk = (tree, by) => {
    const links = [...tree.querySelectorAll("li:not([hidden]) a")];
    const next = links[links.findIndex((link) => link.hasAttribute("aria-current")) + by];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
    next?.click();
  };

  const step = (by) => {
    const tree = document.querySelector("#panel .tree") ?? document.querySelector(".split > .tree");
    if (tree) return walk(tree, by);
    const all = turns();
    const focused = document.activeElement?.closest?.(".turn");
    const at = all.indexOf(focused ?? current());
    const next = focused || by < 0 || window.scrollY > 40 ? all[at + by] : all[0];
    if (!next) return document.querySelector(by > 0 ? "#later a" : "#earlier a")?.click();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };

  const typing = (target) => target.matches?.("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "o") (document.activeElement?.closest?.(".turn") ?? current())?.querySelector("[data-open-trace]")?.click();
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-toggle-view]");
    const inTree = document.querySelector(".split > .tree");
    const turn = link && (inTree || window.scrollY > 40) ? number(current()) : null;
    if (!turn) return;
    const url = new URL(link.href);
    url.searchParams.set("turn", turn);
    url.hash = `turn-${turn}`;
    link.href = url;
  }, true);

  // Runs with children fold. The buttons come with the script, as they do nothing without it.
  const depth = (row) => Number(row.className.slice(1));

  const fold = (row, folded) => {
    row.querySelector(".fold-runs")?.setAttribute("aria-expanded", String(!folded));
    let deepest = Infinity;
    for (const each of row.parentElement.children) {
      each.hidden = depth(each) > deepest;
      if (!each.hidden) deepest = each.querySelector(".fold-runs[aria-expanded=false]") ? depth(each) : Infinity;
    }
  };

  const addFolds = (root) => {
    for (const row of root.querySelectorAll(".tree li")) {
      const next = row.nextElementSibling;
      if (!next || depth(next) <= depth(row) || row.querySelector(".fold-runs")) continue;
      const button = Object.assign(document.createElement("button"), { className: "fold-runs", type: "button" });
      button.setAttribute("aria-expanded", "true");
      button.setAttribute("aria-label", `Runs of ${row.querySelector(".name").textContent}`);
      row.prepend(button);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".fold-runs");
    if (button) fold(button.closest("li"), button.getAttribute("aria-expanded") === "true");
  });

  document.addEventListener("keydown", (event) => {
    const row = event.target.closest?.(".tree a")?.closest("li");
    if (!row || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    fold(row, event.key === "ArrowLeft");
  });

  addFolds(document);
  document.addEventListener("htmx:afterSwap", (event) => addFolds(event.detail.target));

  // The tree says which run is shown.
  document.addEventListener("htmx:afterRequest", (event) => {
    const link = event.target.closest?.(".tree a");
    if (!link || !event.detail.successful) return;
    link.closest(".tree").querySelectorAll("[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    link.setAttribute("aria-current", "true");
  });

  // Without a fragment, so that following it again loads what is new.
  const asked = new URLSearchParams(location.search).get("turn");
  if (asked && !location.hash) document.getElementById(`turn-${asked}`)?.scrollIntoView({ block: "start" });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches?.("[data-poll]") && document.hidden) event.preventDefault();
  });
})();
