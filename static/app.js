// What a page needs beyond htmx. Without it everything works by plain forms and reloads.
"use strict";

(() => {
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const PARTS = [[DAY, "d", HOUR, "h"], [HOUR, "h", MINUTE, "min"], [MINUTE, "min", 1, "s"]];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Times, said as webapp/wording.py says them.

  const seconds = (time) => (Date.parse(time.dateTime) - Date.now()) / 1000;

  function ago(passed) {
    if (passed < 2) return "just now";
    const [unit, name] = PARTS.find(([unit]) => passed >= unit) ?? [1, "s"];
    return `${Math.floor(passed / unit)} ${name} ago`;
  }

  function until(wait) {
    if (wait <= 0) return "now";
    const [unit, name, lower, lowerName] = PARTS.find(([unit]) => wait >= unit) ?? [1, "s", 1, ""];
    const rest = Math.floor((wait % unit) / lower);
    return `in ${Math.floor(wait / unit)} ${name}${rest ? ` ${rest} ${lowerName}` : ""}`;
  }

  function tick() {
    const say = (time, text) => { if (time.textContent !== text) time.textContent = text; };
    all("time[data-ago]").forEach((time) => say(time, ago(Math.floor(-seconds(time)))));
    all("time[data-countdown]").forEach((time) => say(time, until(Math.round(seconds(time)))));
  }

  setInterval(tick, 1000);
  document.addEventListener("htmx:after:swap", tick);
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    // A button that is gone after its click must not take the keyboard's place on the page with it.
    if (ctx.request.method !== "GET" && document.activeElement === document.body) {
      document.getElementById("main").focus({ preventScroll: true });
    }
  });

  // On a phone the navigation is wider than the screen: bring the page's own entry into sight.
  const nav = document.querySelector(".nav");
  const current = nav.querySelector("[aria-current]");
  if (current) nav.scrollLeft = current.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;

  // Polling: not while nobody looks, at once when somebody does again.

  const polls = () => all("[hx-trigger^='every']");
  const isPoll = (ctx) => ctx.sourceEvent?.type === "every";
  const pollNow = () => polls().forEach((region) => htmx.trigger(region, "every", {}, false));
  const refresh = () => all("[data-fragment]").forEach((region) =>
    htmx.ajax("GET", region.dataset.fragment, { source: region, target: region, swap: "outerMorph" }));

  document.addEventListener("htmx:before:request", (event) => {
    if (isPoll(event.detail.ctx) && document.hidden) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) pollNow(); });

  // The browser's back button may show a page as it was: ask for what is true now, for final regions too.
  window.addEventListener("pageshow", (event) => {
    const [navigation] = performance.getEntriesByType("navigation");
    if (event.persisted || navigation?.type === "back_forward") refresh();
  });

  // Errors. htmx swaps none of them (noSwap in base.html), so that the page stays as it is; they are said beside it.

  const toasts = document.getElementById("toasts");
  const banner = document.getElementById("away");
  let asking = null;
  let answers = false; // the banner answers what somebody did: no poll may take that back

  function toast(text) {
    const box = Object.assign(document.createElement("div"), { className: "toast" });
    const close = Object.assign(document.createElement("button"), { className: "button quiet", textContent: "Close" });
    close.addEventListener("click", () => box.remove());
    box.append(Object.assign(document.createElement("p"), { textContent: text }), close);
    toasts.replaceChildren(box);
  }

  // A screen reader tells what comes into the region, not what stood in it from the start.
  function announceFlashed() {
    const text = all(".toast", toasts).map((each) => each.textContent).join(" ");
    if (text) setTimeout(() => toast(text), 100);
  }

  announceFlashed();
  document.addEventListener("keydown", ({ key }) => { if (key === "Escape") toasts.replaceChildren(); });

  function away(text, ctx) {
    if (answers && isPoll(ctx)) return;
    answers = !isPoll(ctx);
    banner.textContent = text;
    banner.hidden = false;
    asking ??= setInterval(async () => {
      const answer = await fetch("/partials/pulse", { cache: "no-store" }).catch(() => null);
      if (answer?.ok) back();
    }, 2000);
  }

  function back() {
    clearInterval(asking);
    asking = null;
    answers = false;
    if (banner.hidden) return;
    banner.hidden = true;
    pollNow();
  }

  document.addEventListener("htmx:error", ({ detail }) => {
    if (!detail.ctx) return;
    const kept = isPoll(detail.ctx) ? "" : " Nothing that you typed is lost.";
    away(`Postroom does not answer. This page goes on by itself when it is back.${kept}`, detail.ctx);
  });

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const { status } = ctx.response;
    if (status < 500) back();
    if (status < 400 || (status === 422 && ctx.sourceElement === form())) {
      if (ctx.request.method !== "GET") toasts.replaceChildren();
      return;
    }
    const problem = new DOMParser().parseFromString(ctx.text, "text/html").querySelector("[data-problem]");
    const text = problem?.textContent ?? `Postroom answered ${status}.`;
    if (status >= 500 && isPoll(ctx)) away("Postroom cannot reach Redis. This page goes on by itself when it can.", ctx);
    else if (status === 503) away(text, ctx);
    else if (isPoll(ctx)) location.reload(); // what it shows is gone, and the whole page says so better
    else { toast(text); refresh(); }
    if (status === 413) showFileError(text);
  });

  // Compose.

  const form = () => document.getElementById("compose");

  function instant() {
    const local = document.getElementById("send_at_local")?.value;
    const moment = local ? new Date(local) : null;
    return moment && !isNaN(moment) ? moment.toISOString() : "";
  }

  function describeInstant() {
    const hint = document.getElementById("send_at_local-hint");
    if (!hint) return;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const utc = instant();
    hint.textContent = utc ? `${utc.slice(0, 10)} ${utc.slice(11, 16)} UTC` : `In your time zone, ${zone}. Empty: now.`;
  }

  function tooLarge() {
    const files = [...(document.getElementById("attachments")?.files ?? [])];
    const total = files.reduce((sum, file) => sum + file.size, 0);
    if (total < Number(form().dataset.postLimit)) return false;
    showFileError(`These files are ${Math.round(total / 1e6)} MB together, far too large: send fewer or smaller ones.`);
    return true;
  }

  function showFileError(text) {
    const field = document.getElementById("attachments");
    if (!field) return;
    const error = Object.assign(document.createElement("p"), { className: "error", textContent: text });
    document.getElementById("attachments-error").replaceChildren(error);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", "attachments-hint attachments-error");
    field.focus();
  }

  function setUpCompose() {
    if (!form()) return;
    describeInstant();
    all("details:not([open]) [aria-invalid]", form()).forEach((field) => { field.closest("details").open = true; });
  }

  document.addEventListener("formdata", (event) => {
    if (event.target === form()) event.formData.set("send_at", instant());
  });
  document.addEventListener("submit", (event) => {
    if (event.target === form() && tooLarge()) { event.preventDefault(); event.stopImmediatePropagation(); }
  }, true);
  document.addEventListener("input", (event) => { if (event.target.id === "send_at_local") describeInstant(); });
  document.addEventListener("htmx:after:swap", setUpCompose);
  window.addEventListener("pageshow", setUpCompose);
})();
