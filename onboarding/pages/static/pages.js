// Copy buttons, and pages that keep themselves up to date without moving under the reader. Everything works without it.
"use strict";
(() => {
  const LIMIT = 10_000;
  const news = document.getElementById("news");

  const say = (text) => { if (news) news.textContent = text; };

  // -- copy -----------------------------------------------------------------------------------------------
  const offerCopying = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-copy]");
    if (!button) return;
    const value = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(value.textContent);
      button.dataset.copied = "";
      say("Copied.");
      setTimeout(() => delete button.dataset.copied, 2000);
    } catch {
      getSelection().selectAllChildren(value);
      say("The browser does not let this page copy; the value is selected.");
    }
  });
  offerCopying(document);

  // -- where the picture of the steps has no room, they are read as a list ------------------------------------
  if (matchMedia("screen and (max-width: 46rem)").matches) {
    for (const details of document.querySelectorAll("details[data-open-when-narrow]")) details.open = true;
  }

  // -- a form is sent once ----------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent !== undefined) event.preventDefault();
    form.dataset.sent = "";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // -- many at once -----------------------------------------------------------------------------------------
  const many = document.getElementById("many");
  document.addEventListener("change", (event) => {
    if (!many || !event.target.matches(".pick")) return;
    const count = document.querySelectorAll(".pick:checked").length;
    if (count) many.closest("details").open = true;
    const words = many.querySelector("[data-ticked]");
    words.textContent = `${count} ticked.`;
  });

  // -- a signed link ----------------------------------------------------------------------------------------
  // Its token is in the fragment, which browsers send to no server: it goes on in the form.
  const link = document.querySelector("form[data-link]");
  if (link) {
    const open = () => {
      if (location.hash.length > 1) link.elements.link.value = location.hash.slice(1);
      if (link.elements.link.value) link.submit();
    };
    addEventListener("hashchange", open);
    open();
  }

  // -- up to date -------------------------------------------------------------------------------------------
  const live = document.querySelector("[data-live-page]");
  if (!live) return;

  const isUsed = (part) => {
    const selection = getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(part, true)) return true;
    if (part.contains(document.activeElement) && document.activeElement.matches("input:not(.pick), textarea, select")) return true;
    if ([...part.querySelectorAll("option")].some((o) => o.selected !== o.defaultSelected)) return true;
    return [...part.querySelectorAll("textarea, input:not([type=hidden], .pick)")].some(
      (f) => f.value !== f.defaultValue || (f.type === "checkbox" && f.checked !== f.defaultChecked),
    );
  };

  // What the reader has done to the page, written onto the new part before it takes the old one's place.
  const keep = (old, fresh) => {
    for (const details of old.querySelectorAll("details[id][open]")) {
      const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = true;
    }
    for (const box of old.querySelectorAll("input.pick:checked")) {
      const same = fresh.querySelector(`input.pick[value="${CSS.escape(box.value)}"]`);
      if (same) same.checked = true;
    }
    offerCopying(fresh);
  };

  // Enough to find the focused element again: its place among the elements of its kind.
  const KINDS = "a, button, summary, .pick, [tabindex]";
  const focusIn = (part) => {
    if (part === document.activeElement) return -1;
    return part.contains(document.activeElement) ? [...part.querySelectorAll(KINDS)].indexOf(document.activeElement) : null;
  };

  const replace = (old, fresh) => {
    if (isUsed(old)) return false;
    const focused = focusIn(old);
    const { scrollLeft, scrollTop } = old;
    keep(old, fresh);
    if (old.outerHTML === fresh.outerHTML) return false;
    old.replaceWith(fresh);
    Object.assign(fresh, { scrollLeft, scrollTop });
    if (focused !== null) {
      const target = focused < 0 ? fresh : fresh.querySelectorAll(KINDS)[focused];
      if (target) target.focus({ preventScroll: true });
    }
    return true;
  };

  const tell = (old, fresh, told) => {
    if (fresh.dataset.state && (!old || old.dataset.state !== fresh.dataset.state)) {
      told.push(`${fresh.dataset.name}: ${fresh.dataset.state}`);
    }
  };

  // Rows one by one, so that the others stay the very same elements.
  const replaceRows = (old, fresh, told) => {
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const known = new Map([...old.rows].map((row) => [row.id, row]));
    const staying = new Set([...fresh.rows].map((row) => row.id));
    for (const row of known.values()) if (!staying.has(row.id)) row.remove();
    let place = old.firstElementChild;
    for (const row of [...fresh.rows]) {
      const was = known.get(row.id);
      tell(was, row, told);
      if (!was) { old.insertBefore(document.adoptNode(row), place); continue; }
      if (was === place) place = place.nextElementSibling; else old.insertBefore(was, place);
      replace(was, document.adoptNode(row));
    }
    // A row that was moved lets the focus go.
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  };

  // What is there in some states only stands in a part "around" it: that one changes when others come or go.
  const partsIn = (part) => [...part.querySelectorAll("[data-live][id]")].map((inner) => inner.id).join();

  const refreshed = document.querySelector("[data-refreshed]");
  let timer = 0;
  let running = null;

  const refresh = async () => {
    running = new AbortController();
    const limit = setTimeout(() => running.abort(), LIMIT);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: running.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-live-page]");
      if (!now) throw new Error("another page");
      live.dataset.livePage = now.dataset.livePage;
      const told = [];
      for (const old of document.querySelectorAll("[data-live][id]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh || !old.isConnected) continue;
        if (old.dataset.live === "around") { if (partsIn(old) !== partsIn(fresh)) replace(old, document.adoptNode(fresh)); }
        else if (old.dataset.live === "rows") replaceRows(old, fresh, told);
        else { tell(old, fresh, told); replace(old, document.adoptNode(fresh)); }
      }
      const time = page.querySelector("[data-refreshed]");
      if (refreshed && time) refreshed.replaceChildren(...time.childNodes);
      refreshed?.classList.remove("error");
      if (told.length) say(told.join(". "));
    } catch {
      refreshed?.classList.add("error");
      const text = refreshed?.textContent ?? "";
      if (refreshed && !text.startsWith("Not refreshed")) {
        refreshed.textContent = `Not refreshed. ${text}`;
        say("The page could not be refreshed.");
      }
    } finally {
      clearTimeout(limit);
      running = null;
      plan();
    }
  };

  const plan = () => {
    clearTimeout(timer);
    // Its value is in seconds: how soon there may be something new.
    if (!document.hidden) timer = setTimeout(refresh, live.dataset.livePage * 1000);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !running) refresh();
  });
  plan();
})();
