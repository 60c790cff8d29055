// The editor of the event page: hears of generations and pictures through the live socket, moves blocks by
// Alt and arrows, and warns before typed text is lost. Without it all works by links and forms.
"use strict";

(function () {
  const editor = document.getElementById("editor");
  const draft = () => document.getElementById("draft");
  const RETRY_MS = [1000, 3000, 10000, 30000];
  let changed = draft().hasAttribute("data-changed");
  let retries = 0;

  document.addEventListener("input", (event) => { if (event.target.closest("#draft")) changed = true; });
  document.addEventListener("submit", (event) => { if (event.target.id === "draft") changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const block = event.target.closest("#draft [data-block]");
    if (!block) return;
    event.preventDefault();
    document.getElementById(`${event.key === "ArrowUp" ? "up" : "down"}-${block.dataset.block}`).click();
  });

  document.addEventListener("htmx:after:swap", () => {
    const note = document.getElementById("draft-note");
    if (draft().hasAttribute("data-changed") && note.textContent && !note.dataset.said) {
      changed = true;
      say(note);
    }
    // A new text is shown at once, unless something was typed that this would throw away.
    const fresh = document.querySelector("[data-fresh]");
    if (fresh && !changed) location.assign(fresh.href);
  });

  // A live region must be there before its text changes.
  function say(note) {
    const text = note.textContent;
    note.dataset.said = "1";
    note.textContent = "";
    setTimeout(() => { note.textContent = text; }, 50);
  }

  const tell = (what) => document.body.dispatchEvent(new CustomEvent(what));

  function listen() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const id = encodeURIComponent(editor.dataset.conference);
    const socket = new WebSocket(`${scheme}//${location.host}/ws/conferences/${id}/live`);
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "generation" || message.type === "conversion") tell(message.type);
      if (message.type === "snapshot") {
        retries = 0;
        for (const waiting of document.querySelectorAll("[data-waiting]")) tell(waiting.dataset.waiting); // missed it
      }
    };
    socket.onclose = (event) => {
      if (event.code === 4401 || event.code === 4403) return;
      // Meanwhile the parts ask by themselves.
      setTimeout(listen, RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)] * (0.5 + Math.random()));
    };
  }
  listen();
})();
