// Which jobs are selected, while the live list changes under them. Without it the form works by its checkboxes alone.
"use strict";

(() => {
  // On a narrow screen the tabs scroll; not scrollIntoView(), which would move them down by their border as well.
  const tab = document.querySelector("#jobs .tabs [aria-current]");
  const tabs = tab?.parentElement;
  if (tab) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;

  const bar = document.getElementById("selection");
  if (!bar) return;
  const every = document.getElementById("every");
  const chosen = new Map(); // of each selected job: what may be done to it
  let last = null;

  const boxes = () => [...document.querySelectorAll("#jobs input[name=ids]")];
  const list = () => document.getElementById("jobs");
  const more = () => Boolean(document.getElementById("older") || document.getElementById("newest"));

  function pick(box, on) {
    if (on) chosen.set(box.value, box.dataset.verbs.split(" "));
    else chosen.delete(box.value);
  }

  // Jobs that newer ones pushed off the page stay selected; of those on it, what may be done may have changed.
  function follow() {
    const here = new Map(boxes().map((box) => [box.value, box]));
    document.querySelectorAll("#jobs tr[id^=job-]").forEach((row) => {
      const id = row.id.slice(4);
      if (!chosen.has(id)) return;
      if (here.has(id)) pick(here.get(id), true);
      else chosen.delete(id); // it went to a state in which nothing can be done
    });
    return here;
  }

  function show() {
    const here = follow();
    const number = list().dataset.matching ?? "0";
    const atLeast = list().dataset.exact ? "" : "at least ";
    document.getElementById("every-count").textContent = atLeast + number;
    document.getElementById("every-label").hidden = !more() && !every.checked;
    here.forEach((box) => { box.checked = every.checked || chosen.has(box.value); });
    const fallen = [...chosen.keys()].filter((id) => !here.has(id));
    document.getElementById("fallen").replaceChildren(...fallen.map((id) =>
      Object.assign(document.createElement("input"), { type: "hidden", name: "ids", value: id })));
    const text = every.checked ? `${atLeast}${number} selected` : `${chosen.size} selected`;
    const said = document.getElementById("chosen");
    const whole = fallen.length && !every.checked ? `${text}, ${fallen.length} on older pages` : text;
    if (said.textContent !== whole) said.textContent = whole;
    const allowed = new Set([...chosen.values()].flat());
    bar.querySelectorAll("button[name=verb]").forEach((button) => {
      button.hidden = !every.checked && !allowed.has(button.value);
    });
    bar.classList.toggle("shown", every.checked || chosen.size > 0);
    const head = document.getElementById("pick-all");
    if (head) {
      const picked = [...here.values()].filter((box) => box.checked).length;
      head.checked = here.size > 0 && picked === here.size;
      head.indeterminate = picked > 0 && picked < here.size;
      head.disabled = here.size === 0;
    }
  }

  function clear() {
    every.checked = false;
    chosen.clear();
    show();
  }

  document.addEventListener("change", ({ target }) => {
    if (target.id === "pick-all") {
      every.checked = false;
      boxes().forEach((box) => pick(box, target.checked));
    } else if (target.name === "ids" && target.type === "checkbox") {
      if (every.checked) boxes().forEach((box) => pick(box, true));
      every.checked = false;
      pick(target, target.checked);
    } else if (target !== every) return;
    show();
  });

  // With Shift, all from the last one to this one.
  document.addEventListener("click", ({ target, shiftKey }) => {
    if (target.name !== "ids" || target.type !== "checkbox") return;
    const all = boxes();
    const from = all.findIndex((box) => box.value === last);
    if (shiftKey && from >= 0) {
      const [low, high] = [from, all.indexOf(target)].sort((a, b) => a - b);
      all.slice(low, high + 1).forEach((box) => pick(box, target.checked));
    }
    last = target.value;
  });

  document.getElementById("unselect").hidden = false;
  document.getElementById("unselect").addEventListener("click", clear);
  document.addEventListener("htmx:after:swap", show);
  // The back button brings checkboxes back as they were; what they mean is read from them.
  window.addEventListener("pageshow", () => {
    boxes().filter((box) => box.checked).forEach((box) => pick(box, true));
    show();
  });
})();
