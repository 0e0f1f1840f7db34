"use strict";
// The tree of runs by key, places in a run's JSON, words marked where they stand. Everything is a link or a form without it.

(() => {
  const typing = (target) => target.matches?.("input, textarea, select, [contenteditable]");
  const busy = (event) => event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]");
  const theTree = () => document.querySelector("#panel .tree") ?? document.querySelector(".split > .tree");
  const make = (name, properties) => Object.assign(document.createElement(name), properties);

  // Folding: the buttons come with the script, as they do nothing without it.
  const depth = (row) => Number(/\bd(\d+)\b/.exec(row.className)[1]);
  const label = (row) => row.querySelector(".name").textContent;

  const hideBelowFolded = (list) => {
    let deepest = Infinity;
    for (const each of list.children) {
      each.hidden = depth(each) > deepest;
      if (!each.hidden) deepest = each.querySelector(".fold-runs[aria-expanded=false]") ? depth(each) : Infinity;
    }
  };

  const fold = (row, folded) => {
    row.querySelector(".fold-runs")?.setAttribute("aria-expanded", String(!folded));
    hideBelowFolded(row.parentElement);
  };

  const foldTurn = (heading, folded) => {
    heading.querySelector(".fold-turn").setAttribute("aria-expanded", String(!folded));
    heading.nextElementSibling.hidden = folded;
  };

  const foldAll = (tree, folded) => {
    tree.querySelectorAll(".fold-runs").forEach((button) => button.setAttribute("aria-expanded", String(!folded)));
    tree.querySelectorAll("ul").forEach(hideBelowFolded);
  };

  const folder = (className, name) => {
    const button = make("button", { className, type: "button" });
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-label", name);
    return button;
  };

  const dress = (root) => {
    for (const tree of root.querySelectorAll(".tree:not([data-dressed])")) {
      tree.dataset.dressed = "";
      for (const row of tree.querySelectorAll("li")) {
        row.setAttribute("aria-level", depth(row) + 1);
        const next = row.nextElementSibling;
        if (next && depth(next) > depth(row)) row.prepend(folder("fold-runs", `Runs of ${label(row)}`));
      }
      for (const heading of tree.querySelectorAll(".branch")) heading.prepend(folder("fold-turn", `Runs of ${heading.firstElementChild.textContent}`));
      if (!tree.querySelector(".fold-runs")) continue;
      const all = make("button", { className: "btn icon-only fold-all", type: "button", title: "Fold or unfold all runs" });
      all.setAttribute("aria-label", "Fold or unfold all runs");
      const icon = tree.querySelector(".tree-bar .icon").cloneNode(true);
      icon.firstElementChild.setAttribute("href", icon.firstElementChild.getAttribute("href").replace(/#.*/, "#fold"));
      all.append(icon);
      tree.querySelector(".tree-bar").append(all);
    }
  };

  // Walking: j and k read the next run, the arrows only go there.
  const shown = (tree) => [...tree.querySelectorAll("ul:not([hidden]) > li:not([hidden]) > a")];

  const read = (link) => {
    if (!link) return;
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest" });
    link.click();
  };

  const step = (tree, by) => {
    const links = shown(tree);
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    read(links[at < 0 && by < 0 ? links.length - 1 : at + by]);
  };

  const parent = (row) => {
    let before = row.previousElementSibling;
    while (before && depth(before) >= depth(row)) before = before.previousElementSibling;
    return before;
  };

  const arrow = (link, key) => {
    const row = link.closest("li");
    const button = row.querySelector(".fold-runs");
    const open = button?.getAttribute("aria-expanded") === "true";
    const links = shown(row.closest(".tree"));
    const at = links.indexOf(link);
    if (key === "ArrowDown") return links[at + 1];
    if (key === "ArrowUp") return links[at - 1];
    if (key === "Home") return links[0];
    if (key === "End") return links.at(-1);
    if (key === "ArrowLeft" && open) return fold(row, true);
    if (key === "ArrowLeft") return parent(row)?.querySelector("a");
    if (button && !open) return fold(row, false);
    return button && links[at + 1];
  };

  document.addEventListener("keydown", (event) => {
    if (busy(event)) return;
    const tree = theTree();
    if (tree && (event.key === "j" || event.key === "k")) {
      event.preventDefault();
      return step(tree, event.key === "j" ? 1 : -1);
    }
    const link = event.target.closest?.(".tree li > a");
    if (!link || !["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    arrow(link, event.key)?.focus();
  });

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    const expanded = (button) => button.getAttribute("aria-expanded") === "true";
    if (hit(".fold-runs")) fold(hit("li"), expanded(hit(".fold-runs")));
    else if (hit(".fold-turn")) foldTurn(hit(".branch"), expanded(hit(".fold-turn")));
    else if (hit(".fold-all")) foldAll(hit(".tree"), Boolean(hit(".tree").querySelector(".fold-runs[aria-expanded=true]")));
    else if (hit("[data-step]")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      step(hit(".tree"), Number(hit("[data-step]").dataset.step));
    }
  }, true);

  // A run is read as the one before it was: the tree's links are older than the choice.
  document.addEventListener("htmx:configRequest", (event) => {
    const pane = document.getElementById("run");
    if (!event.target.closest?.(".tree li > a") || !pane?.dataset.as) return;
    const url = new URL(event.detail.path, location.href);
    for (const [name, value] of [["as", pane.dataset.as === "rendered" ? "" : pane.dataset.as], ["in", pane.dataset.in]]) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    event.detail.path = url.pathname + url.search;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const link = event.target.closest?.(".tree li > a");
    if (!link || !event.detail.successful) return;
    link.closest(".tree").querySelectorAll("[aria-current]").forEach((other) => other.closest("li") && other.removeAttribute("aria-current"));
    link.setAttribute("aria-current", "true");
    link.closest("#panel")?.querySelector("[data-full]")?.setAttribute("href", event.detail.pathInfo.finalRequestPath);
  });

  // The side panel narrows the page: closing it brings back what was under the eyes.
  let before = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { target, elt } = event.detail;
    if (target?.id === "panel" && !target.firstChild) before = { elt, top: elt.getBoundingClientRect().top };
  });
  document.addEventListener("panel:close", () => {
    const was = before;
    before = null;
    requestAnimationFrame(() => was?.elt.isConnected && window.scrollBy(0, was.elt.getBoundingClientRect().top - was.top));
  });

  // Words looked for: the server marks them in JSON and YAML, the browser where Markdown was rendered.
  const ranges = (root, words) => {
    const parts = words.trim().split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const found = [];
    if (!parts.length) return found;
    const pattern = new RegExp(parts.join("\\s+"), "giu");
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode() && found.length < 1000) {
      for (const match of texts.currentNode.data.matchAll(pattern)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, match.index);
        range.setEnd(texts.currentNode, match.index + match[0].length);
        found.push(range);
      }
    }
    return found;
  };

  const unfold = (node) => {
    for (let each = node.parentElement; each; each = each.parentElement) {
      if (each.tagName === "DETAILS") each.open = true;
      const more = each.matches(".folded") && each.nextElementSibling?.querySelector("input");
      if (more) more.checked = true;
    }
  };

  const mark = (move) => {
    const words = document.getElementById("run")?.dataset.find || document.getElementById("found")?.dataset.words || "";
    const roots = [...document.querySelectorAll("#run .field, .turns > .turn")];
    const found = words ? roots.flatMap((root) => ranges(root, words)) : [];
    if (CSS.highlights) CSS.highlights.set("found", new Highlight(...found));
    if (!move) return;
    const turn = document.getElementById(`turn-${document.getElementById("found")?.dataset.turn}`)?.closest(".turn");
    const place = document.getElementById("at") ?? document.querySelector("#run mark");
    const range = found.find((one) => !turn || turn.contains(one.startContainer));
    if (!place && range) unfold(range.startContainer);
    (place ?? range?.startContainer.parentElement ?? turn)?.scrollIntoView({ block: place || range ? "center" : "start" });
  };

  // JSON: a bar of buttons beside the value that is pointed at or walked to.
  const key = (row) => row.querySelector(":scope > .key, :scope > details > summary > .key")?.textContent ?? "";
  const stepsTo = (row) => {
    const steps = [];
    for (let each = row; each; each = each.parentElement.closest(".json li")) {
      steps.unshift(each.parentElement.classList.contains("items") ? Number(key(each)) : key(each));
    }
    return steps;
  };
  const written = (root, steps) => steps.reduce((path, name) => {
    if (typeof name === "number") return `${path}[${name}]`;
    return `${path}${path && "."}${/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)}`;
  }, root);

  const bar = make("span", { className: "json-bar" });
  bar.append(
    make("button", { type: "button", className: "btn small", textContent: "Copy value" }),
    make("button", { type: "button", className: "btn small", textContent: "Copy path" }),
    make("button", { type: "button", className: "btn small", textContent: "Copy link" }),
  );
  bar.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    const row = bar.closest("li");
    if (!button || !row) return;
    event.preventDefault();
    event.stopPropagation();
    const root = row.closest("[data-root]").dataset.root;
    const path = written(root, stepsTo(row));
    const what = [...bar.children].indexOf(button);
    const text = what === 0 ? await valueOf(row) : what === 1 ? path : linkTo(path);
    if (text === null || !(await writeClipboard(text))) return;
    announce("Copied");
    const name = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = name; }, 1200);
  });

  // The page holds the beginning of a large value; the whole one is asked for.
  const valueOf = async (row) => {
    const own = row.querySelector(":scope > .string, :scope > .literal");
    const whole = own && !row.querySelector(":scope > .size");
    if (whole) return own.classList.contains("string") && own.textContent === '""' ? "" : own.textContent;
    const raw = row.closest("[data-raw]")?.dataset.raw;
    if (!raw) return row.querySelector(".peek")?.textContent ?? own?.textContent ?? "";
    const answer = await fetch(raw);
    if (!answer.ok) return null;
    const value = stepsTo(row).reduce((inner, name) => inner?.[name], await answer.json());
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  };

  const linkTo = (path) => {
    const pane = document.getElementById("run");
    const url = new URL(pane.querySelector(".read-bar [aria-current]").href);
    for (const name of ["in", "find", "hit"]) url.searchParams.delete(name);
    url.searchParams.set("as", "json");
    url.searchParams.set("path", path);
    return url.href;
  };

  const point = (row) => {
    if (!row?.closest("[data-root]") || bar.parentElement?.closest("li") === row) return;
    (row.querySelector(":scope > details > summary") ?? row).append(bar);
  };
  document.addEventListener("mouseover", (event) => point(event.target.closest?.(".json li")));
  document.addEventListener("focusin", (event) => {
    if (!bar.contains(event.target)) point(event.target.closest?.(".json li"));
  });

  // One value of each JSON is a tab stop; from there the arrows walk.
  const stop = (row) => row.querySelector(":scope > details > summary") ?? row.querySelector(":scope > .key");
  const visible = (json) => [...json.querySelectorAll("li")].map(stop).filter((each) => each?.checkVisibility());

  const dressJson = (root) => {
    for (const json of root.querySelectorAll("[data-root] .json:not([data-dressed])")) {
      json.dataset.dressed = "";
      json.querySelectorAll("li").forEach((row, index) => stop(row)?.setAttribute("tabindex", index ? "-1" : "0"));
      const heading = json.parentElement.querySelector(":scope > h3");
      if (!heading || !json.querySelector("details")) continue;
      const button = make("button", { type: "button", className: "link small fold-json", textContent: "Unfold all" });
      heading.append(" ", button);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".fold-json");
    if (!button) return;
    const open = button.textContent === "Unfold all";
    button.closest(".field").querySelectorAll(".json details").forEach((each) => { each.open = open; });
    button.textContent = open ? "Fold all" : "Unfold all";
  });

  document.addEventListener("keydown", (event) => {
    const json = event.target.closest?.(".json[data-dressed]");
    if (!json || busy(event) || bar.contains(event.target)) return;
    const details = event.target.tagName === "SUMMARY" ? event.target.parentElement : null;
    const all = visible(json);
    const at = all.indexOf(event.target);
    let next = null;
    if (event.key === "ArrowDown") next = all[at + 1];
    else if (event.key === "ArrowUp") next = all[at - 1];
    else if (event.key === "ArrowLeft" && details?.open) details.open = false;
    else if (event.key === "ArrowLeft") next = stop(event.target.closest("li").parentElement.closest("li") ?? event.target.closest("li"));
    else if (event.key === "ArrowRight" && details && !details.open) details.open = true;
    else if (event.key === "ArrowRight") next = details && all[at + 1];
    else return;
    event.preventDefault();
    if (!next) return;
    event.target.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });

  // Find in thread: Enter and Shift+Enter in the box, n and N anywhere else. The page is another one then, the box keeps the focus.
  const REFOCUS = "find-focus";
  const go = (by, stay) => {
    const link = document.querySelector(`#found [data-hit="${by}"]`);
    if (!link) return false;
    if (stay) sessionStorage.setItem(REFOCUS, "1");
    link.click();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.("#find-box");
    if (box && event.key === "Enter") {
      const same = box.value.trim() === (document.getElementById("found")?.dataset.words ?? "");
      if (same && go(event.shiftKey ? -1 : 1, true)) event.preventDefault();
      else sessionStorage.setItem(REFOCUS, "1");
    } else if (!busy(event) && event.key.toLowerCase() === "n" && go(event.key === "n" ? 1 : -1)) event.preventDefault();
  });

  if (sessionStorage.getItem(REFOCUS)) {
    sessionStorage.removeItem(REFOCUS);
    // After the browser has gone to the fragment, which takes the focus.
    addEventListener("load", () => requestAnimationFrame(() => document.getElementById("find-box")?.focus({ preventScroll: true })));
  }

  dress(document);
  dressJson(document);
  mark(Boolean(document.getElementById("at") ?? document.getElementById("found")?.dataset.turn));
  document.addEventListener("htmx:afterSwap", (event) => {
    const root = event.detail.target.isConnected ? event.detail.target : document;
    dress(root);
    dressJson(document);
    mark(event.detail.target.id === "run" && Boolean(document.getElementById("run")?.dataset.find));
  });
})();
