// Times as the reader's clock has them. Pages are written in UTC, which stays in `datetime` and in the tooltip.
"use strict";
(() => {
  const MOMENT = /\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d UTC/;
  const DAY = /^\d{1,2} [A-Z][a-z]{2} \d{4}$/;
  const day = { day: "numeric", month: "short", year: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" };
  const days = new Intl.DateTimeFormat("en-GB", day);
  const moments = new Intl.DateTimeFormat("en-GB", { ...day, ...clock });
  const zone = moments.resolvedOptions().timeZone;

  globalThis.localTimes = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.dataset.local = "";
      const text = time.textContent.trim();
      if (MOMENT.test(text)) {
        time.textContent = text.replace(MOMENT, moments.format(at));
        time.title = text;
        continue;
      }
      if (DAY.test(text)) time.textContent = days.format(at);
      if (time.title) time.title = time.title.replace(MOMENT, (utc) => `${moments.format(at)} (${utc})`);
    }
    const told = root.querySelector("[data-times]");
    if (told) told.textContent = `Times are in your time zone (${zone}), UTC when you point at them`;
  };
  globalThis.localTimes(document);
})();
