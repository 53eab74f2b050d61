// The form of a request: rows come and go without the page being loaded anew, and what was filled in is checked by the
// application as one goes along. Everything works without it.
"use strict";
(() => {
  const LIMIT = 10_000;
  const SETTLED = 400;
  const news = document.getElementById("news");
  const find = () => document.querySelector("form[data-request]");
  if (!find()) return;

  const ask = async (what) => {
    const body = new URLSearchParams(new FormData(find()));
    body.set("do", what);
    const answer = await fetch(find().action, {
      method: "POST", body, headers: { Accept: "text/html" }, signal: AbortSignal.timeout(LIMIT), cache: "no-store", redirect: "manual",
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.querySelector("form[data-request]")) throw new Error("another page");
    return page;
  };

  // -- one more, one less ---------------------------------------------------------------------------------
  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (event.target !== find() || !button || !/^(add|remove) /.test(button.value)) return;
    event.preventDefault();
    const form = event.target;
    try {
      const page = await ask(button.value);
      const open = [...form.querySelectorAll("details[open]")].map((it) => it.id);
      const fresh = document.adoptNode(page.querySelector("form[data-request]"));
      for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
      form.replaceWith(fresh);
      (fresh.querySelector("[autofocus]") ?? fresh).focus();
      if (news) news.textContent = button.value.startsWith("add") ? "One more was added." : "It was removed.";
    } catch {
      // As without script.
      delete form.dataset.sent;
      const what = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: button.value });
      form.append(what);
      form.submit();
    }
  });

  // -- what is wrong, as soon as a field is left ------------------------------------------------------------
  const touched = new Set();
  let timer = 0;
  const check = async () => {
    let page;
    try { page = await ask("check"); } catch { return; }
    for (const name of touched) {
      const field = find().elements[name];
      const old = field?.closest?.(".entry");
      const fresh = page.querySelector(`[data-asked="${CSS.escape(name)}"]`);
      const wrong = fresh?.querySelector(".error");
      if (!old || !fresh) continue;
      const input = fresh.querySelector(`#${CSS.escape(field.id)}`);
      // The application leaves empty rows out: what it says is of this field only if it holds the same.
      if (input && input.value !== field.value) continue;
      old.querySelector(".error")?.remove();
      for (const attribute of ["aria-invalid", "aria-describedby"]) {
        const value = input?.getAttribute(attribute);
        if (value) field.setAttribute(attribute, value); else field.removeAttribute(attribute);
      }
      if (wrong) {
        const before = field.closest(".tick")?.nextSibling ?? field;
        before.before(document.adoptNode(wrong));
        if (news) news.textContent = wrong.textContent;
      }
    }
  };
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!(field instanceof Element) || field.form !== find() || !field.closest("[data-asked]")) return;
    touched.add(field.closest("[data-asked]").dataset.asked);
    clearTimeout(timer);
    timer = setTimeout(check, SETTLED);
  });
})();
