// What pages do beyond links and forms, where scripts run. Without them every page is read all the same.
"use strict";
(() => {
  const KEPT = 40;

  // New entries of the log arrive by server-sent events; the id of each is its index, so that a broken connection goes on.
  const live = document.querySelector("[data-live]");
  if (live && window.EventSource) {
    const source = new EventSource(live.dataset.live);
    const state = document.getElementById("live-state");
    const feed = document.getElementById("feed");
    let waiting = 0;
    source.addEventListener("entry", (event) => {
      const row = document.createElement("template");
      row.innerHTML = event.data;
      if (feed) {
        feed.prepend(row.content);
        while (feed.children.length > KEPT) feed.lastElementChild.remove();
      }
      clearTimeout(waiting);
      waiting = setTimeout(() => document.body.dispatchEvent(new Event("grown")), 300);
    });
    const tell = (name) => () => { if (state) state.textContent = state.dataset[name]; };
    source.onopen = tell("on");
    source.onerror = tell("off");
    window.addEventListener("pagehide", () => source.close());
  }

  // The slider of time shows where it would go, and goes there when it is let go.
  for (const slider of document.querySelectorAll("input[data-slider]")) {
    const out = document.getElementById(slider.dataset.slider);
    slider.addEventListener("input", () => { if (out) out.value = slider.value; });
    slider.addEventListener("change", () => slider.form.requestSubmit());
  }

  // Choosing in a form that only looks is enough; its button is for those without scripts.
  for (const form of document.querySelectorAll("form[data-auto]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }
})();
