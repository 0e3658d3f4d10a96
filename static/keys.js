// Keyboard shortcuts: "/" searches, "j" and "k" walk through rows, "x" selects one, "g" and a letter goes to a page, "?"
// shows them all. Never while somebody types, and not at all where they are switched off (WCAG 2.1.4).
"use strict";

(() => {
  const OFF = "postroom-keys-off";
  const GO_MS = 1500;
  const help = document.getElementById("help");
  const use = document.getElementById("use-keys");
  let going = 0;

  // A browser may forbid storage; then they are on, and stay so.
  function remembered() {
    try { return localStorage.getItem(OFF) === null; } catch { return true; }
  }

  function remember(on) {
    try { on ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"); } catch { /* for this page alone then */ }
  }

  use.checked = remembered();
  use.addEventListener("change", () => remember(use.checked));
  window.addEventListener("storage", () => { use.checked = remembered(); });

  function showHelp() {
    if (!help.open) help.showModal();
  }

  // Newer browsers open it by the button's own `command`.
  if (!("command" in HTMLButtonElement.prototype)) document.getElementById("help-button").addEventListener("click", showHelp);

  // Rows: the links that open them. The list may change between two keys, so it is looked at anew.
  const rows = () => [...document.querySelectorAll("main .rows a.title, main [data-row]")]
    .filter((row) => row.checkVisibility());

  function walk(step) {
    const all = rows();
    const here = all.findIndex((row) => row === document.activeElement || row.closest("tr")?.contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1);
    all[next]?.focus();
    all[next]?.scrollIntoView({ block: "nearest" });
  }

  function select() {
    document.activeElement.closest("tr, li")?.querySelector("input[type=checkbox]")?.click();
  }

  function search() {
    const field = document.querySelector("main input[type=search], main [data-search]");
    field?.focus();
    field?.select?.();
    return Boolean(field);
  }

  function go(letter) {
    const link = [...document.querySelectorAll(".nav a")].find((each) => each.textContent.trim()[0].toLowerCase() === letter);
    link?.click();
    return Boolean(link);
  }

  const DOES = {
    "/": search,
    "?": showHelp,
    j: () => walk(1),
    k: () => walk(-1),
    x: select,
    g: () => { going = Date.now(); },
  };

  const isTyping = (target) => target.isContentEditable
    || (target.matches("input, textarea, select") && !target.matches("[type=checkbox], [type=radio], [type=button]"));

  document.addEventListener("keydown", (event) => {
    if (!use.checked || event.defaultPrevented || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || isTyping(event.target)) return;
    const gone = Date.now() - going < GO_MS && go(event.key);
    going = 0;
    if (gone || (Object.hasOwn(DOES, event.key) && DOES[event.key]() !== false)) event.preventDefault();
  });
})();
