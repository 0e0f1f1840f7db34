"use strict";
// Turns by key, the view switch that keeps the turn, and polling that rests while nobody looks. The page works without it.

(() => {
  const turns = () => [...document.querySelectorAll(".turn, .branch[id]")];

  // The turn being read: that of the run picked in the tree, or the last one whose top has passed the upper third of the window.
  const current = () => {
    const picked = document.querySelector(".split > .tree li [aria-current]")?.closest("ul")?.previousElementSibling;
    const passed = turns().filter((turn) => turn.getBoundingClientRect().top < window.innerHeight / 3);
    return picked ?? passed.at(-1) ?? turns()[0];
  };

  const number = (turn) => turn?.id.replace("turn-", "");

  const step = (by) => {
    if (document.querySelector("#panel .tree, .split > .tree")) return; // trace.js walks its runs
    const all = turns();
    const focused = document.activeElement?.closest?.(".turn");
    const at = all.indexOf(focused ?? current());
    const next = focused || by < 0 || window.scrollY > 40 ? all[at + by] : all[0];
    if (!next) return document.querySelector(by > 0 ? "#later a" : "#earlier a")?.click();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };

  const typing = (target) => target.matches?.("input, textarea, select, [contenteditable]");

  // In the trace view the run that is read, else the turn.
  const annotate = () => {
    const turn = document.activeElement?.closest?.(".turn") ?? current();
    (document.querySelector("#panel #run [data-annotate], .split #run [data-annotate]") ?? turn?.querySelector("[data-annotate]"))?.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "o") (document.activeElement?.closest?.(".turn") ?? current())?.querySelector("[data-open-trace]")?.click();
    else if (event.key === "a") annotate();
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

  // Without a fragment, so that following it again loads what is new.
  const asked = new URLSearchParams(location.search).get("turn");
  if (asked && !location.hash) document.getElementById(`turn-${asked}`)?.scrollIntoView({ block: "start" });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches?.("[data-poll]") && document.hidden) event.preventDefault();
  });
})();
