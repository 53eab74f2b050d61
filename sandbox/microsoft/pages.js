"use strict";
// Draws the cards, gives each mail its height, and says what has come since; nothing moves by itself.

for (const frame of document.querySelectorAll("iframe")) {
  const fit = () => {
    const whole = frame.contentDocument && frame.contentDocument.documentElement;
    if (whole) frame.style.height = `${whole.scrollHeight + 8}px`;
  };
  frame.addEventListener("load", fit);
  addEventListener("resize", fit);
  fit();
}

if (globalThis.AdaptiveCards) {
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    // Texts of ours have no markup but backslashes before what would be one.
    const plain = document.createElement("p");
    plain.textContent = text.replace(/\\([^\w\s])/g, "$1");
    result.outputHtml = plain.outerHTML;
    result.didProcess = true;
  };
  for (const post of document.querySelectorAll("[data-cards]")) {
    const drawn = [];
    for (const content of JSON.parse(post.dataset.cards)) {
      const card = new AdaptiveCards.AdaptiveCard();
      card.hostConfig = new AdaptiveCards.HostConfig({ fontFamily: "system-ui, sans-serif" });
      card.onExecuteAction = (action) => {
        if (action instanceof AdaptiveCards.OpenUrlAction && /^https?:/.test(action.url)) {
          open(action.url, "_blank", "noopener");
        }
      };
      card.parse(content || {});
      const element = card.render();
      if (element) drawn.push(element);
    }
    if (drawn.length) post.replaceChildren(...drawn);
  }
}

const newer = document.getElementById("newer");
const look = async () => {
  try {
    const answer = await fetch(document.body.dataset.path, { headers: { Accept: "application/json" } });
    const more = (await answer.json()).length - Number(document.body.dataset.arrived);
    newer.hidden = more === 0;
    newer.href = location.href;
    newer.textContent = more > 0 ? `${more} new: show` : "The sandbox began anew: show";
  } catch {
    // It has stopped; what is shown stays.
  }
};
setInterval(look, 2000);
